"""What the services tell systemd over the socket of sd_notify(3); the test is the service manager."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.loglines import append, lines
from harness.lumberjack import Receiver
from harness.processes import ProcessGroup
from harness.services import APMServer, Ingest, Shipper, StoringService
from harness.store import BulkStore
from harness.waiting import wait_until


class Manager:
    """The end of the socket that systemd has."""

    def __init__(self, address: str | bytes) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(10)

    def next(self) -> dict[str, str]:
        """The next datagram, by name."""
        return dict(line.split("=", 1) for line in self.socket.recv(65_536).decode().splitlines())

    def next_with(self, name: str) -> dict[str, str]:
        """The next datagram that has this name."""
        while True:
            message = self.next()
            if name in message:
                return message


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Manager, str]]:
    """A manager and the name of its socket."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@shipper-test-{os.getpid()}-{time.monotonic_ns()}"
    listening = Manager(name.replace("@", "\0", 1) if name[0] == "@" else name)
    yield listening, name
    listening.socket.close()


def supervised(processes: ProcessGroup, paths: list[Path], port: int, **environment: str) -> Shipper:
    """A shipper that finds these variables."""
    shipper = Shipper(processes, paths, [port])
    shipper.process.environment = environment
    return shipper


def test_a_life(manager: tuple[Manager, str], receiver: Receiver, processes: ProcessGroup, log: Path) -> None:
    """Ready, a status, a reload, a stop: in this order, and no watchdog that nobody asked for."""
    listening, name = manager
    append(log, lines(range(10)))
    shipper = supervised(processes, [log], receiver.port, NOTIFY_SOCKET=name)
    shipper.start()
    assert listening.next() == {"READY": "1"}
    status = listening.next()["STATUS"]
    assert re.fullmatch(r"1 file, \d+ bytes behind, (not )?connected", status)
    receiver.wait_for(lambda: len(receiver.acknowledged_events) == 10, 10, "the lines")
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    shipper.process.signal(signal.SIGHUP)
    reloading = listening.next_with("RELOADING")
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert reloading["RELOADING"] == "1" and before <= int(reloading["MONOTONIC_USEC"]) <= after
    assert listening.next_with("READY") == {"READY": "1"}
    assert shipper.process.terminate() == 0
    assert listening.next_with("STOPPING") == {"STOPPING": "1"}


def test_the_watchdog_is_fed_by_the_loop(receiver: Receiver, processes: ProcessGroup, log: Path, tmp_path: Path) -> None:
    """At half of the interval while nothing happens; not at all while the process stands still."""
    log.touch()
    listening = Manager(str(tmp_path / "notify"))
    shipper = supervised(processes, [log], receiver.port, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="600000")
    shipper.configure({"inputs": [{"paths": [str(log)], "scan_interval": "1h"}]})
    shipper.start()
    moments = []
    for _ in range(4):
        assert listening.next_with("WATCHDOG") == {"WATCHDOG": "1"}
        moments.append(time.monotonic())
    gaps = [later - earlier for earlier, later in zip(moments, moments[1:])]
    assert all(0.15 < gap < 0.6 for gap in gaps), gaps
    shipper.process.pause()
    listening.socket.settimeout(0.9)
    with pytest.raises(TimeoutError):
        while True:
            listening.next_with("WATCHDOG")
    shipper.process.resume()
    listening.socket.settimeout(10)
    listening.next_with("WATCHDOG")
    listening.socket.close()


def test_another_process_is_watched(receiver: Receiver, processes: ProcessGroup, log: Path, tmp_path: Path) -> None:
    """WATCHDOG_PID names who is meant; and without a watchdog an idle shipper is not woken for it."""
    log.touch()
    listening = Manager(str(tmp_path / "notify"))
    shipper = supervised(
        processes, [log], receiver.port,
        NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="200000", WATCHDOG_PID="1",
    )  # fmt: skip
    shipper.start()
    listening.next_with("READY")
    listening.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        while "WATCHDOG" not in listening.next():
            pass
    listening.socket.close()


def test_a_manager_that_is_gone_does_no_harm(receiver: Receiver, processes: ProcessGroup, log: Path, tmp_path: Path) -> None:
    append(log, lines(range(10)))
    shipper = supervised(processes, [log], receiver.port, NOTIFY_SOCKET=str(tmp_path / "nobody"), WATCHDOG_USEC="100000")
    shipper.start()
    receiver.wait_for(lambda: len(receiver.acknowledged_events) == 10, 10, "the lines")
    wait_until(lambda: shipper.process.has_logged("the service manager cannot be told"), 10, "a warning")
    assert shipper.process.terminate() == 0


def test_a_life_of_ingest(processes: ProcessGroup, store: BulkStore, tmp_path: Path) -> None:
    """Ready once its ports are open, a reload that is refused and one that is not, a stop."""
    listening = Manager(str(tmp_path / "notify"))
    ingest = Ingest(processes, [store.url])
    ingest.process.environment = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    ingest.start()
    assert listening.next() == {"READY": "1"}
    good = ingest.configuration_path.read_text()
    for text in ("no_such_key: 1", good):
        ingest.configuration_path.write_text(text)
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        ingest.process.signal(signal.SIGHUP)
        reloading = listening.next()
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        assert reloading["RELOADING"] == "1" and before <= int(reloading["MONOTONIC_USEC"]) <= after
        assert listening.next() == {"READY": "1"}
    assert (ingest.reloads()["failures"], ingest.reloads()["successes"]) == (1, 1)
    assert ingest.process.terminate() == 0
    assert listening.next() == {"STOPPING": "1"}
    listening.socket.close()


def test_a_life_of_apm_server(processes: ProcessGroup, store: BulkStore, tmp_path: Path) -> None:
    """Ready once its port is open, and a stop."""
    listening = Manager(str(tmp_path / "notify"))
    server = APMServer(processes, [store.url])
    server.process.environment = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    server.start()
    assert listening.next() == {"READY": "1"}
    assert server.process.terminate() == 0
    assert listening.next() == {"STOPPING": "1"}
    listening.socket.close()


@pytest.mark.parametrize("kind", [Ingest, APMServer])
def test_the_watchdog_is_fed_while_all_workers_turn(
    kind: type[StoringService], processes: ProcessGroup, store: BulkStore, tmp_path: Path
) -> None:
    listening = Manager(str(tmp_path / "notify"))
    service = kind(processes, [store.url])
    service.process.environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "600000"}
    service.start()
    moments = []
    for _ in range(4):
        assert listening.next_with("WATCHDOG") == {"WATCHDOG": "1"}
        moments.append(time.monotonic())
    assert all(later - earlier < 0.6 for earlier, later in zip(moments, moments[1:])), moments
    service.process.pause()
    listening.socket.settimeout(0.9)
    with pytest.raises(TimeoutError):
        while True:
            listening.next_with("WATCHDOG")
    service.process.resume()
    listening.socket.settimeout(10)
    listening.next_with("WATCHDOG")
    listening.socket.close()
