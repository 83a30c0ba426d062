"""What happens to log files in the world, row by row, for any program that follows them: shipper or the real Filebeat.

A row makes the trouble and says how many lines there are; `run` counts what arrived at a Lumberjack receiver.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .loglines import append, lines
from .lumberjack import Receiver
from .processes import ChildProcess, ProcessGroup

# A program that has sent nothing for so long is taken to be finished.
QUIET_SECONDS = 8
# A program that has sent everything gets so long to send something twice.
DOUBLES_SECONDS = 1.5


class Tailer(Protocol):
    """What the rows need of a program: it starts, also again, and its process can be ended."""

    process: ChildProcess

    def start(self) -> Any: ...


StartTailer = Callable[[Path, int], Tailer]


@dataclass(frozen=True)
class Outcome:
    """What arrived of the lines of a row."""

    wanted: int
    # Different lines.
    lines: int
    # Different documents they would become: agent, identity of the file (or its path), offset, line.
    documents: int
    # Events, what was sent again included.
    events: int
    # Events that are no line that was written, but a part of one.
    broken: int = 0

    @property
    def lost(self) -> int:
        return self.wanted - self.lines

    @property
    def doubled(self) -> int:
        """Documents that would be in the index twice."""
        return self.documents - self.lines

    def __str__(self) -> str:
        parts = [str(self.lines)]
        if self.lost:
            parts.append(f"{self.lost} lost")
        if self.doubled:
            parts.append(f"{self.doubled} doubled")
        if self.events > self.documents:
            parts.append(f"{self.events - self.documents} resent")
        if self.broken:
            parts.append(f"{self.broken} broken")
        return ", ".join(parts)


class Scene:
    """One log file, the program that follows it, and the receiver at the far end."""

    def __init__(self, folder: Path, pattern: str, receiver: Receiver, start: StartTailer) -> None:
        self.app = folder / "app.log"
        self.receiver = receiver
        self._pattern = folder / pattern
        self._start = start
        self._tailer: Tailer | None = None
        self._written = 0

    # The program

    def start(self) -> None:
        """Starts the program, or starts it again."""
        if self._tailer is None:
            self._tailer = self._start(self._pattern, self.receiver.port)
        else:
            self._tailer.start()

    def stop(self) -> None:
        """SIGTERM."""
        assert self._tailer is not None
        self._tailer.process.terminate()

    def kill(self) -> None:
        """kill -9."""
        assert self._tailer is not None
        self._tailer.process.kill()

    def events(self) -> int:
        """How many have arrived, in complete windows."""
        with self.receiver.changed:
            return sum(len(window.events) for window in self.receiver.received.windows)

    def wait_for(self, count: int) -> None:
        """Waits for so many events."""
        self.receiver.wait_for(
            lambda: sum(len(window.events) for window in self.receiver.received.windows) >= count, 30, f"{count} events"
        )

    def read_then_stop(self, count: int) -> None:
        """Writes lines, has them read, and stops the program when it knows that they are stored."""
        self.write(count)
        self.start()
        self.wait_for(count)
        # Filebeat's registry follows its acks by a moment, and it does not wait for them when it stops.
        pause(1)
        self.stop()

    # The log

    def write(self, count: int) -> None:
        """Appends the next lines, as a program that opens its log each time."""
        append(self.app, lines(range(self._written, self._written + count)))
        self._written += count

    def rename(self) -> None:
        """The newest rotated file is app.log.1."""
        self.app.rename(self.app.with_name("app.log.1"))

    def copy_and_truncate(self) -> None:
        """logrotate's copytruncate."""
        shutil.copyfile(self.app, self.app.with_name("app.log.1"))
        os.truncate(self.app, 0)

    # Counting

    def outcome(self, wanted: int) -> Outcome:
        """Waits until nothing more comes, and counts."""
        assert wanted == self._written, "the row wrote another number of lines"
        written = {text.decode() for text in lines(range(wanted)).splitlines()}
        seen = 0
        broken = 0
        found: set[str] = set()
        documents: set[tuple[str, str, int, str]] = set()
        count = 0
        last_news = time.monotonic()
        while True:
            with self.receiver.changed:
                self.receiver.changed.wait(0.1)
                windows = self.receiver.received.windows[seen:]
            now = time.monotonic()
            for window in windows:
                last_news = now
                seen += 1
                for event in window.events:
                    if event["message"] not in written:
                        broken += 1
                        continue
                    count += 1
                    found.add(event["message"])
                    documents.add(place(event))
            quiet = DOUBLES_SECONDS if len(found) >= wanted else QUIET_SECONDS
            if now - last_news >= quiet:
                return Outcome(wanted, len(found), len(documents), count, broken)


def place(event: dict[str, Any]) -> tuple[str, str, int, str]:
    """What ingest makes the id of a document of."""
    log = event["log"]
    return event["agent"]["id"], log["file"].get("identity", log["file"]["path"]), log["offset"], event["message"]


def pause(seconds: float) -> None:
    """Time that is part of what happens, not a wait for something."""
    threading.Event().wait(seconds)


@dataclass(frozen=True)
class Row:
    """One thing that happens; `happens` does it."""

    name: str
    pattern: str
    wanted: int
    happens: Callable[[Scene], None]
    # Whether the program dies without a word, so that it has to send again what it had no ack for.
    is_killed: bool = False

    @property
    def title(self) -> str:
        return f"{self.name}, glob {self.pattern}"


def rename_while_stopped(scene: Scene) -> None:
    scene.read_then_stop(100)
    scene.write(50)
    scene.rename()
    scene.write(50)
    scene.start()


def copytruncate_while_stopped(scene: Scene) -> None:
    scene.read_then_stop(100)
    scene.copy_and_truncate()
    scene.write(200)
    scene.start()


def copytruncate_live(scene: Scene) -> None:
    scene.write(100)
    scene.start()
    scene.wait_for(100)
    scene.copy_and_truncate()
    scene.write(50)


def recreate_while_stopped(scene: Scene) -> None:
    scene.read_then_stop(100)
    inode = scene.app.stat().st_ino
    scene.app.unlink()
    others = []
    while True:
        scene.app.touch()
        if scene.app.stat().st_ino == inode or len(others) == 100:
            break
        # Another process took the inode, or the file system hands it out later.
        others.append(scene.app.rename(scene.app.with_name(f"other.{len(others)}")))
    for other in others:
        other.unlink()
    scene.write(200)
    assert scene.app.stat().st_ino == inode, "this file system does not use the inode again"
    scene.start()


def kill_in_200000_lines(scene: Scene) -> None:
    scene.write(200_000)
    scene.start()
    scene.wait_for(30_000)
    scene.kill()
    scene.start()


def sigterm_mid_flow(scene: Scene) -> None:
    scene.write(100_000)
    scene.start()
    scene.wait_for(20_000)
    scene.stop()
    scene.start()


def twenty_fast_renames(scene: Scene) -> None:
    """Five generations are kept, so a file lives for a second and a half after its last line."""
    scene.app.touch()
    scene.start()
    for _ in range(20):
        scene.write(500)
        pause(0.3)
        for age in range(4, 0, -1):
            older = scene.app.with_name(f"app.log.{age}")
            if older.exists():
                older.rename(scene.app.with_name(f"app.log.{age + 1}"))
        scene.rename()
        scene.app.touch()


def truncate_and_rewrite_smaller(scene: Scene) -> None:
    scene.write(100)
    scene.start()
    scene.wait_for(100)
    os.truncate(scene.app, 0)
    scene.write(10)


def removed_soon_after_writing_much(scene: Scene) -> None:
    scene.app.touch()
    scene.start()
    scene.write(50_000)
    pause(1.2)
    scene.app.unlink()


ROWS = [
    Row("rename while stopped", "app.log", 200, rename_while_stopped),
    Row("rename while stopped", "app.log*", 200, rename_while_stopped),
    Row("copytruncate while stopped, grown past the old offset", "app.log", 300, copytruncate_while_stopped),
    Row("copytruncate while stopped, grown past the old offset", "app.log*", 300, copytruncate_while_stopped),
    Row("copytruncate live", "app.log*", 150, copytruncate_live),
    Row("deleted and made again on the same inode while stopped", "app.log", 300, recreate_while_stopped),
    Row("kill -9 in 200,000 lines", "app.log", 200_000, kill_in_200000_lines, is_killed=True),
    Row("SIGTERM in 100,000 lines", "app.log", 100_000, sigterm_mid_flow),
    Row("20 renames 0.3 s apart, 5 kept", "app.log", 10_000, twenty_fast_renames),
    Row("20 renames 0.3 s apart, 5 kept", "app.log*", 10_000, twenty_fast_renames),
    Row("truncated and rewritten smaller, live", "app.log", 110, truncate_and_rewrite_smaller),
    Row("removed 1.2 s after 50,000 lines", "app.log", 50_000, removed_soon_after_writing_much),
]


def run(row: Row, folder: Path, start: Callable[[ProcessGroup, Path, int], Tailer]) -> Outcome:
    """Plays a row in a fresh folder; `start` gets the processes' owner, the glob and the receiver's port."""
    logs = folder / "logs"
    logs.mkdir(parents=True)
    processes = ProcessGroup(folder)
    try:
        with Receiver() as receiver:
            scene = Scene(logs, row.pattern, receiver, lambda pattern, port: start(processes, pattern, port))
            row.happens(scene)
            outcome = scene.outcome(row.wanted)
            receiver.assert_no_violations()
            return outcome
    except AssertionError as error:
        raise AssertionError(f"{row.title}: {error}\n{processes.tails()}") from None
    finally:
        processes.close()
