"""Access log lines made from numbers, so that every line can be accounted for at the far end."""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
    "Googlebot/2.1 (+http://www.google.com/bot.html)",
    "curl/8.4.0",
)
STATUSES = (200, 200, 200, 200, 301, 404, 500)
NUMBERED = re.compile(r"^/item/(\w+)/(\d+)\?")


def line(number: int, run: str = "a", width: int = 0) -> bytes:
    """Line `number` of run `run` in the combined format, with its newline; `width` pads the query."""
    seconds = number % 86_400
    client = f"{20 + number % 80}.{number // 80 % 250}.{number % 250}.{1 + number % 254}"
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    text = (
        f'{client} - - [20/Nov/2026:{clock} +0000] "GET /item/{run}/{number}?q={"x" * width} HTTP/1.1" '
        f'{STATUSES[number % len(STATUSES)]} {number % 5000} "https://shop.example/" "{AGENTS[number % len(AGENTS)]}"\n'
    )
    return text.encode()


def lines(numbers: Iterable[int], run: str = "a", width: int = 0) -> bytes:
    """Several lines."""
    return b"".join(line(number, run, width) for number in numbers)


def append(path: Path, data: bytes) -> None:
    """Appends as a log writer does: one write, O_APPEND."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)


def pieces(data: bytes, randomness: random.Random, largest: int) -> Iterator[bytes]:
    """`data` cut at random places, also inside lines."""
    position = 0
    while position < len(data):
        step = randomness.randint(1, largest)
        yield data[position : position + step]
        position += step


def number_of(source: dict[str, Any]) -> tuple[str, int]:
    """Run and number of the line that a stored document came from."""
    original = source["url"]["original"]
    match = NUMBERED.match(original)
    assert match is not None, f"not one of ours: {original!r}"
    return match[1], int(match[2])


def number_of_message(message: str) -> tuple[str, int]:
    """Run and number of a raw line."""
    match = NUMBERED.match(message.split('"')[1].split(" ")[1])
    assert match is not None, f"not one of ours: {message!r}"
    return match[1], int(match[2])


def assert_exactly(found: Iterable[tuple[str, int]], wanted: Iterable[tuple[str, int]], what: str = "lines") -> None:
    """Fails unless each wanted line was found exactly once and nothing else was."""
    counts = Counter(found)
    expected = set(wanted)
    missing = sorted(expected - counts.keys())
    extra = sorted(counts.keys() - expected)
    doubled = sorted(key for key, count in counts.items() if count > 1)
    assert not (missing or extra or doubled), (
        f"{what}: {len(missing)} lost {missing[:5]}, {len(doubled)} doubled {doubled[:5]}, {len(extra)} strange {extra[:5]}"
    )


def numbered(numbers: Iterable[int], run: str = "a") -> Iterator[tuple[str, int]]:
    """What `assert_exactly` wants for `lines(numbers, run)`."""
    return ((run, number) for number in numbers)
