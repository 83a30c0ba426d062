"""`/stats` of ingest in the shape that monitors of Logstash read, and its live page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from harness.browser import CHROMIUM, visit
from harness.loglines import line
from harness.lumberjack import Sender, event_window
from harness.services import Ingest, http_get
from harness.store import BulkStore
from harness.waiting import wait_until

StartIngest = Callable[..., Ingest]


def window(messages: list[str]) -> bytes:
    """A window of lines."""
    return event_window([{"message": message, "host": {"name": "web-1"}} for message in messages])


def numbers(node: Any) -> Any:
    """The JSON with every number made 0 and every text made empty: its shape."""
    if isinstance(node, dict):
        return {key: numbers(value) for key, value in node.items()}
    if isinstance(node, list):
        return [numbers(value) for value in node]
    return 0 if isinstance(node, (int, float)) else "" if isinstance(node, str) else node


def test_the_shape_that_monitors_of_logstash_know(store: BulkStore, start_ingest: StartIngest) -> None:
    ingest = start_ingest(store.url)
    store.fault("status", status=503, times=1)
    store.fault("item", status=429, type="es_rejected_execution_exception", match="/item/a/3?", times=2)
    store.fault("item", status=400, type="document_parsing_exception", reason="no such number", match="/item/a/4?")
    with Sender(ingest.port) as sender:
        sender.send(window([line(number).decode().strip() for number in range(10)] + ["no line of nginx"]))
        sender.wait_for_ack(11)
        stats = ingest.stats()
        pipeline = stats["pipelines"]["nginx-access"]
        assert pipeline["events"] | {"duration_in_millis": 0, "queue_push_duration_in_millis": 0} == {
            "in": 11, "filtered": 11, "out": 11, "duration_in_millis": 0, "queue_push_duration_in_millis": 0,
        }  # fmt: skip
        output = pipeline["plugins"]["outputs"][0]
        assert output["documents"] == {"successes": 10, "retryable_failures": 2, "non_retryable_failures": 1, "dlq_routed": 1}
        assert output["bulk_requests"] == {
            "successes": 1, "with_errors": 2, "failures": 1, "responses": {"503": 1, "200": 3},
        }  # fmt: skip
        source = pipeline["plugins"]["inputs"][0]
        assert source == {"id": f"nginx-access:{ingest.port}", "name": "beats", "current_connections": 1, "events": {"out": 11}}
        assert pipeline["queue"] == {
            "type": "none", "events_count": 0, "queue_size_in_bytes": 0,
            "max_queue_size_in_bytes": 32 << 20, "unread_connections": 0,
        }  # fmt: skip
        assert pipeline["dead_letter_queue"]["queue_size_in_bytes"] > 0
        assert pipeline["reloads"] == stats["reloads"]
        assert stats["reloads"]["successes"] == 0 and stats["reloads"]["last_error"] is None
        assert pipeline["flow"]["input_throughput"]["lifetime"] > 0
        assert set(pipeline["flow"]) == {
            "input_throughput", "filter_throughput", "output_throughput", "queue_backpressure", "worker_concurrency",
        }  # fmt: skip
        assert stats["pipeline"] == {"workers": 2, "batch_size": 4000, "batch_delay": 50}
        assert stats["status"] == "green" and stats["host"] and stats["version"] == stats["service"]["version"]
        assert stats["events"] == pipeline["events"] and stats["process"]["open_file_descriptors"] > 5
        for path in ("/_node/stats", "/_node/stats/pipelines"):
            status, _, body = http_get(ingest.monitoring_port, path)
            assert status == 200
            assert numbers(json.loads(body)) == numbers(stats)
    samples = {sample["reason"]: sample for sample in stats["failure_samples"]}
    assert samples["format"]["line"] == "no line of nginx"
    letters = {sample["reason"]: sample for sample in stats["dead_letter_samples"]}
    assert "no such number" in letters["document_parsing_exception"]["message"]
    assert ingest.metrics()['ingest_dead_letters_total{reason="document_parsing_exception"}'] == 1


FILTERS = [
    {"drop": {}, "if": 'url.path == "/item/a/7"', "id": "seven"},
    {"convert": {"fields": {"url.path": "integer"}}, "id": "number"},
]


def test_filters_have_their_own_numbers(store: BulkStore, start_ingest: StartIngest) -> None:
    ingest = start_ingest(store.url, changes={"pipelines": {"nginx-access": {"filters": FILTERS}}})
    with Sender(ingest.port) as sender:
        sender.send(window([line(number).decode().strip() for number in range(40)]))
        sender.wait_for_ack(40)
        stats = ingest.stats()
        pipeline = stats["pipelines"]["nginx-access"]
        assert {key: pipeline["events"][key] for key in ("in", "filtered", "out")} == {"in": 40, "filtered": 39, "out": 39}
        seven, number = pipeline["plugins"]["filters"]
        assert (seven["id"], seven["name"], seven["failures"]) == ("seven", "drop", 0)
        # Its condition holds for one event only; the others pass it by.
        assert (seven["events"]["in"], seven["events"]["out"]) == (1, 0)
        assert (number["id"], number["name"], number["failures"]) == ("number", "convert", 39)
        assert (number["events"]["in"], number["events"]["out"]) == (39, 39)
        # A reload goes on counting.
        ingest.signal_and_wait()
        sender.send(window([line(number).decode().strip() for number in range(40, 50)]))
        sender.wait_for_ack(10)
        assert ingest.stats()["pipelines"]["nginx-access"]["plugins"]["filters"][1]["events"]["in"] == 49
    samples = {sample["reason"]: sample for sample in stats["failure_samples"]}
    sample = samples["nginx-access · number · convert"]
    assert "url.path" in sample["message"] and "/item/a/" in sample["line"]


def texts(dom: str, tag: str) -> list[str]:
    """The text of each of these elements."""
    found = re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", dom, re.DOTALL)
    return [unescape(re.sub(r"<[^>]*>", " ", content)).strip() for content in found]


def rows(dom: str, title: str) -> dict[str, list[str]]:
    """The cells of the table under that heading, by the first of each row."""
    section = next(part for part in re.findall(r"<section.*?</section>", dom, re.DOTALL) if title in part)
    cells = [texts(row, "td") for row in re.findall(r"<tr\b.*?</tr>", section, re.DOTALL)]
    return {row[0]: row[1:] for row in cells if row}


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")
def test_the_page_shows_pipelines_latency_pressure_and_samples(store: BulkStore, start_ingest: StartIngest, tmp_path: Path) -> None:
    """Lines from outside stay text; what is held back is seen, and by how much."""
    ingest = start_ingest(
        store.url,
        changes={
            "limits": {"memory": "8MiB"},
            "output": {"elasticsearch": {"bulk_max_bytes": "256KiB"}},
            "pipelines": {"nginx-access": {"filters": FILTERS}},
        },
    )
    hostile = "<img src=x onerror=document.title='owned'>\u202e not nginx"
    store.fault("item", status=400, type="document_parsing_exception", reason="<b>bad</b>", match="/item/bad/")
    with Sender(ingest.port) as sender, Sender(ingest.port) as blocked:
        sender.send(window([line(number).decode().strip() for number in range(50)] + [hostile, line(1, "bad").decode().strip()]))
        sender.wait_for_ack(52)
        store.fault("item", status=429, type="es_rejected_execution_exception", match="/item/slow/")
        for _ in range(30):
            blocked.send(window([line(number, "slow", 5_000).decode().strip() for number in range(100)]))
        wait_until(
            lambda: ingest.stats()["pipelines"]["nginx-access"]["queue"]["unread_connections"] == 1, 10, "one to be held back"
        )
        page = visit(f"http://127.0.0.1:{ingest.monitoring_port}/", tmp_path)
        assert len({request.split("/", 3)[2] for request in page.requests}) == 1, "nothing is asked of anybody else"
        tiles = dict(re.findall(r'<div class="label">([^<]*)</div><div class="number">([^<]*)</div>', page.dom))
        assert tiles["Connections"] == "2" and tiles["Connections held back"] == "1"
        assert re.fullmatch(r"[\d.,]+ (µs|ms|s)", tiles["Bulk latency"])
        pipeline = rows(page.dom, "Pipelines<")["nginx-access"]
        assert int(pipeline[0].replace(",", "")) > 52
        assert re.fullmatch(r"[\d.]+ MiB", pipeline[1]) and re.fullmatch(r"[\d.,]+ (µs|ms)", pipeline[2])
        # One connection all the time, give or take the clocks of two questions.
        assert pipeline[3].endswith(" %") and 50 <= float(pipeline[3].split()[0]) <= 150, pipeline
        number = rows(page.dom, "Filters by")["nginx-access · number · convert"]
        assert int(number[2].replace(",", "")) >= 51, "failures"
        assert re.fullmatch(r"[\d.,]+ (µs|ms)", number[3])
        assert rows(page.dom, "Stored with a tag")["format"][0] == "1"
        assert rows(page.dom, "Dead letters, with")["document_parsing_exception"][0] == "1"
        code = " ".join(texts(page.dom, "code"))
        assert "onerror=document.title='owned'" in code and "/item/bad/" in code
        assert "<img" not in page.dom and "\u202e" not in page.dom
        assert texts(page.dom, "title") == ["ingest"]
        store.clear_faults()


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")
def test_the_page_counts_refused_configurations(store: BulkStore, start_ingest: StartIngest, tmp_path: Path) -> None:
    ingest = start_ingest(store.url)
    ingest.configuration_path.write_text("no_such_key: 1\n")
    ingest.signal_and_wait()
    page = visit(f"http://127.0.0.1:{ingest.monitoring_port}/", tmp_path)
    assert rows(page.dom, "Operation")["New configurations refused"][0] == "1"
