"""The promise of 202: kill -9, outages and full disks, and the accepted events are exactly those in the store."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Callable

import pytest

from harness.apm import INTAKE, gzipped, metadata, ndjson, post, transaction
from harness.services import APMServer
from harness.store import BulkStore
from harness.waiting import wait_until

StartAPMServer = Callable[..., APMServer]
QUICK_SPOOL = {"spool": {"after": "300ms"}}


class Senders:
    """Agents that send numbered transactions and remember which were accepted; like agents, they send nothing twice."""

    def __init__(self, server: APMServer, count: int = 8) -> None:
        self.accepted: list[int] = []
        self.refused = 0
        self.attempts = 0
        self._server = server
        self._guard = threading.Lock()
        self._next = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._guard:
                numbers = range(self._next, self._next + 10)
                self._next += 10
            try:
                answer = post(self._server.port, gzipped(ndjson(metadata(), *map(transaction, numbers))), INTAKE)
            except (OSError, http.client.HTTPException):
                self._stop.wait(0.02)
                continue
            with self._guard:
                self.attempts += 1
                if answer.status == 202:
                    self.accepted += numbers
                else:
                    self.refused += 1

    def stop(self) -> None:
        """No more requests; waits for the last answers."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)


def stored(store: BulkStore) -> list[int]:
    """Numbers of the stored transactions."""
    return [int(d.source["transaction"]["id"], 16) for d in store.documents() if d.index.startswith("traces-apm")]


def assert_exact(store: BulkStore, accepted: list[int]) -> None:
    """Every accepted event is stored once; an event whose answer never came may be there, once."""
    wait_until(lambda: set(accepted) <= set(stored(store)), 60, f"all of {len(accepted)} accepted events", 0.3)
    found = stored(store)
    assert len(found) == len(set(found)), "stored twice"
    store.assert_no_violations()


def test_kill_under_load(store: BulkStore, start_apm_server: StartAPMServer, randomness: random.Random) -> None:
    """kill -9 four times while eight senders send."""
    server = start_apm_server(store.url, changes=QUICK_SPOOL)
    senders = Senders(server)
    for _ in range(4):
        time.sleep(randomness.uniform(0.3, 1.2))
        server.process.kill()
        server.start()
    wait_until(lambda: len(senders.accepted) > 100, 20, "accepted events")
    senders.stop()
    assert_exact(store, senders.accepted)


def test_kill_during_an_outage(store: BulkStore, start_apm_server: StartAPMServer, randomness: random.Random) -> None:
    """The store is away: events are accepted into the spool, which survives kill -9 and is replayed without doubles."""
    server = start_apm_server(store.url, changes=QUICK_SPOOL)
    store.process.kill()
    senders = Senders(server)
    for _ in range(2):
        wait_until(lambda: len(senders.accepted) > 50, 20, "accepted events")
        time.sleep(randomness.uniform(0.2, 0.8))
        server.process.kill()
        server.start()
    senders.stop()
    assert server.stats()["metrics"]["apm_server_spool_bytes"] > 0
    status, text = server.health()
    assert status == 503 and "127.0.0.1" in text
    store.start()
    assert_exact(store, senders.accepted)
    wait_until(lambda: server.stats()["metrics"]["apm_server_spool_records"] == 0, 20, "an empty spool")
    wait_until(lambda: server.health()[0] == 200, 20, "health")


@pytest.mark.parametrize("fault", ["hang", "cut_after", "half_answer"])
def test_answers_that_do_not_come(fault: str, store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """Bulks that hang or whose answers are lost: the events go to the spool, then once into the store."""
    server = start_apm_server(store.url, changes=QUICK_SPOOL | {"output": {"elasticsearch": {"timeout": "3s"}}})
    store.fault(fault, times=6)
    senders = Senders(server, 4)
    wait_until(lambda: len(senders.accepted) > 200, 30, "accepted events")
    senders.stop()
    store.clear_faults()
    assert_exact(store, senders.accepted)


def test_overload_is_not_a_refusal(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """429 and 503 of the store, whole and per document: accepted all the same."""
    server = start_apm_server(store.url, changes=QUICK_SPOOL)
    store.fault("status", status=429, times=5)
    store.fault("status", status=503, times=5)
    store.fault("item", status=429, match="GET /3", type="es_rejected_execution_exception", times=30)
    senders = Senders(server, 4)
    wait_until(lambda: len(senders.accepted) > 300, 30, "accepted events")
    senders.stop()
    assert senders.refused == 0
    assert_exact(store, senders.accepted)


def test_a_full_spool_refuses(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """Only then comes 503 with the message agents know; and when the store is back, all that was accepted is there."""
    changes = {"spool": {"after": "200ms", "max_bytes": "16MiB"}}
    server = start_apm_server(store.url, changes=changes)
    store.process.kill()
    accepted: list[int] = []
    refusal = None
    for number in range(0, 400_000, 2000):
        answer = post(server.port, gzipped(ndjson(metadata(), *map(transaction, range(number, number + 2000)))), f"{INTAKE}?verbose")
        if answer.status != 202:
            refusal = answer
            break
        accepted += range(number, number + 2000)
    assert refusal is not None and refusal.status == 503, refusal
    errors = [error["message"] for error in refusal.json["errors"]]
    assert errors == ["cannot handle stream: cannot process batch: queue is full"]
    assert refusal.headers["Connection"].lower() == "close"
    store.start()
    assert_exact(store, accepted)
    wait_until(lambda: post(server.port, ndjson(metadata(), transaction(999_999))).status == 202, 20, "room again", 0.3)


def test_dead_letters(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """A document that the store can never take is kept with the reason; the others are stored and the agent hears 202."""
    server = start_apm_server(store.url)
    store.fault("item", status=400, match="GET /3", type="document_parsing_exception", reason="made up")
    answer = post(server.port, ndjson(metadata(), *map(transaction, range(10))), f"{INTAKE}?verbose")
    assert answer.status == 202 and answer.json == {"accepted": 10}
    assert sorted(stored(store)) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    letters = [line for line in server.dead_letter_lines if "transaction" in line["document"]]
    assert [line["document"]["transaction"]["id"] for line in letters] == [f"{3:016x}"]
    assert letters[0]["error"]["reason"] == "made up"


def test_roll_ups_survive_a_kill(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """What was aggregated before the last checkpoint is counted after kill -9."""
    server = start_apm_server(store.url, changes={"aggregation": {"checkpoint_interval": "500ms"}})
    assert post(server.port, ndjson(metadata(), *map(transaction, range(50)))).status == 202
    before = server.metrics()["apm_server_rollup_checkpoints_total"]
    # A checkpoint that has this one has all others too.
    assert post(server.port, ndjson(metadata("last"), transaction(99))).status == 202
    wait_until(lambda: server.metrics()["apm_server_rollup_checkpoints_total"] > before, 20, "a checkpoint", 0.1)
    server.process.kill()
    server.start()
    assert server.process.terminate() == 0
    groups = [d.source for d in store.documents() if d.index == "metrics-apm.service_transaction.60m-default"]
    assert sum(source["_doc_count"] for source in groups) == 51
