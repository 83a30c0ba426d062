"""Programs whose time, memory and wake-ups are measured, and the helpers that load them or take their output."""

from __future__ import annotations

import ctypes
import json
import os
import queue
import random
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 30

_libc = ctypes.CDLL(None)


class BenchmarkError(Exception):
    """A run that gives no figures; the message is for the terminal."""


def free_port() -> int:
    """A TCP port of loopback below the ephemeral range on which nothing listens."""
    for _ in range(1_000):
        port = random.randrange(18_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise BenchmarkError("no free TCP port found")


def _die_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Program:
    """One measured process."""

    def __init__(self, name: str, arguments: Sequence[str | os.PathLike[str]], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.started_ns = time.monotonic_ns()
        self._is_running = True
        with open(self.log, "wb") as output:
            self.process = subprocess.Popen(
                [os.fspath(argument) for argument in arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                preexec_fn=_die_with_parent,
            )

    def wait_ready(self, port: int, seconds: float = 20) -> float:
        """Waits for `/healthz`; returns the seconds since the start."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as response:
                    if response.status == 200:
                        return (time.monotonic_ns() - self.started_ns) / 1e9
            except OSError:
                pass
            self.check()
            time.sleep(0.002)
        raise BenchmarkError(f"{self.name} was not ready after {seconds:g} s:\n{self.tail()}")

    def check(self) -> None:
        """Fails when the process has ended by itself."""
        if self.process.poll() is not None:
            raise BenchmarkError(f"{self.name} ended with status {self.process.returncode}:\n{self.tail()}")

    def tail(self) -> str:
        """The end of what it wrote."""
        return self.log.read_bytes()[-2_000:].decode(errors="replace")

    def cpu_seconds(self) -> float:
        """Processor time of the living threads, to the nanosecond."""
        return sum(int(path.read_text().split()[0]) for path in self._tasks("schedstat")) / 1e9

    def wakeups(self) -> int:
        """How often the living threads went to sleep and so woke up."""
        return sum(self._status(path, "voluntary_ctxt_switches") for path in self._tasks("status"))

    def resident_mib(self) -> float:
        """Memory in use now."""
        return self._status(self._proc / "status", "VmRSS") / 1024

    def peak_resident_mib(self) -> float:
        """The most memory ever in use."""
        return self._status(self._proc / "status", "VmHWM") / 1024

    def stop(self) -> float:
        """Ends the process; returns the processor time of its whole life and of its children."""
        if not self._is_running:
            return 0.0
        self._is_running = False
        self.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        while True:
            pid, _, usage = os.wait4(self.process.pid, os.WNOHANG)
            if pid:
                # Popen must not wait for a process that is reaped already.
                self.process.returncode = 0
                return usage.ru_utime + usage.ru_stime
            if time.monotonic() > deadline:
                self.process.kill()
                deadline = float("inf")
            time.sleep(0.01)

    @property
    def _proc(self) -> Path:
        return Path(f"/proc/{self.process.pid}")

    def _tasks(self, name: str) -> list[Path]:
        return [task / name for task in (self._proc / "task").iterdir()]

    @staticmethod
    def _status(path: Path, key: str) -> int:
        for line in path.read_text().splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1])
        raise BenchmarkError(f"{path} has no {key}")


class Tool:
    """One run of the `Bench` program: a generator or a sink that reports in lines of JSON."""

    def __init__(self, program: Path, command: str, **arguments: Any) -> None:
        words = [word for name, value in arguments.items() for word in (f"--{name}", str(value))]
        self.name = f"Bench {command}"
        self.process = subprocess.Popen(
            [program, command, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=_die_with_parent
        )
        self._reports: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._complaints = b""
        threading.Thread(target=self._read_reports, daemon=True).start()
        threading.Thread(target=self._read_complaints, daemon=True).start()

    def wait(self, event: str, seconds: float) -> dict[str, Any]:
        """The next report of that name."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                report = self._reports.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                totals = self.stop()
                raise BenchmarkError(f"{self.name}: no {event!r} in {seconds:g} s; totals: {totals}") from None
            if report is None:
                raise BenchmarkError(f"{self.name} ended: {self._complaints.decode(errors='replace')}")
            if report["event"] == event:
                return report

    def stop(self) -> dict[str, Any]:
        """Ends the tool; returns its totals."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
        last: dict[str, Any] = {}
        while True:
            try:
                report = self._reports.get(timeout=2)
            except queue.Empty:
                return last
            if report is None:
                self._reports.put(None)
                return last
            last = report

    @property
    def complaints(self) -> str:
        """What the tool found wrong."""
        return self._complaints.decode(errors="replace")

    def _read_reports(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._reports.put(json.loads(line))
        self._reports.put(None)

    def _read_complaints(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._complaints += line
