"""The registry survives a power cut at any moment: what is written, synced and renamed, and in which order."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from harness.loglines import append, lines
from harness.lumberjack import Receiver
from harness.ports import is_listening
from harness.processes import ChildProcess, ProcessGroup
from harness.services import Shipper, binary
from harness.waiting import wait_until

STRACE = shutil.which("strace")
CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+)")
SAVE = ["create", "sync file", "keep previous", "rename", "sync directory"]


@pytest.mark.skipif(STRACE is None, reason="there is no strace")
def test_order_of_a_save(receiver: Receiver, processes: ProcessGroup, log: Path, tmp_path: Path) -> None:
    """The new file is synced before it gets its name, the name before the next save; one save replaces the one before."""
    append(log, lines(range(10)))
    shipper = Shipper(processes, [log], [receiver.port])
    trace = tmp_path / "trace"
    calls = "trace=openat,fsync,rename,renameat,renameat2,link,linkat,unlink,unlinkat"
    traced = ChildProcess(
        "traced",
        [str(STRACE), "-ff", "-y", "-e", calls, "-o", trace, binary("shipper"), "--config", shipper.configuration_path],
        tmp_path,
    )
    processes.add(traced)
    traced.start()
    receiver.wait_for(lambda: len(receiver.acknowledged_events) == 10, 20, "the lines")
    wait_until(
        lambda: is_listening(shipper.monitoring_port) and shipper.metrics()["shipper_registry_saves_total"] >= 2, 20, "two saves"
    )
    traced.kill()
    # A file for each thread, and a thread for each save; the last may be cut.
    saves = [steps for path in tmp_path.glob("trace.*") if "create" in (steps := steps_in(path, str(shipper.data_directory)))]
    assert all(steps == SAVE[: len(steps)] for steps in saves), saves
    assert saves.count(SAVE) >= 2, saves


def steps_in(trace: Path, directory: str) -> list[str]:
    """What one thread did to the registry."""
    steps = []
    for row in trace.read_text(errors="replace").splitlines():
        match = CALL.match(row)
        if match is None or directory not in match[2] or "agent.id" in match[2]:
            continue
        name, arguments, result = match[1], match[2].replace(directory, ""), int(match[3])
        if name == "openat" and "registry.new" in arguments:
            steps.append("create")
        elif name == "fsync":
            steps.append("sync file" if "registry.new" in arguments else "sync directory")
        elif name.startswith("rename"):
            assert result == 0 and '"/registry.new", "/registry"' in arguments.replace("AT_FDCWD, ", "")
            steps.append("rename")
        elif name.startswith("link"):
            steps.append("keep previous")
    return steps
