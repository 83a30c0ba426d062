"""shipper with several receivers: load balancing, failures of one of them, commit order, and connections that move on."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import loglines
from harness.loglines import append, assert_exactly, lines, number_of, number_of_message, numbered
from harness.lumberjack import Behaviour, Receiver
from harness.peers import HAProxy
from harness.ports import free_port
from harness.processes import ProcessGroup
from harness.proxy import CuttingProxy
from harness.services import Ingest, Shipper
from harness.store import BulkStore
from harness.waiting import wait_until

StartShipper = Callable[..., Shipper]
BALANCED = {"load_balance": True, "bulk_max_events": 200}


def events_of(*receivers: Receiver) -> list[dict[str, Any]]:
    """What arrived in complete windows anywhere."""
    return [event for receiver in receivers for event in receiver.events]


def numbers_of(events: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Run and number of each event's line."""
    return [number_of_message(event["message"]) for event in events]


def acknowledged(*receivers: Receiver) -> set[tuple[str, int]]:
    """The lines that some receiver has acknowledged."""
    return {key for receiver in receivers for key in numbers_of(receiver.acknowledged_events)}


def count_of(receiver: Receiver) -> int:
    """Events that arrived in complete windows."""
    with receiver.changed:
        return sum(len(window.events) for window in receiver.received.windows)


def resent(shipper: Shipper) -> int:
    """Windows that went out again."""
    return int(shipper.metrics()["shipper_windows_resent_total"])


def assert_complete(count: int, *receivers: Receiver) -> None:
    """Every line acknowledged somewhere, resends identical, the protocol kept."""
    assert_exactly(acknowledged(*receivers), numbered(range(count)), "acknowledged events")
    seen: dict[tuple[str, int], str] = {}
    for event in events_of(*receivers):
        key = (event["log"]["file"]["identity"], event["log"]["offset"])
        assert seen.setdefault(key, event["message"]) == event["message"], key
    for receiver in receivers:
        receiver.assert_no_violations()


class Writer:
    """Appends numbered lines in a thread, so that there is load while a test does other things."""

    def __init__(self, log: Path, batch: int = 100) -> None:
        self.count = 0
        self._log = log
        self._batch = batch
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ending.wait(0.01):
            append(self._log, lines(range(self.count, self.count + self._batch)))
            self.count += self._batch

    def stop(self) -> int:
        """Ends the writing; returns how many lines there are."""
        self._ending.set()
        self._thread.join()
        return self.count


class TestLoadBalancing:
    def test_off_means_one_host(self, log: Path, start_shipper: StartShipper) -> None:
        append(log, lines(range(5_000)))
        with Receiver() as first, Receiver() as second:
            start_shipper([log], first.port, second.port, changes={"output": {"bulk_max_events": 200}})
            wait_until(lambda: len(acknowledged(first, second)) == 5_000, 20, "all lines")
            assert sorted([first.connections, second.connections]) == [0, 1]
            assert_exactly(numbers_of(events_of(first, second)), numbered(range(5_000)))

    @pytest.mark.parametrize("workers", [1, 3])
    def test_windows_go_to_all_hosts(self, log: Path, start_shipper: StartShipper, workers: int) -> None:
        append(log, lines(range(20_000)))
        with Receiver() as first, Receiver() as second, Receiver() as third:
            receivers = (first, second, third)
            shipper = start_shipper(
                [log], *(receiver.port for receiver in receivers), changes={"output": {**BALANCED, "workers": workers}}
            )
            wait_until(lambda: len(acknowledged(*receivers)) == 20_000, 20, "all lines")
            assert_exactly(numbers_of(events_of(*receivers)), numbered(range(20_000)))
            assert_complete(20_000, *receivers)
            metrics = shipper.metrics()
            for receiver in receivers:
                assert count_of(receiver) >= 2_000
                assert receiver.connections == workers
                label = f'{{host="127.0.0.1:{receiver.port}"}}'
                assert metrics[f"shipper_host_events_stored_total{label}"] == count_of(receiver)
                assert metrics[f"shipper_host_errors_total{label}"] == 0
            assert metrics["shipper_connections_open"] == 3 * workers
            # All of it is in the registry: nothing is sent again.
            assert shipper.process.terminate() == 0
            append(log, lines(range(20_000, 20_100)))
            shipper.start()
            wait_until(lambda: len(acknowledged(*receivers)) == 20_100, 20, "the lines written meanwhile")
            assert_exactly(numbers_of(events_of(*receivers)), numbered(range(20_100)))

    def test_a_slow_host_gets_less(self, log: Path, start_shipper: StartShipper) -> None:
        append(log, lines(range(20_000)))
        with Receiver(Behaviour(delay_seconds=0.5)) as slow, Receiver() as fast:
            start_shipper([log], slow.port, fast.port, changes={"output": BALANCED})
            wait_until(lambda: len(acknowledged(slow, fast)) == 20_000, 20, "all lines")
            assert 0 < count_of(slow) < count_of(fast) / 3
            assert_exactly(numbers_of(events_of(slow, fast)), numbered(range(20_000)))

    def test_one_is_killed_and_one_is_added_under_load(self, log: Path, start_shipper: StartShipper) -> None:
        """Everything arrives; only windows that were on a lost connection arrive twice."""
        port = free_port()
        behaviour = Behaviour(delay_seconds=0.02)
        with Receiver(behaviour) as first, Receiver(behaviour) as second, Receiver(behaviour) as third:
            log.touch()
            ports = [receiver.port for receiver in (first, second, third)]
            shipper = start_shipper([log], *ports, port, changes={"output": BALANCED})
            writer = Writer(log)
            wait_until(lambda: min(map(count_of, (first, second, third))) >= 1_000, 20, "load on all three")
            first.close()
            before = count_of(second)
            wait_until(lambda: count_of(second) >= before + 1_000, 20, "the others to go on")
            with Receiver(behaviour, port=port) as fourth:
                wait_until(lambda: count_of(fourth) >= 1_000, 20, "load on the added one")
                count = writer.stop()
                receivers = (first, second, third, fourth)
                wait_until(lambda: len(acknowledged(*receivers)) == count, 20, "all lines")
                assert_complete(count, *receivers)
                doubled = sum(times - 1 for times in Counter(numbers_of(events_of(*receivers))).values())
                assert doubled <= resent(shipper) * BALANCED["bulk_max_events"]
                # At most what was on the connection that was killed.
                assert resent(shipper) <= 2

    def test_a_hanging_host_loses_its_windows_to_the_others(self, log: Path, start_shipper: StartShipper) -> None:
        append(log, lines(range(3_000)))
        with Receiver(Behaviour(ack="none")) as hanging, Receiver() as working:
            start_shipper([log], hanging.port, working.port, changes={"output": {**BALANCED, "timeout": "500ms"}})
            wait_until(lambda: len(acknowledged(working)) == 3_000, 20, "all lines at the one that works")
            assert_complete(3_000, hanging, working)

    @pytest.mark.parametrize(
        "bad",
        [
            Behaviour(cut_after_events=150),
            Behaviour(ack="wrong_version"),
            Behaviour(ack="too_high"),
            Behaviour(ack="partial"),
            Behaviour(stall=True),
            Behaviour(close_after_windows=1),
        ],
        ids=["cut", "wrong version", "too high", "half an ack", "reads nothing", "closes after one"],
    )
    def test_a_faulty_host_costs_no_line(self, log: Path, start_shipper: StartShipper, bad: Behaviour) -> None:
        append(log, lines(range(5_000)))
        with Receiver(bad) as faulty, Receiver() as working:
            start_shipper([log], faulty.port, working.port, changes={"output": {**BALANCED, "timeout": "500ms"}})
            wait_until(lambda: len(acknowledged(faulty, working)) == 5_000, 20, "all lines")
            assert faulty.connections >= 1
            assert_complete(5_000, faulty, working)

    def test_a_refusing_host_is_left_alone(self, log: Path, start_shipper: StartShipper) -> None:
        """Its own back-off: attempts become rare while the other host works without a pause."""
        log.touch()
        backoff = {"init": "400ms", "max": "10s"}
        with Receiver(Behaviour(cut_after_events=1)) as refusing, Receiver() as working:
            start_shipper([log], refusing.port, working.port, changes={"output": {**BALANCED, "backoff": backoff}})
            writer = Writer(log)
            refusing.wait_for(lambda: len(refusing.received.connection_times) >= 4, 20, "attempts at the refusing host")
            before = count_of(working)
            wait_until(lambda: count_of(working) >= before + 500, 20, "the working host to go on")
            count = writer.stop()
            times = refusing.received.connection_times
            # Between half and the whole of 400, 800 and 1600 ms.
            assert times[1] - times[0] >= 0.2 and times[2] - times[1] >= 0.4 and times[3] - times[2] >= 0.8
            wait_until(lambda: len(acknowledged(working)) == count, 20, "all lines")
            assert_complete(count, refusing, working)


    @pytest.mark.timeout(90)
    def test_random_cuts(self, log: Path, start_shipper: StartShipper, randomness: random.Random) -> None:
        """Each connection is cut at a random byte, again and again; between them the two take all lines."""
        append(log, lines(range(20_000)))
        with Receiver() as first, Receiver() as second, CuttingProxy(first.port) as one, CuttingProxy(second.port) as two:
            for proxy in (one, two):
                proxy.cut_next_after(randomness.randint(1, 20_000))
            output = {**BALANCED, "compression_level": 0, "workers": 2}
            shipper = start_shipper([log], one.port, two.port, changes={"output": output})
            for _ in range(4):
                for proxy in (one, two):
                    wait_until(lambda: proxy._cut_after_bytes is None, 20, "the cut")
                    proxy.cut_next_after(randomness.randint(1, 500_000))
            for proxy in (one, two):
                proxy.cut_next_after(1 << 40)
            wait_until(lambda: len(acknowledged(first, second)) == 20_000, 30, "all lines")
            assert_complete(20_000, first, second)
            assert shipper.metrics()["shipper_windows_resent_total"] > 0


    def test_ingests_die_and_come_back(
        self,
        log: Path,
        store: BulkStore,
        start_ingest: Callable[..., Ingest],
        start_shipper: StartShipper,
    ) -> None:
        """Every line is one document, whichever ingest had it when it was killed."""
        log.touch()
        ingests = [start_ingest(store.url, name=f"ingest{number}") for number in range(3)]
        start_shipper([log], *(ingest.port for ingest in ingests), changes={"output": BALANCED})
        writer = Writer(log, batch=20)
        for ingest in ingests:
            wanted = store.count() + 500
            wait_until(lambda: store.count() >= wanted, 20, "documents")
            ingest.process.kill()
            wanted = store.count() + 500
            wait_until(lambda: store.count() >= wanted, 20, "documents of the others")
            ingest.start()
        count = writer.stop()
        store.wait_for_count(count, 30)
        assert_exactly((number_of(document.source) for document in store.documents()), numbered(range(count)))
        store.assert_no_violations()


class TestCommitOrder:
    def test_kill_9_while_acks_are_out_of_order(self, log: Path, start_shipper: StartShipper) -> None:
        """One receiver takes windows and never acknowledges; the other acknowledges later ones: no offset may pass."""
        append(log, lines(range(30_000)))
        silent = Behaviour(ack="keep_alive", keep_alive_seconds=0.1)
        with Receiver(behaviours=[silent] * 3) as holding, Receiver() as working:
            shipper = start_shipper([log], holding.port, working.port, changes={"output": BALANCED})
            for round_number in range(3):
                holding.wait_for(lambda: len(holding.received.windows) > round_number, 20, "a window that is held")
                held = holding.received.windows[round_number].events[0]["log"]["offset"]
                working.wait_for(
                    lambda: any(
                        window.acknowledged and window.events[0]["log"]["offset"] > held
                        for window in working.received.windows
                    ),
                    20,
                    "later windows to be acknowledged",
                )
                # The registry is written after each second at the latest.
                saves = shipper.metrics()["shipper_registry_saves_total"]
                wait_until(
                    lambda: shipper.metrics()["shipper_registry_saves_total"] > saves or len(acknowledged(working)) > 29_000,
                    5,
                    "a saved registry",
                )
                shipper.process.kill()
                shipper.start()
            wait_until(lambda: len(acknowledged(holding, working)) == 30_000, 20, "all lines")
            assert_complete(30_000, holding, working)


class TestTimeToLive:
    def test_an_added_instance_behind_a_balancer_gets_its_share(
        self, log: Path, processes: ProcessGroup, start_shipper: StartShipper
    ) -> None:
        """Without losing a window: nothing is sent twice, and the connections end in order."""
        port = free_port()
        log.touch()
        with Receiver() as first:
            haproxy = HAProxy(processes, [first.port, port]).start()
            shipper = start_shipper([log], haproxy.port, changes={"output": {"ttl": "300ms", "bulk_max_events": 200}})
            writer = Writer(log)
            wait_until(lambda: count_of(first) >= 2_000, 20, "load on the only one")
            with Receiver(port=port) as second:
                wait_until(lambda: count_of(second) >= 5_000, 20, "load on the added one")
                before = count_of(first)
                wait_until(lambda: count_of(first) >= before + 1_000, 20, "load on the first one again")
                count = writer.stop()
                wait_until(lambda: len(acknowledged(first, second)) == count, 20, "all lines")
                assert_exactly(numbers_of(events_of(first, second)), numbered(range(count)))
                assert_complete(count, first, second)
                assert resent(shipper) == 0

    def test_hosts_take_turns(self, log: Path, start_shipper: StartShipper) -> None:
        log.touch()
        with Receiver() as first, Receiver() as second:
            shipper = start_shipper([log], first.port, second.port, changes={"output": {"ttl": "200ms"}})
            writer = Writer(log)
            wait_until(lambda: min(first.connections, second.connections) >= 2, 20, "two connections to each")
            count = writer.stop()
            wait_until(lambda: len(acknowledged(first, second)) == count, 20, "all lines")
            assert_exactly(numbers_of(events_of(first, second)), numbered(range(count)))
            assert resent(shipper) == 0

    def test_off_means_one_connection(self, log: Path, receiver: Receiver, start_shipper: StartShipper) -> None:
        append(log, lines(range(2_000)))
        start_shipper([log], receiver.port)
        receiver.wait_for_messages({loglines.line(number).decode().rstrip("\n") for number in range(2_000)}, 20)
        assert receiver.connections == 1


class TestWindowSize:
    def test_slow_start(self, log: Path, receiver: Receiver, start_shipper: StartShipper) -> None:
        append(log, lines(range(5_000)))
        start_shipper([log], receiver.port, changes={"output": {"slow_start": True, "pipelining": 1}})
        wait_until(lambda: len(acknowledged(receiver)) == 5_000, 20, "all lines")
        sizes = [len(window.events) for window in receiver.received.windows]
        assert sizes[:8] == [10, 15, 22, 33, 49, 73, 109, 163]
        assert_exactly(numbers_of(receiver.events), numbered(range(5_000)))

    def test_windows_that_time_out_again_and_again_are_followed_by_small_ones(
        self, log: Path, start_shipper: StartShipper
    ) -> None:
        append(log, lines(range(5_000)))
        silent = Behaviour(ack="none")
        with Receiver(behaviours=[silent] * 3) as receiver:
            shipper = start_shipper(
                [log], receiver.port, changes={"output": {"timeout": "300ms", "pipelining": 1, "bulk_max_events": 1_000}}
            )
            wait_until(lambda: len(acknowledged(receiver)) == 5_000, 20, "all lines")
            sizes = [len(window.events) for window in receiver.received.windows]
            # The sealed one as it was, then half the size for the second and again for the third failure.
            assert sizes[:7] == [1_000, 1_000, 1_000, 1_000, 375, 562, 843]
            assert_complete(5_000, receiver)
            assert shipper.metrics()["shipper_window_events_max"] == 1_000

