"""A machine to install packages on: this one's files under an overlay that is thrown away."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# Waits with the mounts until its standard input is closed.
MOUNTS = """
set -e
mount -t tmpfs -o mode=755 tmpfs "$1"
mkdir "$1/changes" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/changes,workdir=$1/work" "$1/root"
mount --rbind /proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount --bind "$2" "$1/root/mnt"
echo ready
read -r _ || true
"""


class Machine:
    """Runs commands as root below a changed root; `/mnt` there is the folder `shared` here."""

    def __init__(self, process: int, folder: Path, shared: Path) -> None:
        self._enter = ["nsenter", "--target", str(process), "--mount", "chroot", str(folder / "root")]
        self.shared = shared

    def command(self, *command: str) -> list[str]:
        """The command line that runs `command` there."""
        return [*self._enter, *command]

    def run(self, *command: str, fails: bool = False) -> str:
        """Runs a command to its end and returns what it printed; `fails`: it has to."""
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(
            self.command(*command), capture_output=True, text=True, timeout=60, env=environment, stdin=subprocess.DEVNULL
        )
        assert (done.returncode != 0) == fails, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def shell(self, script: str, fails: bool = False) -> str:
        """As `run`, for a line of bash."""
        return self.run("bash", "-c", script, fails=fails)


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """A machine in mount namespaces of its own; skips the test where that is not allowed."""
    if os.geteuid() != 0:
        pytest.skip("installing packages needs root")
    shared = folder / "shared"
    shared.mkdir()
    layers = folder / "layers"
    layers.mkdir()
    process = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "bash", "-c", MOUNTS, "bash", layers, shared],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin and process.stdout and process.stderr
    try:
        if process.stdout.readline() != "ready\n":
            pytest.skip(f"an overlay cannot be mounted here: {process.stderr.read().strip()}")
        yield Machine(process.pid, layers, shared)
    finally:
        # The mounts go with the last process of their namespace.
        process.stdin.close()
        process.wait(timeout=20)
