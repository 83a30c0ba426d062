"""Several ingests behind haproxy, as deploy/ sets them up: any may die at any moment, and others may come."""

from __future__ import annotations

import random
import threading
import time
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


@pytest.mark.timeout(90)
def test_one_of_three_dies_and_another_is_added_under_load(
    processes: ProcessGroup,
    store: BulkStore,
    start_ingest: Callable[..., Ingest],
    start_shipper: Callable[..., Shipper],
    log: Path,
) -> None:
    """Six shippers whose connections move on (`ttl`) share the load among whoever is there; every line once."""
    first, second, third = (start_ingest(store.url, name=f"ingest{number}") for number in (1, 2, 3))
    added = Ingest(processes, [store.url], name="ingest4")
    haproxy = HAProxy(processes, [ingest.port for ingest in (first, second, third, added)]).start()
    paths = [log.with_name(f"s{number}.log") for number in range(6)]
    for path in paths:
        path.touch()
        start_shipper([path], haproxy.port, name=path.stem, changes={"output": {"ttl": "2s", "bulk_max_events": 100}})
    written = [0] * len(paths)
    is_over = threading.Event()

    def write() -> None:
        while not is_over.wait(0.05):
            for index, path in enumerate(paths):
                append(path, lines(range(written[index], written[index] + 20), run=path.stem))
                written[index] += 20

    def received(ingest: Ingest) -> float:
        return sum(value for name, value in ingest.metrics().items() if name.startswith("ingest_events_received_total"))

    def wait_for_shares(ingests: tuple[Ingest, ...], seconds: float) -> float:
        """Until each of them has got some hundred lines from now on; answers after how long."""
        before = [received(ingest) for ingest in ingests]
        started = time.monotonic()
        wait_until(
            lambda: all(received(ingest) >= old + 300 for ingest, old in zip(ingests, before)), seconds, "all to share the load"
        )
        return time.monotonic() - started

    writer = threading.Thread(target=write)
    writer.start()
    try:
        wait_for_shares((first, second, third), 30)
        first.process.kill()
        added.start()
        assert wait_for_shares((second, third, added), 60) < 60
    finally:
        is_over.set()
        writer.join()
    store.wait_for_count(sum(written), 30)
    wanted = [(path.stem, number) for path, count in zip(paths, written) for number in range(count)]
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
