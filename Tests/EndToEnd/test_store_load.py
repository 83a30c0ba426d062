"""How requests are spread: fewer at a time for a store that is busy, and over the nodes that it lists."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.loglines import append, assert_exactly, lines, number_of, numbered
from harness.processes import ProcessGroup
from harness.services import Ingest, Shipper
from harness.store import BulkStore
from harness.waiting import stays_true, wait_until

StartIngest = Callable[..., Ingest]
StartShipper = Callable[..., Shipper]

LIMIT = "ingest_elasticsearch_concurrent_requests_limit"


def assert_each_once(stores: list[BulkStore], count: int) -> None:
    """All lines, each in one of the stores."""
    found = [number_of(document.source) for store in stores for document in store.documents()]
    assert_exactly(found, numbered(range(count)))
    for store in stores:
        store.assert_no_violations()


def test_requests_in_flight_follow_the_store(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    """A store that does two bulks at a time and answers 429 beyond: the limit falls near that, and rises again later."""
    store.fault("concurrency", limit=2, seconds=0.02)
    changes = {
        "limits": {"memory": "64MiB"}, "workers": 4,
        "output": {"elasticsearch": {"concurrent_requests": 16, "bulk_max_events": 50, "backoff": {"init": "20ms", "max": "50ms"}}},
    }  # fmt: skip
    ingest = start_ingest(store.url, changes=changes)
    assert ingest.metrics()[LIMIT] == 16
    append(log, lines(range(8_000)))
    start_shipper([log], ingest.port)
    wait_until(lambda: ingest.metrics()[LIMIT] <= 4, 15, "the limit to fall", poll_seconds=0.05)
    store.wait_for_count(3_000, 30)
    assert 1 <= ingest.metrics()[LIMIT] <= 6
    store.clear_faults()
    append(log, lines(range(8_000, 16_000)))
    store.wait_for_count(16_000, 40)
    assert ingest.metrics()[LIMIT] > 4, "it has risen again"
    assert_each_once([store], 16_000)
    assert not ingest.dead_letter_lines


def test_sniffing_uses_the_nodes_that_the_store_lists(
    processes: ProcessGroup, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    """Documents go to the listed nodes, without those that are only masters; the configured host serves when they die."""
    configured, node = BulkStore(processes, name="configured").start(), BulkStore(processes, name="node").start()
    nodes = {
        "a": {"roles": ["master"], "http": {"publish_address": "127.0.0.1:1"}},
        "b": {"roles": ["data_hot", "ingest", "master"], "http": {"publish_address": f"localhost/127.0.0.1:{node.port}"}},
        "c": {"roles": ["data"]},
    }
    configured.list_nodes(nodes)
    node.list_nodes(nodes)
    settings = {"output": {"elasticsearch": {"sniffing": True, "sniffing_interval": "1s"}}}
    ingest = start_ingest(configured.url, changes=settings)
    ingest.process.wait_for_output("uses the nodes of the store", 10)
    append(log, lines(range(1_000)))
    start_shipper([log], ingest.port)
    node.wait_for_count(1_000, 20)
    assert configured.count() == 0
    # An answer that is lost would make the other store take the documents too.
    stored = 'ingest_elasticsearch_documents_total{outcome="stored"}'
    wait_until(lambda: ingest.metrics()[stored] == 1_000, 10, "the last answer")
    node.process.kill()
    append(log, lines(range(1_000, 1_500)))
    configured.wait_for_count(500, 20)
    node.start()
    wait_until(lambda: ingest.metrics()["ingest_elasticsearch_live_hosts"] == 2, 20, "the node to live again")
    append(log, lines(range(1_500, 2_000)))
    node.wait_for_count(1_500, 20)
    assert_each_once([configured, node], 2_000)


def test_sniffing_a_store_that_lists_no_nodes(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    store.list_nodes({})
    ingest = start_ingest(store.url, changes={"output": {"elasticsearch": {"sniffing": True, "sniffing_interval": "1s"}}})
    ingest.process.wait_for_output("names no nodes", 10)
    append(log, lines(range(500)))
    start_shipper([log], ingest.port)
    store.wait_for_count(500, 20)
    assert ingest.health()[0] == 200


@pytest.mark.parametrize(("delay", "is_sent"), [("50ms", True), ("30s", False)])
def test_a_batch_waits_for_company_no_longer_than_told(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path, delay: str, is_sent: bool
) -> None:
    """While one request hangs, the next few lines go out after `bulk_max_delay`, or when that request has ended."""
    store.fault("hang", times=1)
    settings = {"output": {"elasticsearch": {"bulk_max_delay": delay, "concurrent_requests": 2, "timeout": "60s"}}}
    ingest = start_ingest(store.url, changes={"workers": 1} | settings)
    start_shipper([log], ingest.port)
    append(log, lines(range(5)))
    wait_until(lambda: any(fault["used"] for fault in store.faults()), 10, "the first request to hang")
    append(log, lines(range(5, 10)))
    if is_sent:
        store.wait_for_count(5, 10)
    else:
        wait_until(lambda: events_received(ingest) == 10, 10, "ingest to have the lines")
        stays_true(lambda: store.count() == 0, 0.5, "they wait for company")
    store.clear_faults()
    store.wait_for_count(10, 10)
    assert_each_once([store], 10)


def events_received(ingest: Ingest) -> float:
    """Events of all inputs."""
    return sum(value for name, value in ingest.metrics().items() if name.startswith("ingest_events_received_total"))
