"""Sending to apm-server as agents do, and comparing what becomes of it with `Tests/Fixtures/apm`."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import sys
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .processes import ChildProcess, ProcessGroup

FIXTURES = Path(__file__).resolve().parents[2] / "Fixtures"
INTAKE = "/intake/v2/events"
NDJSON = {"Content-Type": "application/x-ndjson"}


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON; None when it is empty."""
        return json.loads(self.body) if self.body else None


def request(
    port: int, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, timeout: float = 40
) -> Answer:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def post(port: int, body: bytes, path: str = INTAKE, **headers: str) -> Answer:
    """An intake request with the body as it is; header names in the form `content_encoding`."""
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return request(port, "POST", path, body, NDJSON | named)


def metadata(service: str = "shop", **fields: Any) -> dict[str, Any]:
    """The least that an agent says of itself."""
    agent = {"name": "python", "version": "6.26.2"}
    return {"metadata": {"service": {"name": service, "agent": agent, "language": {"name": "python"}}} | fields}


def transaction(number: int, **fields: Any) -> dict[str, Any]:
    """A transaction with a number in its ids."""
    return {
        "transaction": {
            "id": f"{number:016x}", "trace_id": f"{number:032x}", "name": f"GET /{number % 10}", "type": "request",
            "duration": 1.5 + number % 100, "timestamp": 1_790_000_000_000_000 + number, "result": "HTTP 2xx",
            "outcome": "success", "span_count": {"started": 0},
        } | fields
    }  # fmt: skip


def ndjson(*lines: Any) -> bytes:
    """Lines of JSON, each with its newline."""
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


class Stream:
    """One chunked intake request, written piece by piece, as Go and Java agents do."""

    def __init__(self, port: int, path: str = INTAKE, compress: bool = False, **headers: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=40)
        self._deflater = zlib.compressobj(wbits=31) if compress else None
        named = {"Content-Type": "application/x-ndjson", "Transfer-Encoding": "chunked", "Host": "apm"} | headers
        if compress:
            named["Content-Encoding"] = "gzip"
        head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in named.items())
        self.socket.sendall(head.encode() + b"\r\n")

    def send(self, data: bytes) -> None:
        """One chunk; compressed streams are flushed so that all of it can be read."""
        if self._deflater is not None:
            data = self._deflater.compress(data) + self._deflater.flush(zlib.Z_SYNC_FLUSH)
        self.socket.sendall(b"%x\r\n%b\r\n" % (len(data), data))

    def finish(self) -> Answer:
        """Ends the body and reads the answer."""
        if self._deflater is not None:
            rest = self._deflater.flush()
            self.socket.sendall(b"%x\r\n%b\r\n" % (len(rest), rest))
        self.socket.sendall(b"0\r\n\r\n")
        return self.answer()

    def answer(self) -> Answer:
        """Reads the answer without ending the body."""
        response = http.client.HTTPResponse(self.socket, method="POST")
        response.begin()
        return Answer(response.status, dict(response.getheaders()), response.read())

    def close(self) -> None:
        """Goes away, in the middle of the body or not."""
        self.socket.close()


def gzipped(body: bytes) -> bytes:
    """The body as agents send it."""
    return gzip.compress(body, 5)


class SampledLoop:
    """An app under Elastic's own agent that prints whether its transactions are sampled."""

    def __init__(self, processes: ProcessGroup, url: str, **settings: str) -> None:
        program = Path(__file__).resolve().parents[1] / "apps" / "sampled_loop.py"
        arguments = [sys.executable, program, url, *(f"{name.upper()}={value}" for name, value in settings.items())]
        self.process = processes.add(ChildProcess("loop", arguments, processes.folder))
        self.process.start()


# Vectors


@dataclass(frozen=True)
class Vector:
    """One intake request and what must come of it; the files' README tells what the parts mean."""

    name: str
    body: bytes
    expected: dict[str, Any]

    @property
    def is_aggregated(self) -> bool:
        """Whether its documents are roll-ups."""
        return bool(self.expected.get("aggregated"))

    def send(self, port: int) -> list[tuple[dict[str, Any], Answer]]:
        """Sends the request and those that belong to it: expected response and answer of each."""
        first = self.expected["request"]
        pairs = [(self.expected["response"], self._post(port, first, self.body))]
        for more in self.expected.get("more_requests", []):
            body = more["body"]
            data = body.encode() if isinstance(body, str) else ndjson(*body)
            pairs.append((more["response"], self._post(port, first | more.get("request", {}), data)))
        return pairs

    @staticmethod
    def _post(port: int, how: Mapping[str, Any], body: bytes) -> Answer:
        path = how["path"] + (f"?{how['query']}" if how.get("query") else "")
        return request(port, how["method"], path, body, how.get("headers"))


def vectors() -> list[Vector]:
    """All vectors of the repository."""
    folder = FIXTURES / "apm"
    return [
        Vector(path.name.removesuffix(".ndjson"), path.read_bytes(), json.loads(path.with_suffix(".expected.json").read_text()))
        for path in sorted(folder.glob("*.ndjson"))
    ]


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested objects as dotted fields, lists of one as their element; lists stay lists of flat objects."""
    if isinstance(value, Mapping):
        fields: dict[str, Any] = {}
        for key, inner in value.items():
            fields.update(flat(inner, f"{prefix}.{key}" if prefix else key))
        return fields
    if isinstance(value, list):
        elements = [flat(element) if isinstance(element, Mapping) else element for element in value]
        value = elements[0] if len(elements) == 1 else elements
        return flat(value, prefix) if isinstance(value, Mapping) else {prefix: value}
    return {prefix: value}


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """What is not the same in two flat documents; `*` in the expected one stands for any value that is not empty."""
    problems = []
    for name, value in expected.items():
        if name not in found:
            problems.append(f"{name}: missing, expected {value!r}")
        elif value == "*":
            if found[name] in ("", None, []):
                problems.append(f"{name}: empty")
        elif found[name] != value or isinstance(found[name], bool) != isinstance(value, bool):
            problems.append(f"{name}: {found[name]!r}, expected {value!r}")
    return problems + [f"{name}: {found[name]!r}, not expected" for name in found if name not in expected]


def is_looked_up(name: str) -> bool:
    """Whether a field comes from a database."""
    return name.startswith(("client.geo.", "user_agent.")) and name != "user_agent.original"


def assert_documents(expected: Iterable[Mapping[str, Any]], found: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Fails unless each expected document (`data_stream`, `doc`, `es_fields`) is among the found (index, source), and no others are.

    Of what is looked up in databases, only what `es_fields` names is compared: not every vector went through
    Elasticsearch, and those that did met another GeoIP database.
    """
    rest = [(index, flat(source)) for index, source in found]
    problems = []
    for entry in expected:
        looked_up = {name: value for name, value in entry.get("es_fields", {}).items() if is_looked_up(name)}
        wanted = flat(entry["doc"]) | looked_up
        candidates = [pair for pair in rest if pair[0] == entry["data_stream"]]
        if not candidates:
            problems.append(f"nothing left in {entry['data_stream']}; there is {sorted({index for index, _ in rest})}")
            continue
        best = min(candidates, key=lambda pair: len(differences(wanted, pair[1])))
        rest.remove(best)
        known = {name: value for name, value in best[1].items() if name in wanted or not is_looked_up(name)}
        if found_differences := differences(wanted, known):
            problems.append(f"{entry['data_stream']}: " + "; ".join(found_differences))
    problems += [f"not expected: {index} {source}" for index, source in rest]
    assert not problems, "\n".join(problems)
