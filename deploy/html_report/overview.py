"""The panels of a Kibana dashboard as views: the same sources, queries and figures, drawn here."""

from __future__ import annotations

from elkfa_kibana import panels as sources
from elkfa_kibana.query import Answer, Number, Places, TimeRange, TimeSeries, answer, body
from elkfa_kibana.query import Table as Rows

from .elasticsearch import Elasticsearch, StoreError
from .views import Cell, Column, Figure, Map, Panel, Part, Place, Series, Table, TimeChart, Trouble

#: What the series of status classes mean.
ROLES = {"2xx": "good", "3xx": "moved", "4xx": "refused", "5xx": "failed"}
#: Units of the sources: what this page calls them, and how many of theirs are one of ours.
UNITS = {"": ("count", 1), "bytes": ("bytes", 1), "nanoseconds": ("milliseconds", 1_000_000)}
#: Columns of Kibana's grid for one of this page's twelve.
COLUMNS = sources.COLUMNS // 12


def overview(dashboard: sources.Dashboard, store: Elasticsearch, index: str, time: TimeRange) -> Part:
    """All panels of a dashboard, in its order."""
    views = [_asked(panel, store, index, time) for panel in dashboard.panels]
    return Part(dashboard.title, f"{dashboard.description}. Documents in {index}", views)


def _asked(panel: sources.Panel, store: Elasticsearch, index: str, time: TimeRange) -> Panel:
    try:
        response = store.search(index, body(panel, time))
    except StoreError as error:
        # One that a store cannot answer, such as a text where a keyword is due, does not take the others with it.
        return Trouble(panel.title, str(error), width=width_of(panel))
    # Where there is no index yet, nothing is counted either.
    return view(panel, answer(panel, time, response), time) if response["_shards"]["total"] else empty(panel)


def view(panel: sources.Panel, found: Answer, time: TimeRange) -> Panel:
    """An answer as what draws it."""
    unit, factor = UNITS[panel.unit]
    width = width_of(panel)
    match found:
        case Number():
            return Figure(panel.title, None if found.value is None else found.value / factor, unit)
        case TimeSeries():
            series = [Series(name, [value / factor for value in values], ROLES.get(name, "")) for name, values in found.series.items()]
            # What is counted without overlap adds up; unique values of several series do not.
            is_stacked = panel.metric.operation != "unique" or len(series) == 1
            return TimeChart(panel.title, found.times, time.interval * 1000, series, unit, is_stacked, width=width)
        case Places():
            return Map(panel.title, [Place(*point) for point in found.points], width=width)
        case Rows():
            return _table(panel, found, width)


def empty(panel: sources.Panel) -> Panel:
    """The panel when there is no index that it could ask."""
    if panel.kind == "metric":
        return Figure(panel.title, None)
    return Table(panel.title, [], [], width=width_of(panel))


def width_of(panel: sources.Panel) -> int:
    """Of this page's twelve columns."""
    return max(panel.width // COLUMNS, 3)


def _table(panel: sources.Panel, found: Rows, width: int) -> Table:
    unit, factor = UNITS[panel.unit]
    if panel.search is not None:
        return Table(panel.title, [Column(name) for name in found.columns], found.rows, width=width)
    if panel.kind == "percentiles":
        # The last one says where it is slow: it stands first, with bars.
        order = [0, len(found.columns) - 1, *range(2, len(found.columns) - 1), 1]
        columns = [Column(found.columns[0]), Column(found.columns[-1], unit, has_bar=True)]
        columns += [Column(name, unit) for name in found.columns[2:-1]]
        columns += [Column(found.columns[1], "count")]
        scaled = [[row[0], row[1], *(value and value / factor for value in row[2:])] for row in found.rows]
        return Table(panel.title, columns, [[row[place] for place in order] for row in scaled], width=width)
    rows: list[list[Cell]] = [[row[0], row[1] / factor] for row in found.rows]
    if not any(row[1] for row in rows):
        rows = []
    columns = [Column(found.columns[0]), Column(found.columns[1], unit, has_bar=True)]
    if panel.kind in ("donut", "filters"):
        total = sum(row[1] for row in rows) or 1
        columns.append(Column("share", "share"))
        rows = [[*row, row[1] / total] for row in rows]
    return Table(panel.title, columns, rows, width=width)
