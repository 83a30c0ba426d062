"""The central configuration of agents: from the file, from the store, for pages, and a real agent that obeys."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from harness.apm import Answer, SampledLoop, request
from harness.ports import free_port
from harness.processes import ProcessGroup
from harness.services import APMServer
from harness.store import BulkStore
from harness.waiting import wait_until

StartAPMServer = Callable[..., APMServer]

TOKEN = "s3cret-T0ken"
CONFIGURATION = "/config/v1/agents"


def configured(name: str | None, environment: str | None, etag: str, agent: str = "python", **settings: str) -> dict[str, Any]:
    """A document as Kibana writes it."""
    service = {key: value for key, value in (("name", name), ("environment", environment)) if value is not None}
    return {"service": service, "agent_name": agent, "etag": etag, "settings": settings}


def ask(server: APMServer, name: str, environment: str = "", known: str = "", path: str = CONFIGURATION, **headers: str) -> Answer:
    """The question of an agent."""
    body = json.dumps({"service": {"name": name, "environment": environment}}).encode()
    more = {"If-None-Match": known} if known else {}
    return request(server.port, "POST", path, body, more | headers)


def test_configuration_of_the_file(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """`agent_configuration`: the best match, its etag, 304, and GET and POST alike."""
    changes = {
        "agent": {"config": {"cache": {"expiration": "45s"}, "elasticsearch": {"enabled": False}}},
        "default_service_environment": "lab",
        "agent_configuration": [
            {"settings": {"log_level": "off"}},
            {"service": {"environment": "production"}, "settings": {"log_level": "error"}},
            {"service": {"name": "shop"}, "settings": {"log_level": "warning", "transaction_sample_rate": 0.5}},
            {"service": {"name": "shop", "environment": "production"}, "settings": {"capture_body": True}},
            {"service": {"name": "shop", "environment": "lab"}, "settings": {"log_level": "debug"}},
        ],
    }
    server = start_apm_server(store.url, changes=changes)
    expected = [
        ("shop", "production", {"capture_body": "true"}),
        ("shop", "staging", {"log_level": "warning", "transaction_sample_rate": "0.5"}),
        ("shop", "", {"log_level": "debug"}),
        ("mail", "production", {"log_level": "error"}),
        ("mail", "", {"log_level": "off"}),
        ("Shop", "x", {"log_level": "off"}),
    ]
    etags = set()
    for name, environment, settings in expected:
        answer = ask(server, name, environment)
        assert answer.status == 200 and answer.json == settings
        assert answer.headers["Cache-Control"] == "max-age=45, must-revalidate"
        assert answer.headers["Access-Control-Expose-Headers"] == "Etag"
        etag = answer.headers["Etag"]
        assert etag.startswith('"') and etag.endswith('"') and etag != '"-"'
        etags.add(etag)
        query = f"{CONFIGURATION}?service.name={name}&service.environment={environment}"
        assert request(server.port, "GET", query).json == settings
        for again in (
            ask(server, name, environment, etag), ask(server, name, environment, etag.strip('"')),
            request(server.port, "GET", query, headers={"If-None-Match": etag}), request(server.port, "GET", f"{query}&ifnonematch={etag.strip(chr(34))}"),
        ):  # fmt: skip
            assert (again.status, again.body, again.headers["Etag"]) == (304, b"", etag)
            assert again.headers["Cache-Control"] == "max-age=45, must-revalidate"
        assert ask(server, name, environment, '"other"').status == 200
    assert len(etags) == 5
    assert store.statistics()["paths"].get("POST /.apm-agent-configuration/_search") is None


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("GET", CONFIGURATION, None, 400, "service.name is required"),
        ("GET", f"{CONFIGURATION}?service.name=", None, 400, "service.name is required"),
        ("POST", CONFIGURATION, b"{}", 400, "service.name is required"),
        ("POST", CONFIGURATION, b'{"service":{"name":null}}', 400, "service.name is required"),
        ("POST", CONFIGURATION, b'{"service":{"name":1}}', 400, "invalid query"),
        ("POST", CONFIGURATION, b"[]", 400, "invalid query"),
        ("POST", CONFIGURATION, b"", 400, "invalid query"),
        ("PUT", CONFIGURATION, b"{}", 405, "method not supported: PUT"),
        ("DELETE", CONFIGURATION, None, 405, "method not supported: DELETE"),
    ],
)  # fmt: skip
def test_bad_questions(
    method: str, path: str, body: bytes | None, status: int, error: str, store: BulkStore, start_apm_server: StartAPMServer
) -> None:
    server = start_apm_server(store.url)
    answer = request(server.port, method, path, body)
    assert answer.status == status and answer.json["error"].startswith(error)
    assert answer.headers["Cache-Control"] == "max-age=300, must-revalidate"


def test_configuration_of_the_store(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """What Kibana writes: the best match with its etag, changes after the expiration, and the tick for Kibana."""
    changes = {"agent": {"config": {"cache": {"expiration": "1s"}}}, "agent_configuration": [{"service": {"name": "own"}, "settings": {"a": "file"}}]}
    server = start_apm_server(store.url, changes=changes)
    assert (ask(server, "shop").status, ask(server, "shop").headers["Etag"]) == (200, '"-"')
    assert ask(server, "shop", known='"-"').status == 304
    store.configure_agents(
        [
            configured(None, None, "all", log_level="off"),
            configured("shop", None, "name", log_level="info"),
            configured("shop", "production", "both", log_level="debug"),
            configured(None, "production", "environment", log_level="error"),
            configured("own", "production", "own-production", a="store"),
        ]
    )
    wait_until(lambda: ask(server, "shop").headers["Etag"] == '"name"', 10, "the configuration")
    for name, environment, etag in (
        ("shop", "production", "both"), ("shop", "lab", "name"), ("mail", "production", "environment"), ("mail", "lab", "all"),
        ("own", "production", "own-production"),
    ):  # fmt: skip
        assert ask(server, name, environment).headers["Etag"] == f'"{etag}"'
    # Of two that fit as well the file's counts.
    assert ask(server, "own").json == {"a": "file"}

    answer = ask(server, "shop", "production", '"both"')
    assert (answer.status, answer.body) == (304, b"")
    applied = wait_until(lambda: [d for d in store.documents() if d.index == "metrics-apm.internal-default"], 10, "the tick")
    source = next(d.source for d in applied if d.source["labels"] == {"etag": "both"})
    assert source["metricset"] == {"name": "agent_config"} and source["agent_config_applied"] == 1
    assert source["processor"] == {"event": "metric"} and source["data_stream"]["dataset"] == "apm.internal"
    assert {d.source["labels"]["etag"] for d in applied} == {"both"}, "one that nobody has"

    store.configure_agents([configured("shop", "production", "newer", log_level="trace")])
    changed = wait_until(lambda: a if (a := ask(server, "shop", "production", '"both"')).status == 200 else None, 10, "the change")
    assert changed.json == {"log_level": "trace"} and changed.headers["Etag"] == '"newer"'
    assert ask(server, "mail").headers["Etag"] == '"-"'

    # What was read stays while the store is away.
    store.process.kill()
    wait_until(lambda: any("cannot read the agent configurations" in line["message"] for line in server.logs()), 10, "a failed read")
    assert ask(server, "shop", "production").headers["Etag"] == '"newer"'


def test_no_configuration_before_the_store_was_read(start_apm_server: StartAPMServer) -> None:
    """503, so that an agent keeps what it has; the file's are there all the same."""
    changes = {"agent_configuration": [{"service": {"name": "own"}, "settings": {"a": "1"}}]}
    server = start_apm_server(f"http://127.0.0.1:{free_port()}", changes=changes)
    answer = ask(server, "shop")
    assert answer.status == 503 and answer.headers["Cache-Control"] == "max-age=300, must-revalidate"
    assert ask(server, "own").json == {"a": "1"}


def test_configuration_of_pages(store: BulkStore, start_apm_server: StartAPMServer) -> None:
    """Anonymous clients see the sample rate alone, of allowed services, and not what is for other agents."""
    store.configure_agents(
        [
            configured("page", None, "1", "rum-js", transaction_sample_rate="0.5", log_level="off"),
            configured("old", None, "2", "js-base", log_level="off"),
            configured("any", None, "3", "", transaction_sample_rate="0.1"),
            configured("shop", None, "4", "python", transaction_sample_rate="0.9"),
        ]
    )
    auth = {"secret_token": TOKEN, "anonymous": {"allow_service": ["page", "old", "any", "shop"]}}
    server = start_apm_server(store.url, changes={"auth": auth, "rum": {"enabled": True}})
    path = "/config/v1/rum/agents"
    for name, etag, settings in (
        ("page", "1", {"transaction_sample_rate": "0.5"}), ("old", "2", {}), ("any", "3", {"transaction_sample_rate": "0.1"}), ("shop", "-", {}),
    ):  # fmt: skip
        answer = ask(server, name, path=path)
        assert (answer.status, answer.json, answer.headers["Etag"]) == (200, settings, f'"{etag}"')
        answer = request(server.port, "GET", f"{path}?service.name={name}&ifnonematch={etag}")
        assert answer.status == 304
    assert ask(server, "page", path=path, **{"Authorization": f"Bearer {TOKEN}"}).json == {"transaction_sample_rate": "0.5", "log_level": "off"}
    answer = ask(server, "other", path=path)
    assert answer.status == 403 and answer.json == {"error": 'unauthorized: anonymous access not permitted for service "other"'}
    answer = request(server.port, "GET", path)
    assert answer.status == 400 and answer.json == {"error": "invalid query"}


def test_a_real_agent_obeys(store: BulkStore, start_apm_server: StartAPMServer, processes: ProcessGroup) -> None:
    """Elastic's agent takes a sample rate of 0 from the store, confirms it, and goes back when it is gone."""
    server = start_apm_server(store.url, changes={"agent": {"config": {"cache": {"expiration": "1s"}}}})
    store.configure_agents([configured("loop", "testing", "quiet", transaction_sample_rate="0")])
    wait_until(lambda: ask(server, "loop", "testing").headers["Etag"] == '"quiet"', 10, "the configuration")
    loop = SampledLoop(processes, server.url)
    loop.process.wait_for_output("sampled False")
    # It asks again after five seconds, with the etag.
    wait_until(lambda: [d for d in store.documents() if d.index == "metrics-apm.internal-default"], 15, "the tick", 0.1)
    count = sum(d.index.startswith("traces-apm") for d in store.documents())
    store.configure_agents([])
    wait_until(lambda: loop.process.out_path.read_text().endswith("sampled False\nsampled True\n"), 15, "the end of it")
    wait_until(lambda: sum(d.index.startswith("traces-apm") for d in store.documents()) > count, 10, "transactions again", 0.1)
    assert "ERROR" not in loop.process.output() and "WARNING" not in loop.process.output()
