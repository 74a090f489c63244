"""A pipeline in a folder of its own, with a clock and crash points handed in: what the laws are tried on."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path

import attrs

from sinkkit.clock import SystemClock
from sinkkit.declaration.destination import as_destination
from sinkkit.errors import DeliveryFailed
from sinkkit.events import ignore
from sinkkit.faults import idle
from sinkkit.journal.sqlite import SqliteJournal
from sinkkit.runs.pipeline import Pipeline
from sinkkit.testing import FakeClock


@attrs.define
class World:
    """A folder for pipelines, and one clock for all of them."""

    folder: Path
    clock: object = attrs.field(factory=FakeClock)

    def pipeline(self, destination, *, name="p", faults=idle, observe=ignore, max_file_rows=500_000, **options):
        """The pipeline *name*, as `sinkkit.pipeline` makes it; *options* are settings of the destination."""
        return Pipeline(
            name,
            destination=as_destination(destination).configured(None, options),
            dataset_name=None,
            pipelines_dir=self.folder,
            dev_mode=False,
            observe=observe,
            keep_packages=0,
            max_file_rows=max_file_rows,
            max_file_bytes=1 << 26,
            drain=5.0,
            clock=self.clock,
            faults=faults,
        )

    def counts(self, name="p"):
        """The counts of all tables of all packages, read from the journal's file alone."""
        journal = SqliteJournal(self.folder / name / "journal.db", clock=SystemClock())
        try:
            return [count for package in journal.packages() for count in journal.counts(package.load_id).values()]
        finally:
            journal.close()


@contextmanager
def world(clock=None):
    """A world that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield World(Path(folder)) if clock is None else World(Path(folder), clock)


def finish(start, resume, *, most=60):
    """Run until nothing is pending: *start* once, then *resume* with the number of the attempt; every report on the way."""
    infos = []
    step = start
    for number in range(most):
        try:
            infos.append(step())
        except DeliveryFailed as error:
            infos.append(error.info)
            step = lambda number=number: resume(number)  # noqa: E731  # a step like the first
        else:
            return infos
    raise AssertionError(f"still not finished after {most} runs")
