"""shipper against the reference receiver: windows, acks, reconnects, time-outs, hosts."""

from __future__ import annotations

import random
import re
import signal
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from harness import loglines
from harness.loglines import append, assert_exactly, lines, number_of_message, numbered
from harness.lumberjack import Behaviour, Receiver
from harness.ports import free_port
from harness.processes import ProcessGroup
from harness.proxy import CuttingProxy
from harness.services import Ingest, Shipper
from harness.store import BulkStore
from harness.waiting import stays_true, wait_until

StartShipper = Callable[..., Shipper]


def texts(numbers: range, run: str = "a") -> set[str]:
    """The messages of these numbered lines."""
    return {loglines.line(number, run).decode().rstrip("\n") for number in numbers}


def assert_resends_agree(events: list[dict[str, Any]]) -> None:
    """The same (file identity, offset) always names the same line: what deterministic ids stand on."""
    seen: dict[tuple[str, int], str] = {}
    for event in events:
        key = (event["log"]["file"]["identity"], event["log"]["offset"])
        assert seen.setdefault(key, event["message"]) == event["message"], key


def assert_once(events: list[dict[str, Any]], count: int) -> None:
    """Without a fault nothing is sent twice."""
    assert_exactly((number_of_message(event["message"]) for event in events), numbered(range(count)), "events")


def assert_complete(receiver: Receiver, count: int) -> None:
    """After faults: every line acknowledged, resends identical, the protocol kept."""
    acknowledged = {number_of_message(event["message"]) for event in receiver.acknowledged_events}
    assert_exactly(acknowledged, numbered(range(count)), "acknowledged events")
    assert_resends_agree(receiver.events + receiver.received.partial_events)
    receiver.assert_no_violations()


class TestEvents:
    def test_carry_what_beats_carry(self, receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
        append(log, lines(range(3)))
        shipper = start_shipper(
            [log],
            receiver.port,
            input_changes={"fields": {"app": "shop", "list": [1, "two"]}, "tags": ["web", "eu"], "timezone": "+02:00"},
        )
        receiver.wait_for_messages(texts(range(3)), 10)
        offset = 0
        for number, event in enumerate(receiver.events):
            line = loglines.line(number)
            assert event["message"] == line.decode().rstrip("\n")
            assert event["log"]["offset"] == offset
            offset += len(line)
            file = event["log"]["file"]
            assert file["path"] == str(log)
            assert file["inode"] == str(log.stat().st_ino)
            assert file["device_id"] == str(log.stat().st_dev)
            assert file["identity"]
            assert event["host"] == {"name": "web-1"}
            assert event["agent"]["type"] == "shipper"
            assert re.fullmatch(r"\d+\.\d+\.\d+\S*", event["agent"]["version"])
            assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", event["agent"]["id"])
            assert event["event"] == {"timezone": "+02:00", "dataset": "nginx.access", "module": "nginx"}
            assert event["fields"] == {"app": "shop", "list": [1, "two"]}
            assert event["tags"] == ["web", "eu"]
            age = time.time() - datetime.fromisoformat(event["@timestamp"]).timestamp()
            assert event["@timestamp"].endswith("Z") and -1 < age < 60
        # The agent keeps its id over a restart.
        shipper.process.terminate()
        shipper.start()
        append(log, lines(range(3, 4)))
        receiver.wait_for_messages(texts(range(4)), 10)
        assert len({event["agent"]["id"] for event in receiver.events}) == 1
        assert_once(receiver.events, 4)

    def test_odd_lines(self, receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
        """As Filebeat has it: one U+FFFD per bad byte, control bytes kept, CR before LF dropped, empty lines dropped."""
        rows: list[tuple[bytes, str | None]] = [
            (b"\xef\xbb\xbffirst line behind a byte order mark\n", "first line behind a byte order mark"),
            (b"\n", None),
            (b"\r\n", None),
            (b"carriage return\r\n", "carriage return"),
            (b"  blanks and\ttab kept \n", "  blanks and\ttab kept "),
            (b'html <a href="x">&</a> \\ /\n', 'html <a href="x">&</a> \\ /'),
            (b"nul \x00 esc \x1b[31m del \x7f\n", "nul \x00 esc \x1b[31m del \x7f"),
            ("utf-8 è 漢 😀\n".encode(), "utf-8 è 漢 😀"),
            (b"latin1 \xe8\xe9 end\n", "latin1 \ufffd\ufffd end"),
            (b"cut \xe6\xbc\n", "cut \ufffd\ufffd"),
            (b"overlong \xc0\xaf surrogate \xed\xa0\x80\n", "overlong \ufffd\ufffd surrogate \ufffd\ufffd\ufffd"),
            (b"\xff\n", "\ufffd"),
            (b"last\n", "last"),
        ]
        log.write_bytes(b"".join(raw for raw, _ in rows) + b"not complete")
        start_shipper([log], receiver.port)
        receiver.wait_for_messages({"last"}, 10)
        assert [event["message"] for event in receiver.events] == [text for _, text in rows if text is not None]
        offsets = []
        position = 0
        for raw, text in rows:
            if text is not None:
                offsets.append(position)
            position += len(raw)
        # The byte order mark counts in offsets; whether the first event starts before or behind it is not promised.
        assert [event["log"]["offset"] for event in receiver.events][1:] == offsets[1:]
        stays_true(lambda: receiver.events[-1]["message"] == "last", 0.5, "an incomplete line is not sent")
        append(log, b" now\n")
        receiver.wait_for_messages({"not complete now"}, 10)

    def test_long_lines_are_cut_and_flagged(self, receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
        log.write_bytes(b"x" * 65_536 + b"\n" + b"y" * 65_537 + b"\n" + b"z" * 10_000_000 + b"\nshort\n")
        shipper = start_shipper([log], receiver.port, input_changes={"max_bytes": "64KiB"})
        receiver.wait_for_messages({"short"}, 20)
        events = receiver.events
        assert [event["message"] for event in events] == ["x" * 65_536, "y" * 65_536, "z" * 65_536, "short"]
        assert [event["log"].get("flags") for event in events] == [None, ["truncated"], ["truncated"], None]
        assert shipper.process.peak_resident_bytes() < 60_000_000

    def test_a_ten_megabyte_line_is_shipped_whole(self, receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
        long_line = "q" * (10 * 1024 * 1024)
        log.write_bytes(b"before\n" + long_line.encode() + b"\nafter\n")
        start_shipper([log], receiver.port)
        receiver.wait_for_messages({"before", long_line, "after"}, 30)
        receiver.assert_no_violations()


class TestWindows:
    @pytest.mark.parametrize("level", [0, 1, 9])
    def test_are_well_formed_and_bounded(
        self, receiver: Receiver, log: Path, start_shipper: StartShipper, level: int
    ) -> None:
        append(log, lines(range(10_000)))
        start_shipper(
            [log],
            receiver.port,
            changes={"output": {"compression_level": level, "bulk_max_events": 500, "bulk_max_bytes": "128KiB"}},
        )
        receiver.wait_for_messages(texts(range(10_000)), 30)
        assert_once(receiver.events, 10_000)
        receiver.assert_no_violations()
        windows = receiver.received.windows
        assert max(len(window.events) for window in windows) <= 500
        # The last event may pass the limit by its own size.
        assert max(window.json_bytes for window in windows) <= 128 * 1024 + 1024
        assert all(window.compressed == (level > 0) for window in windows)
        assert receiver.connections == 1

    def test_a_trickle_arrives_at_once(self, receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
        log.touch()
        start_shipper([log], receiver.port)
        for number in range(5):
            append(log, loglines.line(number))
            started = time.monotonic()
            receiver.wait_for_messages(texts(range(number, number + 1)), 10)
            assert time.monotonic() - started < 2
        assert_once(receiver.events, 5)

    def test_two_windows_are_in_flight(self, log: Path, start_shipper: StartShipper) -> None:
        """Pipelining 2: the second window is sent before the first is acknowledged, the third is not."""
        append(log, lines(range(4_000)))
        with Receiver(Behaviour(ack="keep_alive", keep_alive_seconds=0.2)) as receiver:
            start_shipper([log], receiver.port, changes={"output": {"bulk_max_events": 1_000}})
            receiver.wait_for(lambda: len(receiver.received.windows) == 1, 10, "the first window")
        # The receiver of one conversation reads the next window only after its answer: see the bytes in a proxy.
        with Receiver(Behaviour(delay_seconds=1)) as receiver, CuttingProxy(receiver.port) as proxy:
            start_shipper(
                [log], proxy.port, changes={"output": {"bulk_max_events": 1_000, "compression_level": 0}}, name="second"
            )
            receiver.wait_for(lambda: len(receiver.received.windows) == 1, 10, "the first window")
            one = sum(len(str(event)) for event in receiver.events[:1]) * 1_000
            wait_until(lambda: proxy.bytes_forwarded > 1.2 * one, 5, "bytes of the second window before the first ack")


class TestFaults:
    @pytest.mark.parametrize(
        ("name", "bad"),
        [
            ("cut without ack", Behaviour(cut_after_events=700)),
            ("cut inside the second window", Behaviour(cut_after_events=1_300)),
            ("ack with a wrong version", Behaviour(ack="wrong_version")),
            ("ack of an event never sent", Behaviour(ack="too_high")),
            ("no ack", Behaviour(ack="none")),
            ("half an ack, then silence", Behaviour(ack="partial")),
            ("peer that reads nothing", Behaviour(stall=True)),
            ("close after one window", Behaviour(close_after_windows=1)),
        ],
    )
    def test_everything_arrives_after(self, log: Path, start_shipper: StartShipper, name: str, bad: Behaviour) -> None:
        append(log, lines(range(5_000)))
        with Receiver(behaviours=[bad, bad]) as receiver:
            start_shipper([log], receiver.port, changes={"output": {"bulk_max_events": 1_000, "timeout": "1s"}})
            receiver.wait_for_messages(texts(range(5_000)), 30)
            assert_complete(receiver, 5_000)
            assert receiver.connections == 3

    def test_partial_acks_before_the_full_one_are_progress(self, log: Path, start_shipper: StartShipper) -> None:
        append(log, lines(range(3_000)))
        with Receiver(Behaviour(partial_fractions=(0.1, 0.5, 0.5, 0.9))) as receiver:
            start_shipper([log], receiver.port)
            receiver.wait_for_messages(texts(range(3_000)), 20)
            assert_once(receiver.events, 3_000)
            assert receiver.connections == 1

    def test_keep_alives_prevent_the_timeout(self, log: Path, start_shipper: StartShipper) -> None:
        append(log, lines(range(100)))
        with Receiver(behaviours=[Behaviour(delay_seconds=4, keep_alive_seconds=0.5)]) as receiver:
            start_shipper([log], receiver.port, changes={"output": {"timeout": "1500ms"}})
            receiver.wait_for_messages(texts(range(100)), 20)
            assert_once(receiver.events, 100)
            assert receiver.connections == 1

    def test_silence_ends_the_connection_after_the_timeout(self, log: Path, start_shipper: StartShipper) -> None:
        append(log, lines(range(100)))
        with Receiver(behaviours=[Behaviour(ack="none")]) as receiver:
            start_shipper([log], receiver.port, changes={"output": {"timeout": "2s"}})
            receiver.wait_for_messages(texts(range(100)), 20)
            first, second = receiver.received.connection_times
            assert 1.8 < second - first < 6
            assert_complete(receiver, 100)

    def test_backoff_grows_while_nothing_listens(self, log: Path, start_shipper: StartShipper) -> None:
        append(log, lines(range(100)))
        port = free_port()
        shipper = start_shipper([log], port, changes={"output": {"backoff": {"init": "100ms", "max": "400ms"}}})
        shipper.process.wait_for_output("127.0.0.1", 10)
        time.sleep(1)  # some failed attempts
        with Receiver(port=port) as receiver:
            receiver.wait_for_messages(texts(range(100)), 10)
            assert_once(receiver.events, 100)
        status, _ = shipper.health()
        assert status in (200, 503)

    @pytest.mark.timeout(90)
    def test_random_cuts(
        self, log: Path, receiver: Receiver, start_shipper: StartShipper, randomness: random.Random
    ) -> None:
        append(log, lines(range(20_000)))
        with CuttingProxy(receiver.port) as proxy:
            proxy.cut_next_after(randomness.randint(1, 50_000))
            start_shipper([log], proxy.port, changes={"output": {"bulk_max_events": 1_000, "compression_level": 0}})
            for _ in range(6):
                wait_until(lambda: proxy._cut_after_bytes is None, 20, "the cut")
                proxy.cut_next_after(randomness.randint(1, 2_000_000))
            proxy.cut_next_after(1 << 40)
            receiver.wait_for_messages(texts(range(20_000)), 40)
            assert_complete(receiver, 20_000)

    def test_a_silent_network_is_noticed(self, log: Path, receiver: Receiver, start_shipper: StartShipper) -> None:
        """A partition without a reset: nothing comes back, the timeout decides."""
        append(log, lines(range(50)))
        with CuttingProxy(receiver.port) as proxy:
            start_shipper([log], proxy.port, changes={"output": {"timeout": "1s"}})
            receiver.wait_for_messages(texts(range(50)), 10)
            proxy.stall()
            append(log, lines(range(50, 100)))
            wait_until(lambda: proxy.connections >= 2, 10, "a second connection")
            proxy.flow()
            receiver.wait_for_messages(texts(range(100)), 20)
            assert_complete(receiver, 100)

    def test_the_next_host_takes_over(self, log: Path, start_shipper: StartShipper) -> None:
        append(log, lines(range(1_000)))
        with Receiver() as first, Receiver() as second:
            start_shipper([log], first.port, second.port)
            wait_until(lambda: len(first.events) + len(second.events) == 1_000, 20, "the first lines")
            dying, living = (first, second) if first.events else (second, first)
            dying.close()
            append(log, lines(range(1_000, 2_000)))
            living.wait_for(
                lambda: {event["message"] for window in living.received.windows for event in window.events} >= texts(range(1_000, 2_000)),
                20,
                "the lines written after the first host died",
            )


class TestHosts:
    def test_a_name_with_several_addresses(self, log: Path, receiver: Receiver, start_shipper: StartShipper) -> None:
        """`localhost` may be ::1 first, where nothing listens."""
        append(log, lines(range(100)))
        start_shipper([log], changes={"output": {"hosts": [f"localhost:{receiver.port}"]}})
        receiver.wait_for_messages(texts(range(100)), 20)
        assert_once(receiver.events, 100)

    def test_a_name_that_does_not_exist(self, log: Path, receiver: Receiver, start_shipper: StartShipper) -> None:
        """It is named in the log, and the other host is used."""
        append(log, lines(range(100)))
        shipper = start_shipper([log], changes={"output": {"hosts": ["no-such-host.invalid:5044"]}})
        shipper.process.wait_for_output("no-such-host.invalid", 20)
        assert shipper.process.terminate() == 0
        shipper.configure({"output": {"hosts": ["no-such-host.invalid:5044", f"127.0.0.1:{receiver.port}"]}})
        shipper.start()
        receiver.wait_for_messages(texts(range(100)), 30)
        assert_once(receiver.events, 100)

    def test_ipv6(self, log: Path, store: BulkStore, processes: ProcessGroup, start_shipper: StartShipper) -> None:
        ingest = Ingest(processes, [store.url])
        ingest.configure({"inputs": [{"port": ingest.port, "host": "::1", "pipeline": "nginx-access"}]})
        ingest.start(wait=False)
        append(log, lines(range(100)))
        start_shipper([log], changes={"output": {"hosts": [f"[::1]:{ingest.port}"]}})
        store.wait_for_count(100, 20)

    def test_the_receiver_moves_and_lines_of_a_deleted_file_follow(
        self, log: Path, start_shipper: StartShipper
    ) -> None:
        """While nobody takes anything the file is deleted; its descriptor is held until all of it is stored."""
        port = free_port()
        append(log, lines(range(20_000)))
        shipper = start_shipper([log], port)
        wait_until(lambda: str(log) in shipper.process.open_files(), 10, "the open file")
        log.unlink()
        append(log, lines(range(20_000, 21_000)))
        with Receiver(port=port) as receiver:
            receiver.wait_for_messages(texts(range(21_000)), 30)
            assert_once(receiver.events, 21_000)
        wait_until(lambda: not any("deleted" in name for name in shipper.process.open_files()), 20, "the descriptor to be let go")


class TestStopping:
    def test_sigterm_waits_for_outstanding_acks(self, log: Path, start_shipper: StartShipper) -> None:
        append(log, lines(range(1_500)))
        with Receiver(behaviours=[Behaviour(delay_seconds=2, keep_alive_seconds=0.5)]) as receiver:
            shipper = start_shipper([log], receiver.port)
            receiver.wait_for(lambda: len(receiver.received.windows) == 1, 10, "the window")
            assert shipper.process.terminate(10) == 0
            assert receiver.received.windows[0].acknowledged
            shipper.start()
            append(log, lines(range(1_500, 1_600)))
            receiver.wait_for_messages(texts(range(1_600)), 10)
            assert_once(receiver.events, 1_600)

    def test_sigterm_does_not_wait_for_ever(self, log: Path, start_shipper: StartShipper) -> None:
        append(log, lines(range(100)))
        with Receiver(Behaviour(ack="keep_alive", keep_alive_seconds=0.2)) as receiver:
            shipper = start_shipper([log], receiver.port, changes={"shutdown_timeout": "1s"})
            receiver.wait_for(lambda: len(receiver.received.windows) == 1, 10, "the window")
            started = time.monotonic()
            assert shipper.process.terminate(10) == 0
            assert time.monotonic() - started < 5

    def test_sigint_ends_it_too(self, log: Path, receiver: Receiver, start_shipper: StartShipper) -> None:
        append(log, lines(range(10)))
        shipper = start_shipper([log], receiver.port)
        receiver.wait_for_messages(texts(range(10)), 10)
        shipper.process.signal(signal.SIGINT)
        assert shipper.process.wait(10) == 0

    def test_kill_9_loses_nothing_and_resends_the_same(
        self, log: Path, receiver: Receiver, start_shipper: StartShipper, randomness: random.Random
    ) -> None:
        append(log, lines(range(20_000)))
        shipper = start_shipper([log], receiver.port, changes={"output": {"bulk_max_events": 500}})
        for _ in range(5):
            wanted = min(20_000, len(receiver.events) + randomness.randint(1, 3_000))
            receiver.wait_for(lambda: sum(len(window.events) for window in receiver.received.windows) >= wanted, 20, "events")
            shipper.process.kill()
            shipper.start()
        receiver.wait_for_messages(texts(range(20_000)), 30)
        assert_complete(receiver, 20_000)


class TestOnce:
    def test_ships_what_is_there_and_ends(self, log: Path, receiver: Receiver, processes: ProcessGroup) -> None:
        append(log, lines(range(5_000)) + b"no newline at the end")
        shipper = Shipper(processes, [log], [receiver.port])
        shipper.process.arguments.append("--once")
        shipper.start(wait=False)
        assert shipper.process.wait(30) == 0, shipper.process.tail()
        receiver.wait_for_messages(texts(range(5_000)), 5)
        # Once more with the same registry: only what was written since.
        append(log, b" until now\n" + lines(range(5_000, 5_010)))
        shipper.start(wait=False)
        assert shipper.process.wait(30) == 0, shipper.process.tail()
        messages = [event["message"] for event in receiver.events]
        assert len(messages) == len(set(messages))
        assert texts(range(5_010)) <= set(messages)

    def test_says_so_when_nothing_can_be_shipped(self, log: Path, processes: ProcessGroup) -> None:
        """An unreachable host is retried for ever; SIGTERM ends it with code 1, since lines are left."""
        append(log, lines(range(10)))
        port = free_port()
        shipper = Shipper(processes, [log], [port], {"shutdown_timeout": "1s"})
        shipper.process.arguments.append("--once")
        shipper.start(wait=False)
        shipper.process.wait_for_output(str(port), 10)
        assert shipper.process.terminate(10) in (0, 1)
