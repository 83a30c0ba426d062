"""Debian's logrotate while a program writes without pause, shipper running and stopped: every line once."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.failure_table import place
from harness.loglines import append, assert_exactly, lines, number_of_message, numbered
from harness.lumberjack import Receiver
from harness.services import Shipper
from harness.waiting import wait_until

StartShipper = Callable[..., Shipper]

METHODS = {
    "create": "create",
    "copytruncate": "copytruncate",
    "create, compressed at once": "create\n compress",
    "create, compressed later": "create\n compress\n delaycompress",
    "copytruncate, compressed later": "copytruncate\n compress\n delaycompress",
    "create, dated": "create\n dateext\n dateformat -%Y%m%d-%s",
    "copytruncate, dated": "copytruncate\n dateext\n dateformat -%Y%m%d-%s",
    "create, dated before the extension": "create\n dateext\n dateformat -%Y%m%d-%s\n extension .log",
    "create, dated, compressed later": "create\n dateext\n dateformat -%Y%m%d-%s\n compress\n delaycompress",
}


class Logrotate:
    """The program with one method for one log file."""

    def __init__(self, log: Path, method: str) -> None:
        self.log = log
        self._folder = log.parent.parent
        # What the program that writes the log is told after a rename, as nginx is by USR1.
        self.reopen = self._folder / "reopen"
        self._configuration = self._folder / "logrotate.conf"
        su = "su root root" if os.geteuid() == 0 else ""
        self._configuration.write_text(
            f"{log} {{\n {su}\n rotate 30\n missingok\n {method}\n postrotate\n  touch {self.reopen}\n endscript\n}}\n"
        )
        self._configuration.chmod(0o644)
        self._last = 0.0

    def run(self) -> None:
        """Rotates, whatever the file's size and age."""
        program = shutil.which("logrotate") or "/usr/sbin/logrotate"
        # A dated name can be given once per second.
        wait_until(lambda: time.time() > self._last + 1.2, 2, "another second", 0.01)
        completed = subprocess.run(
            [program, "-s", self._folder / "state", "-f", self._configuration], capture_output=True, text=True, timeout=20
        )
        self._last = time.time()
        # gzip may complain that its input grows: a writer that is slow to reopen its log, as nginx under load.
        assert completed.returncode == 0, completed.stderr


class Writer:
    """Writes numbered lines without pause through one descriptor, which it opens anew when it is told to."""

    def __init__(self, log: Path, reopen: Path, written: int) -> None:
        self.log = log
        self.written = written
        # Held while a file is copied and truncated: what copytruncate itself loses is not counted here.
        self.guard = threading.Lock()
        self._reopen = reopen
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        descriptor = self._open()
        while not self._stop.wait(0.002):
            with self.guard:
                if self._reopen.exists():
                    self._reopen.unlink()
                    os.close(descriptor)
                    descriptor = self._open()
                os.write(descriptor, lines(range(self.written, self.written + 10)))
                self.written += 10
        os.close(descriptor)

    def _open(self) -> int:
        return os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def wait_for_more(self, count: int = 500) -> None:
        """Waits until so many more lines are written."""
        wanted = self.written + count
        wait_until(lambda: self.written >= wanted, 20, f"{wanted} lines")


@contextmanager
def writing(log: Path, logrotate: Logrotate, written: int = 0) -> Iterator[Writer]:
    """A writer at work, which goes on after the first `written` lines."""
    writer = Writer(log, logrotate.reopen, written)
    writer.start()
    try:
        yield writer
    finally:
        writer.stop()


def rotate(logrotate: Logrotate, writer: Writer, method: str) -> None:
    """Rotates under load."""
    writer.wait_for_more()
    if "copytruncate" in method:
        with writer.guard:
            logrotate.run()
    else:
        logrotate.run()


def assert_once(receiver: Receiver, count: int) -> None:
    """Exactly these lines arrived, each once, and each as a document of its own."""
    receiver.wait_for(
        lambda: sum(len(window.events) for window in receiver.received.windows) >= count, 30, f"{count} events"
    )
    events = receiver.events
    assert_exactly((number_of_message(event["message"]) for event in events), numbered(range(count)))
    assert len({place(event) for event in events}) == count
    receiver.assert_no_violations()


def wait_for_archives(shipper: Shipper, app: Path, pattern: str) -> None:
    """Waits until every compressed file that the pattern names was looked into."""
    archives = len([path for path in app.parent.glob(pattern) if path.suffix == ".gz"])
    wait_until(lambda: shipper.metrics()["shipper_archives_read_total"] == archives, 30, f"{archives} archives", 0.2)


@pytest.fixture
def app(log: Path) -> Path:
    """The live log file."""
    return log.with_name("app.log")


@pytest.mark.parametrize("pattern", ["app.log", "app*"])
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_while_running(
    receiver: Receiver, app: Path, start_shipper: StartShipper, method: str, pattern: str
) -> None:
    app.touch()
    shipper = start_shipper([app.with_name(pattern)], receiver.port)
    logrotate = Logrotate(app, method)
    with writing(app, logrotate) as writer:
        for _ in range(3):
            rotate(logrotate, writer, method)
        writer.wait_for_more()
    assert_once(receiver, writer.written)
    wait_for_archives(shipper, app, pattern)
    assert_once(receiver, writer.written)


@pytest.mark.parametrize("pattern", ["app.log", "app*"])
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_while_stopped(receiver: Receiver, app: Path, start_shipper: StartShipper, method: str, pattern: str) -> None:
    """Rotated once with lines that were not read: they are in the renamed file, in the copy, or compressed."""
    append(app, lines(range(100)))
    shipper = start_shipper([app.with_name(pattern)], receiver.port)
    receiver.wait_for(lambda: sum(len(window.events) for window in receiver.received.windows) >= 100, 20, "100 events")
    assert shipper.process.terminate() == 0
    logrotate = Logrotate(app, method)
    with writing(app, logrotate, 100) as writer:
        writer.wait_for_more()
        if "compress" in method and "delaycompress" not in method:
            with writer.guard:  # what is written to a file that is compressed already is in no file that is left
                logrotate.run()
        else:
            rotate(logrotate, writer, method)
        writer.wait_for_more()
    shipper.start()
    assert_once(receiver, writer.written)


@pytest.mark.parametrize("method", [method for name, method in METHODS.items() if "compressed" in name])
def test_several_times_while_stopped(
    receiver: Receiver, app: Path, start_shipper: StartShipper, method: str
) -> None:
    """What was rotated and compressed while nobody looked is known to nobody, and read as the pattern names it."""
    append(app, lines(range(100)))
    shipper = start_shipper([app.with_name("app*")], receiver.port)
    receiver.wait_for(lambda: sum(len(window.events) for window in receiver.received.windows) >= 100, 20, "100 events")
    assert shipper.process.terminate() == 0
    logrotate = Logrotate(app, method)
    count = 100
    for _ in range(4):
        append(app, lines(range(count, count + 300)))
        count += 300
        logrotate.run()
    append(app, lines(range(count, count + 100)))
    count += 100
    shipper.start()
    assert_once(receiver, count)
    wait_for_archives(shipper, app, "app*")
    # And not again.
    wait_until(lambda: shipper.stats()["shipping"]["lag_bytes"] == 0, 10, "everything stored")
    shipper.process.terminate()
    append(app, lines(range(count, count + 100)))
    shipper.start()
    assert_once(receiver, count + 100)
    assert shipper.metrics()["shipper_archives_read_total"] == 0, "no archive is inflated again"
