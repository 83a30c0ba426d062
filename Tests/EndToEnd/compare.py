"""Plays the failure table with shipper and with the real Filebeat, and prints what each delivers: `make compare`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness.failure_table import ROWS, Row, Tailer, run
from harness.peers import Filebeat
from harness.processes import ProcessGroup
from harness.services import Shipper

PROGRAMS: dict[str, Callable[[ProcessGroup, Path, int], Tailer]] = {
    "shipper": lambda processes, pattern, port: Shipper(processes, [pattern], [port]).start(),
    "Filebeat log": lambda processes, pattern, port: Filebeat(processes, [pattern], port, kind="log").start(),
    "Filebeat filestream": lambda processes, pattern, port: Filebeat(processes, [pattern], port).start(),
}


def result(row: Row, start: Callable[[ProcessGroup, Path, int], Tailer]) -> tuple[str, bool]:
    """What a program delivers of a row, and whether that is exact; a row that cannot be played says why."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            outcome = run(row, Path(folder), start)
            return str(outcome), outcome.lost == outcome.doubled == outcome.broken == 0
        except AssertionError as error:
            return f"failed: {str(error).splitlines()[0]}", False


def main() -> int:
    """Status 1 when shipper loses or doubles a line; what Filebeat does never counts."""
    print(f"| {' | '.join(['case', 'wanted', *PROGRAMS])} |")
    print("|" + "---|" * (len(PROGRAMS) + 2))
    status = 0
    for row in ROWS:
        results = [result(row, start) for start in PROGRAMS.values()]
        if not results[0][1]:
            status = 1
        print(f"| {' | '.join([row.title, str(row.wanted), *(text for text, _ in results)])} |", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
