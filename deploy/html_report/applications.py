"""The report's part about traced applications, from what `apm` asks."""

from __future__ import annotations

from collections.abc import Sequence

from elkfa_kibana.query import TimeRange

from .apm import APM, Group, percentiles_of, steps
from .figures import count, step
from .views import Column, Figure, Part, Series, Table, TimeChart, Waterfall

DURATIONS = [Column("p50", "milliseconds"), Column("p95", "milliseconds"), Column("p99", "milliseconds")]


def applications(apm: APM, time: TimeRange) -> Part:
    """All panels of the part."""
    services, trace = apm.services(), apm.slowest_trace()
    panels = [
        *_figures(services, apm.errors_counted()),
        *_course(apm, time),
        _services(services, max((time.end - time.start) / 1000, time.interval)),
        _transactions(apm.transactions()),
        _dependencies(apm.dependencies()),
        _errors(apm),
        Waterfall(
            "The slowest trace", steps(trace), width=12,
            note="The request that took longest, and where its time went." if trace else "",
        ),
    ]  # fmt: skip
    return Part("Applications", f"Traces in {apm.traces}, errors in {apm.errors}", panels)


def _figures(services: Sequence[Group], errors: int) -> list[Figure]:
    transactions, failed = sum(entry.count for entry in services), sum(entry.failed for entry in services)
    return [
        Figure("Services", len(services)),
        Figure("Transactions", transactions),
        Figure("Failed transactions", failed / transactions if transactions else None, "share", note=f"{count(failed)} of them"),
        Figure("Errors", errors),
    ]


def _course(apm: APM, time: TimeRange) -> list[TimeChart]:
    buckets = apm.course(f"{time.interval}s")
    times = [int(bucket["key"]) for bucket in buckets]
    failed = [bucket["failed"]["doc_count"] for bucket in buckets]
    others = [bucket["doc_count"] - bucket["failed"]["doc_count"] for bucket in buckets]
    durations = [percentiles_of(bucket) if bucket["doc_count"] else [None] * len(DURATIONS) for bucket in buckets]
    latencies = [Series(column.name, [row[place] for row in durations]) for place, column in enumerate(DURATIONS)]
    outcomes = [Series("succeeded or unknown", others, "good"), Series("failed", failed, "failed")]
    return [
        TimeChart("Transactions over time", times, time.interval * 1000, outcomes, note=f"In steps of {step(time.interval)}."),
        TimeChart(
            "Latency over time", times, time.interval * 1000, latencies, "milliseconds", is_stacked=False,
            note="Half of the transactions, 95 and 99 of 100 took no longer.",
        ),
    ]  # fmt: skip


def _services(services: Sequence[Group], seconds: float) -> Table:
    columns = [Column("Service"), Column("throughput", "rate"), Column("transactions", "count"), *DURATIONS, Column("failed", "share")]
    rows = [
        [entry.service, entry.represented / seconds, entry.count, entry.p50, entry.p95, entry.p99, entry.failure_rate]
        for entry in services
    ]
    return Table("Services", columns, rows, width=12, note="Throughput counts what was sampled away as well.")


def _transactions(groups: Sequence[Group]) -> Table:
    columns = [Column("Transaction"), Column("Service"), Column("p95", "milliseconds", has_bar=True), Column("p50", "milliseconds")]
    columns += [Column("p99", "milliseconds"), Column("count", "count"), Column("failed", "share")]
    rows = [
        [entry.name, entry.service, entry.p95, entry.p50, entry.p99, entry.count, entry.failure_rate] for entry in groups
    ]
    return Table("Slowest transactions", columns, rows, width=12, note="By the time that 95 of 100 did not exceed.")


def _dependencies(groups: Sequence[Group]) -> Table:
    columns = [Column("Dependency"), Column("called by"), Column("calls", "count", has_bar=True)]
    columns += [Column("p50", "milliseconds"), Column("p95", "milliseconds"), Column("failed", "share")]
    rows = [[entry.name, entry.service, entry.count, entry.p50, entry.p95, entry.failure_rate] for entry in groups]
    return Table("Dependencies", columns, rows, width=12)


def _errors(apm: APM) -> Table:
    columns = [Column("Error"), Column("Where"), Column("Service"), Column("count", "count"), Column("last (UTC)", "moment")]
    rows = [[entry.message, entry.culprit, entry.service, entry.count, entry.last_seen] for entry in apm.error_groups()]
    return Table("Error groups", columns, rows, width=12)
