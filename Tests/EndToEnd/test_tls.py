"""TLS on both hops: good certificates work, wrong ones are refused with a message that says what to mend."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.certificates import Certificate, CertificateAuthority
from harness.loglines import append, assert_exactly, lines, number_of, numbered
from harness.lumberjack import Receiver, Sender, event_window
from harness.processes import ProcessGroup
from harness.services import Ingest, Shipper
from harness.store import BulkStore
from harness.waiting import stays_true

StartIngest = Callable[..., Ingest]
StartShipper = Callable[..., Shipper]


@pytest.fixture(scope="module")
def server(authority: CertificateAuthority) -> Certificate:
    """A certificate for localhost and 127.0.0.1."""
    return authority.issue("server")


@pytest.fixture(scope="module")
def elsewhere(authority: CertificateAuthority) -> Certificate:
    """A certificate for another name."""
    return authority.issue("elsewhere", "DNS:elsewhere.example")


@pytest.fixture(scope="module")
def client(authority: CertificateAuthority) -> Certificate:
    """A client's certificate."""
    return authority.issue("client", "DNS:web-1")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """A CA that nobody trusts."""
    return CertificateAuthority(tmp_path_factory.mktemp("stranger"), "stranger-ca")


def server_context(certificate: Certificate, client_authority: Path | None = None) -> ssl.SSLContext:
    """TLS settings of a receiver."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    if client_authority is not None:
        context.load_verify_locations(client_authority)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def tls(authority: CertificateAuthority, **more: Any) -> dict[str, Any]:
    """The `tls` section of a shipper."""
    return {"enabled": True, "certificate_authorities": [str(authority.root.certificate)], **more}


class TestShipper:
    def test_ships_over_tls(
        self, log: Path, start_shipper: StartShipper, authority: CertificateAuthority, server: Certificate
    ) -> None:
        append(log, lines(range(5_000)))
        with Receiver(tls=server_context(server)) as receiver:
            start_shipper([log], receiver.port, changes={"output": {"tls": tls(authority)}})
            receiver.wait_for(lambda: sum(len(window.events) for window in receiver.received.windows) >= 5_000, 20, "events")
            receiver.assert_no_violations()
            assert len(receiver.events) == 5_000

    def test_shows_its_certificate(
        self, log: Path, start_shipper: StartShipper, authority: CertificateAuthority, server: Certificate, client: Certificate
    ) -> None:
        append(log, lines(range(10)))
        context = server_context(server, authority.root.certificate)
        with Receiver(tls=context) as receiver:
            section = tls(authority, certificate=str(client.certificate), key=str(client.key))
            start_shipper([log], receiver.port, changes={"output": {"tls": section}})
            receiver.wait_for(lambda: len(receiver.received.windows) >= 1, 20, "events")

    def test_refuses_a_certificate_of_another_ca(
        self, log: Path, start_shipper: StartShipper, authority: CertificateAuthority, stranger: CertificateAuthority
    ) -> None:
        append(log, lines(range(10)))
        with Receiver(tls=server_context(stranger.issue("server"))) as receiver:
            shipper = start_shipper([log], receiver.port, changes={"output": {"tls": tls(authority)}})
            shipper.process.wait_for_output("certificate", 15)
            assert not receiver.events

    def test_refuses_a_certificate_for_another_name(
        self, log: Path, start_shipper: StartShipper, authority: CertificateAuthority, elsewhere: Certificate
    ) -> None:
        append(log, lines(range(10)))
        with Receiver(tls=server_context(elsewhere)) as receiver:
            shipper = start_shipper([log], receiver.port, changes={"output": {"tls": tls(authority)}})
            shipper.process.wait_for_output("certificate", 15)
            assert not receiver.events
            shipper.process.terminate()
            # With the name it is told to expect, or without looking at names, it ships.
            shipper.configure({"output": {"tls": {"server_name": "elsewhere.example"}}})
            shipper.start()
            receiver.wait_for(lambda: len(receiver.received.windows) >= 1, 20, "events")

    def test_looks_at_the_ca_only_when_told(
        self, log: Path, start_shipper: StartShipper, authority: CertificateAuthority, elsewhere: Certificate
    ) -> None:
        append(log, lines(range(10)))
        with Receiver(tls=server_context(elsewhere)) as receiver:
            section = tls(authority, verification_mode="certificate")
            start_shipper([log], receiver.port, changes={"output": {"tls": section}})
            receiver.wait_for(lambda: len(receiver.received.windows) >= 1, 20, "events")

    def test_a_plain_server_behind_a_tls_setting(
        self, log: Path, receiver: Receiver, start_shipper: StartShipper, authority: CertificateAuthority
    ) -> None:
        append(log, lines(range(10)))
        start_shipper([log], receiver.port, changes={"output": {"tls": tls(authority), "timeout": "1s"}})
        receiver.wait_for(lambda: len(receiver.received.violations) > 0, 15, "the hello to be refused")
        stays_true(lambda: not receiver.events, 0.5, "nothing is sent in the clear")


class TestIngest:
    def test_serves_shipper_and_plain_clients_are_refused(
        self,
        store: BulkStore,
        log: Path,
        start_ingest: StartIngest,
        start_shipper: StartShipper,
        processes: ProcessGroup,
        authority: CertificateAuthority,
        server: Certificate,
    ) -> None:
        ingest = Ingest(processes, [store.url])
        ingest.configure({"inputs": [self.input(ingest, server)]})
        ingest.start()
        append(log, lines(range(5_000)))
        start_shipper([log], ingest.port, changes={"output": {"tls": tls(authority)}})
        with Sender(ingest.port) as plain:
            plain.send(event_window([{"message": "in the clear"}]))
            assert plain.is_closed_by_peer(40)
        store.wait_for_count(5_000, 20)
        assert_exactly((number_of(document.source) for document in store.documents()), numbered(range(5_000)))

    def test_demands_client_certificates(
        self,
        store: BulkStore,
        processes: ProcessGroup,
        authority: CertificateAuthority,
        stranger: CertificateAuthority,
        server: Certificate,
        client: Certificate,
    ) -> None:
        ingest = Ingest(processes, [store.url])
        section = self.input(ingest, server)
        section["tls"] |= {"client_authentication": "required", "certificate_authorities": [str(authority.root.certificate)]}
        ingest.configure({"inputs": [section]})
        ingest.start()
        event = {"message": "x", "@timestamp": "2026-11-20T10:00:00.000Z"}

        def context(certificate: Certificate | None) -> ssl.SSLContext:
            made = ssl.create_default_context(cafile=str(authority.root.certificate))
            if certificate is not None:
                made.load_cert_chain(certificate.certificate, certificate.key)
            return made

        with Sender(ingest.port, context(client)) as known:
            known.send(event_window([event]))
            known.wait_for_ack(1)
        for refused in (None, stranger.issue("client", "DNS:web-1")):
            with pytest.raises((OSError, AssertionError, Exception)) as caught:  # noqa: PT011
                with Sender(ingest.port, context(refused)) as sender:
                    sender.send(event_window([event]))
                    sender.wait_for_ack(1)
            assert not isinstance(caught.value, AssertionError)
        assert store.count() == 1

    @staticmethod
    def input(ingest: Ingest, certificate: Certificate) -> dict[str, Any]:
        """The input of this ingest with TLS."""
        return {
            "port": ingest.port,
            "host": "127.0.0.1",
            "pipeline": "nginx-access",
            "tls": {"enabled": True, "certificate": str(certificate.certificate), "key": str(certificate.key)},
        }


class TestElasticsearch:
    @pytest.fixture
    def secure_store(self, processes: ProcessGroup, server: Certificate) -> BulkStore:
        """A store behind TLS."""
        return BulkStore(processes, server).start()

    @pytest.mark.parametrize("trust", ["authority", "fingerprint of the CA", "none"])
    def test_is_trusted(
        self,
        secure_store: BulkStore,
        log: Path,
        start_ingest: StartIngest,
        start_shipper: StartShipper,
        processes: ProcessGroup,
        authority: CertificateAuthority,
        server: Certificate,
        trust: str,
    ) -> None:
        section: dict[str, Any] = {
            "authority": {"certificate_authorities": [str(authority.root.certificate)]},
            "fingerprint of the CA": {"fingerprint": authority.root.fingerprint},
            "none": {"verification_mode": "none"},
        }[trust]
        if trust.startswith("fingerprint"):
            # A fingerprint can only be compared with a certificate that the server shows: leaf and CA in one chain.
            chain = processes.folder / "chain.crt"
            chain.write_text(server.certificate.read_text() + authority.root.certificate.read_text())
            secure_store = BulkStore(processes, Certificate(chain, server.key), name="chained").start()
        append(log, lines(range(2_000)))
        ingest = start_ingest(secure_store.url, changes={"output": {"elasticsearch": {"tls": section}}})
        start_shipper([log], ingest.port)
        secure_store.wait_for_count(2_000, 20)
        assert_exactly((number_of(document.source) for document in secure_store.documents()), numbered(range(2_000)))

    @pytest.mark.parametrize("reason", ["unknown authority", "other name", "other fingerprint", "system authorities"])
    def test_is_refused(
        self,
        log: Path,
        processes: ProcessGroup,
        start_ingest: StartIngest,
        start_shipper: StartShipper,
        authority: CertificateAuthority,
        stranger: CertificateAuthority,
        server: Certificate,
        elsewhere: Certificate,
        reason: str,
    ) -> None:
        """Nothing is sent, the log says it is the certificate, and the lines arrive once that is mended."""
        trusted = {"certificate_authorities": [str(authority.root.certificate)]}
        certificate, section = {
            "unknown authority": (stranger.issue("store"), trusted),
            "other name": (elsewhere, trusted),
            "other fingerprint": (server, {"fingerprint": "ab" * 32}),
            "system authorities": (server, {}),
        }[reason]
        store = BulkStore(processes, certificate).start()
        append(log, lines(range(100)))
        changes = {"output": {"elasticsearch": {"tls": section}}, "shutdown_timeout": "1s"}
        ingest = start_ingest(store.url, changes=changes)
        start_shipper([log], ingest.port)
        ingest.process.wait_for_output("certificate" if reason != "other fingerprint" else "fingerprint", 20)
        assert store.statistics()["bulk_requests"] == 0
        ingest.process.terminate()
        ingest.configure({"output": {"elasticsearch": {"tls": {"verification_mode": "none", "fingerprint": ""}}}})
        ingest.start()
        store.wait_for_count(100, 20)

    def test_demands_a_client_certificate(
        self,
        log: Path,
        processes: ProcessGroup,
        start_ingest: StartIngest,
        start_shipper: StartShipper,
        authority: CertificateAuthority,
        server: Certificate,
        client: Certificate,
    ) -> None:
        store = BulkStore(processes, server, client_authority=authority.root.certificate)
        store.use_client_certificate(client)
        store.start()
        append(log, lines(range(100)))
        section = {
            "certificate_authorities": [str(authority.root.certificate)],
            "certificate": str(client.certificate),
            "key": str(client.key),
        }
        ingest = start_ingest(store.url, changes={"output": {"elasticsearch": {"tls": section}}})
        start_shipper([log], ingest.port)
        store.wait_for_count(100, 20)
