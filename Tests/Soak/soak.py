"""Steady load for as long as one likes, with an eye on what must not grow: `soak.py [--seconds 3600] [--rate 500]`.

shipper follows a log that is written at a steady rate and rotated, ingest parses and indexes it, apm-server takes the requests of an agent.
Every few seconds memory, descriptors, threads and the wait of the oldest line are noted; at the end each is compared with how it was
after a fifth of the time, and drawn (`soak.svg`). Exit status 1 when something grew, or a line is missing or there twice.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "EndToEnd"), str(TESTS / "Benchmarks"), str(TESTS), str(Path(__file__).parent)]

from harness.apm import metadata, ndjson, post, transaction  # noqa: E402
from harness.loglines import append, lines  # noqa: E402
from harness.peers import geoip_database  # noqa: E402
from harness.processes import ProcessGroup  # noqa: E402
from harness.services import REPOSITORY, APMServer, Ingest, Service, Shipper  # noqa: E402
from measured import Tool  # noqa: E402
from plot import plot  # noqa: E402

SAMPLE_SECONDS = 2.0
BURSTS_A_SECOND = 10
ROTATION_SECONDS = 20.0
GENERATIONS = 5
EVENTS_A_SECOND = 20
# What may come on top between the second fifth and the last one: caches fill, allocators keep pages.
MEMORY_MIB, MEMORY_SHARE = 4.0, 0.05
COUNT = 2
LAG_SECONDS = 1.0


@dataclass
class Series:
    """One figure of one program over time."""

    name: str
    what: str
    unit: str
    values: list[float] = field(default_factory=list)

    def part(self, fifth: int) -> list[float]:
        """The values of a fifth of the run, counted from 0."""
        size = max(1, len(self.values) // 5)
        return self.values[fifth * size : (fifth + 1) * size]

    @property
    def growth(self) -> float:
        """From the second fifth to the last: of medians, so that a peak is none."""
        return statistics.median(self.part(4)) - statistics.median(self.part(1))

    @property
    def allowed(self) -> float:
        """How much of it is no leak."""
        if self.what == "memory":
            return max(MEMORY_MIB, MEMORY_SHARE * statistics.median(self.part(1)))
        return LAG_SECONDS if self.what == "lag" else COUNT


class Load:
    """A log at a steady rate with its rotation, and an agent."""

    def __init__(self, path: Path, rate: int, apm_port: int) -> None:
        self.path, self.rate, self.apm_port = path, rate, apm_port
        self.written = 0
        self.sent = 0
        self.refused = 0
        self.over = threading.Event()
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self._write, self._send)]

    def start(self) -> None:
        """Begins."""
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """Ends, and returns when the last line is written."""
        self.over.set()
        for thread in self.threads:
            thread.join(timeout=30)

    def _write(self) -> None:
        begun = time.monotonic()
        rotated = begun
        burst = self.rate // BURSTS_A_SECOND
        while not self.over.is_set():
            append(self.path, lines(range(self.written, self.written + burst)))
            self.written += burst
            if time.monotonic() - rotated >= ROTATION_SECONDS:
                rotated = time.monotonic()
                for number in range(GENERATIONS, 0, -1):
                    old = self.path.with_name(f"{self.path.name}.{number}")
                    if old.exists():
                        old.rename(self.path.with_name(f"{self.path.name}.{number + 1}"))
                self.path.rename(self.path.with_name(f"{self.path.name}.1"))
                self.path.with_name(f"{self.path.name}.{GENERATIONS + 1}").unlink(missing_ok=True)
            self.over.wait(max(0.0, begun + self.written / self.rate - time.monotonic()))

    def _send(self) -> None:
        while not self.over.wait(1 / EVENTS_A_SECOND):
            self.sent += 1
            self.refused += post(self.apm_port, ndjson(metadata(), transaction(self.sent))).status != 202


def threads_of(service: Service) -> int:
    """How many threads a program has."""
    return len(list(Path(f"/proc/{service.process.pid}/task").iterdir()))


def memory_of(service: Service) -> float:
    """MiB that are its own: pages of files, such as the GeoIP database that it maps, are the system's to take back."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:")) / 1_024


def watch(services: list[Service], seconds: float) -> list[Series]:
    """Notes all figures until the time is over."""
    kinds = (("memory", "MiB"), ("descriptors", ""), ("threads", ""))
    table = {(service.name, what): Series(service.name, what, unit) for service in services for what, unit in kinds}
    lag = Series("shipper", "lag", "s")
    begun = time.monotonic()
    while time.monotonic() < begun + seconds:
        time.sleep(SAMPLE_SECONDS)
        for service in services:
            table[service.name, "memory"].values.append(memory_of(service))
            table[service.name, "descriptors"].values.append(len(service.process.open_files()))
            table[service.name, "threads"].values.append(threads_of(service))
        shipper = next(service for service in services if isinstance(service, Shipper))
        lag.values.append(shipper.metrics()["shipper_lag_seconds"])
    return [*table.values(), lag]


def bench_tool(expected: int) -> tuple[Tool, int]:
    """The counting store of the benchmark: it keeps ids, no documents."""
    tool = Tool(REPOSITORY / ".build" / "release" / "Bench", "store", expect=expected)
    return tool, int(tool.wait("listening", 20)["port"])


def run(seconds: float, rate: int, folder: Path, picture: Path) -> bool:
    """One run; prints what came of it; returns whether all was well."""
    processes = ProcessGroup(folder)
    # Room for more than will be written, so that the count of ids never runs full.
    store, store_port = bench_tool(int(seconds * rate * 1.2) + 10_000)
    events, events_port = bench_tool(int(seconds * EVENTS_A_SECOND * 2) + 10_000)
    quiet = {"logging": {"level": "warning"}}
    try:
        ingest = Ingest(processes, [f"http://127.0.0.1:{store_port}"], {"geoip": {"database": str(geoip_database())}} | quiet)
        server = APMServer(processes, [f"http://127.0.0.1:{events_port}"], quiet)
        log = folder / "access.log"
        log.touch()
        # Its readiness is a line of its log.
        shipper = Shipper(processes, [log], [ingest.port])
        for service in (ingest, server, shipper):
            service.start()
        load = Load(log, rate, server.port)
        load.start()
        series = watch([shipper, ingest, server], seconds)
        load.stop()
        deadline = time.monotonic() + 60
        while shipper.metrics()["shipper_lag_bytes"] > 0 and time.monotonic() < deadline:
            time.sleep(0.2)
        for service in (shipper, ingest, server):
            service.process.terminate(40)
    finally:
        processes.close()
        totals, event_totals = store.stop(), events.stop()
    picture.write_text(plot(f"{seconds / 60:.0f} minutes at {rate} lines/s and {EVENTS_A_SECOND} events/s", series, SAMPLE_SECONDS))
    return judge(series, load, totals, event_totals, picture)


def judge(series: list[Series], load: Load, totals: dict, event_totals: dict, picture: Path) -> bool:
    """Prints the table; whether nothing grew and nothing is missing."""
    print(f"{'':<12} {'':<12} {'2nd fifth':>10} {'last fifth':>10} {'most':>10} {'grew':>8} {'allowed':>8}")
    good = True
    for one in series:
        is_flat = one.growth <= one.allowed
        good = good and is_flat
        early, late = statistics.median(one.part(1)), statistics.median(one.part(4))
        mark = "" if is_flat else "  GREW"
        print(f"{one.name:<12} {one.what:<12} {early:>10.2f} {late:>10.2f} {max(one.values):>10.2f} {one.growth:>8.2f} {one.allowed:>8.2f}{mark}")
    stored, doubled = totals["distinct"], totals["events"] - totals["distinct"]
    print(f"lines written {load.written:,}, store: {json.dumps(totals)}")
    print(f"events sent {load.sent:,}, refused {load.refused}, store: {json.dumps(event_totals)}")
    print(f"picture: {picture}")
    return good and stored == load.written and doubled == 0 and load.refused == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3_600)
    parser.add_argument("--rate", type=int, default=500, help="lines a second (default: 500)")
    parser.add_argument("--picture", type=Path, default=REPOSITORY / ".soak" / "soak.svg")
    arguments = parser.parse_args()
    # As Ctrl-C: what was started is ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    arguments.picture.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="elkfa-soak-") as folder:
        return 0 if run(arguments.seconds, arguments.rate, Path(folder), arguments.picture) else 1


if __name__ == "__main__":
    sys.exit(main())
