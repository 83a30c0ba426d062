"""`shipper test output` against good receivers and all kinds of bad ones, and `shipper test config`."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.certificates import Certificate, CertificateAuthority
from harness.loglines import append, lines
from harness.ports import free_port
from harness.processes import ProcessGroup
from harness.services import Ingest, run_to_end
from harness.store import BulkStore

StartIngest = Callable[..., Ingest]
ACK_0 = "  protocol     OK    answers an empty window with ack 0"


def write_configuration(folder: Path, hosts: list[str], **output: Any) -> Path:
    """A configuration whose input has lines, which no test may send."""
    log = folder / "access.log"
    if not log.exists():
        append(log, lines(range(10)))
    path = folder / "shipper.yml"
    configuration = {
        "data_directory": str(folder / "data"),
        "inputs": [{"paths": [str(log)]}],
        "output": {"hosts": hosts, "connect_timeout": "3s"} | output,
    }
    path.write_text(yaml.safe_dump(configuration))
    return path


def check_output(folder: Path, *hosts: str, **output: Any) -> tuple[int, list[str]]:
    """Exit code and lines of `test output` with such hosts."""
    completed = run_to_end("shipper", "test", "output", "--config", write_configuration(folder, list(hosts), **output))
    assert completed.stderr == b""
    assert not (folder / "data").exists(), "a test leaves nothing behind"
    return completed.returncode, completed.stdout.decode().splitlines()


def before_tls(port: int) -> list[str]:
    """The lines of the steps that go well with a listening port."""
    return [
        f"127.0.0.1:{port}",
        f"  parse        OK    host 127.0.0.1, port {port}",
        "  resolve      OK    127.0.0.1",
        f"  connect      OK    127.0.0.1:{port}",
    ]


@contextlib.contextmanager
def server(answer: bytes | None, closes: bool = False) -> Iterator[int]:
    """A port that answers the first bytes of each connection with `answer`, or is silent for ever."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            with contextlib.suppress(OSError):
                connection.recv(4096)
                if answer is not None:
                    connection.sendall(answer)
                if closes:
                    connection.close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in connections:
            connection.close()


@pytest.fixture(scope="module")
def certificate(authority: CertificateAuthority) -> Certificate:
    """A certificate for localhost and 127.0.0.1."""
    return authority.issue("output-test-server")


@pytest.fixture
def secure_ingest(processes: ProcessGroup, store: BulkStore, certificate: Certificate) -> Ingest:
    """A running ingest with TLS."""
    return start_secure(processes, store, certificate)


def start_secure(processes: ProcessGroup, store: BulkStore, certificate: Certificate, **tls: Any) -> Ingest:
    """Starts an ingest that shows this certificate."""
    ingest = Ingest(processes, [store.url])
    section = {"enabled": True, "certificate": str(certificate.certificate), "key": str(certificate.key)} | tls
    ingest.configure({"inputs": [{"port": ingest.port, "host": "127.0.0.1", "pipeline": "nginx-access", "tls": section}]})
    ingest.start()
    return ingest


class TestReceivers:
    def test_ingest(self, tmp_path: Path, store: BulkStore, start_ingest: StartIngest) -> None:
        ingest = start_ingest(store.url)
        assert check_output(tmp_path, f"127.0.0.1:{ingest.port}") == (0, [*before_tls(ingest.port), ACK_0])
        assert store.count() == 0
        assert [entry for entry in ingest.logs() if entry["log.level"] not in ("debug", "info")] == []

    def test_one_that_says_nothing_to_an_empty_window(self, tmp_path: Path) -> None:
        with server(None) as port:
            silence = "  protocol     OK    no answer to an empty window, which some receivers do"
            assert check_output(tmp_path, f"127.0.0.1:{port}") == (0, [*before_tls(port), silence])

    def test_nothing_listens(self, tmp_path: Path) -> None:
        port = free_port()
        assert check_output(tmp_path, f"127.0.0.1:{port}") == (
            1,
            [
                *before_tls(port)[:3],
                "  connect      FAILED",
                f"    127.0.0.1:{port}: Connection refused; is the receiver running, and does a firewall let connections to "
                "this port through?",
            ],
        )

    def test_a_name_that_does_not_exist(self, tmp_path: Path) -> None:
        code, output = check_output(tmp_path, "no-such-host.invalid:5044")
        assert code == 1
        assert output[:3] == [
            "no-such-host.invalid:5044",
            "  parse        OK    host no-such-host.invalid, port 5044",
            "  resolve      FAILED",
        ]
        assert output[3].startswith("    cannot resolve no-such-host.invalid: ")
        assert len(output) == 4

    def test_one_good_and_one_bad(self, tmp_path: Path) -> None:
        """Each is tested, and one that fails is a failure."""
        with server(b"2A\0\0\0\0") as port:
            code, output = check_output(tmp_path, f"127.0.0.1:{free_port()}", f"127.0.0.1:{port}")
            assert code == 1
            assert output[3] == "  connect      FAILED"
            assert output[5:] == [*before_tls(port), ACK_0]

    @pytest.mark.parametrize(
        ("answer", "closes", "reason"),
        [
            (
                b"HTTP/1.1 400 Bad Request\r\n\r\n",
                True,
                'it does not speak Lumberjack, its answer begins with "HTTP/1.1 400 Bad Request....";'
                " are host and port those of ingest?",
            ),
            (b"\x15\x03\x01\x00\x02\x02\x46", True, "it answers in TLS: set output.tls.enabled: true"),
            (b"2A\0\0\0\7", False, "it acknowledges event 7, and none was sent"),
            (b"2A\0", False, "its answer ends inside an ack"),
            (
                None,
                True,
                "the peer closed the connection on an empty window; is it a Lumberjack receiver, and without TLS? "
                "With it, set output.tls.enabled: true",
            ),
        ],
        ids=["http", "tls", "wrong ack", "half an ack", "hangs up"],
    )
    def test_something_else(self, tmp_path: Path, answer: bytes | None, closes: bool, reason: str) -> None:
        with server(answer, closes) as port:
            assert check_output(tmp_path, f"127.0.0.1:{port}") == (
                1,
                [*before_tls(port), "  protocol     FAILED", f"    {reason}"],
            )


class TestTLS:
    @pytest.mark.parametrize("trust", ["authority", "fingerprint", "certificate", "none"])
    def test_a_good_one(
        self,
        tmp_path: Path,
        store: BulkStore,
        secure_ingest: Ingest,
        authority: CertificateAuthority,
        certificate: Certificate,
        trust: str,
    ) -> None:
        section = {
            "authority": {"certificate_authorities": [str(authority.root.certificate)]},
            "fingerprint": {"fingerprint": certificate.fingerprint},
            "certificate": {
                "certificate_authorities": [str(authority.root.certificate)],
                "verification_mode": "certificate",
                "server_name": "elsewhere.example",
            },
            "none": {"verification_mode": "none"},
        }[trust]
        checked = {"authority": "full", "fingerprint": "full, by fingerprint"}.get(trust, trust)
        code, output = check_output(tmp_path, f"127.0.0.1:{secure_ingest.port}", tls={"enabled": True} | section)
        assert code == 0, output
        assert output[:4] == before_tls(secure_ingest.port)
        subject, issuer = "/CN=output-test-server", "/CN=test-ca"
        assert output[4].startswith(f"  TLS          OK    TLSv1.3; {subject}, signed by {issuer}, until 20")
        assert output[4].endswith(f"; verification: {checked}")
        assert output[5:] == [ACK_0]
        assert store.count() == 0

    @pytest.mark.parametrize(
        ("section", "reason"),
        [
            ({}, "no known authority signed it; add the right one to certificate_authorities"),
            ({"fingerprint": "ab:" * 31 + "ab"}, "no certificate of its chain has the SHA-256 in fingerprint; the last of the chain has "),
            ({"server_name": "elsewhere.example", "trusted": True}, "it is not made for elsewhere.example"),
        ],
        ids=["system authorities", "other fingerprint", "other name"],
    )
    def test_a_certificate_that_is_refused(
        self,
        tmp_path: Path,
        secure_ingest: Ingest,
        authority: CertificateAuthority,
        section: dict[str, Any],
        reason: str,
    ) -> None:
        section = dict(section)
        if section.pop("trusted", False):
            section["certificate_authorities"] = [str(authority.root.certificate)]
        code, output = check_output(tmp_path, f"127.0.0.1:{secure_ingest.port}", tls={"enabled": True} | section)
        assert code == 1
        assert output[:5] == [*before_tls(secure_ingest.port), "  TLS          FAILED"]
        assert output[5].startswith(f"    TLS: the peer's certificate is refused: {reason}")
        assert len(output) == 6

    def test_a_wrong_authority(
        self, tmp_path: Path, secure_ingest: Ingest, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        stranger = CertificateAuthority(tmp_path_factory.mktemp("stranger"), "stranger-ca")
        section = {"enabled": True, "certificate_authorities": [str(stranger.root.certificate)]}
        code, output = check_output(tmp_path, f"127.0.0.1:{secure_ingest.port}", tls=section)
        assert code == 1 and output[4] == "  TLS          FAILED"
        assert "no known authority signed it" in output[5]

    def test_a_receiver_without_tls(self, tmp_path: Path, store: BulkStore, start_ingest: StartIngest) -> None:
        ingest = start_ingest(store.url)
        code, output = check_output(tmp_path, f"127.0.0.1:{ingest.port}", tls={"enabled": True})
        assert code == 1 and output[4] == "  TLS          FAILED"
        assert output[5].endswith("; if the receiver has no TLS, set output.tls.enabled: false")

    def test_a_receiver_with_tls_and_a_shipper_without(self, tmp_path: Path, secure_ingest: Ingest) -> None:
        code, output = check_output(tmp_path, f"127.0.0.1:{secure_ingest.port}")
        assert code == 1 and output[4] == "  protocol     FAILED"
        assert "set output.tls.enabled: true" in output[5]

    def test_a_receiver_that_wants_to_know_who_comes(
        self,
        tmp_path: Path,
        processes: ProcessGroup,
        store: BulkStore,
        authority: CertificateAuthority,
        certificate: Certificate,
    ) -> None:
        trusted = [str(authority.root.certificate)]
        ingest = start_secure(
            processes, store, certificate, client_authentication="required", certificate_authorities=trusted
        )
        section: dict[str, Any] = {"enabled": True, "certificate_authorities": trusted}
        code, output = check_output(tmp_path, f"127.0.0.1:{ingest.port}", tls=section)
        # In TLS 1.3 the server judges after the client's handshake is done.
        assert code == 1 and output[4] == "  TLS          FAILED"
        assert "it wants a client certificate, set tls.certificate and tls.key" in output[5]
        mine = authority.issue("output-test-client", "DNS:web-1")
        section |= {"certificate": str(mine.certificate), "key": str(mine.key)}
        code, output = check_output(tmp_path, f"127.0.0.1:{ingest.port}", tls=section)
        assert (code, output[5:]) == (0, [ACK_0])

    def test_shipping_with_a_fingerprint(
        self,
        tmp_path: Path,
        store: BulkStore,
        secure_ingest: Ingest,
        certificate: Certificate,
        start_shipper: Callable[..., Any],
    ) -> None:
        """The service itself trusts what the test trusts, and nothing else."""
        log = tmp_path / "fingerprint.log"
        append(log, lines(range(1_000)))
        section = {"enabled": True, "fingerprint": "00" * 32}
        shipper = start_shipper([log], secure_ingest.port, changes={"output": {"tls": section}})
        shipper.process.wait_for_output("the last of the chain has", 10)
        assert store.count() == 0
        assert shipper.process.terminate() == 0
        shipper.configure({"output": {"tls": {"fingerprint": certificate.fingerprint.upper()}}})
        shipper.start()
        store.wait_for_count(1_000, 20)


class TestCommandLine:
    def test_config_is_check(self, tmp_path: Path) -> None:
        path = write_configuration(tmp_path, ["127.0.0.1:5044"])
        outputs = [run_to_end("shipper", *words, "--config", path) for words in (["check"], ["test", "config"])]
        assert [output.returncode for output in outputs] == [0, 0]
        assert outputs[0].stdout == outputs[1].stdout and b"access.log" in outputs[1].stdout

    @pytest.mark.parametrize("words", [[], ["input"], ["output", "more"], ["output", "config"]], ids=" ".join)
    def test_it_says_what_can_be_tested(self, tmp_path: Path, words: list[str]) -> None:
        completed = run_to_end("shipper", "test", *words, "--config", write_configuration(tmp_path, ["127.0.0.1:5044"]))
        message = 'shipper: what to test? Try "shipper test output" or "shipper test config".\n'
        assert (completed.returncode, completed.stdout, completed.stderr.decode()) == (2, b"", message)

    @pytest.mark.parametrize(
        ("output", "complaint"),
        [
            ({"hosts": ["a:b"]}, 'output.hosts: "a:b" is not host:port'),
            ({"workers": 2}, "output.workers: more than one connection per host needs load_balance: true"),
            ({"ttl": "soon"}, "output.ttl: "),
            ({"tls": {"fingerprint": "12"}}, "output.tls.fingerprint: is not a SHA-256 in hexadecimal"),
        ],
        ids=["hosts", "workers", "ttl", "fingerprint"],
    )
    def test_a_wrong_configuration_is_not_tested(self, tmp_path: Path, output: dict[str, Any], complaint: str) -> None:
        path = write_configuration(tmp_path, output.pop("hosts", ["127.0.0.1:5044"]), **output)
        completed = run_to_end("shipper", "test", "output", "--config", path)
        assert completed.returncode == 2 and completed.stdout == b""
        assert complaint in completed.stderr.decode()
