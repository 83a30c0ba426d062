"""pylogbeat and python-logstash-async: Lumberjack senders with habits of their own."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable

import pylogbeat
import pytest
from logstash_async.handler import AsynchronousLogstashHandler

from harness import loglines
from harness.loglines import assert_exactly, number_of, numbered
from harness.services import Ingest
from harness.store import BulkStore


def event(number: int) -> dict[str, object]:
    """What a small Python sender makes of an access line: no `@metadata`, no `log.offset`."""
    return {"message": loglines.line(number).decode().rstrip("\n"), "host": {"name": "python-1"}, "n": number}


def test_pylogbeat_counts_its_sequence_over_all_windows(store: BulkStore, start_ingest: Callable[..., Ingest]) -> None:
    """The second window begins with sequence 4, and its ack must be 4 and more, not the window's size."""
    ingest = start_ingest(store.url)
    client = pylogbeat.PyLogBeatClient("127.0.0.1", ingest.port, timeout=20)
    client.connect()
    position = 0
    for size in (3, 1, 5, 20):
        client.send([event(number) for number in range(position, position + size)])
        position += size
        # The call returns with the ack, so the events are stored by now.
        assert store.count() == position
    client.close()
    assert_exactly((number_of(document.source) for document in store.documents()), numbered(range(29)))
    store.assert_no_violations()


@pytest.mark.timeout(60)
def test_python_logstash_async_records_all_arrive(store: BulkStore, start_ingest: Callable[..., Ingest]) -> None:
    """It sends up to 25 records a window, `host` as text, a newline inside the payload, and reconnects all the time."""
    ingest = start_ingest(store.url)
    handler = AsynchronousLogstashHandler(
        "127.0.0.1", ingest.port, database_path=None, transport="logstash_async.transport.BeatsTransport", enable=True
    )
    logger = logging.getLogger("end-to-end")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        for number in range(300):
            logger.info(loglines.line(number).decode().rstrip("\n"))
        handler.flush()
        store.wait_for_count(300, 30)
    finally:
        logger.removeHandler(handler)
        handler.close()
    found = Counter(number_of(document.source) for document in store.documents())
    assert_exactly(found.elements(), numbered(range(300)))
    store.assert_no_violations()
