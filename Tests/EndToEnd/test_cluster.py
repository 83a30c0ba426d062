"""The configuration files of deploy/cluster pass the checks of their own programs, and agree with each other."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from harness.certificates import CertificateAuthority
from harness.services import REPOSITORY, binary, run_to_end

CLUSTER = REPOSITORY / "deploy" / "cluster"
NODES = ("elasticsearch-1", "elasticsearch-2", "elasticsearch-3")


@pytest.mark.parametrize("service", ["shipper", "ingest", "apm-server"])
def test_services_accept_their_configuration(service: str, authority: CertificateAuthority, tmp_path: Path) -> None:
    text = (CLUSTER / f"{service}.yml").read_text()
    for name in set(re.findall(rf"/etc/{service}/([\w-]+\.(?:crt|key))", text)):
        issued = authority.issue(name.partition(".")[0])
        shutil.copy(issued.key if name.endswith(".key") else issued.certificate, tmp_path / name)
    (tmp_path / "local.yml").write_text(text.replace(f"/etc/{service}/", f"{tmp_path}/"))
    secrets = {"ELASTICSEARCH_API_KEY": "id:key", "APM_SECRET_TOKEN": "s3cret"}
    checked = run_to_end(service, "check", "--config", tmp_path / "local.yml", **secrets)
    assert checked.returncode == 0, checked.stderr.decode()
    if service != "shipper":
        refused = run_to_end(service, "check", "--config", tmp_path / "local.yml")
        assert refused.returncode == 2 and b"ELASTICSEARCH_API_KEY is not set" in refused.stderr


def test_keepalived_accepts_its_configuration(tmp_path: Path) -> None:
    program = shutil.which("keepalived", path="/usr/sbin:/usr/bin")
    assert program, "keepalived is not installed: run make setup"
    # It wants an interface that is up and can broadcast (IFF_UP, IFF_BROADCAST).
    interfaces = [path.name for path in Path("/sys/class/net").iterdir() if int((path / "flags").read_text(), 16) & 3 == 3]
    if not interfaces:
        pytest.skip("keepalived checks its interface, and this machine has none that is up but the loopback")
    local = tmp_path / "keepalived.conf"

    def check(text: str) -> int:
        local.write_text(text.replace("interface eth0", f"interface {interfaces[0]}"))
        return subprocess.run([program, "--config-test", "--use-file", local], capture_output=True, timeout=20).returncode

    text = (CLUSTER / "keepalived.conf").read_text()
    assert check(text) == 0
    assert check(text.replace("virtual_router_id 51", "virtual_router_id 999")) != 0


def test_balancer_knows_the_machines() -> None:
    balancer = (CLUSTER / "haproxy.cfg").read_text()
    ingest = yaml.safe_load((CLUSTER / "ingest.yml").read_text())
    ports = {str(entry["port"]) for entry in ingest["inputs"]} | {str(yaml.safe_load((CLUSTER / "apm-server.yml").read_text())["port"])}
    assert set(re.findall(r"bind :(\d+)", balancer)) == ports
    for port in ports:
        section = re.search(rf"bind :{port}\n(.*?)(?:\n\n|\Z)", balancer, re.DOTALL)
        assert section and re.findall(r"server \S+ 192\.0\.2\.1\d:(\d+)", section[1]) and set(re.findall(r":(\d+)$", section[1], re.MULTILINE)) == {port}
    address = re.search(r"virtual_ipaddress \{\s+([\d.]+)/", (CLUSTER / "keepalived.conf").read_text())
    shipper = yaml.safe_load((CLUSTER / "shipper.yml").read_text())
    assert address and shipper["output"]["hosts"] == [f"{address[1]}:5044"]


def test_nodes_are_one_cluster() -> None:
    nodes = {name: yaml.safe_load((CLUSTER / f"{name}.yml").read_text()) for name in NODES}
    shared = {key for key in nodes[NODES[0]] if key not in ("node.name", "network.host") and "elasticsearch-1" not in str(nodes[NODES[0]][key])}
    for name, node in nodes.items():
        assert node["node.name"] == name and node["cluster.initial_master_nodes"] == list(NODES)
        assert {key: node[key] for key in shared} == {key: nodes[NODES[0]][key] for key in shared}
        assert node["xpack.security.http.ssl.key"] == f"certs/{name}.key"
    addresses = [node["network.host"] for node in nodes.values()]
    assert nodes[NODES[0]]["discovery.seed_hosts"] == addresses
    for service in ("ingest", "apm-server"):
        hosts = yaml.safe_load((CLUSTER / f"{service}.yml").read_text())["output"]["elasticsearch"]["hosts"]
        assert hosts == [f"https://{address}:9200" for address in addresses]


def test_nginx_accepts_the_log_format_and_ingest_reads_it(tmp_path: Path) -> None:
    """The snippet in a real nginx, and the same text as the pipeline's log_format."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    assert program, "nginx is not installed: run make setup"
    snippet = (REPOSITORY / "deploy/nginx/log-format.conf").read_text()
    local = snippet.replace("/var/log/nginx/access.log", str(tmp_path / "access.log"))
    (tmp_path / "nginx.conf").write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n{local}\n}}\n")
    tested = subprocess.run([program, "-t", "-e", tmp_path / "error.log", "-c", tmp_path / "nginx.conf"], capture_output=True, text=True, timeout=20)
    assert tested.returncode == 0, tested.stderr
    log_format = "".join(re.findall(r"'([^']*)'", snippet.partition("log_format elkfa")[2].partition(";")[0]))
    line = (
        '192.0.2.7 - ann [27/Nov/2026:10:00:00 +0000] "GET /a?q=1 HTTP/1.1" 200 12 "-" "curl/8.5.0" "-" 0.250 "10.0.0.1:8000" "200" "0.249" '
        '"7f3b" "shop.example" "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"\n'
    )
    parsed = subprocess.run(
        [binary("ingest"), "parse", "--config", write(tmp_path, log_format)],
        input=line, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert parsed.returncode == 0, parsed.stderr
    document = yaml.safe_load(parsed.stdout)
    assert "tags" not in document
    assert document["event"]["duration"] == 250_000_000 and document["trace"]["id"] == "0af7651916cd43dd8448eb211c80319c"
    assert document["url"]["domain"] == "shop.example" and document["http"]["request"]["id"] == "7f3b"


def write(folder: Path, log_format: str) -> Path:
    """A configuration with this log_format."""
    path = folder / "ingest.yml"
    path.write_text(yaml.safe_dump({"pipelines": {"nginx-access": {"log_format": log_format}}, "inputs": [{"port": 5044, "pipeline": "nginx-access"}]}))
    return path
