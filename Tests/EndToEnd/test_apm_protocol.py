"""What apm-server answers, byte by byte: methods, paths, compression, long lines, errors of every kind, odd HTTP."""

from __future__ import annotations

import json
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.apm import INTAKE, Stream, gzipped, metadata, ndjson, post, request, transaction
from harness.processes import ProcessGroup
from harness.services import APMServer
from harness.store import BulkStore
from harness.waiting import wait_until

VERBOSE = f"{INTAKE}?verbose"
RUM = "/intake/v2/rum/events?verbose"
MAX_EVENT_BYTES = 307_200
META = ndjson(metadata())
EVENT = ndjson(transaction(1))
BROWSER = ndjson({"metadata": {"service": {"name": "shop", "agent": {"name": "rum-js", "version": "5.0.0"}}}})
BAD = b'{"transaction":{"id":"x"}}'
BAD_ERROR = {"message": "validation error: transaction: 'trace_id' required", "document": BAD.decode()}
NOT_METADATA = '"metadata" or "m" required'
TOO_LONG = "event exceeded the permitted size"
PLAIN = ("Content-Type: text/plain; charset=utf-8",)
CLOSE = ("Connection: close",)
RATE_LIMIT = "cannot handle stream: cannot process batch: rate limit exceeded"


@dataclass(frozen=True)
class Environment:
    """Servers for all rows of this module."""

    store: BulkStore
    server: APMServer
    slow: APMServer
    """With anonymous clients, twenty events a second for each."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """Started once; no row needs a state of its own."""
    group = ProcessGroup(tmp_path_factory.mktemp("protocol"))
    store = BulkStore(group).start()
    server = APMServer(group, [store.url], {"response_headers": {"X-Site": ["one", "two"]}, "rum": {"enabled": True}})
    anonymous = {"allow_agent": ["rum-js"], "rate_limit": {"event_limit": 20}}
    auth = {"secret_token": "secret", "anonymous": anonymous}
    slow = APMServer(group, [store.url], {"auth": auth, "rum": {"enabled": True}}, "slow")
    server.start()
    slow.start()
    yield Environment(store, server, slow)
    server.assert_log_is_clean()
    assert not server.process.has_logged("was not made by us")
    store.assert_no_violations()
    group.close()


@dataclass(frozen=True)
class Raw:
    """One answer as it came: the status line, the headers in order but without Date, the body."""

    status: str
    headers: tuple[str, ...]
    body: bytes


class Client:
    """A connection that sends bytes as they are."""

    def __init__(self, port: int, timeout: float = 20) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *details: object) -> None:
        self._file.close()
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Sends all of it."""
        self._socket.sendall(data)

    def end(self) -> None:
        """Sends no more."""
        self._socket.shutdown(socket.SHUT_WR)

    def answer(self, is_head: bool = False) -> Raw:
        """Reads one answer."""
        status = self._file.readline().decode().rstrip("\r\n")
        headers = []
        while line := self._file.readline().decode().rstrip("\r\n"):
            headers.append(line)
        length = next((int(line[15:]) for line in headers if line.lower().startswith("content-length:")), 0)
        body = b"" if is_head else self._file.read(length)
        return Raw(status, tuple(line for line in headers if not line.startswith("Date: ")), body)

    def is_closed(self) -> bool:
        """Whether the server has ended the connection, and sent nothing more."""
        return self._file.read(1) == b""


def head(method: str, path: str, *headers: str, length: int | None = None) -> bytes:
    """The head of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: apm", *headers]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def intake(body: bytes, *headers: str, path: str = VERBOSE) -> bytes:
    """An intake request."""
    return head("POST", path, *headers, length=len(body)) + body


def exchange(port: int, data: bytes, is_head: bool = False) -> Raw:
    """One answer on a connection of its own."""
    with Client(port) as client:
        client.send(data)
        return client.answer(is_head)


def one_line(value: object) -> bytes:
    """As those get it that do not accept JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def indented(value: object) -> bytes:
    """As those get it that accept JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"


def failed(*messages: str | dict[str, str], accepted: int = 0) -> dict[str, object]:
    """The body of an intake answer with errors."""
    errors = [message if isinstance(message, dict) else {"message": message} for message in messages]
    return {"accepted": accepted, "errors": errors}


def padded(size: int) -> bytes:
    """An event of exactly that many bytes, without newline."""
    line = EVENT.rstrip(b"\n")[:-2] + b', "pad": "'
    return line + b"x" * (size - len(line) - 3) + b'"}}'


SITE = ("X-Site: one", "X-Site: two", "X-Content-Type-Options: nosniff")
NOT_SUPPORTED = (
    "method not supported: this is the server information endpoint; did you mean to send data to another endpoint instead?"
)
NO_POST = failed("only POST requests are supported")
NO_TYPE = failed("invalid content type: 'application/json'")
CASES: list[tuple[str, bytes, str, tuple[str, ...], bytes]] = [
    ("404", head("GET", "/nowhere"), "404 Not Found", PLAIN, one_line({"error": "404 page not found"})),
    ("404 with a body", head("POST", "/x", length=3) + b"abc", "404 Not Found", PLAIN, one_line({"error": "404 page not found"})),
    ("404 below", head("GET", f"{INTAKE}/"), "404 Not Found", PLAIN, one_line({"error": "404 page not found"})),
    (
        "404 as JSON", head("GET", "/x", "Accept: text/html, application/json;q=0.5"), "404 Not Found",
        ("Content-Type: application/json",), indented({"error": "404 page not found"}),
    ),
    (
        "404 for all", head("GET", "/x", "Accept: */*"), "404 Not Found",
        ("Content-Type: application/json",), indented({"error": "404 page not found"}),
    ),
    ("405", head("POST", "/", length=2) + b"{}", "405 Method Not Allowed", PLAIN, one_line({"error": NOT_SUPPORTED})),
    ("405 PUT", head("PUT", "/", "Accept: */*", length=0), "405 Method Not Allowed", ("Content-Type: application/json",),
     indented({"error": NOT_SUPPORTED})),
    ("intake GET", head("GET", INTAKE), "400 Bad Request", CLOSE + PLAIN, one_line(NO_POST)),
    ("intake OPTIONS", head("OPTIONS", INTAKE), "400 Bad Request", CLOSE + PLAIN, one_line(NO_POST)),
    ("wrong type", intake(META, "Content-Type: application/json"), "400 Bad Request", CLOSE + PLAIN, one_line(NO_TYPE)),
    (
        "wrong type as JSON", intake(META, "Content-Type: application/json", "Accept: application/json"), "400 Bad Request",
        CLOSE + ("Content-Type: application/json",), indented(NO_TYPE),
    ),
    ("silent success", intake(META + EVENT, path=INTAKE), "202 Accepted", (), b""),
    ("verbose", intake(META + EVENT, path=f"{INTAKE}?flushed=true&verbose=0"), "202 Accepted", PLAIN, one_line({"accepted": 1})),
    (
        "verbose as JSON", intake(META + EVENT, "Accept: */*"), "202 Accepted", ("Content-Type: application/json",),
        indented({"accepted": 1}),
    ),
    ("failure without verbose", intake(META + BAD, path=INTAKE), "400 Bad Request", CLOSE + PLAIN, one_line(failed(BAD_ERROR))),
]  # fmt: skip


@pytest.mark.parametrize(("data", "status", "headers", "body"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_whole_answers(data: bytes, status: str, headers: tuple[str, ...], body: bytes, environment: Environment) -> None:
    """Status line, all headers in order, and the body."""
    answer = exchange(environment.server.port, data)
    assert answer.status == f"HTTP/1.1 {status}"
    assert answer.headers == (*headers, *SITE, f"Content-Length: {len(body)}")
    assert answer.body == body


@pytest.mark.parametrize("path", ["/", INTAKE, "/nowhere"])
def test_head_is_get_without_body(path: str, environment: Environment) -> None:
    """The same status and headers, no body."""
    got = exchange(environment.server.port, head("GET", path))
    answer = exchange(environment.server.port, head("HEAD", path), is_head=True)
    assert (answer.status, answer.headers) == (got.status, got.headers) and got.body


def test_server_information(environment: Environment) -> None:
    """The four members in their order, also as a proxy asks and for HTTP/1.0."""
    port = environment.server.port
    answer = exchange(port, head("GET", "/?x=y"))
    information = json.loads(answer.body)
    assert list(information) == ["build_date", "build_sha", "publish_ready", "version"]
    assert all(part.isdigit() for part in information["version"].split("."))
    assert len(information["build_date"]) == 20 and answer.body == one_line(information)
    wait_until(lambda: json.loads(exchange(port, head("GET", "/")).body)["publish_ready"] is True, 10, "the store to be reached")
    assert exchange(port, head("GET", f"http://apm:{port}/", "Accept: */*")).status == "HTTP/1.1 200 OK"
    with Client(port) as client:
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert client.answer().status == "HTTP/1.1 200 OK" and client.is_closed()


BODIES: list[tuple[str, bytes, int, dict[str, object]]] = [
    ("nothing", b"", 202, {"accepted": 0}),
    ("metadata alone", META, 202, {"accepted": 0}),
    ("metadata of v3", ndjson({"m": {"se": {"n": "a", "a": {"n": "js-base", "ve": "1"}}}}), 202, {"accepted": 0}),
    ("last line without newline", META + EVENT.rstrip(b"\n"), 202, {"accepted": 1}),
    ("empty lines", META + b"\n\n" + EVENT + b"\n" + EVENT + b"\n\n", 202, {"accepted": 2}),
    ("CRLF", (META + EVENT + b"\n" + EVENT).replace(b"\n", b"\r\n"), 202, {"accepted": 2}),
    ("text behind the value", META + EVENT.rstrip(b"\n") + b"`\n" + EVENT.rstrip(b"\n") + b" {\n", 202, {"accepted": 2}),
    ("one error", META + BAD + b"\n" + EVENT, 400, failed(BAD_ERROR, accepted=1)),
    ("five errors", META + (BAD + b"\n") * 5, 400, failed(*[BAD_ERROR] * 5)),
    ("six errors", META + (BAD + b"\n") * 6, 400, failed(*[BAD_ERROR] * 5)),
    ("a hundred errors", META + (EVENT + BAD + b"\n") * 100 + EVENT, 400, failed(*[BAD_ERROR] * 5, accepted=101)),
    ("metadata without newline", META[:-1], 400, failed("EOF while reading metadata")),
    ("something without newline", b'{"transaction"', 400, failed("EOF while reading metadata")),
    ("empty first line", b"\n" + META + EVENT, 400, failed(NOT_METADATA)),
    ("event first", BAD + b"\n" + META + EVENT, 400, failed({"message": NOT_METADATA, "document": BAD.decode()})),
    (
        "metadata twice", META + META + EVENT, 400,
        failed({"message": 'did not recognize object type: "metadata"', "document": META[:-1].decode()}, accepted=1),
    ),
    ("no metadata in it", b'{"metadata":{}}\n' + EVENT, 400,
     failed({"message": "validation error: 'metadata' required", "document": '{"metadata":{}}'})),
    ("metadata invalid", b'{"metadata":{"user":{"id":"1"}}}\n' + EVENT, 400,
     failed({"message": "validation error: metadata: 'service' required", "document": '{"metadata":{"user":{"id":"1"}}}'})),
    ("null", META + b'{"transaction":null}\n', 400,
     failed({"message": "validation error: 'transaction' required", "document": '{"transaction":null}'})),
    ("unknown", META + b'{"tennis-court":"<&>\\u00e4\xc3\xa4"}\n', 400,
     failed({"message": 'did not recognize object type: "tennis-court"', "document": '{"tennis-court":"<&>\\u00e4ä"}'})),
    ("single quotes", META + b"'tennis'\n", 400,
     failed({"message": 'did not recognize object type: "tennis"', "document": "'tennis'"})),
    ("no quotes", META + b"{}\n", 400, failed({"message": 'did not recognize object type: ""', "document": "{}"})),
    ("not UTF-8", META + b"\xff\xfe\x00\n", 400,
     failed({"message": 'did not recognize object type: ""', "document": "\ufffd\ufffd\x00"})),
    ("longest line", META + padded(MAX_EVENT_BYTES - 1) + b"\n" + EVENT, 202, {"accepted": 2}),
    ("longest last line", META + padded(MAX_EVENT_BYTES), 202, {"accepted": 1}),
    ("too long by one", META + padded(MAX_EVENT_BYTES) + b"\n" + EVENT, 400,
     failed({"message": TOO_LONG, "document": padded(MAX_EVENT_BYTES).decode()}, accepted=1)),
    ("too long by two", META + padded(MAX_EVENT_BYTES + 1) + b"\n" + EVENT, 400,
     failed({"message": TOO_LONG, "document": padded(MAX_EVENT_BYTES + 1)[:-1].decode()}, accepted=1)),
    ("too long and the last", META + EVENT + padded(MAX_EVENT_BYTES + 1), 400,
     failed({"message": TOO_LONG, "document": padded(MAX_EVENT_BYTES + 1)[:-1].decode()}, accepted=1)),
    ("metadata too long", padded(MAX_EVENT_BYTES) + b"\n" + EVENT, 400,
     failed({"message": TOO_LONG, "document": padded(MAX_EVENT_BYTES).decode()})),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "expected"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES])
def test_streams(body: bytes, status: int, expected: dict[str, object], environment: Environment) -> None:
    """The same answer however the body comes: at once, in chunks cut anywhere, compressed."""
    port = environment.server.port
    answers = [post(port, body, VERBOSE), post(port, gzipped(body), VERBOSE), post(port, zlib.compress(body), VERBOSE)]
    for compress in (False, True):
        stream = Stream(port, VERBOSE, compress)
        # Larger pieces for the long ones, and always an odd number.
        size = max(7, len(body) // 50 | 1)
        for start in range(0, len(body), size):
            stream.send(body[start : start + size])
        answers.append(stream.finish())
    for answer in answers:
        assert (answer.status, answer.json) == (status, expected), answer.body[:300]
        assert answer.headers.get("Connection", "").lower() == ("close" if status >= 400 else "")


@pytest.mark.parametrize("encoding", [None, "gzip", "deflate", "identity", "br", "GZIP"])
def test_compression(encoding: str | None, environment: Environment) -> None:
    """gzip and deflate are taken at their word; with any other value the first bytes decide."""
    raw = zlib.compressobj(wbits=-15)
    body = META + EVENT
    bodies = {
        "plain": body, "gzip": gzipped(body), "zlib": zlib.compress(body), "deflated": raw.compress(body) + raw.flush(),
        "joined": gzipped(META) + gzipped(EVENT), "nothing": b"", "x": b"xxx", "cut": gzipped(body)[:-5],
    }  # fmt: skip
    declared = {"gzip": "gzip", "deflate": "zlib"}.get(encoding or "")
    headers = [] if encoding is None else [f"Content-Encoding: {encoding}"]
    for name, sent in bodies.items():
        answer = exchange(environment.server.port, intake(sent, *headers))
        format = {"gzip": "gzip", "joined": "gzip", "cut": "gzip", "zlib": "zlib", "nothing": declared}.get(name, "plain")
        if name == "deflated" and declared is None:
            # Neither of the two: read as text.
            assert json.loads(answer.body)["errors"][0]["message"] == NOT_METADATA
        elif declared not in (None, format):
            assert answer.body == one_line(failed(f"data decoding error: {declared}: invalid header")), name
        elif name == "x":
            # 0x78 looks like zlib.
            assert answer.body == one_line(failed("data decoding error: zlib: invalid header"))
        elif name == "cut":
            assert json.loads(answer.body)["errors"] == [{"message": "data decoding error: unexpected EOF"}]
        else:
            assert answer.body == one_line({"accepted": 0 if name == "nothing" else 1}), name


def test_connections_go_on_after_success(environment: Environment) -> None:
    """Requests one behind the other in one packet, with trailers and chunk extensions; closed behind an error."""
    body = META + EVENT
    half = len(body) // 2
    chunks = b"%x;name=value\r\n%b\r\n%X\r\n%b\r\n0\r\nX-Trailer: yes\r\n\r\n" % (
        half, body[:half], len(body) - half, body[half:],
    )  # fmt: skip
    with Client(environment.server.port) as client:
        client.send(
            intake(body, path=INTAKE)
            + head("POST", VERBOSE, "Transfer-Encoding: chunked", "Trailer: X-Trailer") + chunks
            + head("GET", "/nowhere")
            + intake(body, "Content-Type: application/x-ndjson; charset=utf-8")
            + intake(body, "Content-Type:")
            + intake(META + BAD)
            + head("GET", "/")
        )  # fmt: skip
        found = [client.answer() for _ in range(6)]
        assert [answer.status.split()[1] for answer in found] == ["202", "202", "404", "202", "202", "400"]
        assert [found[index].body for index in (0, 1, 3, 4)] == [b""] + [one_line({"accepted": 1})] * 3
        assert client.is_closed()


def test_expectations(environment: Environment) -> None:
    """`100 Continue` before the body is sent, and the refusal instead of it."""
    body = META + EVENT
    with Client(environment.server.port) as client:
        client.send(head("POST", VERBOSE, "Expect: 100-continue", length=len(body)))
        assert client.answer().status == "HTTP/1.1 100 Continue"
        client.send(body)
        assert client.answer().body == one_line({"accepted": 1})
    with Client(environment.server.port) as client:
        client.send(head("POST", VERBOSE, "Expect: 100-continue", "Content-Type: text/plain", length=len(body)))
        answer = client.answer()
        assert answer.status == "HTTP/1.1 400 Bad Request" and "Connection: Close" in answer.headers
        assert client.is_closed()


def test_answers_come_while_the_body_streams(environment: Environment) -> None:
    """Who sends no metadata is told at once, in the middle of the body."""
    stream = Stream(environment.server.port, VERBOSE)
    stream.send(BAD + b"\n")
    answer = stream.answer()
    assert answer.status == 400 and answer.headers["Connection"] == "Close" and answer.headers["X-Site"]
    assert answer.json == failed({"message": NOT_METADATA, "document": BAD.decode()})
    stream.close()


def test_a_half_closed_connection_gets_its_answer(environment: Environment) -> None:
    """The end of the client's sending is not the end of its interest."""
    with Client(environment.server.port) as client:
        client.send(intake(META + EVENT))
        client.end()
        assert client.answer().body == one_line({"accepted": 1}) and client.is_closed()


def anonymous(port: int, address: str, events: int) -> tuple[int, object]:
    """So many events of a browser at that address."""
    body = BROWSER + b"".join(ndjson(transaction(number)) for number in range(events))
    answer = request(port, "POST", RUM, body, {"X-Forwarded-For": f"{address}, 10.0.0.1"})
    return answer.status, answer.json


def test_fast_anonymous_clients_are_slowed_down(environment: Environment) -> None:
    """Three seconds' worth at once, then at the rate; others do not wait."""
    port = environment.slow.port
    started = time.monotonic()
    assert anonymous(port, "192.0.2.1", 59) == (202, {"accepted": 59})
    assert time.monotonic() - started < 1
    found: list[tuple[int, object]] = []
    thread = threading.Thread(target=lambda: found.append(anonymous(port, "192.0.2.2", 89)))
    thread.start()
    while thread.is_alive():
        asked = time.monotonic()
        assert request(port, "GET", "/").status == 200 and time.monotonic() - asked < 0.5
        thread.join(0.1)
    assert found == [(202, {"accepted": 89})]
    # 89 events and the request, of which 60 went at once.
    assert 1.2 < time.monotonic() - started < 6


def test_too_fast_anonymous_clients_are_refused(environment: Environment) -> None:
    """At the door without a body, and in the stream when the client's other streams take all it may send."""
    port = environment.slow.port
    results: list[tuple[int, object]] = []
    first = Stream(port, RUM, **{"X-Real-Ip": "192.0.2.3"})
    streams = [first] + [Stream(port, RUM, **{"X-Real-Ip": "192.0.2.3"}) for _ in range(30)]
    for stream in streams:
        stream.send(BROWSER)
    # All are in before the first event is counted.
    wait_until(lambda: environment.slow.metrics()["apm_server_connections"] >= len(streams), 10, "all connections")
    body = b"".join(ndjson(transaction(number)) for number in range(40))
    for stream in streams:
        stream.send(body)

    def finish(stream: Stream) -> None:
        answer = stream.finish()
        results.append((answer.status, answer.json))

    threads = [threading.Thread(target=finish, args=(stream,)) for stream in streams]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    refused = [answer for status, answer in results if status == 429]
    assert len(results) == len(streams) and len(refused) > 10
    assert all(answer["errors"][-1] == {"message": RATE_LIMIT} for answer in refused)  # type: ignore[index]
    at_door = [anonymous(port, "192.0.2.4", 0) for _ in range(90)]
    assert at_door[:60] == [(202, {"accepted": 0})] * 60
    assert (429, {"error": "too many requests: rate limit exceeded"}) in at_door


def test_statuses_of_streams_that_end(environment: Environment) -> None:
    """The highest status counts, the stream's own error comes last, and has no document."""
    forbidden = "cannot handle stream: cannot process batch: unauthorized: anonymous access not permitted for agent \"python\""
    answer = request(environment.slow.port, "POST", INTAKE, META + BAD + b"\n" + EVENT + BAD, {})
    assert answer.status == 403 and answer.json == failed(BAD_ERROR, forbidden)
    assert answer.headers["Connection"] == "close"


def test_slow_requests_are_told(tmp_path: Path, environment: Environment) -> None:
    """A request that does not end in time, and one that the server's stop cuts off; events before that are stored."""
    group = ProcessGroup(tmp_path)
    changes = {"read_timeout": "1s", "shutdown_timeout": "2s", "response_headers": {"X-Site": "one"}}
    server = APMServer(group, [environment.store.url], changes)
    try:
        server.start()
        stream = Stream(server.port, VERBOSE)
        stream.send(META + EVENT)
        answer = stream.answer()
        assert answer.status == 503 and answer.json == {"error": "request timed out"}
        assert answer.headers["X-Site"] == "one" and answer.headers["Connection"] == "Close"
        server.process.terminate()
        server.configure({"read_timeout": "30s"})
        server.start()
        stream = Stream(server.port, VERBOSE)
        stream.send(META + EVENT + BAD + b"\n" + EVENT)
        wait_until(lambda: server.metrics()['apm_server_events_accepted_total{type="transaction"}'] == 2, 5, "both events")
        assert server.process.terminate() == 0
        answer = stream.answer()
        assert answer.status == 503 and answer.json == failed(BAD_ERROR, "server is shutting down", accepted=2)
        server.assert_log_is_clean()
    finally:
        group.close()
