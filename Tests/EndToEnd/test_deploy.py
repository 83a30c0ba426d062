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

from harness.services import REPOSITORY, binary, run_to_end

DEPLOY = REPOSITORY / "deploy"
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
    runtime = dockerfile(service).split("FROM debian:${DEBIAN_VERSION}-slim")[1]
    installed = set(re.search(r"--no-install-recommends(.*?)&&", runtime, re.DOTALL)[1].split())  # type: ignore[index]
    assert needed <= set(LIBRARY_PACKAGES), "a library that this test does not know"
    missing = {LIBRARY_PACKAGES[library] for library in needed} - installed
    assert not missing, f"{service}.Dockerfile does not install {missing}"
    unused = installed & set(LIBRARY_PACKAGES.values()) - {LIBRARY_PACKAGES[library] for library in needed}
    assert not unused, f"{service}.Dockerfile installs {unused} for nothing"


@pytest.mark.parametrize("service", SERVICES)
def test_image_builds_with_the_libraries_of_the_package(service: str) -> None:
    provided = set(re.findall(r'"(lib[\w.+-]+-dev|zlib1g-dev)"', (REPOSITORY / "Package.swift").read_text()))
    builder = dockerfile(service).split("FROM debian:${DEBIAN_VERSION}-slim")[0]
    assert provided and provided <= set(builder.split())
    assert f"COPY --from=build /out/{service} /usr/bin/{service}\n" in dockerfile(service)
    assert provided <= set((DEPLOY / "setup.sh").read_text().split())


@pytest.mark.parametrize("service", SERVICES)
def test_image_runs_the_service_as_its_own_user(service: str) -> None:
    runtime = dockerfile(service).split("FROM debian:${DEBIAN_VERSION}-slim")[1]
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


def test_images_share_what_they_are_built_by() -> None:
    """Docker builds a stage that is the same in several files once."""
    stages = {(DEPLOY / "docker" / f"{service}.Dockerfile").read_text().split("ARG SWIFT_VERSION")[1].split("FROM debian:")[0] for service in SERVICES}
    assert len(stages) == 1
    assert "for product in shipper ingest apm-server" in stages.pop()


def test_scripts_are_clean() -> None:
    scripts = [path for path in DEPLOY.rglob("*") if path.is_file() and path.read_bytes()[:2] == b"#!"]
    assert {"setup.sh", "setup-files.sh", "setup-users.sh", "make-certs.sh", "healthcheck", "postinst"} <= {path.name for path in scripts}
    result = subprocess.run(["shellcheck", *scripts, REPOSITORY / ".ci" / "run"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout


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
