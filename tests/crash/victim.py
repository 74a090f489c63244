# ruff: noqa: T201  # a program for people: it prints
"""The program that crash tests kill: one run of a pipeline whose destination is a file that only grows.

Usage: ``python victim.py FOLDER '{"rows": 600, "mode": "slow", ...}'``; see ``Plan``. What arrives is appended to
``FOLDER/arrived.jsonl``, one line and one write a call, so a line is there or it is not, whenever the process dies.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from pathlib import Path

import attrs

import sinkkit
from sinkkit import RetryLater
from sinkkit.declaration.destination import as_destination
from sinkkit.errors import DeliveryFailed
from sinkkit.events import ignore
from sinkkit.faults import Point, idle
from sinkkit.runs.pipeline import Pipeline
from sinkkit.testing import CrashAt

SLOW_SECONDS = 0.02
"""How long a slow call takes: half of it before its rows arrive, half after."""

QUICK_SECONDS = 0.0007
"""How long a quick call waits: several of them fit into one claim, and the next is made meanwhile."""


@attrs.frozen(kw_only=True)
class Plan:
    """How the victim works and dies.

    Attributes:
        rows: How many.
        mode: ``slow`` calls wait, ``fast`` ones do not, ``quick`` ones hardly, ``mixed`` are fast and wait now and then, ``flaky`` ones are slow and fail at times.
        batch: Rows a call.
        workers: Calls at once.
        file_rows: Rows of a file of the package.
        page_seconds: How long the source takes for each page of 50 rows.
        bad: Each so many rows one does not fit its class; 0: rows are dicts, and all are sent.
        point: The crash point at which the process kills itself; None: at none.
        nth: At which time that is.
    """

    rows: int = 600
    mode: str = "slow"
    batch: int = 10
    workers: int = 4
    file_rows: int = 250
    page_seconds: float = 0.0
    bad: int = 0
    point: str | None = None
    nth: int = 1


@attrs.define
class Contact:
    """A row that is an object: one without text as its name does not fit."""

    id: int
    name: str


def pages(plan):
    """The rows, as a source that takes its time gives them."""
    never = threading.Event()
    for first in range(0, plan.rows, 50):
        if plan.page_seconds:
            never.wait(plan.page_seconds)
        yield [{"id": i, "name": i if plan.bad and i % plan.bad == 0 else f"näme {i}"} for i in range(first, min(first + 50, plan.rows))]


def sink_of(plan, log):
    """The destination: waits as its mode says, and writes down what arrived."""
    never = threading.Event()

    def note(items, batch, said):
        line = {
            "key": batch.key, "rows": [row["id"] for row in items], "attempt": batch.attempt, "said": said,
            "pid": os.getpid(), "thread": threading.get_ident(), "at": time.monotonic(),
        }  # fmt: skip
        os.write(log, (json.dumps(line) + "\n").encode())

    def sink(items: list[dict], batch: sinkkit.Batch):
        chance = random.Random(f"{batch.key}/{batch.attempt}").random()  # the same in every process
        slow = plan.mode in {"slow", "flaky"} or (plan.mode == "mixed" and chance < 0.01)
        if slow:
            never.wait(SLOW_SECONDS / 2)
        if plan.mode == "flaky" and chance < 0.1:
            raise RetryLater("try again")
        if plan.mode == "quick":
            never.wait(QUICK_SECONDS)
        said = "timeout" if plan.mode == "flaky" and chance < 0.2 else "ok"
        note(items, batch, said)
        if slow:
            never.wait(SLOW_SECONDS / 2)
        if said == "timeout":
            raise TimeoutError("the answer was lost")

    def typed(items: list[Contact], batch: sinkkit.Batch):
        sink([{"id": item.id} for item in items], batch)

    options = {"batch_size": plan.batch, "workers": plan.workers, "retry": sinkkit.Retry(first_wait=0.01, longest_wait=0.05)}
    return sinkkit.destination(name="file", **options)(typed if plan.bad else sink)


def main(folder, text):
    """One run; prints its report as JSON."""
    plan = Plan(**json.loads(text))
    log = os.open(folder / "arrived.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    pipeline = Pipeline(
        "p",
        destination=as_destination(sink_of(plan, log)),
        dataset_name=None,
        pipelines_dir=folder,
        dev_mode=False,
        observe=ignore,
        keep_packages=0,
        max_file_rows=plan.file_rows,
        max_file_bytes=1 << 26,
        drain=5.0,
        faults=idle if plan.point is None else CrashAt(Point(plan.point), plan.nth),
    )
    print("ready", flush=True)
    try:
        info = pipeline.run(pages(plan), table_name="t", run_id="only")
    except DeliveryFailed as error:
        print(json.dumps(error.info.asdict()), flush=True)
        return 1
    print(json.dumps(info.asdict()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
