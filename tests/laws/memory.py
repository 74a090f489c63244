# ruff: noqa: T201  # a program for people: it prints
"""Peak memory of a run over rows from a generator, in a process of its own: ``python tests/laws/memory.py --rows 10000000``.

Prints megabytes over the import, and exits with 1 if they are more than 150 MiB.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile

import sinkkit

LIMIT_MIB = 150
"""What law L6 allows over the import."""


@sinkkit.destination(batch_size=1_000, durability="process")
def sink(items):
    """Deliver everything."""


def peak_mib():
    """The most memory this process has had so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main():
    """One run; prints its peak over the import in MiB."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    before = peak_mib()
    with tempfile.TemporaryDirectory() as folder:
        source = ({"id": i, "name": f"name_{i}", "price": i * 0.25, "active": i % 2 == 0} for i in range(rows))
        info = sinkkit.pipeline("memory", destination=sink, pipelines_dir=folder, progress="off").run(source, table_name="t")
    assert info.total.delivered == rows
    print(round(peak_mib() - before, 1))
    return 0 if peak_mib() - before < LIMIT_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
