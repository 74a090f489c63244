"""The program that tests of the three steps kill: one step of a pipeline, in a process of its own.

Usage: ``python steps_victim.py FOLDER STEP [POINT NTH]``: ``STEP`` is ``extract``, ``normalize`` or ``load``; at the NTH time that POINT is
reached it kills itself. What arrives is appended to ``FOLDER/arrived.jsonl``, one line and one write a call.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import sinkkit
from sinkkit.faults import Point, idle
from sinkkit.testing import CrashAt

ROWS = 24


def pipeline(folder, *, faults=idle, destination="parquet"):
    """The pipeline; its destination wants its rows as parquet, so that they are written again for it, unless it wants another form."""

    def crm(items, batch: sinkkit.Batch):
        rows = items if isinstance(items, list) else items.to_pylist()
        entry = {"key": batch.key, "rows": [row["id"] for row in rows]}
        log = os.open(folder / "arrived.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(log, (json.dumps(entry) + "\n").encode())
        os.close(log)

    sink = None if destination is None else sinkkit.destination(name="crm", batch_size=3, workers=2, loader_file_format=destination)(crm)
    made = sinkkit.pipeline("p", destination=sink, pipelines_dir=folder, progress="off")
    made.faults = faults
    return made


def pages():
    """The rows, in several pages."""
    for first in range(0, ROWS, 6):
        yield [{"id": number} for number in range(first, first + 6)]


def arrived(folder):
    """Every call that arrived: its key and the ids of its rows."""
    path = folder / "arrived.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def main(folder, step, point=None, nth="1"):
    """Do one step, and die on the way if a point is given."""
    faults = idle if point is None else CrashAt(Point(point), int(nth))
    if step == "extract":
        pipeline(folder, faults=faults, destination=None).extract(pages, table_name="people", run_id="monday")
    elif step == "normalize":
        pipeline(folder, faults=faults).normalize()
    else:
        pipeline(folder, faults=faults).load()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
