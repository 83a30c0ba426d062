"""A store that is overloaded, slow, unwilling or gone: ingest waits, holds acks, keeps its memory, loses nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.loglines import append, assert_exactly, line, lines, number_of, numbered
from harness.lumberjack import Sender, event_window
from harness.processes import ProcessGroup
from harness.services import Ingest, Shipper
from harness.store import BulkStore
from harness.waiting import wait_until

StartIngest = Callable[..., Ingest]
StartShipper = Callable[..., Shipper]

COUNT = 6_000


def assert_exact(store: BulkStore, count: int = COUNT, seconds: float = 40) -> None:
    """All lines, each once."""
    store.wait_for_count(count, seconds)
    assert_exactly((number_of(document.source) for document in store.documents()), numbered(range(count)))
    store.assert_no_violations()


def wait_for_use(store: BulkStore, kind: str, uses: int = 1, seconds: float = 30) -> None:
    """Waits until a fault has been met so often."""
    wait_until(
        lambda: sum(fault["used"] for fault in store.faults() if fault["kind"] == kind) >= uses,
        seconds, f"{kind} to be met {uses} times", poll_seconds=0.05,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("429", {"kind": "status", "status": 429, "times": 4}),
        ("503", {"kind": "status", "status": 503, "times": 4}),
        ("500", {"kind": "status", "status": 500, "times": 2}),
        ("502", {"kind": "status", "status": 502, "times": 2}),
        ("504", {"kind": "status", "status": 504, "times": 2}),
        ("401, then the key is fixed", {"kind": "status", "status": 401, "times": 3}),
        ("403, then the role is fixed", {"kind": "status", "status": 403, "times": 3}),
        ("slow", {"kind": "delay", "seconds": 1.5, "times": 3}),
        ("cut before storing", {"kind": "cut_before", "times": 3}),
        ("stored, answer lost", {"kind": "cut_after", "times": 3}),
        ("stored, half an answer", {"kind": "half_answer", "times": 3}),
        ("no answer at all", {"kind": "hang", "times": 2}),
        ("413 above 200 kB", {"kind": "body_limit", "bytes": 200_000}),
        ("a third of the items 429", {"kind": "item", "match": "Chrome", "status": 429, "type": "es_rejected_execution_exception", "times": 900}),
        ("some items 503", {"kind": "item", "match": "curl", "status": 503, "type": "unavailable_shards_exception", "times": 300}),
        ("write block or missing right", {"kind": "item", "match": "Firefox", "status": 403, "type": "cluster_block_exception", "times": 300}),
        ("disk full", {"kind": "item", "match": "", "status": 429, "type": "cluster_block_exception", "times": 9_000}),
    ],
)  # fmt: skip
def test_passes_without_loss(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path, name: str, fault: dict[str, Any]
) -> None:
    append(log, lines(range(COUNT)))
    store.fault(**fault)
    ingest = start_ingest(store.url, changes={"output": {"elasticsearch": {"timeout": "3s", "bulk_max_events": 1_000}}})
    start_shipper([log], ingest.port)
    assert_exact(store)
    assert not ingest.dead_letter_lines
    used = sum(fault["used"] for fault in store.faults())
    assert used > 0, "the fault was never met"


@pytest.mark.parametrize("fault", ["hang", "status", "item"])
def test_nothing_is_acknowledged_before_it_is_stored(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path, fault: str
) -> None:
    """While the store refuses, shipper's registry stays where it is: after kill -9 of both all lines come again."""
    append(log, lines(range(1_000)))
    store.fault(fault, status=503)
    ingest = start_ingest(store.url)
    shipper = start_shipper([log], ingest.port)
    wait_for_use(store, fault)
    assert store.count() == 0
    shipper.process.kill()
    ingest.process.kill()
    store.clear_faults()
    ingest.start()
    shipper.start()
    assert_exact(store, 1_000)


def test_refused_documents_go_to_the_dead_letters_with_their_reason(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    append(log, lines(range(2_000)))
    store.fault("item", match="/item/a/77?", status=400, type="document_parsing_exception", reason="field [x] is bad: 77")
    store.fault("item", match="/item/a/1234?", status=400, type="illegal_argument_exception", reason="Limit of total fields [1000] has been exceeded")
    ingest = start_ingest(store.url)
    shipper = start_shipper([log], ingest.port)
    store.wait_for_count(1_998, 20)
    letters = wait_until(lambda: letters if len(letters := ingest.dead_letter_lines) >= 2 else None, 10, "two dead letters")
    assert len(letters) == 2
    for number, reason in ((77, "field [x] is bad: 77"), (1234, "Limit of total fields [1000] has been exceeded")):
        letter = next(letter for letter in letters if reason in str(letter))
        text = str(letter)
        assert f"/item/a/{number}?" in text, "the document is kept"
        assert "400" in text and "nginx-2026.11.20" in text, "status and index are named"
    # They are settled: a restart of both sends nothing again.
    assert shipper.process.terminate() == 0
    shipper.start()
    append(log, lines(range(2_000, 2_001)))
    store.wait_for_count(1_999, 20)
    assert len(ingest.dead_letter_lines) == 2
    wanted = set(range(2_001)) - {77, 1234}
    assert_exactly((number_of(document.source) for document in store.documents()), numbered(sorted(wanted)))


def test_one_document_too_large_for_the_store_is_set_aside(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    """413 halves the request until the culprit stands alone; everything else is stored."""
    append(log, lines(range(500)) + line(500, width=100_000) + lines(range(501, 1_000)))
    store.fault("body_limit", bytes=50_000)
    ingest = start_ingest(store.url)
    start_shipper([log], ingest.port)
    store.wait_for_count(999, 30)
    letters = wait_until(lambda: ingest.dead_letter_lines, 10, "the dead letter")
    assert len(letters) == 1 and "/item/a/500?" in str(letters[0]) and "413" in str(letters[0])
    found = (number_of(document.source) for document in store.documents())
    assert_exactly(found, numbered(number for number in range(1_000) if number != 500))


def test_a_document_that_spoils_the_whole_request_is_found_and_set_aside(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    """400 for the request: halved until the culprits stand alone, everything else is stored."""
    append(log, lines(range(3_000)))
    culprits = (0, 1_500, 2_999)
    for number in culprits:
        store.fault("poison", match=f"/item/a/{number}?")
    ingest = start_ingest(store.url)
    start_shipper([log], ingest.port)
    store.wait_for_count(2_997, 40)
    letters = wait_until(lambda: letters if len(letters := ingest.dead_letter_lines) >= 3 else None, 10, "three dead letters")
    assert len(letters) == 3
    assert all(any(f"/item/a/{number}?" in str(letter) for letter in letters) for number in culprits)
    found = (number_of(document.source) for document in store.documents())
    assert_exactly(found, numbered(number for number in range(3_000) if number not in culprits))


def test_a_store_that_is_down_at_the_start(
    processes: ProcessGroup, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    """ingest starts, listens, says what is missing, and installs the template before the first document later."""
    store = BulkStore(processes)
    append(log, lines(range(3_000)))
    ingest = start_ingest(store.url)
    start_shipper([log], ingest.port)
    ingest.process.wait_for_output(str(store.port), 10)
    wait_until(lambda: ingest.health()[0] == 503, 20, "ingest to call itself unhealthy")
    store.start()
    assert_exact(store, 3_000)
    statistics = store.statistics()
    assert any("nginx" in name for name in statistics["templates"]), statistics["templates"]
    paths = list(statistics["paths"])
    template = next(position for position, path in enumerate(paths) if path.startswith("PUT /_index_template/"))
    bulk = next(position for position, path in enumerate(paths) if path.endswith("/_bulk"))
    assert template < bulk
    assert any(path.startswith("PUT /_ilm/policy/") for path in paths)
    wait_until(lambda: ingest.health()[0] == 200, 20, "ingest to be healthy again")


@pytest.mark.timeout(180)
def test_memory_is_bounded_while_the_store_is_down(
    processes: ProcessGroup, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    """Two shippers and forty greedy senders push against a dead store: ingest stops reading instead of growing."""
    store = BulkStore(processes)
    ingest = start_ingest(store.url, changes={"limits": {"memory": "32MiB"}})
    before = ingest.process.resident_bytes()
    for name in ("one", "two"):
        append(log.with_name(f"{name}.log"), lines(range(20_000), run=name))
        start_shipper([log.with_name(f"{name}.log")], ingest.port, name=f"shipper-{name}")
    windows = 3
    size = 1_000
    greedy = [Sender(ingest.port, timeout=120) for _ in range(40)]

    def push(position: int) -> None:
        """Everything at once, without waiting for acks; blocks as soon as ingest does not read."""
        for window in range(windows):
            first = window * size
            greedy[position].send(event_window(greedy_events(f"g{position}", range(first, first + size)), compress=False))

    threads = [threading.Thread(target=push, args=(position,), daemon=True) for position in range(len(greedy))]
    for thread in threads:
        thread.start()
    peak = 0
    deadline = time.monotonic() + 8
    while time.monotonic() < deadline:
        peak = max(peak, ingest.process.resident_bytes())
        time.sleep(0.1)
    assert peak - before < 100 * 1024 * 1024, f"grew by {(peak - before) >> 20} MiB"
    store.start()
    for sender in greedy:
        for _ in range(windows):
            sender.wait_for_ack(size)
    wanted = [(run, number) for run in ("one", "two") for number in range(20_000)]
    wanted += [(f"g{position}", number) for position in range(len(greedy)) for number in range(windows * size)]
    store.wait_for_count(len(wanted), 90)
    assert_exactly((number_of(document.source) for document in store.documents()), wanted)
    assert ingest.process.peak_resident_bytes() - before < 120 * 1024 * 1024
    store.assert_no_violations()


def greedy_events(run: str, numbers: range) -> list[dict[str, Any]]:
    """Events of about 400 bytes."""
    return [
        {
            "@timestamp": "2026-11-20T10:00:00.000Z",
            "message": line(number, run).decode().rstrip("\n"),
            "log": {"offset": number * 300, "file": {"path": f"/var/log/{run}.log"}},
            "host": {"name": "greedy"},
        }
        for number in numbers
    ]


def test_several_hosts_one_dead(
    processes: ProcessGroup, store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    """The living host takes over while the other is down, at the start and in the middle."""
    dead = BulkStore(processes, name="dead")
    ingest = start_ingest(dead.url, store.url)
    start_shipper([log], ingest.port)
    append(log, lines(range(3_000)))
    store.wait_for_count(3_000, 30)
    assert_exact(store, 3_000)


def test_requests_are_bounded_and_compressed(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    append(log, lines(range(10_000), width=300))
    limits = {"bulk_max_bytes": "1MiB", "bulk_max_events": 700, "concurrent_requests": 2, "compression": True}
    changes = {"output": {"elasticsearch": limits}}
    ingest = start_ingest(store.url, changes=changes)
    start_shipper([log], ingest.port)
    assert_exact(store, 10_000)
    statistics = store.statistics()
    assert statistics["largest_body_bytes"] <= 1024 * 1024 + 8 * 1024
    assert statistics["largest_item_count"] <= 700
    assert statistics["most_concurrent"] <= 3
    assert statistics["gzip_requests"] == statistics["bulk_requests"]
    assert statistics["connections"] <= 20, "connections are kept open"


def test_uncompressed_requests(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    append(log, lines(range(2_000)))
    ingest = start_ingest(store.url, changes={"output": {"elasticsearch": {"compression": False}}})
    start_shipper([log], ingest.port)
    assert_exact(store, 2_000)
    assert store.statistics()["gzip_requests"] == 0


@pytest.mark.parametrize(
    ("credentials", "header"),
    [
        ({"username": "ingest", "password": "pass:wörd"}, "Basic aW5nZXN0OnBhc3M6d8O2cmQ="),
        ({"api_key": "id:secret"}, "ApiKey aWQ6c2VjcmV0"),
    ],
)
def test_credentials(
    processes: ProcessGroup,
    start_ingest: StartIngest,
    start_shipper: StartShipper,
    log: Path,
    credentials: dict[str, str],
    header: str,
) -> None:
    store = BulkStore(processes, authorization=header).start()
    append(log, lines(range(100)))
    ingest = start_ingest(store.url, changes={"output": {"elasticsearch": credentials}})
    start_shipper([log], ingest.port)
    assert_exact(store, 100)
    secrets = [secret for key, secret in credentials.items() if key != "username"] + [header.split()[1]]
    assert not any(secret in ingest.process.output() for secret in secrets), "no secret is logged"


def test_wrong_credentials_alarm_and_wait(
    processes: ProcessGroup, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    store = BulkStore(processes, authorization="Basic cmlnaHQ6cmlnaHQ=").start()
    append(log, lines(range(100)))
    ingest = start_ingest(store.url, changes={"output": {"elasticsearch": {"username": "ingest", "password": "wrong"}}})
    start_shipper([log], ingest.port)
    ingest.process.wait_for_output("401", 20)
    wait_until(lambda: ingest.health()[0] == 503, 20, "ingest to call itself unhealthy")
    assert store.count() == 0
    requests = store.statistics()["requests"]
    time.sleep(1)
    assert store.statistics()["requests"] - requests < 20, "it does not hammer"
