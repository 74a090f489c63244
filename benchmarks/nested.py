"""Nested rows, snake_case, level 1: sinkkit, and dlt beside it if a Python that has it is given.

``python benchmarks/nested.py [PYTHON]``. Each run is a process of its own, the systems in turn; shown are medians of the time that a whole run takes
after the import, by the clock and in processor time, which a busy machine disturbs less. Rows have keys in camel case, a dict inside a dict and a list
of two dicts, each with a list of numbers; so three rows arrive for each. A time counts only if all of them did.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROWS = 50_000
REPEATS = 3
BATCH = 1_000


def row(i: int) -> dict[str, Any]:
    """A user with an address and two pets."""
    return {
        "userId": i,
        "fullName": f"name_{i}",
        "isActive": i % 2 == 0,
        "address": {"City": f"city_{i % 97}", "Zip": f"{i % 100_000:05}", "geo": {"lat": i * 0.25, "lon": -i * 0.5}},
        "pets": [{"petName": f"pet_{i}_{k}", "Age": k, "weights": [i, k]} for k in range(2)],
    }


def pages() -> Iterator[list[dict[str, Any]]]:
    """Rows in lists of 1,000, made as they are asked for."""
    for start in range(0, ROWS, 1000):
        yield [row(i) for i in range(start, min(ROWS, start + 1000))]


def by_sinkkit(got: Counter[str], folder: str) -> Callable[[], object]:
    """A whole run of sinkkit, to be called."""
    import sinkkit

    @sinkkit.destination(batch_size=BATCH, naming_convention="snake_case", max_nesting_level=1)
    def bench(items: list[dict], table: Any) -> None:  # type: ignore[type-arg]
        got[table["name"]] += len(items)

    pipeline = sinkkit.pipeline("bench", destination=bench, pipelines_dir=folder, progress="off")
    return lambda: pipeline.run(pages(), table_name="users")


def by_dlt(got: Counter[str], folder: str) -> Callable[[], object]:
    """The same by dlt."""
    import dlt  # type: ignore[import-not-found]  # not a package of this project: given by the caller

    @dlt.destination(batch_size=BATCH, naming_convention="snake_case", max_table_nesting=1, skip_dlt_columns_and_tables=True)  # type: ignore[untyped-decorator]  # as above
    def bench(items: Any, table: Any) -> None:
        got[table["name"]] += len(items)

    pipeline = dlt.pipeline("bench", destination=bench, pipelines_dir=folder)
    return lambda: pipeline.run(pages(), table_name="users")


def measure(side: str) -> None:
    """Run one side once and print its times as JSON."""
    got: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        run = {"sinkkit": by_sinkkit, "dlt": by_dlt}[side](got, folder)
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        times = time.perf_counter() - wall, time.process_time() - cpu
    expected = {"users": ROWS, "users__pets": 2 * ROWS}
    print(json.dumps({"times": times, "right": got == expected}))


def main(python: str | None) -> None:
    """Measure both sides in turn and print a table."""
    sides = {"sinkkit": sys.executable} | ({"dlt": python} if python else {})
    times: dict[str, list[list[float]]] = {side: [] for side in sides}
    for _ in range(REPEATS):
        for side, program in sides.items():
            done = subprocess.run([program, str(Path(__file__).resolve()), "--side", side], capture_output=True, text=True, check=True)
            answer = json.loads(done.stdout.splitlines()[-1])
            if not answer["right"]:
                sys.exit(f"{side} did not deliver every row of every table")
            times[side].append(answer["times"])
    medians = {side: [statistics.median(column) for column in zip(*taken, strict=True)] for side, taken in times.items()}
    for side, (wall, cpu) in medians.items():
        print(f"{side:8} {wall:8.3f} s {ROWS / wall:10,.0f} rows/s   processor {cpu:8.3f} s")
    if python:
        print(f"dlt / sinkkit: {medians['dlt'][0] / medians['sinkkit'][0]:.1f} by the clock, {medians['dlt'][1] / medians['sinkkit'][1]:.1f} in processor time")


if __name__ == "__main__":
    if "--side" in sys.argv:
        measure(sys.argv[-1])
    else:
        main(sys.argv[1] if len(sys.argv) > 1 else None)
