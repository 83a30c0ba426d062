"""Hostile input: recorded requests, spoiled in many ways, and a server that stays well, polite and exact."""

from __future__ import annotations

import base64
import concurrent.futures
import gzip
import http.client
import json
import math
import random
import re
import socket
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from harness.apm import FIXTURES, INTAKE, metadata, ndjson, post, transaction, vectors
from harness.services import APMServer
from harness.store import BulkStore
from harness.waiting import wait_until

StartAPMServer = Callable[..., APMServer]

ROUNDS = 15
REQUESTS_PER_ROUND = 160
SENDERS = 8
# Nothing else may be answered; 500 would be a fault of ours.
STATUSES = {200, 202, 304, 400, 401, 403, 404, 405, 408, 411, 413, 414, 415, 417, 429, 431, 501, 503, 505}
# Debug builds, allocator arenas and the kept buffers of threads; a leak of a tenth of what is sent passes it.
GROWTH_BYTES = 48 << 20

RUM_PATHS = ("/intake/v2/rum/events", "/intake/v3/rum/events")
CONFIGURATION_PATH = "/config/v1/agents"
# Values that stand for others: huge, tiny, wrong types, escapes, text that is almost JSON.
VALUES = [
    b"1e400", b"-1e400", b"1e308", b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809", b"0.0000000001",
    b"-0", b"00", b"1" * 400, b"0." + b"3" * 400, b"NaN", b"Infinity", b"null", b"true", b"[]", b"{}", b'""', b"[[[[]]]]",
    b'{"a":1,"a":2}',
    b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\u0000"', b'"\\x"', b'"' + b"\\" * 33 + b'"', b'"' + b"\xf0\x9f\x98\x80" * 300 + b'"',
    b'"' + b"n" * 1025 + b'"', b'"1969-12-31T23:59:59.999Z"', b'"99999-01-01T00:00:00Z"', b'"::ffff:1.2.3.4"', b'"http://[::1"',
    b'"\xc3\x28"', b'"\xed\xa0\x80"', b'"\x80"', b'"a.b*c\\"d"', b"[" * 600 + b"]" * 600, b'{"a":' * 300 + b"1" + b"}" * 300,
]  # fmt: skip
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null')
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


@dataclass(frozen=True)
class Recorded:
    """A request as an agent sent it."""

    method: str
    path: str
    content_type: str
    body: bytes


@dataclass(frozen=True)
class Spoiled:
    """One request as it goes onto the wire, in pieces, and what may be expected of it."""

    description: str
    pieces: tuple[bytes, ...]
    is_intake: bool
    # The client goes away, or HTTP itself is broken: there need not be an answer.
    may_be_silent: bool


def recorded() -> list[Recorded]:
    """All requests of the fixtures."""
    found = [Recorded("POST", v.expected["request"]["path"], "application/x-ndjson", v.body) for v in vectors()]
    for path in sorted((FIXTURES / "apm-agent").glob("*.ndjson")):
        found.append(Recorded("POST", INTAKE, "application/x-ndjson", path.read_bytes()))
    for path in sorted((FIXTURES / "otlp").glob("*.*")):
        if path.suffix in (".pb", ".json"):
            kind = "application/x-protobuf" if path.suffix == ".pb" else "application/json"
            found.append(Recorded("POST", f"/v1/{path.stem.rpartition('-')[2]}", kind, path.read_bytes()))
    found.append(Recorded("POST", CONFIGURATION_PATH, "application/json", b'{"service":{"name":"shop","environment":"test"}}'))
    # Unsampled transactions are accepted and not stored: here everything that is accepted can be counted in the store.
    return [replace(r, body=re.sub(rb'("sampled"|"sm"): ?false', rb"\1:true", r.body)) for r in found]


class Spoiler:
    """Makes requests out of recorded ones; the same seed makes the same."""

    def __init__(self, chance: random.Random, requests: list[Recorded]) -> None:
        self._chance = chance
        self._requests = requests
        self._changes: list[Callable[[bytes], bytes]] = [
            self._flip, self._flip, self._cut, self._drop, self._double, self._join, self._shuffle, self._other_value,
            self._other_value, self._other_value, self._nest, self._insert, self._splice, self._newlines,
        ]  # fmt: skip

    def request(self) -> Spoiled:
        """The next request."""
        chance = self._chance
        source = chance.choice(self._requests)
        body = source.body
        names = []
        for _ in range(chance.choice([0, 1, 1, 1, 2, 3])):
            change = chance.choice(self._changes)
            names.append(change.__name__)
            body = change(body)
        path = source.path
        is_intake = path.startswith("/intake")
        if is_intake:
            path = chance.choice([INTAKE, *RUM_PATHS]) if chance.random() < 0.2 else path
            path += "?verbose"
        head = [f"Host: {chance.choice(['apm', '', 'a' * 300])}".encode(), f"Content-Type: {source.content_type}".encode()]
        if chance.random() < 0.5:
            head.append(b"Accept: application/json")
        body, encoding = self._encoded(body)
        if encoding:
            head.append(b"Content-Encoding: " + encoding)
        is_broken = chance.random() < 0.1
        if is_broken:
            head.insert(chance.randrange(len(head) + 1), self._odd_header())
        start = f"{source.method} {path} HTTP/1.1".encode()
        if chance.random() < 0.03:
            start, is_broken = self._flip(start), True
        pieces = self._framed(start, head, body)
        goes_away = chance.random() < 0.12
        if goes_away:
            whole = b"".join(pieces)
            pieces = [whole[: chance.randrange(len(whole))]]
        description = f"{source.path} {names} {encoding!r} broken={is_broken} away={goes_away}"
        return Spoiled(description, tuple(pieces), is_intake, is_broken or goes_away)

    # Framing

    def _framed(self, start: bytes, head: list[bytes], body: bytes) -> list[bytes]:
        if self._chance.random() < 0.5:
            lines = [start, *head, b"Content-Length: %d" % len(body), b"", b""]
            return [b"\r\n".join(lines), *self._pieces(body)]
        lines = [start, *head, b"Transfer-Encoding: chunked", b"", b""]
        chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in self._pieces(body)]
        return [b"\r\n".join(lines), *chunks, b"0\r\n\r\n"]

    def _pieces(self, body: bytes) -> list[bytes]:
        most = self._chance.choice([7, 100, 4000, 1 << 20])
        pieces = []
        while body and len(pieces) < 200:
            size = self._chance.randint(1, most)
            pieces.append(body[:size])
            body = body[size:]
        return pieces + ([body] if body else [])

    def _encoded(self, body: bytes) -> tuple[bytes, bytes]:
        """The body and what its header says of it, which need not be true."""
        chance = self._chance
        kind = chance.randrange(12)
        if kind < 5:
            return body, b""
        packed = gzip.compress(body, 1) if kind % 2 else zlib.compress(body, 1)
        label = b"gzip" if kind % 2 else b"deflate"
        if kind < 8:
            return packed, label
        if kind == 8:
            return packed, b""
        if kind == 9:
            return self._flip(packed), label
        if kind == 10:
            return packed[: chance.randrange(len(packed))], label
        return body, chance.choice([b"gzip", b"deflate", b"br", b"\x01"])

    def _odd_header(self) -> bytes:
        chance = self._chance
        noise = bytes(chance.randrange(256) for _ in range(chance.randint(1, 200)))
        return chance.choice(
            [
                noise, b"X-Noise: " + noise, b"Content-Length: -1", b"Content-Length: 99999999999999999999", b"Content-Length: 5",
                b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked, chunked", b"Authorization: " + noise, b"Authorization: ApiKey " +
                base64.b64encode(noise), b"Expect: 100-continue", b"Expect: something", b"X-Long: " + b"a" * 100_000, b" folded: 1",
                b"Forwarded: for=\"" + noise.replace(b"\n", b"") + b'"', b"X-Forwarded-For: " + b"1.2.3.4," * 500, b"Connection: upgrade",
                b"X-Real-IP: [::ffff:1.2.3.4]:99999", b"User-Agent: " + noise.replace(b"\n", b"").replace(b"\r", b""), b"If-None-Match: \"",
            ]
        )  # fmt: skip

    # Changes of bodies

    def _place(self, body: bytes) -> int:
        return self._chance.randrange(len(body) + 1)

    def _flip(self, body: bytes) -> bytes:
        changed = bytearray(body)
        for _ in range(self._chance.choice([1, 1, 3, 20])):
            if changed:
                changed[self._chance.randrange(len(changed))] ^= 1 << self._chance.randrange(8)
        return bytes(changed)

    def _cut(self, body: bytes) -> bytes:
        return body[: self._place(body)]

    def _drop(self, body: bytes) -> bytes:
        start = self._place(body)
        return body[:start] + body[start + self._chance.randint(1, 300) :]

    def _double(self, body: bytes) -> bytes:
        start = self._place(body)
        end = start + self._chance.choice([1, 30, 3000])
        return body[:end] + body[start:end] * self._chance.choice([1, 2, 50]) + body[end:]

    def _join(self, body: bytes) -> bytes:
        lines = body.split(b"\n")
        if len(lines) > 2:
            at = self._chance.randrange(len(lines) - 1)
            lines[at : at + 2] = [lines[at] + lines[at + 1]]
        return b"\n".join(lines)

    def _shuffle(self, body: bytes) -> bytes:
        first, *rest = body.split(b"\n")
        self._chance.shuffle(rest)
        return b"\n".join([first, *rest])

    def _other_value(self, body: bytes) -> bytes:
        tokens = [m.span() for m in TOKEN.finditer(body)]
        for start, end in sorted(self._chance.sample(tokens, min(len(tokens), self._chance.choice([1, 1, 4]))), reverse=True):
            body = body[:start] + self._chance.choice(VALUES) + body[end:]
        return body

    def _nest(self, body: bytes) -> bytes:
        depth = self._chance.choice([3, 40, 5000])
        at = body.find(b":", self._place(body)) + 1
        opening, closing = self._chance.choice([(b"[", b"]"), (b'{"a":', b"}")])
        return body[:at] + opening * depth + b"1" + closing * depth + b',"z":' + body[at:]

    def _insert(self, body: bytes) -> bytes:
        at = self._place(body)
        return body[:at] + bytes(self._chance.randrange(256) for _ in range(self._chance.choice([1, 4, 500]))) + body[at:]

    def _splice(self, body: bytes) -> bytes:
        other = self._chance.choice(self._requests).body
        return body[: self._place(body)] + other[self._place(other) :]

    def _newlines(self, body: bytes) -> bytes:
        return body.replace(b"\n", self._chance.choice([b"\r\n", b"\n\n\n", b"\r", b"\n \n", b""]))


@dataclass
class Outcome:
    """What came back; no status when nothing did."""

    status: int | None = None
    accepted: int = 0


def send(port: int, request: Spoiled) -> Outcome:
    """Sends it and judges the answer's form."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        try:
            for piece in request.pieces:
                connection.sendall(piece)
            if request.may_be_silent:
                # Nothing more comes: the server must not wait for it.
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # An early answer may wait in the socket.
        response = http.client.HTTPResponse(connection, method="POST")
        try:
            response.begin()
            body = response.read()
        except (OSError, http.client.HTTPException, ValueError) as error:
            assert request.may_be_silent, f"no answer ({error!r}) to {request.description}"
            return Outcome()
    return judged(request, response, body)


def judged(request: Spoiled, response: http.client.HTTPResponse, body: bytes) -> Outcome:
    """Fails on an answer that no agent would understand."""
    status, text = response.status, f"{response.status} {body[:300]!r} to {request.description}"
    assert status in STATUSES, text
    kind = response.getheader("Content-Type", "")
    if body and ("json" in kind or kind.startswith("text/plain")) and response.getheader("X-Content-Type-Options"):
        value = json.loads(body)
        if request.is_intake and status == 202:
            assert isinstance(value["accepted"], int) and value["accepted"] >= 0, text
            return Outcome(status, value["accepted"])
        if "errors" in value:
            assert len(value["errors"]) <= 6 and all(e["message"] for e in value["errors"]), text
            assert response.getheader("Connection", "").lower() == "close", text
            return Outcome(status, value.get("accepted", 0))
    return Outcome(status)


def send_all(port: int, requests: Iterable[Spoiled]) -> list[Outcome]:
    """Sends them side by side."""
    with concurrent.futures.ThreadPoolExecutor(SENDERS) as pool:
        return list(pool.map(lambda request: send(port, request), requests))


def assert_storable(value: Any, where: str = "") -> None:
    """Fails on what Elasticsearch's fields would refuse: half characters, numbers beyond 64 bits, deep nesting."""
    assert where.count(".") < 100, f"nested deeply: {where[:200]}"
    if isinstance(value, dict):
        for key, inner in value.items():
            key.encode()
            assert_storable(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for inner in value:
            assert_storable(inner, where)
    elif isinstance(value, str):
        value.encode()
    elif isinstance(value, float):
        assert math.isfinite(value), f"{where}: {value}"


def events_in(store: BulkStore) -> int:
    """Documents of events; fails on one that cannot be right."""
    count = 0
    for document in store.documents():
        assert TIME.fullmatch(document.source["@timestamp"]), document.source["@timestamp"]
        assert_storable(document.source)
        metricset = document.source.get("metricset", {})
        count += "interval" not in metricset and metricset.get("name") != "agent_config"
    return count


def duplicates(server: APMServer) -> int:
    """Documents that the store had already: spans of OTLP requests that were sent again as they were."""
    return int(server.metrics()['apm_server_elasticsearch_documents_total{outcome="duplicate"}'])


def accepted_events(server: APMServer) -> int:
    """Events that the server says it has accepted."""
    return int(sum(v for name, v in server.metrics().items() if name.startswith("apm_server_events_accepted_total")))


@pytest.mark.timeout(180)
def test_spoiled_requests(store: BulkStore, start_apm_server: StartAPMServer, randomness: random.Random) -> None:
    """Every request gets an answer that agents understand; what was accepted is stored, all of it, as good documents."""
    server = start_apm_server(store.url, changes={"rum": {"enabled": True}, "read_timeout": "5s"})
    spoiler = Spoiler(randomness, recorded())
    resident = 0
    for turn in range(ROUNDS):
        outcomes = send_all(server.port, [spoiler.request() for _ in range(REQUESTS_PER_ROUND)])
        assert sum(outcome.accepted for outcome in outcomes) > REQUESTS_PER_ROUND / 4, "hardly anything got through"
        assert post(server.port, ndjson(metadata(f"turn{turn}"), transaction(turn))).status == 202
        assert server.health()[0] == 200
        if turn == 1:
            resident = server.process.resident_bytes()
    wait_until(lambda: server.metrics()["apm_server_connections"] == 0, 20, "closed connections")
    wait_until(
        lambda: events_in(store) + duplicates(server) == accepted_events(server), 20, "all accepted events and no others", 0.3
    )
    services = {d.source["service"]["name"] for d in store.documents() if d.index.startswith("traces-apm")}
    assert {f"turn{turn}" for turn in range(ROUNDS)} <= services
    assert server.process.resident_bytes() - resident < GROWTH_BYTES
    store.assert_no_violations()
    assert server.process.terminate() == 0
    store.assert_no_violations()
    assert not server.dead_letter_lines
    server.assert_log_is_clean()


def test_answers_add_up(store: BulkStore, start_apm_server: StartAPMServer, randomness: random.Random) -> None:
    """What the answers of spoiled intake requests say was accepted is what was counted, and what is stored."""
    server = start_apm_server(store.url, changes={"rum": {"enabled": True}})
    spoiler = Spoiler(randomness, [r for r in recorded() if r.path.startswith("/intake")])
    requests = [r for r in (spoiler.request() for _ in range(400)) if not r.may_be_silent]
    outcomes = send_all(server.port, requests)
    accepted = sum(outcome.accepted for outcome in outcomes)
    assert accepted == accepted_events(server) > 200
    wait_until(lambda: events_in(store) == accepted, 20, "all accepted events and no others", 0.3)


@pytest.mark.timeout(120)
def test_many_spans_with_much_metadata(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """One line of a browser has many spans, and each document all of the metadata: more than fits into a bulk."""
    server = start_apm_server(store.url, changes={"rum": {"enabled": True}, "logging": {"level": "error"}})
    labels = {f"label{number}": "x" * 1000 for number in range(280)}
    about = {"m": {"se": {"n": "page", "a": {"n": "rum-js", "ve": "5.0.0"}}, "l": labels}}
    spans = [{"id": f"{number:016x}", "n": "a", "t": "b", "s": 1, "d": 2} for number in range(600)]
    load = {"id": f"{1:016x}", "tid": f"{1:032x}", "t": "page-load", "d": 3, "yc": {"sd": 600}, "y": spans}
    answer = post(server.port, ndjson(about, {"x": load}), RUM_PATHS[1])
    assert answer.status == 400 and "event exceeded the permitted size" in str(answer.body)
    assert 0 < accepted_events(server) < 601
    assert post(server.port, ndjson(metadata("next"), transaction(1))).status == 202
    assert server.process.terminate() == 0
