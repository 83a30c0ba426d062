"""A small bulk store that loses nothing and forgives nothing: `python bulk_store.py --port N --data FOLDER`.

It speaks as much of Elasticsearch's HTTP as a bulk writer needs (`GET /`, templates, lifecycle policies, `_bulk`).
- Durable: accepted documents are appended to a log and fsynced before the answer; the log is read again at start,
  and a torn last record is cut off. kill -9 therefore loses nothing that was acknowledged.
- Strict: what Elasticsearch refuses is refused here too, and breaches of the bulk format are remembered as
  violations, so that a test can demand that there were none.
- Faulty on request: `POST /_control/faults` makes it answer 429, slowly, half, or not at all (see `Fault`).

Only the standard library; a process of its own, so that it can be killed and stopped.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import socket
import socketserver
import ssl
import sys
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

CLUSTER = {
    "name": "bulk-store",
    "cluster_name": "end-to-end",
    "cluster_uuid": "0123456789abcdefghijkl",
    "version": {
        "number": "8.15.3",
        "build_flavor": "default",
        "build_type": "docker",
        "lucene_version": "9.11.1",
        "minimum_wire_compatibility_version": "7.17.0",
        "minimum_index_compatibility_version": "7.0.0",
    },
    "tagline": "You Know, for Search",
}
LARGEST_BODY = 100 * 1024 * 1024  # Elasticsearch's http.max_content_length
LARGEST_ID_BYTES = 512
VIOLATIONS_KEPT = 100


@dataclass
class Fault:
    """What is done to requests instead of a good answer; the first fault that applies wins.

    kind     status         answer `status` (and `body`) without storing
             delay          wait `seconds`, then go on as usual
             cut_before     read the request, close without storing
             cut_after      store, then close without an answer
             half_answer    store, then send half the answer and close
             hang           read the request, answer nothing for `seconds` (default: until faults are cleared)
             body_limit     413 for bodies larger than `bytes` after inflating
             authorization  401 unless the Authorization header is `value`
             concurrency    429 for more than `limit` requests at a time; each of the others takes `seconds`
             poison         400 for requests whose body contains `match`, as for a malformed bulk
             item           item error `status`/`type`/`reason` for documents whose source contains `match`
    times    how many requests (for `item`: documents) it applies to; None: until cleared
    path     only requests whose path contains this; default /_bulk
    match    also for the first six kinds: only requests whose body contains this
    """

    kind: str
    status: int = 503
    body: str = ""
    seconds: float | None = None
    bytes: int = 0
    limit: int = 0
    value: str = ""
    match: str = ""
    type: str = ""
    reason: str = ""
    times: int | None = None
    path: str = "/_bulk"
    used: int = 0

    @property
    def is_spent(self) -> bool:
        return self.times is not None and self.used >= self.times


class BadRequest(Exception):
    """The whole request is refused with 400; the text says why."""


class DuplicateKey(ValueError):
    """A JSON object names the same key twice, which Elasticsearch refuses."""


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise DuplicateKey("duplicate key in an object")
    return result


# `json.loads` builds a new decoder per call when it gets a hook; one decoder for all is three times as fast.
_decode = json.JSONDecoder(object_pairs_hook=_unique_keys).decode


def parse_json(line: bytes) -> object:
    """A JSON value; raises ValueError for bad UTF-8, bad JSON and duplicate keys."""
    return _decode(line.decode("utf-8"))


class DocumentLog:
    """The documents in memory and on disk: a header line and a source line per accepted document."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.lock = threading.Lock()
        self.changed = threading.Condition(self.lock)
        self.documents: dict[tuple[str, str], tuple[int, bytes]] = {}
        path = folder / "documents.log"
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._load(path)

    def _load(self, path: Path) -> None:
        good = 0
        with open(path, "rb") as log:
            while True:
                header = log.readline()
                if not header.endswith(b"\n"):
                    break
                index, identifier, version, length = json.loads(header)
                source = log.read(length + 1)
                if len(source) != length + 1:
                    break
                self.documents[(index, identifier)] = (version, source[:-1])
                good = log.tell()
        os.ftruncate(self._descriptor, good)

    def write(self, accepted: list[tuple[str, str, int, bytes]]) -> None:
        """Appends and fsyncs; called with the lock held, so that no conflict check sees a half-written state."""
        if not accepted:
            return
        parts = []
        for index, identifier, version, source in accepted:
            parts.append(json.dumps([index, identifier, version, len(source)]).encode() + b"\n" + source + b"\n")
        data = memoryview(b"".join(parts))
        while data:
            data = data[os.write(self._descriptor, data) :]
        os.fdatasync(self._descriptor)
        for index, identifier, version, source in accepted:
            self.documents[(index, identifier)] = (version, source)
        self.changed.notify_all()


@dataclass
class Statistics:
    """What happened since start; answered by `GET /_control/statistics`."""

    requests: int = 0
    bulk_requests: int = 0
    bulk_items: int = 0
    created: int = 0
    updated: int = 0
    conflicts: int = 0
    refused_items: int = 0
    largest_body_bytes: int = 0
    largest_compressed_body_bytes: int = 0
    largest_item_count: int = 0
    gzip_requests: int = 0
    connections: int = 0
    concurrent: int = 0
    most_concurrent: int = 0
    paths: dict[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


class Store:
    """State shared by the handler threads."""

    def __init__(self, folder: Path) -> None:
        self.log = DocumentLog(folder)
        self.statistics = Statistics()
        self.violations: list[str] = []
        self.templates: dict[str, object] = {}
        self.policies: dict[str, object] = {}
        self.data_streams: set[str] = set()
        # base64 of `id:key` -> privileges; what Kibana has configured for agents.
        self.api_keys: dict[str, list[str]] = {}
        self.agent_configurations: list[object] | None = None
        # What `GET /_nodes/http` answers.
        self.nodes: object = {}
        self.faults: list[Fault] = []
        self.working = 0
        self.faults_cleared = threading.Event()
        self.guard = threading.Lock()

    def violation(self, text: str) -> None:
        with self.guard:
            if len(self.violations) < VIOLATIONS_KEPT:
                self.violations.append(text)

    def take_fault(self, kinds: tuple[str, ...], path: str, body: bytes = b"") -> Fault | None:
        """The first unspent fault of these kinds for this path and body; counts it as used."""
        with self.guard:
            for fault in self.faults:
                if fault.kind in kinds and fault.path in path and fault.match.encode() in body and not fault.is_spent:
                    fault.used += 1
                    return fault
        return None

    def is_poisoned(self, body: bytes) -> bool:
        with self.guard:
            for fault in self.faults:
                if fault.kind == "poison" and not fault.is_spent and fault.match.encode() in body:
                    fault.used += 1
                    return True
        return False

    def item_fault(self, source: bytes) -> Fault | None:
        with self.guard:
            for fault in self.faults:
                if fault.kind == "item" and not fault.is_spent and fault.match.encode() in source:
                    fault.used += 1
                    return fault
        return None

    # Bulk

    def bulk(self, body: bytes, default_index: str | None) -> dict[str, object]:
        """Applies a bulk body; the answer as Elasticsearch gives it."""
        started = time.monotonic()
        operations = self._parse_bulk(body, default_index)
        items: list[dict[str, object]] = []
        has_item_faults = any(fault.kind == "item" for fault in self.faults)
        with self.log.lock:
            accepted: list[tuple[str, str, int, bytes]] = []
            pending: dict[tuple[str, str], int] = {}
            for action, index, identifier, source in operations:
                item: dict[str, object] = {"_index": index, "_id": identifier}
                fault = self.item_fault(source) if has_item_faults else None
                key = (index, identifier)
                if fault is not None:
                    item["status"] = fault.status
                    item["error"] = {"type": fault.type or "mapper_parsing_exception", "reason": fault.reason or "made up"}
                    self.statistics.refused_items += 1
                elif (problem := self._problem(index, identifier, source)) is not None:
                    self.statistics.refused_items += 1
                    item["status"] = 400
                    item["error"] = {"type": "document_parsing_exception", "reason": problem}
                else:
                    version = pending.get(key) or self.log.documents.get(key, (0,))[0]
                    if version and action == "create":
                        self.statistics.conflicts += 1
                        item["status"] = 409
                        item["error"] = {
                            "type": "version_conflict_engine_exception",
                            "reason": f"[{identifier}]: version conflict, document already exists (current version [{version}])",
                            "index": index,
                        }
                    else:
                        pending[key] = version + 1
                        accepted.append((index, identifier, version + 1, source))
                        item |= {"_version": version + 1, "result": "updated" if version else "created",
                                 "_shards": {"total": 1, "successful": 1, "failed": 0}, "_seq_no": len(pending), "_primary_term": 1}
                        item["status"] = 200 if version else 201
                        if version:
                            self.statistics.updated += 1
                        else:
                            self.statistics.created += 1
                items.append({action: item})
            self.log.write(accepted)
        with self.guard:
            self.statistics.bulk_items += len(items)
            self.statistics.largest_item_count = max(self.statistics.largest_item_count, len(items))
        return {
            "took": int((time.monotonic() - started) * 1000),
            "errors": any("error" in outcome for item in items for outcome in item.values()),
            "items": items,
        }

    def _problem(self, index: str, identifier: str, source: bytes) -> str | None:
        """Why the document cannot be stored, or None."""
        try:
            document = parse_json(source)
        except ValueError as error:
            self.violation(f"document is not JSON ({error}): {source[:200]!r}")
            return f"failed to parse: {error}"
        if not isinstance(document, dict):
            self.violation(f"document is not an object: {source[:200]!r}")
            return "failed to parse: not an object"
        if len(identifier.encode()) > LARGEST_ID_BYTES:
            self.violation(f"_id of {len(identifier)} characters")
            return "id is too long"
        if index != index.lower() or any(character in index for character in '\\/*?"<>| ,#:'):
            self.violation(f"index name {index!r}")
            return "invalid index name"
        return None

    def _parse_bulk(self, body: bytes, default_index: str | None) -> list[tuple[str, str, str, bytes]]:
        if not body:
            raise BadRequest("request body is required")
        if not body.endswith(b"\n"):
            raise BadRequest("The bulk request must be terminated by a newline [\\n]")
        lines = body.split(b"\n")
        lines.pop()
        operations = []
        position = 0
        while position < len(lines):
            try:
                action_line = parse_json(lines[position])
            except ValueError as error:
                raise BadRequest(f"Malformed action/metadata line [{position + 1}]: {error}") from None
            if not isinstance(action_line, dict) or len(action_line) != 1:
                raise BadRequest(f"Malformed action/metadata line [{position + 1}], expected one action")
            action, metadata = next(iter(action_line.items()))
            if action not in ("create", "index"):
                raise BadRequest(f"action [{action}] is not used by this project")
            if not isinstance(metadata, dict) or not set(metadata) <= {"_index", "_id", "require_alias", "routing"}:
                raise BadRequest(f"Malformed action/metadata line [{position + 1}]: {metadata!r}")
            index = metadata.get("_index", default_index)
            identifier = metadata.get("_id")
            if not isinstance(index, str) or not index:
                raise BadRequest("index is missing")
            if not isinstance(identifier, str) or not identifier:
                raise BadRequest("this store demands an _id for every document")
            if position + 1 >= len(lines):
                raise BadRequest("the last action has no document")
            operations.append((action, index, identifier, lines[position + 1]))
            position += 2
        return operations


def filtered(value: object, patterns: list[list[str]]) -> object:
    """`filter_path`: keeps what a dotted pattern names; `*` stands for one key, lists are passed through."""
    if isinstance(value, list):
        kept = [filtered(element, patterns) for element in value]
        return [element for element in kept if element not in ({}, None)]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, element in value.items():
        rests = [pattern[1:] for pattern in patterns if pattern and pattern[0] in ("*", key)]
        if any(not rest for rest in rests):
            result[key] = element
        elif rests:
            inner = filtered(element, rests)
            if isinstance(inner, (dict, list)) and (inner or isinstance(element, list)):
                result[key] = inner
    return result


class Handler(BaseHTTPRequestHandler):
    """One connection; HTTP/1.1 with keep-alive, `Expect: 100-continue` and chunked bodies."""

    protocol_version = "HTTP/1.1"
    store: Store
    required_authorization: str | None = None
    timeout = 600

    def log_message(self, format: str, *arguments: object) -> None:
        """Silence: tests read the statistics instead."""

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

    def _serve(self) -> None:
        url = urlsplit(self.path)
        body = self._read_body()
        if body is None:
            return
        if url.path.startswith("/_control/"):
            self._control(url.path, parse_qs(url.query), body)
            return
        statistics = self.store.statistics
        with self.store.guard:
            statistics.requests += 1
            name = f"{self.command} {url.path}"
            statistics.paths[name] = statistics.paths.get(name, 0) + 1
            statistics.concurrent += 1
            statistics.most_concurrent = max(statistics.most_concurrent, statistics.concurrent)
        try:
            self._answer_request(url.path, url.query, body)
        finally:
            with self.store.guard:
                statistics.concurrent -= 1

    def _answer_request(self, path: str, query: str, body: bytes) -> None:
        store = self.store
        authorization = self.headers.get("Authorization", "")
        if self.required_authorization is not None and authorization != self.required_authorization:
            self._error(401, "security_exception", "unable to authenticate user")
            return
        if (demand := store.take_fault(("authorization",), path)) and authorization != demand.value:
            self._error(401, "security_exception", "unable to authenticate user")
            return
        limit = store.take_fault(("body_limit",), path)
        if len(body) > (limit.bytes if limit else LARGEST_BODY):
            self._error(413, "content_too_long_exception", "entity content is too long")
            return
        if store.is_poisoned(body):
            self._error(400, "illegal_argument_exception", "Malformed content")
            return
        if (slots := store.take_fault(("concurrency",), path)) is not None:
            self._work_in_slot(path, query, body, slots)
            return
        fault = store.take_fault(("status", "delay", "cut_before", "cut_after", "half_answer", "hang"), path, body)
        if fault is not None:
            if fault.kind == "status":
                self._error(fault.status, "es_rejected_execution_exception", fault.body or "made up")
                return
            if fault.kind == "delay":
                time.sleep(fault.seconds or 0)
                fault = None
            elif fault.kind == "cut_before":
                self._cut()
                return
            elif fault.kind == "hang":
                store.faults_cleared.wait(fault.seconds)
                self._cut()
                return
        self._route(path, query, body, fault)

    def _work_in_slot(self, path: str, query: str, body: bytes, slots: Fault) -> None:
        store = self.store
        with store.guard:
            store.working += 1
            is_full = store.working > slots.limit
        try:
            if is_full:
                self._error(429, "es_rejected_execution_exception", "the write queue is full")
                return
            time.sleep(slots.seconds or 0)
            self._route(path, query, body, None)
        finally:
            with store.guard:
                store.working -= 1

    def _route(self, path: str, query: str, body: bytes, fault: Fault | None) -> None:
        store = self.store
        parts = [part for part in path.split("/") if part]
        if not parts:
            self._json(200, CLUSTER)
        elif parts[-1] == "_bulk" and len(parts) <= 2 and self.command in ("POST", "PUT"):
            self._bulk(parts[0] if len(parts) == 2 else None, query, body, fault)
        elif parts == ["_index_template"] and self.command == "GET":
            rows = [{"name": name, "index_template": template} for name, template in store.templates.items()]
            self._json(200, {"index_templates": rows})
        elif parts[0] == "_index_template" and len(parts) == 2:
            self._named(store.templates, parts[1], body, lambda name, found: {"index_templates": [{"name": name, "index_template": found}]})
        elif parts[0] == "_data_stream" and len(parts) == 2:
            self._data_stream(parts[1])
        elif parts == ["_security", "user", "_has_privileges"] and self.command == "POST":
            self._privileges(body)
        elif parts == [".apm-agent-configuration", "_search"]:
            self._agent_configurations()
        elif parts[0] == "_ilm" and len(parts) == 3 and parts[1] == "policy":
            self._named(store.policies, parts[2], body, lambda name, found: {name: {"version": 1} | found})
        elif parts == ["_nodes", "http"]:
            self._json(200, {"nodes": store.nodes})
        elif parts[0] == "_cluster" and parts[1:] == ["health"]:
            self._json(200, {"status": "green", "cluster_name": "end-to-end"})
        else:
            store.violation(f"unexpected request: {self.command} {path}")
            self._error(400, "illegal_argument_exception", f"no handler found for uri [{path}] and method [{self.command}]")

    def _data_stream(self, name: str) -> None:
        """Streams are made when someone asks for it, and found by name or by its beginning with `*`."""
        streams = self.store.data_streams
        if self.command == "PUT":
            streams.add(name)
            self._json(200, {"acknowledged": True})
            return
        found = sorted(stream for stream in streams if stream == name or (name.endswith("*") and stream.startswith(name[:-1])))
        self._json(200, {"data_streams": [{"name": stream} for stream in found]})

    def _privileges(self, body: bytes) -> None:
        """What an API key may do, as `_control/api_keys` said; everyone who is let in may write everything."""
        question = json.loads(body)
        if "index" in question:
            self._json(200, {"username": "writer", "has_all_requested": True})
            return
        scheme, _, key = self.headers.get("Authorization", "").partition(" ")
        allowed = self.store.api_keys.get(key)
        if scheme != "ApiKey" or allowed is None:
            self._error(401, "security_exception", "unable to authenticate with provided credentials")
            return
        wanted = question["application"][0]
        privileges = {name: name in allowed for name in wanted["privileges"]}
        resources = {wanted["resources"][0]: privileges}
        self._json(200, {"username": "key", "has_all_requested": all(privileges.values()), "application": {"apm": resources}})

    def _agent_configurations(self) -> None:
        """The index that Kibana writes, as `_control/agent_configurations` said; 404 until then."""
        configurations = self.store.agent_configurations
        if configurations is None:
            self._error(404, "index_not_found_exception", "no such index [.apm-agent-configuration]")
            return
        self._json(200, {"hits": {"hits": [{"_source": source} for source in configurations]}})

    def _named(self, table: dict[str, object], name: str, body: bytes, shape: Callable[[str, object], object]) -> None:
        """A PUT/GET/HEAD of one named thing: templates and policies. `shape` makes the answer to a GET."""
        if self.command == "PUT":
            try:
                table[name] = parse_json(body)
            except ValueError as error:
                self.store.violation(f"PUT of {name} is not JSON: {error}")
                self._error(400, "parse_exception", str(error))
                return
            self._json(200, {"acknowledged": True})
        elif name in table:
            self._json(200, shape(name, table[name]))
        else:
            self._error(404, "resource_not_found_exception", name)

    def _bulk(self, default_index: str | None, query: str, body: bytes, fault: Fault | None) -> None:
        store = self.store
        statistics = store.statistics
        with store.guard:
            statistics.bulk_requests += 1
            statistics.largest_body_bytes = max(statistics.largest_body_bytes, len(body))
            statistics.headers = dict(self.headers.items())
        if self.headers.get("Content-Type", "").split(";")[0].strip() not in ("application/x-ndjson", "application/json"):
            store.violation(f"Content-Type {self.headers.get('Content-Type')}")
            self._error(406, "media_type_header_exception", "Content-Type is not supported")
            return
        try:
            answer = store.bulk(body, default_index)
        except BadRequest as error:
            store.violation(f"bulk body refused: {error}")
            self._error(400, "illegal_argument_exception", str(error))
            return
        if fault is not None and fault.kind == "cut_after":
            self._cut()
            return
        if paths := parse_qs(query).get("filter_path"):
            answer = filtered(answer, [pattern.split(".") for pattern in paths[0].split(",")])
        self._json(200, answer, half=fault is not None and fault.kind == "half_answer")

    # Control

    def _control(self, path: str, query: dict[str, list[str]], body: bytes) -> None:
        store = self.store
        if path == "/_control/faults" and self.command == "POST":
            fault = Fault(**json.loads(body))
            with store.guard:
                store.faults.append(fault)
                store.faults_cleared.clear()
            self._json(200, {})
        elif path == "/_control/api_keys":
            store.api_keys = json.loads(body)
            self._json(200, {})
        elif path == "/_control/nodes":
            store.nodes = json.loads(body)
            self._json(200, {})
        elif path == "/_control/agent_configurations":
            store.agent_configurations = json.loads(body)
            self._json(200, {})
        elif path == "/_control/faults" and self.command == "DELETE":
            with store.guard:
                store.faults.clear()
                store.faults_cleared.set()
            self._json(200, {})
        elif path == "/_control/faults":
            self._json(200, [vars(fault) for fault in store.faults])
        elif path == "/_control/count":
            self._json(200, {"count": self._count(int(query.get("at_least", ["0"])[0]), float(query.get("seconds", ["0"])[0]))})
        elif path == "/_control/statistics":
            self._json(200, vars(store.statistics) | {"violations": store.violations, "templates": store.templates, "policies": store.policies})
        elif path == "/_control/documents":
            with store.log.lock:
                rows = [
                    b'{"_index":%s,"_id":%s,"_source":%s}\n' % (json.dumps(index).encode(), json.dumps(identifier).encode(), source)
                    for (index, identifier), (_, source) in store.log.documents.items()
                ]
            self._send(200, b"".join(rows), "application/x-ndjson")
        else:
            self._json(404, {})

    def _count(self, at_least: int, seconds: float) -> int:
        """The number of documents, waiting up to `seconds` until there are `at_least` so many."""
        log = self.store.log
        with log.lock:
            log.changed.wait_for(lambda: len(log.documents) >= at_least, timeout=seconds)
            return len(log.documents)

    # Bytes

    def _read_body(self) -> bytes | None:
        """The inflated body; None when the peer went away or the body was refused."""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            chunks = []
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
                if size == 0:
                    break
            body = b"".join(chunks)
        else:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if len(body) != length:
                self.close_connection = True
                return None
        if self.headers.get("Content-Encoding") == "gzip":
            statistics = self.store.statistics
            with self.store.guard:
                statistics.gzip_requests += 1
                statistics.largest_compressed_body_bytes = max(statistics.largest_compressed_body_bytes, len(body))
            try:
                return gzip.decompress(body)
            except (OSError, EOFError, zlib.error) as error:
                self.store.violation(f"bad gzip body: {error}")
                self._error(400, "parse_exception", f"bad gzip body: {error}")
                return None
        return body

    def _error(self, status: int, kind: str, reason: str) -> None:
        self._json(status, {"error": {"root_cause": [{"type": kind, "reason": reason}], "type": kind, "reason": reason}, "status": status})

    def _json(self, status: int, value: object, half: bool = False) -> None:
        self._send(status, json.dumps(value).encode(), "application/json", half)

    def _send(self, status: int, body: bytes, content_type: str, half: bool = False) -> None:
        compress = "gzip" in self.headers.get("Accept-Encoding", "") and len(body) > 1_024
        if compress:
            body = gzip.compress(body, 1)
        self.send_response(status)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if compress:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        if self.command == "HEAD":
            return
        if half:
            self.wfile.write(body[: len(body) // 2])
            self._cut()
            return
        self.wfile.write(body)

    def _cut(self) -> None:
        self.close_connection = True
        try:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A thread per connection; TLS handshakes happen in that thread."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], handler: type[Handler], tls: ssl.SSLContext | None) -> None:
        self.tls = tls
        super().__init__(address, handler)

    def finish_request(self, request: socket.socket, client_address: object) -> None:
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls is not None:
            request = self.tls.wrap_socket(request, server_side=True)
        Handler.store.statistics.connections += 1
        super().finish_request(request, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, (OSError, ValueError)):
            sys.stderr.write(f"{error!r}\n")


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--client-authority", help="demand client certificates signed by this CA")
    parser.add_argument("--authorization", help="the only Authorization header that is let in")
    arguments = parser.parse_args()
    Handler.store = Store(arguments.data)
    Handler.required_authorization = arguments.authorization
    tls = None
    if arguments.certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(arguments.certificate, arguments.key)
        if arguments.client_authority:
            tls.load_verify_locations(arguments.client_authority)
            tls.verify_mode = ssl.CERT_REQUIRED
    with Server(("127.0.0.1", arguments.port), Handler, tls) as server:
        server.serve_forever(poll_interval=0.5)


if __name__ == "__main__":
    main()
