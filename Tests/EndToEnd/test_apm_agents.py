"""Elastic's real Python agent in Flask and Django apps under traffic, and what agents no longer installable sent."""

from __future__ import annotations

import http.client
import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.apm import FIXTURES, post, request
from harness.ports import free_port, is_listening
from harness.processes import ChildProcess, ProcessGroup
from harness.services import REPOSITORY, APMServer
from harness.store import BulkStore
from harness.waiting import wait_until

StartAPMServer = Callable[..., APMServer]
PROGRAMS = {
    # The same shop as in the demo.
    "flask_shop": REPOSITORY / "deploy" / "demo" / "flask_shop.py",
    "django_shop": Path(__file__).with_name("apps") / "django_shop.py",
}
REQUESTS = 400
# One in twenty, as the apps' order pages fail.
FAILURES = REQUESTS // 20


class App:
    """One of the apps, and visitors to it."""

    def __init__(self, processes: ProcessGroup, program: str, *arguments: str, token: str = "") -> None:
        self.port = free_port()
        self.process = processes.add(
            ChildProcess(
                program,
                [sys.executable, PROGRAMS[program], str(self.port), *arguments],
                processes.folder,
                is_ready=lambda: is_listening(self.port),
                ready_seconds=40,
            )
        )
        self.process.environment = {"APM_SECRET_TOKEN": token}
        self.process.start()

    def visit(self, method: str, path: str) -> int:
        """One request; returns its status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body=b"{}" if method == "POST" else None)
            response = connection.getresponse()
            # An app whose client goes away early does not always end its transaction.
            response.read()
            return response.status
        finally:
            connection.close()

    def agent_complaints(self) -> list[str]:
        """What the agent says of its own trouble."""
        lines = self.process.output().splitlines()
        return [line for line in lines if line.startswith("elasticapm") and (" ERROR " in line or " WARNING " in line)]


def by_event(store: BulkStore) -> dict[str, list[dict]]:
    """Documents by `processor.event`, roll-ups and agent metrics apart by metricset name."""
    groups: dict[str, list[dict]] = {}
    for document in store.documents():
        source = document.source
        kind = source.get("processor", {}).get("event", "log")
        if kind == "metric":
            kind = f"metric.{source.get('metricset', {}).get('name')}"
        groups.setdefault(kind, []).append(source)
    return groups


@pytest.mark.timeout(180)
def test_flask_app_under_traffic(store: BulkStore, start_apm_server: StartAPMServer, processes: ProcessGroup) -> None:
    """Every request is a transaction with its spans, every failure an error with a stack trace; the agent is content."""
    server = start_apm_server(store.url, changes={"auth": {"secret_token": "s3cret"}})
    app = App(processes, "flask_shop", server.url, token="s3cret")
    statuses = Counter(app.visit("POST", f"/order/{number}") for number in range(REQUESTS))
    assert statuses == {200: REQUESTS - FAILURES, 500: FAILURES}
    items = 50
    assert Counter(app.visit("GET", f"/item/{number}") for number in range(items)) == {200: items}
    assert app.visit("GET", "/log") == 200

    # Each item page is a transaction of its own and one of the stock page that it asks.
    total = REQUESTS + 2 * items + 1
    wait_until(lambda: total - len(by_event(store).get("transaction", [])) <= 0, 20, f"{total} transactions", 0.5)
    wait_until(lambda: by_event(store).get("metric.app"), 20, "metrics of the agent", 0.5)
    groups = by_event(store)
    transactions = groups["transaction"]
    assert len(transactions) == total and len({entry["transaction"]["id"] for entry in transactions}) == total
    names = Counter(entry["transaction"]["name"] for entry in transactions)
    assert names["POST /order/<int:number>"] == REQUESTS and names["GET /item/<int:number>"] == items
    outcomes = Counter(entry["event"]["outcome"] for entry in transactions)
    assert outcomes == {"failure": FAILURES, "success": total - FAILURES}
    one = next(entry for entry in transactions if entry["transaction"]["name"] == "GET /item/<int:number>")
    assert one["service"]["name"] == "flask-shop" and one["service"]["environment"] == "testing"
    assert one["labels"]["team"] == "web" and one["url"]["path"].startswith("/item/")
    assert one["http"]["request"]["method"] == "GET" and one["processor"]["event"] == "transaction"

    spans = groups["span"]
    targets = Counter(entry["service"].get("target", {}).get("type") for entry in spans)
    assert targets["sqlite"] >= items and targets["http"] == items
    # A trace holds together: the stock page's transaction has the item page's span as parent.
    parents = {entry["span"]["id"] for entry in spans}
    stocks = [entry for entry in transactions if entry["transaction"]["name"] == "GET /stock/<int:number>"]
    assert len(stocks) == items and all(entry["parent"]["id"] in parents for entry in stocks)

    errors = groups["error"]
    exceptions = [entry for entry in errors if "exception" in entry["error"]]
    assert len(exceptions) == FAILURES
    assert len({entry["error"]["grouping_key"] for entry in exceptions}) == 1
    failure = exceptions[0]["error"]
    assert failure["exception"][0]["type"] == "ZeroDivisionError" and "order" in failure["culprit"]
    assert any(frame["function"] == "order" for frame in failure["exception"][0]["stacktrace"])
    logged = [entry["error"] for entry in errors if "log" in entry["error"]]
    assert [entry["log"]["param_message"] for entry in logged] == ["the card of %s was refused"]
    assert "system" in groups["metric.app"][0] or "system.cpu.total.norm.pct" in groups["metric.app"][0]
    assert groups["metric.span_breakdown"]

    server.process.terminate()
    rollups = [entry for entry in by_event(store)["metric.transaction"] if entry["metricset"]["interval"] == "60m"]
    counted = Counter()
    for entry in rollups:
        counted[entry["transaction"]["name"]] += entry["_doc_count"]
    assert counted == names
    assert not app.agent_complaints()
    store.assert_no_violations()
    server.assert_log_is_clean()


@pytest.mark.timeout(180)
def test_django_app_under_traffic(store: BulkStore, start_apm_server: StartAPMServer, processes: ProcessGroup) -> None:
    """The same for Django, without a token."""
    server = start_apm_server(store.url)
    app = App(processes, "django_shop", server.url)
    statuses = Counter(app.visit("GET", f"/order/{number}") for number in range(200))
    assert statuses == {200: 190, 500: 10}
    assert Counter(app.visit("GET", f"/item/{number}") for number in range(20)) == {200: 20}
    wait_until(lambda: len(by_event(store).get("transaction", [])) >= 220, 40, "220 transactions", 0.5)
    wait_until(lambda: len(by_event(store).get("error", [])) >= 10, 20, "10 errors", 0.5)
    groups = by_event(store)
    assert Counter(entry["transaction"]["name"] for entry in groups["transaction"]) == {
        "GET __main__.order": 200, "GET __main__.item": 20,
    }  # fmt: skip
    assert len(groups["error"]) == 10
    assert any(entry["span"]["type"] == "db" for entry in groups["span"])
    assert groups["transaction"][0]["service"]["framework"]["name"] == "django"
    assert not app.agent_complaints()
    server.assert_log_is_clean()


def is_bare_breakdown(metricset: dict) -> bool:
    """Whether it names a transaction and no span."""
    return "transaction" in metricset and "span" not in metricset


@pytest.mark.parametrize("path", sorted((FIXTURES / "apm-agent").glob("intake-*.ndjson")), ids=lambda path: path.stem)
def test_recorded_requests(path: Path, store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """What agents from 4.2 to 6.26 sent: every event accepted, a document of each."""
    server = start_apm_server(store.url)
    body = path.read_bytes()
    events = [json.loads(line) for line in body.splitlines()[1:]]
    # Breakdowns of a transaction without those of its spans were sent by old agents; they vanish.
    events = [event for event in events if not is_bare_breakdown(event.get("metricset", {}))]
    kinds = Counter(next(iter(event)) for event in events)
    for sent in (body, body.rstrip(b"\n")):
        answer = post(server.port, sent, "/intake/v2/events?verbose")
        assert answer.status == 202 and answer.json == {"accepted": sum(kinds.values())}, answer
    groups = by_event(store)
    for kind in ("transaction", "span", "error"):
        assert len(groups.get(kind, [])) == 2 * kinds[kind]
    metrics = sum(len(found) for kind, found in groups.items() if kind in ("metric.app", "metric.span_breakdown"))
    assert metrics == 2 * kinds["metricset"]
    server.assert_log_is_clean()


def test_what_agents_ask_besides(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """The version, and the configuration: as the recorded agents ask for them."""
    server = start_apm_server(store.url)
    asked = Counter()
    for agent in json.loads((FIXTURES / "apm-agent" / "requests.json").read_text()).values():
        for entry in agent:
            # As sent, without what belongs to the connection of then.
            headers = {name: value for name, value in entry["headers"].items() if name not in ("Host", "Content-Length")}
            if entry["path"] == "/":
                answer = request(server.port, "GET", "/", headers=headers)
                assert answer.status == 200 and answer.json["version"] == "9.5.2"
            elif entry["path"].startswith("/config/"):
                headers.pop("If-None-Match", None)
                answer = request(server.port, "POST", entry["path"], entry["body"].encode(), headers)
                assert answer.status == 200 and answer.json == {} and answer.headers["Etag"] == '"-"'
                headers["If-None-Match"] = answer.headers["Etag"]
                again = request(server.port, "POST", entry["path"], entry["body"].encode(), headers)
                assert again.status == 304 and again.body == b""
            asked[entry["path"]] += 1
    assert asked["/"] and asked["/config/v1/agents"]
