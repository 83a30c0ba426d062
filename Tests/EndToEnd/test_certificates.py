"""deploy/certs/make-certs.sh: what it makes serves mutual TLS between shipper and ingest; it overwrites nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.loglines import append, lines
from harness.services import REPOSITORY, Ingest, Shipper
from harness.store import BulkStore
from harness.waiting import wait_until

SCRIPT = REPOSITORY / "deploy/certs/make-certs.sh"


def make(folder: Path, *arguments: str, fails: bool = False) -> str:
    """Runs the script; returns what it said."""
    done = subprocess.run([SCRIPT, folder, *arguments], capture_output=True, text=True, timeout=30)
    assert (done.returncode != 0) == fails, done.stderr
    return done.stdout + done.stderr


def shown(certificate: Path, *what: str) -> str:
    """What openssl says of a certificate."""
    return subprocess.run(
        ["openssl", "x509", "-in", certificate, "-noout", *what], capture_output=True, text=True, check=True, timeout=30
    ).stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an authority, a server and a client."""
    folder = tmp_path / "certs"
    make(folder, "ca")
    make(folder, "server", "ingest", "localhost", "127.0.0.1", "::1")
    make(folder, "client", "web-1")
    return folder


def test_certificates_are_for_their_purpose_only(folder: Path) -> None:
    assert "CA:TRUE" in shown(folder / "ca.crt", "-ext", "basicConstraints")
    for name, usage, wrong in (("ingest", "sslserver", "sslclient"), ("web-1", "sslclient", "sslserver")):
        for purpose, expected in ((usage, 0), (wrong, 2)):
            command = ["openssl", "verify", "-purpose", purpose, "-CAfile", folder / "ca.crt", folder / f"{name}.crt"]
            assert subprocess.run(command, capture_output=True, timeout=30).returncode == expected, (name, purpose)
    names = shown(folder / "ingest.crt", "-ext", "subjectAltName")
    assert "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1" in names
    for key in folder.glob("*.key"):
        assert key.stat().st_mode & 0o777 == 0o600, key


def test_nothing_is_overwritten_and_mistakes_are_told(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert "exists" in make(folder, "ca", fails=True)
    assert "exists" in make(folder, "server", "ingest", "localhost", fails=True)
    assert "exists" in make(folder, "client", "web-1", fails=True)
    assert "is no name for a file" in make(folder, "client", "../web", fails=True)
    assert "needs a NAME" in make(folder, "client", fails=True)
    assert "are not there" in make(folder, "renew", "web-9", fails=True)
    assert "Usage:" in make(folder, "nonsense", fails=True)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert "ca.key is missing" in make(folder.parent / "other", "client", "web-1", fails=True)


def test_a_renewed_certificate_has_the_same_key_and_names(folder: Path) -> None:
    for name in ("ingest", "web-1"):
        old = {what: shown(folder / f"{name}.crt", what) for what in ("-pubkey", "-subject")}
        extensions = shown(folder / f"{name}.crt", "-ext", "subjectAltName,extendedKeyUsage,keyUsage")
        serial = shown(folder / f"{name}.crt", "-serial")
        make(folder, "renew", name)
        assert {what: shown(folder / f"{name}.crt", what) for what in old} == old
        assert shown(folder / f"{name}.crt", "-ext", "subjectAltName,extendedKeyUsage,keyUsage") == extensions
        assert shown(folder / f"{name}.crt", "-serial") != serial == shown(folder / f"{name}.crt.old", "-serial")


def test_shippers_with_a_certificate_are_let_in_and_no_others(
    folder: Path, tmp_path: Path, store: BulkStore, start_ingest: Callable[..., Ingest], start_shipper: Callable[..., Shipper], log: Path
) -> None:
    make(tmp_path / "others", "ca")
    make(tmp_path / "others", "client", "web-1")
    ingest = start_ingest(store.url)
    server = {
        "enabled": True, "certificate": str(folder / "ingest.crt"), "key": str(folder / "ingest.key"),
        "certificate_authorities": [str(folder / "ca.crt")], "client_authentication": "required",
    }  # fmt: skip
    ingest.process.terminate()
    ingest.configure({"inputs": [ingest.input(ingest.port, tls=server)]})
    ingest.start()

    def output(identity: Path) -> dict[str, object]:
        return {
            "tls": {
                "enabled": True, "certificate_authorities": [str(folder / "ca.crt")],
                "certificate": str(identity / "web-1.crt"), "key": str(identity / "web-1.key"),
            }
        }  # fmt: skip

    append(log, lines(range(20)))
    stranger = start_shipper([log], ingest.port, changes={"output": output(tmp_path / "others")})
    wait_until(lambda: stranger.process.has_logged("does not know the authority that signed our"), 10, "a refusal")
    assert store.count() == 0
    stranger.process.terminate()
    start_shipper([log], ingest.port, changes={"output": output(folder)}, name="friend")
    wait_until(lambda: store.count() == 20, 20, "all lines")
