"""The little of Elasticsearch's API that is needed: requests with JSON both ways, and credentials that no command line shows."""

from __future__ import annotations

import base64
import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 60
#: Half an answer would be shown as a whole one.
SEARCH_OPTIONS = "ignore_unavailable=true&allow_no_indices=true&allow_partial_search_results=false"


class StoreError(Exception):
    """The store cannot be asked, or does not answer well; the text says what to look at."""


class Elasticsearch:
    """One address, asked with a user and a password, an API key, or nothing."""

    def __init__(self, url: str, username: str = "", password: str = "", api_key: str = "", authority: str = "") -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise StoreError("ELASTICSEARCH must be a URL such as http://host:9200")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        #: Without credentials: this is what messages and pages show.
        self.url = f"{parts.scheme}://{host}:{parts.port or 9200}{parts.path.rstrip('/')}"
        self.username = username or urllib.parse.unquote(parts.username or "")
        self.password = password or urllib.parse.unquote(parts.password or "")
        self._authorization = f"ApiKey {api_key}" if api_key else self._basic()
        try:
            self._context = ssl.create_default_context(cafile=authority or None) if parts.scheme == "https" else None
        except OSError as error:
            raise StoreError(f"ELASTICSEARCH_CA {authority}: {error}") from None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Elasticsearch":
        """As ELASTICSEARCH and ELASTICSEARCH_… say."""
        secrets = {name.lower(): secret(f"ELASTICSEARCH_{name}", environment) for name in ("USERNAME", "PASSWORD", "API_KEY")}
        url = environment.get("ELASTICSEARCH") or "http://127.0.0.1:9200"
        if "@" in urllib.parse.urlsplit(url).netloc:
            raise StoreError("ELASTICSEARCH holds a password that a command line shows: use ELASTICSEARCH_PASSWORD_FILE")
        return cls(url, **secrets, authority=environment.get("ELASTICSEARCH_CA", ""))

    def search(self, index: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one search, about all of the indices or not at all. Those that do not exist are empty."""
        path = f"/{urllib.parse.quote(index, safe='*,-_.:')}/_search?{SEARCH_OPTIONS}"
        try:
            return self.request("POST", path, body)
        except FileNotFoundError:
            return {"_shards": {"total": 0}, "hits": {"total": {"value": 0}, "hits": []}}

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One request, JSON both ways. Nothing found is FileNotFoundError, everything else a StoreError."""
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("Content-Type", "application/json")
        if self._authorization:
            request.add_header("Authorization", self._authorization)
        data = json.dumps(body).encode() if body is not None else None
        try:
            with urllib.request.urlopen(request, data, timeout=TIMEOUT_SECONDS, context=self._context) as response:
                return json.loads(response.read() or b"{}")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                raise FileNotFoundError(path) from None
            raise StoreError(f"{method} {self.url}{path}: {error.code} {error.read()[:300]!r}") from None
        except (OSError, ValueError) as error:
            raise StoreError(f"{method} {self.url}{path}: {error}") from None

    def _basic(self) -> str:
        if not self.username:
            return ""
        return f"Basic {base64.b64encode(f'{self.username}:{self.password}'.encode()).decode()}"


def secret(name: str, environment: Mapping[str, str]) -> str:
    """A secret from `NAME`, or from the file that `NAME_FILE` names, without the newline at its end."""
    path = environment.get(f"{name}_FILE", "")
    if not path:
        return environment.get(name, "")
    if environment.get(name):
        raise StoreError(f"{name} and {name}_FILE are both set")
    try:
        return Path(path).read_text().rstrip("\r\n")
    except OSError as error:
        raise StoreError(f"{name}_FILE: {error}") from None
