"""Who may send to apm-server: tokens, API keys, agents without either, pages of other origins in a real browser."""

from __future__ import annotations

import base64
import http.client
import http.server
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.apm import INTAKE, Answer, metadata, ndjson, post, request, transaction
from harness.browser import CHROMIUM, visit
from harness.processes import ProcessGroup
from harness.services import APMServer
from harness.store import BulkStore
from harness.waiting import wait_until

StartAPMServer = Callable[..., APMServer]

TOKEN = "s3cret-T0ken"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
RUM = "/intake/v2/rum/events"
CONFIGURATION = "/config/v1/agents"
PRIVILEGES = "POST /_security/user/_has_privileges"
EXPECTED = (
    "expected 'Authorization: Bearer secret_token' or 'Authorization: ApiKey base64(API key ID:API key)'"
)
MISSING = {"error": f"authentication failed: missing or improperly formatted Authorization header: {EXPECTED}"}
WRONG = {"error": "authentication failed"}
GOOD = ndjson(metadata(), transaction(1))


def unknown(kind: str) -> dict[str, str]:
    """The answer to credentials of another kind."""
    return {"error": f"authentication failed: unknown Authentication header {kind}: {EXPECTED}"}


def rum_metadata(service: str = "page", agent: str = "rum-js") -> dict[str, Any]:
    """What a browser's agent says of itself."""
    return {"metadata": {"service": {"name": service, "agent": {"name": agent, "version": "5.16.0"}, "language": {"name": "javascript"}}}}


def rum_body(count: int = 1, service: str = "page", agent: str = "rum-js") -> bytes:
    """A request of a browser's agent."""
    return ndjson(rum_metadata(service, agent), *map(transaction, range(count)))


def api_key(name: str, secret: str = "geheim") -> str:
    """A key as agents send it."""
    return base64.b64encode(f"{name}:{secret}".encode()).decode()


def send(server: APMServer, body: bytes = GOOD, path: str = INTAKE, **headers: str) -> Answer:
    """An intake request; header names in the form `x_real_ip`."""
    return post(server.port, body, path, **headers)


def keyed(server: APMServer, key: str) -> Answer:
    """An intake request with an API key."""
    return send(server, authorization=f"ApiKey {key}")


# Secret token


@pytest.fixture(scope="module")
def token_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[APMServer]:
    """One server for all rows."""
    processes = ProcessGroup(tmp_path_factory.mktemp("token"))
    store = BulkStore(processes).start()
    server = APMServer(processes, [store.url], {"auth": {"secret_token": TOKEN}})
    server.start()
    yield server
    processes.close()


@pytest.mark.parametrize(
    ("header", "status", "body"),
    [
        (f"Bearer {TOKEN}", 202, None),
        (None, 401, MISSING),
        ("", 401, MISSING),
        ("Bearer", 401, MISSING),
        (TOKEN, 401, MISSING),
        ("Bearer wrong", 401, WRONG),
        (f"Bearer {TOKEN[:-1]}", 401, WRONG),
        (f"Bearer {TOKEN}x", 401, WRONG),
        (f"Bearer {TOKEN}{TOKEN}", 401, WRONG),
        (f"Bearer {TOKEN.lower()}", 401, WRONG),
        (f"Bearer {TOKEN} {TOKEN}", 401, WRONG),
        (f"ApiKey {api_key('a')}", 401, WRONG),
        (f"bearer {TOKEN}", 401, unknown("bearer")),
        (f"BEARER {TOKEN}", 401, unknown("BEARER")),
        (f"apikey {api_key('a')}", 401, unknown("apikey")),
        ("Basic dXNlcjpwYXNz", 401, unknown("Basic")),
    ],
)  # fmt: skip
class TestSecretToken:
    @staticmethod
    def headers(header: str | None) -> dict[str, str]:
        """Those of the row."""
        return {} if header is None else {"Authorization": header}

    def test_intake(self, token_server: APMServer, header: str | None, status: int, body: dict[str, str] | None) -> None:
        """Before the method, the kind of content and the content are looked at."""
        for method, kind, data in (("POST", "application/x-ndjson", GOOD), ("GET", "text/html", None), ("POST", "x", b"\x1f\x8b\x00")):
            answer = request(token_server.port, method, INTAKE, data, {"Content-Type": kind} | self.headers(header))
            assert answer.status == (status if status == 401 or data is GOOD else 400), answer
            if status == 401:
                assert answer.json == body
                assert "Www-Authenticate" not in {name.title() for name in answer.headers}
            if data is not GOOD and status == 202:
                assert answer.json["accepted"] == 0

    def test_server_information(self, token_server: APMServer, header: str | None, status: int, body: dict[str, str] | None) -> None:
        """Everyone may probe; who has the token learns the version."""
        answer = request(token_server.port, "GET", "/", headers=self.headers(header))
        assert answer.status == 200 and answer.headers["X-Content-Type-Options"] == "nosniff"
        if status == 202:
            assert set(answer.json) == {"build_date", "build_sha", "publish_ready", "version"}
        else:
            assert answer.body == b""
        assert request(token_server.port, "HEAD", "/", headers=self.headers(header)).body == b""
        assert request(token_server.port, "POST", "/", b"x", self.headers(header)).status == 405

    def test_configuration(self, token_server: APMServer, header: str | None, status: int, body: dict[str, str] | None) -> None:
        answer = request(token_server.port, "GET", f"{CONFIGURATION}?service.name=shop", headers=self.headers(header))
        assert (answer.status, answer.json) == ((200, {}) if status == 202 else (401, body))


def test_refused_tokens_are_logged_without_them(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """One line for many, with the client and the reason; a long body does not keep the answer away."""
    server = start_apm_server(store.url, changes={"auth": {"secret_token": TOKEN}})
    noise = random.Random(1).randbytes(3_000_000)
    for number in range(60):
        answer = send(server, noise if number < 3 else GOOD, authorization=f"Bearer wrong-{number}")
        assert answer.status == 401 and answer.json == WRONG
    assert send(server, authorization=TOKEN).status == 401
    lines = [line for line in server.logs() if line["message"] == "a request is refused"]
    assert 1 <= len(lines) <= 2, lines
    assert "127.0.0.1" in json.dumps(lines[0]) and INTAKE in json.dumps(lines[0]).replace("\\/", "/")
    assert "authentication failed" in json.dumps(lines[0])
    assert "wrong-" not in server.process.output() and TOKEN not in server.process.output()
    assert server.metrics()['apm_server_requests_refused_total{reason="unauthorized"}'] == 61
    # Whoever writes long nonsense there does not fill the log.
    assert send(server, authorization=f"{'A' * 20_000} x").status == 401
    assert max(map(len, server.process.output().splitlines())) < 2_000
    assert store.count() == 0
    server.assert_log_is_clean()


# API keys


def start_with_keys(start: StartAPMServer, store: BulkStore, **details: Any) -> APMServer:
    """A server that asks the store about keys, and nobody else."""
    return start(store.url, changes={"auth": {"api_key": {"enabled": True} | details}})


def asked(store: BulkStore) -> int:
    """How often the store was asked about a key."""
    return store.statistics()["paths"].get(PRIVILEGES, 0)


def test_api_keys(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """What each may do; asked once; what cannot be a key is not asked about."""
    server = start_with_keys(start_apm_server, store)
    everything, write, read, nothing, unknown_key = map(api_key, ("everything", "write", "read", "nothing", "unknown"))
    both = ["event:write", "config_agent:read"]
    store.allow_api_keys({everything: both, write: both[:1], read: both[1:], nothing: []})
    not_written = "unauthorized: API key not permitted to write events (privilege event:write)"
    for _ in range(3):
        for key, intake, configuration in (
            (everything, 202, 200), (write, 202, 403), (read, 403, 200), (nothing, 401, 401), (unknown_key, 401, 401),
        ):  # fmt: skip
            answer = keyed(server, key)
            assert answer.status == intake, (key, answer)
            if intake == 401:
                assert answer.json == WRONG
            if intake == 403:
                message = f"cannot handle stream: cannot process batch: {not_written}"
                assert answer.json == {"accepted": 0, "errors": [{"message": message}]}
            headers = {"Authorization": f"ApiKey {key}"}
            answer = request(server.port, "GET", f"{CONFIGURATION}?service.name=shop", headers=headers)
            assert answer.status == configuration
            if configuration == 403:
                assert answer.json["error"].startswith("unauthorized: ")
                assert answer.headers["Cache-Control"] == "max-age=300, must-revalidate"
            assert bool(request(server.port, "GET", "/", headers=headers).body) == (intake != 401)
    assert asked(store) == 5
    no_colon = base64.b64encode(b"nocolon").decode()
    for malformed in ("!", "a b", no_colon, base64.b64encode(b":secret").decode(), "x" * 5_000, api_key("a")[:-1] + "*"):
        assert keyed(server, malformed).json == WRONG
    assert send(server).json == MISSING
    # There is no token, so none is right.
    assert send(server, authorization="Bearer x").json == WRONG
    assert send(server, authorization="Bearer ").status == 401
    assert asked(store) == 5
    store.assert_no_violations()
    assert not any(key in server.process.output() for key in (everything, write, read, nothing, unknown_key))


def test_one_question_for_all_who_wait(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """Forty requests with one new key, while the store thinks: the server serves others meanwhile."""
    server = start_with_keys(start_apm_server, store)
    store.allow_api_keys({api_key("slow"): ["event:write"]})
    store.fault("delay", seconds=1, path="_has_privileges")
    statuses: Counter[int] = Counter()
    threads = [threading.Thread(target=lambda: statuses.update([keyed(server, api_key("slow")).status])) for _ in range(40)]
    for thread in threads:
        thread.start()
    wait_until(lambda: asked(store) == 1, 10, "the question")
    assert request(server.port, "GET", "/", timeout=0.9).status == 200
    for thread in threads:
        thread.join(20)
    assert statuses == {202: 40} and asked(store) == 1


def test_keys_while_the_store_is_away(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """A known key stays good, and its events go to the spool; an unknown one is 503 until the store is back."""
    server = start_with_keys(start_apm_server, store)
    store.allow_api_keys({api_key("known"): ["event:write"]})
    assert keyed(server, api_key("known")).status == 202
    store.process.kill()
    assert keyed(server, api_key("known")).status == 202
    answer = keyed(server, api_key("new"))
    assert answer.status == 503 and answer.json == {"error": "service unavailable"}
    assert request(server.port, "GET", "/", headers={"Authorization": f"ApiKey {api_key('new')}"}).body == b""
    assert server.metrics()['apm_server_requests_refused_total{reason="authentication_unavailable"}'] == 1
    assert any(line["message"] == "cannot ask Elasticsearch about an API key" for line in server.logs())
    store.start()
    store.allow_api_keys({api_key("known"): ["event:write"], api_key("new"): ["event:write"]})
    wait_until(lambda: keyed(server, api_key("new")).status == 202, 15, "the new key to be good", 0.3)


def test_many_keys(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """Beyond the limit no more are asked about, and those that are known go on."""
    server = start_with_keys(start_apm_server, store, limit=20)
    keys = [api_key(f"key-{number}") for number in range(30)]
    store.allow_api_keys({key: ["event:write"] for key in keys})
    assert [keyed(server, key).status for key in keys] == [202] * 20 + [503] * 10
    assert {keyed(server, key).status for key in keys[:20]} == {202}
    assert asked(store) == 20
    advice = "too many API keys in a minute; raise auth.api_key.limit if all of them are in use"
    assert any(line["message"] == advice for line in server.logs())


def test_another_store_for_keys(store: BulkStore, processes: ProcessGroup, start_apm_server: StartAPMServer) -> None:
    """`auth.api_key.elasticsearch`; and a token beside the keys."""
    other = BulkStore(processes, name="other").start()
    other.allow_api_keys({api_key("there"): ["event:write"]})
    changes = {"auth": {"secret_token": TOKEN, "api_key": {"enabled": True, "elasticsearch": {"hosts": [other.url]}}}}
    server = start_apm_server(store.url, changes=changes)
    assert keyed(server, api_key("there")).status == 202
    assert send(server, authorization=f"Bearer {TOKEN}").status == 202
    assert (asked(store), asked(other)) == (0, 1)


# Anonymous clients


def start_for_pages(start: StartAPMServer, store: BulkStore, **anonymous: Any) -> APMServer:
    """A server with a token, and RUM for those without."""
    return start(store.url, changes={"auth": {"secret_token": TOKEN, "anonymous": anonymous}, "rum": {"enabled": True}})


def test_anonymous_agents_and_services(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """Only allowed agents and services, on either path; the token opens everything; a stream ends at the first refusal."""
    server = start_for_pages(start_apm_server, store, allow_service=["page", "shop"])
    refused = 'cannot handle stream: cannot process batch: unauthorized: anonymous access not permitted for {} "{}"'
    for path in (RUM, "/intake/v3/rum/events", INTAKE):
        assert send(server, rum_body(), path).status == 202
        assert send(server, rum_body(agent="js-base"), path).status == 202
        assert send(server, rum_body(service="shop"), path).status == 202
        for agent in ("python", "rum-js2", "rum-j", "RUM-JS"):
            answer = send(server, rum_body(2, agent=agent), path)
            assert answer.status == 403
            assert answer.json == {"accepted": 0, "errors": [{"message": refused.format("agent", agent)}]}
        answer = send(server, rum_body(service="other"), path)
        assert answer.status == 403 and answer.json["errors"][0]["message"] == refused.format("service", "other")
        assert send(server, rum_body(agent="python", service="other"), path, authorization=f"Bearer {TOKEN}").status == 202
        assert send(server, rum_body(), path, authorization="Bearer wrong").json == WRONG
        # The service of the event counts, not that of the metadata.
        moved = transaction(2, context={"service": {"name": "other"}})
        answer = send(server, ndjson(rum_metadata(), transaction(1), moved, transaction(3)), f"{path}?verbose")
        assert answer.status == 403 and answer.json["errors"][-1]["message"] == refused.format("service", "other")
        assert answer.json["accepted"] <= 1
    assert request(server.port, "GET", "/").body == b""


def test_anonymous_off(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """With RUM but without anonymous clients, pages need the token as well."""
    server = start_for_pages(start_apm_server, store, enabled=False)
    assert send(server, rum_body(), RUM).json == MISSING
    assert send(server, rum_body(), RUM, authorization=f"Bearer {TOKEN}").status == 202


def test_rum_off(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """The answer says which section to configure; origin and credentials are looked at before."""
    message = (
        "forbidden request: RUM endpoint is disabled. Configure the `apm-server.rum` section in apm-server.yml to enable "
        "ingestion of RUM events. If you are not using the RUM agent, you can safely ignore this error."
    )
    server = start_apm_server(store.url, changes={"rum": {"allow_origins": ["http://a"]}})
    for path in (RUM, "/intake/v3/rum/events", "/config/v1/rum/agents"):
        answer = send(server, rum_body(), path, origin="http://a")
        assert answer.status == 403 and answer.json == {"error": message}
        answer = send(server, rum_body(), path, origin="http://b")
        assert answer.json == {"error": "forbidden request: origin: 'http://b' is not allowed"}
    guarded = start_apm_server(store.url, changes={"auth": {"secret_token": TOKEN}}, name="guarded")
    assert send(guarded, rum_body(), RUM, origin="http://a").json == MISSING
    assert send(guarded, rum_body(), RUM, authorization=f"Bearer {TOKEN}").json == {"error": message}
    # Without RUM there are no anonymous clients, unless they are asked for.
    assert send(guarded).json == MISSING


def test_event_rate_limit(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """A burst of three seconds' worth and one in advance; 429 after that, per client; it passes."""
    rate = 20
    server = start_for_pages(start_apm_server, store, rate_limit={"event_limit": rate})
    assert send(server, rum_body(2 * rate), RUM, x_real_ip="10.0.0.1").status == 202
    statuses = Counter()
    accepted = 2 * rate
    for _ in range(30):
        answer = send(server, rum_body(2 * rate), RUM, x_real_ip="10.0.0.1")
        statuses[answer.status] += 1
        if "accepted" in (answer.json or {}):
            assert answer.json["errors"] == [{"message": "cannot handle stream: cannot process batch: rate limit exceeded"}]
            accepted += answer.json["accepted"]
            assert answer.headers["Connection"].lower() == "close"
        elif answer.status == 429:
            assert answer.json == {"error": "too many requests: rate limit exceeded"}
        else:
            accepted += 2 * rate
    assert set(statuses) <= {202, 429} and statuses[429] > 20
    # Another client, and one with the token, have nothing to do with it.
    assert send(server, rum_body(2 * rate), RUM, x_real_ip="10.0.0.2").status == 202
    for _ in range(5):
        assert send(server, rum_body(10 * rate), RUM, x_real_ip="10.0.0.1", authorization=f"Bearer {TOKEN}").status == 202
    wait_until(lambda: send(server, rum_body(1), RUM, x_real_ip="10.0.0.1").status == 202, 10, "the limit to pass", 0.2)
    samples = server.metrics()
    assert samples['apm_server_intake_requests_total{status="429"}'] + samples['apm_server_requests_refused_total{reason="rate_limit"}'] >= 20
    wanted = accepted + 2 * rate + 50 * rate + 1
    assert samples['apm_server_events_accepted_total{type="transaction"}'] == wanted


def test_many_addresses_share_what_there_is(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """`ip_limit` buckets: addresses out of thin air get no more than these hold."""
    server = start_for_pages(start_apm_server, store, rate_limit={"event_limit": 1, "ip_limit": 2})
    statuses = Counter(send(server, rum_body(1), RUM, x_forwarded_for=f"10.0.{number}.1, 10.9.9.9").status for number in range(30))
    assert statuses[429] >= 20 and statuses[202] <= 10


# Pages of other origins

ORIGINS = ["http://shop.example", "https://*.shop.example:8443", "http://localhost:*"]


@pytest.fixture(scope="module")
def origin_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[APMServer]:
    """One server for all rows, with headers of its own on every answer."""
    processes = ProcessGroup(tmp_path_factory.mktemp("origins"))
    store = BulkStore(processes).start()
    rum = {"enabled": True, "allow_origins": ORIGINS, "allow_headers": ["X-Trace", "X-B"], "response_headers": {"X-Rum": ["1", "2"]}}
    changes = {"auth": {"secret_token": TOKEN}, "rum": rum, "response_headers": {"Strict-Transport-Security": "max-age=1"}}
    server = APMServer(processes, [store.url], changes)
    server.start()
    yield server
    processes.close()


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        ("http://shop.example", True),
        ("https://shop.example", False),
        ("http://shop.example:80", False),
        ("http://shop.example.evil", False),
        ("http://evil-shop.example", False),
        ("https://a.shop.example:8443", True),
        ("https://a.b.shop.example:8443", True),
        ("https://shop.example:8443", False),
        ("https://a.shop.example", False),
        ("http://localhost:3000", True),
        ("http://localhost:", True),
        ("http://localhost", False),
        ("null", False),
        ("*", False),
        ("", False),
        (None, False),
    ],
)  # fmt: skip
class TestOrigins:
    @staticmethod
    def headers(origin: str | None) -> dict[str, str]:
        """Those of the row."""
        return {} if origin is None else {"Origin": origin}

    @staticmethod
    def allowed_origin(answer: Answer) -> str | None:
        """The header that lets the page read the answer; every answer has the configured headers as well."""
        assert answer.headers["Strict-Transport-Security"] == "max-age=1"
        assert answer.headers["X-Rum"] in ("1", "2")
        return answer.headers.get("Access-Control-Allow-Origin")

    @pytest.mark.parametrize("path", [RUM, "/intake/v3/rum/events", "/config/v1/rum/agents"])
    def test_preflight(self, origin_server: APMServer, origin: str | None, is_allowed: bool, path: str) -> None:
        """Answered alike for all, without credentials; only an allowed origin is named."""
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        answer = request(origin_server.port, "OPTIONS", path, headers=self.headers(origin) | asked)
        assert answer.status == 200 and answer.body == b"" and answer.headers["Content-Length"] == "0"
        assert answer.headers["Access-Control-Max-Age"] == "3600" and answer.headers["Vary"] == "Origin"
        assert answer.headers["Access-Control-Allow-Methods"] == "POST, OPTIONS"
        assert answer.headers["Access-Control-Allow-Headers"] == "X-Trace, X-B, Content-Type, Content-Encoding, Accept"
        assert answer.headers["Access-Control-Expose-Headers"] == "Etag"
        assert self.allowed_origin(answer) == (origin if is_allowed else None)

    @pytest.mark.parametrize("path", [RUM, "/intake/v3/rum/events", "/config/v1/rum/agents"])
    def test_request(self, origin_server: APMServer, origin: str | None, is_allowed: bool, path: str) -> None:
        """A page that may not is refused before its credentials are looked at, and whatever the answer, one that may can read it."""
        body = b'{"service":{"name":"page"}}' if "config" in path else rum_body()
        for more in ({}, {"Authorization": "Bearer wrong"}, BEARER):
            answer = request(origin_server.port, "POST", path, body, self.headers(origin) | more)
            if is_allowed:
                good = 200 if "config" in path else 202
                assert answer.status == (401 if "wrong" in str(more) else good)
            else:
                assert answer.status == 403
                assert answer.json == {"error": f"forbidden request: origin: '{origin or ''}' is not allowed"}
            assert self.allowed_origin(answer) == (origin if is_allowed else None)

    def test_others_do_not_care(self, origin_server: APMServer, origin: str | None, is_allowed: bool) -> None:
        """Paths for backend agents have nothing to do with origins."""
        answer = request(origin_server.port, "POST", INTAKE, GOOD, self.headers(origin) | BEARER)
        assert answer.status == 202
        assert not [name for name in answer.headers if name.startswith("Access-Control") or name == "X-Rum"]
        assert request(origin_server.port, "OPTIONS", INTAKE, headers=self.headers(origin) | BEARER).status == 400


def test_every_origin_by_default(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    server = start_apm_server(store.url, changes={"rum": {"enabled": True}})
    answer = send(server, rum_body(), RUM, origin="http://anyone:1")
    assert answer.status == 202 and answer.headers["Access-Control-Allow-Origin"] == "http://anyone:1"
    answer = send(server, rum_body(), RUM)
    assert answer.status == 202 and "Access-Control-Allow-Origin" not in answer.headers


PAGE = """<!DOCTYPE html><title>shop</title><pre id="result"></pre><script>
async function attempt(name, path, details) {
  try {
    const answer = await fetch("SERVER" + path, details);
    return name + " " + answer.status + " etag=" + answer.headers.get("Etag");
  } catch (error) {
    return name + " " + error.name;
  }
}
(async () => {
  const lines = [];
  const body = BODY;
  const type = {"Content-Type": "application/x-ndjson"};
  lines.push(await attempt("preflighted", "RUM", {method: "POST", headers: type, body: body("a")}));
  lines.push(await attempt("simple", "RUM", {method: "POST", body: new Blob([body("b")])}));
  lines.push(await attempt("configuration", "/config/v1/rum/agents?service.name=page", {}));
  lines.push(await attempt("header", "RUM", {method: "POST", headers: {...type, "X-Other": "1"}, body: body("c")}));
  document.getElementById("result").textContent = lines.join("|");
})();
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")
def test_a_page_in_a_browser(store: BulkStore, start_apm_server: StartAPMServer, tmp_path: Path) -> None:
    """A real browser keeps to what the server says: the page of one origin may send and read, that of another neither."""

    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = self.headers["Host"].split(":")[0]
            names = f'(name) => `{json.dumps(rum_metadata())}\\n{{"transaction":{{"id":"${{name}}","trace_id":"1","name":"{host}","type":"page-load","duration":1,"span_count":{{"started":0}}}}}}\\n`'
            body = PAGE.replace("SERVER", server.url).replace("RUM", RUM).replace("BODY", names).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Silence."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as pages:
        threading.Thread(target=pages.serve_forever, args=(0.05,), daemon=True).start()
        port = pages.server_address[1]
        rum = {"enabled": True, "allow_origins": [f"http://127.0.0.1:{port}"]}
        server = start_apm_server(store.url, changes={"auth": {"secret_token": TOKEN}, "rum": rum})
        shown = {}
        for host in ("127.0.0.1", "localhost"):
            folder = tmp_path / host
            folder.mkdir()
            dom = visit(f"http://{host}:{port}/", folder).dom
            shown[host] = dom.split('<pre id="result">')[1].split("</pre>")[0].split("|")
        pages.shutdown()
    assert shown["127.0.0.1"] == [
        "preflighted 202 etag=null", "simple 202 etag=null", 'configuration 200 etag="-"', "header TypeError",
    ]  # fmt: skip
    assert shown["localhost"] == ["preflighted TypeError", "simple TypeError", "configuration TypeError", "header TypeError"]
    stored = [d.source["transaction"] for d in store.documents() if d.index.startswith("traces-apm")]
    assert sorted((entry["id"], entry["name"]) for entry in stored) == [("a", "127.0.0.1"), ("b", "127.0.0.1")]
    # What the browser sends without asking first has come, and was refused.
    assert server.metrics()['apm_server_requests_refused_total{reason="origin"}'] >= 2
