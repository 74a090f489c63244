"""Batches for ``order_by``: each row belongs to the lane of its key, and a call carries at most one row of a lane.

The first row of a lane is ready, or it is open: in a batch that is not settled. The rows behind it wait until it is, so none
overtakes another of its key (law L10), whatever file it is in.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, TypeAlias

import attrs

from sinkkit.delivery.choosing.chooser import LOOK_AHEAD_ROWS, Facts, Segment, Uncut, segments_of
from sinkkit.journal.records import JobRecord

JOB_SHIFT = 40
"""A place is one number, so that places are cheap to keep and compare: the position of the job above this bit, the row below it."""

Lane: TypeAlias = tuple[str, Hashable]
"""A table and a key in it."""


@attrs.define
class Lanes:
    """Implements ``Chooser``: the first rows whose keys are free.

    Args:
        batch_size: Most rows a batch.
        batch_bytes: Most bytes a batch, as a JSON array; a larger row goes alone. None: any number.
        total: Whether no row at all may overtake another.
        jobs: Those with rows that are not cut, or in open batches.
    """

    batch_size: int
    batch_bytes: int | None
    total: bool
    jobs: Uncut
    _unknown: deque[Segment] = attrs.field(init=False)
    _positions: dict[int, int] = attrs.field(init=False)
    _ready: list[int] = attrs.field(factory=list, init=False)
    _behind: dict[Lane, deque[int]] = attrs.field(factory=dict, init=False)
    _open: dict[Lane, int] = attrs.field(factory=dict, init=False)
    _lane: dict[int, Lane] = attrs.field(factory=dict, init=False)
    _sizes: dict[int, int] = attrs.field(factory=dict, init=False)
    _known: int = attrs.field(default=0, init=False)
    _next: list[int] = attrs.field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        """Line up what is to be learned."""
        self._unknown = segments_of(self.jobs)
        self._positions = {job.id: position for position, (job, _) in enumerate(self.jobs)}

    @property
    def empty(self) -> bool:
        """Whether every row has been cut."""
        return not self._known and not self._unknown

    @property
    def wanted(self) -> Segment | None:
        """The rows to make known next, while those that are ready do not fill a batch."""
        enough = len(self._ready) + len(self._next) >= self.batch_size
        return None if enough or not self._unknown or self._known >= LOOK_AHEAD_ROWS else self._unknown[0]

    def learn(self, segment: Segment, facts: Facts) -> None:
        """Make the rows of *segment*, which ``wanted`` gave, known; nothing if they are already."""
        if not self._unknown or self._unknown[0] is not segment:
            return
        self._unknown.popleft()
        self._put_back()
        first = (segment.position << JOB_SHIFT) + segment.rows.start
        places = range(first, first + len(segment.rows))
        self._known += len(places)
        if facts.sizes is not None:
            self._sizes.update(zip(places, facts.sizes, strict=True))
        table, lanes = segment.job.table, self._behind
        for place, key in zip(places, facts.keys or (), strict=True):
            lane = (table, hashable(key))
            behind = lanes.get(lane)
            if behind is None:
                lanes[lane] = deque()
                self._lane[place] = lane
                heapq.heappush(self._ready, place)
            else:
                behind.append(place)

    def occupy(self, job: JobRecord, rows: Sequence[int], keys: Sequence[Any] | None) -> None:
        """Note that *rows* of *job* are in an open batch of an earlier run."""
        for row, key in zip(rows, keys or (), strict=True):
            lane = (job.table, hashable(key))
            self._lane[self._place(job.id, row)] = lane
            self._open[lane] = self._open.get(lane, 0) + 1
            self._behind.setdefault(lane, deque())

    def next_batch(self) -> tuple[JobRecord, Sequence[int]] | None:
        """The first rows that are ready, of one job, as many as fit."""
        if not self._next:
            self._choose()
        if not self._next:
            return None
        position = self._next[0] >> JOB_SHIFT
        first = position << JOB_SHIFT
        return self.jobs[position][0], [place - first for place in self._next]

    def cut(self) -> tuple[JobRecord, Sequence[int]]:
        """Take the next batch, of which there is one."""
        batch = self.next_batch()
        if batch is None:
            raise IndexError
        for place in self._next:
            lane = self._lane[place]
            self._open[lane] = self._open.get(lane, 0) + 1
            self._sizes.pop(place, None)
        self._known -= len(self._next)
        self._next = []
        return batch

    def release(self, job: int, rows: Iterable[int]) -> None:
        """Note that *rows* of the job with that id are settled: those behind them are ready."""
        for row in rows:
            lane = self._lane.pop(self._place(job, row))
            self._open[lane] -= 1
            if self._open[lane]:
                continue
            del self._open[lane]
            behind = self._behind[lane]
            if behind:
                self._put_back()
                place = behind.popleft()
                self._lane[place] = lane
                heapq.heappush(self._ready, place)
            else:
                del self._behind[lane]

    def _place(self, job: int, row: int) -> int:
        return (self._positions[job] << JOB_SHIFT) + row

    def _choose(self) -> None:
        """Take the first rows that are ready, of one job, as many as fit; without a gap in *total* order."""
        ready, chosen, size = self._ready, self._next, 1
        while ready and len(chosen) < self.batch_size:
            place = ready[0]
            if self.batch_bytes is not None:
                size += self._sizes[place] + 1
            if chosen:
                too_large = self.batch_bytes is not None and size > self.batch_bytes
                if too_large or place >> JOB_SHIFT != chosen[0] >> JOB_SHIFT or (self.total and place != chosen[-1] + 1):
                    break
            chosen.append(heapq.heappop(ready))

    def _put_back(self) -> None:
        """Choose anew next time, because more is ready."""
        for place in self._next:
            heapq.heappush(self._ready, place)
        self._next = []


def hashable(key: Any) -> Hashable:
    """*key* as something that can be looked up, equal for equal values: NaN equals itself here, and lists and dicts are told by their text."""
    if key != key:  # noqa: PLR0124  # that is what NaN is
        return "NaN", None
    try:
        hash(key)
    except TypeError:
        return "text", repr(key)
    return key  # type: ignore[no-any-return]  # hash() has shown it
