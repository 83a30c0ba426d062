"""What SECURITY.md says of ports, TLS, secrets and files, for all three services; it may say nothing that no test shows."""

from __future__ import annotations

import re
import ssl
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.certificates import Certificate, CertificateAuthority
from harness.loglines import append, lines
from harness.lumberjack import Receiver, Sender, event_window
from harness.ports import is_listening
from harness.processes import ChildProcess, ProcessGroup
from harness.services import REPOSITORY, APMServer, Ingest, Shipper, binary
from harness.store import BulkStore
from harness.waiting import wait_until

PAGE = REPOSITORY / "SECURITY.md"


def test_the_page_names_tests_that_exist() -> None:
    """Every statement of a table ends with the test that shows it."""
    rows = [row.strip("| \n").split(" | ") for row in PAGE.read_text().splitlines() if row.startswith("| ") and "`" in row.rpartition("|")[0].rpartition("|")[2]]
    named = [match for row in rows for match in re.findall(r"`([\w/]+\.(?:py|swift))(?:::(\w+))?`", row[-1])]
    assert len(named) >= 20
    for file, name in named:
        paths = [path for path in (REPOSITORY / "Tests").rglob(Path(file).name) if str(path).endswith(file)]
        assert paths, f"{file} does not exist"
        assert not name or re.search(rf"(?:def|func) {name}\b", paths[0].read_text()), f"{file} has no {name}"


def listening(process: ChildProcess) -> set[str]:
    """Addresses that a process listens on, as `ADDRESS:PORT`."""
    output = subprocess.run(["ss", "--listening", "--tcp", "--numeric", "--no-header", "--processes"], capture_output=True, text=True, check=True).stdout
    return {line.split()[3] for line in output.splitlines() if f"pid={process.pid}," in line}


@pytest.mark.parametrize(("service", "public"), [("shipper", set()), ("ingest", {"5044"}), ("apm-server", set())])
def test_only_data_ports_are_public_by_default(service: str, public: set[str], processes: ProcessGroup, tmp_path: Path) -> None:
    """Started with nothing but a data directory: what is reachable from elsewhere, with every other port on loopback."""
    taken = [port for port in (5044, 5066, 5067, 8200, 9600) if is_listening(port)]
    if taken:
        pytest.skip(f"another program listens on {taken}")
    arguments = [binary(service), "--config", "/dev/null", "--set", f"data_directory={tmp_path / 'data'}"]
    if service == "shipper":
        arguments += ["--set", f"inputs=[{{paths: [{tmp_path}/*.log]}}]"]
    port = {"shipper": 5066, "ingest": 9600, "apm-server": 5067}[service]
    process = processes.add(ChildProcess(service, arguments, processes.folder, is_ready=lambda: is_listening(port)))
    process.start()
    addresses = listening(process)
    assert f"127.0.0.1:{port}" in addresses
    assert {address.rpartition(":")[2] for address in addresses if not address.startswith(("127.", "[::1]"))} == public


@pytest.fixture(scope="module")
def good(authority: CertificateAuthority) -> Certificate:
    return authority.issue("good")


@pytest.fixture(scope="module")
def expired(authority: CertificateAuthority) -> Certificate:
    """Signed by the right authority, for the right names, and over since yesterday."""
    return authority.issue("expired", days=-1)


def secure(authority: CertificateAuthority, certificate: Certificate) -> dict[str, object]:
    """The `tls` section of a server that insists on clients' certificates."""
    return {
        "enabled": True, "certificate": str(certificate.certificate), "key": str(certificate.key),
        "certificate_authorities": [str(authority.root.certificate)], "client_authentication": "required",
    }  # fmt: skip


@pytest.fixture(params=["ingest", "apm-server"])
def tls_port(request: pytest.FixtureRequest, processes: ProcessGroup, store: BulkStore, authority: CertificateAuthority, good: Certificate) -> int:
    """The data port of a server that speaks TLS to clients with a certificate."""
    if request.param == "apm-server":
        server = APMServer(processes, [store.url], {"tls": secure(authority, good)})
        server.start()
        return server.port
    ingest = Ingest(processes, [store.url])
    ingest.configure({"inputs": [ingest.input(ingest.port, tls=secure(authority, good))]})
    ingest.start()
    return ingest.port


def handshake(port: int, authority: CertificateAuthority, client: Certificate | None, *options: str) -> str:
    """What `openssl s_client` says of a connection; it reads the server's first answer, which is where TLS 1.3 refuses."""
    identity = ["-cert", client.certificate, "-key", client.key] if client else []
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", authority.root.certificate, "-verify_return_error", *identity, *options],
        input="2W\0\0\0\0" if not options else "", capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_old_protocols_and_weak_suites_are_refused(tls_port: int, authority: CertificateAuthority, good: Certificate) -> None:
    """A client that would take anything gets TLS 1.2 or 1.3 with a strong suite, or nothing."""
    weakest = ["-cipher", "ALL:@SECLEVEL=0"]
    for accepted in ("-tls1_2", "-tls1_3"):
        assert "Verify return code: 0 (ok)" in handshake(tls_port, authority, good, accepted)
    for refused in ("-tls1", "-tls1_1"):
        said = handshake(tls_port, authority, good, refused, *weakest)
        assert re.search(r"Cipher is \(NONE\)|alert protocol version|no protocols available", said), said
    for suites in ("RC4:3DES:@SECLEVEL=0", "aNULL:eNULL:@SECLEVEL=0", "EXPORT:LOW:DES:@SECLEVEL=0"):
        said = handshake(tls_port, authority, good, "-tls1_2", "-cipher", suites)
        assert re.search(r"Cipher is \(NONE\)|no cipher match|handshake failure", said), said


def test_clients_without_a_good_certificate_are_refused(
    request: pytest.FixtureRequest, tls_port: int, authority: CertificateAuthority, good: Certificate, expired: Certificate, tmp_path: Path
) -> None:
    """None, one of another authority, and one that is over; the one that is good gets through the same door."""
    stranger = CertificateAuthority(tmp_path / "stranger", "stranger").issue("good")
    is_http = "apm-server" in request.node.name

    def is_let_in(client: Certificate | None) -> bool:
        context = ssl.create_default_context(cafile=str(authority.root.certificate))
        if client:
            context.load_cert_chain(client.certificate, client.key)
        try:
            with Sender(tls_port, context, timeout=5) as sender:
                # apm-server answers the one, ingest the other; what is none of its own it closes.
                sender.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" if is_http else event_window([{"message": "x"}]))
                return sender.socket.recv(1) != b""
        except OSError:
            return False

    assert is_let_in(good)
    for client in (None, stranger, expired):
        assert not is_let_in(client), client


def test_expired_servers_are_refused(
    processes: ProcessGroup, authority: CertificateAuthority, expired: Certificate, start_shipper: Callable[..., Shipper],
    start_ingest: Callable[..., Ingest], log: Path
) -> None:  # fmt: skip
    """shipper before it sends a line, ingest before it sends a document."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(expired.certificate, expired.key)
    append(log, lines(range(5)))
    with Receiver(tls=context) as receiver:
        tls = {"enabled": True, "certificate_authorities": [str(authority.root.certificate)]}
        shipper = start_shipper([log], receiver.port, changes={"output": {"tls": tls}})
        wait_until(lambda: shipper.process.has_logged("expired"), 10, "a refusal")
        assert receiver.events == []
    store = BulkStore(processes, certificate=expired, name="expired-store").start()
    section = {"certificate_authorities": [str(authority.root.certificate)]}
    ingest = start_ingest(store.url, changes={"output": {"elasticsearch": {"tls": section}}})
    wait_until(lambda: ingest.process.has_logged("expired"), 10, "a refusal")
    assert store.statistics()["bulk_requests"] == 0


def test_secrets_stay_out_of_logs_arguments_and_statistics(processes: ProcessGroup, store: BulkStore, tmp_path: Path) -> None:
    """A key of Elasticsearch and a token of agents, from files, with everything logged."""
    (tmp_path / "key").write_text("id:very-hidden\n")
    (tmp_path / "token").write_text("most-hidden\n")
    ingest = Ingest(processes, [store.url], {"logging": {"level": "debug"}, "output": {"elasticsearch": {"api_key": "${KEY}"}}})
    ingest.process.environment = {"KEY_FILE": str(tmp_path / "key")}
    server = APMServer(processes, [store.url], {"logging": {"level": "debug"}, "auth": {"secret_token": "${TOKEN}"}, "output": {"elasticsearch": {"api_key": "${KEY}"}}})
    server.process.environment = {"KEY_FILE": str(tmp_path / "key"), "TOKEN_FILE": str(tmp_path / "token")}
    for service in (ingest, server):
        service.start()
        if service is ingest:
            with Sender(ingest.port) as sender:
                sender.send(event_window([{"message": lines(range(1)).decode().strip()}]))
                sender.wait_for_ack(1)
        arguments = Path(f"/proc/{service.process.pid}/cmdline").read_text()
        environment = Path(f"/proc/{service.process.pid}/environ").read_text()
        seen = arguments + environment + str(service.stats()) + str(service.metrics()) + service.health()[1]
        assert service.process.terminate() == 0
        seen += service.process.output() + service.process.err_path.read_text()
        # Base64 of the key is what goes to the store.
        for secret in ("very-hidden", "most-hidden", "aWQ6dmVyeS1oaWRkZW4="):
            assert secret not in seen, service.program


def test_data_is_for_the_owner_only(processes: ProcessGroup, store: BulkStore, start_ingest: Callable[..., Ingest], start_shipper: Callable[..., Shipper], log: Path) -> None:
    """Dead letters and registry hold what logs hold: nobody else reads them, whatever the umask."""
    store.fault("item", match="item", status=400, type="mapper_parsing_exception")
    ingest = start_ingest(store.url)
    append(log, lines(range(3)))
    shipper = start_shipper([log], ingest.port)
    wait_until(lambda: len(ingest.dead_letter_lines) == 3, 20, "dead letters")
    shipper.process.terminate()
    for folder in (ingest.data_directory, shipper.data_directory):
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert files
        for path in files:
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, f"{path}: {path.stat().st_mode:o}"
