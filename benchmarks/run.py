"""The project's own micro benchmarks: what each part costs, and a whole run against a bare loop, in one process.

``make bench`` prints them. Absolute figures mean little on a shared machine: compare the last column,
which is the cost against that of the bare loop of the same batch size, between two runs on one machine.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from typed_rows import KINDS, structuring

import sinkkit
from sinkkit.clock import SystemClock
from sinkkit.journal.moves import Cut, SettlePlain
from sinkkit.journal.records import JobRecord, PackageRecord, PackageState
from sinkkit.journal.sqlite import SqliteJournal
from sinkkit.package.reader import Package
from sinkkit.package.writer import PackageWriter
from sinkkit.schema.encoding.codec import decode, encode
from sinkkit.schema.items import ItemsKind
from sinkkit.schema.shapes import shapes_of

ROWS = 100_000
REPEATS = 3
TYPED_SIZE = 1000


def row(i: int) -> dict[str, object]:
    """A small flat row, as a warehouse gives them."""
    return {"id": i, "qty": i % 100, "price": i * 0.25, "name": f"name_{i}", "active": i % 2 == 0, "created": f"2024-01-{i % 28 + 1:02}"}


def pages(rows: int = ROWS) -> Iterator[list[dict[str, object]]]:
    """Rows in lists of 1,000, made as they are asked for."""
    for start in range(0, rows, 1000):
        yield [row(i) for i in range(start, min(rows, start + 1000))]


def seconds(work: Callable[[], object]) -> float:
    """The median time of *work* over a few repeats."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def report(name: str, spent: float, count: int, unit: str, floor: float | None = None) -> None:
    """Print one line of the table."""
    against = "" if floor is None else f"{spent / floor:8.1f} x the bare loop"
    print(f"{name:38} {spent / count * 1e6:9.2f} µs a {unit:6} {against}")


def parts() -> None:
    """Encoding, writing, reading, decoding, and the journal."""
    rows = [one for page in pages(1000) for one in page]
    shapes = shapes_of(rows)
    lines = encode(rows, shapes, table="t", first_row=0).splitlines()
    report("shapes of a page", seconds(lambda: shapes_of(rows)), 1000, "row")
    report("encode a page", seconds(lambda: encode(rows, shapes, table="t", first_row=0)), 1000, "row")
    report("decode a page", seconds(lambda: decode(lines)), 1000, "row")
    for name, work in structuring(rows).items():
        report(f"objects of a page: {name}", seconds(work), 1000, "row")
    with tempfile.TemporaryDirectory() as folder:
        write_and_read(Path(folder))
        journal(Path(folder))


def write_and_read(folder: Path) -> None:
    """A package written and sealed, and read in batches."""
    data = list(pages())
    count = iter(range(1000))

    def write() -> None:
        with PackageWriter(folder, f"load{next(count)}", "bench") as writer:
            for page in data:
                writer.write_rows("t", page)
            writer.seal()

    report("write and seal a package", seconds(write), ROWS, "row")
    package = Package.open(folder / "load0")
    job = package.job(package.manifest.files[0].name)
    for size in (1, 100, 1000):

        def read(size: int = size) -> None:
            for first in range(0, ROWS, size):
                job.items(ItemsKind.ROWS, range(first, first + size))

        report(f"read batches of {size}", seconds(read), ROWS // size, "batch")


def journal(folder: Path) -> None:
    """Batches claimed and settled, alone and in groups."""
    for group in (1, 400):
        kept = SqliteJournal(folder / f"journal{group}.db", clock=SystemClock())
        kept.register(
            PackageRecord(load_id="l", folder="f", state=PackageState.NORMALIZED, run_name=None, destination=None, created_at=0.0),
            [JobRecord(id=0, load_id="l", name="a", table="t", row_count=100_000, first_index=0)],
        )
        batches = 200 if group == 1 else 20_000
        started = time.perf_counter()
        for first in range(0, batches, group):
            kept.flush(kept.submit([Cut(1, first, first + group, 1, first + 1, 1)]))
            kept.flush(kept.submit([SettlePlain(first + 1, first + group)]))
        report(f"claim and settle, {group} a commit, fsynced", time.perf_counter() - started, batches, "batch")
        kept.close()


def whole_runs() -> None:
    """A pipeline with a sink that does nothing, against the loop that calls it directly."""
    for size in (1000, 100, 10, 1):
        count = ROWS if size > 1 else ROWS // 10
        got: list[int] = []

        def bare(size: int = size, count: int = count, got: list[int] = got) -> None:
            for page in pages(count):
                for start in range(0, len(page), size):
                    got.append(len(page[start : start + size]))  # noqa: PERF401  # the call of a function stands for what a sink does

        def run(size: int = size, count: int = count, got: list[int] = got, kind: Any = dict) -> None:
            def take(items: Any) -> None:
                got.append(len(items))

            take.__annotations__["items"] = list[kind]
            sink = sinkkit.destination(batch_size=size, name="bench")(take)
            with tempfile.TemporaryDirectory() as folder:
                sinkkit.pipeline("bench", destination=sink, pipelines_dir=folder, progress="off").run(pages(count), table_name="t")

        report(f"whole run, batches of {size}", seconds(run), count, "row", seconds(bare))
        if size == TYPED_SIZE:
            for name, kind in KINDS.items():
                report(f"whole run, batches of {size}, {name}", seconds(partial(run, kind=kind)), count, "row", seconds(bare))


if __name__ == "__main__":
    parts()
    whole_runs()
