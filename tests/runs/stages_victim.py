"""The program that tests of stages kill: a pipeline that delivers users and their pets to a file that only grows.

Usage: ``python stages_victim.py FOLDER WHAT POINT NTH``: ``WHAT`` is ``run`` or ``load``; at the NTH time that POINT is reached it kills itself. What arrives is appended to
``FOLDER/arrived.jsonl``, one line and one write a call.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import sinkkit
from sinkkit.faults import Point, idle
from sinkkit.testing import CrashAt

USERS = [{"id": number, "pets": [{"of": number, "toys": [number * 10, number * 10 + 1]}]} for number in range(8)]
TABLES = ["users", "users__pets", "users__pets__toys"]


def pipeline(folder, *, faults=idle, act=None, **settings):
    """The pipeline; *act* is called with each batch before it arrives."""

    def crm(items: list[dict], table, batch):
        if table["name"].startswith("_sk_"):  # these tell of loads
            return
        if act is not None:
            act(table["name"], items)
        entry = {"table": table["name"], "key": batch.key, "rows": items}
        log = os.open(folder / "arrived.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(log, (json.dumps(entry) + "\n").encode())
        os.close(log)

    shape = {"max_nesting_level": 2, "skip_internal_columns_and_tables": False}
    sink = sinkkit.destination(name="crm", **{"batch_size": 2, "workers": 2, **shape, **settings})(crm)
    made = sinkkit.pipeline("p", destination=sink, pipelines_dir=folder, progress="off")
    made.faults = faults
    return made


def arrived(folder):
    """Every call that arrived, in order: its table, its key and its rows."""
    log = folder / "arrived.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def main(folder, what, point, nth):
    """Run, or load what was extracted, and die on the way."""
    made = pipeline(folder, faults=CrashAt(Point(point), nth))
    if what == "run":
        made.run(USERS, table_name="users")
    else:
        made.load()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
