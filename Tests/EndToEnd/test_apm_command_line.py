"""What apm-server says on its command line: `check`, and `test output` against good stores and all kinds of bad ones."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.certificates import CertificateAuthority
from harness.ports import free_port
from harness.processes import ProcessGroup
from harness.services import run_to_end
from harness.store import BulkStore

PRIVILEGES = "may write traces-apm*-default, logs-apm*-default, metrics-apm*-default"
GOOD = """
auth:
  secret_token: ${TOKEN:abc}
rum:
  enabled: true
sampling:
  tail:
    enabled: true
    policies: [{trace.outcome: failure, sample_rate: 1}, {sample_rate: 0.1}]
agent_configuration:
  - service.name: shop
    settings: {transaction_sample_rate: 0.5}
"""
WRONG = """\
hots: 127.0.0.1
port: 99999
auth:
  secret_toke: hidden
  api_key:
    limit: 0
  anonymous:
    rate_limit:
      event_limit: none
rum:
  enabled: perhaps
  allow_headers: ["a b"]
tls:
  client_authentication: sometimes
  certificate: /no/such.pem
agent:
  config:
    cache:
      expiration: 1500ms
sampling:
  tail:
    enabled: true
    interval: 10ms
    policies:
      - {trace.outcome: bad, sample_rate: 2}
output:
  elasticsearch:
    hosts: ["ftp://x"]
    passwort: hidden
"""
COMPLAINTS = [
    'wrong.yml:1: hots: unknown key; remove or correct it (did you mean "host"?)',
    "wrong.yml:2: port: 99999 is out of range; use 0 to 65535",
    'wrong.yml:4: auth.secret_toke: unknown key; remove or correct it (did you mean "secret_token"?)',
    "wrong.yml:6: auth.api_key.limit: 0 is out of range; use 1 to 100000",
    'wrong.yml:9: auth.anonymous.rate_limit.event_limit: expected a whole number, found "none"',
    'wrong.yml:11: rum.enabled: expected true or false, found "perhaps"',
    'wrong.yml:12: rum.allow_headers: "a b" is not the name of a header',
    'wrong.yml:14: tls.client_authentication: "sometimes" is not a choice; use one of: none, optional, required',
    'wrong.yml:15: tls.certificate: file "/no/such.pem" cannot be read: No such file or directory; correct the path or its rights',
    "wrong.yml:14: tls.key: missing; certificate and key come in pairs",
    "wrong.yml:19: agent.config.cache.expiration: is whole seconds, because HTTP counts in them",
    "wrong.yml:23: sampling.tail.interval: 10ms is out of range; use 1s to 1h",
    'wrong.yml:25: sampling.tail.policies.0.sample_rate: expected a number from 0 to 1, found "2"',
    'wrong.yml:25: sampling.tail.policies.0.trace.outcome: "bad" is not a choice; use one of: success, failure, unknown',
    "wrong.yml:28: output.elasticsearch.hosts: a host starts with http:// or https://, not ftp://",
    'wrong.yml:29: output.elasticsearch.passwort: unknown key; remove or correct it (did you mean "password"?)',
]


def check_output(tmp_path: Path, *hosts: str, **elasticsearch: Any) -> tuple[int, list[str]]:
    """Exit code and lines of `test output` with such an `output.elasticsearch`."""
    path = tmp_path / "apm-server.yml"
    path.write_text(yaml.safe_dump({"output": {"elasticsearch": {"hosts": list(hosts)} | elasticsearch}}))
    completed = run_to_end("apm-server", "test", "output", "--config", path)
    assert completed.stderr == b""
    return completed.returncode, completed.stdout.decode().splitlines()


# check


@pytest.mark.parametrize("command", [["check"], ["test", "config"]], ids=" ".join)
def test_a_good_configuration(tmp_path: Path, command: list[str]) -> None:
    path = tmp_path / "apm-server.yml"
    path.write_text(GOOD)
    completed = run_to_end("apm-server", *command, "--config", path)
    assert (completed.returncode, completed.stdout, completed.stderr) == (0, b"apm-server: the configuration is valid\n", b"")


@pytest.mark.parametrize("command", [["check"], ["test", "config"], ["test", "output"], []], ids=" ".join)
def test_all_that_is_wrong_is_said_at_once(tmp_path: Path, command: list[str]) -> None:
    """Each with file, line and key, in the order of the file; values that may be secrets are not repeated."""
    path = tmp_path / "wrong.yml"
    path.write_text(WRONG)
    completed = run_to_end("apm-server", *command, "--config", path)
    assert completed.returncode == 2 and completed.stdout == b""
    lines = completed.stderr.decode().replace(f"{tmp_path}/", "").splitlines()
    assert [line.split(": ")[0] for line in lines] == sorted((line.split(": ")[0] for line in lines), key=lambda at: int(at.split(":")[1]))
    assert sorted(lines) == sorted(COMPLAINTS)
    assert "hidden" not in completed.stderr.decode()


def test_overrides_are_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "apm-server.yml"
    path.write_text(GOOD)
    completed = run_to_end("apm-server", "check", "--config", path, "--set", "rum.enabledd=true")
    assert completed.returncode == 2
    assert "rum.enabledd: unknown key" in completed.stderr.decode() and "--set" in completed.stderr.decode()


# help


def test_help_and_version() -> None:
    completed = run_to_end("apm-server", "--help")
    text = completed.stdout.decode()
    assert completed.returncode == 0 and completed.stderr == b""
    for part in ("apm-server check [options]", "apm-server test [options] output|config", "--config FILE", "--set KEY=VALUE", "Exit codes: 0"):
        assert part in text
    assert all(len(line) <= 120 for line in text.splitlines())
    completed = run_to_end("apm-server", "test", "--help")
    assert completed.returncode == 0 and "apm-server test [options] output|config" in completed.stdout.decode()
    completed = run_to_end("apm-server", "--version")
    assert completed.returncode == 0 and completed.stdout.decode().split()[0] == "apm-server"


@pytest.mark.parametrize("words", [[], ["input"], ["output", "more"], ["output", "config"]], ids=" ".join)
def test_test_without_output(tmp_path: Path, words: list[str]) -> None:
    """It says what can be tested."""
    path = tmp_path / "apm-server.yml"
    path.write_text("")
    completed = run_to_end("apm-server", "test", *words, "--config", path)
    message = 'apm-server: what to test? Try "apm-server test output" or "apm-server test config".\n'
    assert (completed.returncode, completed.stdout, completed.stderr.decode()) == (2, b"", message)


# test output


def test_a_good_store(store: BulkStore, tmp_path: Path) -> None:
    assert check_output(tmp_path, store.url) == (
        0,
        [
            store.url,
            "  resolve      OK    127.0.0.1",
            "  connect      OK",
            "  answer       OK    Elasticsearch 8.15.3",
            "  credentials  OK    none given, none asked for",
            f"  privileges   OK    {PRIVILEGES}",
        ],
    )
    assert store.count() == 0
    store.assert_no_violations()


def test_a_store_that_is_down(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert check_output(tmp_path, url) == (
        1,
        [
            url,
            "  resolve      OK    127.0.0.1",
            "  connect      FAILED",
            f"    {url.removeprefix('http://')}: Connection refused; is the server running and listening on this port?",
        ],
    )


def test_one_of_two_stores_is_down(store: BulkStore, tmp_path: Path) -> None:
    """Both are tested, and one that fails is a failure."""
    down = f"http://127.0.0.1:{free_port()}"
    code, lines = check_output(tmp_path, down, store.url)
    assert code == 1
    assert [line for line in lines if not line.startswith(" ")] == [down, store.url]
    assert "  connect      FAILED" in lines and lines[-1] == f"  privileges   OK    {PRIVILEGES}"


def test_an_unknown_host(tmp_path: Path) -> None:
    code, lines = check_output(tmp_path, "http://no-such-host.invalid:9200")
    assert code == 1 and lines[:2] == ["http://no-such-host.invalid:9200", "  resolve      FAILED"]
    assert lines[2].startswith("    cannot resolve no-such-host.invalid: ") and lines[2].endswith("; check its spelling and the resolver")
    assert len(lines) == 3


def test_credentials(processes: ProcessGroup, tmp_path: Path) -> None:
    """Right, wrong and none; the password is never shown."""
    guarded = BulkStore(processes).start()
    # Base64 of writer:right.
    guarded.fault("authorization", value="Basic d3JpdGVyOnJpZ2h0", path="/")
    code, lines = check_output(tmp_path, guarded.url, username="writer", password="right")
    assert code == 0 and lines[4:] == ["  credentials  OK    user writer", f"  privileges   OK    {PRIVILEGES}"]
    for given, reason in (
        ({"username": "writer", "password": "hidden"}, "status 401: user writer is unknown or the password is wrong"),
        ({"api_key": "id:hidden"}, "status 401: the API key is unknown, expired or incomplete"),
        ({}, "status 401: credentials are needed; see username and api_key"),
    ):
        code, lines = check_output(tmp_path, guarded.url, **given)
        assert code == 1
        assert lines[3:] == ["  answer       OK", "  credentials  FAILED", f"    {reason}"]
        assert "hidden" not in "".join(lines)


def test_tls(processes: ProcessGroup, authority: CertificateAuthority, tmp_path: Path) -> None:
    """With the right authority, without, with a wrong one, and each protocol on the other's port."""
    store = BulkStore(processes, certificate=authority.issue("store")).start()
    right = {"certificate_authorities": [str(authority.root.certificate)]}
    code, lines = check_output(tmp_path, store.url, tls=right)
    assert code == 0 and lines[2:5] == ["  connect      OK", "  TLS          OK", "  answer       OK    Elasticsearch 8.15.3"]
    stranger = CertificateAuthority(tmp_path / "stranger", "stranger-ca")
    for section in ({"certificate_authorities": [str(stranger.root.certificate)]}, {}):
        code, lines = check_output(tmp_path, store.url, tls=section)
        assert code == 1 and lines[2:4] == ["  connect      OK", "  TLS          FAILED"] and len(lines) == 5
        assert lines[4].startswith("    the server's certificate is not trusted (")
        assert lines[4].endswith("; put its authority into tls.certificate_authorities or tls.fingerprint")
    code, lines = check_output(tmp_path, store.url, tls={"fingerprint": "0" * 64})
    assert code == 1 and "no certificate of the server's chain has the SHA-256 in tls.fingerprint" in lines[4]
    code, lines = check_output(tmp_path, store.url.replace("https://", "http://"))
    assert code == 1 and lines[3] == "  answer       FAILED" and len(lines) == 5
    assert lines[4].startswith("    the connection ended before the answer did (") and "use https:// for this host" in lines[4]


def test_a_certificate_for_another_name(processes: ProcessGroup, authority: CertificateAuthority, tmp_path: Path) -> None:
    store = BulkStore(processes, certificate=authority.issue("other-store", "DNS:elsewhere.example")).start()
    section = {"certificate_authorities": [str(authority.root.certificate)]}
    code, lines = check_output(tmp_path, store.url, tls=section)
    assert code == 1 and lines[3] == "  TLS          FAILED" and len(lines) == 5
    assert "the server's certificate is for another host name" in lines[4]
    code, lines = check_output(tmp_path, store.url, tls=section | {"verification_mode": "certificate"})
    assert code == 0 and lines[3] == "  TLS          OK"


def test_https_to_a_plain_port(store: BulkStore, tmp_path: Path) -> None:
    code, lines = check_output(tmp_path, store.url.replace("http://", "https://"))
    assert code == 1 and lines[3] == "  TLS          FAILED" and len(lines) == 5
    assert "does the server speak TLS on this port" in lines[4]


@contextlib.contextmanager
def web_server(status: int, body: bytes) -> Iterator[str]:
    """Something that speaks HTTP and says always the same."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, format: str, *arguments: object) -> None:
            """Silence."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, b"<html>welcome</html>", "what answers is neither Elasticsearch nor OpenSearch: it has no version.number"),
        (200, b'{"version": "1.0"}', "what answers is neither Elasticsearch nor OpenSearch: it has no version.number"),
        (200, b"", "what answers is neither Elasticsearch nor OpenSearch: it has no version.number"),
        (404, b"<p>not\nhere</p>", "status 404 <p>not here</p>"),
        (502, b"bad gateway\r\n", "status 502 bad gateway"),
        (200, b'{"version": {"number": "6.8.0"}, "tagline": "You Know, for Search"}', "Elasticsearch 6.8.0 is too old; 7.8 or later is needed"),
    ],
)  # fmt: skip
def test_not_an_elasticsearch(tmp_path: Path, status: int, body: bytes, reason: str) -> None:
    with web_server(status, body) as url:
        code, lines = check_output(tmp_path, url)
    assert code == 1
    assert lines[2:] == ["  connect      OK", "  answer       FAILED", f"    {reason}"]


def test_opensearch(tmp_path: Path) -> None:
    body = json.dumps({"version": {"number": "2.15.0", "distribution": "opensearch"}}).encode()
    with web_server(200, body) as url:
        code, lines = check_output(tmp_path, url)
    assert code == 0
    assert lines[3:] == [
        "  answer       OK    OpenSearch 2.15.0",
        "  credentials  OK    none given, none asked for",
        "  privileges   OK    not asked: only Elasticsearch has the API for it",
    ]


@pytest.mark.parametrize("speech", [b"220 mail.example ESMTP\r\n", b""], ids=["mail server", "nothing"])
def test_not_http(tmp_path: Path, speech: bytes) -> None:
    """A server of another kind, and one that closes at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            # `connect` comes first, then the request.
            for _ in range(2):
                client, _ = listener.accept()
                with client, contextlib.suppress(OSError):
                    client.sendall(speech)
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(4096):
                        pass

        threading.Thread(target=serve, daemon=True).start()
        code, lines = check_output(tmp_path, f"http://127.0.0.1:{listener.getsockname()[1]}")
    assert code == 1 and lines[3] == "  answer       FAILED" and len(lines) == 5
    assert ("not HTTP" if speech else "the connection ended before the answer did") in lines[4]


def test_a_silent_server_costs_the_timeout(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started = time.monotonic()
        code, lines = check_output(tmp_path, f"http://127.0.0.1:{listener.getsockname()[1]}", timeout="1s")
    assert code == 1 and lines[3:] == ["  answer       FAILED", "    no answer within timeout; the server is overloaded or stuck"]
    assert time.monotonic() - started < 10


def test_a_store_without_the_privileges(tmp_path: Path) -> None:
    """Elasticsearch says no."""
    body = json.dumps({"version": {"number": "8.15.3"}, "tagline": "You Know, for Search", "has_all_requested": False}).encode()
    with web_server(200, body) as url:
        code, lines = check_output(tmp_path, url)
    assert code == 1 and lines[5] == "  privileges   FAILED"
    streams = "traces-apm*-default, logs-apm*-default, metrics-apm*-default"
    assert lines[6:] == [f"    may not write all of {streams}; grant create_doc and auto_configure"]


def test_a_password_in_a_host_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "apm-server.yml"
    path.write_text("output: {elasticsearch: {hosts: ['http://user:hidden@127.0.0.1:9200']}}\n")
    completed = run_to_end("apm-server", "test", "output", "--config", path)
    assert completed.returncode == 2
    assert "credentials do not belong into a host" in completed.stderr.decode() and "hidden" not in completed.stderr.decode()
