"""A TCP proxy that can cut, stall and refuse connections between two services."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

CHUNK_BYTES = 64 * 1024


class CuttingProxy:
    """Forwards 127.0.0.1:`port` to 127.0.0.1:`target`, in threads of the test process."""

    def __init__(self, target: int, port: int = 0) -> None:
        self.target = target
        self.connections = 0
        self.bytes_forwarded = 0
        self._flow = threading.Event()
        self._flow.set()
        self._refusing = False
        self._cut_after_bytes: int | None = None
        self._lock = threading.Lock()
        self._pairs: dict[tuple[socket.socket, socket.socket], int] = {}
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "CuttingProxy":
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self) -> int:
        """Resets all open connections; returns how many."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            for end in pair:
                _reset(end)
        return len(pairs)

    def cut_next_after(self, byte_count: int) -> None:
        """Resets the connection that next forwards its `byte_count`th byte from client to server."""
        self._cut_after_bytes = byte_count

    def stall(self) -> None:
        """Forwards nothing more (silence, as in a partition) until `flow`."""
        self._flow.clear()

    def flow(self) -> None:
        """Ends `stall`."""
        self._flow.set()

    def refuse(self, refusing: bool) -> None:
        """Accepts and at once resets new connections."""
        self._refusing = refusing

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if self._refusing:
                _reset(client)
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
                server.settimeout(None)
            except OSError:
                _reset(client)
                client.close()
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = (client, server)
            with self._lock:
                self._pairs[pair] = len(pair)
            threading.Thread(target=self._forward, args=(client, server, pair, True), daemon=True).start()
            threading.Thread(target=self._forward, args=(server, client, pair, False), daemon=True).start()

    def _forward(
        self, source: socket.socket, sink: socket.socket, pair: tuple[socket.socket, socket.socket], upstream: bool
    ) -> None:
        sent = 0
        try:
            while data := source.recv(CHUNK_BYTES):
                self._flow.wait()
                limit = self._cut_after_bytes if upstream else None
                if limit is not None and sent + len(data) >= limit:
                    self._cut_after_bytes = None
                    sink.sendall(data[: limit - sent])
                    for end in pair:
                        _reset(end)
                    return
                sink.sendall(data)
                sent += len(data)
                self.bytes_forwarded += len(data)
            with contextlib.suppress(OSError):
                sink.shutdown(socket.SHUT_WR)
        except OSError:
            for end in pair:
                _reset(end)
        finally:
            with self._lock:
                self._pairs[pair] -= 1
                is_last = self._pairs[pair] == 0
                if is_last:
                    del self._pairs[pair]
            if is_last:
                for end in pair:
                    end.close()


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
