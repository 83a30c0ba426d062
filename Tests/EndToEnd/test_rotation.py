"""What happens to log files, running and stopped: every line once, at the right offset.

The cases in which Filebeat was measured to lose or double lines are in test_failure_table.py, logrotate in test_logrotate.py.
"""

from __future__ import annotations

import os
import random
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.loglines import append, assert_exactly, lines, number_of_message, numbered
from harness.lumberjack import Behaviour, Receiver
from harness.services import Shipper
from harness.waiting import wait_until

StartShipper = Callable[..., Shipper]


def assert_once(receiver: Receiver, count: int, seconds: float = 20) -> None:
    """Exactly these lines arrived, each once."""
    receiver.wait_for(
        lambda: sum(len(window.events) for window in receiver.received.windows) >= count, seconds, f"{count} events"
    )
    assert_exactly((number_of_message(event["message"]) for event in receiver.events), numbered(range(count)))
    receiver.assert_no_violations()


def wait_for(receiver: Receiver, count: int) -> None:
    """Waits for so many events and for their acks to be known to the shipper."""
    receiver.wait_for(lambda: sum(len(window.events) for window in receiver.received.windows) >= count, 20, f"{count} events")


@pytest.fixture(params=["app.log", "app.log*"])
def pattern(request: pytest.FixtureRequest, log: Path) -> Path:
    """The glob of the input: with and without the rotated names."""
    return log.parent / request.param


@pytest.fixture
def app(log: Path) -> Path:
    """The live log file."""
    return log.with_name("app.log")


class TestWhileRunning:
    def test_rename(self, receiver: Receiver, app: Path, pattern: Path, start_shipper: StartShipper) -> None:
        append(app, lines(range(100)))
        start_shipper([pattern], receiver.port)
        wait_for(receiver, 100)
        descriptor = os.open(app, os.O_WRONLY | os.O_APPEND)
        app.rename(app.with_name("app.log.1"))
        os.write(descriptor, lines(range(100, 150)))  # a server that was not yet told to reopen
        append(app, lines(range(150, 200)))
        os.write(descriptor, lines(range(200, 210)))
        os.close(descriptor)
        assert_once(receiver, 210)

    def test_copytruncate(self, receiver: Receiver, app: Path, pattern: Path, start_shipper: StartShipper) -> None:
        append(app, lines(range(100)))
        start_shipper([pattern], receiver.port)
        wait_for(receiver, 100)
        shutil.copyfile(app, app.with_name("app.log.1"))
        os.truncate(app, 0)
        append(app, lines(range(100, 150)))
        assert_once(receiver, 150)

    def test_copytruncate_of_an_unread_rest(self, app: Path, start_shipper: StartShipper) -> None:
        """The receiver blocks, so part of the file is known only by its copy when it is truncated."""
        append(app, lines(range(100)))
        behaviours = [Behaviour(delay_seconds=2, keep_alive_seconds=0.5)]
        with Receiver(behaviours=behaviours) as receiver:
            start_shipper([app.with_name("app.log*")], receiver.port)
            wait_for(receiver, 100)
            append(app, lines(range(100, 200)))
            shutil.copyfile(app, app.with_name("app.log.1"))
            os.truncate(app, 0)
            append(app, lines(range(200, 250)))
            assert_once(receiver, 250, 30)

    def test_copytruncate_of_a_file_that_was_quiet_for_long(
        self, receiver: Receiver, app: Path, pattern: Path, start_shipper: StartShipper
    ) -> None:
        """The original is closed by then, and the copy must be known all the same."""
        append(app, lines(range(100)))
        shipper = start_shipper([pattern], receiver.port, input_changes={"close_inactive": "1s"})
        wait_for(receiver, 100)
        wait_until(lambda: str(app) not in shipper.process.open_files(), 10, "the closed file")
        shutil.copyfile(app, app.with_name("app.log.1"))
        os.truncate(app, 0)
        append(app, lines(range(100, 150)))
        wait_for(receiver, 150)
        if pattern.name == "app.log*":
            wait_until(lambda: shipper.metrics()["shipper_files_copied_total"] == 1, 15, "the copy to be known")
        assert_once(receiver, 150)

    def test_truncate_and_rewrite_smaller(
        self, receiver: Receiver, app: Path, pattern: Path, start_shipper: StartShipper
    ) -> None:
        append(app, lines(range(100)))
        start_shipper([pattern], receiver.port)
        wait_for(receiver, 100)
        os.truncate(app, 0)
        append(app, lines(range(100, 110)))
        assert_once(receiver, 110)

    def test_truncate_and_rewrite_larger(
        self, receiver: Receiver, app: Path, pattern: Path, start_shipper: StartShipper
    ) -> None:
        append(app, lines(range(100)))
        shipper = start_shipper([pattern], receiver.port)
        wait_for(receiver, 100)
        shipper.process.pause()  # so that only the larger file is seen
        os.truncate(app, 0)
        append(app, lines(range(100, 300)))
        shipper.process.resume()
        assert_once(receiver, 300)

    def test_delete_and_create(self, receiver: Receiver, app: Path, pattern: Path, start_shipper: StartShipper) -> None:
        append(app, lines(range(100)))
        start_shipper([pattern], receiver.port)
        wait_for(receiver, 100)
        app.unlink()
        append(app, lines(range(100, 300)))
        assert_once(receiver, 300)

    def test_a_symbolic_link_and_a_hard_link_are_the_same_file(
        self, receiver: Receiver, app: Path, start_shipper: StartShipper
    ) -> None:
        append(app, lines(range(100)))
        os.link(app, app.with_name("app.log.hard"))
        start_shipper([app.with_name("app.log*")], receiver.port)
        append(app, lines(range(100, 200)))
        assert_once(receiver, 200)

    def test_files_that_appear_later_in_new_folders(
        self, receiver: Receiver, app: Path, start_shipper: StartShipper
    ) -> None:
        start_shipper([app.parent / "*" / "*.log", app.parent / "*.log"], receiver.port)
        append(app, lines(range(10)))
        for number in range(1, 6):
            folder = app.parent / f"site{number}"
            folder.mkdir()
            append(folder / "access.log", lines(range(number * 10, number * 10 + 10)))
        assert_once(receiver, 60)

    def test_two_hundred_files(self, receiver: Receiver, app: Path, start_shipper: StartShipper) -> None:
        for number in range(200):
            append(app.with_name(f"site{number}.log"), lines(range(number * 20, number * 20 + 10)))
        start_shipper([app.with_name("*.log")], receiver.port)
        for number in range(200):
            append(app.with_name(f"site{number}.log"), lines(range(number * 20 + 10, number * 20 + 20)))
        assert_once(receiver, 4_000)

    def test_excluded_files_are_left_alone(self, receiver: Receiver, app: Path, start_shipper: StartShipper) -> None:
        append(app, lines(range(10)))
        append(app.with_name("debug.log"), lines(range(10), run="debug"))
        append(app.with_name("old.gz"), b"\x1f\x8b")
        start_shipper([app.with_name("*")], receiver.port, input_changes={"exclude_files": ["debug.log", "*.gz"]})
        append(app, lines(range(10, 20)))
        assert_once(receiver, 20)

    def test_start_at_the_end(self, receiver: Receiver, app: Path, start_shipper: StartShipper) -> None:
        append(app, lines(range(1_000, 1_100)))
        shipper = start_shipper([app.with_name("*.log")], receiver.port, input_changes={"start_position": "end"})
        wait_until(lambda: str(app) in shipper.process.open_files(), 10, "the open file")
        append(app, lines(range(50)))
        append(app.with_name("later.log"), lines(range(50, 100)))
        assert_once(receiver, 100)

    def test_lines_written_in_pieces(
        self, receiver: Receiver, app: Path, start_shipper: StartShipper, randomness: random.Random
    ) -> None:
        app.touch()
        start_shipper([app], receiver.port, changes={"flush_latency": "1ms"})
        data = lines(range(300))
        position = 0
        while position < len(data):
            step = randomness.randint(1, 400)
            append(app, data[position : position + step])
            position += step
        assert_once(receiver, 300)


    def test_renamed_files_with_the_same_content_are_not_copies(
        self, receiver: Receiver, app: Path, pattern: Path, start_shipper: StartShipper
    ) -> None:
        """Twice the same requests in the same second, rotated before shipper could look."""
        data = lines(range(20))
        append(app, data)
        shipper = start_shipper([pattern], receiver.port)
        wait_for(receiver, 20)
        shipper.process.pause()
        append(app, data)
        for generation in range(3, 0, -1):
            app.rename(app.with_name(f"app.log.{generation}"))
            append(app, data)
        shipper.process.resume()
        wait_for(receiver, 100)
        places = {(event["log"]["file"]["identity"], event["log"]["offset"]) for event in receiver.events}
        assert len(places) == len(receiver.events) == 100
        assert sorted(event["message"] for event in receiver.events) == sorted(data.decode().splitlines() * 5)


class TestWhileStopped:
    @pytest.fixture
    def shipper(self, receiver: Receiver, app: Path, pattern: Path, start_shipper: StartShipper) -> Shipper:
        """A shipper that has read 100 lines and was stopped."""
        append(app, lines(range(100)))
        shipper = start_shipper([pattern], receiver.port)
        wait_for(receiver, 100)
        assert shipper.process.terminate() == 0
        return shipper

    def test_rename(self, receiver: Receiver, app: Path, shipper: Shipper) -> None:
        append(app, lines(range(100, 150)))
        app.rename(app.with_name("app.log.1"))
        append(app, lines(range(150, 200)))
        shipper.start()
        assert_once(receiver, 200)

    def test_two_renames(self, receiver: Receiver, app: Path, pattern: Path, shipper: Shipper) -> None:
        append(app, lines(range(100, 120)))
        app.rename(app.with_name("app.log.2"))
        middle = range(120, 140) if "*" in pattern.name else range(0)
        if middle:
            append(app.with_name("app.log.1"), lines(middle))
        append(app, lines(range(120 + len(middle), 200)))
        shipper.start()
        assert_once(receiver, 200)

    def test_copytruncate_and_growth_past_the_old_offset(self, receiver: Receiver, app: Path, shipper: Shipper) -> None:
        shutil.copyfile(app, app.with_name("app.log.1"))
        os.truncate(app, 0)
        append(app, lines(range(100, 300)))
        shipper.start()
        assert_once(receiver, 300)

    def test_copytruncate_of_unread_lines(self, receiver: Receiver, app: Path, shipper: Shipper) -> None:
        """The copy holds lines that were never read, and only its fingerprint tells where to go on."""
        append(app, lines(range(100, 150)))
        shutil.copyfile(app, app.with_name("app.log.1"))
        os.truncate(app, 0)
        append(app, lines(range(150, 200)))
        shipper.start()
        assert_once(receiver, 200)

    def test_delete_and_create_with_the_same_inode(self, receiver: Receiver, app: Path, shipper: Shipper) -> None:
        inode = app.stat().st_ino
        app.unlink()
        append(app, lines(range(100, 300)))
        if app.stat().st_ino != inode:
            # Not this file system: then rewriting in place looks the same to a reader that goes by inode.
            with open(app, "r+b") as file:
                file.truncate(0)
                file.write(lines(range(100, 300)))
        shipper.start()
        assert_once(receiver, 300)

    def test_truncate_and_rewrite_smaller(self, receiver: Receiver, app: Path, shipper: Shipper) -> None:
        os.truncate(app, 0)
        append(app, lines(range(100, 110)))
        shipper.start()
        assert_once(receiver, 110)

    def test_nothing_happened(self, receiver: Receiver, app: Path, shipper: Shipper) -> None:
        shipper.start()
        append(app, lines(range(100, 101)))
        assert_once(receiver, 101)

    def test_all_state_files_are_damaged(self, receiver: Receiver, app: Path, shipper: Shipper) -> None:
        """Then everything is sent again; that it has another identity is the price of a lost state."""
        for path in shipper.data_directory.rglob("*"):
            if path.is_file():
                path.write_bytes(b"")
        shipper.start()
        append(app, lines(range(100, 150)))
        wanted = set(numbered(range(150)))
        receiver.wait_for(
            lambda: {number_of_message(event["message"]) for window in receiver.received.windows for event in window.events} == wanted,
            20,
            "all lines",
        )

    def test_the_state_file_is_damaged(self, receiver: Receiver, app: Path, shipper: Shipper) -> None:
        """Garbage in the newest state never stops the start: the generation before it, or the files again."""
        files = [path for path in shipper.data_directory.rglob("*") if path.is_file()]
        assert files
        newest = max(files, key=lambda path: (path.stat().st_mtime_ns, path.stat().st_size))
        newest.write_bytes(b"\0garbage\xff" * 10)
        shipper.start()
        append(app, lines(range(100, 150)))
        wanted = set(numbered(range(150)))
        receiver.wait_for(
            lambda: {number_of_message(event["message"]) for window in receiver.received.windows for event in window.events} == wanted,
            20,
            "all lines",
        )


@pytest.mark.parametrize("name", ["app-20261122.log", "app.log-20261122", "app.1.log"])
def test_copies_named_by_date_while_stopped(
    receiver: Receiver, app: Path, start_shipper: StartShipper, name: str
) -> None:
    """Names that sort before the live one too: the copy must not be judged before the original is known to be truncated."""
    append(app, lines(range(100)))
    shipper = start_shipper([app.with_name("app*")], receiver.port)
    wait_for(receiver, 100)
    assert shipper.process.terminate() == 0
    append(app, lines(range(100, 150)))
    shutil.copyfile(app, app.with_name(name))
    os.truncate(app, 0)
    append(app, lines(range(150, 200)))
    shipper.start()
    assert_once(receiver, 200)


def test_killed_before_the_state_was_saved_and_copytruncated(
    receiver: Receiver, app: Path, pattern: Path, start_shipper: StartShipper
) -> None:
    """The lines come again out of the copy, and must be the same documents as those stored before the kill."""
    append(app, lines(range(100)))
    shipper = start_shipper([pattern], receiver.port, changes={"registry_flush": "60s"})
    for first in (100, 200):  # a first life, and one that began with a truncation
        wait_for(receiver, first)
        shipper.process.kill()
        shutil.copyfile(app, app.with_name(f"app.log.{first}"))
        os.truncate(app, 0)
        append(app, lines(range(first, first + 100)))
        shipper.start()
        seen = wait_for_places(receiver, first + 100)
        assert len(seen) == first + 100, "a line came under two identities"


def wait_for_places(receiver: Receiver, count: int) -> set[tuple[str, int]]:
    """Waits for so many different lines; returns their identities and offsets."""
    wanted = set(numbered(range(count)))
    receiver.wait_for(
        lambda: {number_of_message(event["message"]) for window in receiver.received.windows for event in window.events} >= wanted,
        20,
        f"{count} lines",
    )
    return {(event["log"]["file"]["identity"], event["log"]["offset"]) for event in receiver.events}


@pytest.mark.timeout(90)
@pytest.mark.parametrize("method", ["rename", "copytruncate"])
def test_rotation_under_load(
    receiver: Receiver, app: Path, start_shipper: StartShipper, randomness: random.Random, method: str
) -> None:
    """A writer never pauses while the file is rotated at random moments and shipper is killed twice."""
    total = 20_000
    app.touch()
    shipper = start_shipper([app.with_name("app.log*")], receiver.port, changes={"output": {"bulk_max_events": 500}})
    written = 0
    guard = threading.Lock()
    generations = 0

    def write() -> None:
        nonlocal written
        while written < total:
            with guard:  # one write or one rotation at a time: what copytruncate itself loses is not counted here
                append(app, lines(range(written, written + 50)))
                written += 50

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        with guard:
            generations += 1
            target = app.with_name(f"app.log.{generations}")
            if method == "rename":
                app.rename(target)
            else:
                shutil.copyfile(app, target)
                os.truncate(app, 0)
        if generations in (3, 6):
            shipper.process.kill()
            shipper.start()
        writer.join(timeout=randomness.uniform(0.02, 0.3))
    wanted = set(numbered(range(total)))
    found: set[tuple[str, int]] = set()
    counted = 0

    def complete() -> bool:
        nonlocal counted
        for window in receiver.received.windows[counted:]:
            found.update(number_of_message(event["message"]) for event in window.events)
            counted += 1
        return len(found) >= total

    receiver.wait_for(complete, 60, "all lines")
    assert found == wanted
    # Resends after a kill are allowed, but only with the identity and offset of the first time.
    seen: dict[tuple[str, int], str] = {}
    for event in receiver.events:
        key = (event["log"]["file"]["identity"], event["log"]["offset"])
        assert seen.setdefault(key, event["message"]) == event["message"]
    assert len(seen) == total, f"{len(seen)} different (identity, offset) for {total} lines: doubles in the index"
