"""Elasticsearch, with what only the demo asks: is it there, count what a search would find now."""

from __future__ import annotations

from html_report.elasticsearch import Elasticsearch, StoreError


class Store(Elasticsearch):
    """One Elasticsearch address. User and password may stand in the URL."""

    def is_ready(self) -> bool:
        """Whether the address answers at all."""
        try:
            return bool(self.request("GET", "/"))
        except (StoreError, FileNotFoundError):
            return False

    def count(self, index: str) -> int:
        """How many documents a search would find now."""
        if not self.refresh(index):
            return 0
        return int(self.request("GET", f"/{index}/_count")["count"])

    def refresh(self, index: str) -> bool:
        """Shows all that was stored to searches. False when there is no such index."""
        try:
            self.request("POST", f"/{index}/_refresh")
        except FileNotFoundError:
            return False
        return True
