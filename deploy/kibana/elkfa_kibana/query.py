"""What a panel asks of a store, and what it makes of the answer: plain values that anything can draw.

The figures are those of Kibana: counts, unique values (estimated), sums, percentiles, tiles of a map. One differs: of
percentiles Kibana sorts all values of the field, and here it is the most frequent ones, ten times as many as are shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .kql import query
from .panels import Metric, Panel

# Points in time on one axis at most.
INTERVALS_SECONDS = [1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 43_200, 86_400]
MOST_BUCKETS = 120
MOST_SERIES = 8
MOST_TILES = 2_000
# About 40 km at the equator.
TILE_PRECISION = 10
HITS = 20


@dataclass(frozen=True)
class TimeRange:
    """From and to, in milliseconds of the epoch; the end is left out."""

    start: int
    end: int

    @property
    def interval(self) -> int:
        """Seconds between two points."""
        span = (self.end - self.start) / 1000
        return next((seconds for seconds in INTERVALS_SECONDS if span / seconds <= MOST_BUCKETS), INTERVALS_SECONDS[-1])


@dataclass(frozen=True)
class Number:
    """The answer of a `metric`; None where nothing is."""

    value: float | None


@dataclass(frozen=True)
class Table:
    """The answer of `top`, `donut`, `filters`, `percentiles` and `search`: rows, the largest first."""

    columns: list[str]
    rows: list[list[Any]]


@dataclass(frozen=True)
class TimeSeries:
    """The answer of a `time_series`: for each series a value at each of `times` (milliseconds of the epoch)."""

    times: list[int]
    series: dict[str, list[float]]


@dataclass(frozen=True)
class Places:
    """The answer of a `map`: latitude, longitude, documents."""

    points: list[tuple[float, float, int]]


Answer = Number | Table | TimeSeries | Places


def body(panel: Panel, time: TimeRange) -> dict[str, Any]:
    """The body of a search."""
    if panel.search is not None:
        search = panel.search
        return {
            "size": HITS,
            "query": _filtered(_both(panel.filter, search.filter), time),
            "sort": [{"@timestamp": {"order": "asc" if search.is_ascending else "desc"}}],
            "_source": ["@timestamp", *search.columns],
        }
    return {"size": 0, "track_total_hits": True, "query": _filtered(panel.filter, time), "aggs": _aggregations(panel, time)}


def answer(panel: Panel, time: TimeRange, response: dict[str, Any]) -> Answer:
    """What the response of that search says."""
    if panel.search is not None:
        columns = ["@timestamp", *panel.search.columns]
        return Table(columns, [[_path(hit["_source"], name) for name in columns] for hit in response["hits"]["hits"]])
    found = response.get("aggregations", {})
    match panel.kind:
        case "metric":
            return Number(_total(response) if panel.metric.operation == "count" else found["metric"]["value"])
        case "time_series":
            return _time_series(panel, time, found)
        case "filters":
            rows = [[label, found["filters"]["buckets"][label]["doc_count"]] for label, _ in panel.filters]
            return Table([panel.title, "Documents"], rows)
        case "map":
            return Places(
                [(*_centre(bucket["key"]), bucket["doc_count"]) for bucket in found["tiles"]["buckets"]]
            )
        case "percentiles":
            names = [f"p{percent:g}" for percent in panel.percents]
            rows = [
                [_key(bucket), bucket["doc_count"], *(_percentile(bucket, percent) for percent in panel.percents)]
                for bucket in found["values"]["buckets"]
            ]
            # Paths without times say nothing of how fast they are; the slowest by the last percentile come first.
            rows = [row for row in rows if row[-1] is not None]
            return Table([panel.field, "Documents", *names], sorted(rows, key=lambda row: -row[-1])[: panel.size])
        case _:
            rows = [[_key(bucket), _value(panel.metric, bucket)] for bucket in found["values"]["buckets"]]
            return Table([panel.field, metric_title(panel)], sorted(rows, key=lambda row: -row[1])[: panel.size])


def metric_title(panel: Panel) -> str:
    """What a panel's figure is called."""
    return panel.metric_title or {"count": "Documents", "unique": "Unique", "sum": "Sum"}[panel.metric.operation]


def fields(panel: Panel) -> dict[str, str]:
    """The fields whose values a panel adds up, tells apart or shows, and what for: `number`, `term`, `place` or `shown`."""
    found: dict[str, str] = {}
    if panel.search is not None:
        return dict.fromkeys(panel.search.columns, "shown")
    if panel.metric.field:
        found[panel.metric.field] = "number" if panel.metric.operation == "sum" else "term"
    if panel.of:
        found[panel.of] = "number"
    for name in (panel.field, panel.breakdown):
        if name:
            found[name] = "place" if panel.kind == "map" else "term"
    return found


def _both(*texts: str) -> str:
    return " and ".join(f"({text})" for text in texts if text)


def _filtered(text: str, time: TimeRange) -> dict[str, Any]:
    span = {"range": {"@timestamp": {"gte": time.start, "lt": time.end, "format": "epoch_millis"}}}
    return {"bool": {"filter": [span, query(text)]}}


def _metrics(metric: Metric) -> dict[str, Any]:
    if metric.operation == "count":
        return {}
    return {"metric": {{"unique": "cardinality", "sum": "sum"}[metric.operation]: {"field": metric.field}}}


def _aggregations(panel: Panel, time: TimeRange) -> dict[str, Any]:
    inner = _metrics(panel.metric)
    match panel.kind:
        case "metric":
            return inner
        case "time_series":
            over_time = {
                "times": {
                    "date_histogram": {"field": "@timestamp", "fixed_interval": f"{time.interval}s", "min_doc_count": 0},
                    **({"aggs": inner} if inner else {}),
                }
            }
            if panel.filters:
                return {"series": {"filters": {"filters": {label: query(text) for label, text in panel.filters}}, "aggs": over_time}}
            if panel.breakdown:
                return {"series": {"terms": {"field": panel.breakdown, "size": MOST_SERIES}, "aggs": over_time}}
            return over_time
        case "filters":
            return {"filters": {"filters": {"filters": {label: query(text) for label, text in panel.filters}}}}
        case "map":
            return {"tiles": {"geotile_grid": {"field": panel.field, "precision": TILE_PRECISION, "size": MOST_TILES}}}
        case "percentiles":
            spread = {"spread": {"percentiles": {"field": panel.of, "percents": list(panel.percents)}}}
            return {"values": {"terms": {"field": panel.field, "size": 10 * panel.size}, "aggs": spread}}
        case _:
            terms: dict[str, Any] = {"field": panel.field, "size": panel.size}
            if inner:
                terms["order"] = {"metric": "desc"}
            return {"values": {"terms": terms, **({"aggs": inner} if inner else {})}}


def _time_series(panel: Panel, time: TimeRange, found: dict[str, Any]) -> TimeSeries:
    step = time.interval * 1000
    times = list(range(time.start - time.start % step, time.end, step))
    if "series" not in found:
        parts = {metric_title(panel): found["times"]["buckets"]}
    elif panel.filters:
        parts = {label: found["series"]["buckets"][label]["times"]["buckets"] for label, _ in panel.filters}
    else:
        parts = {str(_key(bucket)): bucket["times"]["buckets"] for bucket in found["series"]["buckets"]}
    series = {}
    for name, buckets in parts.items():
        values = {bucket["key"]: _value(panel.metric, bucket) for bucket in buckets}
        series[name] = [values.get(moment, 0) for moment in times]
    return TimeSeries(times, series)


def _value(metric: Metric, bucket: dict[str, Any]) -> float:
    return bucket["doc_count"] if metric.operation == "count" else bucket["metric"]["value"] or 0


def _key(bucket: dict[str, Any]) -> Any:
    return bucket.get("key_as_string", bucket["key"])


def _percentile(bucket: dict[str, Any], percent: float) -> float | None:
    values = {float(key): value for key, value in bucket["spread"]["values"].items() if not key.endswith("_as_string")}
    value = values.get(float(percent))
    return None if value is None or value == "NaN" or value != value else value


def _total(response: dict[str, Any]) -> int:
    return response["hits"]["total"]["value"]


def _centre(tile: str) -> tuple[float, float]:
    """Latitude and longitude of the middle of a tile `zoom/x/y` (Web Mercator)."""
    zoom, x, y = map(int, tile.split("/"))
    count = 2**zoom
    latitude = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * (y + 0.5) / count))))
    return latitude, (x + 0.5) / count * 360 - 180


def _path(source: dict[str, Any], name: str) -> Any:
    """The value at a dotted name; None where there is none."""
    if name in source:
        return source[name]
    value: Any = source
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
