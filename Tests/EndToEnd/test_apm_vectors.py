"""Requests of Elastic's own tests, over HTTP into three stores: every document field by field, every answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from harness.apm import Vector, assert_documents, vectors
from harness.peers import SearchStore, geoip_database
from harness.services import APMServer
from harness.store import BulkStore

StartAPMServer = Callable[..., APMServer]

# Vectors were made with the RUM endpoints open.
CHANGES = {"rum": {"enabled": True}, "geoip": {"database": str(geoip_database())}}
ALL = vectors()
BY_NAME = [pytest.param(vector, id=vector.name) for vector in ALL]
# Roll-ups of all kinds and intervals accompany every event; a vector lists them only when it is about them.
ROLL_UPS = ("metrics-apm.transaction.", "metrics-apm.service_transaction.", "metrics-apm.service_destination.",
            "metrics-apm.service_summary.")  # fmt: skip


def assert_answers(vector: Vector, port: int) -> None:
    """Sends the vector and compares the answers: status, accepted, errors."""
    for expected, answer in vector.send(port):
        assert answer.status == expected["status"], answer
        body = answer.json
        assert body["accepted"] == expected["accepted"], answer
        errors = expected.get("errors", [])
        assert len(body.get("errors", [])) == len(errors), answer
        for wanted, found in zip(errors, body.get("errors", []), strict=True):
            assert found.get("document") == wanted.get("document")
            if wanted["message_exact"]:
                assert found["message"] == wanted["message"]
            else:
                assert found["message"].startswith("decode error: data read error: ")


def wanted(vector: Vector, found: Iterator[tuple[str, dict]]) -> list[tuple[str, dict]]:
    """The documents that the vector is about: its roll-ups, of the kinds it lists, or its events."""
    streams = {entry["data_stream"] for entry in vector.expected["docs"]}
    if vector.is_aggregated:
        return [pair for pair in found if pair[0] in streams]
    return [pair for pair in found if not pair[0].startswith(ROLL_UPS)]


@pytest.mark.parametrize("vector", BY_NAME)
def test_documents(vector: Vector, store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """Into the strict store: the same documents and no others; roll-ups are there once the server has stopped."""
    server = start_apm_server(store.url, changes=CHANGES)
    assert_answers(vector, server.port)
    if vector.is_aggregated:
        server.process.terminate()
    found = [(document.index, document.source) for document in store.documents()]
    assert_documents(vector.expected["docs"], wanted(vector, iter(found)))
    store.assert_no_violations()
    server.assert_log_is_clean()
    assert not server.dead_letter_lines


@pytest.mark.parametrize("kind", ["noida", "osmem"])
def test_documents_in_real_stores(kind: str, request: pytest.FixtureRequest, start_apm_server: StartAPMServer) -> None:
    """All vectors into one store, each of its own server's start to stop: accepted by its mappings, equal when read back."""
    database: SearchStore = request.getfixturevalue(kind)
    before: set[tuple[str, str]] = set()
    for vector in ALL:
        server = start_apm_server(database.url, changes=CHANGES, name=f"apm-{vector.name}")
        assert_answers(vector, server.port)
        server.process.terminate()
        assert not server.dead_letter_lines, server.dead_letter_lines[0]
        database.request("POST", "/*-apm*/_refresh")
        hits = database.search("traces-apm*,logs-apm*,metrics-apm*", {"size": 5000, "query": {"match_all": {}}})["hits"]["hits"]
        new = [hit for hit in hits if (hit["_index"], hit["_id"]) not in before]
        before |= {(hit["_index"], hit["_id"]) for hit in new}
        found = [(hit["_index"], hit["_source"]) for hit in new]
        assert_documents(vector.expected["docs"], wanted(vector, iter(found)))
