"""deploy/kibana: references resolve, fields exist with a fitting type, and every panel finds data behind the real pipeline."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from harness.lumberjack import Sender, event_window
from harness.peers import OsmemServer, geoip_database
from harness.ports import free_port
from harness.services import REPOSITORY, Ingest
from harness.waiting import wait_until

FOLDER = REPOSITORY / "deploy" / "kibana"
sys.path.insert(0, str(FOLDER))

from elkfa_kibana import kql, query  # noqa: E402
from elkfa_kibana.panels import COLUMNS, SourceError, Sources, load  # noqa: E402
from elkfa_kibana.saved_objects import build, ndjson, positions  # noqa: E402

OBJECTS = [json.loads(line) for line in (FOLDER / "elkfa.ndjson").read_text().splitlines()]
SOURCES = load()
PANELS = [(name, panel) for name, dashboard in SOURCES.dashboards.items() for panel in dashboard.panels]
IDS = [f"{name}-{panel.id}" for name, panel in PANELS]
# Types that can do what a panel does with a field.
FITTING = {
    "number": {"long", "integer", "float", "double", "half_float", "scaled_float", "date"},
    "term": {"keyword", "constant_keyword", "wildcard", "ip", "boolean", "long", "integer", "byte", "date"},
    "place": {"geo_point"},
}


def test_the_importable_file_is_built_from_the_sources() -> None:
    assert (FOLDER / "elkfa.ndjson").read_text() == ndjson(build(SOURCES)), "run make kibana"


def test_dashboards_have_what_was_asked_for() -> None:
    assert {dashboard.title for dashboard in SOURCES.dashboards.values()} == {
        "Nginx overview", "Nginx errors", "Python application logs", "Pipeline health", "Visitor session",
    }  # fmt: skip
    overview = {panel.id: panel for panel in SOURCES.dashboards["nginx-overview"].panels}
    assert {
        "requests-by-status", "unique-visitors", "places", "countries", "operating-systems", "browsers", "wechat", "top-paths",
        "slow-paths", "errors", "bandwidth", "referrers",
    } <= set(overview)  # fmt: skip
    assert overview["places"].field == "source.geo.location" and overview["slow-paths"].of == "event.duration"


def test_references_resolve() -> None:
    """Every object is there once, after what it refers to; every name that an object uses is one of its references."""
    known: set[tuple[str, str]] = set()
    for value in OBJECTS:
        key = (value["type"], value["id"])
        assert key not in known, key
        names = [reference["name"] for reference in value["references"]]
        assert len(names) == len(set(names)), key
        for reference in value["references"]:
            assert (reference["type"], reference["id"]) in known, f"{key}: {reference}"
        used = used_names(value)
        assert used == set(names), f"{key}: {used ^ set(names)}"
        known.add(key)
    assert {kind for kind, _ in known} == {"index-pattern", "search", "lens", "map", "dashboard"}


def used_names(value: dict[str, Any]) -> set[str]:
    """The names of references that the attributes of an object use."""
    attributes = value["attributes"]
    match value["type"]:
        case "search":
            return {json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])["indexRefName"]}
        case "lens":
            layers = attributes["state"]["datasourceStates"]["formBased"]["layers"]
            return {f"indexpattern-datasource-layer-{layer}" for layer in layers}
        case "map":
            layers = json.loads(attributes["layerListJSON"])
            return {layer["sourceDescriptor"]["indexPatternRefName"] for layer in layers if "indexPatternRefName" in layer["sourceDescriptor"]}
        case "dashboard":
            names = {f"{panel['panelIndex']}:{panel['panelRefName']}" for panel in json.loads(attributes["panelsJSON"])}
            controls = json.loads(attributes.get("controlGroupInput", {}).get("panelsJSON", "{}"))
            return names | {f"controlGroup_{name}:optionsListDataView" for name in controls}
    return set()


def test_lens_columns_are_whole() -> None:
    """Every column that a visualization or an order names is one of the layer."""
    for value in OBJECTS:
        if value["type"] != "lens":
            continue
        state = value["attributes"]["state"]
        layer = state["datasourceStates"]["formBased"]["layers"]["layer"]
        columns = layer["columns"]
        assert set(layer["columnOrder"]) == set(columns)
        buckets = [columns[name]["isBucketed"] for name in layer["columnOrder"]]
        assert buckets == sorted(buckets, reverse=True), f"{value['id']}: buckets come first"
        for column in columns.values():
            if column["operationType"] == "terms":
                assert column["params"]["orderBy"]["columnId"] in columns
        text = json.dumps(state["visualization"])
        for name in ("metric", "split", "time"):
            assert name not in columns or f'"{name}"' in text, f"{value['id']} does not show {name}"


def test_panels_lie_beside_each_other() -> None:
    for dashboard in SOURCES.dashboards.values():
        taken: set[tuple[int, int]] = set()
        for panel, (x, y) in zip(dashboard.panels, positions(dashboard.panels)):
            cells = {(column, row) for column in range(x, x + panel.width) for row in range(y, y + panel.height)}
            assert x + panel.width <= COLUMNS and not cells & taken, f"{dashboard.id}: {panel.id}"
            taken |= cells


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"match_all": {}}),
        ("a.b: *", {"exists": {"field": "a.b"}}),
        ('a: "x and y"', {"term": {"a": "x and y"}}),
        ("a: 404", {"term": {"a": 404}}),
        ("a: true", {"term": {"a": True}}),
        ("a: *end", {"wildcard": {"a": {"value": "*end"}}}),
        ("a >= 1.5", {"range": {"a": {"gte": 1.5}}}),
        ("not a: 1", {"bool": {"must_not": [{"term": {"a": 1}}]}}),
        (
            "a: 1 and (b: 2 or c: 3)",
            {"bool": {"filter": [{"term": {"a": 1}}, {"bool": {"should": [{"term": {"b": 2}}, {"term": {"c": 3}}], "minimum_should_match": 1}}]}},
        ),
    ],
)
def test_queries_mean_the_same(text: str, expected: dict[str, Any]) -> None:
    assert kql.query(text) == expected


@pytest.mark.parametrize("text", ["a", "a:", "a: 1 b: 2", "(a: 1", "a ! 1", "a < x", '"'])
def test_queries_that_are_not_understood(text: str) -> None:
    with pytest.raises(ValueError):
        kql.query(text)


def test_mistakes_in_sources_have_a_place(tmp_path: Path) -> None:
    (tmp_path / "dashboards").mkdir()
    (tmp_path / "data_views.yml").write_text("nginx: {title: nginx-*, name: nginx}\n")
    (tmp_path / "searches.yml").write_text("{}\n")
    panel = "{id: a, title: A, kind: top, field: x, size: 3, width: 8, height: 8}"
    good = f"title: T\ndescription: D\ndata_view: nginx\ntime: 1h\npanels:\n  - {panel}\n"
    cases = {
        "kind: 'dott'": ("kind: top", "kind: dott"), "width: expected a whole number": ("width: 8", "width: 99"),
        "field is missing": ("field: x, ", ""), "unknown key colour": ("size: 3", "size: 3, colour: red"),
        "there is no 'apache'": ("data_view: nginx", "data_view: apache"), "metric: expected": ("size: 3", "size: 3, metric: most"),
    }  # fmt: skip
    (tmp_path / "dashboards" / "d.yml").write_text(good)
    assert load(tmp_path).dashboards["d"].panels[0].id == "a"
    for message, (before, after) in cases.items():
        (tmp_path / "dashboards" / "d.yml").write_text(good.replace(before, after))
        with pytest.raises(SourceError) as problem:
            load(tmp_path)
        assert "d.yml" in str(problem.value) and message.replace("kind: 'dott'", "there is no 'dott'") in str(problem.value)


# MARK: Data of the real pipeline

AGENTS = {
    "desktop": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36",
    "wechat": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
    "MicroMessenger/8.0.50(0x18003233) NetType/WIFI Language/zh_CN",
}
MINI_PROGRAM = "https://servicewechat.com/wx0123456789abcdef/12/page-frame.html"
TIMED = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" '
    "$request_time"
)


def nginx_lines(now: float) -> list[str]:
    """Requests of the last minutes, of all kinds that the panels tell apart."""
    lines = []
    for number in range(60):
        moment = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now - number))
        status = [200, 200, 304, 404, 502][number % 5]
        agent = AGENTS["wechat" if number % 3 == 0 else "desktop"]
        referrer = MINI_PROGRAM if number % 6 == 0 else "https://www.google.com/"
        address = ["8.8.8.8", "114.114.114.114", "193.0.6.139"][number % 3]
        lines.append(f'{address} - - [{moment}] "GET /page/{number % 4} HTTP/1.1" {status} {100 + number} "{referrer}" "{agent}" 0.{number:03}')
    return [*lines, "this is no line of an access log"]


def error_lines(now: float) -> list[str]:
    moment = time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(now - 60))
    context = 'client: 8.8.8.8, server: shop.example, request: "GET /page/1 HTTP/1.1", upstream: "http://127.0.0.1:8000/page/1", host: "shop.example"'
    return [f"{moment} [error] 7#7: *{number} connect() failed (111: Connection refused) while connecting to upstream, {context}" for number in range(5)]


def python_lines(now: float) -> list[str]:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 60))
    failure = {"type": "ValueError", "message": "no such item", "stack_trace": 'Traceback (most recent call last):\n  File "shop.py", line 7, in item\nValueError: no such item'}
    events: list[dict[str, Any]] = [{"@timestamp": moment, "log.level": "info", "message": "started", "log": {"logger": "shop"}}]
    events += [{"@timestamp": moment, "log.level": "error", "message": "failed", "log": {"logger": "shop.items"}, "error": failure}] * 3
    return [json.dumps(event) for event in events]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OsmemServer, query.TimeRange]]:
    """A store with documents of several pipelines, each through ingest."""
    from harness.processes import ProcessGroup

    processes = ProcessGroup(tmp_path_factory.mktemp("kibana"))
    try:
        store = OsmemServer(processes)
        store.process.start()
        now = time.time()
        ports = {"nginx-access": free_port(), "nginx-error": free_port(), "python-json": free_port()}
        ingest = Ingest(processes, [store.url], {"geoip": {"database": str(geoip_database())}})
        ingest.port = ports["nginx-access"]
        ingest.configure({
            "inputs": [ingest.input(port, pipeline) for pipeline, port in ports.items()],
            "pipelines": {"nginx-access": {"log_format": TIMED, "client_fingerprint": {"key": "0123456789abcdef0123456789abcdef"}}},
        })  # fmt: skip
        ingest.start()
        lines = {"nginx-access": nginx_lines(now), "nginx-error": error_lines(now), "python-json": python_lines(now)}
        for pipeline, texts in lines.items():
            events = [
                {
                    "message": text, "log": {"offset": number * 1_000, "file": {"path": f"/var/log/{pipeline}.log"}},
                    "host": {"name": "web-1"}, "agent": {"version": "0.1.0", "type": "shipper"}, "event": {"timezone": "+00:00"},
                }
                for number, text in enumerate(texts)
            ]  # fmt: skip
            with Sender(ports[pipeline]) as sender:
                sender.send(event_window(events))
                sender.wait_for_ack(len(events))
        yield store, query.TimeRange(int(now * 1000) - 3_600_000, int(now * 1000) + 60_000)
    finally:
        processes.close()


def mapped(store: OsmemServer, pattern: str) -> dict[str, str]:
    """The type of every field in the indices of a pattern, as the templates of ingest made them."""
    types: dict[str, str] = {}

    def walk(properties: dict[str, Any], prefix: str) -> None:
        for name, value in properties.items():
            types.setdefault(prefix + name, value.get("type", "object"))
            walk(value.get("properties", {}), f"{prefix}{name}.")

    for index in store.request("GET", f"/{pattern}/_mapping")[1].values():
        walk(index["mappings"].get("properties", {}), "")
    return types


@pytest.mark.parametrize(("name", "panel"), PANELS, ids=IDS)
def test_panels_have_fields_and_data(name: str, panel: Any, filled: tuple[OsmemServer, query.TimeRange]) -> None:
    store, span = filled
    types = mapped(store, panel.data_view.title)
    for field, use in query.fields(panel).items():
        assert field in types, f"{field} is in no template"
        assert use == "shown" or types[field] in FITTING[use], f"{field} is a {types[field]}"
    filters = [panel.filter, panel.search.filter if panel.search else "", *(text for _, text in panel.filters)]
    for field in set().union(*map(kql.fields, filters)):
        assert field in types, f"{field} is in no template"
    response = store.search(panel.data_view.title, query.body(panel, span))
    answer = query.answer(panel, span, response)
    match answer:
        case query.Number(value):
            assert value and value > 0
        case query.Table(columns, rows):
            assert rows and all(len(row) == len(columns) for row in rows)
            if panel.kind in ("top", "donut", "filters"):
                assert all(isinstance(row[1], (int, float)) and row[1] > 0 for row in rows), rows
        case query.TimeSeries(times, series):
            assert series and sum(map(sum, series.values())) > 0
            assert all(len(values) == len(times) for values in series.values())
            assert len(series) == len(panel.filters) or not panel.filters
        case query.Places(points):
            assert points and all(-90 <= latitude <= 90 and -180 <= longitude <= 180 for latitude, longitude, _ in points)


def test_figures_are_right(filled: tuple[OsmemServer, query.TimeRange]) -> None:
    """What is known of the lines that were sent is what the panels say."""
    store, span = filled

    def ask(name: str, identifier: str) -> Any:
        panel = next(panel for panel in SOURCES.dashboards[name].panels if panel.id == identifier)
        return query.answer(panel, span, store.search(panel.data_view.title, query.body(panel, span)))

    assert ask("nginx-overview", "requests").value == 61
    assert ask("nginx-overview", "unique-visitors").value == 3
    assert ask("nginx-overview", "failed").value == 12
    assert ask("nginx-overview", "bandwidth").value == sum(100 + number for number in range(60))
    by_status = ask("nginx-overview", "requests-by-status").series
    assert {label: sum(values) for label, values in by_status.items()} == {"2xx": 24, "3xx": 12, "4xx": 12, "5xx": 12}
    assert dict(ask("nginx-overview", "wechat").rows) == {"WeChat browser": 10, "WeChat mini programs": 10, "Other clients": 40}
    assert ask("nginx-overview", "slow-paths").rows[0][0] == "/page/3"
    points = ask("nginx-overview", "places").points
    assert sum(count for *_, count in points) == 60
    hits = store.search("nginx-*", {"size": 100, "query": {"exists": {"field": "source.geo.location"}}})["hits"]["hits"]
    real = {(place["lat"], place["lon"]) for place in (hit["_source"]["source"]["geo"]["location"] for hit in hits)}
    # Half of a tile is a fifth of a degree.
    for latitude, longitude, _ in points:
        assert any(abs(latitude - lat) < 0.2 and abs(longitude - lon) < 0.2 for lat, lon in real), (latitude, longitude, real)
    assert ask("pipeline-health", "not-understood").value == 1
    assert ask("python-logs", "exception-types").rows == [["ValueError", 3]]
    steps = [row[0] for row in ask("visitor-session", "steps").rows]
    assert steps == sorted(steps)


# MARK: The import


class Kibana:
    """As much of Kibana as an import talks to; `script` says what it answers, one word a request."""

    def __init__(self, script: list[str]) -> None:
        self.script = script
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        kibana = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments: object) -> None:
                pass

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                kibana.seen.append((self.command, self.path, dict(self.headers), body))
                word = kibana.script.pop(0) if kibana.script else "good"
                status, text = {
                    "starting": (503, '{"status":{"overall":{"level":"unavailable"}}}'),
                    "refused": (401, '{"statusCode":401,"error":"Unauthorized"}'),
                    "conflict": (200, '{"success":false,"errors":[{"id":"elkfa-nginx","error":{"type":"missing_references"}}]}'),
                    "broken": (400, '{"statusCode":400,"message":"no such type"}'),
                    "good": (200, '{"success":true,"successCount":58}'),
                }[word]
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = answer

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def run(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """The import, against this server."""
        url = f"http://127.0.0.1:{self.server.server_port}"
        variables = {"PATH": "/usr/bin:/bin", "KIBANA_URL": url, "KIBANA_WAIT_SECONDS": "20", **environment}
        return subprocess.run([FOLDER / "import.sh"], capture_output=True, text=True, timeout=40, env=variables)


@pytest.fixture
def kibana() -> Iterator[Callable[..., Kibana]]:
    """Makes servers and ends them."""
    servers: list[Kibana] = []

    def make(*script: str) -> Kibana:
        servers.append(Kibana(list(script)))
        return servers[-1]

    yield make
    for server in servers:
        server.server.shutdown()
        server.server.server_close()


def test_import_waits_for_kibana_and_can_be_repeated(kibana: Callable[..., Kibana], tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text('pass"word\\1\n')
    # A curl that notes its arguments: every user of a machine may read those.
    arguments = tmp_path / "arguments"
    spy = tmp_path / "bin" / "curl"
    spy.parent.mkdir()
    spy.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {arguments}\nexec /usr/bin/curl "$@"\n')
    spy.chmod(0o755)
    server = kibana("starting", "starting", "good")
    for _ in range(2):
        done = server.run(KIBANA_USERNAME="elastic", KIBANA_PASSWORD_FILE=str(secret), PATH=f"{spy.parent}:/usr/bin:/bin")
        assert done.returncode == 0 and "58 objects" in done.stdout, done.stderr
    assert "api/status" in arguments.read_text() and "word" not in arguments.read_text()
    posts = [request for request in server.seen if request[0] == "POST"]
    assert len(posts) == 2
    for _, path, headers, body in posts:
        assert path == "/api/saved_objects/_import?overwrite=true" and headers["kbn-xsrf"]
        # elastic:pass"word\1
        assert headers["Authorization"] == "Basic ZWxhc3RpYzpwYXNzIndvcmRcMQ=="
        assert (FOLDER / "elkfa.ndjson").read_bytes() in body and b'filename="elkfa.ndjson"' in body
    assert [request[0] for request in server.seen[:4]] == ["GET", "GET", "GET", "POST"]


@pytest.mark.parametrize(
    ("script", "environment", "message"),
    [
        (["refused"], {"KIBANA_USERNAME": "elastic"}, 'refuses the credentials of "elastic"'),
        (["good", "conflict"], {}, "not everything was imported"),
        (["good", "broken"], {}, "Kibana answers 400"),
        (["starting"] * 9, {"KIBANA_WAIT_SECONDS": "1"}, "is not ready after 1 s: 503"),
        ([], {"KIBANA_USERNAME": "u", "KIBANA_PASSWORD_FILE": "/nowhere"}, "/nowhere, which KIBANA_PASSWORD_FILE names"),
        ([], {"KIBANA_URL": "http://127.0.0.1:1", "KIBANA_WAIT_SECONDS": "1"}, "is not ready after 1 s"),
    ],
)
def test_import_says_what_is_wrong(kibana: Callable[..., Kibana], script: list[str], environment: dict[str, str], message: str) -> None:
    done = kibana(*script).run(**environment)
    assert done.returncode == 1 and message in done.stderr, done.stderr
