"""The tools of this suite against programs that are known to be right, before they judge ours."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import time
from pathlib import Path

import pylogbeat
import pytest

from harness import loglines
from harness.lumberjack import Behaviour, PeerClosed, Receiver, Sender, event_window, json_frame, window_frame
from harness.peers import Filebeat
from harness.processes import ProcessGroup
from harness.proxy import CuttingProxy
from harness.store import BulkStore


def bulk(store: BulkStore, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, dict]:
    """A raw bulk request."""
    connection = http.client.HTTPConnection("127.0.0.1", store.port, timeout=10)
    try:
        connection.request("POST", "/_bulk", body, {"Content-Type": "application/x-ndjson"} | (headers or {}))
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def bulk_body(numbers: range) -> bytes:
    """Create actions for these numbers."""
    rows = []
    for number in numbers:
        rows.append(json.dumps({"create": {"_index": "n-1", "_id": str(number)}}))
        rows.append(json.dumps({"number": number}))
    return ("\n".join(rows) + "\n").encode()


def statuses(answer: dict) -> list[int]:
    return [outcome["status"] for item in answer["items"] for outcome in item.values()]


class TestBulkStore:
    def test_keeps_everything_acknowledged_through_kill_9(self, store: BulkStore) -> None:
        assert statuses(bulk(store, bulk_body(range(5)))[1]) == [201] * 5
        assert statuses(bulk(store, gzip.compress(bulk_body(range(3, 7))), {"Content-Encoding": "gzip"})[1]) == [409, 409, 201, 201]
        store.process.kill()
        store.start()
        assert store.count() == 7
        assert statuses(bulk(store, bulk_body(range(6, 8)))[1]) == [409, 201]
        assert {document.source["number"] for document in store.documents()} == set(range(8))

    @pytest.mark.parametrize(
        ("name", "body"),
        [
            ("empty", b""),
            ("no last newline", b'{"create":{"_index":"a","_id":"1"}}\n{}'),
            ("no id", b'{"create":{"_index":"a"}}\n{}\n'),
            ("broken action", b'{"create":\n{}\n'),
            ("action without document", b'{"create":{"_index":"a","_id":"1"}}\n'),
            ("unknown action", b'{"make":{"_index":"a","_id":"1"}}\n{}\n'),
        ],
    )
    def test_refuses_malformed_bodies(self, store: BulkStore, name: str, body: bytes) -> None:
        assert bulk(store, body)[0] == 400, name
        assert store.count() == 0
        assert store.statistics()["violations"]

    @pytest.mark.parametrize("source", [b"{", b"[]", b'{"a":1,"a":2}', b'{"a":"\xff"}', b'{"a":1} x'])
    def test_refuses_documents_that_are_not_clean_json(self, store: BulkStore, source: bytes) -> None:
        status, answer = bulk(store, b'{"create":{"_index":"a","_id":"1"}}\n' + source + b"\n")
        assert (status, statuses(answer)) == (200, [400])

    def test_makes_the_faults_it_is_asked_for(self, store: BulkStore) -> None:
        store.fault("status", status=429, times=1)
        assert bulk(store, bulk_body(range(1)))[0] == 429
        store.fault("item", match='"number": 2', status=503, times=1)
        assert statuses(bulk(store, bulk_body(range(4)))[1]) == [201, 201, 503, 201]
        store.fault("body_limit", bytes=50, times=1)
        assert bulk(store, bulk_body(range(2)))[0] == 413
        store.fault("cut_before", times=1)
        with pytest.raises((http.client.HTTPException, OSError)):
            bulk(store, bulk_body(range(10, 12)))
        assert store.count() == 3
        for kind in ("cut_after", "half_answer"):
            store.fault(kind, times=1)
            with pytest.raises((http.client.HTTPException, OSError)):
                bulk(store, bulk_body(range(12, 20)))
        assert store.count() == 11
        store.fault("delay", seconds=0.3, times=1)
        started = time.monotonic()
        assert statuses(bulk(store, bulk_body(range(20, 21)))[1]) == [201]
        assert time.monotonic() - started >= 0.3

    def test_filters_answers(self, store: BulkStore) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", store.port, timeout=10)
        connection.request(
            "POST", "/_bulk?filter_path=errors,items.*.status,items.*.error", bulk_body(range(2)), {"Content-Type": "application/x-ndjson"}
        )
        assert json.loads(connection.getresponse().read()) == {
            "errors": False,
            "items": [{"create": {"status": 201}}, {"create": {"status": 201}}],
        }
        connection.close()

    def test_stores_more_than_ten_thousand_documents_a_second(self, store: BulkStore) -> None:
        source = json.dumps({"message": "x" * 250, "http": {"response": {"status_code": 200, "body": {"bytes": 12}}}, "user_agent": {"name": "y" * 300, "os": {"name": "z" * 200}}})
        rows = "".join(f'{{"create":{{"_index":"n","_id":"{number}"}}}}\n{source}\n' for number in range(20_000))
        started = time.monotonic()
        assert bulk(store, rows.encode())[0] == 200
        # Not a target: a store ten times slower than wanted would make every other test slow.
        assert time.monotonic() - started < 20


class TestReceiver:
    def test_takes_windows_from_pylogbeat(self, receiver: Receiver) -> None:
        client = pylogbeat.PyLogBeatClient("127.0.0.1", receiver.port, timeout=5)
        client.connect()
        client.send([{"message": "one"}, {"message": "two"}])
        client.close()
        assert [event["message"] for event in receiver.events] == ["one", "two"]
        receiver.assert_no_violations()

    @pytest.mark.parametrize(
        ("name", "data"),
        [
            ("version", b"1W\0\0\0\1"),
            ("window of nothing", window_frame(0)),
            ("no window", json_frame(1, {})),
            ("sequence", window_frame(2) + json_frame(1, {}) + json_frame(3, {})),
            ("not an object", window_frame(1) + json_frame(1, b"[]")),
            ("broken stream", window_frame(1) + b"2C\0\0\0\4abcd"),
        ],
    )
    def test_notices_breaches(self, receiver: Receiver, name: str, data: bytes) -> None:
        with Sender(receiver.port) as sender:
            sender.send(data)
            assert sender.is_closed_by_peer(5), name
        receiver.wait_for(lambda: len(receiver.received.violations) == 1, 5, "the violation")

    def test_acknowledges_in_parts_with_keep_alives(self) -> None:
        behaviour = Behaviour(partial_fractions=(0.5,), delay_seconds=0.3, keep_alive_seconds=0.1)
        with Receiver(behaviour) as receiver, Sender(receiver.port) as sender:
            sender.send(event_window([{"message": str(number)} for number in range(4)]))
            acks = [sender.read_ack() for _ in range(5)]
        assert acks[-2:] == [2, 4] and set(acks[:-2]) == {0}

    def test_cuts_when_told(self) -> None:
        with Receiver(behaviours=[Behaviour(cut_after_events=2)]) as receiver:
            with Sender(receiver.port) as sender:
                sender.send(event_window([{"message": str(number)} for number in range(4)]))
                with pytest.raises((PeerClosed, OSError)):
                    sender.read_ack()
            with Sender(receiver.port) as sender:
                sender.send(event_window([{"message": "again"}], compress=False))
                assert sender.read_ack() == 1


@pytest.mark.timeout(90)
def test_filebeat_ships_through_a_cutting_proxy_into_the_receiver(processes: ProcessGroup, receiver: Receiver, log: Path) -> None:
    loglines.append(log, loglines.lines(range(3_000)))
    with CuttingProxy(receiver.port) as proxy:
        proxy.cut_next_after(20_000)
        Filebeat(processes, [log], proxy.port).start()
        wanted = {loglines.line(number).decode().rstrip("\n") for number in range(3_000)}
        receiver.wait_for_messages(wanted, 60)
        assert receiver.connections >= 2
    receiver.assert_no_violations()


def test_the_proxy_stalls_and_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as echo, CuttingProxy(echo.getsockname()[1]) as proxy:
        client = socket.create_connection(("127.0.0.1", proxy.port), timeout=5)
        server, _ = echo.accept()
        client.sendall(b"a")
        assert server.recv(1) == b"a"
        proxy.stall()
        client.sendall(b"b")
        server.settimeout(0.3)
        with pytest.raises(TimeoutError):
            server.recv(1)
        proxy.flow()
        assert server.recv(1) == b"b"
        assert proxy.cut() == 1
        assert server.recv(1) == b""
        proxy.refuse(True)
        with pytest.raises(ConnectionError):
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as refused:
                if refused.recv(1) == b"":
                    raise ConnectionResetError
        for end in (client, server):
            end.close()
