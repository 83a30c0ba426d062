"""The pipelines that exist without configuration, from the program's own mouth and through its ports."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import FIXTURES
from harness.conformance import ExpectedLog, report
from harness.lumberjack import Sender, event_window
from harness.peers import geoip_database
from harness.ports import free_port
from harness.processes import ProcessGroup
from harness.services import REPOSITORY, USER_AGENT_REGEXES, Ingest, Shipper, run_to_end
from harness.store import BulkStore
from harness.waiting import wait_until

LOGS = FIXTURES / "logs"
REAL = FIXTURES / "logs-real"


def parse(folder: Path, pipeline: str, lines: bytes, **settings: Any) -> list[dict[str, Any]]:
    """What `ingest parse` prints for lines, with databases of this machine."""
    configuration: dict[str, Any] = {
        "data_directory": str(folder),
        "geoip": {"database": str(geoip_database())},
        "user_agent": {"regexes": str(USER_AGENT_REGEXES)},
    }
    if settings:
        configuration["pipelines"] = {pipeline: settings}
    path = folder / "ingest.yml"
    path.write_text(yaml.safe_dump(configuration))
    completed = run_to_end("ingest", "parse", "--pipeline", pipeline, "--config", path, stdin=lines)
    assert completed.returncode == 0, completed.stderr.decode()
    # Elasticsearch refuses a document in which an object has a key twice.
    return [json.loads(line, object_pairs_hook=unique) for line in completed.stdout.decode("utf-8").splitlines()]


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({key for key, _ in pairs}) == len(pairs), f"a key stands there twice: {pairs}"
    return dict(pairs)


@pytest.mark.parametrize(
    ("name", "pipeline", "settings"),
    [
        ("nginx-error", "nginx-error", {}),
        ("nginx-json", "nginx-json", {"trusted_proxies": ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "114.114.114.114"]}),
        ("gunicorn-access", "gunicorn-access", {}),
        ("ecs-json-lines", "python-json", {}),
        ("ecs-json-lines", "json", {}),
        ("nginx-combined", "apache", {}),
    ],
)
def test_single_lines_become_the_expected_documents(tmp_path: Path, name: str, pipeline: str, settings: dict[str, Any]) -> None:
    expected = ExpectedLog(LOGS, name)
    documents = parse(tmp_path, pipeline, expected.log_path.read_bytes(), **settings)
    assert len(documents) == len(expected.events)
    differences = expected.differences(dict(enumerate(documents, start=1)), lookups=True)
    differences = [difference for difference in differences if pipeline != "apache" or difference.field != "nginx.access.remote_ip_list"]
    assert not differences, report(differences)
    assert not [document for document in documents if "tags" in document]


def test_an_example_of_each_pipeline_in_its_document(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "ingest.md").read_text()
    chapter = page.split("## Ready pipelines\n")[1].split("\n## ")[0]
    table = re.findall(r"^\| `([a-z-]+)` \| .* \| `([a-z]+)` \|", chapter, re.MULTILINE)
    examples = re.findall(r"^([a-z-]+) +(.+)$", chapter.split("```text\n")[1].split("```")[0], re.MULTILINE)
    assert [name for name, _ in table] == [name for name, _ in examples]
    help_text = run_to_end("ingest", "check", "--set", "inputs=[{pipeline: none, port: 0}]").stderr.decode()
    for name, line in examples:
        assert name in help_text
        (document,) = parse(tmp_path, name, line.encode())
        assert "tags" not in document and "error" not in document or document["error"] == {"code": "111"}, document
        assert document.get("message" if name == "plain" else "event") is not None


@pytest.mark.parametrize(
    ("name", "pipeline"),
    [("nginx-error", "nginx-error"), ("gunicorn-access", "gunicorn-access"), ("nginx-access-json", "nginx-json")],
)
def test_bytes_of_real_servers_are_understood(tmp_path: Path, name: str, pipeline: str) -> None:
    """Among them are lines that are no UTF-8, and control bytes."""
    lines = (REAL / f"{name}.log").read_bytes()
    documents = parse(tmp_path, pipeline, lines)
    assert len(documents) == lines.count(b"\n")
    assert not [document for document in documents if "tags" in document]
    assert all(document["@timestamp"].startswith("2026-11-22T10:") for document in documents)


@pytest.mark.parametrize(
    ("name", "dataset", "types"),
    [
        ("gunicorn-error", "gunicorn.error", ["KeyError", "RuntimeError"]),
        ("flask-dev-server", "flask", ["KeyError", "RuntimeError"]),
        ("django-runserver", "django", ["KeyError"]),
    ],
)
def test_python_servers_from_file_to_store(
    store: BulkStore,
    processes: ProcessGroup,
    start_shipper: Callable[..., Shipper],
    log: Path,
    name: str,
    dataset: str,
    types: list[str],
) -> None:
    """The shipper's rules for the dataset join the lines that the pipeline then understands."""
    text = (REAL / f"{name}.log").read_bytes().decode()
    log.write_text(text)
    ingest = Ingest(processes, [store.url], {"inputs": []})
    pipeline = dataset.replace(".", "-")
    ingest.configure({"inputs": [{"port": ingest.port, "host": "127.0.0.1", "pipeline": pipeline}]})
    ingest.start()
    start_shipper([log], ingest.port, input_changes={"dataset": dataset})
    lines = [line for line in text.split("\n") if line]

    def stored_lines() -> list[str]:
        sources = sorted((document.source for document in store.documents()), key=lambda source: source["log"]["offset"])
        return [line for source in sources for line in source["event"]["original"].split("\n") if line]

    wait_until(lambda: len(stored_lines()) >= len(lines), 20, "every line in the store")
    assert stored_lines() == lines
    sources = [document.source for document in store.documents()]
    assert not [source for source in sources if "tags" in source]
    assert all(source["event"]["dataset"] == dataset and source["message"] for source in sources)
    errors = sorted((source for source in sources if "error" in source), key=lambda source: source["log"]["offset"])
    assert [source["error"]["type"] for source in errors] == types
    assert len({source["error"]["grouping_key"] for source in errors}) == len(types)
    store.assert_no_violations()


def test_several_ports_each_with_its_pipeline(store: BulkStore, processes: ProcessGroup) -> None:
    ports = [free_port() for _ in range(3)]
    inputs = [
        {"port": port, "host": "127.0.0.1", "pipeline": pipeline}
        for port, pipeline in zip(ports, ["nginx-error", "gunicorn-error", "shop"], strict=True)
    ]
    # The input that it has anyway, for which the harness waits, is the last one.
    ingest = Ingest(processes, [store.url], name="ingest")
    ingest.configure(
        {
            "inputs": inputs + ingest.configuration["inputs"],
            "pipelines": {"shop": {"format": "python-json", "index": "shop", "timezone": "+01:00"}},
        }
    )
    ingest.start()
    exception = 'it failed\nTraceback (most recent call last):\n  File "/a.py", line 1, in f\nKeyError: 1'
    messages = [
        "2026/11/22 10:13:41 [error] 17#17: *3 access forbidden by rule, client: 192.0.2.1, server: a",
        f"[2026-11-22 10:14:47,121] ERROR in app: {exception}",
        json.dumps({"asctime": "2026-11-22 10:14:47,092", "levelname": "ERROR", "message": "x", "exc_info": exception.partition("\n")[2]}),
    ]
    for port, message in zip(ports, messages, strict=True):
        with Sender(port) as sender:
            sender.send(event_window([{"@timestamp": "2026-11-22T12:00:00Z", "message": message, "event": {"dataset": "own"}}]))
            sender.wait_for_ack(1)
    documents = {document.index: document.source for document in store.documents()}
    assert set(documents) == {"nginx-2026.11.22", "gunicorn-2026.11.22", "shop-2026.11.22"}
    assert documents["nginx-2026.11.22"]["source"] == {"address": "192.0.2.1", "ip": "192.0.2.1"}
    shop, gunicorn = documents["shop-2026.11.22"], documents["gunicorn-2026.11.22"]
    assert shop["@timestamp"] == "2026-11-22T09:14:47.092Z"
    assert {document["event"]["dataset"] for document in documents.values()} == {"own"}
    # The same exception, logged in two ways.
    assert gunicorn["error"] == shop["error"]
    assert gunicorn["error"]["type"] == "KeyError"
    store.assert_no_violations()
