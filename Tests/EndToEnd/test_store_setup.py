"""Templates and lifecycle policies: there before the first document, once, whoever starts when."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.loglines import append, assert_exactly, lines, number_of, numbered
from harness.peers import NoidaDB, OsmemServer
from harness.processes import ProcessGroup
from harness.services import Ingest, Shipper
from harness.store import BulkStore
from harness.waiting import wait_until

INSTANCES = 5


def start_at_once(processes: ProcessGroup, url: str) -> list[Ingest]:
    """Several ingests that start in the same moment."""
    instances = [Ingest(processes, [url], {"workers": 1}, f"ingest-{number}") for number in range(INSTANCES)]
    for ingest in instances:
        ingest.start(wait=False)
    for ingest in instances:
        ingest.process.wait_ready()
    return instances


def puts(store: BulkStore) -> dict[str, int]:
    """How often which thing was installed."""
    return {path: count for path, count in store.statistics()["paths"].items() if path.startswith("PUT ")}


def test_many_instances_start_at_once(
    store: BulkStore, processes: ProcessGroup, start_shipper: Callable[..., Shipper], log: Path
) -> None:
    instances = start_at_once(processes, store.url)
    append(log, lines(range(500)))
    start_shipper([log], *(ingest.port for ingest in instances), changes={"output": {"load_balance": True}})
    store.wait_for_count(500, 20)
    assert_exactly((number_of(document.source) for document in store.documents()), numbered(range(500)))
    statistics = store.statistics()
    assert list(statistics["templates"]) == ["nginx"] and list(statistics["policies"]) == ["nginx"]
    assert set(puts(store)) == {"PUT /_index_template/nginx", "PUT /_ilm/policy/nginx"}
    assert all(1 <= count <= INSTANCES for count in puts(store).values())
    store.assert_no_violations()
    for ingest in instances:
        assert ingest.health()[0] == 200
    # Who starts later finds everything and installs nothing.
    before = puts(store)
    assert instances[0].process.terminate() == 0
    instances[0].start()
    instances[0].process.wait_for_output("the index template is up to date", 10)
    assert puts(store) == before


@pytest.mark.parametrize("kind", ["noida", "osmem"])
def test_many_instances_start_at_once_on_a_real_store(
    request: pytest.FixtureRequest,
    kind: str,
    processes: ProcessGroup,
    start_shipper: Callable[..., Shipper],
    log: Path,
) -> None:
    database: NoidaDB | OsmemServer = request.getfixturevalue(kind)
    instances = start_at_once(processes, database.url)
    append(log, lines(range(300)))
    start_shipper([log], *(ingest.port for ingest in instances), changes={"output": {"load_balance": True}})
    database.wait_for_count("nginx-*", 300, 20)
    assert database.count("nginx-*") == 300
    status, answer = database.request("GET", "/_index_template/nginx")
    assert status == 200 and answer["index_templates"][0]["index_template"]["index_patterns"] == ["nginx-*"]
    for ingest in instances:
        assert ingest.health()[0] == 200 and not ingest.dead_letter_lines


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"_meta": {"managed_by": "someone"}}, "was not made by us"),
        ({"version": 1_000_000, "_meta": {"managed_by": "elkfa", "content": "newer"}}, "of a newer version"),
        ({"version": 0, "_meta": {"managed_by": "elkfa", "content": "older"}}, "index template installed"),
    ],
)
def test_only_older_templates_of_ours_are_replaced(
    store: BulkStore, start_ingest: Callable[..., Ingest], found: dict[str, Any], message: str
) -> None:
    store.install_template("nginx", {"index_patterns": ["nginx-*"]} | found)
    ingest = start_ingest(store.url)
    ingest.process.wait_for_output(message, 10)
    template = wait_until(lambda: store.statistics()["templates"]["nginx"], 5, "the template")
    assert ("template" in template) == (message == "index template installed")
