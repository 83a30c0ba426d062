"""Which fault hits what, when and for how long: a pure function of the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

# Everything that runs, with the faults it can have. Each target has one fault at a time; several targets may have one at once.
PROCESS = ("kill -9", "SIGTERM", "SIGSTOP")
ANSWERS = ("429", "503", "413", "429 for some documents", "half an answer", "no answer", "stored, then cut")
TARGETS: dict[str, tuple[str, ...]] = {
    "shipper-1": PROCESS,
    "shipper-2": (*PROCESS, "disk full"),
    "ingest-1": PROCESS,
    "ingest-2": PROCESS,
    "ingest-3": PROCESS,
    "haproxy": PROCESS,
    "store": (*PROCESS, *ANSWERS),
    "way to haproxy": ("cut", "cut in a frame", "stall", "refuse"),
    "apm-server": (*PROCESS, "disk full"),
    "store of apm-server": (*PROCESS, "429", "503", "half an answer", "no answer"),
}
LONGEST_SECONDS = 2.5
PAUSE_SECONDS = (0.2, 0.9)
# A target recovers for so long before it is hit again.
REST_SECONDS = 1.0


@dataclass(frozen=True)
class Fault:
    """One fault: from `at` for `seconds`, both from the beginning of the run."""

    at: float
    seconds: float
    target: str
    kind: str

    @property
    def end(self) -> float:
        """When it is over."""
        return self.at + self.seconds


def schedule(seed: int, seconds: float) -> list[Fault]:
    """The faults of a run in the order of their beginnings; all are over within `seconds`."""
    chance = random.Random(seed)
    free_at = dict.fromkeys(TARGETS, 0.0)
    faults: list[Fault] = []
    # Every kind at least once before any comes again, as far as time allows.
    waiting = [(target, kind) for target, kinds in TARGETS.items() for kind in kinds]
    chance.shuffle(waiting)
    now = 1.0
    while now + LONGEST_SECONDS < seconds:
        index = next((index for index, (target, _) in enumerate(waiting) if free_at[target] <= now), None)
        if index is None:
            free = sorted(target for target in TARGETS if free_at[target] <= now)
            target = chance.choice(free) if free else None
            pair = (target, chance.choice(TARGETS[target])) if target else None
        else:
            pair = waiting.pop(index)
        if pair:
            fault = Fault(round(now, 3), round(chance.uniform(0.2, LONGEST_SECONDS), 3), *pair)
            free_at[fault.target] = fault.end + REST_SECONDS
            faults.append(fault)
        now += chance.uniform(*PAUSE_SECONDS)
    return faults
