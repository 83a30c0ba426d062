"""Options, sub-commands and exit codes: 0 ok, 1 runtime failure, 2 usage or configuration."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from pathlib import Path

import pytest

from conftest import FIXTURES
from harness.loglines import line
from harness.ports import free_port
from harness.processes import ChildProcess, ProcessGroup
from harness.services import binary, http_get, run_to_end
from harness.waiting import wait_until

SERVICES = ("shipper", "ingest", "apm-server")
DEPLOYED = Path(__file__).resolve().parents[2] / "deploy" / "config"


@pytest.mark.parametrize("service", SERVICES)
def test_version_and_help(service: str) -> None:
    version = run_to_end(service, "--version")
    assert version.returncode == 0
    assert re.search(r"\d+\.\d+\.\d+", version.stdout.decode())
    assert service in version.stdout.decode()
    help_text = run_to_end(service, "--help")
    assert help_text.returncode == 0
    for option in ("--config", "--set", "check", "--version", "--help"):
        assert option in help_text.stdout.decode()
    assert help_text.stderr == b""


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "arguments",
    [["--no-such-option"], ["no-such-command"], ["--config"], ["--set", "novalue"], ["--set"], ["--set", "no.such.key=1"]],
    ids=" ".join,
)
def test_wrong_usage_is_code_2(service: str, arguments: list[str], minimal: dict[str, Path]) -> None:
    more = [] if "--config" in arguments else ["--config", minimal[service]]
    completed = run_to_end(service, *more, *arguments)
    assert completed.returncode == 2, completed
    assert completed.stderr.strip(), "says why"
    assert completed.stdout == b""


@pytest.fixture
def minimal(tmp_path: Path) -> dict[str, Path]:
    """The smallest good configuration of each service."""
    texts = {
        "shipper": f"data_directory: {tmp_path}/shipper\ninputs:\n  - paths: [{tmp_path}/*.log]\noutput:\n  hosts: ['127.0.0.1:5044']\n",
        "ingest": f"data_directory: {tmp_path}/ingest\ninputs:\n  - port: 0\n    host: 127.0.0.1\n    pipeline: nginx-access\n",
        "apm-server": f"data_directory: {tmp_path}/apm-server\nhost: 127.0.0.1\nport: 0\n",
    }
    paths = {}
    for service, text in texts.items():
        paths[service] = tmp_path / f"{service}.yml"
        paths[service].write_text(text)
    return paths


@pytest.mark.parametrize("service", SERVICES)
def test_check_accepts_good_configurations(service: str, minimal: dict[str, Path]) -> None:
    for path in (minimal[service], DEPLOYED / f"{service}.yml"):
        completed = run_to_end(service, "check", "--config", path)
        assert completed.returncode == 0, completed.stderr.decode()


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("text", "line_number", "words"),
    [
        ("loging:\n  level: info\n", 1, ["loging", "logging"]),
        ("logging:\n  level: loud\n", 2, ["logging.level", "info"]),
        ("logging:\n  lvel: info\n", 2, ["logging.lvel", "level"]),
        ("monitoring:\n  port: many\n", 2, ["monitoring.port", "number"]),
        ("monitoring:\n  port: 70000\n", 2, ["monitoring.port", "65535"]),
        ("monitoring: [1, 2]\n", 1, ["monitoring"]),
        ("logging:\n  level: info\n  level: debug\n", 3, ["level"]),
        ("logging: {level: info\n", None, []),
        ("logging:\n\tlevel: info\n", 2, []),
        ("\xff\xfe", None, []),
        ("logging:\n  level: ${NO_SUCH_VARIABLE}\n", 2, ["NO_SUCH_VARIABLE"]),
    ],
    ids=["unknown section", "choice", "unknown key", "not a number", "out of range", "wrong kind", "twice", "open brace", "tab", "not UTF-8", "variable"],
)
def test_wrong_configurations_name_file_line_and_key(
    service: str, minimal: dict[str, Path], text: str, line_number: int | None, words: list[str]
) -> None:
    good = minimal[service].read_bytes()
    minimal[service].write_bytes(text.encode("latin-1") + good)
    for arguments in (["check"], []):
        completed = run_to_end(service, *arguments, "--config", minimal[service])
        message = completed.stderr.decode(errors="replace")
        assert completed.returncode == 2, message
        assert f"{service}.yml" in message
        if line_number is not None:
            assert f"{service}.yml:{line_number}:" in message, message
        for word in words:
            assert word in message, message


@pytest.mark.parametrize(
    ("service", "text", "words"),
    [
        ("shipper", "inputs: []\noutput: {hosts: ['h:5044']}\n", ["inputs"]),
        ("shipper", "inputs: [{paths: [/x.log]}]\noutput: {hosts: []}\n", ["output.hosts"]),
        ("shipper", "inputs: [{paths: [/x.log]}]\noutput: {hosts: ['h:port']}\n", ["output.hosts"]),
        ("shipper", "inputs: [{paths: [/x.log], max_bytes: ten}]\noutput: {hosts: ['h:5044']}\n", ["max_bytes"]),
        ("shipper", "inputs: [{paths: [/x.log]}]\noutput: {hosts: ['h:5044'], compression_level: 10}\n", ["compression_level"]),
        ("shipper", "inputs: [{paths: [/x.log]}]\noutput: {hosts: ['h:5044'], timeout: 5 parsecs}\n", ["timeout"]),
        ("shipper", "inputs: [{paths: [/x.log]}]\noutput: {hosts: ['h:5044'], tls: {enabled: true, certificate_authorities: [/no/ca.pem]}}\n", ["/no/ca.pem"]),
        ("ingest", "inputs: [{port: 0, pipeline: nginx-acess}]\n", ["nginx-acess", "nginx-access"]),
        ("ingest", "inputs: [{port: 0, pipeline: nginx-access}]\npipelines: {nginx-access: {log_format: '$remote_addr$status'}}\n", ["log_format"]),
        ("ingest", "inputs: [{port: 0, pipeline: nginx-access}]\npipelines: {nginx-access: {index: 'Bad Name'}}\n", ["index"]),
        ("ingest", "inputs: [{port: 0, pipeline: nginx-access}]\npipelines: {nginx-access: {trusted_proxies: ['10.0.0.0/99']}}\n", ["trusted_proxies"]),
        ("ingest", "inputs: [{port: 0, pipeline: nginx-access}]\noutput: {elasticsearch: {hosts: ['ftp://x']}}\n", ["hosts"]),
        ("ingest", "inputs: [{port: 0, pipeline: nginx-access, tls: {enabled: true}}]\n", ["certificate"]),
        ("ingest", "inputs: [{port: 0, pipeline: nginx-access}]\noutput: {elasticsearch: {tls: {fingerprint: xyz}}}\n", ["fingerprint"]),
        ("apm-server", "port: -1\n", ["port"]),
        ("apm-server", "hots: 127.0.0.1\n", ["hots", "host"]),
    ],
)  # fmt: skip
def test_wrong_values_are_named(tmp_path: Path, service: str, text: str, words: list[str]) -> None:
    path = tmp_path / "wrong.yml"
    path.write_text(text)
    completed = run_to_end(service, "check", "--config", path)
    message = completed.stderr.decode()
    assert completed.returncode == 2, (completed.stdout, message)
    assert re.search(r"wrong\.yml:\d+", message), message
    for word in words:
        assert word in message, message


@pytest.mark.parametrize("service", SERVICES)
def test_a_missing_configuration_file_is_named(service: str, tmp_path: Path) -> None:
    completed = run_to_end(service, "check", "--config", tmp_path / "absent.yml")
    assert completed.returncode == 2
    assert "absent.yml" in completed.stderr.decode()
    completed = run_to_end(service, "check", "--config", tmp_path)
    assert completed.returncode == 2


def test_environment_variables_and_overrides(processes: ProcessGroup, tmp_path: Path) -> None:
    port, monitoring_port = free_port(), free_port()
    path = tmp_path / "apm-server.yml"
    path.write_text(
        f"data_directory: {tmp_path}/data\n"
        "host: ${HOST:127.0.0.1}\nport: ${PORT}\nmonitoring: {port: 1}\noutput.elasticsearch.hosts: ['http://127.0.0.1:1']\n"
    )
    server = ChildProcess(
        "apm-server",
        [binary("apm-server"), "--config", path, "--set", f"monitoring.port={monitoring_port}", "--set", "logging.level=debug"],
        tmp_path,
        {"PORT": str(port)},
        is_ready=lambda: http_ok(port, "/"),
    )
    processes.add(server)
    server.start()
    # Whether it is healthy says nothing here: there is no store.
    assert http_get(monitoring_port, "/stats")[0] == 200


def http_ok(port: int, path: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        return http_get(port, path)[0] == 200
    except OSError:
        return False


@pytest.mark.parametrize("service", SERVICES)
def test_a_taken_port_is_code_1(service: str, minimal: dict[str, Path], processes: ProcessGroup, tmp_path: Path) -> None:
    """A runtime failure names the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        completed = run_to_end(service, "--config", minimal[service], "--set", f"monitoring.port={port}", "--set", "logging.format=json")
    assert completed.returncode == 1, completed
    assert str(port) in completed.stderr.decode()


@pytest.mark.parametrize("service", ["shipper", "ingest"])
def test_a_data_directory_that_cannot_be_made_is_code_1(service: str, minimal: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    completed = run_to_end(
        service, "--config", minimal[service], "--set", f"data_directory={tmp_path}/file/data", "--set", "monitoring.port=0"
    )
    assert completed.returncode == 1, completed
    assert f"{tmp_path}/file" in completed.stderr.decode()


def test_two_shippers_never_share_a_data_directory(minimal: dict[str, Path], processes: ProcessGroup, tmp_path: Path) -> None:
    """They would overwrite each other's registry; the second one says so and ends."""
    arguments = [binary("shipper"), "--config", minimal["shipper"], "--set", "monitoring.port=0", "--set", "logging.format=json"]
    first = ChildProcess("first", arguments, tmp_path)
    processes.add(first)
    first.start()
    first.wait_for_output('"started"')
    second = run_to_end("shipper", *arguments[1:])
    assert second.returncode == 1
    assert str(tmp_path / "shipper") in second.stderr.decode()
    assert first.terminate() == 0


@pytest.mark.parametrize("service", ["ingest", "apm-server"])
def test_port_0_is_chosen_and_logged(service: str, minimal: dict[str, Path], processes: ProcessGroup, tmp_path: Path) -> None:
    process = ChildProcess(
        service,
        [binary(service), "--config", minimal[service], "--set", "monitoring.port=0", "--set", "logging.format=json"],
        tmp_path,
    )
    processes.add(process)
    process.start()
    process.wait_for_output("listening")
    ports = wait_until(lambda: found if len(found := re.findall(r'"port":\s*"?(\d+)', process.output())) >= 2 else None, 5, "two ports")
    assert all(int(port) > 0 for port in ports)
    assert process.terminate() == 0


@pytest.mark.parametrize("service", SERVICES)
def test_the_log_is_text_or_json_as_told(service: str, minimal: dict[str, Path], processes: ProcessGroup, tmp_path: Path) -> None:
    for log_format, is_json in (("json", True), ("auto", True), ("text", False)):
        process = ChildProcess(
            f"{service}-{log_format}",
            [binary(service), "--config", minimal[service], "--set", "monitoring.port=0", "--set", f"logging.format={log_format}"],
            tmp_path,
        )
        processes.add(process)
        process.start()
        process.wait_for_output("listening")
        assert process.terminate() == 0
        rows = process.err_path.read_text().splitlines()
        assert rows
        for row in rows:
            assert row.startswith("{") == is_json, row
            if is_json:
                entry = json.loads(row)
                assert entry["@timestamp"] and entry["message"]
                assert entry.get("log.level") or entry["log"]["level"]


class TestParse:
    def test_prints_one_document_a_line(self, minimal: dict[str, Path]) -> None:
        text = line(1) + b"this is no access line\n" + line(2) + b"\xff\xfe\n" + line(3).rstrip(b"\n")
        completed = run_to_end("ingest", "parse", "--pipeline", "nginx-access", "--config", minimal["ingest"], stdin=text)
        assert completed.returncode == 0, completed.stderr.decode()
        documents = [json.loads(row) for row in completed.stdout.decode("utf-8").splitlines()]
        assert len(documents) == 5
        assert [document.get("url", {}).get("original", "")[:9] for document in documents] == ["/item/a/1", "", "/item/a/2", "", "/item/a/3"]
        assert documents[1]["event"]["original"] == "this is no access line"
        assert documents[1]["error"]["message"] and documents[1]["tags"]
        assert documents[3]["event"]["original"] == "\ufffd\ufffd"

    def test_needs_no_configuration(self) -> None:
        completed = run_to_end("ingest", "parse", "--pipeline", "nginx-access", stdin=line(7))
        assert completed.returncode == 0, completed.stderr.decode()
        assert json.loads(completed.stdout)["http"]["response"]["status_code"] == 200

    def test_names_an_unknown_pipeline(self) -> None:
        completed = run_to_end("ingest", "parse", "--pipeline", "nginx-acess", stdin=line(7))
        assert completed.returncode == 2
        assert "nginx-acess" in completed.stderr.decode()

    def test_reads_the_large_fixture_fast(self) -> None:
        data = (FIXTURES / "logs" / "access-combined-4k.log").read_bytes()
        completed = run_to_end("ingest", "parse", "--pipeline", "nginx-access", stdin=data * 5, seconds=20)
        assert completed.returncode == 0
        assert completed.stdout.count(b"\n") == 20_000

    def test_a_closed_pipe_ends_it_quietly(self) -> None:
        data = (FIXTURES / "logs" / "access-combined-4k.log").read_bytes()
        pipeline = subprocess.run(
            ["sh", "-c", f"'{binary('ingest')}' parse --pipeline nginx-access | head -1"], input=data, capture_output=True, timeout=20
        )
        assert pipeline.stdout.count(b"\n") == 1
        assert b"atal error" not in pipeline.stderr
