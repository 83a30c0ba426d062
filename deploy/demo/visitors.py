"""Visitors of the demo's web site: browsers, phones, mini programs and robots from several countries."""

from __future__ import annotations

import http.client
import random
import socket
import threading
import time
from dataclasses import dataclass

THREADS = 6
PAUSE_SECONDS = 0.02

# Public addresses by country, as the balancer in front of the site would forward them.
NETWORKS = [
    "114.114.114", "223.5.5", "202.108.22", "36.152.44", "77.88.8", "93.158.134", "8.8.8", "1.1.1", "193.0.6",
    "200.160.2", "203.178.137", "81.169.145", "212.58.244", "103.21.244", "41.203.64", "62.210.16",
]  # fmt: skip
IPV6 = ["2a02:6b8::feed:1", "2400:3200::1", "2001:4860:4860::8888"]


@dataclass(frozen=True)
class Visitor:
    """A kind of client: what it says it is, and what it says it came from."""

    user_agent: str
    referrer: str = ""
    weight: int = 1


CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ANDROID = "Mozilla/5.0 (Linux; Android 13; 2211133C Build/TKQ1.220905.001; wv) AppleWebKit/537.36 (KHTML, like Gecko)"

VISITORS = [
    Visitor(f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36", "https://www.google.com/", 6),
    Visitor(f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {CHROME} Safari/537.36", weight=3),
    Visitor("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0", weight=2),
    Visitor("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0", "https://duckduckgo.com/", 2),
    Visitor(f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1", weight=4),
    Visitor(f"{ANDROID} Version/4.0 Chrome/126.0.6478.134 Mobile Safari/537.36", weight=2),
    # The WeChat browser on both systems, then a mini program: by its token, and by its referrer.
    Visitor(f"{IPHONE} Mobile/15E148 MicroMessenger/8.0.50(0x18003233) NetType/WIFI Language/zh_CN", weight=3),
    Visitor(
        f"{ANDROID} Version/4.0 Chrome/122.0.6261.120 Mobile Safari/537.36 XWEB/1220133 MMWEBSDK/20240404 "
        "MicroMessenger/8.0.49.2600(0x2800313D) WeChat/arm64 Weixin NetType/5G Language/zh_CN ABI/arm64",
        weight=2,
    ),
    Visitor(
        f"{ANDROID} Version/4.0 Chrome/122.0.6261.120 Mobile Safari/537.36 XWEB/1220133 MMWEBSDK/20240404 "
        "MicroMessenger/8.0.49.2600(0x2800313D) WeChat/arm64 Weixin NetType/WIFI Language/zh_CN ABI/arm64 "
        "MiniProgramEnv/android",
        "https://servicewechat.com/wx0123456789abcdef/12/page-frame.html",
        3,
    ),
    Visitor(
        f"{IPHONE} Mobile/15E148 MicroMessenger/8.0.50(0x18003233) NetType/4G Language/zh_CN",
        "https://servicewechat.com/wx0123456789abcdef/12/page-frame.html",
        2,
    ),
    Visitor("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", weight=2),
    Visitor("curl/8.5.0", weight=1),
]

# Path and weight; the expected status is what the site's configuration says.
REQUESTS = [
    ("/", 20), ("/products.html", 14), ("/products/42.html?utm_source=mail", 8), ("/css/site.css", 12),
    ("/js/app.js", 12), ("/img/logo.svg", 12), ("/cart.html", 6), ("/feed.xml", 3), ("/robots.txt", 2),
    ("/old-shop", 2), ("/search?q=%D1%87%D0%B0%D0%B9", 2), ("/wp-login.php", 3), ("/.env", 2), ("/admin", 2),
    ("/api/order", 2), ("/api/stock", 1), ("/reports/annual.pdf", 1),
]  # fmt: skip

# What every public port gets to see. nginx answers 400 and writes a line for each.
GARBAGE = [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\xab\r\n\r\n", b"hello\r\n\r\n", b"GET /a b HTTP/1.1\r\n\r\n"]


def headers(choice: random.Random, visitor: Visitor) -> dict[str, str]:
    """What a visitor's browser sends, with an address from somewhere in the world."""
    address = choice.choice(IPV6) if choice.random() < 0.05 else f"{choice.choice(NETWORKS)}.{choice.randrange(1, 255)}"
    # One in ten comes through a second, private proxy.
    forwarded = f"{address}, 10.0.0.7" if choice.random() < 0.1 else address
    sent = {"User-Agent": visitor.user_agent, "X-Forwarded-For": forwarded}
    if visitor.referrer:
        sent["Referer"] = visitor.referrer
    return sent


class Traffic:
    """Visits the site from several threads for some seconds and counts what was sent."""

    def __init__(self, port: int, seconds: float) -> None:
        self.port = port
        self.seconds = seconds
        self.sent = 0
        self._lock = threading.Lock()
        self._problems: list[BaseException] = []

    def run(self) -> int:
        """Returns the number of requests that were answered. A request without an answer is an error."""
        deadline = time.monotonic() + self.seconds
        threads = [threading.Thread(target=self._visit, args=(seed, deadline), daemon=True) for seed in range(THREADS)]
        for thread in threads:
            thread.start()
        # Not a plain join, so that Ctrl-C is noticed at once.
        while any(thread.is_alive() for thread in threads):
            time.sleep(0.1)
        if self._problems:
            raise self._problems[0]
        for request in GARBAGE:
            self._send_garbage(request)
        return self.sent

    def _visit(self, seed: int, deadline: float) -> None:
        choice = random.Random(seed)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            while time.monotonic() < deadline:
                path = choice.choices([path for path, _ in REQUESTS], [weight for _, weight in REQUESTS])[0]
                visitor = choice.choices(VISITORS, [visitor.weight for visitor in VISITORS])[0]
                connection.request("GET", path, headers=headers(choice, visitor))
                connection.getresponse().read()
                with self._lock:
                    self.sent += 1
                time.sleep(choice.random() * 2 * PAUSE_SECONDS)
        except (OSError, http.client.HTTPException) as error:
            self._problems.append(error)
        finally:
            connection.close()

    def _send_garbage(self, request: bytes) -> None:
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request)
            while connection.recv(4_096):
                pass
        self.sent += 1


class ShopTraffic:
    """Customers of the Flask app; about one request in twenty fails there."""

    def __init__(self, port: int, seconds: float) -> None:
        self.port = port
        self.seconds = seconds
        self.sent = 0
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Comes in from a thread of its own."""
        self._thread.start()

    def join(self) -> int:
        """Waits for the last customer; returns the requests that the app has served, those it makes to itself included."""
        while self._thread.is_alive():
            time.sleep(0.1)
        if self._problem is not None:
            raise self._problem
        return self.sent

    def _run(self) -> None:
        deadline = time.monotonic() + self.seconds
        choice = random.Random(1)
        number = 0
        try:
            while time.monotonic() < deadline:
                method, path, requests = choice.choice(
                    [("GET", "/", 1), ("GET", f"/item/{number % 50}", 2), ("POST", f"/order/{number}", 1),
                     ("POST", f"/order/{number}", 1)]
                )  # fmt: skip
                number += "order" in path
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                connection.request(method, path, body=b"{}" if method == "POST" else None)
                connection.getresponse().read()
                connection.close()
                self.sent += requests
                time.sleep(choice.random() * 2 * PAUSE_SECONDS)
        except (OSError, http.client.HTTPException) as error:
            self._problem = error
