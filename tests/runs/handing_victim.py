"""The program that tests of handing over kill: it exports a package, or imports one, and kills itself on the way.

Usage: ``python handing_victim.py FOLDER export|import POINT``: pipeline ``here`` exports to ``FOLDER/package.tar.gz``, pipeline ``there``
imports it. Rows that arrive are appended to ``FOLDER/arrived.jsonl``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import sinkkit
from sinkkit.faults import Point, idle
from sinkkit.testing import CrashAt

ROWS = [{"id": number, "name": f"näme {number}"} for number in range(50)]


def pipeline(folder, name, faults=idle):
    """The pipeline called *name*, whose destination writes down what arrives."""

    def crm(items: list[dict]):
        with (folder / "arrived.jsonl").open("a") as file:
            file.write("".join(json.dumps({**row, "from": name}) + "\n" for row in items))

    sink = sinkkit.destination(name="crm", batch_size=10, workers=1)(crm)
    made = sinkkit.pipeline(name, sink, pipelines_dir=folder / "state", progress="off")
    made.faults = faults
    return made


def arrived(folder):
    """The ids of rows that arrived, and which pipelines sent them."""
    path = folder / "arrived.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [line["id"] for line in lines], list(dict.fromkeys(line["from"] for line in lines))


def main(folder, what, point):
    """Export or import, and die on the way."""
    faults = CrashAt(Point(point))
    if what == "export":
        pipeline(folder, "here", faults).packages.export(folder / "package.tar.gz")
    else:
        pipeline(folder, "there", faults).packages.import_file(folder / "package.tar.gz")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
