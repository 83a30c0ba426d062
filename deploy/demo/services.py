"""The programs of the demo: started in order, watched, and ended in reverse order whatever happens."""

from __future__ import annotations

import ctypes
import os
import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
READY_SECONDS = 30
STOP_SECONDS = 15
# Below Linux' ephemeral range, so that no outgoing connection takes a port before its service does.
LOWEST_PORT, HIGHEST_PORT = 18_000, 32_000

_libc = ctypes.CDLL(None)


class DemoError(Exception):
    """Something went wrong that the person at the terminal should read about, without a traceback."""


def free_port() -> int:
    """A random TCP port of the loopback interface on which nothing listens."""
    for _ in range(1_000):
        port = random.randrange(LOWEST_PORT, HIGHEST_PORT)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise DemoError("no free TCP port found on 127.0.0.1")


def answers(url: str) -> bool:
    """Whether the URL answers with a good status."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status == 200
    except (OSError, urllib.error.URLError):
        return False


class Services:
    """All child processes. Each has a process group of its own, and the kernel ends it when this program dies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(
        self,
        name: str,
        arguments: Sequence[str | os.PathLike[str]],
        is_ready: Callable[[], bool],
        environment: dict[str, str] | None = None,
    ) -> None:
        """Starts one program, its output in `NAME.log`, and waits until it is ready."""
        started = time.monotonic()
        with open(self.log(name), "wb") as output:
            process = subprocess.Popen(
                [os.fspath(argument) for argument in arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                preexec_fn=lambda: _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM),
            )
        self._running.append((name, process))
        while not is_ready():
            if process.poll() is not None:
                raise DemoError(f"{name} ended with status {process.returncode}:\n{self.last_words(name)}")
            if time.monotonic() - started > READY_SECONDS:
                raise DemoError(f"{name} was not ready after {READY_SECONDS} s:\n{self.last_words(name)}")
            time.sleep(0.02)
        print(f"  {name:<10} pid {process.pid}, ready after {time.monotonic() - started:.2f} s", flush=True)

    def check(self) -> None:
        """Fails when one of the programs has ended."""
        for name, process in self._running:
            if process.poll() is not None:
                raise DemoError(f"{name} ended with status {process.returncode}:\n{self.last_words(name)}")

    def log(self, name: str) -> Path:
        """Where a program's own output goes."""
        return self.folder / f"{name}.log"

    def last_words(self, name: str) -> str:
        """The end of a program's output."""
        return self.log(name).read_bytes()[-3_000:].decode(errors="replace") or "(it said nothing)"

    def stop(self) -> None:
        """Ends everything, the last started first; what ignores SIGTERM is killed."""
        for name, process in reversed(self._running):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    print(f"  {name} did not end in {STOP_SECONDS} s and is killed")
            # The group may hold children of a program that is gone already.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        self._running.clear()
