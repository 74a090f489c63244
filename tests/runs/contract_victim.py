"""The program that tests of contracts kill: every third row has a column that the contract does not know.

Usage: ``python contract_victim.py FOLDER WHAT POINT``: ``WHAT`` is ``run`` or ``steps``; when POINT is reached, it kills itself.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import sinkkit
from sinkkit.faults import Point, idle
from sinkkit.testing import CrashAt

ROWS = [{"id": number, **({"new": "x"} if number % 3 == 0 else {})} for number in range(30)]


def pipeline(folder, *, faults=idle):
    """The pipeline; what arrives is appended to a file, one line and one write a call."""

    def crm(items: list[dict]):
        log = os.open(folder / "arrived", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(log, "".join(f"{row['id']}\n" for row in items).encode())
        os.close(log)

    shape = {"naming_convention": "snake_case"}
    made = sinkkit.pipeline("p", sinkkit.destination(name="crm", batch_size=4, workers=1, **shape)(crm), pipelines_dir=folder, progress="off")
    made.faults = faults
    return made


def arrived(folder):
    """The ids of rows that arrived, in order."""
    return [int(line) for line in (folder / "arrived").read_text().split()]


def take(made, what):
    """Take the rows, in one go or in steps."""
    if what == "run":
        made.run(ROWS, table_name="people", schema_contract={"columns": "discard_row"})
    else:
        made.extract(ROWS, table_name="people", schema_contract={"columns": "discard_row"})
        made.load()


if __name__ == "__main__":
    take(pipeline(Path(sys.argv[1]), faults=CrashAt(Point(sys.argv[3]), 1)), sys.argv[2])
