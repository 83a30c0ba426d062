"""The Debian packages: what is in them, and a machine that installs, runs, upgrades, removes and purges them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.loglines import append, lines
from harness.lumberjack import Receiver
from harness.machine import Machine, machine
from harness.ports import free_port
from harness.services import REPOSITORY, binary

SERVICES = ("shipper", "ingest", "apm-server")


def build(output: Path, *arguments: str) -> dict[str, Path]:
    """Builds packages of the programs under test; by service."""
    command = [sys.executable, REPOSITORY / "deploy/debian/build.py", "--binaries", binary("shipper").parent]
    built = subprocess.run(
        [*command, "--output", output, "--compression", "none", *arguments],
        capture_output=True, text=True, timeout=120, env=os.environ | {"SOURCE_DATE_EPOCH": "1790000000"},
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    return {Path(line).name.partition("_")[0]: Path(line) for line in built.stdout.splitlines()}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The packages of all services, of the programs' version."""
    return build(tmp_path_factory.mktemp("packages"))


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Machine]:
    """A machine of its own."""
    with machine(tmp_path) as host:
        yield host


def extracted(package: Path, folder: Path) -> Path:
    """The files of a package."""
    subprocess.run(["dpkg-deb", "--extract", package, folder], check=True, timeout=30)
    return folder


def test_packages_are_the_same_when_they_are_built_again(packages: dict[str, Path], tmp_path: Path) -> None:
    again = build(tmp_path, "shipper")
    assert again["shipper"].read_bytes() == packages["shipper"].read_bytes()


@pytest.mark.parametrize("service", SERVICES)
def test_manual_and_completion_have_what_the_program_has(service: str, packages: dict[str, Path], tmp_path: Path) -> None:
    """Every option and command; no complaint of groff; the words that bash offers."""
    root = extracted(packages[service], tmp_path / "root")
    page = subprocess.run(["gunzip", "-c", root / f"usr/share/man/man8/{service}.8.gz"], capture_output=True, check=True).stdout
    rendered = subprocess.run(["groff", "-man", "-ww", "-Tutf8"], input=page, capture_output=True, timeout=30)
    assert rendered.stderr == b""
    text = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", rendered.stdout.decode()).replace("‐\n", "").replace("−", "-")
    program = binary(service)
    helped = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"^  (\S+)  ", helped.partition("Commands:")[2], re.MULTILINE)
    assert commands[:2] == ["check", "test"]

    def offered(*words: str) -> set[str]:
        script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _%s; printf "%%s\\n" "${COMPREPLY[@]}"' % service.replace("-", "_")
        completion = root / f"usr/share/bash-completion/completions/{service}"
        done = subprocess.run(["bash", "-c", script, "bash", completion, *words], capture_output=True, text=True, timeout=10)
        assert done.stderr == ""
        return set(done.stdout.split())

    for command in ([], *([command] for command in commands)):
        said = subprocess.run([program, *command, "--help"], capture_output=True, text=True, check=True).stdout
        options = set(re.findall(r"^  (--[a-z-]+)", said, re.MULTILINE))
        assert options and all(option in text for option in options)
        assert options <= offered(service, *command, "")
    assert set(commands) <= offered(service, "")
    assert offered(service, "te") == {"test"} and {"output", "config"} <= offered(service, "test", "")


def test_a_web_host_from_installation_to_purge(packages: dict[str, Path], host: Machine, tmp_path: Path) -> None:
    """shipper reads nginx's logs as its own user; an upgrade keeps registry and configuration; a purge leaves nothing."""
    before = {name: host.run("cat", name) for name in ("/etc/passwd", "/etc/group")}
    newer = build(tmp_path / "newer", "--version", "99.0", "shipper")["shipper"]
    for package in (packages["shipper"], newer):
        shutil.copy(package, host.shared)
    host.run("dpkg", "--install", f"/mnt/{packages['shipper'].name}")
    assert set(host.run("id", "--name", "--groups", "shipper").split()) == {"shipper", "adm"}
    assert host.run("stat", "--format", "%U %a", "/var/lib/shipper", "/etc/shipper").split() == ["shipper", "750", "root", "750"]
    host.run("systemd-analyze", "verify", "/lib/systemd/system/shipper.service")

    log = tmp_path / "access.log"
    host.shell("mkdir -p /var/log/nginx && chown root:adm /var/log/nginx && chmod 750 /var/log/nginx && rm -f /var/log/nginx/*")
    unit = host.run("cat", "/lib/systemd/system/shipper.service")
    start = re.search(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    assert start

    def write(numbers: range) -> None:
        """Lines that nginx writes: root owns the file, adm may read it."""
        log.unlink(missing_ok=True)
        append(log, lines(numbers))
        shutil.copy(log, host.shared / "lines")
        host.shell("cat /mnt/lines >> /var/log/nginx/access.log && chmod 640 /var/log/nginx/access.log && chown root:adm /var/log/nginx/access.log")

    with Receiver() as receiver:
        def ship() -> list[str]:
            known = len(receiver.acknowledged_events)
            settings = f"--once --set output.hosts=[127.0.0.1:{receiver.port}] --set monitoring.port={free_port()}"
            host.run("runuser", "--user", "shipper", "--", *start[1].split(), *settings.split())
            return [event["message"] for event in receiver.acknowledged_events[known:]]

        write(range(10))
        assert ship() == lines(range(10)).decode().splitlines()
        host.shell("echo '# of our own' >> /etc/shipper/shipper.yml")
        host.run("dpkg", "--install", f"/mnt/{newer.name}")
        assert host.run("dpkg-query", "--show", "--showformat=${Version}", "shipper") == "99.0"
        assert host.run("tail", "-n", "1", "/etc/shipper/shipper.yml") == "# of our own\n"
        write(range(10, 15))
        assert ship() == lines(range(10, 15)).decode().splitlines()

        host.run("dpkg", "--remove", "shipper")
        host.run("test", "-e", "/usr/bin/shipper", fails=True)
        host.run("test", "-e", "/var/lib/shipper/registry")
        host.run("test", "-e", "/etc/shipper/shipper.yml")
        host.run("dpkg", "--install", f"/mnt/{newer.name}")
        assert ship() == []
    host.run("dpkg", "--purge", "shipper")
    assert {name: host.run("cat", name) for name in before} == before
    assert host.shell("find /etc /usr /var/lib /lib/systemd -xdev -name '*shipper*' -not -path '/usr/lib/python*'").split() == []


def test_servers_install_and_accept_their_configuration(packages: dict[str, Path], host: Machine) -> None:
    for service in ("ingest", "apm-server"):
        shutil.copy(packages[service], host.shared)
        host.run("dpkg", "--install", f"/mnt/{packages[service].name}")
        checked = host.run("runuser", "--user", service, "--", f"/usr/bin/{service}", "check")
        assert "the configuration is valid" in checked
        # A secret that only the service's group reads.
        host.shell(f"install -m 0640 -o root -g {service} <(echo s3cret) /etc/{service}/key")
        key = f"ELASTICSEARCH_API_KEY_FILE=/etc/{service}/key"
        checked = host.run("runuser", "--user", service, "--", "env", key, f"/usr/bin/{service}", "check")
        assert "s3cret" not in checked
        host.run("runuser", "--user", "nobody", "--", "env", key, f"/usr/bin/{service}", "check", fails=True)
        host.run("systemd-analyze", "verify", f"/lib/systemd/system/{service}.service")
        host.run("dpkg", "--purge", service)
        # What somebody put there stays.
        assert host.run("ls", f"/etc/{service}") == "key\n"
        host.run("getent", "passwd", service, fails=True)


def test_packages_say_which_libraries_they_need(packages: dict[str, Path]) -> None:
    for service, package in packages.items():
        fields = subprocess.run(["dpkg-deb", "--field", package, "Depends"], capture_output=True, text=True, check=True).stdout
        needed = {name.split()[0] for name in fields.split(", ")}
        assert {"libc6", "libssl3", "adduser"} <= needed
        assert ("libcurl4" in needed) == (service != "shipper")
