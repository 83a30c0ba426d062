"""Odd names, odd files, files that cannot be read, and limits of the system: everything else goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.failure_table import place
from harness.loglines import append, assert_exactly, lines, number_of_message, numbered
from harness.lumberjack import Behaviour, Receiver
from harness.processes import ProcessGroup
from harness.services import Shipper
from harness.waiting import stays_true, wait_until

StartShipper = Callable[..., Shipper]

# Runs a program as root without the right to read what its mode forbids; and with so few inotify watches.
WITHOUT_PRIVILEGE = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
WITH_THREE_WATCHES = [
    "unshare", "--user", "--map-root-user", "sh", "-c", 'echo 3 > /proc/sys/user/max_inotify_watches && exec "$@"', "sh",
]  # fmt: skip


def can_limit_watches() -> bool:
    """Whether inotify can be limited for a program alone."""
    completed = subprocess.run([*WITH_THREE_WATCHES, "true"], capture_output=True, timeout=10)
    return completed.returncode == 0


def assert_once(receiver: Receiver, count: int) -> None:
    """Exactly these lines arrived, each once."""
    receiver.wait_for(
        lambda: sum(len(window.events) for window in receiver.received.windows) >= count, 20, f"{count} events"
    )
    assert_exactly((number_of_message(event["message"]) for event in receiver.events), numbered(range(count)))
    assert len({place(event) for event in receiver.events}) == count
    receiver.assert_no_violations()


def start_below(prefix: list[str], processes: ProcessGroup, pattern: Path, receiver: Receiver) -> Shipper:
    """A shipper that is started by another program, which becomes it."""
    shipper = Shipper(processes, [pattern], [receiver.port])
    shipper.process.arguments = [shutil.which(prefix[0]) or prefix[0], *prefix[1:], *shipper.process.arguments]
    shipper.start()
    return shipper


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up its rights here")
def test_a_file_is_read_as_soon_as_it_may_be(processes: ProcessGroup, receiver: Receiver, log: Path) -> None:
    append(log, lines(range(100)))
    hidden = log.with_name("hidden.log")
    append(hidden, lines(range(100, 200)))
    hidden.chmod(0)
    shipper = start_below(WITHOUT_PRIVILEGE, processes, log.with_name("*.log"), receiver)
    shipper.process.wait_for_output("Permission denied")
    receiver.wait_for(lambda: sum(len(window.events) for window in receiver.received.windows) >= 100, 20, "100 events")
    assert shipper.metrics()["shipper_files_skipped_total"] == 1
    hidden.chmod(0o644)
    assert_once(receiver, 200)
    assert shipper.process.output().count("Permission denied") == 1, "said once"


@pytest.mark.skipif(not can_limit_watches(), reason="the system gives no user namespace to limit inotify in")
def test_more_files_than_inotify_may_watch(processes: ProcessGroup, receiver: Receiver, log: Path) -> None:
    """What cannot be watched is polled; new, renamed and growing files are found all the same."""
    for number in range(6):
        append(log.with_name(f"{number}.log"), lines(range(number * 10, number * 10 + 10)))
    shipper = start_below(WITH_THREE_WATCHES, processes, log.with_name("*.log*"), receiver)
    shipper.process.wait_for_output("max_user_watches")
    receiver.wait_for(lambda: sum(len(window.events) for window in receiver.received.windows) >= 60, 20, "60 events")
    for number in range(6):
        name = log.with_name(f"{number}.log")
        append(name, lines(range(60 + number * 10, 65 + number * 10)))
        name.rename(log.with_name(f"{number}.log.1"))
        append(name, lines(range(65 + number * 10, 70 + number * 10)))
    assert_once(receiver, 120)
    assert shipper.metrics()["shipper_watch_errors_total"] > 0


def test_names_with_newlines_and_names_that_are_no_text(
    receiver: Receiver, log: Path, start_shipper: StartShipper
) -> None:
    odd = log.with_name('two\nlines "and" more %41.log')
    append(odd, lines(range(100)))
    with open(os.fsencode(log.parent) + b"/\xff\xfe.log", "wb") as file:
        file.write(lines(range(100), "never"))
    shipper = start_shipper([log.with_name("*.log")], receiver.port)
    receiver.wait_for(lambda: sum(len(window.events) for window in receiver.received.windows) >= 100, 20, "100 events")
    wait_until(lambda: shipper.stats()["shipping"]["lag_bytes"] == 0, 10, "everything stored")
    shipper.process.terminate()
    append(odd, lines(range(100, 200)))
    shipper.start()
    assert_once(receiver, 200)
    assert {event["log"]["file"]["path"] for event in receiver.events} == {str(odd)}
    assert shipper.metrics()["shipper_files_skipped_total"] == 1
    shipper.assert_log_is_clean()


def test_pipes_and_devices_are_never_opened(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    """Also when they take the place of a log while it is followed."""
    append(log, lines(range(100)))
    os.mkfifo(log.with_name("pipe.log"))
    shipper = start_shipper([log.with_name("*.log")], receiver.port)
    receiver.wait_for(lambda: sum(len(window.events) for window in receiver.received.windows) >= 100, 20, "100 events")
    log.unlink()
    os.mkfifo(log)
    if os.geteuid() == 0:
        os.mknod(log.with_name("null.log"), 0o020600, os.makedev(1, 3))
    append(log.with_name("other.log"), lines(range(100, 200)))
    assert_once(receiver, 200)
    pipes = [path for path in shipper.process.open_files() if path in {str(log), str(log.with_name("pipe.log"))}]
    assert not pipes
    assert shipper.health()[0] == 200


def test_a_link_to_a_secret_is_not_sent(receiver: Receiver, log: Path, start_shipper: StartShipper, tmp_path: Path) -> None:
    """Who may write to the log directory could otherwise have any file of the host sent."""
    secret = tmp_path / "secret"
    append(secret, lines(range(1_000, 1_010)))
    log.with_name("link.log").symlink_to(secret)
    append(log, lines(range(10)))
    shipper = start_shipper([log.with_name("*.log")], receiver.port)
    assert_once(receiver, 10)
    log.unlink()
    log.symlink_to(secret)
    wait_until(lambda: shipper.metrics()["shipper_files_skipped_total"] == 2, 10, "the second link")
    stays_true(lambda: len(receiver.events) == 10, 0.7, "nothing more is sent")


def test_memory_does_not_grow_with_what_waits(log: Path, start_shipper: StartShipper) -> None:
    """A log grows by 200 MB while the receiver takes next to nothing."""
    append(log, lines(range(10_000)))
    with Receiver(Behaviour(delay_seconds=60, keep_alive_seconds=0.5)) as receiver:
        shipper = start_shipper([log.with_name("*.log")], receiver.port)
        receiver.wait_for(lambda: bool(receiver.received.windows), 20, "a window")
        before = shipper.process.resident_bytes()
        block = lines(range(10_000, 20_000), width=1_000)
        for number in range(16):
            append(log, block)
            append(log.with_name(f"{number}.log"), block)
        total = sum(path.stat().st_size for path in log.parent.glob("*.log"))
        wait_until(lambda: shipper.stats()["shipping"]["lag_bytes"] == total, 20, "the lag to be known")
        assert total > 200_000_000
        assert shipper.process.peak_resident_bytes() < before + (8 << 20)


def test_deleted_files_are_counted_when_shipper_ends(log: Path, start_shipper: StartShipper) -> None:
    """Nobody can read them afterwards."""
    append(log, lines(range(10_000)))
    with Receiver(Behaviour(ack="none")) as receiver:
        shipper = start_shipper([log], receiver.port, changes={"shutdown_timeout": "100ms"})
        receiver.wait_for(lambda: bool(receiver.received.windows), 20, "a window")
        size = log.stat().st_size
        log.unlink()
        wait_until(lambda: shipper.metrics()["shipper_files_deleted_bytes"] == size, 10, "the deletion to be seen")
        shipper.process.terminate()
        lost = [entry["labels"] for entry in shipper.logs() if entry["message"] == "a deleted file is given up unread"]
        assert [(entry["path"], entry["lost_bytes"], entry["reason"]) for entry in lost] == [
            (str(log), str(size), "shipper ends")
        ]


def test_recursive_globs_find_new_folders(receiver: Receiver, log: Path, start_shipper: StartShipper) -> None:
    append(log, lines(range(10)))
    (log.parent / "loop").symlink_to(log.parent)
    start_shipper([log.parent / "**" / "*.log"], receiver.port)
    folder = log.parent
    for number in range(1, 9):
        folder = folder / f"level{number}"
        folder.mkdir()
        append(folder / "app.log", lines(range(number * 10, number * 10 + 10)))
    assert_once(receiver, 90)
