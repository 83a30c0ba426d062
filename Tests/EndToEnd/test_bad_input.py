"""Hostile bytes and clients on every port, hostile files under shipper: the services serve on and lose nothing."""

from __future__ import annotations

import json
import os
import random
import socket
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import loglines
from harness.loglines import append, assert_exactly, lines, number_of, numbered
from harness.lumberjack import (
    PeerClosed,
    Sender,
    compressed_frame,
    data_frame,
    event_window,
    json_frame,
    window_frame,
)
from harness.services import Ingest, Shipper, http_get
from harness.store import BulkStore
from harness.waiting import wait_until

StartIngest = Callable[..., Ingest]
StartShipper = Callable[..., Shipper]


def event(number: int, run: str = "a") -> dict[str, object]:
    """A minimal good event."""
    return {
        "@timestamp": "2026-11-20T10:00:00.000Z",
        "message": loglines.line(number, run).decode().rstrip("\n"),
        "log": {"offset": number * 300, "file": {"path": f"/var/log/{run}.log"}},
        "host": {"name": "bad-input"},
    }


def assert_serves(ingest: Ingest, store: BulkStore, number: int) -> None:
    """A good client is acknowledged, and its document is stored."""
    before = store.count()
    with Sender(ingest.port) as sender:
        sender.send(event_window([event(number, "good")]))
        sender.wait_for_ack(1)
    assert store.count() == before + 1
    assert ingest.process.is_running


def bomb(inflated: int) -> bytes:
    """A compressed frame that inflates to one JSON frame of blanks."""
    return compressed_frame(b"2J" + struct.pack(">II", 1, inflated) + b" " * inflated, level=9)


def nested(depth: int) -> bytes:
    """Compressed frames inside each other."""
    content = json_frame(1, event(1))
    for _ in range(depth):
        content = compressed_frame(content)
    return content


HOSTILE = {
    "an HTTP request": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a TLS hello to a plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    "version 1": b"1W\0\0\0\1",
    "unknown frame type": b"2X\0\0\0\1",
    "an event without a window": json_frame(1, event(1)),
    "an ack from the client": b"2A\0\0\0\1",
    "a window larger than allowed": window_frame(20_001),
    "a window of four thousand million": window_frame(0xFFFFFFFF),
    "more events than announced": window_frame(1) + json_frame(1, event(1)) + json_frame(2, event(2)) + json_frame(3, event(3)),
    "an event of length 0": window_frame(1) + b"2J" + struct.pack(">II", 1, 0),
    "an event of 4 GB": window_frame(1) + b"2J" + struct.pack(">II", 1, 0xFFFFFFFF),
    "an event of 16 MiB and one": window_frame(1) + b"2J" + struct.pack(">II", 1, 16 * 1024 * 1024 + 1),
    "a compressed frame of 4 GB": window_frame(1) + b"2C" + struct.pack(">I", 0xFFFFFFFF),
    "a compressed frame of nothing": window_frame(1) + b"2C" + struct.pack(">I", 0),
    "garbage as a zlib stream": window_frame(1) + b"2C" + struct.pack(">I", 16) + b"0123456789abcdef",
    "a zlib stream cut short": window_frame(1) + b"2C" + struct.pack(">I", 20) + zlib.compress(json_frame(1, event(1)))[:20],
    "an inflated half frame": window_frame(1) + compressed_frame(json_frame(1, event(1))[:-5]),
    "a compressed frame inside a compressed frame": window_frame(1) + nested(2),
    "frames nested a hundred deep": window_frame(1) + nested(100),
    "a bomb of 65 MiB": window_frame(1) + bomb(65 * 1024 * 1024),
    "a bomb of 300 MB": window_frame(1) + bomb(300_000_000),
    "pairs without end": window_frame(1) + b"2D" + struct.pack(">II", 1, 0xFFFFFFFF),
    "a window inside a compressed frame": window_frame(1) + compressed_frame(window_frame(1) + json_frame(1, event(1))),
}  # fmt: skip


class TestIngestPort:
    @pytest.fixture
    def ingest(self, store: BulkStore, start_ingest: StartIngest) -> Ingest:
        """An ingest with short limits on patience."""
        return start_ingest(store.url, changes={"limits": {"frame_timeout": "1s", "idle_timeout": "3s"}})

    @pytest.mark.timeout(120)
    def test_hostile_bytes_close_the_connection_and_nothing_else(self, store: BulkStore, ingest: Ingest) -> None:
        before = ingest.process.resident_bytes()
        # Of too many events the first may be stored, at any moment from then on: last, so that it is not counted with others.
        too_many = "more events than announced"
        cases = sorted(HOSTILE.items(), key=lambda case: case[0] == too_many)
        for number, (name, data) in enumerate(cases):
            with Sender(ingest.port) as sender:
                try:
                    sender.send(data)
                except OSError:
                    pass  # closed while we were still sending: even better
                if name == too_many:
                    continue
                assert sender.is_closed_by_peer(5), name
            assert_serves(ingest, store, number)
        runs = {number_of(document.source)[0] for document in store.documents()}
        assert runs <= {"good", "a"}
        assert ingest.process.resident_bytes() - before < 150 * 1024 * 1024
        ingest.assert_log_is_clean()
        store.assert_no_violations()

    @pytest.mark.timeout(60)
    def test_random_garbage(self, store: BulkStore, ingest: Ingest, randomness: random.Random) -> None:
        good = event_window([event(number, "noise") for number in range(20)])
        for number in range(100):
            data = bytearray(good if number % 2 else randomness.randbytes(randomness.randint(1, 5_000)))
            for _ in range(randomness.randint(1, 5)):
                data[randomness.randrange(len(data))] = randomness.randrange(256)
            with socket.create_connection(("127.0.0.1", ingest.port), timeout=5) as connection:
                connection.sendall(data[: randomness.randint(1, len(data))])
        assert_serves(ingest, store, 0)
        ingest.assert_log_is_clean()
        store.assert_no_violations()

    def test_a_window_cut_off_is_not_acknowledged_and_not_stored_twice(self, store: BulkStore, ingest: Ingest) -> None:
        window = event_window([event(number) for number in range(10)], compress=False)
        for cut in (3, 6, 7, 100, len(window) // 2, len(window) - 1):
            with Sender(ingest.port) as sender:
                sender.send(window[:cut])
        with Sender(ingest.port) as sender:
            sender.send(window)
            sender.wait_for_ack(10)
        assert_exactly((number_of(document.source) for document in store.documents()), numbered(range(10)))

    def test_slow_clients_are_cut_and_patient_ones_kept(self, store: BulkStore, ingest: Ingest) -> None:
        """A frame that does not come to its end is cut after `frame_timeout`; one that trickles in time is served."""
        with Sender(ingest.port) as slow:
            slow.send(window_frame(2) + json_frame(1, event(1))[:50])
            assert slow.is_closed_by_peer(6)
        with Sender(ingest.port) as patient:
            window = event_window([event(2)], compress=False)
            for position in range(0, len(window), 50):
                patient.send(window[position : position + 50])
                time.sleep(0.02)
            patient.wait_for_ack(1)
        with Sender(ingest.port) as idle:
            assert idle.is_closed_by_peer(8), "an idle connection ends after idle_timeout"
        assert_serves(ingest, store, 3)

    def test_a_client_that_never_reads_its_acks(self, store: BulkStore, ingest: Ingest) -> None:
        with socket.create_connection(("127.0.0.1", ingest.port), timeout=5) as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            for number in range(500):
                deaf.sendall(event_window([event(number, "deaf")]))
            store.wait_for_count(500, 20)
            assert_serves(ingest, store, 0)

    @pytest.mark.timeout(60)
    def test_floods_of_connections(self, store: BulkStore, start_ingest: StartIngest) -> None:
        """Above the limit new connections are refused or wait; those that work go on, and room comes back."""
        ingest = start_ingest(store.url, changes={"limits": {"connections": 100}})
        with Sender(ingest.port) as early:
            early.send(event_window([event(0, "early")]))
            early.wait_for_ack(1)
            flood = []
            for _ in range(300):
                try:
                    flood.append(socket.create_connection(("127.0.0.1", ingest.port), timeout=1))
                except OSError:
                    break
            early.send(event_window([event(1, "early")]))
            early.wait_for_ack(1)
            for connection in flood:
                connection.close()

        def served() -> bool:
            try:
                assert_serves(ingest, store, 2)
            except (OSError, PeerClosed):
                return False
            return True

        wait_until(served, 10, "room for a new connection", poll_seconds=0.2)
        descriptors = len(ingest.process.open_files())
        wait_until(lambda: len(ingest.process.open_files()) < 60, 10, f"descriptors to be given back ({descriptors} open)")

    def test_five_hundred_good_clients_at_once(self, store: BulkStore, ingest: Ingest) -> None:
        senders = [Sender(ingest.port) for _ in range(500)]
        for number, sender in enumerate(senders):
            sender.send(event_window([event(number, "many")]))
        for sender in senders:
            sender.wait_for_ack(1)
            sender.socket.close()
        assert_exactly((number_of(document.source) for document in store.documents()), numbered(range(500), "many"))

    def test_odd_but_legal_windows(self, store: BulkStore, ingest: Ingest) -> None:
        """Key/value frames, several compressed frames, mixed frames, sequences that do not start at 1, an empty window."""
        with Sender(ingest.port) as sender:
            sender.send(window_frame(2))
            for number in (1, 2):
                message = loglines.line(number, "pairs").decode().rstrip("\n")
                sender.send(data_frame(number, {"message": message, "offset": str(number), "file": "/v1.log", "host": "old"}))
            sender.wait_for_ack(2)
            sender.send(window_frame(3) + compressed_frame(json_frame(11, event(1)) + json_frame(12, event(2))))
            sender.send(json_frame(13, event(3)))
            sender.wait_for_ack(13)
            sender.send(window_frame(0) + event_window([event(4)]))
            sender.wait_for_ack(1)
        found = [number_of(document.source) for document in store.documents()]
        assert_exactly(found, [("pairs", 1), ("pairs", 2), ("a", 1), ("a", 2), ("a", 3), ("a", 4)])

    def test_events_that_are_not_log_lines(self, store: BulkStore, ingest: Ingest) -> None:
        """Broken JSON, no message, wrong types, absurd dates: each is acknowledged and can be found again."""
        odd: list[bytes] = [
            b"{",
            b"[]",
            b'"text"',
            b"{}",
            b'{"message":null}',
            b'{"message":17}',
            b'{"message":"not an access line","@timestamp":"yesterday"}',
            b'{"message":"\xff\xfe bad utf-8","@timestamp":"2026-11-20T10:00:00.000Z"}',
            b'{"message":"lone \\ud83d surrogate","@timestamp":"2026-11-20T10:00:00.000Z"}',
            b'{"message":"x","host":"text","log":7,"agent":[1],"tags":"one"}',
            b'{"message":"x","@timestamp":"0001-01-01T00:00:00Z"}',
            b'{"message":"x","@timestamp":"9999-12-31T23:59:59Z"}',
            b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
            b'{"message":"twice","message":"the same key"}',
        ]
        for time in ("31/Feb/2026:25:61:61 +9999", "31/Dec/9999:23:59:59 -9999", "01/Jan/0000:00:00:00 +9999"):
            message = f'127.0.0.1 - - [{time}] "GET /never HTTP/1.1" 200 1 "-" "-"'
            odd.append(json.dumps({"message": message}).encode())
        for number, payload in enumerate(odd):
            with Sender(ingest.port) as sender:
                sender.send(window_frame(1) + compressed_frame(json_frame(1, payload)))
                try:
                    sender.wait_for_ack(1)
                except (PeerClosed, OSError) as error:
                    raise AssertionError(f"not acknowledged: {payload[:80]!r}: {error}") from None
            assert store.count() + len(ingest.dead_letter_lines) >= number + 1, f"{payload[:80]!r} has vanished"
        store.assert_no_violations()
        assert_serves(ingest, store, 0)


class TestMonitoringPorts:
    @pytest.mark.parametrize(
        "data",
        [
            b"\x00\xff garbage \r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET " + b"/x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            b"POST /stats HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
            b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 10_000,
        ],
        ids=["bytes", "version", "long path", "huge body", "path traversal", "many headers"],
    )
    def test_survive_garbage(
        self, store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path, data: bytes
    ) -> None:
        ingest = start_ingest(store.url)
        shipper = start_shipper([log], ingest.port)
        for service in (ingest, shipper):
            with socket.create_connection(("127.0.0.1", service.monitoring_port), timeout=5) as connection:
                try:
                    connection.sendall(data)
                    connection.shutdown(socket.SHUT_WR)
                    answer = connection.recv(65_536)
                except OSError:
                    answer = b""
            assert b"root:" not in answer
            assert not answer.startswith(b"HTTP/1.1 200")
            assert http_get(service.monitoring_port, "/stats")[0] == 200
            assert http_get(service.monitoring_port, "/nothing-here")[0] == 404
        append(log, lines(range(10)))
        store.wait_for_count(10, 10)

    def test_survive_idle_connections(self, store: BulkStore, start_ingest: StartIngest) -> None:
        ingest = start_ingest(store.url)
        idle = [socket.create_connection(("127.0.0.1", ingest.monitoring_port), timeout=5) for _ in range(100)]
        for connection in idle[:50]:
            connection.sendall(b"GET /healthz HT")
        # Whether a hundred-and-first is served or refused, the main port is not touched by it.
        assert_serves(ingest, store, 1)
        for connection in idle:
            connection.close()
        wait_until(lambda: http_get(ingest.monitoring_port, "/healthz")[0] == 200, 10, "the monitoring port to serve again")


class TestFiles:
    def test_binary_and_endless_lines_do_not_stop_the_good_ones(
        self, store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path, randomness: random.Random
    ) -> None:
        """A file of random bytes, one without any newline, one of NULs, and a good one: all of the good one arrives."""
        append(log.with_name("random.log"), randomness.randbytes(1_000_000))
        append(log.with_name("endless.log"), b"e" * 12_000_000)
        append(log.with_name("zeros.log"), b"\0" * 1_000_000 + b"\n")
        append(log.with_name("invalid.log"), b"\xff\xfe\xc3(\n" * 1_000 + b"\xe2\x82\n")
        append(log.with_name("long.log"), loglines.line(0, "long", width=5_000_000))
        append(log, lines(range(5_000)))
        ingest = start_ingest(store.url)
        shipper = start_shipper([log.with_name("*.log")], ingest.port, input_changes={"max_bytes": "1MiB"})
        wanted = set(numbered(range(5_000)))

        def good_lines() -> set[tuple[str, int]]:
            return {
                number_of(document.source)
                for document in store.documents()
                if document.source.get("url", {}).get("original", "").startswith("/item/a/")
            }

        wait_until(lambda: good_lines() == wanted, 40, "all good lines", poll_seconds=0.5)
        # Every other line is there as well, with a reason instead of fields.
        invalid = 1_001
        wait_until(
            lambda: sum(document.source["log"]["file"]["path"].endswith("invalid.log") for document in store.documents()) == invalid,
            20, "the lines that do not parse", poll_seconds=0.5,
        )  # fmt: skip
        for document in store.documents():
            if document.source["log"]["file"]["path"].endswith("invalid.log"):
                assert document.source["event"]["original"] and document.source["error"]["message"]
                assert document.source["tags"]
        assert shipper.process.peak_resident_bytes() < 100 * 1024 * 1024
        store.assert_no_violations()
        ingest.assert_log_is_clean()
        shipper.assert_log_is_clean()

    def test_things_that_are_not_files(
        self, store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
    ) -> None:
        """Folders, pipes, sockets, dead links and unreadable files under the glob are passed over."""
        (log.with_name("folder.log")).mkdir()
        os.mkfifo(log.with_name("pipe.log"))
        (log.with_name("dangling.log")).symlink_to("/nonexistent/file")
        (log.with_name("loop.log")).symlink_to(log.with_name("loop.log"))
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(log.with_name("socket.log")))
        unreadable = log.with_name("unreadable.log")
        append(unreadable, lines(range(5), run="unreadable"))
        unreadable.chmod(0)
        append(log, lines(range(100)))
        ingest = start_ingest(store.url)
        start_shipper([log.with_name("*.log")], ingest.port)
        readable_by_root = 5 if os.geteuid() == 0 else 0
        store.wait_for_count(100 + readable_by_root, 20)
        unreadable.chmod(0o644)
        store.wait_for_count(105, 20)
        listener.close()
