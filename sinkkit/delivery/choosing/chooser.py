"""How the rows of a batch are chosen where they are not simply the next ones: what has to be known of rows, and the protocol of choosers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeAlias

import attrs

from sinkkit.journal.records import JobRecord

LOOK_AHEAD_ROWS = 100_000
"""Most rows known and not cut: within so many, keys do not wait for each other."""

SEGMENT_ROWS = 1_000
"""How many rows become known at once."""

Uncut: TypeAlias = Sequence[tuple[JobRecord, Sequence[range]]]
"""Jobs in order, each with its rows that are in no batch."""


@attrs.frozen
class Segment:
    """Rows that are to become known: a run of rows of a job, which is at *position* among the jobs."""

    position: int
    job: JobRecord
    rows: range


@attrs.frozen
class Facts:
    """What is to be known of the rows of a segment, in their order: *keys* unless there is no order, *sizes* in bytes unless they do not matter."""

    keys: Sequence[Any] | None
    sizes: Sequence[int] | None


Look: TypeAlias = Callable[[Segment], Facts]
"""Reads what has to be known of rows before batches can be chosen from them."""


class Chooser(Protocol):
    """Chooses the rows of the next batch; a value without threads, clock or I/O."""

    @property
    def empty(self) -> bool:
        """Whether every row has been cut."""

    @property
    def wanted(self) -> Segment | None:
        """The rows to make known next; None: enough is known."""

    def learn(self, segment: Segment, facts: Facts) -> None:
        """Make the rows of *segment*, which ``wanted`` gave, known; nothing if they are already."""

    def occupy(self, job: JobRecord, rows: Sequence[int], keys: Sequence[Any] | None) -> None:
        """Note that *rows* of *job* are in an open batch of an earlier run."""

    def next_batch(self) -> tuple[JobRecord, Sequence[int]] | None:
        """The next batch, its job and rows, the same until it is cut or something changes; None while there is none."""

    def cut(self) -> tuple[JobRecord, Sequence[int]]:
        """Take the next batch, of which there is one."""

    def release(self, job: int, rows: Iterable[int]) -> None:
        """Note that *rows* of the job with that id are settled."""


def segments_of(jobs: Uncut) -> deque[Segment]:
    """All rows of *jobs*, in order."""
    return deque(
        Segment(position, job, range(start, min(start + SEGMENT_ROWS, rows.stop)))
        for position, (job, uncut) in enumerate(jobs)
        for rows in uncut
        for start in range(rows.start, rows.stop, SEGMENT_ROWS)
    )


def uncut_rows(rows: int, cut: Iterable[Sequence[int]]) -> list[range]:
    """The runs of row numbers below *rows* that are in none of *cut*."""
    taken = bytearray(rows)
    for some in cut:
        if isinstance(some, range):
            taken[some.start : some.stop] = b"\x01" * len(some)
            continue
        for row in some:
            taken[row] = 1
    found: list[range] = []
    start = taken.find(0)
    while start >= 0:
        stop = taken.find(1, start)
        found.append(range(start, rows if stop < 0 else stop))
        start = -1 if stop < 0 else taken.find(0, stop)
    return found
