"""`paths: ["-"]`: lines of standard input, which nobody can read twice, through the end of the input and of the shipper."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from harness.loglines import assert_exactly, lines, number_of_message, numbered
from harness.lumberjack import Behaviour, Receiver
from harness.services import binary, run_to_end
from harness.waiting import wait_until

TOTAL = 20_000


@pytest.fixture
def arguments(tmp_path: Path, receiver: Receiver) -> list[str]:
    """The command line of a shipper that reads standard input once."""
    configuration = {
        "data_directory": str(tmp_path / "data"),
        "inputs": [{"paths": ["-"], "tags": ["piped"]}],
        "output": {"hosts": [f"127.0.0.1:{receiver.port}"]},
        "monitoring": {"enabled": False},
    }
    path = tmp_path / "shipper.yml"
    path.write_text(json.dumps(configuration))
    return ["--once", "--config", str(path)]


def assert_all(receiver: Receiver, count: int) -> None:
    """Every line arrived, under one id each."""
    distinct = {
        (event["log"]["file"]["identity"], event["log"]["offset"]): number_of_message(event["message"])
        for event in receiver.events
    }
    assert_exactly(distinct.values(), numbered(range(count)))
    receiver.assert_no_violations()


def left(tmp_path: Path) -> list[Path]:
    """What is in files and not yet stored."""
    return list((tmp_path / "data" / "stdin").iterdir())


def test_until_the_end_of_the_input(receiver: Receiver, arguments: list[str], tmp_path: Path) -> None:
    """The last line needs no end of its own, and no file stays."""
    data = lines(range(TOTAL)).rstrip(b"\n")
    done = run_to_end("shipper", *arguments, stdin=data)
    assert done.returncode == 0, done.stderr
    assert_all(receiver, TOTAL)
    assert receiver.events[0]["tags"] == ["piped"]
    assert not any("flags" in event["log"] for event in receiver.events)
    assert not left(tmp_path)


def test_killed_before_anything_is_stored(receiver: Receiver, arguments: list[str], tmp_path: Path) -> None:
    """What was read from the pipe is sent by the next shipper, with what comes then."""
    receiver.behaviour = Behaviour(ack="none")
    first = subprocess.Popen([binary("shipper"), *arguments], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert first.stdin is not None
        half = lines(range(TOTAL // 2))
        first.stdin.write(half)
        first.stdin.flush()
        receiver.wait_for(lambda: len(receiver.events) > 0, 20, "events")
        wait_until(lambda: sum(path.stat().st_size for path in left(tmp_path)) == len(half), 20, "all of it in files")
    finally:
        first.kill()
        first.wait()
    receiver.behaviour = Behaviour()
    data = lines(range(TOTAL // 2, TOTAL))
    done = run_to_end("shipper", *arguments, stdin=data)
    assert done.returncode == 0, done.stderr
    assert_all(receiver, TOTAL)
    assert not left(tmp_path)
