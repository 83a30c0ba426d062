"""Compares stored documents with the expected documents of `Tests/Fixtures/logs/*.expected.json`.

The files' README tells what their parts mean. What counts as equal here:
- a list of one and the single value, and a missing field, null and empty text: the same thing in Elasticsearch;
- numbers by value; dates by instant, whatever their precision.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

# Kept for every request, also where Filebeat's pattern or URI parser, after which some files were made, has nothing.
BEYOND_FILEBEAT = frozenset({"url.original", "nginx.access.remote_ip_list"})
MISSING = object()


@dataclass(frozen=True)
class Difference:
    """One field of one document that is not as expected."""

    line_number: int
    field: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        found = "nothing" if self.found is MISSING else repr(self.found)
        return f"line {self.line_number}: {self.field}: expected {self.expected!r}, found {found}"


def flattened(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested objects as dotted fields; objects inside lists stay."""
    if not isinstance(value, dict):
        return {prefix: value}
    result: dict[str, Any] = {}
    for key, inner in value.items():
        result.update(flattened(inner, f"{prefix}.{key}" if prefix else key))
    return result


def value_at(document: dict[str, Any], field: str) -> Any:
    """The value of a dotted field, whether it is nested or written with dots; MISSING if absent."""
    if field in document:
        return document[field]
    head, _, rest = field.partition(".")
    while rest:
        inner = document.get(head)
        if isinstance(inner, dict) and (value := value_at(inner, rest)) is not MISSING:
            return value
        middle, _, rest = rest.partition(".")
        head = f"{head}.{middle}"
    return MISSING


def same(expected: Any, found: Any) -> bool:
    """Whether Elasticsearch would index both alike."""
    if expected is None or expected == []:
        return found is MISSING or found in (None, [], "")
    if found is MISSING or found is None:
        return False
    expected_list = expected if isinstance(expected, list) else [expected]
    found_list = found if isinstance(found, list) else [found]
    return len(expected_list) == len(found_list) and all(map(_same_scalar, expected_list, found_list))


def _same_scalar(expected: Any, found: Any) -> bool:
    if isinstance(expected, dict):
        return isinstance(found, dict) and expected.keys() == found.keys() and all(
            _same_scalar(value, found[key]) for key, value in expected.items()
        )
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, (int, float)) and isinstance(found, (int, float)):
        return abs(expected - found) <= 1e-9 * max(1.0, abs(expected))
    if expected == found:
        return True
    if isinstance(expected, str) and isinstance(found, str) and expected[4:5] == "-" and "T" in expected:
        return _instant(expected) is not None and _instant(expected) == _instant(found)
    return False


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


class ExpectedLog:
    """A log file of the fixtures with the documents its lines should become."""

    def __init__(self, folder: Path, name: str) -> None:
        self.log_path = folder / f"{name}.log"
        self.facts = json.loads((folder / f"{name}.expected.json").read_text())
        self.events: list[dict[str, Any]] = self.facts["events"]
        self._offsets: list[int] = []
        position = 0
        for text in self.log_path.read_bytes().splitlines(keepends=True):
            self._offsets.append(position)
            position += len(text)

    def number_at(self, offset: int) -> int:
        """The number (from 1) of the line that starts at `offset`."""
        return self._offsets.index(offset) + 1

    def by_line_number(self, documents: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
        """Sources keyed by line number, from their `log.offset`; fails on a line stored twice."""
        numbers = {offset: number for number, offset in enumerate(self._offsets, start=1)}
        result: dict[int, dict[str, Any]] = {}
        for document in documents:
            number = numbers[value_at(document, "log.offset")]
            assert number not in result, f"line {number} is stored twice"
            result[number] = document
        return result

    def differences(self, by_number: dict[int, dict[str, Any]], lookups: bool) -> list[Difference]:
        """Every field that is not as expected, over all events.

        A field that the file expects of some lines must be missing where it is not expected.
        """
        found: list[Difference] = []
        fields = {field for event in self.events for field in event.get("expected", {})}
        if lookups:
            fields |= {field for event in self.events for field in event.get("lookups", {})}
        for position, event in enumerate(self.events, start=1):
            number = event.get("n", position)
            document = by_number.get(number)
            if document is None:
                found.append(Difference(number, "(document)", "stored", MISSING))
                continue
            wanted = dict(event.get("expected", {}))
            if lookups:
                wanted |= event.get("lookups", {})
            for field in fields:
                if field in BEYOND_FILEBEAT and field not in wanted:
                    continue
                expected = wanted.get(field)
                actual = value_at(document, field)
                if not same(expected, actual):
                    found.append(Difference(number, field, expected, actual))
        return found


def report(differences: list[Difference]) -> str:
    """How often each field differs, and the first few differences in full."""
    fields = Counter(difference.field for difference in differences).most_common(20)
    examples = "\n".join(f"  {difference}" for difference in differences[:15])
    return f"{len(differences)} differences; by field: {fields}\n{examples}"
