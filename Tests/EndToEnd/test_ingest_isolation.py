"""What one pipeline's index, or one pipeline's cost, does to the others; and what a thousand senders cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.fleet import Fleet, allow_descriptors
from harness.loglines import assert_exactly, line, number_of, numbered
from harness.lumberjack import Sender, event_window
from harness.ports import free_port
from harness.services import Ingest
from harness.store import BulkStore
from harness.waiting import wait_until

StartIngest = Callable[..., Ingest]

# A lane that gets nothing stored fills these quickly.
TIGHT = {
    "limits": {"memory": "8MiB"},
    "output": {"elasticsearch": {"bulk_max_bytes": "512KiB", "backoff": {"init": "100ms", "max": "300ms"}}},
}


def window(numbers: range, run: str, width: int = 0, compress: bool = True) -> bytes:
    """A window of numbered lines."""
    events: list[dict[str, Any]] = []
    for number in numbers:
        message = line(number, run, width).decode().rstrip("\n")
        file = {"path": f"/var/log/{run}.log"}
        events.append({"message": message, "log": {"offset": number * 10_000, "file": file}, "host": {"name": "web-1"}})
    return event_window(events, compress)


@pytest.fixture
def two(store: BulkStore, start_ingest: StartIngest) -> Iterator[tuple[Ingest, int]]:
    """An ingest whose second port, given, writes to an index of its own; little memory."""
    second = free_port()
    ingest = start_ingest(store.url)
    pipelines = {"nginx-access": {"oldest_event": "36500d"}, "shop": {"oldest_event": "36500d", "index": "shop"}}
    ingest.process.terminate()
    ingest.configure({**TIGHT, "pipelines": pipelines, "inputs": [ingest.input(ingest.port), ingest.input(second, "shop")]})
    ingest.start()
    yield ingest, second


def held_back(ingest: Ingest, pipeline: str) -> int:
    """Connections of a pipeline that are not read."""
    return ingest.stats()["pipelines"][pipeline]["queue"]["unread_connections"]


BLOCKED = {
    "an index that has too much to do": {"kind": "item", "status": 429, "type": "es_rejected_execution_exception"},
    "a write block": {"kind": "item", "status": 403, "type": "cluster_block_exception"},
    "a slow index": {"kind": "hang"},
}


@pytest.mark.parametrize("name", BLOCKED)
def test_an_index_that_takes_nothing_holds_up_nobody_else(store: BulkStore, two: tuple[Ingest, int], name: str) -> None:
    """Its senders are not read any more once their share of the memory is full; the others' windows are stored as ever."""
    ingest, port = two
    fault = dict(BLOCKED[name])
    store.fault(fault.pop("kind"), match="/item/slow", **fault)
    windows = [
        [(window(range(start, start + 100), f"slow{sender}", width=3_000, compress=False), 100) for start in range(0, 1_000, 100)]
        for sender in range(6)
    ]
    with Fleet(ingest.port, windows) as fleet, Sender(port) as small, Sender(port) as large:
        fleet.run(20, until_quiet=0.5)
        assert held_back(ingest, "nginx-access") == 6
        assert fleet.unacknowledged == 60
        slowest = 0.0
        for turn in range(10):
            started = time.monotonic()
            small.send(window(range(turn * 10, turn * 10 + 10), "other"))
            small.wait_for_ack(10)
            # Its frame is larger than what connections may hold without asking.
            large.send(window(range(turn * 400, turn * 400 + 400), "wide", width=1_000, compress=False))
            large.wait_for_ack(400)
            slowest = max(slowest, time.monotonic() - started)
        assert slowest < 3
        assert fleet.unacknowledged == 60
        assert held_back(ingest, "nginx-access") == 6 and held_back(ingest, "shop") == 0
        store.clear_faults()
        fleet.run(40)
        assert fleet.unacknowledged == 0
    assert held_back(ingest, "nginx-access") == 0
    flow = ingest.stats()["pipelines"]["nginx-access"]["events"]
    assert flow["queue_push_duration_in_millis"] > 1_000
    assert store.count() == 6_000 + 100 + 4_000
    store.assert_no_violations()


def test_documents_that_are_turned_back_hold_up_only_their_own_windows(store: BulkStore, start_ingest: StartIngest) -> None:
    """In one pipeline, senders whose documents the store takes go on beside those whose documents it turns back."""
    ingest = start_ingest(store.url, changes={**TIGHT, "workers": 1})
    store.fault("item", match="/item/slow", status=429, type="es_rejected_execution_exception")
    turns = 40
    with Sender(ingest.port) as slow, Sender(ingest.port) as quick:
        for turn in range(turns):
            numbers = range(turn * 20, turn * 20 + 20)
            # So many bulks with documents of both that all of the memory would be held if they were kept whole.
            if turn < 30:
                slow.send(window(numbers, "slow"))
            quick.send(window(range(turn * 200, turn * 200 + 200), "quick", width=1_000, compress=False))
            quick.wait_for_ack(200)
        assert store.count() == turns * 200
        assert ingest.stats()["pipelines"]["nginx-access"]["events"]["out"] == turns * 200
        store.clear_faults()
        for _ in range(30):
            slow.wait_for_ack(20)
    wanted = [*numbered(range(30 * 20), "slow"), *numbered(range(turns * 200), "quick")]
    assert_exactly((number_of(document.source) for document in store.documents()), wanted)
    store.assert_no_violations()


def test_a_thousand_senders_without_a_store(processes: Any, store: BulkStore, start_ingest: StartIngest) -> None:
    """Memory stays within its bound while nothing can be stored; then every line is stored once."""
    senders, events = 1_000, 10
    allow_descriptors(4_096)
    ingest = start_ingest(store.url, changes={"limits": {"memory": "32MiB"}})
    idle = ingest.process.resident_bytes()
    store.process.kill()
    windows = []
    for sender in range(senders):
        # 70 KB of documents in each, and a fiftieth of it on the wire.
        parts = (range(0, events), range(events, 2 * events))
        windows.append([(window(numbers, f"s{sender}", width=3_000), events) for numbers in parts])
    with Fleet(ingest.port, windows) as fleet:
        fleet.run(20, until_quiet=1)
        wait_until(lambda: ingest.metrics()["ingest_connections_open"] == senders, 10, "all connections")
        fleet.run(5.5)
        assert fleet.keep_alives > 0
        assert fleet.unacknowledged == 2 * senders
        grown = ingest.process.peak_resident_bytes() - idle
        print(f"{idle >> 20} MiB at the start, {grown >> 20} MiB more without a store")
        assert grown < 48 << 20, f"{grown >> 20} MiB more than at the start"
        store.start()
        fleet.run(70)
        assert fleet.unacknowledged == 0
        print(f"{ingest.process.peak_resident_bytes() - idle >> 20} MiB more in the end")
        assert ingest.process.peak_resident_bytes() - idle < 64 << 20
    assert ingest.metrics()["ingest_connections_accepted_total"] < senders + 20
    wanted = ((f"s{sender}", number) for sender in range(senders) for number in range(2 * events))
    assert_exactly((number_of(document.source) for document in store.documents()), wanted)
    store.assert_no_violations()


def test_a_costly_pipeline_delays_its_own_senders_only(store: BulkStore, two: tuple[Ingest, int]) -> None:
    """Very long windows of one port leave time for the other: its windows are not behind all of them."""
    ingest, port = two
    with Sender(ingest.port) as busy, Sender(ingest.port) as busy_too, Sender(port) as quick:
        for sender, run in ((busy, "b"), (busy_too, "c")):
            sender.send(window(range(4_000), run))
        started = time.monotonic()
        quick.send(window(range(10), "q"))
        quick.wait_for_ack(10)
        waited = time.monotonic() - started
        busy.wait_for_ack(4_000)
        busy_too.wait_for_ack(4_000)
        whole = time.monotonic() - started
    assert waited < max(0.5, whole / 2), f"{waited:.2f} s of {whole:.2f} s"
    found = (number_of(document.source) for document in store.documents())
    assert_exactly(found, [*numbered(range(4_000), "b"), *numbered(range(4_000), "c"), *numbered(range(10), "q")])
