"""What apm-server says of itself: numbers that add up under load and through an outage, health, and a log that explains."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harness.apm import INTAKE, gzipped, metadata, ndjson, post, request, transaction
from harness.services import APMServer, http_get
from harness.store import BulkStore
from harness.waiting import wait_until
from test_monitoring import assert_prometheus_text

StartAPMServer = Callable[..., APMServer]

TIME = 1_790_000_000_000_000
QUICK_SPOOL = {"spool": {"after": "200ms"}}


def mixed(number: int) -> tuple[bytes, Counter[str]]:
    """A request with all kinds of events, and how many of each."""
    trace = {"trace_id": f"{number:032x}", "transaction_id": f"{number:016x}", "parent_id": f"{number:016x}"}
    span = {"id": f"{number:015x}s", "name": "SELECT", "type": "db", "duration": 1, "timestamp": TIME} | trace
    error = {"id": f"{number:015x}e", "timestamp": TIME, "log": {"message": "no"}} | trace
    metricset = {"timestamp": TIME, "samples": {"a": {"value": number}}}
    events = [transaction(number), {"span": span}, {"span": span}, {"error": error}, {"metricset": metricset}]
    return ndjson(metadata(), *events), Counter(transaction=1, span=2, error=1, metricset=1)


def labelled(samples: Mapping[str, float], name: str, label: str) -> dict[str, float]:
    """The samples of a metric by the value of its only label."""
    begin = f'{name}{{{label}="'
    return {key.removeprefix(begin).removesuffix('"}'): value for key, value in samples.items() if key.startswith(begin)}


def assert_adds_up(server: APMServer) -> dict[str, float]:
    """Every document that was made is stored, refused by the store, or in the spool; needs a moment without traffic."""

    def balance() -> dict[str, float] | None:
        samples = server.metrics()
        accepted = sum(labelled(samples, "apm_server_events_accepted_total", "type").values())
        made = accepted + samples["apm_server_rollup_documents_total"]
        documents = labelled(samples, "apm_server_elasticsearch_documents_total", "outcome")
        done = documents["stored"] + documents["duplicate"] + documents["dead_letter"]
        return samples if made == done + samples["apm_server_spool_documents"] else None

    try:
        return wait_until(balance, 10, "the numbers to add up", 0.1)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{json.dumps(server.stats()['metrics'], indent=1)}") from None


def test_numbers_under_load(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """Eight senders, good and bad requests, and someone who reads all three paths all the time."""
    server = start_apm_server(store.url)
    sent: Counter[str] = Counter()
    answers: Counter[int] = Counter()
    guard = threading.Lock()
    is_over = threading.Event()
    readings: list[float] = []
    failures: list[str] = []

    def send(sender: int) -> None:
        for turn in range(25):
            body, kinds = mixed(sender * 100 + turn)
            if turn % 5 == 4:
                body += ndjson({"transaction": {"id": "x"}})
            status = post(server.port, gzipped(body)).status
            with guard:
                answers[status] += 1
                sent.update(kinds)

    def read() -> None:
        while not is_over.is_set():
            samples = assert_prometheus_text(server.monitoring_port, "apm_server_")
            readings.append(sum(labelled(samples, "apm_server_events_accepted_total", "type").values()))
            server.stats()
            if server.health()[0] != 200:
                failures.append(server.health()[1])

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(8)]
    reader = threading.Thread(target=read)
    reader.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    is_over.set()
    reader.join(20)
    assert not failures
    assert readings == sorted(readings) and readings
    assert answers == {202: 160, 400: 40}
    samples = assert_adds_up(server)
    accepted = labelled(samples, "apm_server_events_accepted_total", "type")
    assert {kind: count for kind, count in accepted.items() if count} == sent
    assert labelled(samples, "apm_server_service_events_total", "service") == {"shop": sent.total()}
    assert labelled(samples, "apm_server_intake_requests_total", "status") == {"2xx": 160, "4xx": 40, "429": 0, "503": 0, "5xx": 0}
    assert labelled(samples, "apm_server_events_rejected_total", "reason")["validation"] == 40
    documents = labelled(samples, "apm_server_elasticsearch_documents_total", "outcome")
    assert documents == {"stored": store.count(), "duplicate": 0, "dead_letter": 0, "retried": 0, "held": 0}
    assert labelled(samples, "apm_server_elasticsearch_requests_total", "status")["2xx"] == store.statistics()["bulk_requests"]
    assert samples["apm_server_elasticsearch_request_milliseconds_bucket" + '{le="+Inf"}'] == store.statistics()["bulk_requests"]
    assert samples["apm_server_elasticsearch_body_bytes_total"] >= samples["apm_server_elasticsearch_sent_bytes_total"] > 0
    assert samples["apm_server_intake_body_bytes_total"] > 0 and samples["process_resident_memory_bytes"] > 1 << 20
    stats = server.stats()
    assert stats["rejects"]
    assert {name.split("{")[0] for name in stats["metrics"]} == {name.split("{")[0] for name in samples}
    server.assert_log_is_clean()


def test_an_outage(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """Health turns red and says which store and why; what comes goes to the spool; all turns good again, and the log tells the story."""
    server = start_apm_server(store.url, changes=QUICK_SPOOL)
    assert server.health() == (200, '{"status":"ok"}\n')
    wait_until(lambda: request(server.port, "GET", "/").json["publish_ready"], 10, "publish_ready")
    store.process.kill()
    sent = 0
    for number in range(20):
        body, kinds = mixed(number)
        assert post(server.port, body).status == 202
        sent += kinds.total()
    status, text = wait_until(lambda: found if (found := server.health())[0] == 503 else None, 10, "red health")
    assert status == 503
    answer = json.loads(text)
    assert answer["status"] == "unavailable" and len(answer["reasons"]) == 1
    reason = answer["reasons"][0]
    assert f"{store.url}: connection refused; is the server running and listening on this port?" in reason and "(since 20" in reason
    assert server.stats()["health"]["reasons"][0].split(" (")[0] == reason.split(" (")[0]
    samples = assert_adds_up(server)
    assert samples["apm_server_spool_documents"] == samples['apm_server_spool_documents_total{outcome="spooled"}'] == sent
    assert samples["apm_server_spool_records"] > 0 and samples["apm_server_spool_oldest_seconds"] > 0
    assert 0 < samples["apm_server_spool_bytes"] < samples["apm_server_spool_max_bytes"]
    assert labelled(samples, "apm_server_elasticsearch_requests_total", "status")["none"] > 0
    # Events are still accepted, and agents are told so.
    assert request(server.port, "GET", "/").json["publish_ready"] is True

    store.start()
    wait_until(lambda: server.health()[0] == 200, 20, "good health", 0.1)
    samples = assert_adds_up(server)
    wait_until(lambda: server.metrics()["apm_server_spool_documents"] == 0, 10, "an empty spool", 0.1)
    assert server.metrics()["apm_server_spool_oldest_seconds"] == 0
    assert sum(not d.index.startswith("metrics-apm.internal") and ".1m" not in d.index for d in store.documents()) >= sent
    samples = assert_adds_up(server)
    assert labelled(samples, "apm_server_elasticsearch_documents_total", "outcome")["stored"] == store.count()
    messages = [(line["log.level"], line["message"], json.dumps(line)) for line in server.logs()]
    failed = [text for level, message, text in messages if message == "a bulk request failed and will be sent again"]
    assert 1 <= len(failed) <= 3 and store.url in failed[0].replace("\\/", "/") and "connection refused" in failed[0]
    assert not [message for level, message, _ in messages if level == "error"]
    assert server.process.terminate() == 0
    server.assert_log_is_clean()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kind": "status", "status": 503, "body": "cluster is read-only"}, "503"),
        ({"kind": "authorization", "value": "Basic eDp5"}, "401"),
        ({"kind": "hang"}, "no answer within timeout"),
        ({"kind": "cut_before"}, "the connection ended before the answer did"),
    ],
    ids=["503", "401", "hang", "cut"],
)  # fmt: skip
def test_health_says_why(fault: dict[str, Any], reason: str, store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """Whatever the store does wrong; and it is good again when the store is."""
    server = start_apm_server(store.url, changes=QUICK_SPOOL | {"output": {"elasticsearch": {"timeout": "1s"}}})
    wait_until(lambda: request(server.port, "GET", "/").json["publish_ready"], 10, "publish_ready")
    store.fault(fault.pop("kind"), **fault)
    assert post(server.port, ndjson(metadata(), transaction(1))).status == 202
    _, text = wait_until(lambda: found if (found := server.health())[0] == 503 else None, 15, "red health")
    reasons = json.loads(text)["reasons"]
    assert len(reasons) == 1 and reason in reasons[0] and store.url in reasons[0], reasons
    assert any(reason in json.dumps(line) for line in server.logs() if line["log.level"] in ("warning", "error"))
    store.clear_faults()
    wait_until(lambda: server.health()[0] == 200, 15, "good health", 0.1)
    assert_adds_up(server)
    assert server.metrics()["apm_server_spool_documents"] == 0


def test_health_says_what_someone_has_to_mend(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """A store that answers, but takes no document: a disk that is too full makes indices read-only."""
    server = start_apm_server(store.url, changes=QUICK_SPOOL)
    reason = "index [traces-apm-default] blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];"
    store.fault("item", status=403, match="transaction", type="cluster_block_exception", reason=reason)
    assert post(server.port, ndjson(metadata(), transaction(1))).status == 202
    _, text = wait_until(lambda: found if (found := server.health())[0] == 503 else None, 15, "red health", 0.1)
    assert json.loads(text)["reasons"][0].startswith(f"status 403 cluster_block_exception: {reason} (since ")
    assert any(line["log.level"] == "error" and "read-only" in json.dumps(line) for line in server.logs())
    store.clear_faults()
    wait_until(lambda: server.health()[0] == 200, 15, "good health", 0.1)
    assert_adds_up(server)


def test_a_store_that_was_never_there(start_apm_server: StartAPMServer) -> None:
    """Red from the start, and agents can see that nothing is published yet."""
    server = start_apm_server("http://127.0.0.1:1", changes=QUICK_SPOOL)
    assert post(server.port, ndjson(metadata(), transaction(1))).status == 202
    _, text = wait_until(lambda: found if (found := server.health())[0] == 503 else None, 15, "red health")
    assert "http://127.0.0.1:1: connection refused" in text.replace("\\/", "/")
    assert request(server.port, "GET", "/").json["publish_ready"] is False
    assert_adds_up(server)


def test_a_full_spool(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """Before it is full health says so; when it is, refusals are counted apart, and the sums hold."""
    server = start_apm_server(store.url, changes={"spool": {"after": "100ms", "max_bytes": "16MiB"}})
    store.process.kill()
    accepted = refused = 0
    while not refused:
        body = gzipped(ndjson(metadata(), *map(transaction, range(accepted, accepted + 2_000))))
        answer = post(server.port, body, f"{INTAKE}?verbose")
        accepted += answer.json["accepted"] if answer.status == 202 else 0
        refused += answer.status == 503
        assert answer.status in (202, 503) and accepted < 100_000
    _, text = server.health()
    reasons = json.loads(text)["reasons"]
    full = [reason for reason in reasons if "spool" in reason]
    assert len(full) == 1 and "% full (spool.max_bytes 16777216)" in full[0], reasons
    assert any(store.url in reason for reason in reasons)
    samples = server.metrics()
    assert labelled(samples, "apm_server_intake_requests_total", "status")["503"] == 1
    assert labelled(samples, "apm_server_events_rejected_total", "reason")["queue_full"] > 0
    assert samples['apm_server_spool_batches_total{outcome="refused"}'] > 0
    # What was refused is not in the spool, but for what one request had before; all that was accepted is.
    assert accepted <= samples["apm_server_spool_documents"] <= accepted + 2_000
    told = {line["message"]: line for line in server.logs()}
    assert "events wait in the spool until the store takes them" in told
    refusal = told["the spool does not take batches; agents are told to come later"]
    assert "16777216 bytes (spool.max_bytes)" in json.dumps(refusal)
    store.start()
    wait_until(lambda: server.metrics()["apm_server_spool_documents"] == 0, 30, "an empty spool", 0.1)
    wait_until(lambda: server.health()[0] == 200, 10, "good health", 0.1)
    stored = sum(d.index.startswith("traces-apm") for d in store.documents())
    assert accepted <= stored <= accepted + 2_000
    assert labelled(server.metrics(), "apm_server_elasticsearch_documents_total", "outcome")["stored"] == store.count()


def test_dead_letters_count(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """Documents that the store refuses for good, and some that it takes only later."""
    server = start_apm_server(store.url, changes=QUICK_SPOOL)
    store.fault("item", status=400, match="GET /3", type="document_parsing_exception", reason="made up")
    store.fault("item", status=429, match="GET /4", type="es_rejected_execution_exception", times=5)
    assert post(server.port, ndjson(metadata(), *map(transaction, range(100)))).status == 202
    samples = assert_adds_up(server)
    documents = labelled(samples, "apm_server_elasticsearch_documents_total", "outcome")
    assert documents["dead_letter"] == len(server.dead_letter_lines) >= 10 and documents["retried"] == 5
    assert documents["stored"] == store.count()
    assert samples["apm_server_dead_letter_bytes"] > 0
    assert any("made up" in json.dumps(line) for line in server.logs() if line["log.level"] in ("warning", "error"))


def test_sampling_adds_up(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """Accepted = stored + dropped + held, while some wait, and when they were decided."""
    tail = {"enabled": True, "interval": "1s", "policies": [{"trace": {"outcome": "failure"}, "sample_rate": 1}, {"sample_rate": 0}]}
    server = start_apm_server(store.url, changes={"sampling": {"tail": tail}})
    events = [transaction(number, outcome="failure" if number % 4 == 0 else "success") for number in range(100)]
    waiting = [transaction(number + 100, parent_id="00000000000000ff") for number in range(10)]
    assert post(server.port, ndjson(metadata(), *events, *waiting)).status == 202

    def parts() -> tuple[float, ...]:
        samples = server.metrics()
        outcome = labelled(samples, "apm_server_tail_sampling_events_total", "outcome")
        held = samples["apm_server_tail_sampling_held_events"]
        assert outcome["held"] == outcome["stored"] + outcome["dropped"] + outcome["expired"] + held, outcome
        return outcome["held"], outcome["stored"], outcome["dropped"], held

    assert parts()[0] == 110
    wait_until(lambda: parts() == (110, 25, 75, 10), 10, "the decisions", 0.1)
    samples = server.metrics()
    assert samples['apm_server_events_accepted_total{type="transaction"}'] == 110
    assert samples["apm_server_tail_sampling_held_traces"] == 10 and samples["apm_server_tail_sampling_storage_bytes"] > 0
    assert sum(d.index.startswith("traces-apm") for d in store.documents()) == 25


def test_counters_for_elastics_users(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """`expvar`: only when asked for, for everyone, at the path that was chosen."""
    server = start_apm_server(store.url)
    assert request(server.port, "GET", "/debug/vars").status == 404
    changes = {"expvar": {"enabled": True, "url": "/vars"}, "auth": {"secret_token": "abc"}}
    chosen = start_apm_server(store.url, changes=changes, name="chosen")
    answer = request(chosen.port, "GET", "/vars")
    assert answer.status == 200 and "apm_server_intake_requests_total" in answer.json
    assert request(chosen.port, "POST", "/vars", b"").status == 405
    for path, kind in (("/healthz", "json"), ("/stats", "json"), ("/metrics", "text/plain")):
        status, headers, _ = http_get(chosen.monitoring_port, path)
        assert status == 200 and kind in headers["Content-Type"] and headers["Cache-Control"] == "no-store"
