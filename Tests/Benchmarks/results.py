"""Figures of repeated runs: their median and range, as a table for the terminal, JSON and Markdown."""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
import subprocess
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Results:
    """Every figure of every run, by scenario and program."""

    lines: int
    runs: int
    # Of the minute before the start: what else the processors had to do.
    load_average: float = field(default_factory=lambda: round(os.getloadavg()[0], 1))
    # scenario -> program -> figure -> one value per run
    figures: dict[str, dict[str, dict[str, list[float]]]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, scenario: str, program: str, figures: dict[str, float]) -> None:
        """Takes the figures of one run."""
        collected = self.figures.setdefault(scenario, {}).setdefault(program, {})
        for name, value in figures.items():
            collected.setdefault(name, []).append(value)

    def text(self) -> str:
        """Tables for the terminal."""
        return "\n\n".join(self._table(scenario, "") for scenario in self.figures)

    def write_json(self, path: Path) -> None:
        """All values with the machine they come from."""
        path.write_text(json.dumps(self._machine() | {"figures": self.figures, "problems": self.problems}, indent=2))

    def write_markdown(self, path: Path, is_quick: bool) -> None:
        """The report that is kept in the repository."""
        machine = self._machine()
        runs = "one run" if self.runs == 1 else f"{self.runs} interleaved runs, median (lowest to highest)"
        head = (
            "# Benchmark results\n\n"
            f"Made by `make bench {'QUICK=1 ' if is_quick else ''}REPORT=1` on {machine['date']}: {machine['processors']} × "
            f"{machine['processor']}, {machine['memory_gib']} GiB, Linux {machine['kernel']}, commit {machine['commit']}; "
            f"load average before the start {machine['load_average']}; "
            f"{self.lines:,} lines, {runs}.\n\n"
            "CPU is user and system time of whole processes, start and stop included. Load generator, sinks and the "
            "measured programs share the processors. A run with a loss or a double is no result.\n"
        )
        tables = "\n\n".join(self._table(scenario, "| ") for scenario in self.figures)
        path.write_text(f"{head}\n{tables}\n")

    def _table(self, scenario: str, edge: str) -> str:
        programs = self.figures[scenario]
        names = list(dict.fromkeys(name for figures in programs.values() for name in figures))
        rows = [[""] + names]
        for program, figures in programs.items():
            rows.append([program] + [self._cell(figures.get(name, [])) for name in names])
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        separator = " | " if edge else "   "
        end = " |" if edge else ""
        lines = [
            edge + separator.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + end
            for row in rows
        ]
        if edge:
            lines.insert(1, "|" + "---|" * len(widths))
        title = f"## {scenario}\n" if edge else scenario
        return "\n".join([title, *lines])

    @staticmethod
    def _cell(values: list[float]) -> str:
        if not values:
            return "-"
        low, middle, high = (Results._number(value) for value in (min(values), statistics.median(values), max(values)))
        return middle if low == high else f"{middle} ({low} to {high})"

    @staticmethod
    def _number(value: float) -> str:
        if value == int(value) and abs(value) < 1_000:
            return str(int(value))
        if abs(value) >= 1_000:
            return f"{value:,.0f}"
        return f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"

    def _machine(self) -> dict[str, object]:
        processor = next(
            (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
            platform.machine(),
        )
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return {
            "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
            "processor": processor,
            "processors": os.cpu_count(),
            "memory_gib": round(memory / (1 << 30)),
            "kernel": platform.release(),
            "commit": commit.stdout.strip(),
            "load_average": self.load_average,
            "lines": self.lines,
            "runs": self.runs,
        }
