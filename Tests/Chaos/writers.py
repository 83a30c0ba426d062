"""What the system has to carry: numbered lines under rotation, and events of an agent that never sends one twice."""

from __future__ import annotations

import gzip
import http.client
import os
import threading
import time
from pathlib import Path

from harness.apm import metadata, ndjson, post, transaction
from harness.loglines import append, lines

LINES = 12
PAUSE_SECONDS = 0.02


class LogWriter(threading.Thread):
    """Appends lines to a file and rotates it by one method: `rename`, `compress` or `copytruncate`."""

    def __init__(self, path: Path, method: str, every_seconds: float) -> None:
        super().__init__(daemon=True)
        self.path = path
        self.method = method
        self.every_seconds = every_seconds
        self.written = 0
        self.rotations = 0
        self.stopping = threading.Event()
        path.touch()

    def run(self) -> None:
        """Until `stopping`."""
        rotates_at = time.monotonic() + self.every_seconds
        while not self.stopping.wait(PAUSE_SECONDS):
            append(self.path, lines(range(self.written, self.written + LINES), run=self.path.stem))
            self.written += LINES
            if time.monotonic() >= rotates_at:
                self.rotate()
                rotates_at = time.monotonic() + self.every_seconds

    def rotate(self) -> None:
        """As logrotate does; no generation is deleted, as deleted lines are nobody's to promise."""
        for number in range(self.rotations, 0, -1):
            for suffix in ("", ".gz"):
                old = self.path.with_name(f"{self.path.name}.{number}{suffix}")
                if old.exists():
                    old.rename(self.path.with_name(f"{self.path.name}.{number + 1}{suffix}"))
        first = self.path.with_name(f"{self.path.name}.1")
        if self.method == "copytruncate":
            # Nothing is written between copy and truncation: that would be lost by the method itself.
            first.write_bytes(self.path.read_bytes())
            os.truncate(self.path, 0)
        else:
            self.path.rename(first)
            self.path.touch()
        self.rotations += 1
        second = self.path.with_name(f"{self.path.name}.2")
        if self.method == "compress" and second.exists():
            packed = self.path.with_name(f".{second.name}.tmp")
            packed.write_bytes(gzip.compress(second.read_bytes(), 1))
            os.utime(packed, (second.stat().st_atime, second.stat().st_mtime))
            packed.rename(second.with_name(f"{second.name}.gz"))
            second.unlink()


class Agent(threading.Thread):
    """Sends transactions with ids of their own, a few a request, and remembers which requests were answered with 202."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.sent = 0
        self.accepted: set[str] = set()
        self.stopping = threading.Event()

    def run(self) -> None:
        """Until `stopping`; what is not accepted is dropped, as agents do."""
        while not self.stopping.wait(PAUSE_SECONDS):
            events = [transaction(number) for number in range(self.sent + 1, self.sent + 4)]
            ids = [event["transaction"]["id"] for event in events]
            self.sent += len(ids)
            try:
                answer = post(self.port, ndjson(metadata(), *events))
            except (OSError, http.client.HTTPException):
                continue
            if answer.status == 202:
                self.accepted.update(ids)
