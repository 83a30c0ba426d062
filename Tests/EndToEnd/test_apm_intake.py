"""Streams, limits, partial success, clients that go away: the intake as agents and others see it."""

from __future__ import annotations

import json
import socket
import threading
import time
import zlib
from collections.abc import Callable

import pytest

from harness.apm import INTAKE, Stream, gzipped, metadata, ndjson, post, request, transaction
from harness.services import APMServer
from harness.store import BulkStore
from harness.waiting import wait_until

StartAPMServer = Callable[..., APMServer]
VERBOSE = f"{INTAKE}?verbose"


def stored_transactions(store: BulkStore) -> list[str]:
    """Ids of all transactions in the store."""
    return [d.source["transaction"]["id"] for d in store.documents() if d.index.startswith("traces-apm")]


def ids(numbers: range) -> list[str]:
    """Their ids."""
    return [f"{number:016x}" for number in numbers]


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "gzip"])
def test_events_are_stored_while_the_stream_goes_on(compress: bool, store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """As Go and Java agents send: one chunked request, open for long, events handled as they come."""
    server = start_apm_server(store.url)
    stream = Stream(server.port, VERBOSE, compress)
    stream.send(ndjson(metadata()))
    for number in range(5):
        line = ndjson(transaction(number))
        # A line may be cut anywhere.
        stream.send(line[:40])
        stream.send(line[40:])
        store.wait_for_count(number + 1, 10)
    answer = stream.finish()
    assert answer.status == 202 and answer.json == {"accepted": 5}
    assert sorted(stored_transactions(store)) == ids(range(5))


def test_streams_side_by_side(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """Two hundred slow streams at once, lines interleaved: each answered for its own events."""
    server = start_apm_server(store.url)
    streams = [Stream(server.port, VERBOSE) for _ in range(200)]
    for stream in streams:
        stream.send(ndjson(metadata()))
    for turn in range(3):
        for number, stream in enumerate(streams):
            stream.send(ndjson(transaction(turn * 1000 + number)))
    for stream in streams:
        answer = stream.finish()
        assert answer.status == 202 and answer.json == {"accepted": 3}
    assert len(set(stored_transactions(store))) == 600


def test_a_client_that_goes_away_leaves_its_events(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """What was complete before the cut is stored, the torn line is not, and the next client is served."""
    server = start_apm_server(store.url)
    for number in range(20):
        stream = Stream(server.port)
        stream.send(ndjson(metadata(), transaction(number)) + b'{"transaction": {"id": "to')
        stream.close()
    store.wait_for_count(20, 10)
    assert post(server.port, ndjson(metadata(), transaction(99))).status == 202
    assert sorted(stored_transactions(store)) == ids(range(20)) + ids(range(99, 100))
    server.assert_log_is_clean()


def test_partial_success(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """One bad line does not stop the others; five are told, all are counted."""
    server = start_apm_server(store.url)
    bad = [{"transaction": {"id": "x"}}] * 7
    body = ndjson(metadata(), transaction(1), *bad, transaction(2))
    answer = post(server.port, body)
    assert answer.status == 400 and answer.headers["Connection"].lower() == "close"
    assert answer.json["accepted"] == 2 and len(answer.json["errors"]) == 5
    first = answer.json["errors"][0]
    assert first == {"message": "validation error: transaction: 'trace_id' required", "document": '{"transaction": {"id": "x"}}'}
    assert sorted(stored_transactions(store)) == ids(range(1, 3))
    samples = server.metrics()
    assert samples['apm_server_events_rejected_total{reason="validation"}'] == 7


@pytest.mark.parametrize(
    ("body", "status", "messages"),
    [
        (b"", 202, []),
        (b"\n", 400, ['"metadata" or "m" required']),
        (b'{"metadata":{}}', 400, ["EOF while reading metadata"]),
        (b'{"metadata":{}}\n', 400, ["validation error: 'metadata' required"]),
        (b'{"metadata":{"service":{}}}\n', 400, ["validation error: 'metadata' required"]),
        (b'{"not":"metadata"}\n', 400, ['"metadata" or "m" required']),
        (ndjson(metadata()), 202, []),
        (ndjson(metadata()) + b"\n\n\n", 202, []),
        (ndjson(metadata(), {"tennis-court": {}}), 400, ['did not recognize object type: "tennis-court"']),
        (ndjson(metadata()) + b"x" * 400_000 + b"\n", 400, ["event exceeded the permitted size"]),
        (ndjson(metadata()) + b"x" * 400_000, 400, ["event exceeded the permitted size"]),
        (ndjson(metadata(), {"transaction": {"id": 1}}), 400, ["decode error: data read error: "]),
        (ndjson(metadata()) + b'{"transaction": {"id"\n', 400, ["decode error: data read error: "]),
        (ndjson(metadata()) + b'{"transaction": {"id": "\xff\xfe"}}\n', 400, ["decode error: data read error: "]),
        (ndjson(metadata()) + b'{"transaction": ' + b"[" * 5000 + b"\n", 400, ["decode error: data read error: "]),
        (ndjson(metadata()) + b'{"transaction": ' + b'{"a":' * 5000 + b"\n", 400, ["decode error: data read error: "]),
        (ndjson(metadata()) + b"\x00\x01\x02\n", 400, ["did not recognize object type"]),
    ],
)
def test_bad_bodies(
    body: bytes, status: int, messages: list[str], store: BulkStore, start_apm_server: StartAPMServer
) -> None:
    """Each answered exactly, plain and gzipped; the server lives on."""
    server = start_apm_server(store.url)
    for sent, headers in ((body, {}), (gzipped(body), {"content_encoding": "gzip"}), (gzipped(body), {})):
        answer = post(server.port, sent, VERBOSE, **headers)
        assert answer.status == status, answer
        assert answer.json["accepted"] == 0
        found = [error["message"] for error in answer.json.get("errors", [])]
        assert len(found) == len(messages)
        assert all(text.startswith(wanted) for text, wanted in zip(found, messages, strict=True)), found
        for error in answer.json.get("errors", []):
            assert len(error.get("document", "")) <= 307_200
    assert post(server.port, ndjson(metadata(), transaction(1)), VERBOSE).json == {"accepted": 1}
    server.assert_log_is_clean()


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "message"),
    [
        ("GET", INTAKE, {}, 400, "only POST requests are supported"),
        ("PUT", INTAKE, {}, 400, "only POST requests are supported"),
        ("POST", INTAKE, {"Content-Type": "application/json"}, 400, "invalid content type: 'application/json'"),
        ("POST", INTAKE, {"Content-Encoding": "gzip"}, 400, "data decoding error: gzip: invalid header"),
        ("POST", INTAKE, {"Content-Encoding": "deflate"}, 400, "data decoding error: zlib: invalid header"),
    ],
)
def test_bad_requests(
    method: str, path: str, headers: dict[str, str], status: int, message: str, store: BulkStore, start_apm_server: StartAPMServer
) -> None:
    """What is wrong with the request as a whole."""
    server = start_apm_server(store.url)
    answer = request(server.port, method, path, ndjson(metadata(), transaction(1)), headers)
    assert answer.status == status
    assert answer.json == {"accepted": 0, "errors": [{"message": message}]}
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert store.count() == 0


def test_lines_before_damage_count(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """A compressed body that is damaged or cut: the events before the fault are stored, and the answer says both."""
    server = start_apm_server(store.url)
    packer = zlib.compressobj(wbits=31)
    good = packer.compress(ndjson(metadata(), transaction(1), transaction(2))) + packer.flush(zlib.Z_FULL_FLUSH)
    for damage, message in ((b"\xff" * 40, "data decoding error: gzip: invalid data"), (b"", "data decoding error: unexpected EOF")):
        answer = post(server.port, good + damage, VERBOSE, content_encoding="gzip")
        assert answer.status == 400
        assert answer.json == {"accepted": 2, "errors": [{"message": message}]}
    assert len(stored_transactions(store)) == 4


def test_answers_by_accept(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """Success is an empty 202; JSON is indented for those who accept it, one line for others."""
    server = start_apm_server(store.url)
    good = ndjson(metadata(), transaction(1))
    answer = post(server.port, good)
    assert answer.status == 202 and answer.body == b""
    answer = post(server.port, good, VERBOSE, accept="application/json")
    assert answer.body.strip() == b'{\n  "accepted": 1\n}' and answer.headers["Content-Type"] == "application/json"
    answer = post(server.port, good, VERBOSE)
    assert answer.body == b'{"accepted":1}\n' and answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert request(server.port, "GET", "/nowhere").json == {"error": "404 page not found"}


def test_bombs_and_floods_cost_nothing(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """A line of 100 MB, bodies that inflate a thousandfold, endless headers: answered, memory stays."""
    server = start_apm_server(store.url)
    assert post(server.port, ndjson(metadata(), transaction(1))).status == 202
    before = server.process.resident_bytes()
    line = ndjson(metadata()) + b'{"transaction": {"id": "' + b"x" * 100_000_000 + b'"}}\n' + ndjson(transaction(2))
    for body in (line, gzipped(line)):
        answer = post(server.port, body, VERBOSE)
        assert answer.status == 400 and answer.json["accepted"] == 1, answer.body[:200]
        assert answer.json["errors"][0]["message"] == "event exceeded the permitted size"
    bomb = gzipped(ndjson(metadata()) + b" " * 200_000_000)
    answer = post(server.port, bomb, VERBOSE)
    assert answer.status == 400 and "more than 134217728 bytes" in answer.json["errors"][-1]["message"]
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        try:
            for number in range(100_000):
                client.sendall(b"X-Header-%d: %s\r\n" % (number, b"y" * 200))
        except OSError:
            pass
    assert post(server.port, ndjson(metadata(), transaction(3))).status == 202
    assert server.process.peak_resident_bytes() < before + (48 << 20)
    server.assert_log_is_clean()


def test_slow_clients_cost_their_socket(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """Half-open connections and half requests: others are served at once, and they are closed in the end."""
    server = start_apm_server(store.url, changes={"read_timeout": "2s", "idle_timeout": "2s"})
    idle = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(100)]
    for client in idle[:50]:
        client.sendall(b"POST /intake/v2/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Le")
    started = time.monotonic()
    assert post(server.port, ndjson(metadata(), transaction(1))).status == 202
    assert time.monotonic() - started < 2
    for client in idle:
        # The server ends each: an answer, or nothing, then the end of the stream.
        while client.recv(4096):
            pass
        client.close()
    server.assert_log_is_clean()


def test_many_senders_at_once(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """Forty senders on connections of their own: every event once."""
    server = start_apm_server(store.url)
    each, senders = 50, 40
    failures: list[object] = []

    def send(sender: int) -> None:
        for number in range(0, each, 5):
            events = [transaction(sender * each + number + offset) for offset in range(5)]
            answer = post(server.port, gzipped(ndjson(metadata(), *events)), VERBOSE, content_encoding="gzip")
            if answer.status != 202 or answer.json != {"accepted": 5}:
                failures.append(answer)

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    found = stored_transactions(store)
    assert len(found) == each * senders and len(set(found)) == each * senders
    store.assert_no_violations()


def test_stop_in_the_middle_of_streams(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """SIGTERM: what was accepted is stored, the streams are told, and the server ends in time."""
    server = start_apm_server(store.url, changes={"shutdown_timeout": "3s"})
    streams = [Stream(server.port, VERBOSE) for _ in range(5)]
    for number, stream in enumerate(streams):
        stream.send(ndjson(metadata(), transaction(number)))
    wait_until(lambda: len(stored_transactions(store)) == 5, 10, "the events so far")
    assert server.process.terminate() == 0
    assert sorted(stored_transactions(store)) == ids(range(5))
    server.assert_log_is_clean()


def test_settings_of_documents(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """Namespace, default environment, personal data, daily classic indices."""
    changes = {
        "data_streams": {"namespace": "prod"}, "default_service_environment": "lab", "capture_personal_data": False,
    }  # fmt: skip
    server = start_apm_server(store.url, changes=changes)
    assert post(server.port, ndjson(metadata(), transaction(1))).status == 202
    documents = [d for d in store.documents() if d.index.startswith("traces")]
    assert [d.index for d in documents] == ["traces-apm-prod"]
    source = documents[0].source
    assert source["service"]["environment"] == "lab" and "host" not in source
    assert source["data_stream"]["namespace"] == "prod"
    server.process.terminate()
    daily = start_apm_server(store.url, changes={"output": {"elasticsearch": {"indices": "daily"}}}, name="daily")
    assert post(daily.port, ndjson(metadata(), transaction(2))).status == 202
    assert "apm-9.5.2-transaction-2026.09.21" in {d.index for d in store.documents()}
    assert json.dumps(daily.stats())
