"""The real Filebeat 8.1.3 ships into ingest: every line once, whatever is killed in between."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.loglines import append, assert_exactly, lines, number_of, numbered
from harness.peers import Filebeat
from harness.processes import ProcessGroup
from harness.proxy import CuttingProxy
from harness.services import Ingest
from harness.store import BulkStore

COUNT = 20_000


def assert_all_stored(store: BulkStore, count: int, seconds: float = 60) -> None:
    """Every numbered line is stored exactly once, and the store was asked correctly."""
    store.wait_for_count(count, seconds)
    assert_exactly((number_of(document.source) for document in store.documents()), numbered(range(count)))
    store.assert_no_violations()


@pytest.mark.parametrize("level", [0, 3])
def test_every_line_arrives_once(
    processes: ProcessGroup, store: BulkStore, start_ingest: Callable[..., Ingest], log: Path, level: int
) -> None:
    append(log, lines(range(COUNT // 2)))
    ingest = start_ingest(store.url)
    filebeat = Filebeat(processes, [log], ingest.port, {"compression_level": level}).start()
    append(log, lines(range(COUNT // 2, COUNT)))
    assert_all_stored(store, COUNT)
    document = next(store.documents()).source
    assert document["agent"]["type"] == "filebeat"
    assert document["host"]["name"] == "web-1"
    assert document["log"]["file"]["path"] == str(log)
    assert "@metadata" not in document
    assert store.statistics()["conflicts"] == 0, "nothing was resent"
    assert '"log.level":"error"' not in filebeat.process.output()


@pytest.mark.timeout(180)
def test_a_killed_filebeat_makes_no_doubles(
    processes: ProcessGroup,
    store: BulkStore,
    start_ingest: Callable[..., Ingest],
    log: Path,
    randomness: random.Random,
) -> None:
    append(log, lines(range(COUNT)))
    ingest = start_ingest(store.url)
    store.fault("delay", seconds=0.1)
    filebeat = Filebeat(processes, [log], ingest.port).start()
    for kill in (True, False, True):
        store.wait_for_count(store.count() + randomness.randint(1, 2_000), 30)
        if kill:
            filebeat.process.kill()
        else:
            filebeat.process.terminate()
        filebeat.start()
    store.clear_faults()
    assert_all_stored(store, COUNT)


@pytest.mark.timeout(120)
def test_cut_connections_make_no_doubles(
    processes: ProcessGroup,
    store: BulkStore,
    start_ingest: Callable[..., Ingest],
    log: Path,
    randomness: random.Random,
) -> None:
    append(log, lines(range(COUNT)))
    ingest = start_ingest(store.url)
    with CuttingProxy(ingest.port) as proxy:
        proxy.cut_next_after(randomness.randint(10_000, 200_000))
        Filebeat(processes, [log], proxy.port).start()
        for _ in range(3):
            store.wait_for_count(min(COUNT, store.count() + 2_000), 30)
            proxy.cut_next_after(randomness.randint(1, 100_000))
            proxy.cut()
        assert_all_stored(store, COUNT)


@pytest.mark.timeout(120)
def test_keep_alives_hold_the_connection_while_the_store_is_slow(
    processes: ProcessGroup, store: BulkStore, start_ingest: Callable[..., Ingest], log: Path
) -> None:
    """A client whose timeout is shorter than one bulk request must not resend."""
    append(log, lines(range(3_000)))
    store.fault("delay", seconds=14, times=2)
    ingest = start_ingest(store.url)
    with CuttingProxy(ingest.port) as proxy:
        Filebeat(processes, [log], proxy.port, {"timeout": "11s"}).start()
        assert_all_stored(store, 3_000, 60)
        assert proxy.connections == 1
        assert store.statistics()["conflicts"] == 0


@pytest.mark.timeout(120)
def test_ingest_killed_under_filebeat(
    processes: ProcessGroup,
    store: BulkStore,
    start_ingest: Callable[..., Ingest],
    log: Path,
    randomness: random.Random,
) -> None:
    append(log, lines(range(COUNT)))
    ingest = start_ingest(store.url)
    Filebeat(processes, [log], ingest.port).start()
    for _ in range(3):
        store.wait_for_count(min(COUNT, store.count() + randomness.randint(500, 3_000)), 30)
        ingest.process.kill()
        ingest.start()
    assert_all_stored(store, COUNT)
