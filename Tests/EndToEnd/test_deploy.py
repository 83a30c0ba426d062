"""The files under deploy/ agree with the programs and with each other. No image can be pulled here."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from harness.services import REPOSITORY, binary, run_to_end

DEPLOY = REPOSITORY / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())
SERVICES = ("shipper", "ingest", "apm-server")

# What Debian 12 calls the package of each shared library; the C library itself is part of every image.
LIBRARY_PACKAGES = {
    "libcrypto.so.3": "libssl3", "libcurl.so.4": "libcurl4", "libdeflate.so.0": "libdeflate0",
    "libgnutls.so.30": "libgnutls30", "libmaxminddb.so.0": "libmaxminddb0", "libmicrohttpd.so.12": "libmicrohttpd12", "libpcre2-8.so.0": "libpcre2-8-0",
    "libssl.so.3": "libssl3", "libyaml-0.so.2": "libyaml-0-2", "libz.so.1": "zlib1g",
}  # fmt: skip
IN_EVERY_IMAGE = {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "libgcc_s.so.1", "libstdc++.so.6"}


def sample(service: str) -> Path:
    return DEPLOY / "config" / f"{service}.yml"


def dockerfile(service: str) -> str:
    """A Dockerfile with its continued lines joined."""
    return (DEPLOY / "docker" / f"{service}.Dockerfile").read_text().replace("\\\n", " ")


def environment_names(service: str) -> set[str]:
    """The variables that a sample configuration refers to, outside of comments."""
    lines = [line for line in sample(service).read_text().splitlines() if not line.lstrip().startswith("#")]
    return set(re.findall(r"\$\{([A-Z_]+)", "\n".join(lines)))


@pytest.mark.parametrize("service", SERVICES)
def test_sample_configuration_is_accepted(service: str) -> None:
    result = run_to_end(service, "check", "--config", sample(service))
    assert result.returncode == 0, result.stderr.decode()


@pytest.mark.parametrize("service", SERVICES)
def test_sample_configuration_is_accepted_with_the_environment_of_compose(service: str) -> None:
    environment = COMPOSE["services"][service]["environment"]
    values = {name: re.sub(r"\$\{[A-Z_]+:-(.*?)\}", r"\1", str(value)) for name, value in environment.items()}
    assert set(values) <= environment_names(service), "compose sets a variable that nobody reads"
    result = run_to_end(service, "check", "--config", sample(service), **values)
    assert result.returncode == 0, result.stderr.decode()


@pytest.mark.parametrize("service", SERVICES)
def test_image_copies_files_that_exist(service: str) -> None:
    copied = re.findall(r"^COPY (?!--from)(?:--\S+ )?(\S+) \S+$", dockerfile(service), re.MULTILINE)
    assert copied
    for path in copied:
        assert (REPOSITORY / path).exists(), f"{service}.Dockerfile copies {path}"
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    for path in copied:
        assert f"!{path.split('/')[0]}" in ignored, f".dockerignore keeps {path} from the build"


@pytest.mark.parametrize("service", SERVICES)
def test_image_installs_the_libraries_that_the_program_loads(service: str) -> None:
    dynamic = subprocess.run(["readelf", "-d", binary(service)], capture_output=True, text=True, check=True).stdout
    needed = set(re.findall(r"\(NEEDED\).*\[(.+?)\]", dynamic)) - IN_EVERY_IMAGE
    runtime = dockerfile(service).split("FROM debian:bookworm-slim")[1]
    installed = set(re.search(r"--no-install-recommends(.*?)&&", runtime, re.DOTALL)[1].split())  # type: ignore[index]
    assert needed <= set(LIBRARY_PACKAGES), "a library that this test does not know"
    missing = {LIBRARY_PACKAGES[library] for library in needed} - installed
    assert not missing, f"{service}.Dockerfile does not install {missing}"
    unused = installed & set(LIBRARY_PACKAGES.values()) - {LIBRARY_PACKAGES[library] for library in needed}
    assert not unused, f"{service}.Dockerfile installs {unused} for nothing"


@pytest.mark.parametrize("service", SERVICES)
def test_image_builds_with_the_libraries_of_the_package(service: str) -> None:
    provided = set(re.findall(r'"(lib[\w.+-]+-dev|zlib1g-dev)"', (REPOSITORY / "Package.swift").read_text()))
    builder = dockerfile(service).split("FROM debian:bookworm-slim")[0]
    assert provided and provided <= set(builder.split())
    assert f"--product {service} " in builder
    assert provided <= set((DEPLOY / "setup.sh").read_text().split())


@pytest.mark.parametrize("service", SERVICES)
def test_image_runs_the_service_as_its_own_user(service: str) -> None:
    runtime = dockerfile(service).split("FROM debian:bookworm-slim")[1]
    assert f"\nUSER {service}\n" in runtime
    assert f'ENTRYPOINT ["/usr/bin/{service}", "--config", "/etc/{service}/{service}.yml"]' in runtime
    configuration = sample(service).read_text()
    monitoring = re.search(r"^monitoring:\n(?:  .*\n)*  port: (\d+)", configuration, re.MULTILINE)
    assert monitoring
    assert f'CMD ["/usr/lib/{service}/healthcheck", "{monitoring[1]}"]' in runtime
    data = re.search(r"^data_directory: (\S+)$", configuration, re.MULTILINE)
    if data:
        assert f"VOLUME {data[1]}\n" in runtime


def test_health_check_follows_the_answer(serve_once: Callable[[bytes], int]) -> None:
    script = DEPLOY / "docker" / "healthcheck"
    for answer, expected in ((b"HTTP/1.1 200 OK\r\n\r\n", 0), (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", 1)):
        port = serve_once(answer)
        assert subprocess.run(["bash", script, str(port)], timeout=10).returncode == expected
    assert subprocess.run(["bash", script, "1"], timeout=10, stderr=subprocess.DEVNULL).returncode != 0


@pytest.fixture
def serve_once() -> Callable[[bytes], int]:
    """`serve_once(answer)`: a port of loopback that gives this answer to one connection."""
    def serve(answer: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))

        def once() -> None:
            with listener, listener.accept()[0] as connection:
                request = b""
                while not request.endswith(b"\r\n\r\n"):
                    request += connection.recv(4_096)
                connection.sendall(answer)

        threading.Thread(target=once, daemon=True).start()
        return int(listener.getsockname()[1])

    return serve


def test_compose_gives_apm_server_time_and_a_place_to_keep_what_it_has() -> None:
    service = COMPOSE["services"]["apm-server"]
    configuration = yaml.safe_load(re.sub(r"\$\{[A-Z_]+:?(.*?)\}", r"\1", sample("apm-server").read_text()))
    assert f"apm-server:{configuration['data_directory']}" in service["volumes"]
    # The default of shutdown_timeout, and a margin.
    assert int(service["stop_grace_period"].removesuffix("s")) >= 30 + 5
    assert set(service["environment"]) == environment_names("apm-server")
    assert "SECRET_TOKEN" in str(service["environment"]["APM_SECRET_TOKEN"])


def test_compose_runs_every_part_of_the_path() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"elasticsearch", "kibana", "haproxy", *SERVICES}
    for name, service in services.items():
        assert ("image" in service) != ("build" in service), name
        if build := service.get("build"):
            assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()
        for dependency in service.get("depends_on", []):
            assert dependency in services
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name} publishes {port} to everybody"


def test_compose_ports_are_those_of_the_configuration() -> None:
    published = {
        port.rpartition(":")[2] for name in SERVICES for port in COMPOSE["services"][name].get("ports", [])
    }
    for port in published | set(COMPOSE["services"]["ingest"]["expose"]):
        assert any(re.search(rf"\b{port}$", sample(name).read_text(), re.MULTILINE) for name in SERVICES), port


def test_compose_volumes_are_where_the_programs_write() -> None:
    for name in SERVICES:
        for volume in COMPOSE["services"][name].get("volumes", []):
            source, target = re.sub(r"\$\{[A-Z_]+:-(.*?)\}", r"\1", volume).split(":")[:2]
            if source in COMPOSE["volumes"]:
                assert target in sample(name).read_text()
            elif source.startswith("."):
                assert (DEPLOY / source).exists()
    assert set(COMPOSE["services"]["ingest"]["environment"]) == environment_names("ingest")


def test_shipper_of_compose_sends_to_the_balancer() -> None:
    assert COMPOSE["services"]["shipper"]["environment"]["INGEST_HOST"] == "haproxy"
    balancer = (DEPLOY / "haproxy.cfg").read_text()
    assert "bind :5044" in balancer and "ingest:5044" in balancer


def test_balancer_configuration_is_valid() -> None:
    program = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    assert program, "haproxy is not installed: run make setup"
    result = subprocess.run([program, "-c", "-f", DEPLOY / "haproxy.cfg"], capture_output=True, text=True, timeout=20)
    assert result.returncode == 0, result.stderr
    assert "WARNING" not in result.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_unit_runs_what_the_sample_configuration_needs(service: str) -> None:
    unit = (DEPLOY / "systemd" / f"{service}.service").read_text()
    keys = dict(line.split("=", 1) for line in unit.splitlines() if re.match(r"[A-Z]\w+=", line))
    assert keys["ExecStart"] == f"/usr/bin/{service} --config /etc/{service}/{service}.yml"
    assert f"data_directory: /var/lib/{keys['StateDirectory']}\n" in sample(service).read_text()
    assert keys["RestartPreventExitStatus"] == "2"
    # test_systemd_notify.py shows that the program does its part of these.
    assert keys["Type"] == "notify"
    assert keys.get("ExecReload") == (None if service == "apm-server" else "/bin/kill -HUP $MAINPID")
    assert "WatchdogSec" in keys and "AF_UNIX" in keys["RestrictAddressFamilies"]
    wrong = run_to_end(service, "check", "--set", "no_such_key=1")
    assert wrong.returncode == 2, "the unit relies on 2 for a wrong configuration"


@pytest.mark.parametrize("service", SERVICES)
def test_unit_is_understood_by_systemd(service: str) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    unit = DEPLOY / "systemd" / f"{service}.service"
    result = subprocess.run([program, "verify", unit], capture_output=True, text=True, timeout=30)
    complaints = [line for line in result.stderr.splitlines() if service in line and "is not executable" not in line]
    assert not complaints
