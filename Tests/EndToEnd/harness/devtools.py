"""Chromium by its DevTools protocol: other screens and colour schemes, what a page asks for, what goes wrong in it."""

from __future__ import annotations

import base64
import json
import os
import select
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .browser import CHROMIUM
from .processes import ChildProcess, ProcessGroup

ANSWER_SECONDS = 30
Message = dict[str, Any]


class Tab:
    """One page in a browser of its own, told what to do over two pipes."""

    def __init__(self, processes: ProcessGroup, folder: Path) -> None:
        #: What has happened so far: the protocol's events, in order.
        self.events: list[Message] = []
        self._number = 0
        self._received = b""
        pipes = [folder / "devtools-commands", folder / "devtools-answers"]
        for pipe in pipes:
            os.mkfifo(pipe)
        # For both directions, so that neither side waits for the other to open them.
        self._commands, self._answers = (os.open(pipe, os.O_RDWR) for pipe in pipes)
        # The browser reads from descriptor 3 and writes to 4.
        command = f'exec "$0" "$@" 3<"{pipes[0]}" 4>"{pipes[1]}"'
        arguments = [
            "/bin/bash", "-c", command, CHROMIUM or "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", f"--user-data-dir={folder / 'devtools-profile'}",
            "--remote-debugging-pipe", "about:blank",
        ]  # fmt: skip
        processes.add(ChildProcess("chromium", arguments, folder)).start()
        self._session = ""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        """Closes the pipes, upon which the browser ends."""
        os.close(self._commands)
        os.close(self._answers)

    def open(self, url: str) -> None:
        """Loads a page, with everything that belongs to it."""
        self.events.clear()
        self.call("Page.navigate", url=url)
        self._read_until(lambda: any(event["method"] == "Page.loadEventFired" for event in self.events), f"{url} to load")

    def show_as(self, width: int, height: int, scheme: str = "light", media: str = "screen") -> None:
        """A screen of that size, in `light` or `dark`, or paper (`print`)."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    def value(self, expression: str) -> Any:
        """What a script finds in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def screenshot(self, path: Path) -> None:
        """The whole page as a picture."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def requests(self) -> list[str]:
        """What the page and everything in it asked for."""
        return [event["params"]["request"]["url"] for event in self.events if event["method"] == "Network.requestWillBeSent"]

    def complaints(self) -> list[Message]:
        """Errors of scripts, and what the browser wrote to its console."""
        methods = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [event["params"] for event in self.events if event["method"] in methods]

    def call(self, method: str, **parameters: Any) -> Message:
        """One command and its result; an error fails the test."""
        self._number += 1
        number = self._number
        session = {"sessionId": self._session} if self._session else {}
        message = {"id": number, "method": method, "params": parameters, **session}
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._commands, data) :]
        answers: list[Message] = []

        def is_answered() -> bool:
            answers.extend(event for event in self.events if event.get("id") == number)
            return bool(answers)

        self._read_until(is_answered, f"an answer to {method}")
        self.events = [event for event in self.events if "method" in event]
        assert "error" not in answers[0], answers[0]
        return answers[0]["result"]

    def _read_until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + ANSWER_SECONDS
        while not condition():
            rest = deadline - time.monotonic()
            assert rest > 0 and select.select([self._answers], [], [], rest)[0], f"waited {ANSWER_SECONDS} s for {what}"
            self._received += os.read(self._answers, 1 << 20)
            *messages, self._received = self._received.split(b"\0")
            self.events += map(json.loads, messages)
