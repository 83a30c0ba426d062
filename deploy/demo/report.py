"""What Elasticsearch knows about the visitors, as tables on the terminal."""

from __future__ import annotations

from collections import Counter
from typing import Any

from store import Store

BAR_COLUMNS = 30
LABEL_COLUMNS = 44
ROWS = 8
# Elasticsearch's limit of from + size; beyond it, percentiles by sorting are not to be had.
RESULT_WINDOW = 10_000
STEPS = "▁▂▃▄▅▆▇█"


class Report:
    """Reads one index and prints. Uses only aggregations that every store of the tests answers rightly."""

    def __init__(self, store: Store, index: str) -> None:
        self.store = store
        self.index = index

    def show(self) -> None:
        """Prints all tables."""
        answer = self.store.search(self.index, {"size": 0, "track_total_hits": True, "aggs": self._aggregations()})
        found = answer["aggregations"]
        heading("nginx, as its access log and ingest saw it")
        self._course([bucket["doc_count"] for bucket in found["seconds"]["buckets"]])
        classes = [(bucket["key"], bucket["doc_count"]) for bucket in found["classes"]["buckets"]]
        bars("Status classes", [row for row in classes if row[1]])
        bars("Top paths", self._paths())
        bars("Countries", self._terms(found["countries"]))
        bars("Operating systems", self._terms(found["systems"]))
        bars("Browsers", self._terms(found["browsers"]))
        bars("WeChat", self._terms(found["wechat"]) + self._mini_programs(found["appids"]))
        self._slowest(answer["hits"]["total"]["value"])

    @staticmethod
    def _aggregations() -> dict[str, Any]:
        def terms(field: str) -> dict[str, Any]:
            return {"terms": {"field": field, "size": ROWS}}

        classes = [{"key": f"{digit}xx", "from": digit * 100, "to": digit * 100 + 100} for digit in range(1, 6)]
        return {
            "seconds": {"date_histogram": {"field": "@timestamp", "fixed_interval": "1s", "min_doc_count": 1}},
            "classes": {"range": {"field": "http.response.status_code", "ranges": classes}},
            "countries": terms("source.geo.country_name"),
            "systems": terms("user_agent.os.name"),
            "browsers": terms("user_agent.name"),
            "wechat": terms("wechat.client"),
            "appids": terms("wechat.appid"),
        }

    @staticmethod
    def _terms(aggregation: dict[str, Any]) -> list[tuple[str, int]]:
        rows = [(str(bucket["key"]), bucket["doc_count"]) for bucket in aggregation["buckets"]]
        others = aggregation.get("sum_other_doc_count", 0)
        return rows + ([("(others)", others)] if others else [])

    def _mini_programs(self, aggregation: dict[str, Any]) -> list[tuple[str, int]]:
        return [(f"mini program {appid}", count) for appid, count in self._terms(aggregation)]

    def _paths(self) -> list[tuple[str, int]]:
        """Counted here: the embedded store cuts `wildcard` fields such as url.path into words before it counts."""
        body = {"size": RESULT_WINDOW, "_source": ["url.path"]}
        hits = self.store.search(self.index, body)["hits"]["hits"]
        counts = Counter(hit["_source"].get("url", {}).get("path", "(none: not an HTTP request)") for hit in hits)
        rows = counts.most_common(ROWS)
        others = counts.total() - sum(count for _, count in rows)
        return rows + ([("(others)", others)] if others else [])

    def _slowest(self, total: int) -> None:
        fields = ["url.original", "event.duration", "http.response.status_code", "source.ip", "source.geo.country_name"]
        body = {"size": 5, "sort": [{"event.duration": "desc"}], "_source": fields}
        print("\nSlowest requests")
        for hit in self.store.search(self.index, body)["hits"]["hits"]:
            source = hit["_source"]
            milliseconds = source["event"]["duration"] / 1_000_000
            country = source["source"].get("geo", {}).get("country_name", "unknown country")
            path = source["url"]["original"]
            print(f"  {milliseconds:7.0f} ms  {path:<{LABEL_COLUMNS - 12}}  {source['source'].get('ip', '-')} ({country})")
        if 0 < total <= RESULT_WINDOW:
            median, high = (self._duration_at(int(total * share)) for share in (0.5, 0.99))
            # nginx counts whole milliseconds.
            for rank, words in ((median, "half of all requests"), (high, "99 of 100")):
                print(f"  {rank:7.0f} ms  {words} took no longer" if rank else f"      < 1 ms  {words}")

    def _duration_at(self, rank: int) -> float:
        body = {"from": rank, "size": 1, "sort": [{"event.duration": "asc"}], "_source": ["event.duration"]}
        hits = self.store.search(self.index, body)["hits"]["hits"]
        return hits[0]["_source"].get("event", {}).get("duration", 0) / 1_000_000 if hits else 0.0

    @staticmethod
    def _course(counts: list[int]) -> None:
        """One character for each second that has requests."""
        highest = max(counts, default=1)
        course = "".join(STEPS[round((len(STEPS) - 1) * count / highest)] for count in counts)
        print(f"\nRequests per second, at most {highest:,}\n  {course}")


def heading(title: str) -> None:
    """Begins a part of the report."""
    print(f"\n── {title} {'─' * max(2, LABEL_COLUMNS + BAR_COLUMNS + 6 - len(title))}")


def fitted(label: str) -> str:
    """A label as wide as the column."""
    text = label if len(label) <= LABEL_COLUMNS else f"{label[: LABEL_COLUMNS - 1]}…"
    return f"{text:<{LABEL_COLUMNS}}"


def bars(title: str, rows: list[tuple[str, int]]) -> None:
    """Prints a table with a bar for each row."""
    print(f"\n{title}")
    highest = max((count for _, count in rows), default=1)
    for label, count in rows:
        print(f"  {fitted(label)} {count:>7,} {'█' * max(1, round(count / highest * BAR_COLUMNS))}")
    if not rows:
        print("  (none)")
