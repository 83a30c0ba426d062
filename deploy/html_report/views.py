"""What a panel shows once the store has answered; the page draws each by its type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Cell = str | int | float | None


@dataclass(frozen=True)
class Column:
    """One column of a table. Those of texts have no unit."""

    name: str
    unit: str = ""
    #: Whether its values are drawn as bars as well.
    has_bar: bool = False


@dataclass(frozen=True)
class Series:
    """One line, or one colour of a stack: a value for each of the chart's times."""

    name: str
    values: Sequence[float | None]
    #: What it means (`good`, `moved`, `refused`, `failed`), or the empty text for the next colour.
    role: str = ""


@dataclass(frozen=True)
class Panel:
    """What all panels have."""

    title: str
    #: A sentence below the title.
    note: str = field(default="", kw_only=True)
    #: How many of the page's twelve columns it takes.
    width: int = field(default=6, kw_only=True)


@dataclass(frozen=True)
class Figure(Panel):
    """One large number."""

    value: float | None
    unit: str = "count"


@dataclass(frozen=True)
class TimeChart(Panel):
    """Values over time, stacked as bars or as lines."""

    #: The beginning of each interval, milliseconds since 1970.
    times: Sequence[int]
    interval: int
    series: Sequence[Series]
    unit: str = "count"
    is_stacked: bool = True


@dataclass(frozen=True)
class Table(Panel):
    """Rows under columns."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Place:
    """A spot on the map and what was counted there."""

    latitude: float
    longitude: float
    count: int


@dataclass(frozen=True)
class Map(Panel):
    """Places on the map of the world."""

    places: Sequence[Place]


@dataclass(frozen=True)
class Step:
    """A part of a trace."""

    name: str
    depth: int
    start: float
    duration: float
    is_failed: bool = False


@dataclass(frozen=True)
class Waterfall(Panel):
    """One trace: what happened when, in milliseconds since its start."""

    steps: Sequence[Step]


@dataclass(frozen=True)
class Trouble(Panel):
    """What could not be asked, and why."""

    reason: str


@dataclass(frozen=True)
class Part:
    """Panels under a heading of their own."""

    title: str
    facts: str
    panels: Sequence[Panel]
