"""Child processes: started with their output in files, watched, killed, and never left behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .waiting import wait_until

PR_SET_PDEATHSIG = 1
TAIL_BYTES = 6_000

_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    """Runs in the child before exec: the kernel kills it when the test runner dies."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class ChildProcess:
    """One program in a process group of its own. `start` may be called again after it ended: a restart.

    Its standard output and error are appended to `NAME.out` and `NAME.err` in `folder`.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str | os.PathLike[str]],
        folder: Path,
        environment: Mapping[str, str] | None = None,
        is_ready: Callable[[], object] | None = None,
        ready_seconds: float = 20,
    ) -> None:
        self.name = name
        self.arguments = [os.fspath(argument) for argument in arguments]
        self.folder = folder
        self.environment = dict(environment or {})
        self.is_ready = is_ready
        self.ready_seconds = ready_seconds
        self.out_path = folder / f"{name}.out"
        self.err_path = folder / f"{name}.err"
        self._process: subprocess.Popen[bytes] | None = None
        self._error_bytes_before = 0

    # Starting

    def start(self, wait: bool = True) -> "ChildProcess":
        """Starts the program; with `wait`, returns when it is ready or raises with the end of its output."""
        assert not self.is_running, f"{self.name} is running already"
        self._error_bytes_before = self.err_path.stat().st_size if self.err_path.exists() else 0
        with open(self.out_path, "ab") as out, open(self.err_path, "ab") as err:
            self._process = subprocess.Popen(
                self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self.folder,
                env={**os.environ, **self.environment},
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self) -> None:
        """Waits for the ready condition; an early end of the program fails at once."""
        if self.is_ready is None:
            return

        def ready_or_dead() -> object:
            return self.is_ready() or not self.is_running

        try:
            wait_until(ready_or_dead, self.ready_seconds, f"{self.name} to become ready")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.tail()}") from None
        assert self.is_running, f"{self.name} ended with {self._process.returncode} before it was ready\n{self.tail()}"

    # Asking

    @property
    def is_running(self) -> bool:
        """Whether the program was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The pid of the running (or last) process."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    def resident_bytes(self) -> int:
        """RSS of the process, from /proc."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def peak_resident_bytes(self) -> int:
        """Highest RSS so far, from /proc."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return 0

    def open_files(self) -> list[str]:
        """What the process' descriptors point to."""
        links = []
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                links.append(os.readlink(entry))
        return links

    def output(self) -> str:
        """Everything the program wrote to standard error and output, over all its starts."""
        return self.err_path.read_text(errors="replace") + self.out_path.read_text(errors="replace")

    def has_logged(self, text: str) -> bool:
        """Whether `text` is in standard error since the last start."""
        return text in self.err_path.read_bytes()[self._error_bytes_before :].decode(errors="replace")

    def tail(self) -> str:
        """The end of both outputs, for failure messages."""
        parts = []
        for path in (self.err_path, self.out_path):
            if path.exists() and path.stat().st_size:
                parts.append(f"--- {path.name} ---\n{path.read_bytes()[-TAIL_BYTES:].decode(errors='replace')}")
        return "\n".join(parts) or "(no output)"

    def wait_for_output(self, text: str, seconds: float = 20) -> None:
        """Waits until the program has written `text`."""
        try:
            wait_until(lambda: text in self.output(), seconds, f"{text!r} in the output of {self.name}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.tail()}") from None

    # Stopping

    def signal(self, number: int) -> None:
        """Sends a signal to the process itself (not to its children)."""
        os.kill(self.pid, number)

    def pause(self) -> None:
        """SIGSTOP: the process keeps its sockets and answers nothing."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT after `pause`."""
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """kill -9 of the whole group; returns when the process is gone."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=10)

    def terminate(self, seconds: float = 20) -> int:
        """SIGTERM; returns the exit code, or fails when the process does not end in time."""
        assert self._process is not None
        if self.is_running:
            self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds: float) -> int:
        """Waits for the end by itself; returns the exit code."""
        assert self._process is not None
        try:
            return self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end in {seconds:g} s\n{self.tail()}") from None


class ProcessGroup:
    """All child processes of one test; `close` ends them in reverse order, whatever happened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._processes: list[ChildProcess] = []

    def add(self, process: ChildProcess) -> ChildProcess:
        """Takes over the clean-up of `process`."""
        self._processes.append(process)
        return process

    def tails(self) -> str:
        """The end of every process' output."""
        return "\n".join(f"===== {process.name} =====\n{process.tail()}" for process in self._processes)

    def close(self) -> None:
        """Kills what still runs."""
        for process in reversed(self._processes):
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                process.kill()
