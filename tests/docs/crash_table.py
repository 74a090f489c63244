# ruff: noqa: T201  # a program: it prints
"""What a kill at each instant of a batch's life comes to, for each kind of destination, measured; prints JSON.

Usage: ``python crash_table.py FOLDER``. Each case is a process of its own, forked and killed with SIGKILL, and a run that goes on from there.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path

import sinkkit
from sinkkit.declaration.destination import as_destination
from sinkkit.errors import DeliveryFailed
from sinkkit.events import ignore
from sinkkit.faults import Point, idle
from sinkkit.runs.pipeline import Pipeline
from sinkkit.testing import CrashAt

ROWS = 5
INSTANTS = {
    "before the claim": Point.BEFORE_CLAIM,
    "claimed": Point.AFTER_CLAIM,
    "request lost": None,
    "request on its way": None,
    "answer lost": None,
    "answer read": Point.AFTER_CALL,
    "settled": Point.AFTER_SETTLE,
}
"""Where the process dies: at a named point, or inside the function."""

KINDS = ["no key", "key", "overwrites", "probe", "transaction", "hold"]
PROBED = ["probe", "transaction"]
LATE_SECONDS = 60.0
"""For how long a request is on its way at most, if nobody goes on meanwhile."""

moment = threading.Event()


class Log:
    """A destination that is a file with a line for each request that arrived."""

    def __init__(self, folder):
        self.path = folder / "arrived"

    def arrive(self, key, rows):
        with self.path.open("a") as file:
            file.write(json.dumps({"key": key, "rows": rows}) + "\n")

    def lines(self):
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []

    def times(self, kind):
        lines = [line for line in self.lines() if 0 in line["rows"]]
        return len({line["key"] for line in lines}) if kind == "key" else len(lines)

    def has(self, key):
        return key in [line["key"] for line in self.lines()]


class Database:
    """A destination that takes the rows and the key of a batch in one transaction."""

    def __init__(self, folder):
        self.path = folder / "arrived.db"

    def open(self):
        db = sqlite3.connect(self.path, timeout=30)
        db.execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER)")
        db.execute("CREATE TABLE IF NOT EXISTS sent (key TEXT PRIMARY KEY)")
        return db

    def ask(self, query, *values):
        with contextlib.closing(self.open()) as db:
            return db.execute(query, values).fetchone()[0]

    def arrive(self, key, rows, *, commit=True):
        db = self.open()
        try:
            with db:
                db.execute("INSERT INTO sent VALUES (?)", (key,))
                db.executemany("INSERT INTO rows VALUES (?)", [(row,) for row in rows])
                if not commit:
                    die()
        except sqlite3.IntegrityError:
            pass  # it is there already
        finally:
            db.close()

    def times(self, kind):
        return self.ask("SELECT count(*) FROM rows WHERE id = 0")

    def has(self, key):
        return self.ask("SELECT count(*) FROM sent WHERE key = ?", key) == 1


def die():
    """As by ``kill -9``."""
    os.kill(os.getpid(), signal.SIGKILL)


def later(there, resumed, done, key, rows):
    """Let the request arrive when the next run has ended, from a process that the kill leaves alone."""
    if os.fork() == 0:
        until = time.monotonic() + LATE_SECONDS
        while not resumed.exists() and time.monotonic() < until:
            moment.wait(0.01)
        there.arrive(key, rows)
        done.touch()
        os._exit(0)


def destination_of(kind, folder, instant=None):
    """The destination, which dies at *instant*."""
    there = Database(folder) if kind == "transaction" else Log(folder)

    def sink(items: list[dict], batch: sinkkit.Batch):
        rows = [row["id"] for row in items]
        if instant == "request lost":
            if kind == "transaction":
                there.arrive(batch.key, rows, commit=False)
            die()
        if instant == "request on its way":
            later(there, folder / "resumed", folder / "landed", batch.key, rows)
            die()
        there.arrive(batch.key, rows)
        if instant == "answer lost":
            die()

    on_unknown = "probe" if kind in PROBED else "hold" if kind == "hold" else "resend"
    factory = sinkkit.destination(name="there", batch_size=ROWS, workers=1, on_unknown=on_unknown)(sink)
    factory.probe(lambda batch: sinkkit.Outcome() if there.has(batch.key) else None)
    return as_destination(factory), there


def pipeline_of(destination, folder, faults=idle):
    """The pipeline of one case."""
    return Pipeline(
        "p", destination=destination, dataset_name=None, pipelines_dir=folder, dev_mode=False, observe=ignore, keep_packages=0,
        max_file_rows=1000, max_file_bytes=1 << 20, drain=5.0, faults=faults,
    )  # fmt: skip


def crash(kind, instant, folder):
    """Deliver one batch in a process that dies at *instant*."""
    child = os.fork()
    if child == 0:
        point = INSTANTS[instant]
        destination, _ = destination_of(kind, folder, instant)
        pipeline_of(destination, folder, idle if point is None else CrashAt(point)).run([{"id": n} for n in range(ROWS)], table_name="t")
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"{kind}, {instant}: it did not die"
    assert os.WTERMSIG(status) == signal.SIGKILL


def go_on(kind, instant, folder):
    """What the next run makes of it: how often the rows arrived in the end, and what the report says."""
    destination, there = destination_of(kind, folder)
    try:
        info = pipeline_of(destination, folder).resume()
    except DeliveryFailed as error:
        info = error.info
    (folder / "resumed").touch()
    while instant == "request on its way" and not (folder / "landed").exists():
        moment.wait(0.01)
    total = info.total
    assert total.delivered + total.unknown == ROWS
    if total.unknown:
        return "held"
    times = there.times(kind)
    said = {0: "never", 1: "once"}.get(times, "overwritten" if kind == "overwrites" else "twice")
    return f"{said}, resent" if total.resent else said


def main(folder):
    """Every case: all deaths first, while this process has one thread, then what follows."""
    places = {(instant, kind): folder / f"{instant} {kind}" for instant in INSTANTS for kind in KINDS}
    for (instant, kind), place in places.items():
        place.mkdir()
        crash(kind, instant, place)
    print(json.dumps([[instant, *(go_on(kind, instant, places[instant, kind]) for kind in KINDS)] for instant in INSTANTS]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
