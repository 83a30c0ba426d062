"""Numbers and times as people read them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

_BYTE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def count(value: float) -> str:
    """1234567 → 1,234,567; fractions only of small numbers."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 1 else f"{value:.2g}"


def size(value: float) -> str:
    """Bytes in the unit that leaves one to four digits."""
    unit = 0
    while abs(value) >= 1024 and unit < len(_BYTE_UNITS) - 1:
        value /= 1024
        unit += 1
    return f"{value:,.0f} {_BYTE_UNITS[unit]}" if unit == 0 or value >= 100 else f"{value:,.1f} {_BYTE_UNITS[unit]}"


def milliseconds(value: float) -> str:
    """Milliseconds as µs, ms or s."""
    if value >= 10_000:
        return f"{value / 1000:,.0f} s" if value >= 100_000 else f"{value / 1000:,.1f} s"
    if value >= 1 or value == 0:
        return f"{value:,.0f} ms" if value >= 100 or value == 0 else f"{value:,.1f} ms"
    return f"{value * 1000:,.0f} µs"


def share(value: float) -> str:
    """0.25 → 25 %."""
    return f"{value * 100:.0f} %" if value == 0 or value >= 0.1 else f"{value * 100:.1f} %"


def rate(value: float) -> str:
    """Per second, or per minute when that is seldom."""
    return f"{count(round(value, 1))}/s" if value >= 1 else f"{count(round(value * 60, 1))}/min"


def step(seconds: int) -> str:
    """A whole step of a time axis: 43200 → 12 h."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def moment(epoch_milliseconds: float) -> str:
    """A point in time, UTC."""
    return datetime.fromtimestamp(epoch_milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def clock(epoch_milliseconds: float, span_milliseconds: float) -> str:
    """A label of the time axis: as much of the time as tells the labels apart."""
    pattern = "%H:%M:%S" if span_milliseconds < 30 * 60_000 else "%H:%M" if span_milliseconds < 36 * 3_600_000 else "%d %b %H:%M"
    if span_milliseconds > 8 * 86_400_000:
        pattern = "%d %b"
    return datetime.fromtimestamp(epoch_milliseconds / 1000, UTC).strftime(pattern)


#: How a column's or a chart's values are written, by the unit's name.
WRITERS: dict[str, Callable[[float], str]] = {
    "count": count,
    "bytes": size,
    "milliseconds": milliseconds,
    "share": share,
    "rate": rate,
    "moment": moment,
}


def written(value: object, unit: str) -> str:
    """A value in its unit; what is no number stays as it is, and nothing is a dash."""
    if value is None:
        return "–"
    if unit not in WRITERS or isinstance(value, (str, bool)) or not isinstance(value, (int, float)):
        return str(value)
    return WRITERS[unit](value)
