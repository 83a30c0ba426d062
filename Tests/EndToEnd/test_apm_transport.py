"""What agents reach apm-server over: TLS with and without client certificates, and Unix sockets."""

from __future__ import annotations

import http.client
import json
import random
import shutil
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.apm import INTAKE, Answer, SampledLoop, gzipped, metadata, ndjson, request, transaction
from harness.certificates import Certificate, CertificateAuthority
from harness.processes import ProcessGroup
from harness.services import APMServer, run_to_end
from harness.store import BulkStore
from harness.waiting import wait_until

StartAPMServer = Callable[..., APMServer]

TOKEN = "s3cret-T0ken"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
GOOD = ndjson(metadata(), transaction(1))


@pytest.fixture(scope="module")
def certificate(authority: CertificateAuthority) -> Certificate:
    """Of the server."""
    return authority.issue("apm-server")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """A CA that nobody trusts."""
    return CertificateAuthority(tmp_path_factory.mktemp("stranger"), "stranger-ca")


def tls_request(server: APMServer, context: ssl.SSLContext, body: bytes = GOOD) -> int:
    """The status of an intake request over TLS."""
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=10, context=context)
    try:
        connection.request("POST", INTAKE, body, {"Content-Type": "application/x-ndjson"})
        return connection.getresponse().status
    finally:
        connection.close()


def trusting(authority: CertificateAuthority, client: Certificate | None = None) -> ssl.SSLContext:
    """A client that trusts that authority alone, and shows its certificate if it has one."""
    context = ssl.create_default_context(cafile=str(authority.root.certificate))
    if client is not None:
        context.load_cert_chain(client.certificate, client.key)
    return context


def section(certificate: Certificate, **more: Any) -> dict[str, Any]:
    """The `tls` section."""
    return {"tls": {"enabled": True, "certificate": str(certificate.certificate), "key": str(certificate.key)} | more}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1")
def test_tls(
    store: BulkStore, start_apm_server: StartAPMServer, authority: CertificateAuthority, certificate: Certificate, stranger: CertificateAuthority
) -> None:
    """A server certificate: who trusts it comes in, the others turn away; old protocols and plain HTTP get nothing."""
    server = start_apm_server(store.url, changes=section(certificate))
    assert tls_request(server, trusting(authority)) == 202
    with pytest.raises(ssl.SSLCertVerificationError):
        tls_request(server, trusting(stranger))
    old = trusting(authority)
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        tls_request(server, old)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        one = trusting(authority)
        one.minimum_version = one.maximum_version = version
        assert tls_request(server, one) == 202
    # Plain HTTP, noise, and someone who says nothing: refused or dropped, and the server lives on.
    with pytest.raises((OSError, http.client.HTTPException)):
        request(server.port, "GET", "/", timeout=5)
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        client.sendall(b"\x16\x03\x01" + random.Random(1).randbytes(500))
        try:
            while client.recv(4096):
                pass
        except OSError:
            pass
    silent = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(20)]
    assert tls_request(server, trusting(authority), gzipped(ndjson(metadata(), *map(transaction, range(5_000))))) == 202
    for client in silent:
        client.close()
    store.wait_for_count(5_003, 10)
    server.assert_log_is_clean()


def test_client_certificates(
    store: BulkStore, start_apm_server: StartAPMServer, authority: CertificateAuthority, certificate: Certificate, stranger: CertificateAuthority
) -> None:
    """Required: none, a wrong and an expired one are refused. Optional: none is fine, a wrong one is not."""
    client = authority.issue("agent", "DNS:agent-1")
    wrong = stranger.issue("agent", "DNS:agent-1")
    for mode in ("required", "optional"):
        changes = section(certificate, client_authentication=mode, certificate_authorities=[str(authority.root.certificate)])
        server = start_apm_server(store.url, changes=changes, name=mode)
        assert tls_request(server, trusting(authority, client)) == 202
        with pytest.raises((OSError, http.client.HTTPException)):
            tls_request(server, trusting(authority, wrong))
        if mode == "required":
            with pytest.raises((OSError, http.client.HTTPException)):
                tls_request(server, trusting(authority))
        else:
            assert tls_request(server, trusting(authority)) == 202
        assert server.process.terminate() == 0
        server.assert_log_is_clean()
    assert sum(d.index.startswith("traces-apm") for d in store.documents()) == 3


def test_certificates_that_do_not_fit(
    tmp_path: Path, authority: CertificateAuthority, certificate: Certificate
) -> None:
    """A key of another certificate, and a file that is none: the start fails and names the file."""
    other = authority.issue("other")
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("no certificate")
    for first, second, name in ((certificate.certificate, other.key, other.key), (garbage, certificate.key, garbage)):
        overrides = {"tls.enabled": "true", "tls.certificate": first, "tls.key": second, "port": 0, "monitoring.port": 0, "data_directory": tmp_path / "data"}
        words = [word for key, value in overrides.items() for word in ("--set", f"{key}={value}")]
        path = tmp_path / "apm-server.yml"
        path.write_text("logging: {format: json}\n")
        completed = run_to_end("apm-server", "--config", path, *words)
        assert completed.returncode in (1, 2), completed
        assert str(name) in completed.stderr.decode().replace("\\/", "/"), completed.stderr.decode()


@pytest.mark.parametrize("how", ["authority", "pinned"])
def test_a_real_agent_over_tls(
    how: str, store: BulkStore, start_apm_server: StartAPMServer, processes: ProcessGroup, authority: CertificateAuthority, certificate: Certificate
) -> None:
    """Elastic's agent with the authority's certificate, and with the server's own."""
    server = start_apm_server(store.url, changes=section(certificate) | {"auth": {"secret_token": TOKEN}})
    setting = {"server_ca_cert_file": str(authority.root.certificate)} if how == "authority" else {"server_cert": str(certificate.certificate)}
    loop = SampledLoop(processes, server.url.replace("http://", "https://"), secret_token=TOKEN, **setting)
    wait_until(lambda: sum(d.index.startswith("traces-apm") for d in store.documents()) > 5, 20, "transactions", 0.1)
    assert "ERROR" not in loop.process.output()


def test_a_real_agent_turns_away(
    store: BulkStore, start_apm_server: StartAPMServer, processes: ProcessGroup, certificate: Certificate, stranger: CertificateAuthority
) -> None:
    """It trusts another authority."""
    server = start_apm_server(store.url, changes=section(certificate))
    loop = SampledLoop(processes, server.url.replace("http://", "https://"), server_ca_cert_file=str(stranger.root.certificate))
    loop.process.wait_for_output("certificate verify failed")
    assert not [d for d in store.documents() if d.index.startswith("traces-apm")]
    server.assert_log_is_clean()


# Unix sockets


@pytest.fixture
def socket_path() -> Iterator[Path]:
    """Where a socket may be made; short, for such addresses have 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="apm-"))
    yield folder / "apm.sock"
    shutil.rmtree(folder)


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        """Connects to the file instead of a port."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(self._path))


def unix_request(path: Path, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """One request over the socket."""
    connection = UnixConnection(path)
    try:
        connection.request(method, target, body, dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def test_unix_socket(store: BulkStore, start_apm_server: StartAPMServer, socket_path: Path) -> None:
    """All is as on a port; a proxy in front names the client; the file goes with the server."""
    server = start_apm_server(store.url, changes={"host": f"unix:{socket_path}", "auth": {"secret_token": TOKEN}})
    assert unix_request(socket_path, "GET", "/").body == b""
    assert unix_request(socket_path, "GET", "/", headers=BEARER).json["version"] == "9.5.2"
    kind = {"Content-Type": "application/x-ndjson"}
    assert unix_request(socket_path, "POST", INTAKE, GOOD, kind).status == 401
    assert unix_request(socket_path, "POST", INTAKE, GOOD, kind | BEARER).status == 202
    body = gzipped(ndjson(metadata(), transaction(2)))
    assert unix_request(socket_path, "POST", INTAKE, body, kind | BEARER | {"X-Forwarded-For": "192.0.2.7"}).status == 202
    documents = {d.source["transaction"]["id"]: d.source for d in store.documents() if d.index.startswith("traces")}
    assert "host" not in documents[f"{1:016x}"] or "ip" not in documents[f"{1:016x}"]["host"]
    assert documents[f"{2:016x}"]["host"]["ip"] == ["192.0.2.7"]
    assert f"unix:{socket_path}" in json.dumps(server.stats()["listening"]).replace("\\/", "/")
    assert server.process.terminate() == 0
    assert not socket_path.exists()
    server.assert_log_is_clean()


def test_stale_socket_files(store: BulkStore, start_apm_server: StartAPMServer, socket_path: Path, tmp_path: Path) -> None:
    """That of a killed server is replaced; that of a living one, and a file that is no socket, are not."""
    server = start_apm_server(store.url, changes={"host": f"unix:{socket_path}"})
    server.process.kill()
    assert socket_path.is_socket()
    server.start()
    assert unix_request(socket_path, "GET", "/").status == 200

    def second(path: Path) -> str:
        configuration = tmp_path / "second.yml"
        configuration.write_text(f"host: unix:{path}\nmonitoring: {{port: 0}}\ndata_directory: {tmp_path}/second\nlogging: {{format: json}}\n")
        completed = run_to_end("apm-server", "--config", configuration)
        assert completed.returncode == 1, completed
        return completed.stderr.decode().replace("\\/", "/")

    assert f"unix:{socket_path}" in second(socket_path)
    assert unix_request(socket_path, "GET", "/").status == 200
    precious = tmp_path / "precious"
    precious.write_text("data")
    second(precious)
    assert precious.read_text() == "data"
    assert "no-such-folder" in second(Path("/no-such-folder/a.sock"))
    assert "x" * 200 in second(Path("/tmp/" + "x" * 200))
