"""SIGHUP: shipper reads its inputs anew, and no line is lost or doubled by that."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.loglines import append, assert_exactly, lines, number_of_message, numbered
from harness.lumberjack import Receiver
from harness.processes import ProcessGroup
from harness.services import Shipper, run_to_end
from harness.waiting import stays_true, wait_until

StartShipper = Callable[..., Shipper]


def reload(shipper: Shipper, inputs: list[dict[str, Any]], **more: Any) -> None:
    """Writes another configuration, says so, and waits until it is taken or refused."""
    shipper.configuration["inputs"] = inputs
    shipper.configure(more)
    signal_and_wait(shipper)


def signal_and_wait(shipper: Shipper) -> None:
    """SIGHUP; returns when one more reload is counted."""

    def counted() -> float:
        metrics = shipper.metrics()
        return metrics["shipper_reloads_total"] + metrics["shipper_reload_errors_total"]

    before = counted()
    shipper.process.signal(signal.SIGHUP)
    wait_until(lambda: counted() == before + 1, 10, "the reload to be counted")


def wait_for(receiver: Receiver, count: int) -> None:
    """Waits for so many acknowledged events."""
    receiver.wait_for(lambda: len(receiver.acknowledged_events) >= count, 10, f"{count} events")


def entry(path: Path, **more: Any) -> dict[str, Any]:
    """An input."""
    return {"paths": [str(path)], "scan_interval": "500ms", **more}


def messages(receiver: Receiver) -> list[tuple[str, int]]:
    """All lines that came."""
    return [number_of_message(event["message"]) for event in receiver.events]


def test_inputs_come_go_and_change(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    added = log.with_name("added.log")
    append(log, lines(range(100)))
    append(added, lines(range(40), run="b"))
    shipper = start_shipper([log], receiver.port, input_changes={"tags": ["old"]})
    wait_for(receiver, 100)
    # A new input, and other tags for what is followed already: from its next line on.
    reload(shipper, [entry(added), entry(log, tags=["new"], fields={"app": "shop"})])
    wait_for(receiver, 140)
    append(log, lines(range(100, 110)))
    append(added, lines(range(40, 50), run="b"))
    wait_for(receiver, 160)
    events = {number_of_message(event["message"]): event for event in receiver.events}
    assert all(events["a", number]["tags"] == ["old"] for number in range(100))
    assert all(events["a", number]["tags"] == ["new"] and events["a", number]["fields"] == {"app": "shop"} for number in range(100, 110))
    assert all("tags" not in events["b", number] for number in range(50))
    # Gone: its file is closed; what comes then stays where it is.
    reload(shipper, [entry(log)])
    wait_until(lambda: shipper.stats()["shipping"]["files"]["count"] == 1, 10, "the file to be let go")
    assert not [path for path in shipper.process.open_files() if path == str(added)]
    append(added, lines(range(50, 60), run="b"))
    append(log, lines(range(110, 120)))
    wait_for(receiver, 170)
    stays_true(lambda: len(receiver.events) == 170, 0.7, "nothing of the removed input is sent")
    # Back again, under another pattern: it goes on where it was.
    reload(shipper, [entry(log.with_name("*.log"))])
    wait_for(receiver, 180)
    shipper.process.terminate()
    assert_exactly(messages(receiver), [*numbered(range(120)), *numbered(range(60), "b")])
    receiver.assert_no_violations()
    shipper.assert_log_is_clean()


def test_what_was_written_before_an_input_went_is_sent(processes: ProcessGroup, log: Path) -> None:
    """The receiver is away while the input goes: its lines follow when it is back, those written later do not."""
    append(log, lines(range(30_000)))
    other = log.with_name("other.log")
    with Receiver() as gone:
        port = gone.port
    shipper = Shipper(processes, [log], [port], {"output": {"bulk_max_events": 1_000}})
    shipper.start()
    wait_until(lambda: shipper.stats()["shipping"]["windows"]["outstanding"] == 2, 10, "both windows to wait")
    reload(shipper, [entry(other)])
    append(log, lines(range(30_000, 30_100), width=5_000))
    with Receiver(port=port) as receiver:
        receiver.wait_for(lambda: len({number for _, number in messages(receiver)} & set(range(30_000))) == 30_000, 20, "the old lines")
        wait_until(lambda: shipper.stats()["shipping"]["files"]["count"] == 0, 10, "the file to be let go")
        found = messages(receiver)
        # The last read may reach a little further than the end at the reload.
        assert len(found) == len(set(found)) < 30_100
        append(other, lines(range(10), run="b"))
        receiver.wait_for(lambda: ("b", 9) in messages(receiver), 10, "the new input")


def test_a_wrong_configuration_changes_nothing(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    append(log, lines(range(10)))
    shipper = start_shipper([log], receiver.port)
    wait_for(receiver, 10)
    good = shipper.configuration_path.read_text()
    for text in (good.replace("scan_interval:", "scan_intervall:"), good + "\nno_such_key: 1\n", "inputs: [", ""):
        shipper.configuration_path.write_text(text)
        wanted = run_to_end("shipper", "check", "--config", shipper.configuration_path).stderr.decode().strip()
        assert wanted
        signal_and_wait(shipper)
        refusals = [line for line in shipper.logs() if "refused" in line["message"]]
        assert refusals[-1]["labels"]["error"].strip() == wanted
        assert refusals[-1]["log.level"] == "error"
    shipper.configuration_path.unlink()
    signal_and_wait(shipper)
    assert shipper.metrics()["shipper_reload_errors_total"] == 5
    assert shipper.metrics()["shipper_reloads_total"] == 0
    append(log, lines(range(10, 20)))
    wait_for(receiver, 20)
    shipper.configuration_path.write_text(good)
    signal_and_wait(shipper)
    append(log, lines(range(20, 30)))
    wait_for(receiver, 30)
    assert shipper.metrics()["shipper_reloads_total"] == 1
    assert_exactly(messages(receiver), numbered(range(30)))


def test_what_waits_for_the_next_start_is_named(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    append(log, lines(range(10)))
    shipper = start_shipper([log], receiver.port)
    wait_for(receiver, 10)
    reload(shipper, [entry(log)], output={"hosts": ["127.0.0.1:1"]}, monitoring={"max_lag_age": "1h"}, registry_flush="2s")
    said = [line for line in shipper.logs() if line["message"] == "takes effect at the next start"]
    assert [line["labels"]["changed"] for line in said] == ["monitoring, output, registry_flush"]
    assert said[0]["log.level"] == "warning"
    append(log, lines(range(10, 20)))
    wait_for(receiver, 20)


def test_start_position_of_a_new_input(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    """Files of a new input are there at its first start; a new file of one that was known is read as a whole."""
    append(log, lines(range(10)))
    old = log.with_name("old.log")
    append(old, lines(range(50), run="b"))
    late = log.with_name("late.log")
    ending = {"start_position": "end"}
    shipper = start_shipper([log, late], receiver.port, input_changes={**ending, "scan_interval": "1h"})
    wait_until(lambda: shipper.stats()["shipping"]["files"]["count"] == 1, 10, "the first file")
    # Paused, so that this file is first seen by the scan after the reload.
    shipper.process.pause()
    append(late, lines(range(5), run="c"))
    shipper.configuration["inputs"] = [entry(log, **ending), entry(late, **ending), entry(old, **ending)]
    shipper.configure({})
    shipper.process.signal(signal.SIGHUP)
    shipper.process.resume()
    wait_until(lambda: shipper.stats()["shipping"]["files"]["count"] == 3, 10, "all files")
    append(old, lines(range(50, 60), run="b"))
    append(log, lines(range(10, 20)))
    wait_for(receiver, 25)
    assert_exactly(messages(receiver), [*numbered(range(10, 20)), *numbered(range(50, 60), "b"), *numbered(range(5), "c")])


def test_an_event_in_the_making_follows_the_new_rules(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    """It was read and not sent: it is read again, by the rules of the new configuration, and sent once."""
    rules = {"type": "pattern", "pattern": "^ ", "negate": False, "match": "after", "timeout": "1h"}
    append(log, b"one\n more of one\ntwo\n")
    shipper = start_shipper([log], receiver.port, input_changes={"multiline": rules})
    wait_for(receiver, 1)
    assert [event["message"] for event in receiver.events] == ["one\n more of one"]
    reload(shipper, [entry(log)])
    wait_for(receiver, 2)
    append(log, b" three\n")
    wait_for(receiver, 3)
    assert [event["message"] for event in receiver.events] == ["one\n more of one", "two", " three"]
    assert [event["log"]["offset"] for event in receiver.events] == [0, 17, 21]


def test_turns_of_files_follow_the_new_limit(processes: ProcessGroup, log: Path) -> None:
    """Files that waited for their turn wait on, are read without a limit, or are let go with their input."""
    files = [log.with_name(f"{number}.log") for number in range(9)]
    for number, file in enumerate(files):
        append(file, lines(range(200), run=f"f{number}"))
    pattern = log.with_name("*.log")
    with Receiver() as gone:
        port = gone.port
    shipper = Shipper(processes, [pattern], [port], {"output": {"bulk_max_events": 50}}, {"harvester_limit": 2})
    shipper.start()
    wait_until(lambda: shipper.metrics()["shipper_files_waiting"] == 7, 10, "seven files to wait")
    reload(shipper, [entry(pattern, harvester_limit=3)])
    wait_until(lambda: shipper.metrics()["shipper_files_waiting"] == 6, 10, "six files to wait")
    reload(shipper, [entry(log.with_name("[0-4].log"), harvester_limit=1), entry(files[5])])
    wait_until(lambda: shipper.metrics()["shipper_files_waiting"] == 4, 10, "four files to wait")
    reload(shipper, [entry(log.with_name("[0-7].log"))])
    wait_until(lambda: shipper.metrics()["shipper_files_waiting"] == 0, 10, "no file to wait")
    with Receiver(port=port) as receiver:
        wanted = {(f"f{number}", line) for number in range(8) for line in range(200)}
        receiver.wait_for(lambda: set(messages(receiver)) >= wanted, 20, "the lines of all files that are named")
        receiver.wait_for(lambda: len(receiver.acknowledged_events) == len(receiver.events), 10, "their acks")
        assert len(messages(receiver)) == len(set(messages(receiver)))


def test_reloads_under_load(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    """Thirty reloads that take the file's input away and give it back while it grows and is rotated."""
    total = 12_000
    log.touch()
    shipper = start_shipper([log], receiver.port)
    done = threading.Event()

    def write() -> None:
        for start in range(0, total, 100):
            append(log, lines(range(start, start + 100)))
            if start == total // 2:
                log.rename(log.with_name("access.log.1"))
            time.sleep(0.01)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    turn = 0
    while not done.is_set() or turn < 30:
        turn += 1
        reload(shipper, [entry(log.with_name("access.log*"), tags=[f"turn-{turn}"])] if turn % 3 else [entry(log.with_name("none"))])
    writer.join()
    reload(shipper, [entry(log.with_name("access.log*"))])
    receiver.wait_for(lambda: len(set(messages(receiver))) == total, 20, "all lines")
    assert_exactly(messages(receiver), numbered(range(total)))
    receiver.assert_no_violations()
