"""Destinations that keep the contract, each in its own way."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import httpx
import pyarrow as pa

import sinkkit
from sinkkit import Outcome
from sinkkit.testing import Answer, DestinationContract


class Contract(DestinationContract):
    """The contract of these tests, with a pause that is short."""

    pause_seconds = 0.2

    def partly(self, request, refused):
        return Answer(body={"refused": refused})


def outcome_of(answer):
    """What the API of these tests says of each row."""
    refused = answer.raise_for_status().json().get("refused", {})
    return Outcome(rejected={int(index): why for index, why in refused.items()})


def sends(function):
    """A class under test whose destination is *function*."""
    destination = sinkkit.destination(batch_size=100, idempotency_header="Idempotency-Key")(function)
    return destination_is(destination)


def destination_is(destination):
    """A decorator: the class under test has this *destination*."""

    def decorate(kind):
        kind.destination = lambda self, api: destination
        return kind

    return decorate


def simple(items: list[dict], http: httpx.Client):
    return outcome_of(http.post("/rows", json=items))


async def coroutine(items: list[dict], http: httpx.AsyncClient):
    return outcome_of(await http.post("/rows", json=items))


def arrow(items: pa.Table, http: httpx.Client):
    return outcome_of(http.post("/rows", json=items.to_pylist()))


@sends(simple)
class Simple(Contract):
    """An injected client."""


@sends(coroutine)
class Coroutine(Contract):
    """A coroutine."""


@destination_is(sinkkit.destination(loader_file_format="parquet", idempotency_header="Idempotency-Key")(arrow))
class Arrow(Contract):
    """Rows as Arrow tables."""


@sinkkit.destination(batch_size=1)
def one_by_one(items: list[dict], batch, url: str):
    row = {"record": {"Id": items[0]["id"], "Label": items[0]["name"].upper()}, "request_id": batch.key}
    httpx.post(f"{url}/record", json=row, trust_env=False).raise_for_status()


class OneByOne(DestinationContract):
    """A client of its own, one row a request, another shape, the key in the body."""

    pause_seconds = 0.2

    def destination(self, api):
        return one_by_one(url=api.url)

    def rows_in(self, headers, body):
        return [json.loads(body)["record"]]

    def number_of(self, arrived):
        return arrived["Id"]

    def arrived(self, row):
        return {"Id": row["id"], "Label": row["name"].upper()}

    def key(self, request):
        return json.loads(request.body)["request_id"]


@sinkkit.destination(batch_size=0, idempotency_header="Idempotency-Key")
def whole_files(items: Path, http: httpx.Client):
    http.post("/files", content=items.read_bytes(), headers={"Content-Type": "application/x-ndjson"}).raise_for_status()


@destination_is(whole_files)
class WholeFiles(DestinationContract):
    """A file a call."""

    pause_seconds = 0.2

    def row(self, number):
        return {"id": number, "name": f"Zoë {number}"}


@sinkkit.destination(batch_size=50)
def database(items: list[dict], path: str):
    with sqlite3.connect(path, timeout=30) as db:
        db.execute("CREATE TABLE IF NOT EXISTS rows (line TEXT)")
        db.executemany("INSERT INTO rows VALUES (?)", [(json.dumps(row),) for row in items])
    db.close()


class Database(DestinationContract):
    """No HTTP at all."""

    http = False

    def destination(self, api):
        return database(path=str(self.folder / "there.db"))

    def received(self, api):
        path = self.folder / "there.db"
        if not path.exists():
            return []
        db = sqlite3.connect(path)
        found = [json.loads(line) for (line,) in db.execute("SELECT line FROM rows")]
        db.close()
        return found


def ledger(items: list[dict], http: httpx.Client):
    http.post("/rows", json=items).raise_for_status()


def probing(answer):
    """A destination with a probe; *answer* says what the probe makes of what the API tells it."""
    destination = sinkkit.destination(batch_size=100, name="ledger", idempotency_header="Idempotency-Key")(ledger)

    @destination.probe
    def there(batch, http: httpx.Client):
        return answer(http.get(f"/rows/{batch.key}").raise_for_status().json()["found"])

    return destination


class Ledger(DestinationContract):
    """A destination that can be asked."""

    pause_seconds = 0.2

    def answer(self, api, request):
        if request.method != "GET":
            return Answer()
        key = request.path.rpartition("/")[2]
        return Answer(body={"found": key in [one.key for one in api.requests if one.processed and one.rows]})


@destination_is(probing(lambda found: Outcome() if found else None))
class Probing(Ledger):
    """A probe that looks."""


def no_key(items: list[dict], http: httpx.Client):
    return outcome_of(http.post("/rows", json=items))


class NoKey(Contract):
    """Sends no key, as the API knows none."""

    def destination(self, api):
        return sinkkit.destination(batch_size=100)(no_key)
