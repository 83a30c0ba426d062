"""`shipper registry`, `shipper check` and `shipper status`: what they say, and what they must not do."""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.loglines import append, lines
from harness.lumberjack import Receiver
from harness.ports import free_port
from harness.processes import ProcessGroup
from harness.services import Shipper, run_to_end
from harness.waiting import wait_until

StartShipper = Callable[..., Shipper]


def command(shipper: Shipper, *words: str, code: int = 0) -> str:
    """What a command of the same configuration prints; its errors when it is to fail."""
    completed = run_to_end("shipper", *words, "--config", shipper.configuration_path)
    assert completed.returncode == code, completed
    return (completed.stdout if code == 0 else completed.stderr).decode()


def exported(shipper: Shipper) -> dict[str, dict[str, Any]]:
    """The states by their path."""
    rows = [json.loads(row) for row in command(shipper, "registry", "export").splitlines()]
    return {row["path"]: row for row in rows}


def wait_for_offset(shipper: Shipper, path: Path, offset: int) -> None:
    """Waits until the saved registry has this offset."""
    wait_until(lambda: exported(shipper).get(str(path), {}).get("offset") == offset, 10, f"offset {offset} of {path} on the disk")


def test_registry_is_shown_while_a_shipper_runs(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    rest = log.with_name("gone.log")
    append(log, lines(range(100)))
    append(rest, lines(range(10), run="b"))
    shipper = start_shipper([log.with_name("*.log")], receiver.port)
    size = log.stat().st_size
    wait_for_offset(shipper, log, size)
    wait_for_offset(shipper, rest, rest.stat().st_size)
    state = exported(shipper)[str(log)]
    events = [event for event in receiver.events if event["log"]["file"]["path"] == str(log)]
    assert state["identity"] == events[0]["log"]["file"]["identity"]
    assert (state["inode"], state["device_id"]) == (str(log.stat().st_ino), str(log.stat().st_dev))
    assert (state["state"], state["size"], state["lag_bytes"], state["found"]) == ("live", size, 0, str(log))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", state["last_seen"])
    table = command(shipper, "registry", "list")
    title, *rows = table.splitlines()
    assert title.split() == ["PATH", "IDENTITY", "SIZE", "STORED", "LAG", "LAST", "SEEN", "STATE"]
    assert [row.split()[0] for row in rows] == [str(log), str(rest)]
    assert rows[0].split()[1:5] == [state["identity"], str(size), str(size), "0"]
    assert command(shipper, "registry", "list", "--json") == command(shipper, "registry", "export")
    # Stopped: one file is renamed, the other goes.
    shipper.process.terminate()
    log.rename(log.with_name("access.log.1"))
    rest.unlink()
    states = exported(shipper)
    assert (states[str(log)]["state"], states[str(log)]["found"]) == ("live", str(log) + ".1")
    assert (states[str(rest)]["state"], states[str(rest)]["found"]) == ("gone", None)
    assert command(shipper, "registry", "list").splitlines()[1].endswith("live as access.log.1")


def test_forget_sends_again_what_was_forgotten(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    other = log.with_name("other.log")
    append(log, lines(range(50)))
    append(other, lines(range(20), run="b"))
    shipper = start_shipper([log.with_name("*.log")], receiver.port)
    wait_for_offset(shipper, log, log.stat().st_size)
    wait_for_offset(shipper, other, other.stat().st_size)
    # While it runs it would write everything again at its next save: refused, and nothing is changed.
    refusal = command(shipper, "registry", "forget", str(log), code=1)
    assert "a shipper runs on" in refusal and str(shipper.data_directory) in refusal
    assert "would forget" in command(shipper, "registry", "forget", "--dry-run", str(log))
    shipper.process.terminate()
    before = exported(shipper)
    assert set(before) == {str(log), str(other)}
    assert command(shipper, "registry", "forget", "--dry-run", str(log)).startswith(f"would forget {log} ")
    assert exported(shipper) == before
    assert "no state has" in command(shipper, "registry", "forget", "*.log", code=1)
    said = command(shipper, "registry", "forget", str(log))
    assert said == f"forgets {log} {before[str(log)]['identity']}: {log.stat().st_size} bytes stored, live\n"
    assert set(exported(shipper)) == {str(other)}
    shipper.start()
    receiver.wait_for(lambda: len(receiver.acknowledged_events) == 120, 10, "50 lines twice, 20 once")
    again = [event for event in receiver.events if event["log"]["file"]["path"] == str(log)]
    # The same documents: their ids follow from identity and offset.
    assert len({(event["log"]["file"]["identity"], event["log"]["offset"]) for event in again}) == 50
    wait_for_offset(shipper, log, log.stat().st_size)
    shipper.process.terminate()
    # By identity, and by a glob.
    command(shipper, "registry", "forget", before[str(other)]["identity"])
    assert set(exported(shipper)) == {str(log)}
    command(shipper, "registry", "forget", str(log.parent / "*"))
    assert command(shipper, "registry", "list") == ""


def test_forget_by_root_leaves_the_files_to_their_owner(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    """Else the service, which runs as a user of its own, could not read its registry any more."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    append(log, lines(range(10)))
    shipper = start_shipper([log], receiver.port)
    wait_for_offset(shipper, log, log.stat().st_size)
    shipper.process.terminate()
    for path in [shipper.data_directory, *shipper.data_directory.iterdir()]:
        os.chown(path, 12_345, 23_456)
    (shipper.data_directory / "shipper.lock").unlink()
    command(shipper, "registry", "forget", str(log))
    assert {path.name for path in shipper.data_directory.iterdir()} >= {"registry", "registry.previous", "shipper.lock"}
    for path in shipper.data_directory.iterdir():
        assert (path.stat().st_uid, path.stat().st_gid) == (12_345, 23_456), path


@pytest.mark.parametrize(
    "words",
    [[], ["forget"], ["list", "more"], ["forget", "a", "b"], ["list", "--dry-run"], ["forget", "a", "--json"], ["delete", "a"]],
    ids=" ".join,
)
def test_registry_needs_to_be_told_what(processes: ProcessGroup, log: Path, words: list[str]) -> None:
    shipper = Shipper(processes, [log], [1])
    assert "forget PATTERN" in command(shipper, "registry", *words, code=2)


def test_registry_that_is_not_there_or_damaged(processes: ProcessGroup, log: Path) -> None:
    shipper = Shipper(processes, [log], [1])
    completed = run_to_end("shipper", "registry", "list", "--config", shipper.configuration_path)
    assert (completed.returncode, completed.stdout) == (0, b"")
    assert b"nothing was shipped yet" in completed.stderr
    (shipper.data_directory / "registry").write_text("shipper registry 1\nend 0 bad\n")
    assert "checksum" in command(shipper, "registry", "export", code=1)
    assert "checksum" in command(shipper, "registry", "forget", "/*", code=1)
    missing = ["--set", f"data_directory={log}-data"]
    assert "nothing was shipped yet" in command(shipper, "registry", "forget", "/*", *missing, code=1)
    assert not Path(f"{log}-data").exists()


def test_check_says_how_far_each_file_is(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    append(log, lines(range(30)))
    shipper = start_shipper([log.with_name("*.log")], receiver.port)
    stored = log.stat().st_size
    wait_for_offset(shipper, log, stored)
    assert f"{log}: {stored} of {stored} bytes stored" in command(shipper, "check")
    shipper.process.terminate()
    append(log, b"more\n")
    other = log.with_name("other.log")
    other.write_bytes(b"not begun\n")
    said = command(shipper, "check")
    assert f"{log}: {stored} of {stored + 5} bytes stored" in said
    assert f"{other}: 10 bytes, not yet begun" in said
    os.truncate(log, 10)
    assert f"{log}: 10 bytes, truncated since {stored} were stored" in command(shipper, "check")


def test_compressed_files_are_not_taken_for_truncated_ones(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    """Their offsets are places in what they hold, which is more than they are long."""
    old = log.with_name("access.log.2.gz")
    content = lines(range(400))
    old.write_bytes(gzip.compress(content))
    os.utime(old, (1_700_000_000, 1_700_000_000))
    shipper = start_shipper([log.with_name("access.log*")], receiver.port)
    wait_for_offset(shipper, old, len(content))
    state = exported(shipper)[str(old)]
    assert (state["state"], state["size"], state["lag_bytes"]) == ("live", old.stat().st_size, None)
    assert f"{old}: {old.stat().st_size} bytes, compressed, {len(content)} bytes of its content stored" in command(shipper, "check")


def test_status_shows_a_running_shipper(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    append(log, lines(range(500)) + b"beginning of a line")
    size = log.stat().st_size
    shipper = start_shipper([log], receiver.port)
    wait_for_offset(shipper, log, size - len("beginning of a line"))
    said = command(shipper, "status")
    first, *rows = said.splitlines()
    assert re.fullmatch(rf"shipper \S+, process {shipper.process.pid}, up \d+ s, healthy", first)
    facts = dict(row.split(maxsplit=1) for row in rows[: rows.index("")])
    assert facts["output"] == "connected"
    assert facts["windows"] == "0 without ack"
    # The part of a line waits for its writer, not for us: no time is shown.
    assert facts["behind"] == "19 B"
    assert re.fullmatch(r"500 lines, \S+ KiB; now 0 lines/s, 0 B/s", facts["stored"])
    assert facts["files"] == "1"
    title, row = rows[rows.index("") + 1 :]
    assert title.split() == ["FILE", "SIZE", "STORED", "BEHIND", "FOR"]
    assert row.split()[0] == str(log) and row.endswith("19 B    -")


def test_status_without_a_shipper_says_so(processes: ProcessGroup, log: Path) -> None:
    shipper = Shipper(processes, [log], [1])
    assert f"no shipper answers on 127.0.0.1 port {shipper.monitoring_port}" in command(shipper, "status", code=1)
    assert "monitoring.enabled is false" in command(shipper, "status", "--set", "monitoring.enabled=false", code=1)
    assert "monitoring.port is 0" in command(shipper, "status", "--set", "monitoring.port=0", code=1)
    # Something else, which accepts and closes.
    with socket.create_server(("127.0.0.1", free_port())) as stranger:
        port = stranger.getsockname()[1]
        stranger.settimeout(20)
        thread = threading.Thread(target=lambda: stranger.accept()[0].close())
        thread.start()
        said = command(shipper, "status", "--set", f"monitoring.port={port}", code=1)
        thread.join()
    assert f"cannot ask on 127.0.0.1 port {port}" in said
