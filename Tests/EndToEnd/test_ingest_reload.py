"""SIGHUP: ingest reads inputs and pipelines anew; connections stay, and no line is lost or doubled by that."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.certificates import Certificate, CertificateAuthority
from harness.loglines import append, assert_exactly, line, lines, number_of, number_of_message, numbered
from harness.lumberjack import Sender, event_window, json_frame, window_frame
from harness.ports import free_port, is_listening
from harness.services import Ingest, Shipper, run_to_end
from harness.store import BulkStore
from harness.waiting import wait_until

StartIngest = Callable[..., Ingest]
PIPELINES = {
    "nginx-access": {"oldest_event": "36500d"},
    "shop": {"oldest_event": "36500d", "index": "shop"},
}


def event(number: int, run: str = "a") -> dict[str, Any]:
    """An event as a shipper sends it."""
    return {
        "@timestamp": "2026-11-20T10:00:00.000Z",
        "message": line(number, run).decode().rstrip("\n"),
        "log": {"offset": number * 500, "file": {"path": f"/var/log/{run}.log"}},
        "host": {"name": "web-1"},
    }


def window(numbers: range, run: str = "a") -> bytes:
    """A window of these events."""
    return event_window([event(number, run) for number in numbers])


def by_prefix(store: BulkStore) -> dict[str, list[int]]:
    """The numbers of the stored lines, by the index without its day."""
    found: dict[str, list[int]] = {}
    for document in store.documents():
        number = number_of_message(document.source["event"]["original"])[1]
        found.setdefault(document.index.rpartition("-")[0], []).append(number)
    return {prefix: sorted(numbers) for prefix, numbers in found.items()}


def reload(ingest: Ingest, **changes: Any) -> None:
    """Writes another configuration and waits until it is taken over or refused."""
    ingest.configure(changes)
    ingest.signal_and_wait()


def last_error(ingest: Ingest) -> str:
    """Why the last refused reload was refused."""
    return ingest.reloads()["last_error"]["message"]


def test_a_pipeline_changes_in_the_middle_of_a_window(store: BulkStore, start_ingest: StartIngest) -> None:
    """Events read before belong to the old pipeline, later ones to the new; the window is acknowledged as one."""
    ingest = start_ingest(store.url, changes={"pipelines": PIPELINES})
    with Sender(ingest.port) as sender:
        sender.send(window_frame(10) + b"".join(json_frame(number + 1, event(number)) for number in range(4)))
        store.wait_for_count(4, 10)
        reload(ingest, inputs=[ingest.input(ingest.port, "shop")])
        assert {"nginx", "shop"} <= set(store.statistics()["templates"])
        sender.send(b"".join(json_frame(number + 1, event(number)) for number in range(4, 10)))
        sender.wait_for_ack(10)
        reload(ingest, pipelines=PIPELINES | {"shop": {"index": "other", "log_format": "$time_iso8601 $request"}})
        sender.send(window(range(10, 12)))
        sender.wait_for_ack(2)
        assert by_prefix(store) == {"nginx": [0, 1, 2, 3], "shop": list(range(4, 10)), "other": [10, 11]}
        other = [document.source for document in store.documents() if document.index.startswith("other-")]
        assert all(source["tags"] == ["_nginxparsefailure"] for source in other), "the new log_format is used"
    # One connection, and those by which the harness looked whether the port is open.
    assert ingest.metrics()['ingest_events_received_total{input="shop:%d"}' % ingest.port] == 8
    assert ingest.reloads()["successes"] == 2
    assert ingest.metrics()["ingest_reloads_total"] == 2
    store.assert_no_violations()


def test_a_wrong_configuration_changes_nothing(
    store: BulkStore, start_ingest: StartIngest, tmp_path: Path
) -> None:
    """The old one goes on, and the reason is the one that `ingest check` gives."""
    ingest = start_ingest(store.url)
    good = ingest.configuration_path.read_text()
    with Sender(ingest.port) as sender:
        sender.send(window(range(5)))
        sender.wait_for_ack(5)
        bad = (
            good.replace("pipeline: nginx-access", "pipeline: nginx-acess"),
            good.replace("oldest_event: 36500d", "log_format: '$unclosed${'"),
            good + "\nno_such_key: 1\n",
            "inputs: [",
        )
        for number, text in enumerate(bad, 1):
            assert text != good
            ingest.configuration_path.write_text(text)
            checked = run_to_end("ingest", "check", "--config", ingest.configuration_path)
            assert checked.returncode == 2
            ingest.signal_and_wait()
            assert last_error(ingest).strip() == checked.stderr.decode().strip()
            assert ingest.reloads()["failures"] == number
        refusals = [entry for entry in ingest.logs() if "refused" in entry["message"]]
        assert len(refusals) == len(bad) and all(entry["log.level"] == "error" for entry in refusals)
        sender.send(window(range(5, 10)))
        sender.wait_for_ack(5)
    ingest.configuration_path.write_text(good)
    ingest.signal_and_wait()
    assert ingest.reloads()["successes"] == 1
    assert ingest.metrics()["ingest_reload_errors_total"] == len(bad)
    assert_exactly((number_of(document.source) for document in store.documents()), numbered(range(10)))


def test_what_cannot_be_opened_leaves_everything_as_it_was(store: BulkStore, start_ingest: StartIngest) -> None:
    """A port in use, and the other new port of the same configuration is not open either."""
    ingest = start_ingest(store.url)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        other = free_port()
        reload(ingest, inputs=[ingest.input(other), ingest.input(taken.getsockname()[1])])
    assert re.search(r"cannot listen on 127\.0\.0\.1:\d+: ", last_error(ingest))
    assert not is_listening(other)
    with Sender(ingest.port) as sender:
        sender.send(window(range(5)))
        sender.wait_for_ack(5)


def test_ports_come_and_go(store: BulkStore, start_ingest: StartIngest) -> None:
    """A new port takes lines; a removed one closes, and its connections end after their last ack."""
    ingest = start_ingest(store.url, changes={"pipelines": PIPELINES})
    second = free_port()
    reload(ingest, inputs=[ingest.input(ingest.port), ingest.input(second, "shop")])
    assert f"shop:{second}" in ingest.stats()["listening"]
    with Sender(second) as waiting, Sender(second) as idle, Sender(second) as receiving, Sender(ingest.port) as staying:
        receiving.send(window_frame(10) + b"".join(json_frame(number + 1, event(number, "half")) for number in range(5)))
        store.wait_for_count(5, 10)
        store.fault("item", status=429, type="es_rejected_execution_exception", match="/item/late/")
        waiting.send(window(range(100), "late"))
        staying.send(window(range(10)))
        staying.wait_for_ack(10)
        idle.send(window(range(10, 15)))
        idle.wait_for_ack(5)
        wait_until(lambda: ingest.metrics()[f'ingest_events_received_total{{input="shop:{second}"}}'] == 110, 10, "all events")
        reload(ingest, inputs=[ingest.input(ingest.port)])
        wait_until(lambda: not is_listening(second), 5, "the port to be closed")
        assert list(ingest.stats()["listening"]) == [f"nginx-access:{ingest.port}"]
        assert idle.is_closed_by_peer(5)
        assert not waiting.is_closed_by_peer(0.5)
        waiting.socket.settimeout(20)
        # The window that was begun may be finished, further ones are not begun.
        rest = b"".join(json_frame(number + 1, event(number, "half")) for number in range(5, 10))
        receiving.send(rest + window(range(10, 20), "half"))
        # Documents that are turned back may hold up those of the same pipeline.
        store.clear_faults()
        receiving.wait_for_ack(10)
        assert receiving.is_closed_by_peer(5)
        waiting.wait_for_ack(100)
        assert waiting.is_closed_by_peer(5)
        staying.send(window(range(20, 30)))
        staying.wait_for_ack(10)
    assert ingest.metrics()['ingest_connections_ended_total{reason="input_removed"}'] == 3
    wanted = [*numbered(range(15)), *numbered(range(20, 30)), *numbered(range(100), "late"), *numbered(range(10), "half")]
    assert_exactly((number_of(document.source) for document in store.documents()), wanted)
    # And back again, on the same port.
    reload(ingest, inputs=[ingest.input(ingest.port), ingest.input(second, "shop")])
    with Sender(second) as sender:
        sender.send(window(range(30, 35)))
        sender.wait_for_ack(5)


def test_pipeline_files_and_filters_are_read_again(store: BulkStore, start_ingest: StartIngest, tmp_path: Path) -> None:
    """A file that changes, one that is wrong, and a database that a new filter names."""
    file = tmp_path / "site.yml"
    file.write_text("format: nginx-access\nindex: site\nfilters:\n  - set: {fields: {labels.version: one}}\n")
    ingest = start_ingest(store.url)
    reload(ingest, pipeline_files=[str(file)], inputs=[ingest.input(ingest.port, "site")])
    assert ingest.reloads()["last_error"] is None
    database = Path(__file__).parents[1] / "Fixtures" / "geoip" / "tiny.mmdb"
    with Sender(ingest.port) as sender:
        sender.send(window(range(3)))
        sender.wait_for_ack(3)
        file.write_text("format: nginx-access\nindex: site\nfilters:\n  - sett: {}\n")
        ingest.signal_and_wait()
        assert "site.yml" in last_error(ingest) and "did you mean" in last_error(ingest)
        sender.send(window(range(3, 6)))
        sender.wait_for_ack(3)
        file.write_text(f"format: nginx-access\nindex: site\nfilters:\n  - geoip: {{field: source.ip, database: {database}}}\n  - set: {{fields: {{labels.version: two}}}}\n")
        ingest.signal_and_wait()
        assert ingest.reloads()["successes"] == 2, ingest.reloads()
        filters = ingest.stats()["pipelines"]["site"]["plugins"]["filters"]
        assert [(filter["id"], filter["events"]["in"]) for filter in filters] == [("set-1", 6), ("geoip-1", 0)]
        file.write_text(file.read_text().replace("  - geoip", "  - drop: {}\n    if: source.ip == '-'\n  - geoip"))
        ingest.signal_and_wait()
        file.write_text(f"format: nginx-access\nindex: site\nfilters:\n  - geoip: {{field: source.ip, database: {database}}}\n  - set: {{fields: {{labels.version: two}}}}\n")
        ingest.signal_and_wait()
        assert {filter["id"] for filter in ingest.stats()["pipelines"]["site"]["plugins"]["filters"]} == {"set-1", "geoip-1"}
        sender.send(window(range(6, 9)))
        sender.wait_for_ack(3)
    versions = {number_of(document.source)[1]: document.source["labels"]["version"] for document in store.documents()}
    assert versions == dict.fromkeys(range(6), "one") | dict.fromkeys(range(6, 9), "two")


def test_a_renewed_certificate_is_shown_to_new_connections(
    store: BulkStore, start_ingest: StartIngest, authority: CertificateAuthority, tmp_path: Path
) -> None:
    """Under the same name as before; one that cannot be used refuses the reload, and the old one stays."""
    old, new = authority.issue("old-ingest"), authority.issue("new-ingest")
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"

    def install(issued: Certificate) -> None:
        certificate.write_bytes(issued.certificate.read_bytes())
        key.write_bytes(issued.key.read_bytes())

    def shown(sender: Sender) -> str:
        assert isinstance(sender.socket, ssl.SSLSocket)
        subject = sender.socket.getpeercert()["subject"]
        return next(value for part in subject for name, value in part if name == "commonName")

    install(old)
    ingest = start_ingest(store.url)
    section = {"enabled": True, "certificate": str(certificate), "key": str(key)}
    reload(ingest, inputs=[ingest.input(ingest.port, tls=section)])
    context = ssl.create_default_context(cafile=str(authority.root.certificate))
    with Sender(ingest.port, tls=context) as staying:
        assert shown(staying) == "old-ingest"
        install(new)
        certificate.write_text("no certificate")
        ingest.signal_and_wait()
        assert str(certificate) in last_error(ingest)
        with Sender(ingest.port, tls=context) as another:
            assert shown(another) == "old-ingest"
        install(new)
        ingest.signal_and_wait()
        with Sender(ingest.port, tls=context) as another:
            assert shown(another) == "new-ingest"
            another.send(window(range(5)))
            another.wait_for_ack(5)
        staying.send(window(range(5, 10)))
        staying.wait_for_ack(5)


def test_what_waits_for_the_next_start_is_named(store: BulkStore, start_ingest: StartIngest) -> None:
    ingest = start_ingest(store.url)
    reload(
        ingest, workers=1, output={"elasticsearch": {"hosts": ["http://127.0.0.1:1"]}}, limits={"connections": 1}, shutdown_timeout="1s"
    )
    said = [entry for entry in ingest.logs() if entry["message"] == "takes effect at the next start"]
    assert [entry["labels"]["changed"] for entry in said] == ["limits, output, shutdown_timeout, workers"]
    assert said[0]["log.level"] == "warning"
    assert ingest.reloads()["successes"] == 1
    with Sender(ingest.port) as sender, Sender(ingest.port) as another:
        for connection in (sender, another):
            connection.send(window(range(5)))
            connection.wait_for_ack(5)


def test_a_template_comes_before_the_first_document(store: BulkStore, start_ingest: StartIngest) -> None:
    """While the store cannot take it the old pipelines go on; a store that refuses it refuses the reload."""
    ingest = start_ingest(store.url, changes={"pipelines": PIPELINES})
    with Sender(ingest.port) as sender:
        sender.send(window(range(5)))
        sender.wait_for_ack(5)
        store.fault("status", status=403, body="not allowed to manage templates", path="/_index_template/shop")
        reload(ingest, inputs=[ingest.input(ingest.port, "shop")])
        assert "shop" in last_error(ingest) and "403" in last_error(ingest)
        sender.send(window(range(5, 10)))
        sender.wait_for_ack(5)
        assert by_prefix(store) == {"nginx": list(range(10))}
        store.clear_faults()
        store.fault("status", status=503, path="/_index_template/shop", times=3)
        reload(ingest)
        assert ingest.reloads()["successes"] == 1
        assert "shop" in store.statistics()["templates"]
        sender.send(window(range(10, 15)))
        sender.wait_for_ack(5)
    assert by_prefix(store) == {"nginx": list(range(10)), "shop": list(range(10, 15))}


def test_the_service_stops_while_a_reload_waits_for_the_store(store: BulkStore, start_ingest: StartIngest) -> None:
    ingest = start_ingest(store.url, changes={"pipelines": PIPELINES})
    with Sender(ingest.port) as sender:
        sender.send(window(range(5)))
        sender.wait_for_ack(5)
    store.fault("hang", path="/_index_template/shop")
    ingest.configure({"inputs": [ingest.input(ingest.port, "shop")]})
    ingest.process.signal(1)
    wait_until(lambda: store.faults()[0]["used"] == 1, 10, "the reload to wait for the store")
    started = time.monotonic()
    assert ingest.process.terminate() == 0
    assert time.monotonic() - started < 5


@pytest.mark.timeout(90)
def test_reloads_under_load(store: BulkStore, start_ingest: StartIngest, start_shipper: Callable[..., Shipper], log: Path) -> None:
    """Twenty reloads between two indices while a shipper sends: one connection, every line once."""
    total = 20_000
    log.touch()
    ingest = start_ingest(store.url, changes={"pipelines": PIPELINES})
    start_shipper([log], ingest.port, changes={"output": {"bulk_max_events": 200}})
    done = threading.Event()

    def write() -> None:
        for start in range(0, total, 200):
            append(log, lines(range(start, start + 200)))
            time.sleep(0.02)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    turn = 0
    while not done.is_set() or turn < 20:
        turn += 1
        reload(ingest, inputs=[ingest.input(ingest.port, "shop" if turn % 2 else "nginx-access")])
    writer.join()
    store.wait_for_count(total, 30)
    assert ingest.reloads()["failures"] == 0
    assert len({document.index.rpartition("-")[0] for document in store.documents()}) == 2
    assert_exactly((number_of(document.source) for document in store.documents()), numbered(range(total)))
    # Probes of the harness aside, nobody had to connect again.
    assert ingest.metrics()["ingest_connections_lost_total"] == 0
    assert ingest.metrics()['ingest_connections_ended_total{reason="input_removed"}'] == 0
    ingest.assert_log_is_clean()
    store.assert_no_violations()
