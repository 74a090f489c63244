"""Python's garbage collector while a run goes on: it looks at what the run makes, not at everything that the program holds."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import attrs

YOUNGER_GENERATIONS = 1
"""All but the oldest, as ``gc.collect`` counts them."""


@attrs.define
class Runs:
    """The runs of this process that go on now, of which the first left the program out, or did not, for all of them."""

    lock: Lock = attrs.field(factory=Lock)
    going_on: int = 0
    left_out: bool = False


_RUNS = Runs()


@contextmanager
def program_left_out() -> Iterator[None]:
    """Leave what the program holds now out of garbage collections while the block runs; what is made meanwhile is collected as ever.

    A full collection goes through every object there is. The rows that are taken in make one due in nearly every run, for nothing: a tenth of
    the time of 200 short calls over HTTP. Nothing is changed where the program froze objects itself, or turned the collector off.
    """
    with _RUNS.lock:
        if not _RUNS.going_on:
            _RUNS.left_out = gc.isenabled() and hasattr(gc, "freeze") and not gc.get_freeze_count()
            if _RUNS.left_out:
                gc.collect(YOUNGER_GENERATIONS)  # garbage among the newest would be taken for something that lasts
                gc.freeze()
        _RUNS.going_on += 1
    try:
        yield
    finally:
        with _RUNS.lock:
            _RUNS.going_on -= 1
            if _RUNS.left_out and not _RUNS.going_on:
                gc.unfreeze()
