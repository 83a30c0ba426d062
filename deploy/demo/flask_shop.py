"""A small Flask shop under Elastic's own agent: `python flask_shop.py PORT APM_SERVER_URL [ADDRESS]`.

The secret token comes from the variable APM_SECRET_TOKEN, or from the file that APM_SECRET_TOKEN_FILE names if it is there.

`/item/N` reads a database and asks another service, every twentieth order fails, `/log` logs an error. Everything the
agent itself has to say goes to standard error.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import sys
import urllib.request
from pathlib import Path

from elasticapm.contrib.flask import ElasticAPM
from flask import Flask, jsonify
from werkzeug.serving import make_server

logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s %(levelname)s %(message)s")
PORT = int(sys.argv[1])
ADDRESS = sys.argv[3] if len(sys.argv) > 3 else "127.0.0.1"
TOKEN_FILE = Path(os.environ.get("APM_SECRET_TOKEN_FILE", "/nonexistent"))

app = Flask("shop")
app.config["ELASTIC_APM"] = {
    "SERVICE_NAME": "flask-shop",
    "SERVICE_VERSION": "1.2.3",
    "ENVIRONMENT": "testing",
    "SERVER_URL": sys.argv[2],
    "SECRET_TOKEN": TOKEN_FILE.read_text().strip() if TOKEN_FILE.exists() else os.environ.get("APM_SECRET_TOKEN", ""),
    "API_REQUEST_TIME": "1s",
    "METRICS_INTERVAL": "2s",
    "CAPTURE_BODY": "all",
    "TRANSACTION_IGNORE_URLS": "/ready",
    "GLOBAL_LABELS": "team=web,rank=1",
}
apm = ElasticAPM(app)


def names() -> sqlite3.Connection:
    """A database with one table."""
    connection = sqlite3.connect(":memory:")
    connection.execute("create table item (id integer, name text)")
    connection.execute("insert into item values (7, 'lamp')")
    return connection


@app.get("/ready")
def ready() -> str:
    """For whoever starts this program; not traced."""
    return "ready"


@app.get("/")
def index() -> str:
    """Nothing but a page."""
    return "shop"


@app.get("/stock/<int:number>")
def stock(number: int) -> object:
    """What the item page asks."""
    return jsonify(number=number)


@app.get("/item/<int:number>")
def item(number: int) -> object:
    """A page with a database query and a request to another service."""
    with names() as connection:
        row = connection.execute("select name from item where id = ?", (7,)).fetchone()
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/stock/{number}") as answer:
        return jsonify(name=row[0], stock=json.load(answer))


@app.post("/order/<int:number>")
def order(number: int) -> object:
    """Fails for every twentieth number."""
    return jsonify(share=100 // (number % 20))


@app.get("/log")
def log() -> str:
    """An error that is only logged."""
    apm.capture_message("the card of %s was refused", params=("bob",))
    return "logged"


if __name__ == "__main__":
    make_server(ADDRESS, PORT, app, threaded=True).serve_forever()
