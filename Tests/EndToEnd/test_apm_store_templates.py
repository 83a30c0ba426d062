"""Documents depend on whose templates the store has: Elasticsearch's own, or ours."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.apm import metadata, ndjson, post, request
from harness.peers import SearchStore
from harness.waiting import wait_until
from harness.services import APMServer

StartAPMServer = Callable[..., APMServer]

HISTOGRAM = {"values": [0.5, 2.5], "counts": [3, 1]}
METRICSET = {
    "metricset": {
        "samples": {"latency": {"type": "histogram"} | HISTOGRAM, "queue": {"value": 7}},
        "timestamp": 1_790_000_000_000_000,
    }
}


@pytest.mark.parametrize("has_own_templates", [True, False])
def test_histograms(noida: SearchStore, start_apm_server: StartAPMServer, has_own_templates: bool) -> None:
    """Pipelines that come with the store's templates move histograms themselves; elsewhere they are in place."""
    if has_own_templates:
        for kind in ("traces", "logs", "metrics"):
            template = {"index_patterns": [f"{kind}-apm*"], "data_stream": {}, "priority": 210}
            assert noida.request("PUT", f"/_index_template/{kind}-apm@template", template)[0] == 200
    server = start_apm_server(noida.url)
    wait_until(lambda: request(server.port, "GET", "/").json["publish_ready"], 20, "the store is prepared")
    assert post(server.port, ndjson(metadata(), METRICSET)).status == 202
    stream = "metrics-apm.app.shop-default"
    noida.wait_for_count(stream, 1, 20)
    [hit] = noida.search(stream, {"query": {"match_all": {}}})["hits"]["hits"]
    document = hit["_source"]
    assert document["queue"] == 7
    if has_own_templates:
        assert document["metricset"] == {"name": "app", "samples": [{"name": "latency", "type": "histogram"} | HISTOGRAM]}
        assert "latency" not in document
    else:
        assert document["metricset"] == {"name": "app"}
        assert document["latency"] == HISTOGRAM
        _, answer = noida.request("GET", f"/{stream}/_settings?flat_settings=true")
        assert [index["settings"]["index.sort.field"] for index in answer.values()] == ["@timestamp"]
    server.assert_log_is_clean()
    assert not server.dead_letter_lines
