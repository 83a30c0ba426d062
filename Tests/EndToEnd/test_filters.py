"""Filters of a pipeline between real senders and a store: what is stored, what is not, and what is counted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from harness.lumberjack import Sender, event_window
from harness.services import REPOSITORY, Ingest
from harness.store import BulkStore
from harness.waiting import wait_until

StartIngest = Callable[..., Ingest]
NETWORKS = REPOSITORY / "Tests" / "Fixtures" / "geoip" / "tiny-asn.mmdb"


def event(number: int, target: str, origin: str = "a") -> dict[str, Any]:
    """A request as a shipper sends it, which says where its line stood."""
    return {
        "@timestamp": "2026-11-20T10:00:01.000Z",
        "message": f'1.2.3.{number % 250} - - [20/Nov/2026:10:00:00 +0000] "GET {target} HTTP/1.1" 200 1 "-" "curl/8.4.0"',
        "agent": {"id": origin},
        "log": {"offset": number, "file": {"path": "/var/log/nginx/access.log"}},
    }


def pipeline(*filters: dict[str, Any]) -> dict[str, Any]:
    return {"pipelines": {"nginx-access": {"oldest_event": "36500d", "filters": list(filters)}}}


def test_filters_decide_what_is_stored_and_all_workers_count_together(store: BulkStore, start_ingest: StartIngest) -> None:
    changes = pipeline(
        {"drop": {}, "if": 'url.path == "/healthz"'},
        {"throttle": {"key": "%{url.path}", "max_events": 10, "period": "1h"}, "if": 'url.path == "/flood"'},
        {"redact": {"parameters": ["token"]}},
        {"anonymize_ip": {"in_text": True}},
    )
    ingest = start_ingest(store.url, changes=changes)
    targets = ["/healthz", "/flood", "/pay?token=SECRET"]
    with ExitStack() as stack:
        senders = [stack.enter_context(Sender(ingest.port)) for _ in range(4)]
        for name, sender in enumerate(senders):
            sender.send(event_window([event(number, targets[number % 3], f"agent-{name}") for number in range(300)]))
        for sender in senders:
            # Every event counts as done, also those that are not stored.
            sender.wait_for_ack(300)
    documents = [document.source for document in store.documents()]
    assert len(documents) == 4 * 100 + 10
    assert sum(document["url"]["path"] == "/flood" for document in documents) == 10
    paid = [document for document in documents if document["url"]["path"] == "/pay"]
    assert {document["url"]["query"] for document in paid} == {"token=REDACTED"}
    assert "SECRET" not in json.dumps(documents)
    assert {document["source"]["ip"] for document in documents} == {"1.2.3.0"}
    assert all(document["event"]["original"].startswith("1.2.3.0 - - [20/Nov/2026:10:00:00 ") for document in documents)
    dropped = {name: value for name, value in ingest.metrics().items() if name.startswith("ingest_filter_dropped_total")}
    assert sorted(dropped.values()) == [0, 0, 390, 400]


def test_parts_of_an_event_that_comes_again_replace_themselves(store: BulkStore, start_ingest: StartIngest) -> None:
    ingest = start_ingest(
        store.url,
        changes=pipeline(
            {"split_event": {"field": "items"}},
            {"drop": {}, "if": "items.sku == 'b'"},
            {"sample": {"rate": 0.5}, "if": "not items"},
        ),
    )
    items = [{"sku": sku} for sku in "abcd"]
    window = event_window(
        [{**event(number, f"/{number}"), **({"items": items} if number % 2 else {})} for number in range(200)]
    )
    identifiers: list[set[str]] = []
    for _ in range(2):
        with Sender(ingest.port) as sender:
            sender.send(window)
            sender.wait_for_ack(200)
        identifiers.append({document.id for document in store.documents()})
    parts = [document.source["items"]["sku"] for document in store.documents() if "items" in document.source]
    assert sorted(set(parts)) == ["a", "c", "d"]
    assert identifiers[0] == identifiers[1]
    # 100 events with three parts each, and about half of the others: within eight standard deviations.
    assert 310 < len(identifiers[0]) < 390


def test_the_database_of_a_filter_arrives_later(store: BulkStore, start_ingest: StartIngest, tmp_path: Path) -> None:
    database = tmp_path / "asn.mmdb"
    changes = pipeline({"geoip": {"database": str(database)}})
    ingest = start_ingest(store.url, changes={**changes, "geoip": {"reload_interval": "1s"}})
    number = 0

    def send() -> dict[str, Any]:
        nonlocal number
        with Sender(ingest.port) as sender:
            sender.send(event_window([event(number, f"/{number}")]))
            sender.wait_for_ack(1)
        number += 1
        return next(d.source for d in store.documents() if d.source["url"]["path"] == f"/{number - 1}")

    first = send()
    assert first["tags"] == ["_geoip_lookup_failure"] and "as" not in first["source"]
    ingest.process.wait_for_output(str(database))
    # An updater writes beside and renames over.
    shutil.copyfile(NETWORKS, tmp_path / "new")
    (tmp_path / "new").rename(database)
    wait_until(lambda: send()["source"].get("as", {}).get("number") == 64500, 20, "an event with a network", poll_seconds=0.3)
    assert ingest.process.is_running
