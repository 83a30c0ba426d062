"""The short chaos run: the whole system under faults of every kind, and the schedule that a seed makes (Tests/Chaos)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from harness.services import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "Tests"))

from Chaos.chaos import report, run  # noqa: E402
from Chaos.schedule import TARGETS, schedule  # noqa: E402

SECONDS = 25


def test_a_seed_makes_one_schedule() -> None:
    assert schedule(7, 60) == schedule(7, 60) != schedule(8, 60)


@pytest.mark.parametrize("seed", range(20))
def test_faults_of_a_target_follow_each_other(seed: int) -> None:
    """Each kind comes before any comes again; a target has one fault at a time; all are over in time."""
    faults = schedule(seed, 120)
    assert len(faults) > 100
    assert {(fault.target, fault.kind) for fault in faults} == {(target, kind) for target, kinds in TARGETS.items() for kind in kinds}
    for target in TARGETS:
        mine = [fault for fault in faults if fault.target == target]
        assert all(earlier.end < later.at for earlier, later in zip(mine, mine[1:]))
    assert all(fault.end <= 120 for fault in faults)


@pytest.mark.timeout(240)
def test_every_line_and_event_is_there_once(tmp_path: Path) -> None:
    """SEED=number for another schedule; `make chaos` runs for longer."""
    verdict = run(int(os.environ.get("SEED", "1")), SECONDS, tmp_path)
    print(report(verdict))
    assert verdict.is_exact, report(verdict)
    assert len(verdict.recoveries) >= 25 and verdict.lines > 10_000 and verdict.events_accepted > 300
    assert all(recovery.seconds is not None for recovery in verdict.recoveries if "apm" not in recovery.fault.target)
