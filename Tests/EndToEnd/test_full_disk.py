"""A full disk under the registry and under the dead letters: a clear message, no loss, and recovery by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.disks import small_file_system
from harness.loglines import append, assert_exactly, lines, number_of, number_of_message, numbered
from harness.lumberjack import Receiver
from harness.processes import ProcessGroup
from harness.services import Ingest, Shipper, dead_letter_lines
from harness.store import BulkStore
from harness.waiting import stays_true, wait_until


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB; skips where mounting is not allowed."""
    with small_file_system(tmp_path / "small-disk", "256k") as folder:
        yield folder


def fill(folder: Path) -> Path:
    """Writes a file until nothing more fits."""
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (4096, 512, 1):
            try:
                while True:
                    file.write(b"f" * size)
            except OSError:
                continue
    return filler


def test_registry(small_disk: Path, receiver: Receiver, processes: ProcessGroup, log: Path) -> None:
    """shipper goes on shipping and says that its state cannot be saved; when there is room again it is saved."""
    append(log, lines(range(100)))
    shipper = Shipper(processes, [log], [receiver.port], {"data_directory": str(small_disk / "shipper")})
    shipper.start()
    receiver.wait_for(lambda: sum(len(window.events) for window in receiver.received.windows) >= 100, 10, "the first lines")
    shipper.process.terminate()
    shipper.start()
    filler = fill(small_disk)
    append(log, lines(range(100, 200)))
    receiver.wait_for(lambda: sum(len(window.events) for window in receiver.received.windows) >= 200, 10, "more lines")
    shipper.process.wait_for_output("No space left", 20)
    assert shipper.process.is_running
    # Tried again and again, told once, and seen.
    wait_until(lambda: shipper.metrics()["shipper_registry_errors_total"] >= 2, 10, "another attempt to save")
    assert "No space left" in shipper.stats()["shipping"]["registry_error"]
    assert len([line for line in shipper.logs() if "registry is not saved" in line["message"]]) == 1
    # Killed now, the state on disk is older than what was acknowledged: resent with the same identity, nothing lost.
    shipper.process.kill()
    filler.unlink()
    shipper.start()
    append(log, lines(range(200, 300)))
    wanted = set(numbered(range(300)))
    receiver.wait_for(
        lambda: {number_of_message(event["message"]) for window in receiver.received.windows for event in window.events} == wanted,
        20,
        "all lines",
    )
    seen = {(event["log"]["file"]["identity"], event["log"]["offset"]) for event in receiver.events}
    assert len(seen) == 300


def test_registry_is_saved_when_there_is_room_again(
    small_disk: Path, receiver: Receiver, processes: ProcessGroup, log: Path
) -> None:
    """By the same process, which says so; the next start sends nothing again."""
    append(log, lines(range(100)))
    shipper = Shipper(processes, [log], [receiver.port], {"data_directory": str(small_disk / "shipper")})
    shipper.start()
    wait_until(lambda: shipper.metrics()["shipper_registry_saves_total"] >= 1, 10, "the registry to be saved")
    filler = fill(small_disk)
    append(log, lines(range(100, 200)))
    receiver.wait_for(lambda: len(receiver.acknowledged_events) == 200, 10, "more lines")
    wait_until(lambda: shipper.metrics()["shipper_registry_errors_total"] >= 1, 10, "a save that fails")
    filler.unlink()
    shipper.process.wait_for_output("the registry is saved again", 10)
    assert shipper.stats()["shipping"]["registry_error"] is None
    shipper.process.kill()
    shipper.start()
    append(log, lines(range(200, 210)))
    receiver.wait_for(lambda: len(receiver.acknowledged_events) >= 210, 10, "the rest")
    assert_exactly((number_of_message(event["message"]) for event in receiver.events), numbered(range(210)))


def test_dead_letters(
    small_disk: Path,
    store: BulkStore,
    processes: ProcessGroup,
    start_shipper: Callable[..., Shipper],
    log: Path,
) -> None:
    """A refused document that cannot be set aside is not acknowledged: ingest waits, and goes on when there is room."""
    ingest = Ingest(processes, [store.url], {"data_directory": str(small_disk / "ingest")})
    (small_disk / "ingest").mkdir()
    ingest.data_directory = small_disk / "ingest"
    ingest.start()
    filler = fill(small_disk)
    store.fault("item", match="/item/a/7?", status=400, reason="will not fit")
    append(log, lines(range(100)))
    shipper = start_shipper([log], ingest.port)
    ingest.process.wait_for_output("No space left", 20)
    stays_true(lambda: not ingest.dead_letter_lines, 0.5, "nothing was set aside")
    assert ingest.process.is_running and shipper.process.is_running
    filler.unlink()
    wait_until(lambda: len(ingest.dead_letter_lines) == 1, 20, "the dead letter")
    store.wait_for_count(99, 20)
    assert_exactly((number_of(document.source) for document in store.documents()), numbered(n for n in range(100) if n != 7))
    # And the acknowledgement went through: a restarted shipper sends nothing of it again.
    append(log, lines(range(100, 110)))
    store.wait_for_count(109, 20)
    assert len(ingest.dead_letter_lines) == 1


def test_dead_letters_have_a_limit(
    store: BulkStore, start_ingest: Callable[..., Ingest], start_shipper: Callable[..., Shipper], log: Path
) -> None:
    """With `when_full: hold` ingest holds at `max_bytes` instead of losing or filling the disk."""
    store.fault("item", match="/item/a/", status=400, reason="refused")
    ingest = start_ingest(store.url, changes={"dead_letters": {"max_bytes": "1MiB", "when_full": "hold"}})
    total = 4_000
    append(log, lines(range(100)))
    start_shipper([log], ingest.port)
    wait_until(lambda: len(held(ingest)) == 100, 20, "the first dead letters")
    append(log, lines(range(100, total)))
    wait_until(lambda: ingest.health()[0] == 503, 20, "ingest to call for help")
    size = sum(path.stat().st_size for path in ingest.data_directory.rglob("*") if path.is_file())
    assert size <= 1024 * 1024
    assert len(held(ingest)) < total
    # Someone looks at them and moves them away: the rest follows, and each line is in some dead letter.
    archive = ingest.folder / "archive"
    archive.mkdir()

    def kept() -> set[int]:
        return held(ingest) | lines_of(dead_letter_lines(archive))

    for number in range(10):
        for path in ingest.data_directory.rglob("*.ndjson"):
            path.rename(archive / f"{number}-{path.name}")
        if kept() == set(range(total)):
            break
        wait_until(lambda: held(ingest), 20, "more dead letters")
        wait_until(lambda: ingest.health()[0] == 503 or len(kept()) == total, 20, "the limit or the end")
    assert kept() == set(range(total))
    wait_until(lambda: ingest.health()[0] == 200, 20, "ingest to be well again")
    assert store.count() == 0


def held(ingest: Ingest) -> set[int]:
    """The lines that are in dead letters now."""
    return lines_of(ingest.dead_letter_lines)


def lines_of(letters: list[dict[str, Any]]) -> set[int]:
    """The line numbers that dead letters speak of."""
    return {number for letter in letters for number in numbers_in(str(letter))}


def numbers_in(text: str) -> set[int]:
    """The line numbers that a dead letter speaks of."""
    return {int(number) for number in re.findall(r"/item/a/(\d+)", text)}
