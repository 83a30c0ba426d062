"""The three services under test, with configurations written from plain dictionaries."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from .ports import free_port, is_listening
from .processes import ChildProcess, ProcessGroup
from .waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[3]
USER_AGENT_REGEXES = Path("/usr/share/uap-core/regexes.yaml")
START_SECONDS = 20

# Short waits, so that recovery takes moments; everything else as in production.
FAST_BACKOFF = {"init": "100ms", "max": "1s"}


def binary(name: str) -> Path:
    """The built program: in `BIN_DIR`, else the newer one of the repository's release and debug builds."""
    if folder := os.environ.get("BIN_DIR"):
        return Path(folder) / name
    builds = [REPOSITORY / ".build" / kind / name for kind in ("release", "debug")]
    built = [path for path in builds if path.exists()]
    assert built, f"{name} is not built: run make build"
    return max(built, key=lambda path: path.stat().st_mtime)


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it, mapping by mapping."""
    result = dict(base)
    for key, value in changes.items():
        inner = result.get(key)
        result[key] = merged(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return result


def http_get(port: int, path: str, timeout: float = 5) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a GET on 127.0.0.1."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def run_to_end(
    name: str, *arguments: str | os.PathLike[str], stdin: bytes = b"", seconds: float = 30, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Runs one of our programs to its end, for command line tests."""
    return subprocess.run(
        [binary(name), *arguments],
        input=stdin,
        capture_output=True,
        timeout=seconds,
        env={**os.environ, **environment},
    )


class Service:
    """One of our programs with its configuration file, monitoring port and data folder.

    The configuration may be changed between starts with `configure`.
    """

    program: str

    def __init__(self, processes: ProcessGroup, name: str, configuration: Mapping[str, Any]) -> None:
        self.name = name
        self.folder = processes.folder
        self.monitoring_port = free_port()
        self.data_directory = processes.folder / f"{name}-data"
        self.configuration_path = processes.folder / f"{name}.yml"
        self.configuration = merged(
            {
                "data_directory": str(self.data_directory),
                "monitoring": {"host": "127.0.0.1", "port": self.monitoring_port},
                "logging": {"level": "debug", "format": "json"},
            },
            configuration,
        )
        self.data_directory.mkdir(exist_ok=True)
        self._write()
        self.process = processes.add(
            ChildProcess(
                name,
                [binary(self.program), "--config", self.configuration_path],
                processes.folder,
                is_ready=self.is_ready,
                ready_seconds=START_SECONDS,
            )
        )

    def configure(self, changes: Mapping[str, Any]) -> None:
        """Changes the configuration file; takes effect at the next start."""
        self.configuration = merged(self.configuration, changes)
        self._write()

    def _write(self) -> None:
        self.configuration_path.write_text(yaml.safe_dump(self.configuration, sort_keys=False, allow_unicode=True))

    def start(self, wait: bool = True) -> "Service":
        """Starts the program and waits until its ports are open."""
        self.process.start(wait)
        return self

    def is_ready(self) -> bool:
        """Whether the monitoring server answers."""
        return is_listening(self.monitoring_port)

    def stats(self) -> dict[str, Any]:
        """`GET /stats`."""
        status, _, body = http_get(self.monitoring_port, "/stats")
        assert status == 200, body
        return json.loads(body)

    def health(self) -> tuple[int, str]:
        """Status and text of `GET /healthz`."""
        status, _, body = http_get(self.monitoring_port, "/healthz")
        return status, body.decode()

    def metrics(self) -> dict[str, float]:
        """`GET /metrics`: sample name with labels → value."""
        status, _, body = http_get(self.monitoring_port, "/metrics")
        assert status == 200, body
        samples = {}
        for line in body.decode().splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                samples[name] = float(value)
        return samples

    def logs(self) -> list[dict[str, Any]]:
        """The service's own log lines that are JSON."""
        lines = []
        for line in self.process.err_path.read_text(errors="replace").splitlines():
            if line.startswith("{"):
                lines.append(json.loads(line))
        return lines

    def assert_log_is_clean(self) -> None:
        """Fails when the service wrote anything but JSON lines (a crash report, for example)."""
        for line in self.process.err_path.read_text(errors="replace").splitlines():
            assert line.startswith("{"), f"{self.name} wrote: {line[:500]}"


class StoringService(Service):
    """What ingest and apm-server have in common: a port for senders, a store behind, dead letters."""

    def __init__(
        self,
        processes: ProcessGroup,
        store_urls: Sequence[str],
        changes: Mapping[str, Any] | None = None,
        name: str = "",
    ) -> None:
        self.port = free_port()
        output = {"output": {"elasticsearch": {"hosts": list(store_urls), "backoff": FAST_BACKOFF}}}
        super().__init__(processes, name or self.program, merged(merged(self.own_configuration(), output), changes or {}))

    def own_configuration(self) -> dict[str, Any]:
        """What the program needs besides its store."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Whether both ports are open."""
        return is_listening(self.port) and super().is_ready()

    @property
    def dead_letter_lines(self) -> list[dict[str, Any]]:
        """All lines of the dead-letter files; each must be JSON."""
        return dead_letter_lines(self.data_directory)


class Ingest(StoringService):
    """The `ingest` service with one input of pipeline nginx-access."""

    program = "ingest"

    def input(self, port: int, pipeline: str = "nginx-access", **more: Any) -> dict[str, Any]:
        """An entry of `inputs`."""
        return {"port": port, "host": "127.0.0.1", "pipeline": pipeline, **more}

    def reloads(self) -> dict[str, Any]:
        """How reloads ended so far."""
        return self.stats()["reloads"]

    def signal_and_wait(self, seconds: float = 15) -> None:
        """SIGHUP; returns when one more reload is counted."""

        def counted() -> int:
            reloads = self.reloads()
            return reloads["successes"] + reloads["failures"]

        before = counted()
        self.process.signal(signal.SIGHUP)
        wait_until(lambda: counted() == before + 1, seconds, "the reload to be counted")

    def own_configuration(self) -> dict[str, Any]:
        """One input on the port."""
        return {
            "workers": 2,
            "inputs": [self.input(self.port)],
            "user_agent": {"regexes": str(USER_AGENT_REGEXES)},
            # Test lines carry the dates of whoever recorded them.
            "pipelines": {"nginx-access": {"oldest_event": "36500d"}},
        }


class APMServer(StoringService):
    """The `apm-server` service."""

    program = "apm-server"

    def own_configuration(self) -> dict[str, Any]:
        """Where agents reach it."""
        return {"host": "127.0.0.1", "port": self.port}

    @property
    def url(self) -> str:
        """Where agents send to."""
        return f"http://127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        """Whether both ports are open; a Unix socket opens before the monitoring port."""
        is_unix = self.configuration["host"].startswith("unix:")
        return Service.is_ready(self) if is_unix else super().is_ready()


def dead_letter_lines(folder: Path) -> list[dict[str, Any]]:
    """All lines of the dead-letter files below `folder`, without one that is being written and has no end yet."""
    lines = []
    for path in sorted(folder.rglob("*.ndjson*")):
        complete = path.read_bytes().rpartition(b"\n")[0]
        lines += [json.loads(line) for line in complete.splitlines()]
    return lines


class Shipper(Service):
    """The `shipper` service with one input."""

    program = "shipper"

    def is_ready(self) -> bool:
        """Whether it says that it has started; its inputs are being read by then."""
        return self.process.has_logged('"started"')

    def __init__(
        self,
        processes: ProcessGroup,
        paths: Sequence[str | os.PathLike[str]],
        ports: Sequence[int],
        changes: Mapping[str, Any] | None = None,
        input_changes: Mapping[str, Any] | None = None,
        name: str = "shipper",
    ) -> None:
        one_input = merged(
            {"paths": [os.fspath(path) for path in paths], "dataset": "nginx.access", "scan_interval": "500ms"},
            input_changes or {},
        )
        super().__init__(
            processes,
            name,
            merged(
                {
                    "name": "web-1",
                    "inputs": [one_input],
                    "output": {"hosts": [f"127.0.0.1:{port}" for port in ports], "backoff": FAST_BACKOFF},
                },
                changes or {},
            ),
        )
