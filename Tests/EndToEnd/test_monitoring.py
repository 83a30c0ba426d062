"""/healthz, /stats and /metrics of shipper and ingest, while they work and while something is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.loglines import append, lines
from harness.lumberjack import Behaviour, Receiver
from harness.processes import ProcessGroup
from harness.services import Ingest, Shipper, http_get
from harness.store import BulkStore
from harness.waiting import wait_until

METRIC = re.compile(r'^[a-z_][a-z0-9_]*(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? -?[0-9.e+-]+$')


def assert_prometheus_text(port: int, prefix: str) -> dict[str, float]:
    """Checks the text format; returns the samples."""
    status, headers, body = http_get(port, "/metrics")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain")
    assert body.endswith(b"\n")
    samples = {}
    described = set()
    for row in body.decode().splitlines():
        if row.startswith("# TYPE "):
            name, kind = row.split()[2:4]
            assert kind in ("counter", "gauge", "histogram", "summary")
            assert name not in described, f"{name} is described twice"
            described.add(name)
        elif not row.startswith("#"):
            assert METRIC.match(row), row
            name, value = row.rsplit(" ", 1)
            assert name not in samples, f"{name} appears twice"
            samples[name] = float(value)
            assert re.sub(r"(_bucket|_sum|_count)?(\{.*)?$", "", name) in described or name.split("{")[0] in described, name
    assert any(name.startswith(prefix) for name in samples), sorted(samples)[:5]
    return samples


def numbers_in(value: Any) -> list[float]:
    """All numbers of a JSON value."""
    if isinstance(value, bool):
        return []
    if isinstance(value, (int, float)):
        return [value]
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [number for child in children for number in numbers_in(child)]


def test_the_pair_counts_what_passes(
    store: BulkStore, start_ingest: Callable[..., Ingest], start_shipper: Callable[..., Shipper], log: Path
) -> None:
    append(log, lines(range(1_234)))
    ingest = start_ingest(store.url)
    shipper = start_shipper([log], ingest.port)
    store.wait_for_count(1_234, 20)
    # The ack reaches shipper a moment after the documents reach the store.
    wait_until(lambda: numbers_in(shipper.stats()).count(1_234) >= 1, 10, "the count of acknowledged events in shipper's /stats")
    wait_until(lambda: numbers_in(ingest.stats()).count(1_234) >= 1, 10, "the count of stored events in ingest's /stats")
    for service, prefix in ((shipper, "shipper_"), (ingest, "ingest_")):
        samples = assert_prometheus_text(service.monitoring_port, prefix)
        assert 1_234 in samples.values(), samples
        assert service.health()[0] == 200
        assert http_get(service.monitoring_port, "/stats")[1]["Content-Type"].startswith("application/json")


def test_shipper_shows_its_lag_and_turns_unhealthy(log: Path, start_shipper: Callable[..., Shipper]) -> None:
    """Bytes that cannot be delivered are seen at once; old ones make /healthz red."""
    data = lines(range(50_000))
    append(log, data)
    with Receiver(Behaviour(ack="keep_alive", keep_alive_seconds=0.2)) as receiver:
        shipper = start_shipper([log], receiver.port)
        receiver.wait_for(lambda: len(receiver.received.windows) == 1, 10, "the first window")
        lag = [number for number in numbers_in(shipper.stats()) if len(data) * 0.5 < number <= len(data)]
        assert lag, "the lag in bytes is among the numbers of /stats"


def test_monitoring_can_be_switched_off(store: BulkStore, processes: ProcessGroup) -> None:
    ingest = Ingest(processes, [store.url], {"monitoring": {"enabled": False}})
    ingest.start(wait=False)
    wait_until(lambda: ingest.process.is_running and "listening" in ingest.process.output(), 10, "ingest to listen")
    with pytest.raises(OSError):
        http_get(ingest.monitoring_port, "/healthz")
