"""The report from its questions to its file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from elkfa_kibana.panels import load
from elkfa_kibana.query import TimeRange

from .apm import APM
from .applications import applications
from .elasticsearch import Elasticsearch, StoreError
from .figures import moment
from .overview import overview
from .page import page
from .views import Part, Trouble

TITLE = "Traffic and applications"
DASHBOARD = "nginx-overview"
Range = Mapping[str, str | int]


def write_report(path: Path, store: Elasticsearch, index: str, namespace: str, time: Range | None = None) -> list[str]:
    """Asks for all panels and writes the page; returns the titles of those that the store cannot answer.

    What stood in the file stays until the new page is complete.

    - index: where the visitors' documents are; without a name, where the dashboard looks for them.
    - namespace: that of the traces, or `*`.
    - time: a range of `@timestamp`, such as `{"gte": "now-24h"}`; without it, everything that is stored.
    """
    dashboard = load().dashboards[DASHBOARD]
    index = index or dashboard.data_view.title
    shown = stored_time(store, [index, APM(store, namespace).traces], time)
    facts = [f"Elasticsearch at {store.url}, asked {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"]
    if shown is None:
        facts.append("There are no documents in this time.")
        shown = TimeRange(0, 1000)
    else:
        facts.append(f"Documents from {moment(shown.start)} to {moment(shown.end)} UTC")
    between: Range = {"gte": shown.start, "lt": shown.end, "format": "epoch_millis"}
    parts = [overview(dashboard, store, index, shown), _applications(APM(store, namespace, between), shown)]
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.write_text(page(TITLE, facts, parts), encoding="utf-8")
    os.replace(unfinished, path)
    return [panel.title for part in parts for panel in part.panels if isinstance(panel, Trouble)]


def _applications(apm: APM, time: TimeRange) -> Part:
    try:
        return applications(apm, time)
    except StoreError as error:
        return Part("Applications", "", [Trouble("Traces", str(error), width=12)])


def stored_time(store: Elasticsearch, indices: list[str], time: Range | None) -> TimeRange | None:
    """From the first to the last document in all these indices."""
    body = {
        "size": 0,
        "query": {"range": {"@timestamp": dict(time)}} if time else {"match_all": {}},
        "aggs": {"first": {"min": {"field": "@timestamp"}}, "last": {"max": {"field": "@timestamp"}}},
    }
    found = [answer for index in indices if (answer := store.search(index, body).get("aggregations"))]
    firsts, lasts = (
        [answer[name]["value"] for answer in found if answer[name]["value"] is not None] for name in ("first", "last")
    )
    return TimeRange(int(min(firsts)), int(max(lasts)) + 1) if firsts else None
