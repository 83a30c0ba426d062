"""The live page of the monitoring port in a real browser: what it shows, and that text from outside stays text."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from socket import create_server
from urllib.parse import urlsplit

import pytest

from harness.apm import metadata, ndjson, post, transaction
from harness.browser import CHROMIUM, visit
from harness.loglines import append, lines
from harness.services import APMServer, Ingest, Shipper, http_get
from harness.store import BulkStore
from harness.waiting import wait_until

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")
StartAPMServer = Callable[..., APMServer]


def texts(dom: str, tag: str) -> list[str]:
    """The text of each of these elements."""
    found = re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", dom, re.DOTALL)
    return [unescape(re.sub(r"<[^>]*>", " ", content)).strip() for content in found]


def rows(dom: str, title: str) -> dict[str, list[str]]:
    """The cells of the table under that heading, by the first of each row."""
    section = next(part for part in re.findall(r"<section.*?</section>", dom, re.DOTALL) if title in part)
    cells = [texts(row, "td") for row in re.findall(r"<tr\b.*?</tr>", section, re.DOTALL)]
    return {row[0]: row[1:] for row in cells if row}


def test_the_page_shows_what_happens(store: BulkStore, start_apm_server: StartAPMServer, tmp_path: Path) -> None:
    server = start_apm_server(store.url)
    assert post(server.port, ndjson(metadata("shop"), *map(transaction, range(120)))).status == 202
    assert post(server.port, ndjson(metadata("mail"), *map(transaction, range(30)))).status == 202
    refused = {"transaction": {"id": "1", "name": "no type"}}
    assert post(server.port, ndjson(metadata("shop"), refused)).status == 400
    page = visit(f"http://127.0.0.1:{server.monitoring_port}/", tmp_path)
    assert texts(page.dom, "h1") == ["apm-server"]
    assert 'id="status" role="status" class="good">healthy<' in page.dom
    assert f"agents on 127.0.0.1:{server.port}" in page.dom
    assert rows(page.dom, "Events by type")["transaction"][0] == "150"
    by_service = rows(page.dom, "Events by service")
    assert [(service, cells[0]) for service, cells in by_service.items()] == [("shop", "120"), ("mail", "30")]
    assert rows(page.dom, "Intake requests by answer")["2xx"][0] == "2"
    assert rows(page.dom, "Rejected events, with")["validation"][0] == "1"
    assert '"name": "no type"' in "".join(texts(page.dom, "code"))
    # At least two rounds of numbers: there is a rate.
    assert re.search(r'<div class="number">0/s</div>', page.dom)


def test_the_pages_of_shipper_and_ingest(
    store: BulkStore,
    start_ingest: Callable[..., Ingest],
    start_shipper: Callable[..., Shipper],
    log: Path,
    tmp_path: Path,
) -> None:
    """Each shows its own numbers: of lines and documents, and how far behind each file is."""
    ingest = start_ingest(store.url)
    # What is no line of the format is stored with a tag.
    append(log, lines(range(300)) + b"no line of nginx\n")
    rest = log.with_name("shop.access.log")
    append(rest, b"a line without its end")
    shipper = start_shipper([log, rest], ingest.port)
    store.wait_for_count(301, 20)
    wait_until(lambda: shipper.stats()["shipping"]["windows"]["outstanding"] == 0, 10, "the last ack")
    page = visit(f"http://127.0.0.1:{ingest.monitoring_port}/", tmp_path)
    assert texts(page.dom, "h1") == ["ingest"]
    assert 'class="good">healthy<' in page.dom
    assert rows(page.dom, "Lines by input")[f"nginx-access:{ingest.port}"][0] == "301"
    assert rows(page.dom, "Documents<")["stored"][0] == "301"
    assert rows(page.dom, "Stored with a tag")["format"][0] == "1"
    assert int(rows(page.dom, "Senders")["Connections accepted"][0]) >= 1
    page = visit(f"http://127.0.0.1:{shipper.monitoring_port}/", tmp_path)
    assert texts(page.dom, "h1") == ["shipper"]
    assert 'class="good">healthy<' in page.dom
    files = rows(page.dom, "Files, the furthest behind first")
    assert list(files) == [str(rest), str(log)]
    assert files[str(rest)][:3] == ["22 B", "0 B", "22 B"]
    assert files[str(log)][2] == "0 B"
    # The beginning of a line does not wait for anybody.
    assert (files[str(rest)][3], files[str(log)][3]) == ("0 s", "0 s")
    assert rows(page.dom, "Connection<")["Windows sent again"] == ["0"]
    tiles = dict(re.findall(r'<div class="label">([^<]*)</div><div class="number">([^<]*)</div>', page.dom))
    assert (tiles["Connected"], tiles["Bytes behind"], tiles["Windows without ack"]) == ("yes", "22 B", "0")
    assert tiles["Oldest unsent line"] == "0 s"


def test_the_page_of_an_ingest_without_store_says_why(start_ingest: Callable[..., Ingest], tmp_path: Path) -> None:
    ingest = start_ingest("http://127.0.0.1:1")
    wait_until(lambda: ingest.health()[0] == 503, 20, "the service to notice that there is no store")
    page = visit(f"http://127.0.0.1:{ingest.monitoring_port}/", tmp_path)
    assert ">not healthy<" in page.dom
    assert any("127.0.0.1:1" in reason for reason in texts(page.dom, "li"))


def test_text_from_outside_stays_text(store: BulkStore, start_apm_server: StartAPMServer, tmp_path: Path) -> None:
    """What a client sends is on the page, but nothing of it runs, loads or changes what stands around it."""
    server = start_apm_server(store.url)
    with create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.2)
        host = f"127.0.0.1:{trap.getsockname()[1]}"
        hostile = f"</code></script><img src=http://{host}/a onerror=document.title='owned'><script>fetch('//{host}')</script>"
        assert post(server.port, ndjson(metadata(), {f"{hostile}\u202e": 1})).status == 400
        assert post(server.port, ndjson(metadata(), {"error": {"id": hostile}})).status == 400
        page = visit(f"http://127.0.0.1:{server.monitoring_port}/", tmp_path)
        with pytest.raises(TimeoutError):
            trap.accept()
    shown = " ".join(texts(page.dom, "code") + texts(page.dom, "div"))
    assert "onerror=document.title='owned'" in shown
    assert page.dom.count("<script") == 1
    assert "<img" not in page.dom
    assert texts(page.dom, "title") == ["apm-server"]
    assert "\u202e" not in page.dom


def test_nothing_leaves_the_origin(store: BulkStore, start_apm_server: StartAPMServer, tmp_path: Path) -> None:
    server = start_apm_server(store.url)
    page = visit(f"http://127.0.0.1:{server.monitoring_port}/", tmp_path)
    assert {urlsplit(address).path for address in page.requests} == {"/page.json", "/stats"}
    assert {urlsplit(address).port for address in page.requests} == {server.monitoring_port}
    status, headers, _ = http_get(server.monitoring_port, "/")
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "connect-src 'self'" in headers["Content-Security-Policy"]


def test_the_page_says_what_is_wrong(start_apm_server: StartAPMServer, tmp_path: Path) -> None:
    """An unhealthy service is seen at once, with its reason."""
    server = start_apm_server("http://127.0.0.1:1")
    wait_until(lambda: server.health()[0] == 503, 20, "the service to notice that there is no store")
    page = visit(f"http://127.0.0.1:{server.monitoring_port}/", tmp_path)
    assert ">not healthy<" in page.dom
    assert any("127.0.0.1:1" in reason for reason in texts(page.dom, "li"))
