"""A thousand shippers and five hundred agents at once, among clients that mean no good: limits hold, good clients are served."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable

from harness.apm import Stream, metadata, ndjson, post, transaction
from harness.fleet import Fleet, allow_descriptors
from harness.loglines import assert_exactly, line, number_of
from harness.lumberjack import Sender, event_window
from harness.processes import ProcessGroup
from harness.services import APMServer, Ingest
from harness.store import BulkStore
from harness.waiting import wait_until

SHIPPERS, WINDOWS, EVENTS = 1_000, 2, 10
AGENTS = 500
LIMIT = 1_200
# What the limits of memory allow beyond an idle process, generously: ingest's is 64 MiB, an open stream holds some kilobytes.
INGEST_GROWTH, APM_GROWTH = 128 << 20, 128 << 20


def windows(sender: int) -> list[tuple[bytes, int]]:
    """What one shipper sends: numbered lines in two windows."""
    made = []
    for first in range(0, WINDOWS * EVENTS, EVENTS):
        events = [
            {"message": line(number, f"s{sender}").decode().strip(), "log": {"offset": number * 1_000, "file": {"path": f"/s{sender}.log"}}, "host": {"name": "h"}}
            for number in range(first, first + EVENTS)
        ]
        made.append((event_window(events), EVENTS))
    return made


class Hostile(threading.Thread):
    """Floods a port with connections that send a byte now and then, garbage, or a frame that claims to be huge."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.over = threading.Event()
        self.opened = 0

    def run(self) -> None:
        sockets: list[socket.socket] = []
        payloads = [b"2", b"2W", b"GET / HT", b"POST /intake/v2/events HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"2J" + struct.pack(">II", 1, 0x7FFF_FFFF), b"\x16\x03\x01\xff\xff", bytes(4_096)]
        while not self.over.is_set():
            try:
                one = socket.create_connection(("127.0.0.1", self.port), timeout=2)
                one.sendall(payloads[self.opened % len(payloads)])
                sockets.append(one)
                self.opened += 1
            except OSError:
                pass
            # So many at a time: the rest of the connections belong to those who are welcome.
            if len(sockets) > 100:
                sockets.pop(0).close()
            self.over.wait(0.005)
        for one in sockets:
            one.close()


def test_a_thousand_shippers_and_five_hundred_agents(
    processes: ProcessGroup, store: BulkStore, start_ingest: Callable[..., Ingest], start_apm_server: Callable[..., APMServer]
) -> None:
    """Every line and event of the good ones once, answers in time, memory within its bounds, the hostile ones cut off."""
    allow_descriptors(8_192)
    ingest = start_ingest(store.url, changes={"limits": {"memory": "64MiB", "connections": LIMIT, "frame_timeout": "2s"}})
    apm_store = BulkStore(processes, name="apm-store").start()
    server = start_apm_server(apm_store.url, changes={"max_connections": LIMIT})
    idle = (ingest.process.resident_bytes(), server.process.resident_bytes())
    hostiles = [Hostile(ingest.port), Hostile(server.port)]
    for hostile in hostiles:
        hostile.start()
    streams = [Stream(server.port) for _ in range(AGENTS)]
    for number, stream in enumerate(streams):
        stream.send(ndjson(metadata(f"service-{number}")))
    slowest = {"shipper": 0.0, "agent": 0.0}
    quick = 1_000_000
    with Fleet(ingest.port, [windows(sender) for sender in range(SHIPPERS)]) as fleet:
        over = threading.Event()
        problems: list[str] = []
        served = 0

        def be_served() -> None:
            """One good client of each port, who wants an answer in time beside all others."""
            nonlocal served
            while not over.is_set():
                number = served
                started = time.monotonic()
                with Sender(ingest.port) as sender:
                    message = line(number, "quick").decode().strip()
                    sender.send(event_window([{"message": message, "log": {"offset": number * 1_000, "file": {"path": "/q.log"}}, "host": {"name": "q"}}]))
                    sender.wait_for_ack(1)
                slowest["shipper"] = max(slowest["shipper"], time.monotonic() - started)
                started = time.monotonic()
                answer = post(server.port, ndjson(metadata(), transaction(quick + number)))
                slowest["agent"] = max(slowest["agent"], time.monotonic() - started)
                if answer.status != 202:
                    problems.append(f"{answer.status} {answer.body[:200]!r}")
                served += 1
                over.wait(0.02)

        client = threading.Thread(target=be_served)
        client.start()
        for number, stream in enumerate(streams):
            stream.send(ndjson(transaction(number + 1)))
        fleet.run(60)
        assert fleet.unacknowledged == 0
        accepted = [stream.finish().status for stream in streams]
        # On among the hostile ones, when the others are done.
        wait_until(lambda: served >= 50 or not client.is_alive(), 30, "the good client to be served")
        over.set()
        client.join(timeout=30)
    for hostile in hostiles:
        hostile.over.set()
        hostile.join(timeout=10)
        assert hostile.opened > 50
    assert not problems and served >= 50, (problems, served)
    assert accepted == [202] * AGENTS
    print(f"slowest {slowest}, served {served}, hostile {[hostile.opened for hostile in hostiles]}")
    assert max(slowest.values()) < 15, slowest
    grown = (ingest.process.peak_resident_bytes() - idle[0], server.process.peak_resident_bytes() - idle[1])
    print(f"grown by {grown[0] >> 20} and {grown[1] >> 20} MiB")
    assert grown[0] < INGEST_GROWTH and grown[1] < APM_GROWTH
    wanted = [(f"s{sender}", number) for sender in range(SHIPPERS) for number in range(WINDOWS * EVENTS)]
    assert_exactly((number_of(document.source) for document in store.documents()), [*wanted, *(("quick", number) for number in range(served))])
    stored = [document.source["transaction"]["id"] for document in apm_store.documents() if document.source.get("processor", {}).get("event") == "transaction"]
    assert len(stored) == len(set(stored)) == AGENTS + served
    store.assert_no_violations()


def test_connections_beyond_the_limit_are_refused_and_room_is_given_back(store: BulkStore, start_ingest: Callable[..., Ingest]) -> None:
    """Who comes when all places are taken is sent away; who comes after somebody left is served."""
    ingest = start_ingest(store.url, changes={"limits": {"connections": 50}})
    held = [Sender(ingest.port) for _ in range(50)]
    for sender in held:
        sender.send(event_window([{"message": "x"}]))
        sender.wait_for_ack(1)
    with Sender(ingest.port) as refused:
        assert refused.is_closed_by_peer(5)
    held.pop().socket.close()
    deadline = time.monotonic() + 10
    while True:
        with Sender(ingest.port) as sender:
            if not sender.is_closed_by_peer(0.3):
                sender.send(event_window([{"message": "x"}]))
                sender.wait_for_ack(1)
                break
        assert time.monotonic() < deadline, "no room although one has left"
    for sender in held:
        sender.socket.close()
