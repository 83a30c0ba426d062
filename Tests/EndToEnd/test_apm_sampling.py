"""Tail-based sampling: whole traces or nothing, all of the failed ones, through kill -9, outages and its end."""

from __future__ import annotations

import hashlib
import http.client
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from harness.apm import gzipped, metadata, ndjson, post, transaction
from harness.services import APMServer
from harness.store import BulkStore
from harness.waiting import wait_until

StartAPMServer = Callable[..., APMServer]

RATE = 0.3
FAILED_OR_SOME = [{"trace": {"outcome": "failure"}, "sample_rate": 1}, {"sample_rate": RATE}]
SPANS = 2


@dataclass(frozen=True)
class Trace:
    """A root transaction with spans in one service, and a transaction with spans that it calls in another."""

    number: int

    @property
    def id(self) -> str:
        """As random as those of agents, and the same in every run."""
        return hashlib.sha256(f"trace {self.number}".encode()).hexdigest()[:32]

    @property
    def has_failed(self) -> bool:
        """One in ten."""
        return self.number % 10 == 0

    def event(self, part: int) -> str:
        """The id of an event of the trace."""
        return f"{self.number:012x}{part:04x}"

    @property
    def events(self) -> set[str]:
        """The ids of all."""
        return {self.event(part) for part in range(2 + 2 * SPANS)}

    def front(self) -> bytes:
        """What the service with the root sends: the spans first, as agents do."""
        outcome = "failure" if self.has_failed else "success"
        root = transaction(self.number, id=self.event(0), trace_id=self.id, name="root", outcome=outcome)
        return ndjson(metadata("front"), *self._spans(self.event(0), 2), root)

    def back(self) -> bytes:
        """What the service that is called sends; its own outcome does not count."""
        called = transaction(self.number, id=self.event(1), trace_id=self.id, parent_id=self.event(2), name="called")
        return ndjson(metadata("back"), called, *self._spans(self.event(1), 2 + SPANS))

    def late(self) -> bytes:
        """A span that comes when all is decided."""
        return ndjson(metadata("back"), *self._spans(self.event(1), 2 + 2 * SPANS)[:1])

    def _spans(self, parent: str, first: int) -> list[dict[str, Any]]:
        return [
            {
                "span": {
                    "id": self.event(first + number), "trace_id": self.id, "transaction_id": parent, "parent_id": parent,
                    "name": "SELECT", "type": "db", "subtype": "sqlite", "duration": 1, "timestamp": 1_790_000_000_000_000 + self.number,
                    "context": {"destination": {"service": {"resource": "sqlite"}}},
                }
            }
            for number in range(SPANS)
        ]  # fmt: skip


def sampling(interval: str = "1s", ttl: str = "60s", **more: Any) -> dict[str, Any]:
    """The configuration."""
    return {"sampling": {"tail": {"enabled": True, "interval": interval, "ttl": ttl, "policies": FAILED_OR_SOME} | more}}


def stored(store: BulkStore) -> dict[str, Counter[str]]:
    """How often each event is stored, by trace."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for document in store.documents():
        event = document.source.get("processor", {}).get("event")
        if event in ("transaction", "span"):
            found[document.source["trace"]["id"]][document.source[event]["id"]] += 1
    return found


def held(server: APMServer) -> float:
    """Events that wait for a decision or are on their way."""
    return server.metrics()["apm_server_tail_sampling_held_events"]


def outcomes(server: APMServer) -> dict[str, float]:
    """What became of events, since the start."""
    begin = 'apm_server_tail_sampling_events_total{outcome="'
    return {name.removeprefix(begin).removesuffix('"}'): value for name, value in server.metrics().items() if name.startswith(begin)}


def assert_whole(found: dict[str, Counter[str]], traces: Iterable[Trace]) -> list[Trace]:
    """Fails unless each trace is there once or not at all, and each failed one is there; returns those that are."""
    kept = []
    for trace in traces:
        events = found.get(trace.id, Counter())
        doubled = [event for event, count in events.items() if count > 1]
        assert not doubled, f"stored twice: {doubled}"
        assert set(events) in (set(), trace.events), f"half of trace {trace.number}: {sorted(events)}"
        if events:
            kept.append(trace)
        assert events or not trace.has_failed, f"failed trace {trace.number} is not there"
    return kept


def test_whole_traces(store: BulkStore, start_apm_server: StartAPMServer, randomness: random.Random) -> None:
    """Parts in any order: all failed traces and a share of the others are stored, whole; roll-ups count everything."""
    server = start_apm_server(store.url, changes=sampling())
    traces = [Trace(number) for number in range(400)]
    parts = [part for trace in traces for part in (trace.front(), trace.back())]
    randomness.shuffle(parts)
    for part in parts:
        assert post(server.port, gzipped(part)).status == 202
    wait_until(lambda: held(server) == 0, 20, "all decisions", 0.1)
    kept = assert_whole(stored(store), traces)
    successful = [trace for trace in traces if not trace.has_failed]
    share = sum(not trace.has_failed for trace in kept) / len(successful)
    # Five standard deviations.
    assert abs(share - RATE) < 5 * (RATE * (1 - RATE) / len(successful)) ** 0.5
    each = 2 + 2 * SPANS
    counts = outcomes(server)
    # What came after its trace was dropped was not held any more.
    assert len(kept) * each <= counts.pop("held") <= len(traces) * each
    assert counts == {
        "stored": len(kept) * each, "dropped": (len(traces) - len(kept)) * each,
        "expired": 0, "stored_unheld": 0, "discarded": 0, "damaged": 0,
    }  # fmt: skip

    # What comes late goes the way of its trace, at once.
    for trace in traces:
        assert post(server.port, trace.late()).status == 202
    late = {trace.id: trace.event(2 + 2 * SPANS) for trace in traces}
    wait_until(lambda: held(server) == 0 and outcomes(server)["stored"] == len(kept) * (each + 1), 10, "the late ones", 0.1)
    found = stored(store)
    assert {trace.id for trace in traces if found.get(trace.id, {}).get(late[trace.id])} == {trace.id for trace in kept}

    assert server.process.terminate() == 0
    counted: Counter[str] = Counter()
    spans = 0
    for document in store.documents():
        if document.index == "metrics-apm.transaction.60m-default":
            counted[document.source["transaction"]["name"]] += document.source["_doc_count"]
        if document.index == "metrics-apm.service_transaction.60m-default":
            counted[document.source["service"]["name"]] += document.source["_doc_count"]
        if document.index == "metrics-apm.service_destination.60m-default":
            spans += document.source["span"]["destination"]["service"]["response_time"]["count"]
    assert counted == {"root": 400, "called": 400, "front": 400, "back": 400}
    assert spans == len(traces) * (2 * SPANS + 1)
    store.assert_no_violations()
    server.assert_log_is_clean()


def test_errors_and_metrics_are_not_sampled(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """They are stored at once, whatever becomes of their trace."""
    policies = [{"sample_rate": 0}]
    server = start_apm_server(store.url, changes=sampling(policies=policies))
    error = {"error": {"id": "e1", "trace_id": Trace(1).id, "transaction_id": Trace(1).event(0), "parent_id": Trace(1).event(0),
                       "timestamp": 1_790_000_000_000_000, "log": {"message": "no"}}}  # fmt: skip
    metricset = {"metricset": {"timestamp": 1_790_000_000_000_000, "samples": {"a": {"value": 1}}}}
    assert post(server.port, Trace(1).front() + ndjson(error, metricset)).status == 202
    indices = Counter(document.index for document in store.documents())
    assert indices["logs-apm.error-default"] == 1 and indices["metrics-apm.app.front-default"] == 1
    wait_until(lambda: held(server) == 0, 10, "the decision", 0.1)
    assert not stored(store)
    assert outcomes(server)["dropped"] == 1 + SPANS


def test_policies_are_tried_in_order(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """By service, by environment, by name; the root alone counts."""
    policies = [
        {"service": {"name": "mail"}, "sample_rate": 0},
        {"trace": {"name": "GET /3"}, "sample_rate": 0},
        {"service": {"name": "shop", "environment": "production"}, "sample_rate": 1},
        {"service": {"name": "front"}, "sample_rate": 1},
        {"sample_rate": 0},
    ]
    server = start_apm_server(store.url, changes=sampling(policies=policies))

    def described(service: str, environment: str) -> dict[str, Any]:
        value = metadata(service)
        value["metadata"]["service"]["environment"] = environment
        return value

    assert post(server.port, ndjson(described("mail", "production"), transaction(1))).status == 202
    assert post(server.port, ndjson(described("shop", "production"), transaction(2), transaction(13))).status == 202
    assert post(server.port, ndjson(described("shop", "lab"), transaction(4))).status == 202
    # Called by a service that is always stored, in one that never is.
    child = transaction(6, trace_id=f"{5:032x}", parent_id=f"{5:016x}")
    assert post(server.port, ndjson(described("mail", ""), child)).status == 202
    assert post(server.port, ndjson(described("front", ""), transaction(5))).status == 202
    wait_until(lambda: held(server) == 0, 10, "the decisions", 0.1)
    assert {event for events in stored(store).values() for event in events} == {f"{number:016x}" for number in (2, 5, 6)}


def test_traces_without_a_root(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """They are given up after `ttl`."""
    server = start_apm_server(store.url, changes=sampling(ttl="2s"))
    assert post(server.port, Trace(0).back()).status == 202
    assert held(server) == 1 + SPANS
    wait_until(lambda: held(server) == 0, 10, "the end of the wait", 0.1)
    assert outcomes(server)["expired"] == 1 + SPANS
    assert not stored(store)


@dataclass
class Senders:
    """Services that send traces; they remember those of which every part was accepted, and send nothing twice."""

    server: APMServer
    accepted: list[Trace] = field(default_factory=list)
    torn: list[Trace] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._next = 0
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._guard:
                traces = [Trace(self._next + offset) for offset in range(5)]
                self._next += 5
            lost: set[Trace] = set()
            for order in ("back", "front"):
                for trace in traces:
                    try:
                        status = post(self.server.port, trace.back() if order == "back" else trace.front()).status
                    except (OSError, http.client.HTTPException):
                        status = 0
                    if status != 202:
                        lost.add(trace)
                        self._stop.wait(0.02)
            with self._guard:
                self.accepted += [trace for trace in traces if trace not in lost]
                self.torn += lost

    def stop(self) -> None:
        """No more traces; waits for the last answers."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)


@pytest.mark.parametrize("trouble", ["none", "slow store", "store away"])
def test_kill_in_the_middle(trouble: str, store: BulkStore, start_apm_server: StartAPMServer, randomness: random.Random) -> None:
    """kill -9 while traces are held, decided and on their way: whole, once, and the same ones as without."""
    changes = sampling() | {"spool": {"after": "200ms"}}
    server = start_apm_server(store.url, changes=changes)
    senders = Senders(server)
    if trouble == "slow store":
        store.fault("delay", seconds=0.4)
    for turn in range(4):
        if trouble == "store away" and turn in (1, 3):
            if store.process.is_running:
                store.process.kill()
            else:
                store.start()
        # Not an event to wait for: the kill may hit any moment.
        time.sleep(randomness.uniform(0.7, 1.5))
        server.process.kill()
        server.start()
    senders.stop()
    store.clear_faults()
    assert len(senders.accepted) > 100 and senders.torn
    # Of those whose root was lost the rest waits for `ttl`.
    wait_until(lambda: server.metrics()["apm_server_tail_sampling_held_traces"] <= len(senders.torn), 20, "all decisions", 0.1)
    wait_until(lambda: not missing_failures(store, senders.accepted), 20, "all failed traces", 0.3)
    # Those of which a part was lost stay as they are; the others are whole.
    kept = assert_whole(stored(store), senders.accepted)
    successful = [trace for trace in senders.accepted if not trace.has_failed]
    share = sum(not trace.has_failed for trace in kept) / len(successful)
    assert abs(share - RATE) < 5 * (RATE * (1 - RATE) / len(successful)) ** 0.5
    for events in stored(store).values():
        assert max(events.values()) == 1
    store.assert_no_violations()


def missing_failures(store: BulkStore, traces: Iterable[Trace]) -> list[Trace]:
    """Failed traces of which something is not stored yet."""
    found = stored(store)
    return [trace for trace in traces if trace.has_failed and set(found.get(trace.id, ())) != trace.events]


def test_stop_and_start(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """What is held at a stop is decided by the next run, with what comes then."""
    server = start_apm_server(store.url, changes=sampling())
    traces = [Trace(number) for number in range(100)]
    for trace in traces:
        assert post(server.port, trace.back()).status == 202
    assert server.process.terminate() == 0
    assert not stored(store)
    server.start()
    assert held(server) == 100 * (1 + SPANS)
    for trace in traces:
        assert post(server.port, trace.front()).status == 202
    wait_until(lambda: held(server) == 0, 20, "all decisions", 0.1)
    assert 10 < len(assert_whole(stored(store), traces)) < 70


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_switched_off(end: str, store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """What was held is stored, all of it, also while the store is away at first; its files go; nothing comes twice."""
    server = start_apm_server(store.url, changes=sampling("60s"))
    traces = [Trace(number) for number in range(100)]
    for trace in traces:
        assert post(server.port, trace.back()).status == 202
        assert post(server.port, trace.front()).status == 202
    assert not stored(store) and held(server) == 100 * len(Trace(0).events)
    if end == "stop":
        assert server.process.terminate() == 0
    else:
        server.process.kill()
        store.process.kill()
    server.configure({"sampling": {"tail": {"enabled": False}}})
    server.start()
    if end == "kill":
        # The spool has them meanwhile.
        server.process.kill()
        server.start()
        store.start()
    wait_until(lambda: len(stored(store)) == 100 and all(set(stored(store)[t.id]) == t.events for t in traces), 20, "all events", 0.2)
    # New ones are stored at once.
    assert post(server.port, Trace(1001).front()).status == 202
    assert len(stored(store)[Trace(1001).id]) == 1 + SPANS
    folder = server.data_directory / "sampling"
    wait_until(lambda: not folder.exists() or not sum(path.stat().st_size for path in folder.iterdir()), 20, "no files", 0.2)
    assert server.process.terminate() == 0
    server.start()
    assert server.process.terminate() == 0
    assert all(max(events.values()) == 1 for events in stored(store).values())
    assert len(stored(store)) == 101
    store.assert_no_violations()
    server.assert_log_is_clean()


def test_no_room(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """Beyond `storage_limit` events are stored unsampled, or dropped if the configuration prefers that; the log says so."""
    for discards in (False, True):
        changes = sampling("60s", storage_limit=4_000, discard_on_write_failure=discards)
        server = start_apm_server(store.url, changes=changes, name=f"discards-{discards}")
        traces = [Trace(number + 1_000 * discards) for number in range(20)]
        for trace in traces:
            assert post(server.port, trace.front()).status == 202
        found = stored(store)
        counts = outcomes(server)
        assert counts["held"] > 0 and counts["held"] + counts["stored_unheld"] + counts["discarded"] == 20 * (1 + SPANS)
        assert counts["discarded" if discards else "stored_unheld"] > 30
        assert sum(len(found[trace.id]) for trace in traces if trace.id in found) == counts["stored_unheld"]
        assert any(line["message"] == "no room to hold events for tail-based sampling" for line in server.logs())
        assert server.process.terminate() == 0
