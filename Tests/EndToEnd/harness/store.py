"""Handle on a `bulk_store.py` process: starts it, makes it faulty, counts what is in it."""

from __future__ import annotations

import http.client
import json
import ssl
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .certificates import Certificate
from .ports import free_port
from .processes import ChildProcess, ProcessGroup

PROGRAM = Path(__file__).with_name("bulk_store.py")


@dataclass(frozen=True)
class Document:
    """One stored document."""

    index: str
    id: str
    source: dict[str, Any]


class BulkStore:
    """The durable, strict bulk store of this test suite. Killing and restarting keeps port and data."""

    def __init__(
        self,
        processes: ProcessGroup,
        certificate: Certificate | None = None,
        authorization: str | None = None,
        client_authority: Path | None = None,
        name: str = "store",
    ) -> None:
        self.port = free_port()
        self.uses_tls = certificate is not None
        self._client_certificate: Certificate | None = None
        arguments: list[str] = [
            sys.executable, "-S", str(PROGRAM), "--port", str(self.port), "--data", str(processes.folder / f"{name}-data"),
        ]  # fmt: skip
        if certificate is not None:
            arguments += ["--certificate", str(certificate.certificate), "--key", str(certificate.key)]
        if client_authority is not None:
            arguments += ["--client-authority", str(client_authority)]
        if authorization is not None:
            arguments += ["--authorization", authorization]
        self.process = processes.add(ChildProcess(name, arguments, processes.folder, is_ready=self._answers))

    @property
    def url(self) -> str:
        """What goes into `output.elasticsearch.hosts`."""
        return f"{'https' if self.uses_tls else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> "BulkStore":
        """Starts (or restarts) the process and waits until it answers."""
        self.process.start()
        return self

    def use_client_certificate(self, certificate: Certificate) -> None:
        """For stores that demand client certificates: what the control connection shows."""
        self._client_certificate = certificate

    # Faults

    def fault(self, kind: str, **details: Any) -> None:
        """Adds a fault; see `bulk_store.Fault`."""
        self._control("POST", "/_control/faults", json.dumps({"kind": kind} | details).encode())

    def clear_faults(self) -> None:
        """Good answers again; hanging requests end."""
        self._control("DELETE", "/_control/faults")

    def faults(self) -> list[dict[str, Any]]:
        """The active faults with their use counts."""
        return json.loads(self._control("GET", "/_control/faults"))

    def install_template(self, name: str, template: Mapping[str, Any]) -> None:
        """An index template that is there before anyone installs one."""
        self._control("PUT", f"/_index_template/{name}", json.dumps(template).encode())

    def list_nodes(self, nodes: Mapping[str, Mapping[str, Any]]) -> None:
        """What `GET /_nodes/http` answers from now on."""
        self._control("POST", "/_control/nodes", json.dumps(nodes).encode())

    # What apm-server asks besides

    def allow_api_keys(self, keys: Mapping[str, Sequence[str]]) -> None:
        """Base64 of `id:key` → privileges (`event:write`, `config_agent:read`)."""
        self._control("POST", "/_control/api_keys", json.dumps(keys).encode())

    def configure_agents(self, configurations: Sequence[Mapping[str, Any]]) -> None:
        """What Kibana would have written to its index of agent configurations."""
        self._control("POST", "/_control/agent_configurations", json.dumps(configurations).encode())

    # Contents

    def count(self) -> int:
        """How many documents there are now."""
        return json.loads(self._control("GET", "/_control/count"))["count"]

    def wait_for_count(self, at_least: int, seconds: float) -> int:
        """Waits for so many documents; fails with the count when they do not come."""
        path = f"/_control/count?at_least={at_least}&seconds={seconds}"
        count = json.loads(self._control("GET", path, timeout=seconds + 10))["count"]
        assert count >= at_least, f"{count} of {at_least} documents after {seconds:g} s; {self.summary()}"
        return count

    def documents(self) -> Iterator[Document]:
        """All documents, in order of arrival."""
        for line in self._control("GET", "/_control/documents", timeout=60).splitlines():
            row = json.loads(line)
            yield Document(row["_index"], row["_id"], row["_source"])

    def statistics(self) -> dict[str, Any]:
        """Counters since the process started, violations, templates and policies."""
        return json.loads(self._control("GET", "/_control/statistics"))

    def summary(self) -> str:
        """Short text for failure messages."""
        statistics = self.statistics()
        kept = ("requests", "bulk_requests", "created", "conflicts", "refused_items", "violations")
        return str({key: statistics[key] for key in kept})

    def assert_no_violations(self) -> None:
        """Fails when any request broke the bulk format."""
        violations = self.statistics()["violations"]
        assert not violations, f"the store saw bad requests: {violations[:5]}"

    # HTTP

    def _answers(self) -> bool:
        try:
            self._control("GET", "/_control/count", timeout=1)
        except (OSError, http.client.HTTPException):
            return False
        return True

    def _control(self, method: str, path: str, body: bytes = b"", timeout: float = 10) -> bytes:
        connection: http.client.HTTPConnection
        if self.uses_tls:
            context = ssl._create_unverified_context()
            if self._client_certificate is not None:
                context.load_cert_chain(self._client_certificate.certificate, self._client_certificate.key)
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            data = response.read()
            assert response.status == 200, f"{method} {path}: {response.status} {data[:200]!r}"
            return data
        finally:
            connection.close()
