"""docker-compose.yml agrees with the programs, the images and the other files. Docker itself does not run here."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.services import REPOSITORY, run_to_end

DEPLOY = REPOSITORY / "deploy"
TEXT = (DEPLOY / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
VOLUMES = set(yaml.safe_load(TEXT)["volumes"])
VARIABLES = dict(line.split("=", 1) for line in (DEPLOY / ".env").read_text().splitlines() if re.match(r"[A-Z]", line))
PROFILES = {name: set(service.get("profiles", ["secure", "insecure", "example"])) for name, service in SERVICES.items()}
# Which program a container runs; the others run what their images bring.
OURS = {name: re.search(r"docker/(.+)\.Dockerfile", service["build"]["dockerfile"])[1] for name, service in SERVICES.items() if "docker/" in str(service.get("build"))}  # type: ignore[index]
OURS |= {"example-shipper": "shipper"}
ONCE = {name for name, service in SERVICES.items() if service.get("restart") in ("on-failure:5", "no")}
# What the official images document as their settings.
FOREIGN = {
    "elasticsearch": r"ELASTIC_PASSWORD_FILE|ES_JAVA_OPTS|[a-z][a-z_]*(\.[a-z_]+)+",
    "kibana": r"KBN_PATH_CONF|ELASTICSEARCH_HOSTS",
}


def filled(value: object) -> str:
    """A text with the variables of .env in it."""
    return re.sub(r"\$\{(\w+)\}", lambda match: VARIABLES[match[1]], str(value))


def mounts(name: str) -> list[tuple[str, str]]:
    """Source and target of each volume of a service."""
    return [tuple(filled(volume).split(":")[:2]) for volume in SERVICES[name].get("volumes", [])]  # type: ignore[misc]


def sample(program: str) -> str:
    return (DEPLOY / "config" / f"{program}.yml").read_text()


def read_variables(program: str) -> set[str]:
    """The variables that a sample configuration refers to, outside of comments."""
    lines = [line for line in sample(program).splitlines() if not line.lstrip().startswith("#")]
    return set(re.findall(r"\$\{([A-Z_]+)", "\n".join(lines)))


def dockerfile(service: dict[str, Any]) -> str:
    """The Dockerfile that a service is built from, with continued lines joined."""
    return (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).read_text().replace("\\\n", " ")


def test_variables_are_in_the_env_file_and_all_are_used() -> None:
    used = set(re.findall(r"\$\{(\w+)\}", TEXT))
    assert not re.search(r"\$\{\w+[^\w}]", TEXT), "defaults stand in .env, and nowhere else"
    assert used == set(VARIABLES) - {"COMPOSE_PROFILES"}
    assert VARIABLES["COMPOSE_PROFILES"] == "secure"
    assert not re.search(r"PASSWORD|TOKEN|KEY|SECRET", " ".join(VARIABLES)), "a secret in .env"


def test_images_have_versions() -> None:
    current = re.search(r'current = "(.+)"', (REPOSITORY / "Sources/Common/Version.swift").read_text())
    assert current and VARIABLES["IMAGE_VERSION"] == current[1]
    for name, service in SERVICES.items():
        repository, _, tag = filled(service["image"]).rpartition(":")
        assert repository and re.match(r"\d+\.\d+", tag), f"{name}: {service['image']}"
        assert repository.startswith("elkfa/") == ("build" in service or name in ("example-shipper", "visitors")), name
        if "build" in service and name in OURS:
            assert f"ARG VERSION={current[1]}\n" in dockerfile(service)
            assert repository == f"elkfa/{OURS[name]}"
    assert int(VARIABLES["ELASTIC_VERSION"].split(".")[0]) >= 9


def test_every_profile_is_whole() -> None:
    for profile, wanted in (("secure", ""), ("insecure", "-insecure")):
        names = {name for name in SERVICES if profile in PROFILES[name]}
        parts = {f"{part}{wanted}" for part in ("elasticsearch", "kibana", "dashboards", "ingest", "apm-server")}
        assert parts | {"haproxy", "shipper"} <= names
    for name, service in SERVICES.items():
        for dependency in service.get("depends_on", []):
            assert dependency in SERVICES, f"{name} depends on {dependency}"
            assert PROFILES[name] <= PROFILES[dependency], f"{name} may run without {dependency}"


def test_start_order_can_be_kept() -> None:
    """Whoever waits for health waits for something that has a check; whoever waits for an end, for something that ends."""
    for name, service in SERVICES.items():
        dependencies = service.get("depends_on", [])
        conditions = dependencies if isinstance(dependencies, dict) else {}
        for dependency, details in conditions.items():
            if details["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[dependency], f"{name} waits for the health of {dependency}"
            else:
                assert details["condition"] == "service_completed_successfully" and dependency in ONCE
    for name in set(SERVICES) - ONCE - {"visitors"}:
        has_check = "healthcheck" in SERVICES[name] or name in OURS and "HEALTHCHECK" in (DEPLOY / "docker" / f"{OURS[name]}.Dockerfile").read_text()
        assert has_check, f"{name} has no health check"


def test_containers_are_locked_up() -> None:
    for name, service in SERVICES.items():
        assert service["security_opt"] == ["no-new-privileges:true"] and service["cap_drop"] == ["ALL"], name
        assert "mem_limit" in service and "restart" in service, name
        assert not service.get("privileged") and service.get("network_mode") in (None, "none"), name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name} publishes {port} to everybody"
        if name in ONCE:
            continue
        assert "cap_add" not in service and "user" not in service, name
        assert service["logging"]["options"]["max-size"], name
        if "elastic" not in service["image"]:
            assert service["read_only"] is True, f"{name} may write to its root file system"
    for name, program in OURS.items():
        assert f"\nUSER {program}\n" in (DEPLOY / "docker" / f"{program}.Dockerfile").read_text(), name


def test_volumes_are_where_the_programs_write() -> None:
    used = set()
    for name in SERVICES:
        for source, target in mounts(name):
            if source.startswith("./"):
                assert (DEPLOY / source).exists(), f"{name}: {source}"
            elif not source.startswith("/"):
                assert source in VOLUMES, f"{name}: {source}"
                used.add(source)
    assert used == VOLUMES
    for name, program in OURS.items():
        data = re.search(r"^data_directory: (\S+)$", sample(program), re.MULTILINE)
        targets = {target: source for source, target in mounts(name)}
        assert data and targets[data[1]] in VOLUMES, f"{name} keeps its data in the container"
    # Two shippers must not share a registry, nor two apm-servers of one profile a spool.
    assert dict(map(reversed, mounts("shipper")))["/var/lib/shipper"] != dict(map(reversed, mounts("example-shipper")))["/var/lib/shipper"]  # type: ignore[arg-type]


def test_environment_names_are_read_by_somebody() -> None:
    for name, service in SERVICES.items():
        given = set(service.get("environment", {}))
        if name in OURS:
            read = read_variables(OURS[name])
            assert {re.sub("_FILE$", "", variable) for variable in given} <= read, f"{name}: {given - read}"
        elif "elastic.co" in service["image"] and name not in ONCE:
            kind = "kibana" if "kibana" in name else "elasticsearch"
            assert all(re.fullmatch(FOREIGN[kind], variable) for variable in given), f"{name}: {given}"
        elif given:
            script = next(iter(SERVICES[name]["entrypoint"][1:]), "") if "entrypoint" in service else "/opt/example/flask_shop.py"
            text = (DEPLOY / "demo/flask_shop.py") if "flask_shop" in script else DEPLOY / script.removeprefix("/opt/")
            assert all(variable in text.read_text() for variable in given), f"{name}: {given}"


def test_scripts_and_programs_of_containers_exist() -> None:
    assert "COPY deploy/demo/flask_shop.py deploy/demo/visitors.py deploy/example/visit.py /opt/example/" in (DEPLOY / "example/shop.Dockerfile").read_text()
    for name, service in SERVICES.items():
        for word in service.get("entrypoint", []):
            if word.startswith("/opt/example/"):
                assert (DEPLOY / "example" / Path(word).name).is_file(), f"{name}: {word}"
            elif word.startswith("/opt/"):
                assert (DEPLOY / word.removeprefix("/opt/")).is_file(), f"{name}: {word}"
    for source in re.findall(r"COPY (deploy/.+) /opt/example/", (DEPLOY / "example/shop.Dockerfile").read_text())[0].split():
        assert (REPOSITORY / source).is_file()


def haproxy_sections(path: Path) -> list[tuple[str, list[str]]]:
    """The port that each part listens on, and what its servers are called with their ports."""
    sections = re.split(r"^(?=\S)", path.read_text(), flags=re.MULTILINE)
    found = []
    for section in sections:
        if bind := re.search(r"^    bind \S*:(\d+)", section, re.MULTILINE):
            found.append((bind[1], re.findall(r"^    server(?:-template)? \S+ (?:\d+ )?(\S+:\d+)", section, re.MULTILINE)))
    return found


def test_balancer_leads_to_what_there_is() -> None:
    sections = haproxy_sections(DEPLOY / "compose/haproxy.cfg")
    published = {port.split(":")[-1] for port in SERVICES["haproxy"]["ports"]}
    assert published == {port for port, _ in sections}
    for port, servers in sections:
        for server in servers:
            host, _, target = server.partition(":")
            assert target == port and target in SERVICES[host]["expose"], server
            assert re.search(rf"\b{target}$", sample(OURS[host]), re.MULTILINE), f"{host} does not listen on {target}"
    reached = {server.partition(":")[0] for _, servers in sections for server in servers}
    assert reached == {"ingest", "ingest-insecure", "apm-server", "apm-server-insecure"}
    assert SERVICES["shipper"]["environment"]["INGEST_HOST"] == "haproxy"


@pytest.mark.parametrize("folder", ["compose", "cluster"])
def test_balancer_configurations_are_valid(folder: str) -> None:
    program = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    assert program, "haproxy is not installed: run make setup"
    result = subprocess.run([program, "-c", "-f", DEPLOY / folder / "haproxy.cfg"], capture_output=True, text=True, timeout=20)
    assert result.returncode == 0, result.stderr
    assert "WARNING" not in result.stderr


def test_nginx_of_the_example_is_valid(tmp_path: Path) -> None:
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    assert program, "nginx is not installed: run make setup"
    text = (DEPLOY / "example/nginx.conf").read_text()
    assert f"listen {SERVICES['nginx']['ports'][0].split(':')[-1]};" in text
    assert "proxy_pass http://shop:8000;" in text and "EXPOSE 8000\n" in (DEPLOY / "example/shop.Dockerfile").read_text()
    log = re.search(r"access_log (\S+)/access.log", text)
    assert log and ("example-logs", log[1]) in mounts("nginx") and ("example-logs", "/var/log/nginx") in mounts("example-shipper")
    # There is no host "shop" and no such folder here.
    local = text.replace("shop:8000", "127.0.0.1:8000").replace("/tmp/", f"{tmp_path}/").replace(log[1], str(tmp_path))
    (tmp_path / "nginx.conf").write_text(local)
    result = subprocess.run([program, "-t", "-e", tmp_path / "error.log", "-c", tmp_path / "nginx.conf"], capture_output=True, text=True, timeout=20)
    assert result.returncode == 0, result.stderr


def test_services_have_time_to_stop() -> None:
    """Docker waits longer than their shutdown_timeout, by default 10 s, and 30 s for apm-server."""
    for name, program in OURS.items():
        least = 35 if program == "apm-server" else 15
        assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) >= least, name


@pytest.mark.parametrize("name", sorted(set(OURS) - {"example-shipper"}))
def test_services_accept_their_environment(name: str, tmp_path: Path) -> None:
    """With files in the places of those that the set-up makes."""
    (tmp_path / "ca.crt").write_bytes(Path("/etc/ssl/certs/ca-certificates.crt").read_bytes())
    for secret in ("api-key", "secret-token"):
        (tmp_path / secret).write_text("aWQ6a2V5\n")
    environment = {key: filled(value).replace("/run/secrets", str(tmp_path)) for key, value in SERVICES[name]["environment"].items()}
    result = run_to_end(OURS[name], "check", "--config", DEPLOY / "config" / f"{OURS[name]}.yml", **environment)
    assert result.returncode == 0, result.stderr.decode()
    if "ELASTICSEARCH_API_KEY_FILE" in environment:
        (tmp_path / "api-key").unlink()
        result = run_to_end(OURS[name], "check", "--config", DEPLOY / "config" / f"{OURS[name]}.yml", **environment)
        assert result.returncode == 2 and b"ELASTICSEARCH_API_KEY_FILE" in result.stderr
