"""Fixtures: the processes of a test, the stores, and the services under test as factories."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.certificates import CertificateAuthority
from harness.lumberjack import Receiver
from harness.peers import NoidaDB, OsmemServer
from harness.processes import ProcessGroup
from harness.services import APMServer, Ingest, Shipper
from harness.store import BulkStore

FIXTURES = Path(__file__).resolve().parents[1] / "Fixtures"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Adds the end of every process' output to the report of a failed test."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.when == "call" and report.failed and "processes" in getattr(item, "funcargs", {}):
        report.sections.append(("child processes", item.funcargs["processes"].tails()))


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[ProcessGroup]:
    """The child processes of this test, in a folder of its own; killed at its end."""
    group = ProcessGroup(tmp_path)
    yield group
    group.close()


@pytest.fixture
def randomness(request: pytest.FixtureRequest) -> random.Random:
    """Chance with a seed that is the test's name: every run takes the same decisions. SEED=text takes others."""
    return random.Random(request.node.name + os.environ.get("SEED", ""))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the log file of this test is written; its folder exists and is empty."""
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder / "access.log"


@pytest.fixture
def store(processes: ProcessGroup) -> BulkStore:
    """A running bulk store."""
    return BulkStore(processes).start()


@pytest.fixture
def noida(processes: ProcessGroup) -> NoidaDB:
    """A running stand-in for Elasticsearch."""
    database = NoidaDB(processes)
    database.start()
    return database


@pytest.fixture
def osmem(processes: ProcessGroup) -> OsmemServer:
    """A running stand-in for OpenSearch."""
    database = OsmemServer(processes)
    database.start()
    return database


@pytest.fixture
def start_ingest(processes: ProcessGroup) -> Callable[..., Ingest]:
    """Starts an ingest: `start_ingest(store.url, {configuration changes}, name="ingest")`."""

    def start(*store_urls: str, changes: dict[str, Any] | None = None, name: str = "ingest") -> Ingest:
        ingest = Ingest(processes, store_urls, changes, name)
        ingest.start()
        return ingest

    return start


@pytest.fixture
def start_shipper(processes: ProcessGroup) -> Callable[..., Shipper]:
    """Starts a shipper: `start_shipper([paths], port, …)`."""

    def start(paths: list[Path], *ports: int, **details: Any) -> Shipper:
        shipper = Shipper(processes, paths, ports, **details)
        shipper.start()
        return shipper

    return start


@pytest.fixture
def start_apm_server(processes: ProcessGroup) -> Callable[..., APMServer]:
    """Starts an apm-server: `start_apm_server(store.url, changes={configuration changes})`."""

    def start(*store_urls: str, changes: dict[str, Any] | None = None, name: str = "apm-server") -> APMServer:
        server = APMServer(processes, store_urls, changes, name)
        server.start()
        return server

    return start


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A well-behaved reference receiver."""
    with Receiver() as server:
        yield server


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """A certificate authority for the session."""
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))
