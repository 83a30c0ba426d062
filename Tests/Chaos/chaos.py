"""Runs the whole system under faults and says what became of every line and event: `chaos.py [--seed N] [--seconds N]`.

The same seed gives the same schedule. Exit status 1 when a line or an accepted event is missing or there twice.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "EndToEnd"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from Chaos.schedule import Fault, schedule  # noqa: E402
from Chaos.system import System  # noqa: E402
from harness.loglines import number_of  # noqa: E402

# For what is left when the last fault is over: shippers and ingests wait up to so long between tries.
DRAIN_SECONDS = 90
APM_TARGETS = {"apm-server", "store of apm-server"}


@dataclass
class Recovery:
    """A fault that is over, and when all that had been written until then was stored."""

    fault: Fault
    written: int
    ended: float
    seconds: float | None = None


@dataclass
class Verdict:
    """What came of a run."""

    recoveries: list[Recovery] = field(default_factory=list)
    lines: int = 0
    dead_letters: int = 0
    lost: list[tuple[str, int]] = field(default_factory=list)
    doubled: list[tuple[str, int]] = field(default_factory=list)
    events_sent: int = 0
    events_accepted: int = 0
    events_lost: list[str] = field(default_factory=list)
    events_doubled: list[str] = field(default_factory=list)

    @property
    def is_exact(self) -> bool:
        """Whether everything is there once."""
        return not (self.lost or self.doubled or self.events_lost or self.events_doubled)


def run(seed: int, seconds: float, folder: Path, say: Callable[[str], None] = lambda text: None) -> Verdict:
    """One run; leaves nothing running."""
    system = System(folder)
    verdict = Verdict()
    try:
        system.start()
        play(system, schedule(seed, seconds), seconds, verdict, say)
        system.stop_writing()
        wait_until_stored(system, verdict)
        judge(system, verdict)
    finally:
        system.close()
    return verdict


def play(system: System, faults: list[Fault], seconds: float, verdict: Verdict, say: Callable[[str], None]) -> None:
    """Begins and ends each fault at its time, those of each target in a thread of their own: a program takes its time to stop."""
    begun = time.monotonic()
    problems: list[str] = []
    left = len(faults)
    lock = threading.Lock()

    def suffer(fault: Fault) -> None:
        time.sleep(max(0.0, begun + fault.at - time.monotonic()))
        recover = system.inject(fault)
        time.sleep(max(0.0, begun + fault.end - time.monotonic()))
        recover()
        verdict.recoveries.append(Recovery(fault, system.written, time.monotonic()))
        say(f"{time.monotonic() - begun:6.1f}  {fault.target}: {fault.kind} for {fault.seconds:.1f} s")

    def serve(target: str) -> None:
        nonlocal left
        for fault in faults:
            if fault.target != target:
                continue
            try:
                suffer(fault)
            except Exception as problem:  # noqa: BLE001 - told with its fault, whatever it is
                problems.append(f"{fault}: {problem!r}")
            with lock:
                left -= 1
        # What this thread has started ends with it (prctl(2), PR_SET_PDEATHSIG).
        system.is_closed.wait()

    for target in {fault.target for fault in faults}:
        threading.Thread(target=serve, args=(target,), daemon=True).start()
    while left > 0 or time.monotonic() < begun + seconds:
        time.sleep(0.1)
        note_recoveries(system, verdict)
    if problems:
        raise RuntimeError("\n".join(problems))


def note_recoveries(system: System, verdict: Verdict) -> bool:
    """Looks how many lines are stored; returns whether every fault on their way is recovered from."""
    waiting = [recovery for recovery in verdict.recoveries if recovery.seconds is None and recovery.fault.target not in APM_TARGETS]
    if not waiting:
        return True
    try:
        count = system.store.count()
    except OSError:
        return False
    for recovery in waiting:
        if count >= recovery.written:
            recovery.seconds = time.monotonic() - recovery.ended
    return all(recovery.seconds is not None for recovery in waiting)


def wait_until_stored(system: System, verdict: Verdict) -> None:
    """Until all lines and accepted events are there, or for too long."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < deadline:
        note_recoveries(system, verdict)
        dead = sum(len(ingest.dead_letter_lines) for ingest in system.ingests)
        if system.store.count() + dead >= system.written and system.agent.accepted <= transactions(system).keys():
            return
        time.sleep(0.2)


def transactions(system: System) -> Counter[str]:
    """Ids of stored transactions with their numbers of documents."""
    sources = (document.source for document in system.apm_store.documents())
    return Counter(source["transaction"]["id"] for source in sources if source.get("processor", {}).get("event") == "transaction")


def judge(system: System, verdict: Verdict) -> None:
    """Counts every line and every accepted event."""
    found = Counter(number_of(document.source) for document in system.store.documents())
    for ingest in system.ingests:
        for letter in ingest.dead_letter_lines:
            found[number_of(letter["document"])] += 1
            verdict.dead_letters += 1
    wanted = {(writer.path.stem, number) for writer in system.writers for number in range(writer.written)}
    verdict.lines = len(wanted)
    verdict.lost = sorted(wanted - found.keys())
    verdict.doubled = sorted(key for key, count in found.items() if count > 1 or key not in wanted)
    stored = transactions(system)
    verdict.events_sent, verdict.events_accepted = system.agent.sent, len(system.agent.accepted)
    verdict.events_lost = sorted(system.agent.accepted - stored.keys())
    verdict.events_doubled = sorted(identifier for identifier, count in stored.items() if count > 1)


def report(verdict: Verdict) -> str:
    """The table."""
    rows = [f"{'fault':<40} {'times':>5} {'seconds to recover':>22}"]
    kinds: dict[tuple[str, str], list[Recovery]] = {}
    for recovery in verdict.recoveries:
        kinds.setdefault((recovery.fault.target, recovery.fault.kind), []).append(recovery)
    for (target, kind), recoveries in sorted(kinds.items()):
        times = [recovery.seconds for recovery in recoveries if recovery.seconds is not None]
        took = f"{statistics.median(times):.1f} (at most {max(times):.1f})" if times else "-"
        rows.append(f"{f'{target}: {kind}':<40} {len(recoveries):>5} {took:>22}")
    rows += [
        "",
        f"lines written {verdict.lines:,}, dead letters {verdict.dead_letters}, lost {len(verdict.lost)}, doubled {len(verdict.doubled)}",
        f"events sent {verdict.events_sent:,}, accepted {verdict.events_accepted:,}, lost {len(verdict.events_lost)}, doubled {len(verdict.events_doubled)}",
    ]
    for what, items in (("lost", verdict.lost), ("doubled", verdict.doubled), ("events lost", verdict.events_lost), ("events doubled", verdict.events_doubled)):
        if items:
            rows.append(f"{what}: {items[:10]}")
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=120, help="how long faults go on (default: 120)")
    parser.add_argument("--keep", type=Path, help="a new folder for logs and data, which is left")
    arguments = parser.parse_args()
    # As Ctrl-C: processes and mounts are cleaned up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="elkfa-chaos-") as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        verdict = run(arguments.seed, arguments.seconds, folder, lambda text: print(text, flush=True))
    print(report(verdict))
    return 0 if verdict.is_exact else 1


if __name__ == "__main__":
    sys.exit(main())
