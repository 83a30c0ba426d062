"""`make bench`: runs every scenario several times, the programs interleaved; prints tables, writes `.bench/results.json`.

Environment: QUICK=1 is a short run (fewer lines, one round); ONLY=text picks the scenarios whose name holds it;
LINES and RUNS override the size; REPORT=1 also writes Tests/Benchmarks/RESULTS.md.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from measured import BenchmarkError
from results import Results
from scale import known_files, open_files, output_down
from scenarios import Bench, Figures

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / ".bench"

Scenario = tuple[str, dict[str, Callable[[], Figures]]]


def scenarios(bench: Bench) -> list[Scenario]:
    """All scenarios with the programs that are compared in each."""
    return [
        (
            "shipper: whole file, not compressed",
            {name: lambda name=name: bench.forward(name, 0) for name in ("shipper", "filebeat")},
        ),
        (
            "shipper: whole file, compressed (shipper level 1, Filebeat level 3)",
            {
                "shipper": lambda: bench.forward("shipper", 1),
                "filebeat": lambda: bench.forward("filebeat", 3),
            },
        ),
        (
            "shipper: 1,000 lines/s, write() to the receiver",
            {
                "shipper": lambda: bench.trickle("shipper", 1),
                "shipper, not compressed": lambda: bench.trickle("shipper", 0),
                "shipper, not compressed, flush_latency: 5ms": lambda: bench.trickle("shipper", 0, "flush_latency: 5ms\n"),
                "filebeat": lambda: bench.trickle("filebeat", 3),
            },
        ),
        ("shipper: nothing to do", {name: lambda name=name: bench.idle(name) for name in ("shipper", "filebeat")}),
        (
            "shipper: 1,000 open files",
            {name: lambda name=name: open_files(bench, name) for name in ("shipper", "filebeat")},
        ),
        (
            f"shipper: {bench.known_files:,} known files",
            {name: lambda name=name: known_files(bench, name, bench.known_files) for name in ("shipper", "filebeat")},
        ),
        (
            "shipper: output down while all lines are written",
            {name: lambda name=name: output_down(bench, name) for name in ("shipper", "filebeat")},
        ),
        (
            "ingest: Filebeat's windows to bulk requests",
            {f"{count:,} connections": lambda count=count: bench.ingest(count) for count in (1, 8, 1000)},
        ),
        ("shipper + ingest: whole file to bulk requests", {"both": bench.end_to_end}),
        ("shipper + ingest: 1,000 lines/s, write() to the bulk request", {"both": bench.end_to_end_trickle}),
        (
            "apm-server: requests of the Python agent, gzip",
            {f"{count} connections": lambda count=count: bench.intake(count, True) for count in (1, 16, 500)},
        ),
        ("apm-server: requests of the Python agent, plain", {"16 connections": lambda: bench.intake(16, False)}),
        ("apm-server: 500 slow streaming connections", {"apm-server": bench.slow_streams}),
        (
            "ready after start",
            {name: lambda name=name: bench.ready(name) for name in ("shipper", "ingest", "apm-server")},
        ),
    ]


def main() -> int:
    """The exit status: 1 when a run lost, doubled or broke a line, or could not be made."""
    is_quick = os.environ.get("QUICK") == "1"
    runs = int(os.environ.get("RUNS", "1" if is_quick else "3"))
    FOLDER.mkdir(exist_ok=True)
    bench = Bench(
        programs=REPOSITORY / ".build" / "release",
        folder=FOLDER,
        source=REPOSITORY / "Tests" / "Fixtures" / "logs" / "access-combined-4k.log",
        recorded=REPOSITORY / "Tests" / "Fixtures" / "apm-agent",
        lines=int(os.environ.get("LINES", "100000" if is_quick else "1000000")),
        idle_seconds=5 if is_quick else 20,
        trickle_seconds=5 if is_quick else 20,
        known_files=10_000 if is_quick else 100_000,
    )
    results = Results(lines=bench.lines, runs=runs)
    wanted = [scenario for scenario in scenarios(bench) if os.environ.get("ONLY", "") in scenario[0]]
    if not wanted:
        print(f"bench: no scenario is called {os.environ['ONLY']!r}", file=sys.stderr)
        return 2
    for name, programs in wanted:
        for number in range(runs):
            for program, run in programs.items():
                print(f"{name}: {program}, run {number + 1} of {runs}", flush=True)
                try:
                    results.add(name, program, run())
                except BenchmarkError as error:
                    print(f"bench: {error}", file=sys.stderr)
                    results.problems.append(f"{name}: {program}: {str(error).splitlines()[0]}")
                finally:
                    bench.stop_tools()
    print(f"\n{results.text()}")
    results.write_json(FOLDER / "results.json")
    print(f"\nEvery value: {FOLDER / 'results.json'}")
    if os.environ.get("REPORT") == "1" and not results.problems:
        results.write_markdown(Path(__file__).with_name("RESULTS.md"), is_quick)
        print(f"Report: {Path(__file__).with_name('RESULTS.md')}")
    for problem in results.problems:
        print(f"bench: no result: {problem}", file=sys.stderr)
    return 1 if results.problems else 0


if __name__ == "__main__":
    sys.exit(main())
