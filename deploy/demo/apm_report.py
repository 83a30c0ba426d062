"""What Elasticsearch knows about the traced app: services, routes, one trace, dependencies, errors."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from report import BAR_COLUMNS, LABEL_COLUMNS, RESULT_WINDOW, bars, fitted, heading
from store import Store

FRAMES = 6
Document = dict[str, Any]


class APMReport:
    """Reads the documents of apm-server and prints. Counts here what not every store of the tests can aggregate."""

    def __init__(self, store: Store, namespace: str) -> None:
        self.store = store
        self.traces = f"traces-apm-{namespace}"
        self.errors = f"logs-apm.error-{namespace}"

    def transactions(self) -> int:
        """How many requests of the app are there."""
        try:
            self.store.request("POST", f"/{self.traces}/_refresh")
            query = {"size": 0, "track_total_hits": True, "query": {"term": {"processor.event": "transaction"}}}
            return int(self.store.search(self.traces, query)["hits"]["total"]["value"])
        except FileNotFoundError:
            return 0

    def show(self, seconds: float) -> None:
        """Prints all tables."""
        transactions, spans = self._events("transaction"), self._events("span")
        heading("The Flask app, as its agent and apm-server saw it")
        print("\nServices")
        for name, count in Counter(entry["service"]["name"] for entry in transactions).items():
            failed = sum(is_failed(entry) for entry in transactions if entry["service"]["name"] == name)
            rate = f"{count / seconds:.1f}/s, {failed / count:.1%} failed"
            print(f"  {name:<{LABEL_COLUMNS}} {count:>7,} requests, {rate}")
        self._show_routes(transactions)
        self._show_trace(transactions, spans)
        bars("Dependencies, by calls", Counter(filter(None, map(resource, spans))).most_common())
        self._show_errors()

    def _events(self, kind: str) -> list[Document]:
        return self._search(self.traces, {"term": {"processor.event": kind}})

    @staticmethod
    def _show_routes(transactions: list[Document]) -> None:
        print(f"\n{'Routes':<{LABEL_COLUMNS + 2}} {'requests':>7} {'failed':>7} {'p50':>7} {'p95':>7} {'p99':>7}  ms")
        routes: dict[str, list[Document]] = defaultdict(list)
        for entry in transactions:
            routes[entry["transaction"]["name"]].append(entry)
        for route, entries in sorted(routes.items(), key=lambda row: -len(row[1])):
            durations = [duration(entry, "transaction") for entry in entries]
            figures = " ".join(f"{percentile(durations, share):7.1f}" for share in (0.5, 0.95, 0.99))
            failed = sum(map(is_failed, entries))
            print(f"  {fitted(route)} {len(entries):>8,} {failed:>7,} {figures}")

    @staticmethod
    def _show_trace(transactions: list[Document], spans: list[Document]) -> None:
        """The trace with the most parts; of equal ones that in the middle by duration."""
        parts: dict[str, list[Document]] = defaultdict(list)
        for entry in [*transactions, *spans]:
            parts[entry["trace"]["id"]].append(entry)
        roots = [entry for entry in transactions if "parent" not in entry]
        if not roots:
            return
        most = max(len(parts[root["trace"]["id"]]) for root in roots)
        largest = [root for root in roots if len(parts[root["trace"]["id"]]) == most]
        root = sorted(largest, key=lambda entry: duration(entry, "transaction"))[len(largest) // 2]
        whole = duration(root, "transaction")
        start = root["timestamp"]["us"]
        children: dict[str, list[Document]] = defaultdict(list)
        for entry in parts[root["trace"]["id"]]:
            children[entry.get("parent", {}).get("id", "")].append(entry)
        print(f"\nOne trace in the middle, {whole:.1f} ms")

        def show(entry: Document, depth: int) -> None:
            kind = "transaction" if entry["processor"]["event"] == "transaction" else "span"
            taken = duration(entry, kind)
            first = round(max(entry["timestamp"]["us"] - start, 0) / 1000 / whole * BAR_COLUMNS)
            bar = "█" * max(1, round(taken / whole * BAR_COLUMNS))
            label = fitted("  " * depth + entry[kind]["name"])
            print(f"  {label} {taken:7.1f} {' ' * min(first, BAR_COLUMNS)}{bar}")
            for child in sorted(children[entry[kind]["id"]], key=lambda child: child["timestamp"]["us"]):
                show(child, depth + 1)

        show(root, 0)

    def _show_errors(self) -> None:
        errors = self._search(self.errors, {"term": {"processor.event": "error"}})
        groups: dict[str, list[Document]] = defaultdict(list)
        for entry in errors:
            groups[entry["error"]["grouping_key"]].append(entry)
        print("\nError groups")
        for key, members in sorted(groups.items(), key=lambda row: -len(row[1])):
            print(f"  {fitted(members[0].get('message', ''))} {len(members):>7,} times, group {key}")
            print(f"    in {members[0]['error'].get('culprit', '(unknown)')}")
        if not errors:
            print("  (none)")
            return
        exceptions = [entry["error"]["exception"][0] for entry in errors if entry["error"].get("exception")]
        if exceptions:
            self._show_stack_trace(exceptions[0])

    @staticmethod
    def _show_stack_trace(exception: Document) -> None:
        print(f"\nOne stack trace: {exception['message']}")
        for frame in exception["stacktrace"][:FRAMES]:
            line = frame.get("line", {})
            mark = " " if frame.get("library_frame") else ">"
            print(f"  {mark} {frame['filename']}:{line.get('number')} in {frame.get('function')}")
            if not frame.get("library_frame") and line.get("context"):
                print(f"      {line['context'].strip()}")

    def _search(self, index: str, query: dict[str, Any]) -> list[Document]:
        try:
            self.store.request("POST", f"/{index}/_refresh")
            body = {"size": RESULT_WINDOW, "query": query}
            return [hit["_source"] for hit in self.store.search(index, body)["hits"]["hits"]]
        except FileNotFoundError:
            return []


def is_failed(transaction: Document) -> bool:
    """Whether a request ended in a failure."""
    return transaction["event"]["outcome"] == "failure"


def duration(event: Document, kind: str) -> float:
    """How long a transaction or span took, in milliseconds."""
    return event[kind]["duration"]["us"] / 1000


def resource(span: Document) -> str:
    """What a span called; empty when it called nothing."""
    return span["span"].get("destination", {}).get("service", {}).get("resource", "")


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of all lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
