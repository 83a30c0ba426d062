"""How long lines wait, and when /healthz of shipper turns red because of that."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.loglines import append, lines
from harness.lumberjack import Behaviour, Receiver
from harness.services import Shipper
from harness.waiting import stays_true, wait_until

StartShipper = Callable[..., Shipper]


def reasons(shipper: Shipper) -> list[str]:
    """What /healthz complains about; the status fits."""
    status, text = shipper.health()
    answer = json.loads(text)
    assert status == (503 if answer.get("reasons") else 200)
    return answer.get("reasons", [])


def shown(shipper: Shipper) -> dict[str, dict[str, Any]]:
    """The files of /stats by path."""
    return {row["path"]: row for row in shipper.stats()["shipping"]["files"]["shown"]}


def test_red_without_a_receiver_and_green_when_it_is_back(log: Path, start_shipper: StartShipper) -> None:
    append(log, lines(range(1_000)))
    with Receiver() as gone:
        port = gone.port
    shipper = start_shipper([log], port, changes={"monitoring": {"max_lag_age": "1s"}, "output": {"bulk_max_events": 100}})
    assert reasons(shipper) == []
    (reason,) = wait_until(lambda: reasons(shipper), 10, "the health to turn red")
    assert re.fullmatch(
        rf"{log}: {log.stat().st_size} bytes not stored since \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ \(\d+ s\), "
        rf"not connected: 127\.0\.0\.1:{port}: Connection refused; {log.stat().st_size} bytes behind in 1 file",
        reason,
    ), reason
    metrics = shipper.metrics()
    assert metrics["shipper_lag_seconds"] > 1
    assert metrics[f'shipper_file_lag_seconds{{path="{log}"}}'] > 1
    assert metrics[f'shipper_file_lag_bytes{{path="{log}"}}'] == log.stat().st_size
    with Receiver(port=port) as receiver:
        receiver.wait_for(lambda: len(receiver.acknowledged_events) == 1_000, 20, "all lines")
        wait_until(lambda: reasons(shipper) == [], 10, "the health to turn green")
        stats = shipper.stats()["shipping"]
        assert (stats["lag_bytes"], stats["lag_seconds"], stats["connection_error"]) == (0, 0, None)
        assert shipper.metrics()["shipper_lag_seconds"] == 0


def test_red_when_acks_do_not_come_and_off_when_told(log: Path, start_shipper: StartShipper) -> None:
    append(log, lines(range(10)))
    with Receiver(Behaviour(ack="keep_alive", keep_alive_seconds=0.1)) as receiver:
        shipper = start_shipper([log], receiver.port, changes={"monitoring": {"max_lag_age": "500ms"}})
        patient = start_shipper([log], receiver.port, changes={"monitoring": {"max_lag_age": 0}}, name="patient")
        (reason,) = wait_until(lambda: reasons(shipper), 10, "the health to turn red")
        assert "connected; " in reason and "not connected" not in reason
        assert reasons(patient) == []
        assert patient.stats()["shipping"]["lag_seconds"] > 0


def test_every_file_has_its_own_age(log: Path, start_shipper: StartShipper) -> None:
    """The second file comes later, and is not read while nothing can be sent; a part of a line waits for nobody."""
    later = log.with_name("later.log")
    part = log.with_name("part.log")
    append(log, lines(range(5_000)))
    part.write_bytes(b"not complete")
    later.touch()
    with Receiver() as gone:
        port = gone.port
    shipper = start_shipper([log, part, later], port, changes={"output": {"bulk_max_events": 100}})
    wait_until(lambda: shown(shipper)[str(log)]["lag_seconds"] > 1, 10, "the first file to wait")
    assert shown(shipper)[str(later)]["lag_seconds"] == 0
    append(later, lines(range(10), run="b"))
    age = wait_until(lambda: shown(shipper)[str(later)]["lag_seconds"], 10, "the second file to be seen")
    assert age < shown(shipper)[str(log)]["lag_seconds"] - 0.5
    with Receiver(port=port) as receiver:
        receiver.wait_for(lambda: len(receiver.acknowledged_events) == 5_010, 20, "all lines")
        wait_until(lambda: {row["lag_seconds"] for row in shown(shipper).values()} == {0}, 10, "no line to wait")
        row = shown(shipper)[str(part)]
        assert (row["lag_bytes"], row["lag_seconds"]) == (12, 0)
        stays_true(lambda: shown(shipper)[str(part)]["lag_seconds"] == 0, 0.5, "a part of a line has no age")
