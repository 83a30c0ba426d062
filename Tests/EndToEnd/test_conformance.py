"""Stored documents against expected ones that come from outside, field by field."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import FIXTURES
from harness.conformance import ExpectedLog, report
from harness.peers import NoidaDB, geoip_database
from harness.services import USER_AGENT_REGEXES, Ingest, Shipper, run_to_end

LOGS = FIXTURES / "logs"


@pytest.mark.timeout(120)
def test_four_thousand_real_lines_become_the_expected_documents(
    noida: NoidaDB, log: Path, start_ingest: Callable[..., Ingest], start_shipper: Callable[..., Shipper]
) -> None:
    expected = ExpectedLog(LOGS, "access-combined-4k")
    log.write_bytes(expected.log_path.read_bytes())
    ingest = start_ingest(noida.url, changes={"geoip": {"database": str(geoip_database())}})
    start_shipper([log], ingest.port)
    noida.wait_for_count("nginx-*", 4_000, 60)
    documents = list(noida.documents("nginx-*"))
    assert len(documents) == 4_000
    for document in documents:
        day = document["_source"]["@timestamp"][:10].replace("-", ".")
        assert document["_index"] == f"nginx-{day}"
    by_number = expected.by_line_number([document["_source"] for document in documents])
    differences = expected.differences(by_number, lookups=True)
    assert not differences, report(differences)


PRIVATE = ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]


@pytest.mark.parametrize(
    ("name", "log_format", "proxies"),
    [
        ("access-combined-4k", "combined", []),
        ("nginx-combined", "combined", []),
        # The expected client is the first address that is not private. Ours is the last that is not a trusted proxy:
        # the same once the public proxies of these files are trusted.
        ("nginx-main-xff", "main", ["114.114.114.114"]),
        ("nginx-timed-upstream", None, ["114.114.114.114"]),
        ("beats-nginx-access", "combined", ["204.246.1.1"]),
    ],
)
def test_parse_prints_the_expected_documents(tmp_path: Path, name: str, log_format: str | None, proxies: list[str]) -> None:
    expected = ExpectedLog(LOGS, name)
    configuration: dict[str, Any] = {
        "data_directory": str(tmp_path),
        "inputs": [{"port": 0, "host": "127.0.0.1", "pipeline": "nginx-access"}],
        "pipelines": {
            "nginx-access": {
                "log_format": log_format or expected.facts["log_format"],
                "oldest_event": "36500d",
                "trusted_proxies": PRIVATE + proxies,
            }
        },
        "geoip": {"database": str(geoip_database())},
        "user_agent": {"regexes": str(USER_AGENT_REGEXES)},
    }
    path = tmp_path / "ingest.yml"
    path.write_text(yaml.safe_dump(configuration))
    completed = run_to_end("ingest", "parse", "--pipeline", "nginx-access", "--config", path, stdin=expected.log_path.read_bytes())
    assert completed.returncode == 0, completed.stderr.decode()
    documents = [json.loads(line) for line in completed.stdout.decode("utf-8").splitlines()]
    assert len(documents) == len(expected.events)
    differences = expected.differences(dict(enumerate(documents, start=1)), lookups=True)
    assert not differences, report(differences)
