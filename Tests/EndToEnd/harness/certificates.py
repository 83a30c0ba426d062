"""Certificates for TLS tests, made with the openssl command."""

from __future__ import annotations

import hashlib
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """A PEM certificate and its key."""

    certificate: Path
    key: Path

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER form in lower-case hex, as Elasticsearch prints it for its CA."""
        der = ssl.PEM_cert_to_DER_cert(self.certificate.read_text())
        return hashlib.sha256(der).hexdigest()


class CertificateAuthority:
    """A throw-away CA that signs server and client certificates."""

    def __init__(self, folder: Path, name: str = "test-ca") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.root = Certificate(folder / f"{name}.crt", folder / f"{name}.key")
        _openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", f"/CN={name}", "-days", "30",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
            "-keyout", str(self.root.key), "-out", str(self.root.certificate),
        )  # fmt: skip

    def issue(self, name: str, alternative_names: str = "DNS:localhost,IP:127.0.0.1", days: int = 30) -> Certificate:
        """Signs a certificate for `alternative_names`, good for servers and clients."""
        issued = Certificate(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        request = self.folder / f"{name}.csr"
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(
            f"subjectAltName={alternative_names}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n"
        )
        _openssl(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", f"/CN={name}", "-keyout", str(issued.key), "-out", str(request),
        )  # fmt: skip
        _openssl(
            "x509", "-req", "-in", str(request), "-CA", str(self.root.certificate), "-CAkey", str(self.root.key),
            "-CAcreateserial", "-days", str(days), "-extfile", str(extensions), "-out", str(issued.certificate),
        )  # fmt: skip
        return issued


def _openssl(*arguments: str) -> None:
    completed = subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=30)
    if completed.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]} failed: {completed.stderr}")
