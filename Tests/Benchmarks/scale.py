"""Shipper and Filebeat with many files, and with nobody to send to: what is measured is memory."""

from __future__ import annotations

import time
from pathlib import Path

from measured import free_port
from scenarios import COMPLETE_SECONDS, Bench, Figures

OPEN_FILES = 1_000
# Lines in each of the open files.
LINES_EACH = 100
# For acks and the registry, and for Filebeat to look at files that it has not looked at for ten seconds.
SETTLE_SECONDS = 3
LOOK_SECONDS = 15


def numbered(number: int) -> bytes:
    """A line of the usual length that a sink knows by its number."""
    return b"%d %s\n" % (number, b"x" * 240)


def append(path: Path, data: bytes) -> None:
    """Adds to a file."""
    with open(path, "ab") as file:
        file.write(data)


def open_files(bench: Bench, sender: str) -> Figures:
    """A thousand files that all grow: read once, then one more line in each."""
    folder = bench.fresh("many")
    paths = [folder / f"{number:04}.log" for number in range(OPEN_FILES)]
    first = OPEN_FILES * LINES_EACH
    for index, path in enumerate(paths):
        append(path, b"".join(numbered(number) for number in range(index * LINES_EACH, (index + 1) * LINES_EACH)))
    sink = bench.tool("sink", expect=first, numbered=1)
    with bench.sender(sender, folder / "*.log", bench.port(sink), 1) as program:
        sink.wait("complete", COMPLETE_SECONDS)
        time.sleep(SETTLE_SECONDS)
        resident, before = program.resident_mib(), program.cpu_seconds()
        for index, path in enumerate(paths):
            append(path, numbered(first + index))
        time.sleep(LOOK_SECONDS)
        cpu = program.cpu_seconds() - before
        peak = program.peak_resident_mib()
    bench.require_exact(sink.stop(), sink, first + OPEN_FILES)
    return {"RSS MiB, all read": resident, "peak RSS MiB": peak, "CPU ms for a line in each": cpu * 1e3}


def known_files(bench: Bench, sender: str, count: int) -> Figures:
    """A restart with so many files that were read before: from the start to a new line of the last one."""
    folder = bench.fresh("known")
    paths = [folder / f"{number:06}.log" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(numbered(number))
    sink = bench.tool("sink", expect=count, numbered=1)
    with bench.sender(sender, folder / "*.log", bench.port(sink), 1) as program:
        sink.wait("complete", COMPLETE_SECONDS)
        time.sleep(SETTLE_SECONDS)
        peak = program.peak_resident_mib()
    bench.require_exact(sink.stop(), sink, count)
    append(paths[-1], numbered(count))
    sink = bench.tool("sink", expect=1, numbered=1)
    with bench.sender(sender, folder / "*.log", bench.port(sink), 1, keeps_data=True) as program:
        complete = sink.wait("complete", COMPLETE_SECONDS)
        seconds = (complete["completed"] - program.started_ns) / 1e9
        time.sleep(SETTLE_SECONDS)
        resident = program.resident_mib()
    bench.require_exact(sink.stop(), sink, 1)
    return {"peak RSS MiB, first run": peak, "RSS MiB, second run": resident, "s to the new line": seconds}


def output_down(bench: Bench, sender: str) -> Figures:
    """An hour's lines are written while nobody listens (as fast as the disk takes them), then somebody does."""
    log = bench.fresh("down") / "access.log"
    log.touch()
    port = free_port()
    with bench.sender(sender, log, port, 1) as program:
        time.sleep(SETTLE_SECONDS)
        start = program.resident_mib()
        with open(bench.log_file(), "rb") as source, open(log, "ab") as out:
            while block := source.read(1 << 20):
                out.write(block)
        time.sleep(SETTLE_SECONDS)
        waiting = program.resident_mib()
        sink = bench.tool("sink", expect=bench.lines, bytes=log.stat().st_size, port=port)
        bench.port(sink)
        sink.wait("complete", COMPLETE_SECONDS)
        peak = program.peak_resident_mib()
    bench.require_exact(sink.stop(), sink)
    return {"RSS MiB before": start, "RSS MiB, all written": waiting, "peak RSS MiB": peak}
