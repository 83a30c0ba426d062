"""What Elasticsearch can never store: kept, listed, shown, sent again, removed, and found in the index all the same."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.loglines import append, assert_exactly, lines, number_of, numbered
from harness.lumberjack import Sender, event_window
from harness.peers import NoidaDB, OsmemServer
from harness.processes import ProcessGroup
from harness.services import APMServer, Ingest, Shipper, binary, run_to_end
from harness.store import BulkStore
from harness.waiting import wait_until

StartIngest = Callable[..., Ingest]
StartShipper = Callable[..., Shipper]

CONFLICT = {"status": 400, "type": "document_parsing_exception", "reason": "failed to parse field [x] of type [ip]"}
TOO_MANY = {"status": 400, "type": "illegal_argument_exception", "reason": "Limit of total fields [1000] has been exceeded"}


def command(ingest: Ingest, *words: str, seconds: float = 30) -> subprocess.CompletedProcess[bytes]:
    """`ingest dead-letters …` with the service's own configuration."""
    return run_to_end(ingest.program, "dead-letters", *words, "--config", ingest.configuration_path, seconds=seconds)


def succeed(ingest: Ingest, *words: str) -> str:
    """The output of a command that must succeed."""
    completed = command(ingest, *words)
    assert completed.returncode == 0, completed
    return completed.stdout.decode()


def shown(ingest: Ingest, *words: str) -> list[dict[str, Any]]:
    """What `dead-letters show` prints."""
    return [json.loads(line) for line in succeed(ingest, "show", *words).splitlines()]


def numbers(letters: list[dict[str, Any]]) -> list[int]:
    """The line numbers of letters, in order."""
    return [int(re.findall(r"/item/a/(\d+)", str(letter["document"]))[0]) for letter in letters]


def segments(ingest: Ingest) -> list[Path]:
    """The segments there are, oldest first."""
    return sorted((ingest.data_directory / "dead-letters").glob("*.ndjson"))


def bury(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path, count: int, **fault: Any
) -> Ingest:
    """An ingest whose dead letters are all of `count` lines."""
    store.fault("item", match="/item/a/", **(fault or CONFLICT))
    append(log, lines(range(count)))
    ingest = start_ingest(store.url)
    start_shipper([log], ingest.port)
    wait_until(lambda: len(ingest.dead_letter_lines) >= count, 20, f"{count} dead letters")
    return ingest


def assert_all_stored(store: BulkStore, count: int) -> None:
    """Each line, once."""
    assert_exactly((number_of(document.source) for document in store.documents()), numbered(range(count)))
    store.assert_no_violations()


def test_list_and_show(store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path) -> None:
    store.fault("item", match="/item/a/3?", **TOO_MANY)
    store.fault("item", match="/item/a/", **CONFLICT)
    append(log, lines(range(10)))
    ingest = start_ingest(store.url)
    start_shipper([log], ingest.port)
    wait_until(lambda: len(ingest.dead_letter_lines) >= 10, 20, "ten dead letters")
    text = succeed(ingest, "list")
    assert re.search(r"^dead-letters-000001\.ndjson +10 ", text, re.MULTILINE), text
    assert re.search(r"^ +9 +document_parsing_exception +nginx-2026\.11\.20$", text, re.MULTILINE), text
    assert re.search(r"^ +1 +illegal_argument_exception +nginx-2026\.11\.20$", text, re.MULTILINE), text
    listed = json.loads(succeed(ingest, "list", "--json"))
    assert [segment["letters"] for segment in listed["segments"]] == [10]
    assert listed["segments"][0]["oldest"] <= listed["segments"][0]["newest"]
    assert listed["groups"][0] == {"reason": "document_parsing_exception", "index": "nginx-2026.11.20", "letters": 9}
    assert shown(ingest) == ingest.dead_letter_lines
    assert numbers(shown(ingest, "--reason", "total fields")) == [3]
    assert numbers(shown(ingest, "--reason", "illegal_argument")) == [3]
    assert len(shown(ingest, "--index", "nginx-*", "--limit", "4")) == 4
    assert not shown(ingest, "--index", "other-*")
    letter = shown(ingest, "--reason", "total fields")[0]
    assert letter["error"]["reason"] == TOO_MANY["reason"] and letter["status"] == 400 and letter["id"]
    assert letter["document"]["event"]["original"].encode() == lines([3]).rstrip(b"\n")


def test_replay_beside_a_running_ingest(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    ingest = bury(store, start_ingest, start_shipper, log, 300)
    store.clear_faults()
    output = succeed(ingest, "replay")
    assert "replayed 300 letters: 300 stored, 0 were there already, 0 refused again" in output
    assert_all_stored(store, 300)
    assert not segments(ingest)
    # Ingest goes on where it was, with a segment of its own.
    store.fault("item", match="/item/a/", **CONFLICT)
    append(log, lines(range(300, 310)))
    wait_until(lambda: len(ingest.dead_letter_lines) >= 10, 20, "ten more dead letters")
    assert sorted(numbers(ingest.dead_letter_lines)) == list(range(300, 310))
    assert ingest.health()[0] == 200
    ingest.assert_log_is_clean()


def test_new_letters_while_a_replay_has_the_segment(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    """Ingest does not wait for the command: it begins a segment of its own, which the replay leaves alone."""
    ingest = bury(store, start_ingest, start_shipper, log, 100)
    store.clear_faults()
    store.fault("item", match="/item/b/", **CONFLICT)
    store.fault("hang", times=1)
    replay = subprocess.Popen([binary("ingest"), "dead-letters", "replay", "--config", ingest.configuration_path])
    wait_until(lambda: any(fault["used"] for fault in store.faults() if fault["kind"] == "hang"), 10, "the replay to hang")
    append(log, lines(range(5), run="b"))
    wait_until(lambda: len(segments(ingest)) == 2 and len(ingest.dead_letter_lines) >= 105, 10, "a second segment")
    store.clear_faults()
    assert replay.wait(20) == 0
    assert_all_stored(store, 100)
    assert [path.name for path in segments(ingest)] == ["dead-letters-000002.ndjson"]
    assert len(ingest.dead_letter_lines) == 5


def test_replay_that_is_killed_loses_and_doubles_nothing(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path, processes: ProcessGroup
) -> None:
    count = 2_500
    ingest = bury(store, start_ingest, start_shipper, log, count)
    store.clear_faults()
    store.fault("delay", seconds=0.3)
    for round_ in range(2):
        replay = subprocess.Popen([binary("ingest"), "dead-letters", "replay", "--config", ingest.configuration_path])
        try:
            store.wait_for_count(1_000 * (round_ + 1), 20)
        finally:
            replay.kill()
            replay.wait(10)
        assert 0 < store.count() < count, "it was killed in the middle"
        assert len(ingest.dead_letter_lines) >= count, "nothing is removed before the segment is settled"
    store.clear_faults()
    output = succeed(ingest, "replay")
    stored, known = (int(number) for number in re.findall(r"(\d+) (?:stored|were there)", output))
    assert stored + known == count and known >= 1_000, output
    assert_all_stored(store, count)
    assert not segments(ingest)
    assert not list((ingest.data_directory / "dead-letters").iterdir())


def test_what_fails_again_stays_with_its_new_reason(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    ingest = bury(store, start_ingest, start_shipper, log, 50)
    store.clear_faults()
    store.fault("item", match="/item/a/7?", **TOO_MANY)
    completed = command(ingest, "replay")
    assert completed.returncode == 1
    assert b"50 letters: 49 stored, 0 were there already, 1 refused again and kept" in completed.stdout
    letters = ingest.dead_letter_lines
    assert numbers(letters) == [7] and letters[0]["error"]["reason"] == TOO_MANY["reason"]
    store.clear_faults()
    succeed(ingest, "replay")
    assert_all_stored(store, 50)


def test_only_what_is_named_is_replayed(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    store.fault("item", match="/item/a/1?", **TOO_MANY)
    ingest = bury(store, start_ingest, start_shipper, log, 5)
    store.clear_faults()
    succeed(ingest, "replay", "--reason", "illegal_argument_exception")
    assert [number_of(document.source)[1] for document in store.documents()] == [1]
    assert sorted(numbers(ingest.dead_letter_lines)) == [0, 2, 3, 4]
    before = segments(ingest)[0].stat()
    succeed(ingest, "replay", "--index", "other")
    after = segments(ingest)[0].stat()
    assert len(ingest.dead_letter_lines) == 4
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino), "nothing was touched"
    succeed(ingest, "replay", "--index", "nginx-2026.11.*")
    assert_all_stored(store, 5)


def test_edited_letters_are_replayed_as_edited(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    ingest = bury(store, start_ingest, start_shipper, log, 3)
    store.clear_faults()
    path = segments(ingest)[0]
    letters = [json.loads(line) for line in path.read_text().splitlines()]
    letters[0]["document"]["labels"] = {"edited": "yes"}
    letters[0]["index"] = "mended-2026.11.20"
    edited = [json.dumps(letters[0]), json.dumps(letters[1])[:-20], json.dumps(letters[2] | {"document": "no object"})]
    # As an editor does, without a line's end behind the last line.
    path.with_suffix(".edit").write_text("\n".join(edited))
    path.with_suffix(".edit").rename(path)
    assert [letter["id"] for letter in shown(ingest)] == [letters[0]["id"], letters[2]["id"]]
    completed = command(ingest, "replay")
    assert completed.returncode == 1 and b"2 lines cannot be sent" in completed.stdout, completed
    documents = list(store.documents())
    assert [(document.index, document.source["labels"]["edited"]) for document in documents] == [("mended-2026.11.20", "yes")]
    assert path.read_text().splitlines() == edited[1:], "what cannot be sent stays as it is"
    assert re.search(r"1\+1 unreadable", succeed(ingest, "list"))
    path.write_text("\n".join(json.dumps(letter) for letter in letters[1:]) + "\n")
    succeed(ingest, "replay")
    assert store.count() == 3 and not segments(ingest)


def test_replay_without_a_store(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    """It gives up after --timeout, says why, and has changed nothing."""
    ingest = bury(store, start_ingest, start_shipper, log, 20)
    before = ingest.dead_letter_lines
    store.process.kill()
    completed = command(ingest, "replay", "--timeout", "1s")
    assert completed.returncode == 1
    assert b"has settled nothing for" in completed.stderr and str(store.port).encode() in completed.stderr
    assert ingest.dead_letter_lines == before
    store.start()
    succeed(ingest, "replay")
    assert_all_stored(store, 20)


def test_purge_says_what_it_removes(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    store.fault("item", match="/item/a/1?", **TOO_MANY)
    ingest = bury(store, start_ingest, start_shipper, log, 6)
    refused = command(ingest, "purge")
    assert refused.returncode == 2 and b"--all" in refused.stderr
    assert "0 letters" in succeed(ingest, "purge", "--older-than", "1h")
    assert re.search(r"would remove 1 letters of .*000001", succeed(ingest, "purge", "--reason", "illegal", "--dry-run"))
    assert len(ingest.dead_letter_lines) == 6
    hour_ago = time.time() - 3_600
    os.utime(segments(ingest)[0], (hour_ago, hour_ago))
    assert re.search(r"removes 1 letters of .*000001.ndjson\nremoved 1 letters", succeed(ingest, "purge", "--reason", "illegal"))
    assert abs(segments(ingest)[0].stat().st_mtime - hour_ago) < 1, "what is left is as old as before"
    assert sorted(numbers(ingest.dead_letter_lines)) == [0, 2, 3, 4, 5]
    assert "removed 5 letters" in succeed(ingest, "purge", "--older-than", "0s")
    assert not segments(ingest)
    append(log, lines(range(6, 8)))
    wait_until(lambda: len(ingest.dead_letter_lines) >= 2, 20, "two more")
    assert "removed 2 letters" in succeed(ingest, "purge", "--all")
    assert not segments(ingest)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "list, show, replay, purge"),
        (["lost"], "list, show, replay, purge"),
        (["list", "--reason", "x"], "does not take --reason"),
        (["show", "--limit", "0"], "--limit"),
        (["purge", "--older-than", "soon"], "--older-than"),
        (["purge", "--all", "--index", "x"], "--all"),
    ],
)
def test_wrong_words_are_explained(words: list[str], reason: str, tmp_path: Path) -> None:
    completed = run_to_end("ingest", "dead-letters", *words, "--set", f"data_directory={tmp_path}")
    assert completed.returncode == 2
    assert reason in completed.stderr.decode()


def test_nothing_there_is_no_error(tmp_path: Path) -> None:
    completed = run_to_end("ingest", "dead-letters", "list", "--set", f"data_directory={tmp_path}/none")
    assert completed.returncode == 0 and b"no dead letters" in completed.stdout
    assert not (tmp_path / "none").exists()


def test_letters_of_earlier_versions_are_taken_over(
    store: BulkStore, processes: ProcessGroup, start_shipper: StartShipper, log: Path
) -> None:
    ingest = Ingest(processes, [store.url])
    folder = ingest.data_directory / "dead-letters"
    folder.mkdir()
    document = {"@timestamp": "2026-11-20T10:00:00.000Z", "event": {"original": "GET /item/a/0"}}
    old = {
        "@timestamp": "2026-11-21T08:00:00.000Z", "reason": "Elasticsearch can never store the document as it is", "status": 400,
        "error": {"type": "document_parsing_exception", "reason": "failed"}, "index": "nginx-2026.11.20", "id": "old-1",
        "document": document,
    }  # fmt: skip
    # A crash has cut the last line off.
    (folder / "dead-letters-000004.ndjson").write_text(json.dumps(old) + "\n" + '{"@timestamp":"2026')
    ingest.start()
    store.fault("item", match="/item/a/", **CONFLICT)
    append(log, lines(range(2)))
    start_shipper([log], ingest.port)
    wait_until(lambda: len(ingest.dead_letter_lines) >= 3, 20, "two new letters")
    assert [path.name for path in segments(ingest)] == ["dead-letters-000004.ndjson"]
    store.clear_faults()
    succeed(ingest, "replay")
    assert {document.id: document.source for document in store.documents()}["old-1"] == document
    assert store.count() == 3


def test_the_oldest_go_at_the_limit(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    """`remove_oldest`: at `max_bytes` the oldest segments are removed, counted and logged, and hold up nothing."""
    store.fault("item", match="/item/a/", **CONFLICT)
    ingest = start_ingest(store.url, changes={"dead_letters": {"max_bytes": "1MiB", "when_full": "remove_oldest"}})
    start_shipper([log], ingest.port)
    total = 3_000
    for first in range(0, total, 300):
        append(log, lines(range(first, first + 300)))
        wait_until(lambda last=first + 299: last in numbers(ingest.dead_letter_lines), 20, f"the letters up to {first + 299}")
    kept = numbers(ingest.dead_letter_lines)
    assert 0 < len(kept) < total and sorted(kept) == list(range(total - len(kept), total)), "the youngest are kept"
    assert sum(path.stat().st_size for path in segments(ingest)) <= 1024 * 1024
    removed = ingest.metrics()['ingest_dead_letters_removed_total{reason="max_bytes"}']
    assert removed == total - len(kept)
    assert any(entry["message"] == "dead letters were removed" for entry in ingest.logs())
    assert ingest.health()[0] == 200


def test_old_letters_go(store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path) -> None:
    ingest = bury(store, start_ingest, start_shipper, log, 5)
    assert ingest.process.terminate() == 0
    path = segments(ingest)[0]
    os.utime(path, (time.time() - 8 * 86_400,) * 2)
    ingest.start()
    assert path.exists(), "without max_age they stay"
    assert ingest.process.terminate() == 0
    ingest.configure({"dead_letters": {"max_age": "7d"}})
    os.utime(path, (time.time() - 8 * 86_400,) * 2)
    ingest.start()
    assert not path.exists()
    assert ingest.metrics()['ingest_dead_letters_removed_total{reason="max_age"}'] == 5
    assert ingest.metrics()["ingest_dead_letter_bytes"] == 0


def test_the_line_stays_searchable(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    """With `fallback` a document without the fields that are refused takes the place, until the letter is replayed."""
    store.fault("item", match='"url":', **TOO_MANY)
    append(log, lines(range(3)))
    ingest = start_ingest(store.url, changes={"output": {"elasticsearch": {"fallback": True}}})
    shipper = start_shipper([log], ingest.port)
    store.wait_for_count(3, 20)
    letters = wait_until(lambda: letters if len(letters := ingest.dead_letter_lines) >= 3 else None, 10, "three letters")
    stored = {document.id: document for document in store.documents()}
    for letter in letters:
        document = stored[letter["id"]]
        assert document.index == letter["index"] and letter["fallback"] is True
        full = letter["document"]
        assert document.source == {
            "@timestamp": full["@timestamp"],
            "error": {"message": f"{TOO_MANY['type']}: {TOO_MANY['reason']}"},
            "tags": ["_dead_letter"],
            "event": {"original": full["event"]["original"], "dataset": "nginx.access"},
            "host": {"name": "web-1"},
            "log": {"file": {"path": str(log)}, "offset": full["log"]["offset"]},
        }
    metrics = ingest.metrics()
    assert metrics['ingest_elasticsearch_fallback_documents_total{outcome="stored"}'] == 3
    assert metrics['ingest_elasticsearch_documents_total{outcome="dead_letter"}'] == 3
    # The windows are settled: a restart sends nothing again.
    assert shipper.process.terminate() == 0
    shipper.start()
    append(log, lines(range(3, 4)))
    wait_until(lambda: len(ingest.dead_letter_lines) >= 4, 20, "one more letter")
    store.clear_faults()
    succeed(ingest, "replay")
    assert_all_stored(store, 4)
    assert all("url" in document.source and "tags" not in document.source for document in store.documents())


def test_a_fallback_that_is_refused_too_is_only_a_letter(
    store: BulkStore, start_ingest: StartIngest, start_shipper: StartShipper, log: Path
) -> None:
    store.fault("item", match="/item/a/1?", **CONFLICT)
    append(log, lines(range(3)))
    ingest = start_ingest(store.url, changes={"output": {"elasticsearch": {"fallback": True}}})
    start_shipper([log], ingest.port)
    store.wait_for_count(2, 20)
    refused = 'ingest_elasticsearch_fallback_documents_total{outcome="refused"}'
    wait_until(lambda: ingest.metrics()[refused] == 1, 10, "the fall-back to be refused")
    assert numbers(ingest.dead_letter_lines) == [1]
    assert ingest.health()[0] == 200


@pytest.mark.parametrize("kind", ["noida", "osmem"])
def test_a_mapping_conflict_in_a_real_store(
    request: pytest.FixtureRequest, kind: str, start_ingest: StartIngest
) -> None:
    """A field that is a number in one event and an object in the next: letter, stripped document, edit, replay."""
    database: NoidaDB | OsmemServer = request.getfixturevalue(kind)
    ingest = start_ingest(database.url, changes={"output": {"elasticsearch": {"fallback": True}}})
    for number, value in enumerate([{"x": 1}, {"x": {"y": 2}}]):
        event = {
            "@timestamp": "2026-11-20T10:00:00.000Z", "message": lines([number]).decode().rstrip(), "fields": value,
            "log": {"offset": number * 300, "file": {"path": "/var/log/a.log"}}, "host": {"name": "web-1"},
        }  # fmt: skip
        with Sender(ingest.port) as sender:
            sender.send(event_window([event]))
            sender.wait_for_ack(1)
    database.wait_for_count("nginx-*", 2, 10)
    letters = ingest.dead_letter_lines
    assert numbers(letters) == [1] and letters[0]["fallback"] and letters[0]["document"]["fields"] == {"x": {"y": 2}}

    def stored() -> dict[str, Any]:
        database.request("POST", "/nginx-*/_refresh")
        hits = database.search("nginx-*", {"size": 10, "query": {"match_all": {}}})["hits"]["hits"]
        return {hit["_id"]: hit["_source"] for hit in hits}

    stripped = stored()[letters[0]["id"]]
    assert stripped["tags"] == ["_dead_letter"] and letters[0]["error"]["reason"] in stripped["error"]["message"]
    assert stripped["event"]["original"] == letters[0]["document"]["event"]["original"] and "url" not in stripped
    # As it stands it is refused again; mended, it takes the place of the stripped document.
    assert command(ingest, "replay").returncode == 1
    assert numbers(ingest.dead_letter_lines) == [1]
    letter = ingest.dead_letter_lines[0]
    del letter["document"]["fields"]
    segments(ingest)[0].write_text(json.dumps(letter) + "\n")
    succeed(ingest, "replay")
    assert database.count("nginx-*") == 2
    assert stored()[letter["id"]] == letter["document"]
    assert not segments(ingest)


def test_apm_server_has_the_same_commands(store: BulkStore, start_apm_server: Callable[..., APMServer]) -> None:
    store.fault("item", match="transaction", **CONFLICT)
    server = start_apm_server(store.url)
    events = [
        {"metadata": {"service": {"name": "shop", "agent": {"name": "python", "version": "6.0"}}}},
        {"transaction": {"id": "00f067aa0ba902b7", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "type": "request",
                         "name": "GET /", "duration": 5, "span_count": {"started": 0}}},
    ]  # fmt: skip
    body = "\n".join(json.dumps(event) for event in events).encode()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", "/intake/v2/events", body, {"Content-Type": "application/x-ndjson"})
    assert connection.getresponse().status == 202
    connection.close()
    wait_until(lambda: server.dead_letter_lines, 10, "the dead letter")
    letters = run_to_end("apm-server", "dead-letters", "show", "--config", server.configuration_path)
    assert json.loads(letters.stdout.splitlines()[0])["document"]["transaction"]["id"] == "00f067aa0ba902b7"
    store.clear_faults()
    replayed = run_to_end("apm-server", "dead-letters", "replay", "--config", server.configuration_path)
    assert replayed.returncode == 0, replayed
    assert any(document.source.get("transaction", {}).get("id") == "00f067aa0ba902b7" for document in store.documents())
