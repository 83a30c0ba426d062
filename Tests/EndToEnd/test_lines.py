"""Events of several lines through crashes and rotation: each whole, each once."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.loglines import append
from harness.lumberjack import Receiver
from harness.services import Shipper
from harness.waiting import wait_until

StartShipper = Callable[..., Shipper]

PYTHON = {"dataset": "django"}
START_PATTERN = {"dataset": "", "multiline": {"pattern": r"^\d+ ERROR", "negate": True, "match": "after"}}


def event(number: int) -> str:
    """A log line with its traceback; every third stands alone."""
    if number % 3 == 0:
        return f"{number} ERROR alone"
    return (
        f"{number} ERROR it failed\nTraceback (most recent call last):\n"
        + "".join(f'  File "app.py", line {line}, in run\n    call({line})\n' for line in range(number % 7))
        + f"ValueError: {number}"
    )


def text(numbers: range) -> bytes:
    """These events as they stand in a file."""
    return "".join(event(number) + "\n" for number in numbers).encode()


def distinct(receiver: Receiver) -> dict[tuple[str, int], str]:
    """Messages by what makes their documents' ids."""
    return {
        (found["log"]["file"]["identity"], found["log"]["offset"]): found["message"]
        for window in receiver.received.windows
        for found in window.events
    }


def assert_events(receiver: Receiver, count: int) -> None:
    """Exactly these events arrived, each under one id, and every repeat equal."""
    wanted = sorted(event(number) for number in range(count))
    receiver.wait_for(lambda: len(distinct(receiver)) >= count, 30, f"{count} events")
    assert sorted(distinct(receiver).values()) == wanted
    assert {found["message"] for found in receiver.events} == set(wanted)
    receiver.assert_no_violations()


@pytest.mark.parametrize("rules", [PYTHON, START_PATTERN], ids=["python", "pattern"])
def test_kill_9_and_renames(
    receiver: Receiver, log: Path, start_shipper: StartShipper, rules: dict[str, object]
) -> None:
    """Killed and rotated in the middle of events, which come in pieces."""
    chance = random.Random(4)
    app = log.with_name("app.log")
    app.touch()
    shipper = start_shipper([log.parent / "app.log*"], receiver.port, input_changes=rules)
    total = 0
    for generation in range(6):
        for _ in range(5):
            more = chance.randrange(50, 400)
            data = text(range(total, total + more))
            total += more
            cut = chance.randrange(len(data))
            append(app, data[:cut])
            if chance.random() < 0.4:
                wait_until(lambda: len(distinct(receiver)) > 0, 20, "the first events")
                shipper.process.kill()
                append(app, data[cut:])
                shipper.process.start()
            else:
                append(app, data[cut:])
        app.rename(app.with_name(f"app.log.{generation}"))
        app.touch()
    append(app, text(range(total, total + 10)))
    assert_events(receiver, total + 10)


def test_copytruncate_while_an_event_waits(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    """The last event of the old content is taken from the copy."""
    app = log.with_name("app.log")
    append(app, text(range(100)))
    rules = START_PATTERN["multiline"] | {"timeout": "1h"}
    start_shipper([app], receiver.port, input_changes={"dataset": "", "multiline": rules})
    receiver.wait_for(lambda: len(distinct(receiver)) >= 99, 20, "all events but the last")
    shutil.copyfile(app, app.with_name("app.log.1"))
    with open(app, "r+b") as live:
        live.truncate(0)
    append(app, text(range(100, 102)))
    receiver.wait_for(lambda: len(distinct(receiver)) >= 100, 20, "the events before the last")
    assert sorted(distinct(receiver).values()) == sorted(event(number) for number in [*range(99), 100])


def test_container_parts_through_kill_9(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    """Lines that a container engine cut in pieces, of two streams that alternate."""
    app = log.with_name("container.log")
    lines = []
    for number in range(600):
        for part in range(number % 3):
            lines.append(f"2026-11-22T10:00:00.{number:03}Z stdout P {number}-{part} ")
            lines.append(f"2026-11-22T10:00:00.{number:03}Z stderr F error {number}-{part}")
        lines.append(f"2026-11-22T10:00:00.{number:03}Z stdout F {number} end")
    app.touch()
    shipper = start_shipper([app], receiver.port, input_changes={"dataset": "", "container": {}})
    for start in range(0, len(lines), 200):
        append(app, ("\n".join(lines[start : start + 200]) + "\n").encode())
        wait_until(lambda: len(distinct(receiver)) > start // 3, 20, "some events")
        shipper.process.kill()
        shipper.process.start()
    wanted = {"".join(f"{number}-{part} " for part in range(number % 3)) + f"{number} end" for number in range(600)}
    wanted |= {f"error {number}-{part}" for number in range(600) for part in range(number % 3)}
    receiver.wait_for(lambda: set(distinct(receiver).values()) >= wanted, 30, "all lines")
    assert sorted(distinct(receiver).values()) == sorted(wanted)
    receiver.assert_no_violations()


def test_the_line_without_end_of_a_deleted_file(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    """Sent before the file is let go, and marked."""
    app = log.with_name("app.log")
    append(app, b"whole\nbegun")
    start_shipper([app], receiver.port)
    receiver.wait_for(lambda: len(distinct(receiver)) == 1, 20, "the whole line")
    app.unlink()
    receiver.wait_for(lambda: len(distinct(receiver)) == 2, 20, "the line without end")
    last = receiver.events[-1]
    assert (last["message"], last["log"]["offset"], last["log"]["flags"]) == ("begun", 6, ["partial"])
