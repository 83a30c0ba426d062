"""Pipelines from the configuration: files, filters that drop and split, tests inside, `parse --explain`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from harness.loglines import append, line, lines
from harness.lumberjack import Sender, event_window
from harness.ports import free_port
from harness.services import Ingest, Shipper, run_to_end
from harness.store import BulkStore
from harness.waiting import wait_until

StartIngest = Callable[..., Ingest]
StartShipper = Callable[..., Shipper]

SHOP = {
    "log_format": "combined",
    "filters": [
        {"set": {"fields": {"labels.site": "shop-%{+yyyy.MM}"}}},
        {"drop": {}, "if": 'url.path == "/health"', "id": "health"},
        {
            "if": "http.response.status_code >= 500",
            "then": [{"set": {"fields": {"labels.class": "error"}}}],
            "else": [{"remove": {"fields": ["user_agent"]}, "add_tag": ["short"]}],
        },
    ],
}
HEALTH = b'192.0.2.1 - - [20/Nov/2026:10:00:00 +0000] "GET /health HTTP/1.1" 200 1 "-" "curl/8"\n'
FAILED = b'192.0.2.1 - - [20/Nov/2026:10:00:00 +0000] "GET /x HTTP/1.1" 503 1 "-" "curl/8"\n'


def wait_for_stored(shipper: Shipper, count: int) -> None:
    """Waits until the receiver has acknowledged so many events."""
    wait_until(lambda: shipper.metrics()["shipper_events_stored_total"] >= count, 20, f"{count} acknowledged events")


def write(path: Path, content: object) -> Path:
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def test_dropped_events_are_acknowledged_and_the_others_stored(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    ingest = start_ingest(store.url, changes={"pipelines": {"nginx-access": SHOP}})
    shipper = start_shipper([log], ingest.port)
    # The first window has dropped events only: its ack must not wait for a document.
    append(log, HEALTH * 50)
    wait_for_stored(shipper, 50)
    append(log, lines(range(20)) + HEALTH + FAILED)
    wait_for_stored(shipper, 72)
    assert store.count() == 21
    documents = [document.source for document in store.documents()]
    failed = [source for source in documents if source["url"]["original"] == "/x"]
    assert len(failed) == 1 and failed[0]["labels"] == {"site": "shop-2026.11", "class": "error"}
    for source in documents:
        is_error = source["http"]["response"]["status_code"] >= 500
        assert ("user_agent" in source) == is_error
        assert source.get("tags") == (None if is_error else ["short"])
    counted = ingest.metrics()
    assert counted['ingest_filter_events_total{pipeline="nginx-access",filter="drop",id="health"}'] == 51
    assert counted['ingest_filter_dropped_total{pipeline="nginx-access",filter="drop",id="health"}'] == 51
    store.assert_no_violations()


def test_an_event_sent_again_has_the_same_ids_behind_filters(store: BulkStore, start_ingest: StartIngest) -> None:
    ingest = start_ingest(store.url, changes={"pipelines": {"nginx-access": SHOP}})
    event = {
        "@timestamp": "2026-11-20T10:00:05.000Z",
        "message": line(1).decode().rstrip("\n"),
        "agent": {"id": "a"},
        "log": {"offset": 7, "file": {"path": "/x"}},
    }
    for _ in range(2):
        with Sender(ingest.port) as sender:
            sender.send(event_window([event]))
            sender.wait_for_ack(1)
    assert store.count() == 1
    assert ingest.metrics()['ingest_elasticsearch_documents_total{outcome="duplicate"}'] == 1


def test_tests_in_a_pipeline_file_run_with_check(tmp_path: Path) -> None:
    good = {
        **SHOP,
        "tests": [
            {"name": "health", "input": HEALTH.decode().strip(), "dropped": True},
            {
                "name": "failed",
                "input": FAILED.decode().strip(),
                "expect": {"labels.class": "error", "http.response.status_code": 503, "event.type": "access"},
                "absent": ["tags"],
            },
            {"name": "fields", "input": {"message": "x", "host.name": "web"}, "expect": {"host": {"name": "web"}}},
        ],
    }
    (tmp_path / "pipelines").mkdir()
    write(tmp_path / "pipelines" / "shop.yml", good)
    configuration = write(tmp_path / "ingest.yml", {"pipeline_files": ["pipelines/*.yml"]})
    passed = run_to_end("ingest", "check", "--config", configuration)
    assert (passed.returncode, passed.stdout) == (0, b"ingest: the configuration is valid; 3 tests passed\n"), passed

    good["tests"][1]["expect"]["labels.class"] = "warning"
    good["tests"][0]["dropped"] = False
    good["tests"][0]["expect"] = {"url.path": "/health"}
    write(tmp_path / "pipelines" / "shop.yml", good)
    failed = run_to_end("ingest", "check", "--config", configuration)
    assert failed.returncode == 1
    assert failed.stderr.decode() == (
        'shop, test "health":\n  expected one document, found no document\n'
        'shop, test "failed":\n  labels.class: expected "warning", found "error"\n'
        "ingest: 2 of 3 tests failed\n"
    )


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("filters:\n  - sett: {}\n", [":2:", "pipelines.bad.filters.0.sett", 'did you mean "set"?']),
        ("filters:\n  - drop: {}\n    if: 'a = 3'\n", [":3:", "filters.0.if", "column 12: \"=\" is not"]),
        ("filters:\n  - drop: {}\n    remove: {fields: [a]}\n", [":3:", "a second filter"]),
        ("filters:\n  - {if: a}\n", [":2:", "stands without a filter"]),
        ("filters:\n  - set: {fields: {a: '%{x'}}\n", [":2:", "not closed"]),
        ("filters:\n  - {drop: {}, id: a}\n  - {drop: {}, id: a}\n", [":3:", "the id of another filter"]),
        ("tests:\n  - expect: {a: 1}\n", [":2:", "tests.0.input", "is missing"]),
        ("filters: [\n", ["bad.yml"]),
    ],
)
def test_a_mistake_in_a_pipeline_file_is_shown_with_its_place(tmp_path: Path, text: str, complaints: list[str]) -> None:
    (tmp_path / "bad.yml").write_text(text)
    configuration = write(tmp_path / "ingest.yml", {"pipeline_files": ["bad.yml"]})
    completed = run_to_end("ingest", "check", "--config", configuration)
    assert completed.returncode == 2
    for complaint in ["bad.yml", *complaints]:
        assert complaint in completed.stderr.decode()


def test_two_pipelines_of_one_name_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "shop.yml", {"index": "shop"})
    configuration = write(tmp_path / "ingest.yml", {"pipelines": {"shop": {}}, "pipeline_files": ["shop.yml", "none.yml"]})
    completed = run_to_end("ingest", "check", "--config", configuration)
    assert completed.returncode == 2
    assert "there is no file none.yml" in completed.stderr.decode()
    configuration = write(tmp_path / "ingest.yml", {"pipelines": {"shop": {}}, "pipeline_files": ["shop.yml"]})
    completed = run_to_end("ingest", "check", "--config", configuration)
    assert completed.returncode == 2
    assert 'a second pipeline is called "shop"' in completed.stderr.decode()


def test_explain_says_what_each_filter_did(tmp_path: Path) -> None:
    configuration = write(tmp_path / "ingest.yml", {"pipelines": {"shop": SHOP}})
    completed = run_to_end("ingest", "parse", "--config", configuration, "--pipeline", "shop", "--explain", stdin=FAILED + HEALTH)
    assert completed.returncode == 0, completed.stderr
    text = completed.stdout.decode().splitlines()
    words = [line.split() for line in text]
    assert text[0] == FAILED.decode().strip()
    assert words[1][:2] == ["format", "done"] and "µs" in text[1]
    assert words[2][:2] == ["set-1", "done"]
    assert text[3].strip() == '+ labels.site: "shop-2026.11"'
    assert words[4] == ["health", "skipped", "its", "condition", "is", "false"]
    assert text[6].strip() == '+ labels.class: "error"'
    assert json.loads(text[7])["labels"]["class"] == "error"
    assert words[-1][:2] == ["health", "dropped"]


def test_test_output_goes_step_by_step(store: BulkStore, tmp_path: Path) -> None:
    good = run_to_end("ingest", "test", "output", "--set", f"output.elasticsearch.hosts={store.url}")
    steps = [line.split() for line in good.stdout.decode().splitlines()[1:]]
    assert good.returncode == 0, good.stdout
    assert [step[:2] for step in steps] == [[name, "OK"] for name in ("resolve", "connect", "answer", "credentials", "privileges")]
    assert "nginx-*" in good.stdout.decode()
    bad = run_to_end("ingest", "test", "output", "--set", f"output.elasticsearch.hosts=http://127.0.0.1:{free_port()}")
    assert bad.returncode == 1
    assert "connect      FAILED" in bad.stdout.decode() and "is the server running" in bad.stdout.decode()
    assert run_to_end("ingest", "test").returncode == 2
