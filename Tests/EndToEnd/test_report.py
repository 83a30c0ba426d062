"""The HTML report of what ingest and apm-server have stored: all panels, in a real browser, and from nothing at all."""

from __future__ import annotations

import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from harness.apm import metadata, ndjson, post, transaction
from harness.browser import CHROMIUM
from harness.devtools import Tab
from harness.loglines import append, lines
from harness.peers import OsmemServer, geoip_database
from harness.processes import ProcessGroup
from harness.services import REPOSITORY, APMServer, Ingest, Shipper

sys.path.append(str(REPOSITORY / "deploy" / "kibana"))

from elkfa_kibana.panels import load

HOSTILE = "<script>document.title=1</script>"
LINES = 200
# The combined format, with the time that a request took.
LOG_FORMAT = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time'
)


def report(output: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What `make report` runs."""
    return subprocess.run(
        [sys.executable, "-m", "html_report"],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "deploy"), "OUTPUT": str(output), **environment},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.fixture
def stored(
    osmem: OsmemServer,
    start_ingest: Callable[..., Ingest],
    start_shipper: Callable[..., Shipper],
    start_apm_server: Callable[..., APMServer],
    log: Path,
) -> OsmemServer:
    """A store with the documents of some visitors, one of them hostile, and of an application."""
    pipeline = {"oldest_event": "36500d", "log_format": LOG_FORMAT}
    changes = {"geoip": {"database": str(geoip_database())}, "pipelines": {"nginx-access": pipeline}}
    ingest = start_ingest(osmem.url, changes=changes)
    hostile = f'8.8.8.8 - - [20/Nov/2026:00:00:09 +0000] "GET /{HOSTILE} HTTP/1.1" 404 9 "http://x/{HOSTILE}" "{HOSTILE}"\n'
    mini_program = (
        '114.114.114.114 - - [20/Nov/2026:00:00:09 +0000] "GET / HTTP/1.1" 200 9 '
        '"https://servicewechat.com/wx0123456789abcdef/12/page-frame.html" "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like '
        'Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.50(0x18003233) NetType/4G"\n'
    )
    all_lines = lines(range(LINES)) + (hostile + mini_program).encode()
    append(log, b"".join(line + b" 0.%03d\n" % (number % 900) for number, line in enumerate(all_lines.splitlines())))
    start_shipper([log], ingest.port)
    server = start_apm_server(osmem.url)
    context = {"destination": {"service": {"resource": HOSTILE, "name": "", "type": ""}}}
    span = {
        "id": "1" * 16, "trace_id": f"{7:032x}", "transaction_id": f"{7:016x}", "parent_id": f"{7:016x}", "name": f"GET {HOSTILE}",
        "type": "external", "start": 0.5, "duration": 1, "context": context, "outcome": "failure",
        "timestamp": 1_790_000_000_500_000,
    }  # fmt: skip
    error: dict[str, Any] = {"id": "2" * 32, "timestamp": 1_790_000_000_500_000, "culprit": HOSTILE}
    error["exception"] = {"type": "ValueError", "message": HOSTILE}
    hostile_transaction = transaction(7, name=HOSTILE, outcome="failure", duration=90_000)
    body = ndjson(metadata("shop"), *map(transaction, range(8, 40)), hostile_transaction, {"span": span}, {"error": error})
    assert post(server.port, body).status == 202
    osmem.wait_for_count("nginx-*", LINES + 2, 20)
    osmem.wait_for_count("traces-apm*", 34, 20)
    osmem.wait_for_count("logs-apm.error-*", 1, 20)
    return osmem


def titles(document: str) -> list[str]:
    """The titles of all panels."""
    return [unescape(title) for title in re.findall(r"<h3>(.*?)</h3>", document)]


def dashboard_titles() -> list[str]:
    """What the overview dashboard shows in Kibana."""
    return [panel.title for panel in load().dashboards["nginx-overview"].panels]


APPLICATION_TITLES = [
    "Services", "Transactions", "Failed transactions", "Errors", "Transactions over time", "Latency over time", "Services",
    "Slowest transactions", "Dependencies", "Error groups", "The slowest trace",
]  # fmt: skip


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")
def test_all_panels_in_a_browser(stored: OsmemServer, processes: ProcessGroup, tmp_path: Path) -> None:
    """In both colour schemes, on paper and on a telephone; and the page asks for nothing, runs nothing, breaks nowhere."""
    output = tmp_path / "report.html"
    done = report(output, ELASTICSEARCH=stored.url, SINCE="10y")
    assert (done.returncode, done.stderr) == (0, "")
    document = output.read_text()
    assert titles(document) == dashboard_titles() + APPLICATION_TITLES
    assert "No data" not in document
    assert HOSTILE not in document
    tab = Tab(processes, tmp_path)
    try:
        grounds = {}
        for name, width, scheme, media in (
            ("light", 1280, "light", "screen"), ("dark", 1280, "dark", "screen"), ("telephone", 400, "light", "screen"),
            ("paper", 760, "dark", "print"),
        ):  # fmt: skip
            tab.show_as(width, 900, scheme, media)
            tab.open(output.as_uri())
            assert tab.requests() == [output.as_uri()]
            assert tab.complaints() == []
            shown = tab.value("[...document.querySelectorAll('h3')].filter(e => e.checkVisibility()).map(e => e.textContent)")
            assert shown == titles(document), name
            assert tab.value("document.documentElement.scrollWidth <= innerWidth"), name
            # Nothing reaches out of its panel either, unless that scrolls.
            assert tab.value(OVERHANGING) == [], name
            grounds[name] = tab.value("getComputedStyle(document.body).backgroundColor")
        assert tab.value("document.title") == "Traffic and applications"
        assert tab.value("document.scripts.length") == 0
    finally:
        tab.close()
    assert sum(map(int, re.findall(r"\d+", grounds["dark"]))) < 100
    assert all(sum(map(int, re.findall(r"\d+", grounds[name]))) > 700 for name in ("light", "telephone", "paper"))


OVERHANGING = """
[...document.querySelectorAll('section')].filter(section => section.scrollWidth > section.clientWidth + 1)
    .map(section => section.querySelector('h3').textContent)
"""


def test_the_figures_are_those_of_the_store(stored: OsmemServer, tmp_path: Path) -> None:
    output = tmp_path / "report.html"
    assert report(output, ELASTICSEARCH=stored.url, SINCE="10y").returncode == 0
    document = output.read_text()
    tiles = dict(re.findall(r'<section class="tile"><h3>(.*?)</h3><p class="number">(.*?)</p>', document))
    assert tiles["Requests"] == f"{LINES + 2}"
    # Every seventh line; the last of a round.
    assert tiles["Answers with 5xx"] == f"{LINES // 7}"
    assert (tiles["Transactions"], tiles["Failed transactions"], tiles["Errors"]) == ("33", "3.0 %", "1")
    rows = {cells[0]: cells[1:] for cells in map(cells_of, re.findall(r"<tr>(.*?)</tr>", document))}
    assert rows["WeChat mini programs"][0] == "1"
    assert rows["404"][0] == f"{-(-(LINES - 5) // 7) + 1}"
    # The last table with such a row: errors.
    assert rows[HOSTILE][:3] == [HOSTILE, "shop", "1"]
    # The slowest transaction, whose only span failed.
    assert "90.0 s" in document
    assert "<em>failed</em>" in document


def cells_of(row: str) -> list[str]:
    """The texts of a row's cells."""
    return [unescape(re.sub(r"<[^>]*>", "", cell)) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)]


def test_an_empty_store_gives_an_empty_report(osmem: OsmemServer, tmp_path: Path) -> None:
    """With all panels, each of which says that there is nothing; no index exists yet."""
    output = tmp_path / "report.html"
    done = report(output, ELASTICSEARCH=osmem.url)
    assert (done.returncode, done.stderr) == (0, "")
    document = output.read_text()
    assert titles(document) == dashboard_titles() + APPLICATION_TITLES
    assert "There are no documents in this time." in document
    sections = document.count("<section") - document.count('<section class="tile"')
    assert document.count("No data in this time.") == sections


def test_a_time_without_documents(stored: OsmemServer, tmp_path: Path) -> None:
    """Indices exist, and nothing in them is that young."""
    output = tmp_path / "report.html"
    assert report(output, ELASTICSEARCH=stored.url, SINCE="1s").returncode == 0
    assert titles(output.read_text()) == dashboard_titles() + APPLICATION_TITLES
    assert "There are no documents in this time." in output.read_text()


def test_a_panel_that_the_store_cannot_answer(osmem: OsmemServer, tmp_path: Path) -> None:
    """Somebody's index has a text where the dashboard needs a keyword: that panel says so, the others are there."""
    mapping = {"properties": {"user_agent": {"properties": {"name": {"type": "text"}}}}}
    assert osmem.request("PUT", "/nginx-other", {"mappings": mapping})[0] == 200
    document = {"@timestamp": "2026-11-20T00:00:00Z", "event": {"dataset": "nginx.access"}, "user_agent": {"name": HOSTILE}}
    assert osmem.request("POST", "/nginx-other/_doc?refresh=true", document)[0] == 201
    output = tmp_path / "report.html"
    done = report(output, ELASTICSEARCH=osmem.url, SINCE="10y")
    assert (done.returncode, done.stderr) == (1, "report: the store cannot answer some panels: Clients\n")
    assert titles(output.read_text()) == dashboard_titles() + APPLICATION_TITLES
    assert output.read_text().count("The store does not answer this") == 1


class Asked(http.server.BaseHTTPRequestHandler):
    """An empty cluster that notes with which credentials it was asked."""

    seen: set[str | None]

    def do_POST(self) -> None:
        type(self).seen.add(self.headers["Authorization"])
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("environment", "files", "authorization"),
    [
        ({}, {}, None),
        ({"ELASTICSEARCH_USERNAME": "u", "ELASTICSEARCH_PASSWORD": "p"}, {}, "Basic dTpw"),
        ({"ELASTICSEARCH_USERNAME": "u"}, {"ELASTICSEARCH_PASSWORD": "p\n"}, "Basic dTpw"),
        ({}, {"ELASTICSEARCH_API_KEY": "a2V5\n"}, "ApiKey a2V5"),
    ],
)
def test_credentials(environment: dict[str, str], files: dict[str, str], authorization: str | None, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        environment = {**environment, f"{name}_FILE": str(tmp_path / name)}
    handler = type("AskedOnce", (Asked,), {"seen": set()})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            done = report(tmp_path / "r.html", ELASTICSEARCH=f"http://127.0.0.1:{server.server_port}", **environment)
        finally:
            server.shutdown()
            thread.join(10)
    assert (done.returncode, done.stderr) == (0, "")
    assert handler.seen == {authorization}
    assert "dTpw" not in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"ELASTICSEARCH": "http://127.0.0.1:1"}, "127.0.0.1:1"),
        ({"ELASTICSEARCH": "elastic.example:9200"}, "ELASTICSEARCH must be a URL"),
        ({"ELASTICSEARCH": "http://u:geheim@127.0.0.1:1"}, "ELASTICSEARCH_PASSWORD_FILE"),
        ({"SINCE": "yesterday"}, "SINCE must be a time"),
        ({"ELASTICSEARCH_PASSWORD_FILE": "/nowhere"}, "ELASTICSEARCH_PASSWORD_FILE"),
        ({"ELASTICSEARCH_PASSWORD_FILE": "/nowhere", "ELASTICSEARCH_PASSWORD": "p"}, "both set"),
    ],
)
def test_what_is_wrong_is_said(environment: dict[str, str], words: str, tmp_path: Path) -> None:
    """And what stood in the file stays there."""
    output = tmp_path / "report.html"
    output.write_text("the last one")
    done = report(output, **environment)
    assert done.returncode == 1
    assert done.stderr.startswith("report: ") and words in done.stderr
    assert "Traceback" not in done.stderr and "geheim" not in done.stderr
    assert output.read_text() == "the last one"
