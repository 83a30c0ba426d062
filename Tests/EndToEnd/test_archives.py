"""Compressed files: old logs are imported, what is damaged or not complete yet is told apart, nothing is sent twice."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

from harness.failure_table import place
from harness.loglines import append, assert_exactly, lines, number_of_message, numbered
from harness.lumberjack import Receiver
from harness.services import Shipper, run_to_end
from harness.waiting import stays_true, wait_until

StartShipper = Callable[..., Shipper]


def assert_once(receiver: Receiver, count: int) -> None:
    """Exactly these lines arrived, each once."""
    receiver.wait_for(
        lambda: sum(len(window.events) for window in receiver.received.windows) >= count, 30, f"{count} events"
    )
    assert_exactly((number_of_message(event["message"]) for event in receiver.events), numbered(range(count)))
    assert len({place(event) for event in receiver.events}) == count
    receiver.assert_no_violations()


def write_old(path: Path, data: bytes) -> None:
    """A file that was complete long ago."""
    path.write_bytes(data)
    os.utime(path, (1_700_000_000, 1_700_000_000))


def test_a_backlog_is_imported_at_once(receiver: Receiver, log: Path, tmp_path: Path) -> None:
    """`--once` with a month of archives beside the log; one of them was made by appending to it."""
    for day in range(30):
        write_old(log.with_name(f"access.log.{day + 1}.gz"), gzip.compress(lines(range(day * 100, day * 100 + 100))))
    several = gzip.compress(lines(range(3_000, 3_050))) + gzip.compress(lines(range(3_050, 3_100)))
    write_old(log.with_name("access.log.31.gz"), several)
    append(log, lines(range(3_100, 3_200)))
    arguments = [
        "--once", "--set", f"data_directory={tmp_path / 'data'}", "--set", f"inputs=[{{paths: ['{log}*']}}]",
        "--set", f"output.hosts=['127.0.0.1:{receiver.port}']", "--set", "monitoring.enabled=false",
    ]  # fmt: skip
    for _ in range(2):
        completed = run_to_end("shipper", *arguments)
        assert completed.returncode == 0, completed.stderr.decode()
        assert_once(receiver, 3_200)
    assert not (tmp_path / "data" / "inflated.tmp").exists()
    offsets = [event["log"]["offset"] for event in receiver.events if event["log"]["file"]["path"].endswith(".31.gz")]
    assert offsets[0] == 0 and offsets[50] == len(lines(range(3_000, 3_050))), "places in the inflated text"


def test_a_damaged_archive_costs_its_rest_only(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    whole = gzip.compress(lines(range(1_000)), compresslevel=1)
    write_old(log.with_name("access.log.1.gz"), whole[: len(whole) // 2])
    write_old(log.with_name("access.log.2.gz"), b"this is no gzip\n")
    write_old(log.with_name("access.log.3.gz"), b"")
    append(log, lines(range(2_000, 2_010)))
    shipper = start_shipper([log.with_name("access.log*")], receiver.port)
    wait_until(lambda: shipper.metrics()["shipper_archive_errors_total"] == 1, 10, "the damage to be noticed")
    wait_until(lambda: shipper.metrics()["shipper_archives_read_total"] == 1, 10, "its rest to be read")
    errors = [entry["labels"] for entry in shipper.logs() if entry["log.level"] == "error"]
    assert [entry["path"] for entry in errors] == [str(log.with_name("access.log.1.gz"))]
    readable = int(errors[0]["bytes"])
    total = readable + log.stat().st_size + log.with_name("access.log.2.gz").stat().st_size
    wait_until(lambda: shipper.metrics()["shipper_line_bytes_stored_total"] == total, 10, "all that can be read")
    messages = [event["message"] for event in receiver.events if event["log"]["file"]["path"].endswith(".1.gz")]
    assert "\n".join(messages) == lines(range(1_000)).decode()[:readable].rstrip("\n")
    assert 100 < len(messages) < 1_000
    assert "this is no gzip" in {event["message"] for event in receiver.events}


def test_an_archive_is_read_when_it_is_complete(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    append(log, lines(range(10)))
    data = gzip.compress(lines(range(10, 1_010)))
    archive = log.with_name("access.log.1.gz")
    archive.write_bytes(data[: len(data) // 2])
    shipper = start_shipper([log.with_name("access.log*")], receiver.port)
    receiver.wait_for(lambda: bool(receiver.received.windows), 20, "the log")
    stays_true(lambda: len(receiver.events) == 10, 2, "the archive is left alone while it is written")
    append(archive, data[len(data) // 2 :])
    assert_once(receiver, 1_010)
    assert shipper.metrics()["shipper_archive_errors_total"] == 0


def test_a_kill_while_an_archive_is_read_makes_no_doubles(
    receiver: Receiver, log: Path, start_shipper: StartShipper
) -> None:
    count = 100_000
    write_old(log.with_name("access.log.1.gz"), gzip.compress(lines(range(count)), compresslevel=1))
    shipper = start_shipper([log.with_name("access.log*")], receiver.port)
    receiver.wait_for(lambda: sum(len(window.events) for window in receiver.received.windows) > 20_000, 30, "a part of it")
    shipper.process.kill()
    shipper.start()
    wait_until(lambda: shipper.metrics()["shipper_archives_read_total"] == 1, 40, "the archive to be read")
    receiver.wait_for(lambda: receiver.received.windows[-1].events[-1]["message"] == last_line(count), 20, "the last line")
    found = {(event["log"]["file"]["identity"], event["log"]["offset"], event["message"]) for event in receiver.events}
    assert {message for _, _, message in found} == set(lines(range(count)).decode().splitlines())
    assert len(found) == count
    assert not (shipper.data_directory / "inflated.tmp").exists()


def last_line(count: int) -> str:
    """The message of the last of so many lines."""
    return lines([count - 1]).decode().rstrip("\n")


def test_an_archive_beside_its_original(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    """`gzip -k` of the log that is still written."""
    append(log, lines(range(100)))
    shipper = start_shipper([log.with_name("access.log*")], receiver.port)
    receiver.wait_for(lambda: bool(receiver.received.windows), 20, "the log")
    log.with_name("access.log.gz").write_bytes(gzip.compress(log.read_bytes()))
    append(log, lines(range(100, 200)))
    wait_until(lambda: shipper.metrics()["shipper_archives_read_total"] == 1, 15, "the archive to be looked into")
    append(log, lines(range(200, 300)))
    assert_once(receiver, 300)
    assert shipper.metrics()["shipper_files_copied_total"] == 1


def test_only_the_rest_of_known_files_is_looked_for_in_archives_without_a_pattern(
    receiver: Receiver, log: Path, start_shipper: StartShipper
) -> None:
    """The pattern names the log alone: older archives are none of its business, the one with unread lines is."""
    for number in range(2, 6):
        write_old(log.with_name(f"access.log.{number}.gz"), gzip.compress(lines(range(100), run=f"old{number}")))
    append(log, lines(range(100)))
    shipper = start_shipper([log], receiver.port)
    receiver.wait_for(lambda: bool(receiver.received.windows), 20, "the log")
    wait_until(lambda: shipper.stats()["shipping"]["lag_bytes"] == 0, 10, "everything stored")
    shipper.process.terminate()
    append(log, lines(range(100, 200)))
    write_old(log.with_name("access.log.1.gz"), gzip.compress(log.read_bytes()))
    log.unlink()
    append(log, lines(range(200, 300)))
    shipper.start()
    assert_once(receiver, 300)
    wait_until(lambda: shipper.metrics()["shipper_archives_read_total"] == 1, 10, "the one archive to be read")


def test_compression_none_and_gzip(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    write_old(log.with_name("access.log.1.gz"), gzip.compress(lines(range(100))))
    write_old(log.with_name("old"), gzip.compress(lines(range(100, 200))))
    append(log.with_name("plain.gz"), b"as it is\n")
    shipper = start_shipper([log.with_name("plain.gz")], receiver.port, input_changes={"compression": "none"})
    receiver.wait_for_messages({"as it is"}, 10)
    shipper.process.terminate()
    shipper.configure({"inputs": [{"paths": [str(log.with_name("*"))], "exclude_files": ["plain.gz"], "compression": "gzip"}]})
    receiver.received.windows.clear()
    shipper.start()
    assert_once(receiver, 200)
