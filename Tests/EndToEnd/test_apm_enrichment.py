"""What apm-server finds out of clients itself where the store has no pipelines: their place and their browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.apm import metadata, ndjson, post, request, transaction
from harness.peers import SearchStore, geoip_database
from harness.services import APMServer
from harness.store import BulkStore
from harness.waiting import wait_until

StartAPMServer = Callable[..., APMServer]

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
GEO = {"geoip": {"database": str(geoip_database())}}


def visit(number: int, address: str = "8.8.8.8") -> dict[str, Any]:
    """A transaction for a visitor from the United States."""
    captured = {"method": "GET", "headers": {"User-Agent": FIREFOX}, "socket": {"remote_address": address}}
    return transaction(number, context={"request": captured})


def sources(store: BulkStore) -> list[dict[str, Any]]:
    """The transactions that were stored."""
    return [document.source for document in store.documents() if document.index == "traces-apm-default"]


def test_a_database_arrives_later(store: BulkStore, start_apm_server: StartAPMServer, tmp_path: Path) -> None:
    """A warning and fewer fields until it is there."""
    database = tmp_path / "city.mmdb"
    server = start_apm_server(store.url, changes={"geoip": {"database": str(database), "reload_interval": "1s"}})
    assert post(server.port, ndjson(metadata(), visit(0))).status == 202
    [first] = sources(store)
    assert first["client"] == {"ip": "8.8.8.8"}
    assert first["user_agent"] == {
        "original": FIREFOX, "name": "Firefox", "version": "133.0", "device": {"name": "Other"}, "os": {"name": "Linux"},
    }  # fmt: skip
    server.process.wait_for_output("GeoIP database is missing")
    shutil.copyfile(geoip_database(), tmp_path / "new")
    (tmp_path / "new").rename(database)
    # Without an event: an idle thread hears of it too.
    server.process.wait_for_output("GeoIP database loaded")
    assert post(server.port, ndjson(metadata(), visit(1))).status == 202
    [geo] = [source["client"]["geo"] for source in sources(store) if "geo" in source["client"]]
    assert geo["country_iso_code"] == "US"
    assert -90 <= geo["location"]["lat"] <= 90


def test_rules_are_missing(store: BulkStore, start_apm_server: StartAPMServer, tmp_path: Path) -> None:
    """One warning, whatever comes; the text is stored."""
    server = start_apm_server(store.url, changes={"user_agent": {"regexes": str(tmp_path / "absent.yaml")}})
    for number in range(3):
        assert post(server.port, ndjson(metadata(), visit(number))).status == 202
    assert [source["user_agent"] for source in sources(store)] == [{"original": FIREFOX}] * 3
    assert sum("user agents are not parsed" in line for line in server.process.output().splitlines()) == 1


def test_hostile_user_agents(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """Megabyte-long, binary, escaped and repetitive agents: stored as they are, known or not."""
    server = start_apm_server(store.url, changes=GEO)
    agents = ["x" * 200_000, "\u0000\u0001\\\"", "Mozilla/5.0 (" * 500, "é" * 1000, "\U0001f600 Firefox/1.0"]
    events = []
    for number, agent in enumerate(agents):
        event = visit(number)
        event["transaction"]["context"]["request"]["headers"]["User-Agent"] = agent
        events.append(event)
    assert post(server.port, ndjson(metadata(), *events)).status == 202
    found = [source["user_agent"] for source in sources(store)]
    assert {agent["original"] for agent in found} == set(agents)
    assert all(agent["name"] for agent in found)
    [smiling] = [agent for agent in found if agent["original"] == agents[4]]
    assert (smiling["name"], smiling["version"]) == ("Firefox", "1.0")


@pytest.mark.parametrize("has_own_templates", [True, False])
def test_the_store_has_pipelines(noida: SearchStore, start_apm_server: StartAPMServer, has_own_templates: bool) -> None:
    """Elasticsearch's own pipelines are left to do it, and the files are not even looked for."""
    if has_own_templates:
        for kind in ("traces", "logs", "metrics"):
            template = {"index_patterns": [f"{kind}-apm*"], "data_stream": {}, "priority": 210}
            assert noida.request("PUT", f"/_index_template/{kind}-apm@template", template)[0] == 200
    server = start_apm_server(noida.url, changes=GEO)
    wait_until(lambda: request(server.port, "GET", "/").json["publish_ready"], 20, "the store is prepared")
    assert post(server.port, ndjson(metadata(), visit(1))).status == 202
    noida.wait_for_count("traces-apm-default", 1, 20)
    [hit] = noida.search("traces-apm-default", {"query": {"match_all": {}}})["hits"]["hits"]
    document = hit["_source"]
    assert ("geo" in document["client"]) is not has_own_templates
    assert ("name" in document["user_agent"]) is not has_own_templates
    assert ("GeoIP database loaded" in server.process.output()) is not has_own_templates
    if not has_own_templates:
        _, mapping = noida.request("GET", "/traces-apm-default/_mapping")
        assert '"location":{"type":"geo_point"}' in json.dumps(mapping, separators=(",", ":"))
        near = {"geo_distance": {"distance": "1m", "client.geo.location": document["client"]["geo"]["location"]}}
        assert noida.search("traces-apm-default", {"query": near})["hits"]["total"]["value"] == 1
    server.assert_log_is_clean()
