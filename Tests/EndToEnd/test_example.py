"""The example of compose: its nginx, its shop under Elastic's agent, its visitors, with our services in between."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from harness.ports import free_port, is_listening
from harness.processes import ChildProcess, ProcessGroup
from harness.services import REPOSITORY, APMServer, Ingest, Shipper
from harness.store import BulkStore
from harness.waiting import wait_until

DEPLOY = REPOSITORY / "deploy"


def test_visitors_become_documents(
    processes: ProcessGroup,
    store: BulkStore,
    start_ingest: Callable[..., Ingest],
    start_shipper: Callable[..., Shipper],
    start_apm_server: Callable[..., APMServer],
    tmp_path: Path,
) -> None:
    """Lines of nginx with the visitors' addresses, and transactions of the app that came with the token from a file."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    assert program, "nginx is not installed: run make setup"
    token = tmp_path / "secret-token"
    token.write_text("s3cret\n")
    server = start_apm_server(store.url, changes={"auth": {"secret_token": "s3cret"}})
    shop, site = free_port(), free_port()
    app = ChildProcess(
        "shop", [sys.executable, DEPLOY / "demo/flask_shop.py", str(shop), server.url], processes.folder,
        is_ready=lambda: is_listening(shop), ready_seconds=40,
    )  # fmt: skip
    app.environment = {"APM_SECRET_TOKEN_FILE": str(token)}
    processes.add(app).start()
    text = (DEPLOY / "example/nginx.conf").read_text()
    for before, after in (("/tmp/", f"{tmp_path}/"), ("/var/log/example", str(tmp_path)), ("shop:8000", f"127.0.0.1:{shop}"), ("listen 8080", f"listen 127.0.0.1:{site}")):
        assert before in text
        text = text.replace(before, after)
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(f"daemon off;\nmaster_process off;\n{text}")
    nginx = ChildProcess(
        "nginx", [program, "-e", tmp_path / "error.log", "-c", configuration], processes.folder, is_ready=lambda: is_listening(site)
    )
    processes.add(nginx).start()
    ingest = start_ingest(store.url)
    start_shipper([tmp_path / "access.log"], ingest.port)
    visitors = ChildProcess(
        "visitors", [sys.executable, DEPLOY / "example/visit.py", f"http://127.0.0.1:{site}"], processes.folder, is_ready=lambda: True
    )
    visitors.environment = {"PYTHONPATH": str(DEPLOY / "demo")}
    processes.add(visitors).start()

    def sources(index: str) -> list[dict]:
        return [document.source for document in store.documents() if document.index.startswith(index)]

    wait_until(lambda: len(sources("nginx-")) >= 8 and sources("traces-apm"), 40, "lines and transactions")
    assert visitors.terminate() in (0, -15)
    lines = sources("nginx-")
    assert not any("tags" in line for line in lines)
    assert all(line["source"]["ip"] != "127.0.0.1" for line in lines), "the addresses are the visitors'"
    assert len({line["user_agent"]["original"] for line in lines}) > 1
    names = {trace["service"]["name"] for trace in sources("traces-apm")}
    assert names == {"flask-shop"}
    assert not re.search(r"Unauthorized|401", app.output())
