"""The part of Kibana's query language that the sources use, as a query of Elasticsearch.

    field: value        field: "text with spaces"     field: *        field: *end
    field >= 500        and, or, not, brackets
"""

from __future__ import annotations

import re
from typing import Any

TOKEN = re.compile(r'\s*(?:(?P<text>"[^"]*")|(?P<sign>>=|<=|[:<>()])|(?P<word>[^\s:<>()"]+))')
RANGES = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}


class KQLError(ValueError):
    """A query that is not understood."""


def query(text: str) -> dict[str, Any]:
    """The query that means the same; of an empty text, everything."""
    if not text.strip():
        return {"match_all": {}}
    parser = _Parser(text)
    result = parser.alternatives()
    if parser.token is not None:
        raise KQLError(f"{parser.token!r} is not expected in {text!r}")
    return result


def fields(text: str) -> set[str]:
    """The fields that a query names."""
    return set(re.findall(r"([\w@.]+)\s*(?::|>=|<=|<|>)", re.sub(r'"[^"]*"', '""', text)))


class _Parser:
    """`or` binds weaker than `and`, `and` weaker than `not`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._offset = 0
        self._advance()

    def _advance(self) -> None:
        match = TOKEN.match(self._text, self._offset)
        self.token = match and (match["text"] or match["sign"] or match["word"])
        if match:
            self._offset = match.end()
        elif self._text[self._offset :].strip():
            raise KQLError(f"{self._text[self._offset:]!r} is not understood")

    def _take(self) -> str:
        token = self.token
        if token is None:
            raise KQLError(f"{self._text!r} ends too early")
        self._advance()
        return token

    def alternatives(self) -> dict[str, Any]:
        """`a or b`"""
        parts = [self._conjunction()]
        while self.token == "or":
            self._advance()
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else {"bool": {"should": parts, "minimum_should_match": 1}}

    def _conjunction(self) -> dict[str, Any]:
        parts = [self._negation()]
        while self.token == "and":
            self._advance()
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else {"bool": {"filter": parts}}

    def _negation(self) -> dict[str, Any]:
        if self.token == "not":
            self._advance()
            return {"bool": {"must_not": [self._negation()]}}
        if self.token == "(":
            self._advance()
            inner = self.alternatives()
            if self._take() != ")":
                raise KQLError(f"a bracket is not closed in {self._text!r}")
            return inner
        return self._comparison()

    def _comparison(self) -> dict[str, Any]:
        field, sign, value = self._take(), self._take(), self._take()
        if sign in RANGES:
            return {"range": {field: {RANGES[sign]: float(value) if "." in value else int(value)}}}
        if sign != ":":
            raise KQLError(f"{sign!r} stands where : or a comparison is expected in {self._text!r}")
        if value == "*":
            return {"exists": {"field": field}}
        if "*" in value and not value.startswith('"'):
            return {"wildcard": {field: {"value": value}}}
        if value in ("true", "false"):
            return {"term": {field: value == "true"}}
        plain = value.strip('"')
        return {"term": {field: int(plain) if re.fullmatch(r"-?\d+", value) else plain}}
