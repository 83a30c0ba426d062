"""The little of Elasticsearch's API that the demo asks: is it there, count, search."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from services import DemoError


class Store:
    """One Elasticsearch address. User and password may stand in the URL."""

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise DemoError(f"ELASTICSEARCH must be a URL such as http://host:9200, not {url!r}")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        self.url = f"{parts.scheme}://{host}:{parts.port or 9200}"
        self.username = urllib.parse.unquote(parts.username or "")
        self.password = urllib.parse.unquote(parts.password or "")

    def is_ready(self) -> bool:
        """Whether the address answers at all."""
        try:
            return bool(self.request("GET", "/"))
        except DemoError:
            return False

    def count(self, index: str) -> int:
        """How many documents a search would find now."""
        try:
            self.request("POST", f"/{index}/_refresh")
            return int(self.request("GET", f"/{index}/_count")["count"])
        except FileNotFoundError:
            return 0

    def search(self, index: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one search."""
        return self.request("POST", f"/{index}/_search", body)

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One request, JSON both ways. Nothing found is FileNotFoundError, everything else a DemoError."""
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("Content-Type", "application/json")
        if self.username:
            secret = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {secret}")
        data = json.dumps(body).encode() if body is not None else None
        try:
            with urllib.request.urlopen(request, data, timeout=60) as response:
                return json.loads(response.read() or b"{}")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                raise FileNotFoundError(path) from None
            raise DemoError(f"{method} {self.url}{path}: {error.code} {error.read()[:300]!r}") from None
        except (OSError, ValueError) as error:
            raise DemoError(f"{method} {self.url}{path}: {error}") from None
