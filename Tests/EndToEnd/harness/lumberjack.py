"""Lumberjack v2 written a second time, strictly, from the protocol description: a receiver and a raw sender.

    '2' 'W' | count u32                     a window of `count` events follows
    '2' 'C' | length u32 | zlib stream      whole frames inside
    '2' 'J' | sequence u32 | length u32 | JSON
    '2' 'A' | sequence u32                  receiver: safe up to this event; 0 keeps the connection alive
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

LARGEST_WINDOW = 10_000  # what the newest go-lumber server takes
LARGEST_FRAME = 16 * 1024 * 1024
LARGEST_INFLATED = 64 * 1024 * 1024
UNSETTLED_WINDOWS = 16  # more connections than this never wait for an ack at the same time here


class ProtocolViolation(Exception):
    """The sender did something a correct client never does."""


class PeerClosed(Exception):
    """The connection ended; `inside_frame` tells whether a frame was cut."""

    def __init__(self, inside_frame: bool) -> None:
        super().__init__("connection closed")
        self.inside_frame = inside_frame


@dataclass
class Behaviour:
    """How the receiver treats one connection. The defaults are those of a good server."""

    # full: the count; none: never; wrong_version: a '1A' frame; too_high: count + 1; keep_alive: only zeros; partial: half the window, again and again
    ack: str = "full"
    # Sent before the full ack: these fractions of the window as partial acks.
    partial_fractions: Sequence[float] = ()
    # Time from the end of the window to the ack, filled with ack 0 every `keep_alive_seconds`.
    delay_seconds: float = 0
    keep_alive_seconds: float | None = None
    # Close without ack once this many events of the connection were read (they count as received).
    cut_after_events: int | None = None
    # Close once this many windows were acknowledged.
    close_after_windows: int | None = None
    # After this many bytes the receiver stops reading, for ever.
    stall: bool = False


@dataclass
class Window:
    """One complete window as it arrived."""

    connection: int
    events: list[dict[str, Any]]
    compressed: bool
    json_bytes: int
    at: float
    acknowledged: bool = False


@dataclass
class Received:
    """Everything the receiver saw, guarded by its condition."""

    windows: list[Window] = field(default_factory=list)
    partial_events: list[dict[str, Any]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    connection_times: list[float] = field(default_factory=list)
    handshake_failures: list[str] = field(default_factory=list)


class Receiver:
    """A Lumberjack server in threads of the test process.

    Connection number k (from 0) follows `behaviours[k]`, or `behaviour` when the list is shorter.
    """

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        behaviours: Sequence[Behaviour] = (),
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.behaviour = behaviour or Behaviour()
        self.behaviours = list(behaviours)
        self.received = Received()
        self.changed = threading.Condition()
        self._tls = tls
        self._closing = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Receiver":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops listening and cuts all connections."""
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut_connections()
        self._thread.join(timeout=5)

    def cut_connections(self) -> None:
        """Resets every open connection."""
        with self.changed:
            sockets = list(self._sockets)
        for connection in sockets:
            _reset(connection)

    # Asking

    @property
    def events(self) -> list[dict[str, Any]]:
        """Events of complete windows, in order of arrival, duplicates included."""
        with self.changed:
            return [event for window in self.received.windows for event in window.events]

    @property
    def acknowledged_events(self) -> list[dict[str, Any]]:
        """Events of windows that were acknowledged in full."""
        with self.changed:
            return [event for window in self.received.windows if window.acknowledged for event in window.events]

    @property
    def connections(self) -> int:
        """How many connections were accepted (after the TLS handshake, if any)."""
        with self.changed:
            return len(self.received.connection_times)

    def wait_for(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Waits until `condition` holds, looking again whenever something arrives."""
        with self.changed:
            held = self.changed.wait_for(condition, timeout=seconds)
        assert held, f"waited {seconds:g} s for: {what}; {self.summary()}"

    def wait_for_messages(self, wanted: set[str], seconds: float) -> None:
        """Waits until each of these messages is in an acknowledged window."""
        missing = set(wanted)
        unseen = 0

        def all_there() -> bool:
            nonlocal unseen
            windows = self.received.windows
            # A window's fate is settled when a later one exists; only the last few are looked at again.
            for window in windows[unseen:]:
                if window.acknowledged:
                    missing.difference_update(event["message"] for event in window.events)
            unseen = max(0, len(windows) - UNSETTLED_WINDOWS)
            return not missing

        self.wait_for(all_there, seconds, f"{len(wanted)} messages")

    def summary(self) -> str:
        """Short text for failure messages."""
        with self.changed:
            received = self.received
            return (
                f"{len(received.windows)} windows, {sum(len(window.events) for window in received.windows)} events, "
                f"{len(received.connection_times)} connections, violations {received.violations[:3]}, "
                f"handshake failures {received.handshake_failures[-2:]}"
            )

    def assert_no_violations(self) -> None:
        """Fails when the sender broke the protocol."""
        with self.changed:
            assert not self.received.violations, self.received.violations[:5]

    # Serving

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        connection = raw
        try:
            if self._tls is not None:
                raw.settimeout(10)
                connection = self._tls.wrap_socket(raw, server_side=True)
                connection.settimeout(None)
        except OSError as error:
            with self.changed:
                self.received.handshake_failures.append(str(error))
                self.changed.notify_all()
            raw.close()
            return
        with self.changed:
            number = len(self.received.connection_times)
            self.received.connection_times.append(time.monotonic())
            self._sockets.add(connection)
            self.changed.notify_all()
        behaviour = self.behaviours[number] if number < len(self.behaviours) else self.behaviour
        try:
            _Conversation(self, connection, number, behaviour).run()
        except ProtocolViolation as violation:
            with self.changed:
                self.received.violations.append(str(violation))
                self.changed.notify_all()
        except PeerClosed as closed:
            if closed.inside_frame and not self._closing.is_set():
                # A sender that is killed may leave half a frame: no violation, and nothing of it counts.
                pass
        except OSError:
            pass
        finally:
            with self.changed:
                self._sockets.discard(connection)
            connection.close()


class _Conversation:
    """One connection of a `Receiver`."""

    def __init__(self, receiver: Receiver, connection: socket.socket, number: int, behaviour: Behaviour) -> None:
        self.receiver = receiver
        self.connection = connection
        self.stream = connection.makefile("rb", buffering=1 << 18)
        self.number = number
        self.behaviour = behaviour
        self.events_read = 0
        self.windows_acknowledged = 0

    def run(self) -> None:
        if self.behaviour.stall:
            self.receiver._closing.wait()
            return
        while True:
            window = self._read_window()
            with self.receiver.changed:
                self.receiver.received.windows.append(window)
                self.receiver.changed.notify_all()
            if not self._acknowledge(window):
                return

    # Reading

    def _read_window(self) -> Window:
        kind = self._frame_type(self._exactly(2, starts_frame=True))
        if kind != b"W":
            raise ProtocolViolation(f"expected a window frame, got {kind!r}")
        count = self._number()
        if not 1 <= count <= LARGEST_WINDOW:
            raise ProtocolViolation(f"window of {count} events")
        events: list[dict[str, Any]] = []
        compressed = False
        json_bytes = 0
        while len(events) < count:
            kind = self._frame_type(self._exactly(2))
            if kind == b"J":
                event, size = self._event(self._number(), self._number(), lambda length: self._exactly(length), len(events))
                events.append(event)
                json_bytes += size
                self._note_event(events)
            elif kind == b"C":
                compressed = True
                for event, size in self._inflate(self._exactly(self._size(self._number())), len(events)):
                    events.append(event)
                    json_bytes += size
                    if len(events) > count:
                        raise ProtocolViolation(f"more than the announced {count} events")
                    self._note_event(events)
            else:
                raise ProtocolViolation(f"frame type {kind!r} inside a window")
        return Window(self.number, events, compressed, json_bytes, time.monotonic())

    def _note_event(self, events: list[dict[str, Any]]) -> None:
        self.events_read += 1
        if self.behaviour.cut_after_events is not None and self.events_read >= self.behaviour.cut_after_events:
            with self.receiver.changed:
                self.receiver.received.partial_events.extend(events)
                self.receiver.changed.notify_all()
            _reset(self.connection)
            raise PeerClosed(inside_frame=False)

    def _inflate(self, data: bytes, sequence_before: int) -> list[tuple[dict[str, Any], int]]:
        inflater = zlib.decompressobj()
        try:
            inflated = inflater.decompress(data, LARGEST_INFLATED)
        except zlib.error as error:
            raise ProtocolViolation(f"bad zlib stream: {error}") from None
        if not inflater.eof or inflater.unused_data:
            raise ProtocolViolation("zlib stream not complete, or bytes after its end")
        position = 0
        events: list[tuple[dict[str, Any], int]] = []

        def take(length: int) -> bytes:
            nonlocal position
            if position + length > len(inflated):
                raise ProtocolViolation("inflated data ends inside a frame")
            position += length
            return inflated[position - length : position]

        while position < len(inflated):
            kind = self._frame_type(take(2))
            if kind != b"J":
                raise ProtocolViolation(f"frame type {kind!r} inside a compressed frame")
            sequence, length = struct.unpack(">II", take(8))
            events.append(self._event(sequence, length, take, sequence_before + len(events)))
        return events

    def _event(
        self, sequence: int, length: int, take: Callable[[int], bytes], before: int
    ) -> tuple[dict[str, Any], int]:
        if sequence != before + 1:
            raise ProtocolViolation(f"sequence {sequence} after {before}")
        payload = take(self._size(length))
        try:
            event = json.loads(payload.decode("utf-8"))
        except ValueError as error:
            raise ProtocolViolation(f"event is not JSON ({error}): {payload[:200]!r}") from None
        if not isinstance(event, dict):
            raise ProtocolViolation("event is not an object")
        return event, length

    def _frame_type(self, head: bytes) -> bytes:
        if head[:1] != b"2":
            raise ProtocolViolation(f"frame version {head[:1]!r}")
        return head[1:]

    def _size(self, length: int) -> int:
        if not 1 <= length <= LARGEST_FRAME:
            raise ProtocolViolation(f"frame of {length} bytes")
        return length

    def _number(self) -> int:
        return struct.unpack(">I", self._exactly(4))[0]

    def _exactly(self, length: int, starts_frame: bool = False) -> bytes:
        data = self.stream.read(length)
        if data is None or len(data) != length:
            raise PeerClosed(inside_frame=bool(data) or not starts_frame)
        return data

    # Acknowledging

    def _acknowledge(self, window: Window) -> bool:
        """Answers a window; False ends the connection."""
        behaviour = self.behaviour
        count = len(window.events)
        self._wait(behaviour.delay_seconds)
        for fraction in behaviour.partial_fractions:
            self._ack(max(1, int(count * fraction)))
        if behaviour.ack == "none":
            return True
        if behaviour.ack == "keep_alive":
            while not self.receiver._closing.wait(behaviour.keep_alive_seconds or 1):
                self._ack(0)
            return False
        if behaviour.ack == "partial":
            self._ack(max(1, count // 2))
            return True
        if behaviour.ack == "wrong_version":
            self.connection.sendall(b"1A" + struct.pack(">I", count))
            return True
        if behaviour.ack == "too_high":
            self._ack(count + 1)
            return True
        with self.receiver.changed:
            window.acknowledged = True
            self.receiver.changed.notify_all()
        self._ack(count)
        self.windows_acknowledged += 1
        return behaviour.close_after_windows is None or self.windows_acknowledged < behaviour.close_after_windows

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            interval = self.behaviour.keep_alive_seconds or left
            if self.receiver._closing.wait(min(interval, left)):
                raise PeerClosed(inside_frame=False)
            if self.behaviour.keep_alive_seconds is not None:
                self._ack(0)

    def _ack(self, sequence: int) -> None:
        self.connection.sendall(b"2A" + struct.pack(">I", sequence))


def _reset(connection: socket.socket) -> None:
    """Closes with RST, whatever is unread."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


# Sending

def window_frame(count: int) -> bytes:
    """A '2W' frame."""
    return b"2W" + struct.pack(">I", count)


def json_frame(sequence: int, event: dict[str, Any] | bytes) -> bytes:
    """A '2J' frame around an event or around raw bytes."""
    payload = event if isinstance(event, bytes) else json.dumps(event).encode()
    return b"2J" + struct.pack(">II", sequence, len(payload)) + payload


def data_frame(sequence: int, pairs: dict[str, str]) -> bytes:
    """A '2D' frame of key/value pairs."""
    parts = [b"2D", struct.pack(">II", sequence, len(pairs))]
    for key, value in pairs.items():
        for text in (key.encode(), value.encode()):
            parts += [struct.pack(">I", len(text)), text]
    return b"".join(parts)


def compressed_frame(content: bytes, level: int = 3) -> bytes:
    """A '2C' frame around whole frames."""
    packed = zlib.compress(content, level)
    return b"2C" + struct.pack(">I", len(packed)) + packed


def event_window(events: Sequence[dict[str, Any]], compress: bool = True) -> bytes:
    """A whole window as Filebeat sends it."""
    frames = b"".join(json_frame(number, event) for number, event in enumerate(events, start=1))
    return window_frame(len(events)) + (compressed_frame(frames) if compress else frames)


class Sender:
    """A raw connection to a Lumberjack server, for good and for hostile bytes."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None, timeout: float = 20) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")

    def __enter__(self) -> "Sender":
        return self

    def __exit__(self, *exception: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Writes all bytes."""
        self.socket.sendall(data)

    def read_ack(self) -> int:
        """The sequence of the next ack frame."""
        frame = b""
        while len(frame) < 6:
            piece = self.socket.recv(6 - len(frame))
            if not piece:
                raise PeerClosed(inside_frame=bool(frame))
            frame += piece
        assert frame[:2] == b"2A", f"not an ack frame: {frame!r}"
        return struct.unpack(">I", frame[2:])[0]

    def wait_for_ack(self, sequence: int) -> int:
        """Reads acks until `sequence` comes; returns the number of keep-alives before it."""
        keep_alives = 0
        while True:
            ack = self.read_ack()
            if ack == sequence:
                return keep_alives
            assert ack < sequence, f"ack {ack} for a window that ends with {sequence}"
            keep_alives += ack == 0

    def is_closed_by_peer(self, seconds: float) -> bool:
        """Whether the server closes (or resets) within `seconds`; keep-alives are read over."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                if not self.socket.recv(4096):
                    return True
            except TimeoutError:
                return False
            except OSError:
                return True
        return False
