"""Batches of the next rows up to a size (``batch_bytes``); also of what is left of a package whose rows an earlier run chose by their keys."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain, pairwise
from typing import Any

import attrs

from sinkkit.delivery.choosing.chooser import Facts, Segment, Uncut, segments_of
from sinkkit.journal.records import JobRecord


@attrs.define
class Stretch:
    """Known rows that follow each other: *ends* are the bytes of all rows up to each of them, *taken* is how many were cut."""

    segment: Segment
    ends: Sequence[int]
    taken: int = 0

    def fitting(self, most: int, room: int) -> int:
        """How many of the rows left, *most* at most, fit into *room* bytes."""
        before = self.ends[self.taken - 1] if self.taken else 0
        return min(most, bisect_right(self.ends, before + room) - self.taken)

    def bytes(self, count: int) -> int:
        """The bytes of the next *count* rows."""
        return self.ends[self.taken + count - 1] - (self.ends[self.taken - 1] if self.taken else 0)


@attrs.define
class Sized:
    """Implements ``Chooser``: rows in order, a row a comma and a bracket more than its size.

    Args:
        batch_size: Most rows a batch.
        batch_bytes: Most bytes a batch, as a JSON array; a larger row goes alone. None: any number.
        jobs: Those with rows that are not cut.
    """

    batch_size: int
    batch_bytes: int | None
    jobs: Uncut
    _unknown: deque[Segment] = attrs.field(init=False)
    _known: deque[Stretch] = attrs.field(factory=deque, init=False)
    _rows: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        """Line up what is to be learned."""
        self._unknown = segments_of(self.jobs)

    @property
    def empty(self) -> bool:
        """Whether every row has been cut."""
        return not self._known and not self._unknown

    @property
    def wanted(self) -> Segment | None:
        """The rows to make known next, while those known do not fill a batch."""
        return self._unknown[0] if self._unknown and self._rows < self.batch_size else None

    def learn(self, segment: Segment, facts: Facts) -> None:
        """Make the rows of *segment*, which ``wanted`` gave, known; nothing if they are already."""
        if self._unknown and self._unknown[0] is segment:
            self._unknown.popleft()
            sizes = [0] * len(segment.rows) if facts.sizes is None else facts.sizes
            self._known.append(Stretch(segment, list(accumulate(size + 1 for size in sizes))))
            self._rows += len(segment.rows)

    def occupy(self, job: JobRecord, rows: Sequence[int], keys: Sequence[Any] | None) -> None:
        """Without an order, open rows stand in nobody's way."""

    def next_batch(self) -> tuple[JobRecord, Sequence[int]] | None:
        """The next rows of one job, as many as fit."""
        if not self._known:
            return None
        pieces = [stretch.segment.rows[stretch.taken : stretch.taken + count] for stretch, count in self._pieces()]
        run = all(before.stop == after.start for before, after in pairwise(pieces))
        rows = range(pieces[0].start, pieces[-1].stop) if run else list(chain.from_iterable(pieces))
        return self._known[0].segment.job, rows

    def cut(self) -> tuple[JobRecord, Sequence[int]]:
        """Take the next batch, of which there is one."""
        batch = self.next_batch()
        if batch is None:
            raise IndexError
        for stretch, count in self._pieces():
            stretch.taken += count
            self._rows -= count
            if stretch.taken == len(stretch.ends):
                self._known.popleft()
        return batch

    def release(self, job: int, rows: Iterable[int]) -> None:
        """Without an order, nothing waits for settled rows."""

    def _pieces(self) -> list[tuple[Stretch, int]]:
        """Stretches of the first job, and how many rows of each belong to the next batch."""
        room = (1 << 62) if self.batch_bytes is None else self.batch_bytes - 1
        most = self.batch_size
        pieces: list[tuple[Stretch, int]] = []
        for stretch in self._known:
            if stretch.segment.position != self._known[0].segment.position or not most:
                break
            count = stretch.fitting(most, room) or (0 if pieces else 1)
            if count:
                pieces.append((stretch, count))
                room -= stretch.bytes(count)
                most -= count
            if stretch.taken + count < len(stretch.ends):
                break
        return pieces
