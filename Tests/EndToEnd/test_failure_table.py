"""The cases in which Filebeat 8.1.3 was measured to lose or double lines: shipper delivers every line, as one document.

`make compare` plays the same rows with the real Filebeat as well, and prints a table.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.failure_table import ROWS, Outcome, Row, run
from harness.peers import Filebeat
from harness.services import Shipper


@pytest.mark.timeout(180)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_shipper(row: Row, tmp_path: Path) -> None:
    outcome = run(row, tmp_path, lambda processes, pattern, port: Shipper(processes, [pattern], [port]).start())
    assert (outcome.lost, outcome.doubled, outcome.broken) == (0, 0, 0), str(outcome)
    # Only after a kill may lines come again, and then as the same documents.
    assert row.is_killed or outcome.events == row.wanted, str(outcome)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", ["log", "filestream"])
def test_the_rows_can_be_played_with_filebeat(kind: str, tmp_path: Path) -> None:
    """How many lines Filebeat loses is its own affair; what was there before the trouble must have been counted."""
    row = next(row for row in ROWS if row.name.startswith("rename while stopped") and row.pattern.endswith("*"))
    outcome = run(row, tmp_path, lambda processes, pattern, port: Filebeat(processes, [pattern], port, kind=kind).start())
    assert outcome.lines >= 100, str(outcome)


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (Outcome(200, 200, 200, 200), "200"),
        (Outcome(200, 150, 150, 150), "150, 50 lost"),
        (Outcome(150, 150, 250, 300), "150, 100 doubled, 50 resent"),
        (Outcome(300, 299, 299, 299, 1), "299, 1 lost, 1 broken"),
    ],
)
def test_the_text_of_an_outcome(outcome: Outcome, text: str) -> None:
    assert str(outcome) == text
