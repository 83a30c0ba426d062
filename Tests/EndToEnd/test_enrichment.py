"""Databases that are missing, broken, or arrive later: a warning and fewer fields, never a stopped event."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.loglines import append
from harness.peers import geoip_database
from harness.services import Ingest, Shipper
from harness.store import BulkStore
from harness.waiting import wait_until

StartIngest = Callable[..., Ingest]
StartShipper = Callable[..., Shipper]


def google(number: int) -> bytes:
    """A request from an address in the United States."""
    return f'8.8.8.8 - - [20/Nov/2026:10:00:00 +0000] "GET /{number} HTTP/1.1" 200 1 "-" "curl/8.4.0"\n'.encode()


@pytest.mark.parametrize("content", [None, b"", b"this is no database", "first half"], ids=["missing", "empty", "garbage", "half"])
def test_a_database_arrives_later(
    store: BulkStore,
    start_ingest: StartIngest,
    start_shipper: StartShipper,
    log: Path,
    tmp_path: Path,
    content: bytes | str | None,
) -> None:
    database = tmp_path / "city.mmdb"
    if isinstance(content, str):
        with open(geoip_database(), "rb") as whole:
            database.write_bytes(whole.read(geoip_database().stat().st_size // 2))
    elif content is not None:
        database.write_bytes(content)
    ingest = start_ingest(store.url, changes={"geoip": {"database": str(database), "reload_interval": "1s"}})
    start_shipper([log], ingest.port)
    append(log, google(0))
    store.wait_for_count(1, 20)
    assert "geo" not in next(store.documents()).source["source"]
    ingest.process.wait_for_output(str(database))
    # An updater writes beside and renames over.
    shutil.copyfile(geoip_database(), tmp_path / "new")
    (tmp_path / "new").rename(database)
    number = 1

    def is_placed() -> bool:
        nonlocal number
        append(log, google(number))
        number += 1
        store.wait_for_count(number, 20)
        return any("geo" in document.source["source"] for document in store.documents())

    wait_until(is_placed, 20, "an event with a place", poll_seconds=0.3)
    assert ingest.process.is_running


def test_user_agent_rules_are_missing(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path, tmp_path: Path
) -> None:
    ingest = start_ingest(store.url, changes={"user_agent": {"regexes": str(tmp_path / "absent.yaml")}})
    start_shipper([log], ingest.port)
    append(log, google(0))
    store.wait_for_count(1, 20)
    source = next(store.documents()).source
    assert source["user_agent"] == {"original": "curl/8.4.0"}
    ingest.process.wait_for_output("absent.yaml")
