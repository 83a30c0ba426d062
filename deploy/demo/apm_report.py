"""What Elasticsearch knows about the traced app: services, routes, errors, one stack trace."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from store import Store

# Elasticsearch's limit of from + size.
RESULT_WINDOW = 10_000
LABEL_COLUMNS = 44
FRAMES = 6


class APMReport:
    """Reads the documents of apm-server and prints. Counts here what not every store of the tests can aggregate."""

    def __init__(self, store: Store, namespace: str) -> None:
        self.store = store
        self.traces = f"traces-apm-{namespace}"
        self.errors = f"logs-apm.error-{namespace}"

    def transactions(self) -> int:
        """How many requests of the app are there."""
        return len(self._transactions())

    def show(self, seconds: float) -> None:
        """Prints all tables."""
        transactions = self._transactions()
        print("\nServices")
        for name, count in Counter(entry["service"]["name"] for entry in transactions).items():
            failed = sum(entry["event"]["outcome"] == "failure" for entry in transactions if entry["service"]["name"] == name)
            rate = count / seconds
            print(f"  {name:<{LABEL_COLUMNS}} {count:>7,} requests  {rate:6.1f}/s  {failed / count:6.1%} failed")
        print(f"\n{'Routes':<{LABEL_COLUMNS + 2}}  requests      p50      p95      p99 ms")
        by_route: dict[str, list[int]] = defaultdict(list)
        for entry in transactions:
            by_route[entry["transaction"]["name"]].append(entry["transaction"]["duration"]["us"])
        for route, durations in sorted(by_route.items(), key=lambda row: -len(row[1])):
            figures = "".join(f"{self._percentile(durations, share) / 1000:9.1f}" for share in (0.5, 0.95, 0.99))
            print(f"  {route:<{LABEL_COLUMNS}}   {len(durations):>7,}{figures}")
        self._show_dependencies()
        self._show_errors()

    def _transactions(self) -> list[dict[str, Any]]:
        return self._search(self.traces, {"term": {"processor.event": "transaction"}})

    def _show_dependencies(self) -> None:
        spans = self._search(self.traces, {"term": {"processor.event": "span"}})
        resources = Counter(
            entry["span"].get("destination", {}).get("service", {}).get("resource", "") for entry in spans
        )
        print("\nDependencies")
        for resource, count in resources.most_common():
            if resource:
                print(f"  {resource:<{LABEL_COLUMNS}} {count:>7,} calls")

    def _show_errors(self) -> None:
        errors = self._search(self.errors, {"term": {"processor.event": "error"}})
        groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for entry in errors:
            groups[entry["error"]["grouping_key"]].append(entry)
        print("\nError groups")
        for key, members in sorted(groups.items(), key=lambda row: -len(row[1])):
            error = members[0]["error"]
            print(f"  {members[0].get('message', '')[:LABEL_COLUMNS]:<{LABEL_COLUMNS}} {len(members):>7,} times  group {key}")
            print(f"    in {error.get('culprit', '(unknown)')}")
        if not errors:
            print("  (none)")
            return
        exceptions = [entry["error"]["exception"][0] for entry in errors if entry["error"].get("exception")]
        if exceptions:
            self._show_stack_trace(exceptions[0])

    @staticmethod
    def _show_stack_trace(exception: dict[str, Any]) -> None:
        print(f"\nOne stack trace: {exception['type']}: {exception['message']}")
        for frame in exception["stacktrace"][:FRAMES]:
            line = frame.get("line", {})
            mark = " " if frame.get("library_frame") else ">"
            print(f"  {mark} {frame['filename']}:{line.get('number')} in {frame.get('function')}")
            if not frame.get("library_frame") and line.get("context"):
                print(f"      {line['context'].strip()}")

    def _search(self, index: str, query: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            self.store.request("POST", f"/{index}/_refresh")
            body = {"size": RESULT_WINDOW, "query": query}
            return [hit["_source"] for hit in self.store.search(index, body)["hits"]["hits"]]
        except FileNotFoundError:
            return []

    @staticmethod
    def _percentile(values: Sequence[int], share: float) -> int:
        ordered = sorted(values)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
