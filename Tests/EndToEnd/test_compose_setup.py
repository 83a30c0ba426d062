"""The set-up services of compose: what they make, that they can be repeated, and that nothing secret is seen by others.

Elasticsearch's own programs are not here: certificates come from a stand-in for elasticsearch-certutil with the same options, and the
security API is played as it is documented, strictly.
"""

from __future__ import annotations

import base64
import json
import os
import re
import ssl
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from harness.certificates import Certificate
from harness.processes import ProcessGroup
from harness.services import REPOSITORY, run_to_end
from harness.store import BulkStore

COMPOSE = REPOSITORY / "deploy" / "compose"
# As the images have them, but users of this machine.
USERS = {"ELASTIC_USER": "1000", "OUR_USER": "10001"}

CERTUTIL = f"""#!{sys.executable}
import subprocess, sys, zipfile
words = sys.argv[1:]
assert words[:4] == ["cert", "--silent", "--pem", "--keep-ca-key"], words
options = dict(zip(words[4::2], words[5::2]))
assert set(options) == {{"--days", "--in", "--out"}}, options
text = open(options["--in"]).read()
assert "name: elasticsearch" in text and "dns: [elasticsearch, localhost]" in text
folder = options["--in"].rsplit("/", 1)[0]
def openssl(*arguments): subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)
openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=ca", "-days", options["--days"],
        "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", "k", "-out", "c")
open(folder + "/e", "w").write("subjectAltName=DNS:elasticsearch,DNS:localhost,IP:127.0.0.1")
openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=elasticsearch", "-keyout", "nk", "-out", "r")
openssl("x509", "-req", "-in", "r", "-CA", "c", "-CAkey", "k", "-CAcreateserial", "-days", options["--days"], "-extfile", "e", "-out", "nc")
with zipfile.ZipFile(options["--out"], "w") as archive:
    for name, file in (("ca/ca.crt", "c"), ("ca/ca.key", "k"), ("elasticsearch/elasticsearch.crt", "nc"), ("elasticsearch/elasticsearch.key", "nk")):
        archive.write(folder + "/" + file, name)
"""


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The volumes, as the first run leaves them."""
    if os.geteuid() != 0:
        pytest.skip("handing files to other users needs root")
    folder = tmp_path / "secrets"
    for name in ("elasticsearch", "kibana", "ingest", "apm-server"):
        (folder / name).mkdir(parents=True)
    certutil = tmp_path / "certutil"
    certutil.write_text(CERTUTIL)
    certutil.chmod(0o755)
    make_files(folder)
    return folder


def make_files(folder: Path) -> None:
    """Runs setup-files.sh."""
    environment = {"PATH": os.environ["PATH"], "SECRETS_DIRECTORY": str(folder), "CERTUTIL": str(folder.parent / "certutil"), **USERS}
    done = subprocess.run(["bash", COMPOSE / "setup-files.sh"], capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr


def test_files_belong_to_whom_they_are_for(secrets: Path) -> None:
    expected = {
        "elasticsearch/ca.key": (0, 0o400), "elasticsearch/elastic": (1000, 0o400), "elasticsearch/elasticsearch.key": (1000, 0o400),
        "elasticsearch/elasticsearch.crt": (1000, 0o444), "elasticsearch/ca.crt": (1000, 0o444),
        "kibana/kibana.yml": (1000, 0o400), "kibana/password": (0, 0o400), "kibana/elastic": (0, 0o400), "kibana/ca.crt": (10001, 0o444),
        "apm-server/secret-token": (10001, 0o440), "apm-server/ca.crt": (10001, 0o444), "ingest/ca.crt": (10001, 0o444),
    }  # fmt: skip
    found = {str(path.relative_to(secrets)): path.stat() for path in secrets.rglob("*") if path.is_file()}
    assert {name: (status.st_uid, stat.S_IMODE(status.st_mode)) for name, status in found.items()} == expected
    assert all(stat.S_IMODE((secrets / name).stat().st_mode) == 0o750 for name in ("elasticsearch", "kibana", "ingest", "apm-server"))
    texts = [(secrets / name).read_text().strip() for name in ("elasticsearch/elastic", "kibana/password", "apm-server/secret-token")]
    assert len(set(texts)) == 3 and all(re.fullmatch(r"[\w-]{32}", text) for text in texts)
    kibana = yaml.safe_load((secrets / "kibana/kibana.yml").read_text())
    assert kibana["elasticsearch.password"] == texts[1] and kibana["elasticsearch.username"] == "kibana_system"
    keys = [value for key, value in kibana.items() if key.endswith("encryptionKey")]
    assert len(set(keys)) == 3 and all(len(key) >= 32 for key in keys)
    assert (secrets / "kibana/elastic").read_text() == (secrets / "elasticsearch/elastic").read_text()


def test_what_exists_stays(secrets: Path) -> None:
    before = {path: path.read_bytes() for path in secrets.rglob("*") if path.is_file()}
    make_files(secrets)
    assert {path: path.read_bytes() for path in secrets.rglob("*") if path.is_file()} == before


class Elasticsearch:
    """The part of the security API that the set-up uses; anything else is a mistake of the script."""

    def __init__(self, secrets: Path) -> None:
        self.password = (secrets / "elasticsearch/elastic").read_text().strip()
        self.kibana_password = ""
        self.keys: dict[str, dict[str, object]] = {}
        self.mistakes: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments: object) -> None:
                pass

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                try:
                    status, value = outer.answer(self.command, self.path, self.headers.get("Authorization", ""), body)
                except (ValueError, KeyError) as mistake:
                    outer.mistakes.append(f"{self.command} {self.path}: {mistake!r}")
                    status, value = 400, {"error": str(mistake)}
                text = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = answer

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(secrets / "elasticsearch/elasticsearch.crt", secrets / "elasticsearch/elasticsearch.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> tuple[int, object]:
        """Status and body."""
        if (method, path) == ("GET", "/_security/_authenticate"):
            key = authorization.removeprefix("ApiKey ")
            return (200, {"username": "elastic"}) if key in self.keys else (401, {"error": "no such key"})
        if authorization != "Basic " + base64.b64encode(f"elastic:{self.password}".encode()).decode():
            return 401, {"error": "wrong password"}
        if (method, path) == ("POST", "/_security/user/kibana_system/_password"):
            self.kibana_password = json.loads(body)["password"]
            return 200, {}
        if (method, path) == ("POST", "/_security/api_key"):
            request = json.loads(body)
            if set(request) != {"name", "role_descriptors"} or set(request["role_descriptors"]) != {request["name"]}:
                raise ValueError(request)
            encoded = base64.b64encode(f"id{len(self.keys)}:secret".encode()).decode()
            self.keys[encoded] = request
            return 200, {"id": "x", "name": request["name"], "api_key": "secret", "encoded": encoded}
        raise ValueError("not asked for in the documentation")


@pytest.fixture
def elasticsearch(secrets: Path) -> Iterator[Elasticsearch]:
    server = Elasticsearch(secrets)
    yield server
    server.server.shutdown()
    server.server.server_close()


def make_users(secrets: Path, elasticsearch: Elasticsearch) -> subprocess.CompletedProcess[str]:
    """Runs setup-users.sh."""
    url = f"https://localhost:{elasticsearch.server.server_port}"
    environment = {"PATH": os.environ["PATH"], "SECRETS_DIRECTORY": str(secrets), "ELASTICSEARCH_URL": url, **USERS}
    return subprocess.run(["bash", COMPOSE / "setup-users.sh"], capture_output=True, text=True, timeout=60, env=environment)


def test_users_get_what_they_need_once(secrets: Path, elasticsearch: Elasticsearch) -> None:
    for _ in range(2):
        done = make_users(secrets, elasticsearch)
        assert done.returncode == 0, done.stderr
        assert elasticsearch.mistakes == []
        for secret in (elasticsearch.password, elasticsearch.kibana_password, *elasticsearch.keys):
            assert secret not in done.stdout + done.stderr
    assert elasticsearch.kibana_password == (secrets / "kibana/password").read_text().strip()
    assert sorted(key["name"] for key in elasticsearch.keys.values()) == ["apm-server", "ingest"]  # type: ignore[type-var]
    for encoded, request in elasticsearch.keys.items():
        file = secrets / str(request["name"]) / "api-key"
        assert file.read_text() == encoded + "\n"
        assert (file.stat().st_uid, stat.S_IMODE(file.stat().st_mode)) == (10001, 0o400)
    # A key that Elasticsearch has forgotten is replaced.
    elasticsearch.keys.pop((secrets / "ingest/api-key").read_text().strip())
    assert make_users(secrets, elasticsearch).returncode == 0
    assert (secrets / "ingest/api-key").read_text().strip() in elasticsearch.keys


def test_rights_cover_the_ready_pipelines(secrets: Path, elasticsearch: Elasticsearch) -> None:
    assert make_users(secrets, elasticsearch).returncode == 0
    rights = next(key["role_descriptors"]["ingest"] for key in elasticsearch.keys.values() if key["name"] == "ingest")  # type: ignore[index]
    names = rights["indices"][0]["names"]
    listed = run_to_end("ingest", "check", "--set", "inputs.0.pipeline=nothing").stderr.decode()
    pipelines = re.search(r"use one of: (.+)", listed)
    assert pipelines
    for pipeline in pipelines[1].split(", "):
        # The prefix of the index: the first word of the name but for those that README names.
        prefix = {"werkzeug": "flask", "json": "log", "plain": "log"}.get(pipeline, pipeline.split("-")[0])
        assert f"{prefix}-*" in names, f"{pipeline} writes to {prefix}-*"


def test_a_wrong_password_is_told(secrets: Path, elasticsearch: Elasticsearch) -> None:
    elasticsearch.password = "another"
    done = make_users(secrets, elasticsearch)
    assert done.returncode != 0 and "the password of kibana_system cannot be set" in done.stderr


def test_ingest_reaches_the_store_with_what_was_made(secrets: Path, elasticsearch: Elasticsearch, processes: ProcessGroup) -> None:
    """Its configuration and environment as in compose: the key from a file, the certificate checked."""
    assert make_users(secrets, elasticsearch).returncode == 0
    certificate = Certificate(secrets / "elasticsearch/elasticsearch.crt", secrets / "elasticsearch/elasticsearch.key")
    store = BulkStore(processes, certificate=certificate).start()
    environment = {
        "ELASTICSEARCH_URL": store.url.replace("127.0.0.1", "localhost"),
        "ELASTICSEARCH_CA": str(secrets / "ingest/ca.crt"),
        "ELASTICSEARCH_API_KEY_FILE": str(secrets / "ingest/api-key"),
    }
    configuration = REPOSITORY / "deploy/config/ingest.yml"
    tested = run_to_end("ingest", "test", "output", "--config", configuration, **environment)
    assert tested.returncode == 0, tested.stdout.decode()
    environment["ELASTICSEARCH_CA"] = "/etc/ssl/certs/ca-certificates.crt"
    tested = run_to_end("ingest", "test", "output", "--config", configuration, **environment)
    assert tested.returncode == 1 and b"certificate" in tested.stdout
