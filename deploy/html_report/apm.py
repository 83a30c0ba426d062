"""What apm-server has stored of the traced applications: services, transactions, dependencies, errors, one trace.

Everything is counted by the store, so the answers are small whatever the cluster holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .views import Step

SERVICES, TRANSACTIONS, DEPENDENCIES, ERROR_GROUPS = 50, 20, 20, 20
#: More parts of one trace are not drawn.
TRACE_PARTS = 200
PERCENTILES = (50, 95, 99)
Document = dict[str, Any]


class Searcher(Protocol):
    """Who answers searches."""

    def search(self, index: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one search."""
        ...


@dataclass(frozen=True)
class Group:
    """Transactions or calls that belong together; durations in milliseconds."""

    name: str
    service: str
    count: int
    #: As many as there were before agents or apm-server sampled.
    represented: float
    failed: int
    p50: float | None
    p95: float | None
    p99: float | None

    @property
    def failure_rate(self) -> float:
        """The share that failed, of those whose outcome is known to be so."""
        return self.failed / self.count if self.count else 0.0


@dataclass(frozen=True)
class ErrorGroup:
    """Errors with the same cause."""

    message: str
    culprit: str
    service: str
    key: str
    count: int
    #: Milliseconds since 1970.
    last_seen: float | None


class APM:
    """Asks for the applications of a namespace (`*` for all of them), within a range of `@timestamp` if there is one."""

    def __init__(self, store: Searcher, namespace: str = "*", time: Mapping[str, str | int] | None = None) -> None:
        self.store = store
        self.traces = f"traces-apm*-{namespace}"
        self.errors = f"logs-apm.error-{namespace}"
        self._time = [{"range": {"@timestamp": dict(time)}}] if time else []

    def services(self) -> list[Group]:
        """All services, the busiest first."""
        found = self._aggregated("transaction", {"services": terms("service.name", SERVICES, measures("transaction"))})
        return [group(bucket, service=str(bucket["key"])) for bucket in found.get("services", {}).get("buckets", [])]

    def transactions(self) -> list[Group]:
        """Groups of transactions with the same name, the slowest (by p95) first."""
        names = terms("transaction.name", TRANSACTIONS, measures("transaction"), order={"duration.95": "desc"})
        found = self._aggregated("transaction", {"services": terms("service.name", SERVICES, {"names": names})})
        groups = [
            group(bucket, service=str(service["key"]))
            for service in found.get("services", {}).get("buckets", [])
            for bucket in service["names"]["buckets"]
        ]
        return sorted(groups, key=lambda entry: -(entry.p95 or 0))[:TRANSACTIONS]

    def dependencies(self) -> list[Group]:
        """What the services call: databases, queues, other services; the most called first."""
        resources = terms("span.destination.service.resource", DEPENDENCIES, measures("span"))
        found = self._aggregated("span", {"services": terms("service.name", SERVICES, {"resources": resources})})
        groups = [
            group(bucket, service=str(service["key"]))
            for service in found.get("services", {}).get("buckets", [])
            for bucket in service["resources"]["buckets"]
        ]
        return sorted(groups, key=lambda entry: -entry.count)[:DEPENDENCIES]

    def error_groups(self) -> list[ErrorGroup]:
        """Errors by what apm-server says is the same cause, the most frequent first."""
        members = ["message", "service.name", "error.culprit", "error.exception.message", "error.exception.type", "error.log.message"]
        newest = {"top_hits": {"size": 1, "sort": [{"@timestamp": "desc"}], "_source": members}}
        last_seen = {"max": {"field": "@timestamp"}}
        groups = terms("error.grouping_key", ERROR_GROUPS, {"newest": newest, "last_seen": last_seen})
        answer = self.store.search(self.errors, self._body("error", {"groups": groups}))
        buckets = answer.get("aggregations", {}).get("groups", {}).get("buckets", [])
        return [error_group(bucket) for bucket in buckets]

    def errors_counted(self) -> int:
        """How many errors there are in all groups."""
        answer = self.store.search(self.errors, {**self._body("error", {}), "track_total_hits": True})
        return int(answer["hits"]["total"]["value"])

    def course(self, interval: str) -> list[dict[str, Any]]:
        """The buckets of transactions over time: those that failed (`failed`), and the durations' percentiles (`duration`)."""
        histogram = {"field": "@timestamp", "fixed_interval": interval, "min_doc_count": 0}
        aggregation = {"date_histogram": histogram, "aggs": measures("transaction")}
        return self._aggregated("transaction", {"course": aggregation}).get("course", {}).get("buckets", [])

    def slowest_trace(self) -> list[Document]:
        """All stored parts of the trace whose first transaction took longest; the first part is that transaction."""
        query = self._query("transaction")
        query["bool"]["must_not"] = [{"exists": {"field": "parent.id"}}]
        body = {"size": 1, "query": query, "sort": [ordered("transaction.duration.us", "desc")]}
        roots = [hit["_source"] for hit in self.store.search(self.traces, body)["hits"]["hits"]]
        if not roots:
            return []
        query = {"term": {"trace.id": roots[0]["trace"]["id"]}}
        body = {"size": TRACE_PARTS, "query": query, "sort": [ordered("timestamp.us", "asc")]}
        parts = [hit["_source"] for hit in self.store.search(self.traces, body)["hits"]["hits"]]
        events = [part for part in parts if part.get("processor", {}).get("event") in ("transaction", "span")]
        first = roots[0]["transaction"]["id"]
        return [roots[0], *(event for event in events if not (is_transaction(event) and event["transaction"]["id"] == first))]

    def _aggregated(self, event: str, aggregations: dict[str, Any]) -> dict[str, Any]:
        return self.store.search(self.traces, self._body(event, aggregations)).get("aggregations", {})

    def _body(self, event: str, aggregations: dict[str, Any]) -> dict[str, Any]:
        return {"size": 0, "query": self._query(event), **({"aggs": aggregations} if aggregations else {})}

    def _query(self, event: str) -> dict[str, Any]:
        return {"bool": {"filter": [{"term": {"processor.event": event}}, *self._time]}}


def terms(field: str, size: int, inner: dict[str, Any], order: dict[str, str] | None = None) -> dict[str, Any]:
    """A bucket for each of the most frequent values, or of the first by another order."""
    return {"terms": {"field": field, "size": size, **({"order": order} if order else {})}, "aggs": inner}


def ordered(field: str, order: str) -> dict[str, Any]:
    """By a number that indices without such documents need not know."""
    return {field: {"order": order, "unmapped_type": "long"}}


def measures(kind: str) -> dict[str, Any]:
    """What is counted of a group of transactions or spans."""
    return {
        "duration": {"percentiles": {"field": f"{kind}.duration.us", "percents": list(PERCENTILES)}},
        "failed": {"filter": {"term": {"event.outcome": "failure"}}},
        "represented": {"sum": {"field": f"{kind}.representative_count"}},
    }


def group(bucket: Mapping[str, Any], service: str) -> Group:
    """The numbers of one bucket with `measures`."""
    count = int(bucket["doc_count"])
    p50, p95, p99 = percentiles_of(bucket)
    # Documents of others may say nothing about sampling.
    represented = float(bucket["represented"]["value"] or count)
    failed = int(bucket["failed"]["doc_count"])
    return Group(str(bucket["key"]), service, count, represented, failed, p50, p95, p99)


def percentiles_of(bucket: Mapping[str, Any]) -> list[float | None]:
    """In milliseconds; of no values, nothing."""
    values = bucket["duration"]["values"]
    found = [values.get(f"{percent:.1f}") for percent in PERCENTILES]
    return [value / 1000 if isinstance(value, (int, float)) and value == value else None for value in found]


def error_group(bucket: Mapping[str, Any]) -> ErrorGroup:
    """One bucket of errors, named as its newest one is."""
    newest: Document = bucket["newest"]["hits"]["hits"][0]["_source"]
    error = newest.get("error", {})
    exception = (listed(error.get("exception")) or [{}])[0]
    message = error.get("log", {}).get("message") or exception.get("message") or newest.get("message") or exception.get("type")
    return ErrorGroup(
        message=str(message or "(no message)"),
        culprit=str(error.get("culprit", "")),
        service=str(newest.get("service", {}).get("name", "")),
        key=str(bucket["key"]),
        count=int(bucket["doc_count"]),
        last_seen=bucket["last_seen"]["value"],
    )


def listed(value: Any) -> list[Any]:
    """A member that may stand alone or in an array."""
    return value if isinstance(value, list) else [] if value is None else [value]


def is_transaction(event: Document) -> bool:
    """Whether an event of a trace is a transaction; else it is a span."""
    return event["processor"]["event"] == "transaction"


def steps(trace: Sequence[Document]) -> list[Step]:
    """The parts of a trace in the order of a tree; one whose parent is not there stands below the first."""
    if not trace:
        return []
    root, start = trace[0], trace[0]["timestamp"]["us"]
    known = {own_id(event) for event in trace}
    children: dict[str, list[Document]] = defaultdict(list)
    for event in trace[1:]:
        parent = event.get("parent", {}).get("id", "")
        children[parent if parent in known else own_id(root)].append(event)
    found: list[Step] = []
    waiting = [(root, 0)]
    seen: set[str] = set()
    while waiting:
        event, depth = waiting.pop()
        if own_id(event) in seen:
            continue
        seen.add(own_id(event))
        kind = "transaction" if is_transaction(event) else "span"
        begin = max(event["timestamp"]["us"] - start, 0) / 1000
        duration = event[kind].get("duration", {}).get("us", 0) / 1000
        is_failed = event.get("event", {}).get("outcome") == "failure"
        found.append(Step(str(event[kind].get("name", "")), depth, begin, duration, is_failed))
        below = sorted(children[own_id(event)], key=lambda child: -child["timestamp"]["us"])
        waiting += [(child, depth + 1) for child in below]
    return found


def own_id(event: Document) -> str:
    """The id that children name as their parent."""
    return str(event["transaction" if is_transaction(event) else "span"]["id"])
