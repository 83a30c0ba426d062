"""What Elasticsearch knows about the traced app, on the terminal: services, routes, one trace, dependencies, errors."""

from __future__ import annotations

from typing import Any

from html_report.apm import APM, listed, steps
from report import BAR_COLUMNS, LABEL_COLUMNS, bars, fitted, heading
from store import Store

FRAMES = 6


class APMReport:
    """Prints what the HTML report shows as well, and a stack trace."""

    def __init__(self, store: Store, namespace: str) -> None:
        self.store = store
        self.apm = APM(store, namespace)

    def transactions(self) -> int:
        """How many requests of the app are there."""
        self.store.refresh(self.apm.traces)
        self.store.refresh(self.apm.errors)
        return sum(service.count for service in self.apm.services())

    def show(self, seconds: float) -> None:
        """Prints all tables."""
        heading("The Flask app, as its agent and apm-server saw it")
        print("\nServices")
        for service in self.apm.services():
            rate = f"{service.represented / seconds:.1f}/s, {service.failure_rate:.1%} failed"
            print(f"  {service.name:<{LABEL_COLUMNS}} {service.count:>7,} requests, {rate}")
        self._show_routes()
        self._show_trace()
        bars("Dependencies, by calls", [(entry.name, entry.count) for entry in self.apm.dependencies()])
        self._show_errors()

    def _show_routes(self) -> None:
        print(f"\n{'Slowest routes':<{LABEL_COLUMNS + 2}} {'requests':>7} {'failed':>7} {'p50':>7} {'p95':>7} {'p99':>7}  ms")
        for route in self.apm.transactions():
            figures = " ".join(f"{value or 0:7.1f}" for value in (route.p50, route.p95, route.p99))
            print(f"  {fitted(route.name)} {route.count:>8,} {route.failed:>7,} {figures}")

    def _show_trace(self) -> None:
        trace = steps(self.apm.slowest_trace())
        if not trace:
            return
        whole = max(step.start + step.duration for step in trace) or 1
        print(f"\nThe slowest trace, {trace[0].duration:.1f} ms")
        for step in trace:
            first = round(step.start / whole * BAR_COLUMNS)
            bar = "█" * max(1, round(step.duration / whole * BAR_COLUMNS))
            label = fitted("  " * step.depth + step.name)
            print(f"  {label} {step.duration:7.1f} {' ' * min(first, BAR_COLUMNS)}{bar}")

    def _show_errors(self) -> None:
        groups = self.apm.error_groups()
        print("\nError groups")
        for group in groups:
            print(f"  {fitted(group.message)} {group.count:>7,} times, group {group.key}")
            print(f"    in {group.culprit or '(unknown)'}")
        if not groups:
            print("  (none)")
            return
        body = {"size": 1, "query": {"term": {"error.grouping_key": groups[0].key}}}
        for hit in self.store.search(self.apm.errors, body)["hits"]["hits"]:
            for exception in listed(hit["_source"]["error"].get("exception"))[:1]:
                self._show_stack_trace(exception)

    @staticmethod
    def _show_stack_trace(exception: dict[str, Any]) -> None:
        print(f"\nOne stack trace: {exception['message']}")
        for frame in exception["stacktrace"][:FRAMES]:
            line = frame.get("line", {})
            mark = " " if frame.get("library_frame") else ">"
            print(f"  {mark} {frame['filename']}:{line.get('number')} in {frame.get('function')}")
            if not frame.get("library_frame") and line.get("context"):
                print(f"      {line['context'].strip()}")
