"""A real nginx under mixed traffic → shipper → ingest → both stand-ins for Elasticsearch and OpenSearch."""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from harness.loglines import AGENTS
from harness.peers import LOG_FORMATS, Nginx, NoidaDB, OsmemServer, SearchStore, geoip_database
from harness.ports import free_port
from harness.processes import ProcessGroup
from harness.services import Ingest, Shipper

REQUESTS = (
    ("GET", "/", 200),
    ("GET", "/about.html?lang=de&page=2", 200),
    ("HEAD", "/index.html", 200),
    ("POST", "/", 405),
    ("GET", "/missing/page.php", 404),
    ("GET", "/teapot", 418),
    ("GET", "/broken", 503),
    ("GET", "/moved", 301),
    ("GET", "/private", 403),
)
FORWARDED = ("8.8.8.8", "81.2.69.142, 10.1.2.3", "2001:4860:4860::8888", "unknown", "192.168.7.7")
RAW_REQUESTS = (b"hello\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", b'GET /a"b\\c HTTP/1.0\r\n\r\n', b"GET /p\xc3\xa4th HTTP/1.0\r\n\r\n")


@pytest.fixture(params=[NoidaDB, OsmemServer])
def search_store(request: pytest.FixtureRequest, processes: ProcessGroup) -> SearchStore:
    """Each of the two stores in turn."""
    return request.param(processes).start()


@pytest.fixture
def nginx(processes: ProcessGroup) -> Nginx:
    """A running nginx."""
    return Nginx(processes).start()


def send_traffic(nginx: Nginx, rounds: int) -> int:
    """Every request with every agent and some forwarded address, and malformed ones; returns how many."""
    sent = 0
    for number in range(rounds):
        for agent in AGENTS:
            for method, path, status in REQUESTS:
                headers = {"User-Agent": agent, "X-Forwarded-For": FORWARDED[sent % len(FORWARDED)]}
                assert nginx.request(path, method, headers) == status
                sent += 1
        for raw in RAW_REQUESTS:
            with socket.create_connection(("127.0.0.1", nginx.port), timeout=5) as connection:
                connection.sendall(raw)
                while connection.recv(4096):
                    pass
            sent += 1
    return sent


def today() -> str:
    return datetime.now(timezone.utc).strftime("%Y.%m.%d")


@pytest.mark.timeout(120)
def test_requests_become_documents_in_a_daily_index(
    nginx: Nginx, search_store: SearchStore, start_ingest: Callable[..., Ingest], start_shipper: Callable[..., Shipper]
) -> None:
    first_day = today()
    sent = send_traffic(nginx, 4)
    ingest = start_ingest(search_store.url, changes={"geoip": {"database": str(geoip_database())}})
    start_shipper([nginx.logs / "access.log"], ingest.port)
    # Half of the lines are there when shipper starts, half are written under its eyes.
    sent += send_traffic(nginx, 4)
    search_store.wait_for_count("nginx-*", sent, 60)

    documents = list(search_store.documents("nginx-*"))
    lines = (nginx.logs / "access.log").read_text().splitlines()
    assert len(lines) == sent
    assert Counter(document["_source"]["event"]["original"] for document in documents) == Counter(lines)
    assert {document["_index"] for document in documents} <= {f"nginx-{first_day}", f"nginx-{today()}"}

    sources = [document["_source"] for document in documents]
    statuses = Counter(source["http"]["response"]["status_code"] for source in sources)
    assert statuses == Counter(int(re.search(r'" (\d{3}) \d+ "', line)[1]) for line in lines)
    agents = Counter(source["user_agent"]["name"] for source in sources if "name" in source.get("user_agent", {}))
    assert agents == {name: 8 * len(REQUESTS) for name in ("Chrome", "Mobile Safari", "Firefox", "Googlebot", "curl")}
    for source in sources:
        assert source["event"]["outcome"] == ("success" if source["http"]["response"]["status_code"] < 400 else "failure")
        assert source["event"]["dataset"] == "nginx.access"
        assert source["host"]["name"] == "web-1"
        assert source["agent"]["type"] == "shipper"
        assert source["log"]["file"]["path"] == str(nginx.logs / "access.log")
        assert source["source"]["ip"] == "127.0.0.1"
    originals = {source["url"]["original"] for source in sources if "original" in source.get("url", {})}
    assert {path for _, path, _ in REQUESTS} <= originals
    assert "/p\\xC3\\xA4th" in originals
    broken = [source for source in sources if source["event"]["original"].count('"hello"')]
    assert len(broken) == 8 and all("method" not in source["http"].get("request", {}) for source in broken)


def test_the_index_template_is_installed_before_the_first_document(
    nginx: Nginx, search_store: SearchStore, start_ingest: Callable[..., Ingest], start_shipper: Callable[..., Shipper]
) -> None:
    ingest = start_ingest(search_store.url)
    start_shipper([nginx.logs / "access.log"], ingest.port)
    nginx.request("/")
    search_store.wait_for_count("nginx-*", 1, 30)
    _, answer = search_store.request("GET", "/_index_template/nginx*")
    template = answer["index_templates"][0]["index_template"]
    assert template["index_patterns"] == ["nginx-*"]
    assert template["priority"] > 100
    index = search_store.indices()[0]
    _, mapping = search_store.request("GET", f"/{index}/_mapping")
    properties = mapping[index]["mappings"]["properties"]

    def type_of(field: str) -> str:
        node: dict[str, Any] = {"properties": properties}
        for part in field.split("."):
            node = node["properties"][part]
        return node["type"]

    assert type_of("@timestamp") == "date"
    assert type_of("source.ip") == "ip"
    assert type_of("source.geo.location") == "geo_point"
    assert type_of("http.response.status_code") == "long"
    assert type_of("http.response.body.bytes") == "long"
    assert type_of("user_agent.name") == "keyword"


@pytest.mark.timeout(120)
def test_every_configured_format_reads_its_own_file(
    nginx: Nginx,
    noida: NoidaDB,
    processes: ProcessGroup,
    start_ingest: Callable[..., Ingest],
    start_shipper: Callable[..., Shipper],
) -> None:
    """Format `main` takes the client from X-Forwarded-For; texts of nginx.conf are taken as they stand."""
    texts = {name: "".join(re.findall(r"'(.*)'", text)) for name, text in re.findall(r"log_format (\w+)([^;]*);", LOG_FORMATS)}
    ingest = Ingest(
        processes,
        [noida.url],
        {
            "geoip": {"database": str(geoip_database())},
            "pipelines": {
                "nginx-access": {"log_format": "main", "index": "main"},
                "timed": {"log_format": texts["timed"], "index": "timed"},
                "structured": {"log_format": texts["structured"], "escape": "json", "index": "structured"},
            },
        },
    )
    inputs = list(ingest.configuration["inputs"])
    ports = {"main": ingest.port, "timed": free_port(), "structured": free_port()}
    for name in ("timed", "structured"):
        inputs.append({"port": ports[name], "host": "127.0.0.1", "pipeline": name})
    ingest.configure({"inputs": inputs})
    ingest.start()
    for name, port in ports.items():
        start_shipper([nginx.logs / f"{name}.log"], port, name=f"shipper-{name}")
    sent = send_traffic(nginx, 1)
    for name in ports:
        noida.wait_for_count(f"{name}-*", sent, 60)

    main = [document["_source"] for document in noida.documents("main-*")]
    clients = Counter(source["source"].get("ip") for source in main)
    # 45 requests take the five header values in turn; four malformed ones have none.
    assert clients["8.8.8.8"] == 9
    assert clients["81.2.69.142"] == 9, "10.1.2.3 is a trusted proxy, so the address before it is the client"
    assert clients["2001:4860:4860::8888"] == 9
    google = next(source for source in main if source["source"].get("ip") == "8.8.8.8")
    assert google["source"]["geo"]["country_iso_code"] == "US"
    assert google["source"]["geo"]["location"].keys() == {"lat", "lon"}

    timed = [document["_source"] for document in noida.documents("timed-*")]
    assert all(source["event"]["duration"] >= 0 and source["http"]["request"]["bytes"] >= 0 for source in timed)
    assert len({source["http"]["request"]["id"] for source in timed}) == sent

    structured = [document["_source"] for document in noida.documents("structured-*")]
    assert Counter(source["user_agent"]["original"] for source in structured if "user_agent" in source) == Counter(
        {agent: len(REQUESTS) for agent in AGENTS}
    )


@pytest.mark.timeout(120)
def test_a_rotated_nginx_log_is_shipped_whole(
    nginx: Nginx, store: Any, start_ingest: Callable[..., Ingest], start_shipper: Callable[..., Shipper]
) -> None:
    ingest = start_ingest(store.url)
    start_shipper([nginx.logs / "access.log"], ingest.port)
    sent = 0
    for number in range(3):
        sent += send_traffic(nginx, 1)
        (nginx.logs / "access.log").rename(nginx.logs / f"access.log.{3 - number}")
        # nginx goes on writing to the renamed file until it is told to reopen.
        sent += send_traffic(nginx, 1)
        nginx.reopen_logs()
    sent += send_traffic(nginx, 1)
    store.wait_for_count(sent, 30)
    lines = [line for path in sorted(nginx.logs.glob("access.log*")) for line in path.read_text().splitlines()]
    assert Counter(document.source["event"]["original"] for document in store.documents()) == Counter(lines)
    assert store.count() == sent == len(lines)
    store.assert_no_violations()
