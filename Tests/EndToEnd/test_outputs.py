"""Documents as lines of a file or of standard output, for debugging."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.loglines import append, assert_exactly, lines, number_of, numbered
from harness.processes import ProcessGroup
from harness.services import Ingest, Shipper, run_to_end
from harness.waiting import stays_true, wait_until

StartShipper = Callable[..., Shipper]


def start(processes: ProcessGroup, output: dict[str, Any]) -> Ingest:
    """An ingest with this output instead of a store."""
    ingest = Ingest(processes, [])
    del ingest.configuration["output"]
    ingest.configure({"output": output})
    ingest.start()
    return ingest


def documents(*paths: Path) -> list[dict[str, Any]]:
    """The documents of files, without a line that has no end."""
    whole = [path.read_bytes().rpartition(b"\n")[0] for path in paths if path.exists()]
    return [json.loads(line) for text in whole for line in text.splitlines()]


def test_a_file(processes: ProcessGroup, start_shipper: StartShipper, log: Path, tmp_path: Path) -> None:
    path = tmp_path / "documents.ndjson"
    # What a crash has cut off goes when it starts.
    path.write_text('{"@metadata":{"_index":"x","_id":"old"}}\n{"cut')
    ingest = start(processes, {"file": {"path": str(path)}})
    append(log, lines(range(500)))
    start_shipper([log], ingest.port)
    found = wait_until(lambda: found if len(found := documents(path)) >= 501 else None, 20, "501 documents")
    assert found[0] == {"@metadata": {"_index": "x", "_id": "old"}}
    assert_exactly((number_of(document) for document in found[1:]), numbered(range(500)))
    for document in found[1:]:
        assert set(document["@metadata"]) == {"_index", "_id"} and document["@metadata"]["_index"] == "nginx-2026.11.20"
        assert document["@timestamp"] and document["event"]["original"]
    assert ingest.metrics()["ingest_output_documents_total"] == 500
    assert ingest.process.terminate() == 0
    ingest.assert_log_is_clean()


def test_a_file_is_moved_aside(processes: ProcessGroup, start_shipper: StartShipper, log: Path, tmp_path: Path) -> None:
    path = tmp_path / "documents.ndjson"
    ingest = start(processes, {"file": {"path": str(path), "max_bytes": "100KiB", "keep": 2}})
    start_shipper([log], ingest.port)
    for first in range(0, 600, 50):
        append(log, lines(range(first, first + 50)))
        wait_until(lambda count=first + 50: ingest.metrics()["ingest_output_documents_total"] >= count, 20, "the next lines")
    kept = sorted(tmp_path.glob("documents.ndjson*"))
    assert [file.name for file in kept] == ["documents.ndjson", "documents.ndjson.1", "documents.ndjson.2"]
    assert all(file.stat().st_size <= 100 * 1024 for file in kept)
    found = [number_of(document)[1] for document in documents(kept[2], kept[1], kept[0])]
    assert found == list(range(600 - len(found), 600)), "the youngest, in order"


def test_what_was_acknowledged_is_in_the_file(
    processes: ProcessGroup, start_shipper: StartShipper, log: Path, tmp_path: Path
) -> None:
    """kill -9 in the middle: no line is missing, and what is there twice has the same id."""
    path = tmp_path / "documents.ndjson"
    ingest = start(processes, {"file": {"path": str(path)}})
    append(log, lines(range(4_000)))
    start_shipper([log], ingest.port)
    for _ in range(3):
        before = len(documents(path))
        wait_until(lambda: len(documents(path)) > before or len(documents(path)) >= 4_000, 20, "more documents")
        ingest.process.kill()
        ingest.start()
    unique = wait_until(
        lambda: unique if len(unique := {row["@metadata"]["_id"]: row for row in documents(path)}) >= 4_000 else None, 20, "all"
    )
    assert_exactly((number_of(document) for document in unique.values()), numbered(range(4_000)))


def test_a_file_that_cannot_be_written_holds_acks(
    processes: ProcessGroup, start_shipper: StartShipper, log: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    path = folder / "documents.ndjson"
    ingest = start(processes, {"file": {"path": str(path), "max_bytes": "1KiB", "keep": 1}})
    shipper = start_shipper([log], ingest.port)
    append(log, lines(range(10)))
    wait_until(lambda: len(documents(path)) >= 10, 20, "the first documents")
    # Moving aside fails where a folder has the name.
    (folder / "documents.ndjson.1").mkdir()
    (folder / "documents.ndjson.1" / "x").touch()
    append(log, lines(range(10, 20)))
    wait_until(lambda: ingest.health()[0] == 503, 20, "ingest to call for help")
    assert "documents.ndjson" in ingest.health()[1]
    stays_true(lambda: len(documents(path)) == 10, 0.3, "nothing more is written")
    assert shipper.process.is_running
    (folder / "documents.ndjson.1" / "x").unlink()
    (folder / "documents.ndjson.1").rmdir()
    wait_until(lambda: len(documents(folder / "documents.ndjson.1", path)) >= 20, 20, "the rest")
    wait_until(lambda: ingest.health()[0] == 200, 20, "ingest to be well")


def test_two_ingests_never_share_a_file(processes: ProcessGroup, tmp_path: Path) -> None:
    path = tmp_path / "documents.ndjson"
    first = start(processes, {"file": {"path": str(path)}})
    second = run_to_end(
        "ingest", "--config", first.configuration_path, "--set", "monitoring.port=0", "--set", "inputs.0.port=0",
    )  # fmt: skip
    assert second.returncode == 1 and b"another ingest writes to it" in second.stderr


def test_standard_output(processes: ProcessGroup, start_shipper: StartShipper, log: Path) -> None:
    ingest = start(processes, {"stdout": {}})
    append(log, lines(range(300)))
    start_shipper([log], ingest.port)
    out = ingest.process.out_path
    found = wait_until(lambda: found if len(found := documents(out)) >= 300 else None, 20, "300 documents")
    assert_exactly((number_of(document) for document in found), numbered(range(300)))
    assert ingest.process.terminate() == 0
    assert len(documents(out)) == 300


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("{stdout: {}, elasticsearch: {hosts: ['http://es:9200']}}", "documents go to one of them"),
        ("{file: {path: /tmp/x}, stdout: {}}", "documents go to one of them"),
        ("{file: {keep: 3}}", "name the file"),
        ("{files: {path: /tmp/x}}", "unknown key"),
    ],
)
def test_one_output(output: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "ingest.yml"
    path.write_text(f"output:\n  {output}\n")
    completed = run_to_end("ingest", "check", "--config", path)
    assert completed.returncode == 2
    assert "ingest.yml:2:" in completed.stderr.decode() and reason in completed.stderr.decode(), completed.stderr.decode()


def test_dead_letters_need_a_store(tmp_path: Path) -> None:
    completed = run_to_end(
        "ingest", "dead-letters", "replay", "--set", "output.stdout={}", "--set", f"data_directory={tmp_path}"
    )
    assert completed.returncode == 2 and b"another output" in completed.stderr
