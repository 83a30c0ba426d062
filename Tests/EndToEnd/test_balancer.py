"""Two ingests behind haproxy, as deploy/ sets them up: either may die at any moment."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.loglines import append, assert_exactly, lines, number_of, numbered
from harness.peers import Filebeat, HAProxy
from harness.processes import ProcessGroup
from harness.services import Ingest, Shipper
from harness.store import BulkStore
from harness.waiting import wait_until


@pytest.mark.timeout(120)
def test_each_ingest_is_killed_in_turn(
    processes: ProcessGroup,
    store: BulkStore,
    start_ingest: Callable[..., Ingest],
    start_shipper: Callable[..., Shipper],
    log: Path,
    randomness: random.Random,
) -> None:
    """Two shippers and a Filebeat behind the balancer; every line once."""
    ingests = [start_ingest(store.url, name=f"ingest{number}") for number in (1, 2)]
    haproxy = HAProxy(processes, [ingest.port for ingest in ingests]).start()
    paths = [log.with_name(f"{name}.log") for name in ("one", "two", "beat")]
    start_shipper([paths[0]], haproxy.port, name="shipper1")
    start_shipper([paths[1]], haproxy.port, name="shipper2")
    Filebeat(processes, [paths[2]], haproxy.port).start()
    count = 0
    for round_number in range(4):
        for path in paths:
            append(path, lines(range(round_number * 2_000, (round_number + 1) * 2_000), run=path.stem))
        count += 6_000
        store.wait_for_count(count - randomness.randint(1, 5_000), 30)
        dying = ingests[round_number % 2]
        dying.process.kill()
        store.wait_for_count(count, 40)
        dying.start()
    wanted = [(path.stem, number) for path in paths for number in range(8_000)]
    assert_exactly((number_of(document.source) for document in store.documents()), wanted)
    store.assert_no_violations()


def test_health_checks_of_the_balancer_are_not_errors(
    processes: ProcessGroup, store: BulkStore, start_ingest: Callable[..., Ingest], start_shipper: Callable[..., Shipper], log: Path
) -> None:
    """A connection that is opened and reset every 500 ms leaves no warning in the log, and no descriptor."""
    ingest = start_ingest(store.url)
    haproxy = HAProxy(processes, [ingest.port]).start()
    start_shipper([log], haproxy.port)
    append(log, lines(range(100)))
    store.wait_for_count(100, 20)
    append(log, lines(range(100, 200)))
    store.wait_for_count(200, 20)
    # The listener, two workers, two connections to the store: about twenty descriptors, and one per check if they leaked.
    wait_until(lambda: len(ingest.process.open_files()) < 30, 5, "no descriptor to be left over")
    for entry in ingest.logs():
        level = entry.get("log.level") or entry.get("log", {}).get("level")
        assert level in ("debug", "info"), entry
    assert_exactly((number_of(document.source) for document in store.documents()), numbered(range(200)))
