"""The sources as values: data views, saved searches, dashboards and their panels. Mistakes name file, panel and key."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

SOURCES = Path(__file__).parents[1] / "sources"
KINDS = {"metric", "time_series", "top", "donut", "filters", "percentiles", "map", "search"}
UNITS = {"", "bytes", "nanoseconds"}
# A dashboard of Kibana has so many columns.
COLUMNS = 48


class SourceError(ValueError):
    """A mistake in the sources."""


@dataclass(frozen=True)
class Metric:
    """What is counted: `count`, or the `unique` values or the `sum` of a field."""

    operation: str
    field: str = ""


@dataclass(frozen=True)
class DataView:
    """Indices under one name."""

    id: str
    title: str
    name: str


@dataclass(frozen=True)
class Search:
    """Documents as rows."""

    id: str
    title: str
    description: str
    data_view: DataView
    filter: str
    columns: tuple[str, ...]
    is_ascending: bool


@dataclass(frozen=True)
class Panel:
    """One figure of a dashboard; which of its members count depends on `kind`."""

    id: str
    title: str
    kind: str
    data_view: DataView
    # All that documents have to fulfil, the dashboard's filter included.
    filter: str
    width: int
    height: int
    metric: Metric = Metric("count")
    metric_title: str = ""
    field: str = ""
    # Percentiles `of` a number.
    of: str = ""
    percents: tuple[float, ...] = ()
    # Series of a time series by the values of a field, or by named filters.
    breakdown: str = ""
    filters: tuple[tuple[str, str], ...] = ()
    size: int = 10
    unit: str = ""
    search: Search | None = None


@dataclass(frozen=True)
class Control:
    """A choice above a dashboard: the values of a field."""

    field: str
    title: str


@dataclass(frozen=True)
class Dashboard:
    """Panels that belong together."""

    id: str
    title: str
    description: str
    data_view: DataView
    time: str
    panels: tuple[Panel, ...]
    controls: tuple[Control, ...] = ()


@dataclass(frozen=True)
class Sources:
    """Everything there is."""

    data_views: dict[str, DataView]
    searches: dict[str, Search]
    dashboards: dict[str, Dashboard] = field(default_factory=dict)


def load(folder: Path = SOURCES) -> Sources:
    """Reads all sources."""
    views = {
        name: DataView(name, **_Reader(f"data_views.yml: {name}", value).only("title", "name"))
        for name, value in _read(folder / "data_views.yml").items()
    }
    searches = {
        name: _search(name, _Reader(f"searches.yml: {name}", value), views)
        for name, value in _read(folder / "searches.yml").items()
    }
    sources = Sources(views, searches)
    for path in sorted((folder / "dashboards").glob("*.yml")):
        sources.dashboards[path.stem] = _dashboard(path.stem, _Reader(path.name, _read(path)), sources)
    return sources


def _read(path: Path) -> dict[str, Any]:
    value = yaml.safe_load(path.read_text())
    if not isinstance(value, dict):
        raise SourceError(f"{path.name}: expected names with values")
    return value


class _Reader:
    """A section whose keys are asked for one by one; those that nobody asked for are mistakes."""

    def __init__(self, place: str, value: Any) -> None:
        self.place = place
        if not isinstance(value, dict):
            raise SourceError(f"{place}: expected a section, found {value!r}")
        self._rest = dict(value)

    def take(self, key: str, default: Any = None) -> Any:
        """A value; without a default it has to be there."""
        if key in self._rest:
            return self._rest.pop(key)
        if default is None:
            raise SourceError(f"{self.place}: {key} is missing")
        return default

    def only(self, *keys: str) -> dict[str, Any]:
        """These values, and nothing else."""
        values = {key: self.take(key) for key in keys}
        self.finish()
        return values

    def one_of(self, key: str, known: Any, default: Any = None) -> Any:
        """A value among those that are known."""
        value = self.take(key, default)
        if value not in known:
            raise SourceError(f"{self.place}: {key}: there is no {value!r}; there are {', '.join(sorted(map(str, known)))}")
        return value

    def finish(self) -> None:
        """Complains of keys that nobody asked for."""
        if self._rest:
            raise SourceError(f"{self.place}: unknown key {', '.join(self._rest)}")


def _search(name: str, reader: _Reader, views: dict[str, DataView]) -> Search:
    search = Search(
        name,
        reader.take("title"),
        reader.take("description", ""),
        views[reader.one_of("data_view", views)],
        reader.take("filter", ""),
        tuple(reader.take("columns")),
        reader.take("ascending", False),
    )
    reader.finish()
    return search


def _dashboard(name: str, reader: _Reader, sources: Sources) -> Dashboard:
    view = sources.data_views[reader.one_of("data_view", sources.data_views)]
    shared = reader.take("filter", "")
    panels: list[Panel] = []
    for number, value in enumerate(reader.take("panels")):
        place = f"{reader.place}: panel {value.get('id', number) if isinstance(value, dict) else number}"
        panel = _panel(_Reader(place, value), view, shared, sources)
        if any(panel.id == other.id for other in panels):
            raise SourceError(f"{place}: the id is that of another panel")
        panels.append(panel)
    controls = tuple(Control(**_Reader(f"{reader.place}: controls", value).only("field", "title")) for value in reader.take("controls", []))
    dashboard = Dashboard(name, reader.take("title"), reader.take("description"), view, reader.take("time"), tuple(panels), controls)
    reader.finish()
    return dashboard


def _panel(reader: _Reader, view: DataView, shared: str, sources: Sources) -> Panel:
    kind = reader.one_of("kind", KINDS)
    own = reader.take("filter", "")
    details: dict[str, Any] = {}
    if kind == "search":
        details["search"] = sources.searches[reader.one_of("search", sources.searches)]
    if kind in ("metric", "time_series", "top"):
        details["metric"] = _metric(reader)
        details["unit"] = reader.one_of("unit", UNITS, "")
        details["metric_title"] = reader.take("metric_title", "")
    if kind in ("top", "donut", "map", "percentiles"):
        details["field"] = reader.take("field")
    if kind in ("top", "donut", "percentiles"):
        details["size"] = reader.take("size")
    if kind == "percentiles":
        details |= {"of": reader.take("of"), "percents": tuple(reader.take("percents")), "unit": reader.one_of("unit", UNITS, "")}
    if kind == "time_series":
        details["breakdown"] = reader.take("breakdown", "")
    if kind in ("time_series", "filters"):
        details["filters"] = tuple(reader.take("filters", {} if kind == "time_series" else None).items())
    panel = Panel(
        reader.take("id"), reader.take("title"), kind, view, " and ".join(f"({part})" for part in (shared, own) if part),
        _between(reader, "width", COLUMNS), _between(reader, "height", 60), **details,
    )  # fmt: skip
    reader.finish()
    return panel


def _metric(reader: _Reader) -> Metric:
    value = reader.take("metric", "count")
    if value == "count":
        return Metric("count")
    if isinstance(value, dict) and len(value) == 1 and (operation := next(iter(value))) in ("unique", "sum"):
        return Metric(operation, value[operation])
    raise SourceError(f"{reader.place}: metric: expected count, {{unique: field}} or {{sum: field}}, found {value!r}")


def _between(reader: _Reader, key: str, most: int) -> int:
    value = reader.take(key)
    if not isinstance(value, int) or not 1 <= value <= most:
        raise SourceError(f"{reader.place}: {key}: expected a whole number from 1 to {most}, found {value!r}")
    return value
