"""Builds the Debian packages of shipper, ingest and apm-server: `build.py --binaries .build/release --output .build/deb`.

Each package has the stripped program, its unit, its configuration as conffiles, a manual page and a completion for bash
(both from the program's own --help), and examples. Nothing but dpkg-dev and binutils is needed.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from manual import Manual

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
MAINTAINER = "The elkfa developers <elkfa@localhost>"


@dataclass(frozen=True)
class Package:
    """What differs between the three packages."""

    service: str
    summary: str
    description: str
    # Groups of the system that the service's user joins.
    groups: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    # Files of the repository that go to /usr/share/doc/SERVICE/examples.
    examples: tuple[str, ...] = ()


TLS = ("deploy/certs/make-certs.sh", "deploy/certs/README.md")
PACKAGES = (
    Package(
        "shipper",
        "forwards lines of log files to ingest or Logstash",
        "Follows log files through every kind of rotation and sends each new line over Lumberjack v2. Offsets move on\n"
        "acknowledgement only: nothing is lost and nothing is doubled through kill -9, power loss and outages.",
        groups=("adm",),
        relations=("Suggests: nginx, logrotate",),
        examples=("deploy/nginx/log-format.conf", *TLS),
    ),
    Package(
        "ingest",
        "parses log lines and stores them in Elasticsearch",
        "Takes lines from shipper and Filebeat, parses access and application logs, adds place and user agent, and\n"
        "stores ECS documents in daily indices of Elasticsearch or OpenSearch, each exactly once.",
        relations=("Recommends: uap-core",),
        examples=("deploy/nginx/log-format.conf", "deploy/cluster/haproxy.cfg", *TLS),
    ),
    Package(
        "apm-server",
        "stores what APM agents send in Elasticsearch",
        "Takes the events of Elastic's APM agents, of browsers and of OpenTelemetry exporters, and writes the documents\n"
        "that Kibana's APM pages read. What was accepted survives outages of the store in a spool.",
        relations=("Recommends: uap-core",),
        examples=TLS,
    ),
)


def main() -> int:
    """Builds what the command line asks for and prints the path of each package."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binaries", type=Path, default=REPOSITORY / ".build" / "release", help="folder of the programs")
    parser.add_argument("--output", type=Path, default=REPOSITORY / ".build" / "deb", help="folder of the packages")
    parser.add_argument("--version", help="version of the packages (default: the programs')")
    parser.add_argument("--compression", default="xz", help="xz, gzip or none (default: xz)")
    parser.add_argument("services", nargs="*", metavar="SERVICE", help="shipper, ingest, apm-server (default: all)")
    arguments = parser.parse_args()
    known = {package.service: package for package in PACKAGES}
    if unknown := set(arguments.services) - set(known):
        parser.error(f"no such service: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    arguments.output.mkdir(parents=True, exist_ok=True)
    for service in arguments.services or known:
        print(build(known[service], arguments.binaries, arguments.output, arguments.version, arguments.compression))
    return 0


def build(package: Package, binaries: Path, output: Path, version: str | None, compression: str) -> Path:
    """Builds one package; returns its path."""
    program = binaries / package.service
    if not program.is_file():
        raise SystemExit(f"{program} is missing: run make build")
    version = version or run(program, "--version").split()[-1]
    architecture = run("dpkg", "--print-architecture").strip()
    with tempfile.TemporaryDirectory(prefix="elkfa-deb-") as folder:
        root = Path(folder) / "root"
        fill(root, package, program)
        write_control(root, package, version, architecture)
        for path in sorted(root.rglob("*")):
            os.utime(path, (source_date(), source_date()), follow_symlinks=False)
        target = output / f"{package.service}_{version}_{architecture}.deb"
        date = str(source_date())
        run("dpkg-deb", "--root-owner-group", f"-Z{compression}", "--build", root, target, SOURCE_DATE_EPOCH=date)
    return target


def fill(root: Path, package: Package, program: Path) -> None:
    """Puts every file of the package to its place below `root`."""
    service = package.service
    binary = root / "usr/bin" / service
    install(program, binary, 0o755)
    run("strip", "--remove-section=.comment", "--remove-section=.note", binary)
    install(REPOSITORY / f"deploy/config/{service}.yml", root / f"etc/{service}/{service}.yml")
    install(HERE / f"defaults/{service}", root / f"etc/default/{service}", 0o640)
    install(REPOSITORY / f"deploy/systemd/{service}.service", root / f"lib/systemd/system/{service}.service")
    manual = Manual.of(program)
    write(root / f"usr/share/man/man8/{service}.8.gz", compressed(manual.page()))
    write(root / f"usr/share/bash-completion/completions/{service}", manual.completion().encode())
    documents = root / f"usr/share/doc/{service}"
    write(documents / "changelog.gz", compressed((REPOSITORY / "CHANGELOG.md").read_text()))
    install(HERE / "copyright", documents / "copyright")
    install(REPOSITORY / f"docs/{service}.md", documents / f"{service}.md")
    for example in package.examples:
        name = Path(example).name
        # Two files called README.md would say nothing about what they are for.
        name = f"{Path(example).parent.name}.md" if name == "README.md" else name
        install(REPOSITORY / example, documents / "examples" / name, 0o755 if name.endswith(".sh") else 0o644)


def write_control(root: Path, package: Package, version: str, architecture: str) -> None:
    """Writes DEBIAN/: control, conffiles, checksums and the maintainer scripts."""
    service = package.service
    files = sorted(path for path in root.rglob("*") if path.is_file())
    size = sum(path.stat().st_size for path in files) // 1024 + 1
    described = "\n".join(f" {line}" for line in package.description.splitlines())
    fields = [
        f"Package: {service}",
        f"Version: {version}",
        f"Architecture: {architecture}",
        f"Maintainer: {MAINTAINER}",
        f"Installed-Size: {size}",
        f"Depends: {libraries(root / 'usr/bin' / service)}, adduser, ca-certificates, tzdata",
        *package.relations,
        "Section: admin",
        "Priority: optional",
        f"Description: {package.summary}",
        described,
    ]
    control = root / "DEBIAN"
    write(control / "control", ("\n".join(fields) + "\n").encode())
    conffiles = [f"/{path.relative_to(root)}" for path in files if path.relative_to(root).parts[0] == "etc"]
    write(control / "conffiles", ("\n".join(conffiles) + "\n").encode())
    sums = run("md5sum", *(path.relative_to(root) for path in files), cwd=root)
    write(control / "md5sums", sums.encode())
    for script in ("postinst", "prerm", "postrm"):
        text = (HERE / "maintainer" / script).read_text()
        text = text.replace("@SERVICE@", service).replace("@GROUPS@", " ".join(package.groups))
        write(control / script, text.encode(), 0o755)


def libraries(binary: Path) -> str:
    """The packages of the shared libraries that a program loads, with the versions it needs."""
    with tempfile.TemporaryDirectory(prefix="elkfa-deb-") as folder:
        write(Path(folder) / "debian/control", b"Source: elkfa\n\nPackage: elkfa\nArchitecture: any\n")
        output = run("dpkg-shlibdeps", "-O", "-e", binary, cwd=folder)
    match = re.search(r"^shlibs:Depends=(.+)$", output, re.MULTILINE)
    if match is None:
        raise SystemExit(f"dpkg-shlibdeps names no packages for {binary}")
    return match[1]


def source_date() -> int:
    """SOURCE_DATE_EPOCH, or the time of the last commit, or of CHANGELOG.md outside of a repository."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    committed = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=REPOSITORY, capture_output=True, text=True)
    return int(committed.stdout) if committed.returncode == 0 else int((REPOSITORY / "CHANGELOG.md").stat().st_mtime)


def compressed(text: str) -> bytes:
    """Gzip without a time in it, so that the same input makes the same package."""
    return gzip.compress(text.encode(), 9, mtime=0)


def install(source: Path, target: Path, mode: int = 0o644) -> None:
    """Copies a file, with the folders that it needs."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)


def write(target: Path, content: bytes, mode: int = 0o644) -> None:
    """Writes a file, with the folders that it needs."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    target.chmod(mode)


def run(*command: str | Path, cwd: Path | str | None = None, **environment: str) -> str:
    """The standard output of a command that has to succeed."""
    completed = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, env=os.environ | environment, timeout=300
    )
    if completed.returncode != 0:
        raise SystemExit(f"{command[0]} failed ({completed.returncode}): {completed.stderr.strip()}")
    return completed.stdout


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
