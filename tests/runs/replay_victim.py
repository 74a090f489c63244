"""The program that replay tests kill: a pipeline whose destination is a file that only grows.

Usage: ``python replay_victim.py FOLDER WHAT POINT NTH``: ``WHAT`` is ``replay`` or ``run``; at the NTH time that POINT is reached it
kills itself. What arrives is appended to ``FOLDER/arrived.jsonl``, one line and one write a call.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import sinkkit
from sinkkit import Outcome
from sinkkit.faults import Point, idle
from sinkkit.testing import CrashAt

ROWS = 24


def pipeline(folder, *, refuse=False, faults=idle, bad=()):
    """The pipeline; it refuses every other row, or those that are *bad*."""

    def crm(items: list[dict], batch):
        ids = [row["id"] for row in items]
        rejected = {place: "no" for place, one in enumerate(ids) if (refuse and one % 2) or one in bad}
        entry = {"key": batch.key, "rows": [one for place, one in enumerate(ids) if place not in rejected]}
        log = os.open(folder / "arrived.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(log, (json.dumps(entry) + "\n").encode())
        os.close(log)
        return Outcome(rejected=rejected)

    sink = sinkkit.destination(name="crm", batch_size=2, workers=2)(crm)
    made = sinkkit.pipeline("p", destination=sink, pipelines_dir=folder, progress="off")
    made.faults = faults
    return made


def people(first, count):
    """Rows, numbered."""
    return [{"id": number} for number in range(first, first + count)]


def arrived(folder):
    """Every call that arrived: its key and the ids of its rows that were not refused."""
    return [json.loads(line) for line in (folder / "arrived.jsonl").read_text().splitlines()]


def main(folder, what, point, nth):
    """Replay, or run with new data, and die on the way."""
    made = pipeline(folder, faults=CrashAt(Point(point), nth))
    if what == "replay":
        made.replay()
    else:
        made.run(people(1_000, 8), table_name="people")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
