"""Filters that cut texts, under hostile lines: no line is lost, and none holds the others up."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import yaml

from harness.services import run_to_end

HOSTILE = [
    "a" * 30_000 + "!",
    "(" * 20_000,
    '{"a":' * 5_000,
    "k=v " * 50_000,
    '"' + "x," * 50_000,
    "[" * 50_000 + "]" * 50_000,
    "99/Nov/2026:99:99:99 " + "9" * 5_000,
]
FILTERS: list[dict[str, Any]] = [
    {"grok": {"patterns": [r"(?<tail>(?:a+)+)$", r"^%{WORD:verb} %{NUMBER:n:int}$"]}},
    {"regex": {"pattern": r"(?<words>(?:\w+\s?)*)\.$"}},
    {"dissect": {"pattern": "%{first->} %{+first}"}},
    {"json": {"target": "json"}},
    {"kv": {"target": "kv"}},
    {"csv": {"columns": ["c.one", "c.two"], "target": "csv", "max_columns": 10}},
    {"date": {"field": "message", "formats": ["dd/MMM/yyyy:HH:mm:ss Z", "ISO8601", "UNIX"]}},
]


def documents(tmp_path: Path, sent: list[str], filters: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], float]:
    """What becomes of lines, and how many seconds that took."""
    configuration = tmp_path / "ingest.yml"
    configuration.write_text(yaml.safe_dump({"pipelines": {"text": {"format": "plain", "filters": filters}}}))
    began = time.monotonic()
    completed = run_to_end(
        "ingest", "parse", "--pipeline", "text", "--config", configuration, stdin="\n".join(sent).encode() + b"\n"
    )
    took = time.monotonic() - began
    assert completed.returncode == 0, completed.stderr.decode()
    return [json.loads(text) for text in completed.stdout.splitlines()], took


def test_hostile_lines_are_kept_and_tagged(tmp_path: Path) -> None:
    sent = HOSTILE + ["GET 5"]
    found, _ = documents(tmp_path, sent, FILTERS)
    assert [document["message"] for document in found] == sent
    for document in found[:-1]:
        assert "_dateparsefailure" in document["tags"]
        assert document["error"]["message"]
        # The line, its escapes, and a copy as the only column.
        assert len(json.dumps(document)) < 4 * len(document["message"]) + 20_000
    assert "_groktimeout" in found[0]["tags"]
    assert found[-1]["verb"] == "GET" and found[-1]["n"] == 5
    assert found[-1]["first"] == "GET 5"


def test_a_catastrophic_pattern_does_not_slow_other_lines(tmp_path: Path) -> None:
    ordinary = [f"GET {number}" for number in range(2_000)]
    sent = ordinary + [HOSTILE[0]] * 50 + ordinary
    found, took = documents(tmp_path, sent, FILTERS[:1])
    assert [document.get("n") for document in found] == [*range(2_000), *[None] * 50, *range(2_000)]
    assert all("tags" not in document for document in found if "n" in document)
    assert sum("_groktimeout" in document.get("tags", []) for document in found) == 50
    # Without a limit one such line takes longer than anybody waits; this leaves room for a busy machine.
    assert took < 10
