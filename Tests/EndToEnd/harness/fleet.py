"""Very many senders in one thread: each sends its windows and waits for their acks."""

from __future__ import annotations

import resource
import selectors
import socket
import struct
import time
from collections.abc import Sequence

ACK = 6


def allow_descriptors(count: int) -> None:
    """Raises the limit on open files of this process, and of those it starts, to `count` at least."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


class _Member:
    """One connection: what is left to send, and the acks that are awaited."""

    def __init__(self, port: int, windows: Sequence[tuple[bytes, int]]) -> None:
        self.output = memoryview(b"".join(data for data, _ in windows))
        self.awaited = [count for _, count in windows]
        self.input = b""
        self.keep_alives = 0
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(("127.0.0.1", port))

    @property
    def wanted(self) -> int:
        """What the selector is to watch."""
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self.output else 0)

    def write(self) -> None:
        """Sends what the socket takes."""
        try:
            self.output = self.output[self.socket.send(self.output[: 1 << 18]) :]
        except BlockingIOError:
            pass

    def read(self) -> None:
        """Takes acks: keep-alives, and one for each window in its order."""
        piece = self.socket.recv(4096)
        assert piece or not self.awaited, "the connection was closed before its last ack"
        self.input += piece
        while len(self.input) >= ACK:
            frame, self.input = self.input[:ACK], self.input[ACK:]
            assert frame[:2] == b"2A", frame
            sequence = struct.unpack(">I", frame[2:])[0]
            if sequence == 0:
                self.keep_alives += 1
                continue
            assert sequence == self.awaited[0], f"ack {sequence} for a window of {self.awaited[0]}"
            self.awaited.pop(0)


class Fleet:
    """Senders to one port, one for each list of windows; a window is its bytes and its last sequence number."""

    def __init__(self, port: int, windows: Sequence[Sequence[tuple[bytes, int]]]) -> None:
        self._selector = selectors.DefaultSelector()
        self._members = [_Member(port, each) for each in windows]
        for member in self._members:
            self._selector.register(member.socket, member.wanted, member)

    def __enter__(self) -> "Fleet":
        return self

    def __exit__(self, *exception: object) -> None:
        for member in self._members:
            member.socket.close()
        self._selector.close()

    @property
    def unacknowledged(self) -> int:
        """Windows for which no ack has come."""
        return sum(len(member.awaited) for member in self._members)

    @property
    def keep_alives(self) -> int:
        """Acks of 0 that came, over all connections."""
        return sum(member.keep_alives for member in self._members)

    def run(self, seconds: float, until_quiet: float | None = None) -> None:
        """Sends and receives until every ack is there, or nothing can be sent for `until_quiet` seconds; at most `seconds`."""
        deadline = time.monotonic() + seconds
        last_sent = time.monotonic()
        while self.unacknowledged and time.monotonic() < deadline:
            if until_quiet is not None and time.monotonic() - last_sent > until_quiet:
                return
            for key, events in self._selector.select(0.05):
                member = key.data
                if events & selectors.EVENT_WRITE:
                    before = len(member.output)
                    member.write()
                    if len(member.output) < before:
                        last_sent = time.monotonic()
                if events & selectors.EVENT_READ:
                    member.read()
                self._selector.modify(member.socket, member.wanted, member)
