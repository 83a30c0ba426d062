"""The OpenTelemetry SDK for Python, with its own exporters, against apm-server: no Elastic agent anywhere."""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Tracer

from conftest import FIXTURES
from harness.services import APMServer
from harness.store import BulkStore

RESOURCE = Resource.create({"service.name": "shop", "service.version": "2.1", "deployment.environment": "test"})
ROLL_UPS = ("transaction", "service_transaction", "service_destination", "service_summary")


@contextmanager
def tracing(url: str) -> Iterator[Tracer]:
    """A tracer whose spans have been exported when the block ends."""
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url + "/v1/traces")))
    try:
        yield provider.get_tracer("shop.views", "1.0")
    finally:
        provider.shutdown()


def documents(store: BulkStore, prefix: str) -> list[dict[str, Any]]:
    """The stored documents of data streams that begin so, without roll-ups."""
    return [
        document.source
        for document in store.documents()
        if document.index.startswith(prefix)
        and document.source.get("metricset", {}).get("name") not in ROLL_UPS
    ]


def post(url: str, body: bytes, content_type: str) -> tuple[int, str, bytes]:
    """Status, content type and body of the answer."""
    request = urllib.request.Request(url, body, {"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read()


def test_a_trace_becomes_a_transaction_its_spans_and_its_error(
    store: BulkStore, start_apm_server: Callable[..., APMServer]
) -> None:
    """One request of a web server, with a database query and an exception that is caught."""
    apm = start_apm_server(store.url)
    with tracing(apm.url) as tracer:
        with tracer.start_as_current_span(
            "GET /orders/{id}",
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": "GET",
                "http.response.status_code": 200,
                "url.scheme": "http",
                "url.path": "/orders/7",
                "server.address": "shop.example.org",
                "client.address": "192.0.2.7",
                "customer": "c-17",
            },
        ) as request:
            with tracer.start_as_current_span(
                "SELECT orders", kind=SpanKind.CLIENT, attributes={"db.system": "postgresql", "db.name": "shop"}
            ):
                pass
            try:
                raise ValueError("no pen left")
            except ValueError as error:
                request.record_exception(error)
    store.wait_for_count(3, 30)

    traces = {document["processor"]["event"]: document for document in documents(store, "traces-apm-")}
    transaction, span = traces["transaction"], traces["span"]
    assert transaction["transaction"]["name"] == "GET /orders/{id}"
    assert transaction["transaction"]["type"] == "request"
    assert transaction["transaction"]["result"] == "HTTP 2xx"
    assert transaction["event"]["outcome"] == "success"
    assert transaction["url"]["full"] == "http://shop.example.org/orders/7"
    assert transaction["labels"]["customer"] == "c-17"
    assert transaction["agent"]["name"] == "opentelemetry/python"
    assert transaction["service"]["name"] == "shop" and transaction["service"]["environment"] == "test"
    assert span["span"]["type"] == "db" and span["span"]["subtype"] == "postgresql"
    assert span["parent"]["id"] == transaction["transaction"]["id"]
    assert span["trace"]["id"] == transaction["trace"]["id"]

    (error,) = documents(store, "logs-apm.error-")
    assert error["error"]["exception"][0]["type"] == "ValueError"
    assert error["error"]["exception"][0]["message"] == "no pen left"
    assert "Traceback" in error["error"]["stack_trace"]
    assert error["error"]["grouping_key"]
    assert error["transaction"]["id"] == transaction["transaction"]["id"]
    store.assert_no_violations()


# The handler moves to a package of its own; what it sends stays the same.
@pytest.mark.filterwarnings("ignore:.*LoggingHandler.* is deprecated:DeprecationWarning")
def test_log_records_carry_the_ids_of_their_trace(
    store: BulkStore, start_apm_server: Callable[..., APMServer]
) -> None:
    """Python's logging through the SDK's handler, inside a span."""
    apm = start_apm_server(store.url)
    provider = LoggerProvider(RESOURCE)
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(endpoint=apm.url + "/v1/logs")))
    logger = logging.getLogger("shop.orders")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    handler = LoggingHandler(logging.INFO, provider)
    logger.addHandler(handler)
    try:
        with tracing(apm.url) as tracer, tracer.start_as_current_span("work") as span:
            logger.warning("%d left", 3, extra={"item": "pen"})
    finally:
        logger.removeHandler(handler)
        provider.shutdown()
    store.wait_for_count(2, 30)

    (record,) = documents(store, "logs-apm.app.shop-")
    assert record["message"] == "3 left"
    assert record["log"]["level"] == "WARN" and record["log"]["logger"] == "shop.orders"
    assert record["trace"]["id"] == format(span.get_span_context().trace_id, "032x")
    assert record["span"]["id"] == format(span.get_span_context().span_id, "016x")
    assert record["labels"]["item"] == "pen"


def test_metrics_arrive_with_their_names_and_attributes(
    store: BulkStore, start_apm_server: Callable[..., APMServer]
) -> None:
    """A counter and a histogram with the same attributes share a document."""
    apm = start_apm_server(store.url)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(apm.url + "/v1/metrics"), 3_600_000)
    provider = MeterProvider([reader], RESOURCE)
    meter = provider.get_meter("shop")
    meter.create_counter("orders").add(3, {"country": "de"})
    meter.create_histogram("latency", "ms").record(7, {"country": "de"})
    provider.shutdown()
    store.wait_for_count(1, 30)

    (metricset,) = documents(store, "metrics-apm.app.shop-")
    assert metricset["orders"] == 3
    assert metricset["latency"] == {"values": [7.5], "counts": [1]}
    assert metricset["labels"]["country"] == "de"
    assert metricset["metricset"]["name"] == "app"


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
def test_both_encodings_are_answered_in_kind(
    store: BulkStore, start_apm_server: Callable[..., APMServer], signal: str
) -> None:
    """Recorded requests: an empty message or `{}` when all was taken."""
    apm = start_apm_server(store.url)
    for suffix, content_type, expected in (("pb", "application/x-protobuf", b""), ("json", "application/json", b"{}")):
        body = (FIXTURES / "otlp" / f"flask-{signal}.{suffix}").read_bytes()
        assert post(f"{apm.url}/v1/{signal}", body, content_type) == (200, content_type, expected)


def test_refusals_say_why_in_the_encoding_of_the_request(
    store: BulkStore, start_apm_server: Callable[..., APMServer]
) -> None:
    """400 with a google.rpc.Status, 415, and a partial success for spans without ids."""
    apm = start_apm_server(store.url)
    url = apm.url + "/v1/traces"
    status, content_type, answer = post(url, b"{", "application/json")
    assert (status, content_type) == (400, "application/json")
    assert json.loads(answer)["code"] == 3 and json.loads(answer)["message"]
    status, content_type, answer = post(url, b"\x0a\x7f", "application/x-protobuf")
    assert (status, content_type) == (400, "application/x-protobuf") and answer.startswith(b"\x08\x03\x12")
    assert post(url, b"", "text/plain")[0] == 415
    # resourceSpans { scopeSpans { spans { name: "a" } } }
    status, _, answer = post(url, b"\x0a\x07\x12\x05\x12\x03\x2a\x01a", "application/x-protobuf")
    partial = ExportTraceServiceResponse.FromString(answer).partial_success
    assert status == 200 and partial.rejected_spans == 1 and partial.error_message


def test_a_log_record_that_grows_beyond_a_bulk_is_rejected(
    store: BulkStore, start_apm_server: Callable[..., APMServer]
) -> None:
    """16 MB of control characters are six times as many as JSON: a bulk that Elasticsearch would refuse."""
    apm = start_apm_server(store.url, changes={"logging": {"level": "error"}})
    record = LogRecord(body=AnyValue(string_value="\x01" * ((16 << 20) - 100)))
    good = LogRecord(body=AnyValue(string_value="good"))
    scopes = [ScopeLogs(log_records=[record]), ScopeLogs(log_records=[good])]
    request = ExportLogsServiceRequest(resource_logs=[ResourceLogs(scope_logs=scopes)])
    status, _, answer = post(apm.url + "/v1/logs", request.SerializeToString(), "application/x-protobuf")
    partial = ExportLogsServiceResponse.FromString(answer).partial_success
    assert status == 200 and partial.rejected_log_records == 1
    assert partial.error_message == "event exceeded the permitted size"
    assert [source["message"] for source in documents(store, "logs-")] == ["good"]
    assert apm.process.terminate() == 0


def test_a_trace_that_is_sent_again_is_stored_once(
    store: BulkStore, start_apm_server: Callable[..., APMServer]
) -> None:
    """An exporter whose answer was lost sends the same bytes again, perhaps to another apm-server."""
    servers = [start_apm_server(store.url, name=f"apm-{number}") for number in range(2)]
    body = (FIXTURES / "otlp" / "manual-traces.pb").read_bytes()
    assert post(servers[0].url + "/v1/traces", body, "application/x-protobuf")[0] == 200
    first = len(documents(store, "traces-")), len(documents(store, "logs-"))
    assert first[0] > 1
    for server in servers:
        status, _, answer = post(server.url + "/v1/traces", body, "application/x-protobuf")
        assert status == 200 and answer == b""
    assert (len(documents(store, "traces-")), len(documents(store, "logs-"))) == first
    store.assert_no_violations()


def test_refused_while_the_store_is_away_then_stored_once(
    store: BulkStore, start_apm_server: Callable[..., APMServer]
) -> None:
    """The SDK's exporter goes on through an outage: its spans wait in the spool, and arrive once."""
    apm = start_apm_server(store.url, changes={"spool": {"after": "200ms"}})
    store.process.kill()
    with tracing(apm.url) as tracer:
        for number in range(50):
            with tracer.start_as_current_span(f"job {number}"):
                pass
    store.start()
    store.wait_for_count(50, 20)
    names = [document["transaction"]["name"] for document in documents(store, "traces-")]
    assert sorted(names) == sorted(f"job {number}" for number in range(50))
