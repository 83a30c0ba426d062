"""Starts and ends of apm-server: nothing that was answered 202 is lost by a stop, and what cannot start says why."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.apm import INTAKE, gzipped, metadata, ndjson, post, transaction
from harness.disks import small_file_system
from harness.processes import ProcessGroup
from harness.services import APMServer
from harness.store import BulkStore
from harness.waiting import wait_until
from test_apm_crash import QUICK_SPOOL, Senders, assert_exact

StartAPMServer = Callable[..., APMServer]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB; skips where mounting is not allowed."""
    with small_file_system(tmp_path / "small-disk", "2m") as folder:
        yield folder


def cannot_start(server: APMServer, seconds: float = 10) -> str:
    """Starts it, expects that it ends with 1 in time, and answers what it says."""
    server.process.start(wait=False)
    assert server.process.wait(seconds) == 1
    reasons = [line["labels"]["reason"] for line in server.logs() if line["message"] == "cannot start"]
    assert reasons, server.process.tail()
    server.assert_log_is_clean()
    return reasons[-1]


@pytest.mark.parametrize("is_store_up", [True, False], ids=["store up", "store down"])
def test_stops_under_load(
    is_store_up: bool, store: BulkStore, start_apm_server: StartAPMServer, randomness: random.Random
) -> None:
    """SIGTERM while eight agents send, again and again: it ends in time, and every 202 is kept."""
    server = start_apm_server(store.url, changes=QUICK_SPOOL | {"shutdown_timeout": "4s"})
    if not is_store_up:
        store.process.kill()
    senders = Senders(server)
    for turn in range(3):
        wait_until(lambda: len(senders.accepted) > 50 * (turn + 1), 20, "accepted events")
        time.sleep(randomness.uniform(0.1, 0.5))
        begin = time.monotonic()
        assert server.process.terminate() == 0
        assert time.monotonic() - begin < 8
        server.start()
    senders.stop()
    if not is_store_up:
        store.start()
    assert_exact(store, senders.accepted)
    server.assert_log_is_clean()


def test_stop_with_a_store_that_hangs(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """A stopped store (not a dead one) does not hold the end up beyond its time."""
    server = start_apm_server(store.url, changes=QUICK_SPOOL | {"shutdown_timeout": "3s"})
    senders = Senders(server)
    wait_until(lambda: len(senders.accepted) > 50, 20, "accepted events")
    store.process.pause()
    time.sleep(0.5)
    begin = time.monotonic()
    assert server.process.terminate() == 0
    assert time.monotonic() - begin < 8
    senders.stop()
    store.process.resume()
    server.start()
    assert_exact(store, senders.accepted)


def test_kills_while_the_store_comes_and_goes(
    store: BulkStore, start_apm_server: StartAPMServer, randomness: random.Random
) -> None:
    """kill -9 at any moment while the spool fills, is replayed and emptied: no loss, no doubles."""
    server = start_apm_server(store.url, changes={"spool": {"after": "50ms"}})
    senders = Senders(server)
    for _ in range(6):
        store.process.pause()
        time.sleep(randomness.uniform(0.05, 0.5))
        if randomness.random() < 0.5:
            server.process.kill()
            server.start()
        store.process.resume()
        time.sleep(randomness.uniform(0.05, 0.5))
        if randomness.random() < 0.5:
            server.process.kill()
            server.start()
    # A disk may be slow to sync, but not for ever.
    wait_until(lambda: len(senders.accepted) > 100, 20, "accepted events")
    senders.stop()
    assert_exact(store, senders.accepted)
    wait_until(lambda: server.metrics()["apm_server_spool_records"] == 0, 20, "an empty spool")


def test_full_disk_under_the_spool(small_disk: Path, store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """No room for the spool: agents hear 503, health says why, nothing accepted is lost, and it mends itself."""
    changes = {"spool": {"after": "100ms"}, "data_directory": str(small_disk / "data")}
    server = start_apm_server(store.url, changes=changes)
    store.process.kill()
    accepted: list[int] = []
    statuses: list[int] = []
    for number in range(0, 40_000, 500):
        numbers = range(number, number + 500)
        answer = post(server.port, gzipped(ndjson(metadata(), *map(transaction, numbers))), f"{INTAKE}?verbose")
        statuses.append(answer.status)
        if answer.status == 202:
            accepted += numbers
        else:
            assert answer.status == 503, answer
            break
    assert accepted and statuses[-1] == 503
    status, text = server.health()
    assert status == 503 and "No space left" in text
    # Killed with the disk full, it comes back.
    server.process.kill()
    server.start()
    store.start()
    wait_until(lambda: server.metrics()["apm_server_spool_records"] == 0, 30, "an empty spool")
    found = {int(d.source["transaction"]["id"], 16) for d in store.documents() if d.index.startswith("traces-apm")}
    assert set(accepted) <= found
    wait_until(lambda: server.health()[0] == 200, 20, "health")
    assert post(server.port, ndjson(metadata(), transaction(999_999))).status == 202
    assert server.process.terminate() == 0


def test_a_damaged_spool(store: BulkStore, start_apm_server: StartAPMServer, randomness: random.Random) -> None:
    """Bytes of the spool changed by hand: those batches are set aside, the others are stored, and it says so."""
    server = start_apm_server(store.url, changes=QUICK_SPOOL)
    store.process.kill()
    for number in range(20):
        assert post(server.port, ndjson(metadata(), transaction(number))).status == 202
    server.process.kill()
    (segment,) = (server.data_directory / "spool").glob("*.spool")
    data = bytearray(segment.read_bytes())
    places = [data.find(f"{number:016x}".encode()) for number in (3, 11)]
    for place in places:
        data[place] ^= 0xFF
    # And a torn record at the end, as a crash leaves it.
    segment.write_bytes(data + data[8:50])
    (segment.parent / "0000000077.spool").write_bytes(bytes(randomness.randrange(256) for _ in range(5000)))
    (segment.parent / "0000000078.spool").write_bytes(b"")
    (segment.parent / "0000000079.done").write_bytes(b"12345")
    (segment.parent / "notes.txt").write_text("by hand")
    server.start()
    store.start()
    wait_until(lambda: server.metrics()["apm_server_spool_records"] == 0, 20, "an empty spool")
    found = sorted(int(d.source["transaction"]["id"], 16) for d in store.documents() if d.index.startswith("traces-apm"))
    assert found == [number for number in range(20) if number not in (3, 11)]
    damaged = list(segment.parent.glob("*.damaged"))
    assert len(damaged) >= 2 and any(f"{3:016x}"[1:].encode() in path.read_bytes() for path in damaged)
    assert post(server.port, ndjson(metadata(), transaction(100))).status == 202
    store.assert_no_violations()
    server.assert_log_is_clean()


def test_two_on_one_data_directory(store: BulkStore, start_apm_server: StartAPMServer, processes: ProcessGroup) -> None:
    """The second does not start and says why; the first does not notice."""
    first = start_apm_server(store.url)
    second = APMServer(processes, [store.url], {"data_directory": str(first.data_directory)}, "second")
    reason = cannot_start(second)
    assert str(first.data_directory) in reason and "another running apm-server" in reason
    assert post(first.port, ndjson(metadata(), transaction(1))).status == 202
    first.process.kill()
    # A crash leaves no lock.
    second.start()
    assert post(second.port, ndjson(metadata(), transaction(2))).status == 202


@pytest.mark.parametrize("key", ["port", "monitoring"])
def test_a_port_that_is_taken(key: str, store: BulkStore, processes: ProcessGroup) -> None:
    """Says which address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        changes: dict[str, Any] = {"port": port} if key == "port" else {"monitoring": {"port": port}}
        server = APMServer(processes, [store.url], changes)
        assert f"127.0.0.1:{port}" in (reason := cannot_start(server)) and "in use" in reason, reason


@pytest.mark.parametrize("what", ["file", "spool is a file", "checkpoint is a folder", "newer spool"])
def test_a_data_directory_that_cannot_be_used(what: str, store: BulkStore, processes: ProcessGroup) -> None:
    """Says which path, and touches nothing."""
    server = APMServer(processes, [store.url])
    path = server.data_directory
    if what == "file":
        path.rmdir()
        path.write_text("mine")
    elif what == "spool is a file":
        path = path / "spool"
        path.write_text("mine")
    elif what == "checkpoint is a folder":
        path = path / "rollups.checkpoint"
        path.mkdir()
    else:
        (path / "spool").mkdir()
        path = path / "spool" / "0000000001.spool"
        path.write_bytes(b"ELKFASP\x02whatever")
    reason = cannot_start(server)
    assert str(path) in reason, reason
    assert path.is_dir() or path.read_bytes() in (b"mine", b"ELKFASP\x02whatever")


@pytest.mark.parametrize("what", ["missing", "garbage"])
def test_a_certificate_that_cannot_be_used(what: str, store: BulkStore, processes: ProcessGroup, tmp_path: Path) -> None:
    """Says which file."""
    path = tmp_path / "server.pem"
    if what == "garbage":
        path.write_text("-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n")
    server = APMServer(processes, [store.url], {"tls": {"enabled": True, "certificate": str(path), "key": str(path)}})
    server.process.start(wait=False)
    assert server.process.wait(10) != 0
    assert str(path) in server.process.output()
