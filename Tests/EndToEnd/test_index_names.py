"""Where documents go: daily indices named by fields of the event, with a cap, and data streams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.loglines import append, line, lines
from harness.lumberjack import Sender, event_window
from harness.peers import NoidaDB, OsmemServer
from harness.services import Ingest, Shipper, run_to_end
from harness.store import BulkStore

StartIngest = Callable[..., Ingest]


def event(number: int, **members: Any) -> dict[str, Any]:
    """An event of a shipper with other members besides."""
    return {
        "@timestamp": "2026-11-20T10:00:00.000Z",
        "message": line(number).decode().rstrip("\n"),
        "log": {"offset": number * 300, "file": {"path": "/var/log/a.log"}},
        "host": {"name": "web-1"},
    } | members


def send(ingest: Ingest, events: list[dict[str, Any]]) -> None:
    """Sends one window and waits for its ack."""
    with Sender(ingest.port) as sender:
        sender.send(event_window(events))
        sender.wait_for_ack(len(events))


def pipeline(**options: Any) -> dict[str, Any]:
    """A change of the configuration's only pipeline."""
    return {"pipelines": {"nginx-access": options}}


def test_fields_name_the_index(store: BulkStore, start_ingest: StartIngest) -> None:
    """Known fields, fields that no pipeline knows, results of look-ups; lower case; `unknown` where there is none."""
    text = "logs-%{service.name}-%{fields.team.id}-%{http.response.status_code}-%{user_agent.name}"
    ingest = start_ingest(store.url, changes=pipeline(index=text))
    send(ingest, [
        event(0, service={"name": "Shop/Küche"}, fields={"team": {"id": 7}}),
        event(1, service={"name": ""}, fields={"team": ["x"]}),
        event(2, service={"name": 'a"b*,?'}),
        {"@timestamp": "2026-11-20T10:00:00.000Z", "message": "no access line"},
    ])  # fmt: skip
    found = sorted(document.index for document in store.documents())
    assert found == [
        "logs-a_b___-unknown-200-firefox-2026.11.20",
        "logs-shop_k_che-7-200-chrome-2026.11.20",
        "logs-unknown-unknown-200-mobile_safari-2026.11.20",
        "logs-unknown-unknown-unknown-unknown-2026.11.20",
    ]
    store.assert_no_violations()
    template = store.statistics()["templates"]["logs"]
    assert template["index_patterns"] == ["logs-*"]


def test_fields_that_filters_make(store: BulkStore, start_ingest: StartIngest) -> None:
    """Behind filters the index follows from what they leave; the cap counts those names alone."""
    options = {
        "index": "logs-%{labels.team}", "max_indices": 2,
        "filters": [{"set": {"fields": {"labels.team": "Team %{service.name}"}}}],
    }  # fmt: skip
    ingest = start_ingest(store.url, changes=pipeline(**options))
    send(ingest, [event(number, service={"name": f"s{number % 3}"}, labels={"team": f"x{number}"}) for number in range(9)])
    documents = list(store.documents())
    assert Counter(document.index for document in documents) == {
        "logs-team_s0-2026.11.20": 3, "logs-team_s1-2026.11.20": 3, "logs-2026.11.20": 3,
    }  # fmt: skip
    for document in documents:
        assert ("_index_cap" in document.source.get("tags", [])) == (document.index == "logs-2026.11.20")
    assert ingest.metrics()['ingest_pipeline_failures_total{pipeline="nginx-access",reason="index_cap"}'] == 3


def test_the_cap_on_distinct_indices(store: BulkStore, start_ingest: StartIngest) -> None:
    """Beyond `max_indices` a day events go to the base index with a tag; names that are known go on."""
    ingest = start_ingest(store.url, changes=pipeline(index="app.%{service.name}", max_indices=3) | {"workers": 2})
    for _ in range(2):
        send(ingest, [event(number, service={"name": f"s{number % 10}"}) for number in range(100)])
    documents = list(store.documents())
    count = Counter(document.index for document in documents)
    assert count["app-2026.11.20"] == 70
    assert len(count) == 4 and set(count.values()) == {70, 10}
    for document in documents:
        assert ("_index_cap" in document.source.get("tags", [])) == (document.index == "app-2026.11.20")
    metrics = ingest.metrics()
    assert metrics['ingest_pipeline_failures_total{pipeline="nginx-access",reason="index_cap"}'] == 140
    assert sorted(store.statistics()["templates"]["app"]["index_patterns"]) == ["app-*", "app.*"]


def test_a_data_stream(
    store: BulkStore, start_ingest: StartIngest, start_shipper: Callable[..., Shipper], log: Path
) -> None:
    ingest = start_ingest(store.url, changes=pipeline(data_stream="logs-nginx.access-default"))
    append(log, lines(range(50)))
    start_shipper([log], ingest.port)
    store.wait_for_count(50, 20)
    assert {document.index for document in store.documents()} == {"logs-nginx.access-default"}
    statistics = store.statistics()
    template = statistics["templates"]["logs-nginx.access-default"]
    assert template["data_stream"] == {} and template["index_patterns"] == ["logs-nginx.access-default"]
    phases = statistics["policies"]["logs-nginx.access-default"]["policy"]["phases"]
    assert "rollover" in phases["hot"]["actions"]
    store.assert_no_violations()


@pytest.mark.parametrize("options", [{"index": "logs-%{event.dataset}"}, {"data_stream": "logs-nginx.access-default"}])
@pytest.mark.parametrize("kind", ["noida", "osmem"])
def test_real_stores(
    request: pytest.FixtureRequest,
    kind: str,
    options: dict[str, str],
    start_ingest: StartIngest,
    start_shipper: Callable[..., Shipper],
    log: Path,
) -> None:
    database: NoidaDB | OsmemServer = request.getfixturevalue(kind)
    ingest = start_ingest(database.url, changes=pipeline(**options))
    append(log, lines(range(200)))
    start_shipper([log], ingest.port)
    name = options.get("data_stream", "logs-nginx.access-2026.11.20")
    database.wait_for_count(name, 200, 20)
    assert database.count("logs-*") == 200
    assert not ingest.dead_letter_lines


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("index: '%{event.dataset}'", "begin with text"),
        ("index: 'logs-%{event'", "%{ without }"),
        ("index: 'logs-%{}'", "names no field"),
        ("index: 'logs-%{a}-X'", "capital letter X"),
        ("data_stream: Logs", "capital letter L"),
        ("data_stream: 'logs-%{a}'", "a data stream has one name"),
        ("index: a, data_stream: b", "keep one of the two"),
        ("index: 'logs-%{+YYYY.MM.dd}'", "the day is added"),
    ],
)
def test_mistakes_are_explained(options: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "ingest.yml"
    path.write_text(f"pipelines:\n  shop:\n    {{{options}}}\n")
    completed = run_to_end("ingest", "check", "--config", path)
    assert completed.returncode == 2
    assert "ingest.yml:3:" in completed.stderr.decode() and reason in completed.stderr.decode(), completed.stderr.decode()


def test_a_data_stream_named_as_indices_begin(tmp_path: Path) -> None:
    """Their templates would have the same name."""
    path = tmp_path / "ingest.yml"
    path.write_text("inputs:\n  - {port: 1, pipeline: shop}\n  - {port: 2}\npipelines:\n  shop:\n    data_stream: nginx\n")
    completed = run_to_end("ingest", "check", "--config", path)
    assert completed.returncode == 2
    assert "ingest.yml:6:" in completed.stderr.decode() and "the indices of nginx-access begin with" in completed.stderr.decode()
