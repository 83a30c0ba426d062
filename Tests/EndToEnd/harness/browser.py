"""A real browser without a screen, for pages that services serve."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass(frozen=True)
class Visit:
    """What became of a page."""

    #: The document as the page's script has left it.
    dom: str
    #: What the page, not the browser itself, has asked for.
    requests: list[str]


def visit(url: str, folder: Path, seconds: int = 9) -> Visit:
    """Opens a page and lets its timers run for that many seconds, which pass quickly."""
    log = folder / "network.json"
    result = subprocess.run(
        [
            CHROMIUM or "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
            "--disable-background-networking", "--disable-component-update", f"--user-data-dir={folder / 'profile'}",
            f"--log-net-log={log}", "--window-size=1280,900", f"--virtual-time-budget={seconds * 1000}", "--dump-dom", url,
        ],
        capture_output=True,
        timeout=120,
        check=True,
    )  # fmt: skip
    return Visit(result.stdout.decode(), requests_of(url, log))


def requests_of(url: str, log: Path) -> list[str]:
    """The addresses that the page's origin asked for, from the browser's own log."""
    text = log.read_text()
    # A browser that ends leaves the list open.
    if not text.rstrip().endswith("}"):
        text = text.rstrip().rstrip(",") + "]}"
    origin = url.rstrip("/")
    found = [event.get("params", {}) for event in json.loads(text)["events"]]
    return [params["url"] for params in found if params.get("initiator") == origin and "url" in params]
