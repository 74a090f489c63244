"""A pipeline in the folder of the test, with a clock and crash points handed in."""

from __future__ import annotations

import pytest

from sinkkit.declaration.destination import as_destination
from sinkkit.events import ignore
from sinkkit.faults import idle
from sinkkit.runs.pipeline import Pipeline
from sinkkit.testing import FakeClock


@pytest.fixture
def clock():
    """A clock that waits in no time."""
    return FakeClock()


@pytest.fixture
def make(tmp_path, clock):
    """Makes the pipeline ``p`` of a destination, with the fake clock unless another is given."""

    def made(destination, *, clock=clock, faults=idle, observe=ignore, drain=5.0, max_file_rows=500_000):
        return Pipeline(
            "p",
            destination=as_destination(destination),
            dataset_name=None,
            pipelines_dir=tmp_path,
            dev_mode=False,
            observe=observe,
            keep_packages=0,
            max_file_rows=max_file_rows,
            max_file_bytes=1 << 26,
            drain=drain,
            clock=clock,
            faults=faults,
        )

    return made
