"""Free TCP ports that stay ours over the restart of a service."""

from __future__ import annotations

import random
import socket

# Below Linux' ephemeral range (32768 and up), so that no outgoing connection takes a port while its service is down.
LOWEST, HIGHEST = 18_000, 32_000

_given: set[int] = set()
_random = random.SystemRandom()


def free_port() -> int:
    """A port on which nothing listens and which this process has not given out before."""
    for _ in range(1_000):
        port = _random.randrange(LOWEST, HIGHEST)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
    raise RuntimeError("no free TCP port found")


def is_listening(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a connection to the port is accepted."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
