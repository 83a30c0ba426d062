"""Transactions without end under Elastic's own agent: `python sampled_loop.py SERVER_URL [SETTING=VALUE…]`.

Prints `sampled True` or `sampled False` whenever that changes, which is what the central configuration is for.
"""

from __future__ import annotations

import logging
import sys
import time

import elasticapm

logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s %(levelname)s %(message)s")
settings = dict(argument.split("=", 1) for argument in sys.argv[2:])
client = elasticapm.Client(
    {
        "SERVICE_NAME": "loop", "ENVIRONMENT": "testing", "SERVER_URL": sys.argv[1], "API_REQUEST_TIME": "300ms",
        "METRICS_INTERVAL": "0ms", "CLOUD_PROVIDER": "none",
    }
    | settings
)  # fmt: skip
before = None
while True:
    transaction = client.begin_transaction("work")
    if transaction.is_sampled != before:
        before = transaction.is_sampled
        print(f"sampled {before}", flush=True)
    client.end_transaction("loop", "success")
    time.sleep(0.05)
