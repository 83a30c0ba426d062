"""Waiting for something to become true, always with a deadline and a reason."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

POLL_SECONDS = 0.02


class WaitedTooLong(AssertionError):
    """A condition did not come true in time; the message says which and what was seen last."""


def wait_until(
    condition: Callable[[], Value], seconds: float, what: str, poll_seconds: float = POLL_SECONDS
) -> Value:
    """Returns the first true value of `condition`, or raises `WaitedTooLong` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise WaitedTooLong(f"waited {seconds:g} s for: {what}; last value: {value!r}")
        time.sleep(poll_seconds)


def stays_true(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Fails as soon as `condition` is false; passes when it held for `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), f"no longer true: {what}"
        time.sleep(POLL_SECONDS)
