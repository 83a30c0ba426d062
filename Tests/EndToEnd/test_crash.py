"""Each process killed, stopped and cut off at random moments, mid-stream: the set of documents is exact at the end."""

from __future__ import annotations

import os
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.loglines import append, assert_exactly, lines, number_of, numbered
from harness.processes import ChildProcess, ProcessGroup
from harness.proxy import CuttingProxy
from harness.services import Ingest, Shipper
from harness.store import BulkStore
from harness.waiting import wait_until

StartIngest = Callable[..., Ingest]
StartShipper = Callable[..., Shipper]

TOTAL = 60_000
BATCH = 250
SETTLE_SECONDS = 90


class Writer:
    """Writes numbered lines without pause, as fast as `follow` (a count of stored documents) lags by `lead` at most."""

    def __init__(self, path: Path, total: int, follow: Callable[[], int], lead: int) -> None:
        self.path = path
        self.total = total
        self.written = 0
        self.guard = threading.Lock()
        self._follow = follow
        self._lead = lead
        self._stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while self.written < self.total and not self._stop.is_set():
            if self.written - self._follow() > self._lead:
                self._stop.wait(0.02)
                continue
            with self.guard:
                append(self.path, lines(range(self.written, min(self.total, self.written + BATCH))))
            self.written = min(self.total, self.written + BATCH)

    def stop(self) -> None:
        """Ends the thread, also when a test fails."""
        self._stop.set()
        self.thread.join(timeout=10)


class Progress:
    """The last known count of documents, survives that the store is down; and the lock that holds the writer."""

    def __init__(self, store: BulkStore) -> None:
        self.between_writes = threading.Lock()
        self._store = store
        self._last = 0
        self._lock = threading.Lock()

    def __call__(self) -> int:
        with self._lock:
            try:
                self._last = max(self._last, self._store.count())
            except (OSError, ConnectionError):
                return self._last
            except Exception as error:  # http.client's many ways to say that the server went away
                if type(error).__module__ != "http.client":
                    raise
            return self._last


@contextmanager
def writing(path: Path, store: BulkStore, total: int = TOTAL, lead: int = 15_000) -> Iterator[Progress]:
    """Lines are written in the background while the body makes trouble."""
    progress = Progress(store)
    writer = Writer(path, total, progress, lead)
    progress.between_writes = writer.guard
    writer.thread.start()
    try:
        yield progress
        wait_until(lambda: not writer.thread.is_alive(), 60, "the writer to end")
    finally:
        writer.stop()


def assert_exact(store: BulkStore, total: int = TOTAL) -> None:
    """Nothing lost, nothing doubled, and the store was asked correctly."""
    store.wait_for_count(total, SETTLE_SECONDS)
    assert_exactly((number_of(document.source) for document in store.documents()), numbered(range(total)))
    store.assert_no_violations()


def restart(process: ChildProcess) -> None:
    """kill -9 and start."""
    process.kill()
    process.start()


def moments(progress: Progress, randomness: random.Random, count: int, total: int = TOTAL) -> Iterator[int]:
    """`count` moments at random progress, spread over the first 85 % of the documents."""
    span = int(total * 0.85) // count
    for number in range(count):
        target = number * span + randomness.randint(1, span)
        wait_until(lambda: progress() >= target, 60, f"{target} documents", poll_seconds=0.005)
        yield target


@pytest.mark.timeout(180)
@pytest.mark.parametrize("victim", ["shipper", "ingest", "store"])
def test_kill_9_of_one(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path, randomness: random.Random, victim: str
) -> None:
    ingest = start_ingest(store.url)
    shipper = start_shipper([log], ingest.port)
    process = {"shipper": shipper.process, "ingest": ingest.process, "store": store.process}[victim]
    with writing(log, store) as progress:
        for _ in moments(progress, randomness, 6):
            restart(process)
    assert_exact(store)
    assert not ingest.dead_letter_lines


@pytest.mark.timeout(240)
@pytest.mark.parametrize("rotation", ["rename", "copytruncate"])
def test_kill_9_of_all_in_any_order(
    store: BulkStore,
    start_ingest: StartIngest,
    start_shipper: StartShipper,
    log: Path,
    randomness: random.Random,
    rotation: str,
) -> None:
    """Also two at once, and a second kill before the first has recovered; the log is rotated meanwhile."""
    ingest = start_ingest(store.url)
    shipper = start_shipper([log.with_name("access.log*")], ingest.port)
    victims = [shipper.process, ingest.process, store.process]
    with writing(log, store) as progress:
        for number, _ in enumerate(moments(progress, randomness, 9)):
            dying = randomness.sample(victims, randomness.choice((1, 1, 2, 3)))
            for process in dying:
                process.kill()
            if number % 3 == 0:
                with progress.between_writes:  # what copytruncate itself loses is not counted here
                    rotated = log.with_name(f"access.log.{number}")
                    if rotation == "rename":
                        log.rename(rotated)
                    else:
                        shutil.copyfile(log, rotated)
                        os.truncate(log, 0)
            randomness.shuffle(dying)
            for process in dying:
                process.start(wait=False)
            for process in dying:
                process.wait_ready()
    assert_exact(store)


@pytest.mark.timeout(180)
def test_pauses_of_store_and_ingest(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path, randomness: random.Random
) -> None:
    """Stopped processes keep their sockets: time-outs, keep-alives and resends decide."""
    ingest = start_ingest(store.url, changes={"output": {"elasticsearch": {"timeout": "2s"}}})
    start_shipper([log], ingest.port, changes={"output": {"timeout": "2s"}})
    with writing(log, store, 40_000) as progress:
        for number, _ in enumerate(moments(progress, randomness, 4, 40_000)):
            process = (store.process, ingest.process)[number % 2]
            process.pause()
            try:
                threading.Event().wait(randomness.uniform(1, 4))
            finally:
                process.resume()
    assert_exact(store, 40_000)


@pytest.mark.timeout(180)
def test_cut_connections_on_both_sides(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path, randomness: random.Random
) -> None:
    with CuttingProxy(store.port) as before_store:
        ingest = start_ingest(f"http://127.0.0.1:{before_store.port}")
        with CuttingProxy(ingest.port) as before_ingest:
            start_shipper([log], before_ingest.port)
            with writing(log, store) as progress:
                for _ in moments(progress, randomness, 15):
                    proxy = randomness.choice((before_store, before_ingest))
                    proxy.cut_next_after(randomness.randint(1, 200_000))
                    if randomness.random() < 0.5:
                        proxy.cut()
            assert_exact(store)


@pytest.mark.timeout(120)
def test_sigterm_of_ingest_finishes_what_it_has(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path, randomness: random.Random
) -> None:
    """A polite stop acknowledges what is stored: at most little is sent twice, nothing is lost."""
    ingest = start_ingest(store.url)
    start_shipper([log], ingest.port)
    with writing(log, store, 30_000) as progress:
        for _ in moments(progress, randomness, 4, 30_000):
            assert ingest.process.terminate(20) == 0
            ingest.start()
    assert_exact(store, 30_000)


@pytest.mark.timeout(120)
def test_the_machine_comes_back_with_everything_down(
    processes: ProcessGroup, store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    """Everything dies at once; then shipper starts first, ingest second, the store last."""
    ingest = start_ingest(store.url)
    shipper = start_shipper([log], ingest.port)
    append(log, lines(range(5_000)))
    store.wait_for_count(1, 20)
    for process in (store.process, ingest.process, shipper.process):
        process.kill()
    append(log, lines(range(5_000, 10_000)))
    shipper.start()
    ingest.start()
    append(log, lines(range(10_000, 12_000)))
    store.start()
    assert_exact(store, 12_000)
