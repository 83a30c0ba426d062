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
CALL = re.compile(r"^(?:\[pid +)?\d+\]? *(\w+)\((.*)\) += (-?\d+)")


@pytest.mark.skipif(STRACE is None, reason="there is no strace")
def test_order_of_a_save(receiver: Receiver, processes: ProcessGroup, log: Path, tmp_path: Path) -> None:
    """The new file is synced before it gets its name, the name before the next save; one save replaces the one before."""
    append(log, lines(range(10)))
    shipper = Shipper(processes, [log], [receiver.port])
    trace = tmp_path / "trace"
    calls = "trace=openat,fsync,rename,renameat,renameat2,link,linkat,unlink,unlinkat"
    traced = ChildProcess(
        "traced",
        [str(STRACE), "-f", "-y", "-e", calls, "-o", trace, binary("shipper"), "--config", shipper.configuration_path],
        tmp_path,
    )
    processes.add(traced)
    traced.start()
    receiver.wait_for(lambda: len(receiver.acknowledged_events) == 10, 20, "the lines")
    wait_until(
        lambda: is_listening(shipper.monitoring_port) and shipper.metrics()["shipper_registry_saves_total"] >= 2, 20, "two saves"
    )
    traced.kill()
    directory = str(shipper.data_directory)
    steps = []
    for row in trace.read_text(errors="replace").splitlines():
        match = CALL.match(row)
        if match is None or directory not in match[2]:
            continue
        name, arguments, result = match[1], match[2].replace(directory, ""), int(match[3])
        if name.startswith("openat") and "registry.new" in arguments:
            steps.append("create")
        elif name == "fsync":
            steps.append("sync file" if "registry.new" in arguments else "sync directory" if "agent" not in arguments else "")
        elif name.startswith("rename") and '"/registry.new"' in arguments:
            assert result == 0
            steps.append("rename")
        elif name.startswith("link"):
            steps.append("keep previous")
    saves = " | ".join(step for step in steps if step)
    one = r"create \| sync file \| keep previous \| rename \| sync directory"
    assert re.search(rf"{one} \| {one}", saves), saves
    assert not re.search(r"create \| (?!sync file)", saves), saves
    assert not re.search(r"rename \| (?!sync directory)", saves), saves
