"""Free TCP ports that stay ours over the restart of a service."""

from __future__ import annotations

import os
import random
import socket

# Below Linux' ephemeral range (32768 and up), so that no outgoing connection takes a port while its service is down.
LOWEST, HIGHEST = 18_000, 32_000
WORKERS_SHARING = 4

_given: set[int] = set()
_random = random.SystemRandom()


def _share() -> range:
    """The part of the ports that belongs to this pytest-xdist worker (gw0, gw1, …)."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS_SHARING
    size = (HIGHEST - LOWEST) // WORKERS_SHARING
    return range(LOWEST + worker * size, LOWEST + (worker + 1) * size)


def free_port() -> int:
    """A port on which nothing listens and which this process has not given out before."""
    share = _share()
    for _ in range(1_000):
        port = _random.choice(share)
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
