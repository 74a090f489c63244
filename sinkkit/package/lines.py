"""A chunk of JSON Lines in memory: decoded once, in one go, and each of its rows handed out once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from threading import Lock

import attrs

from sinkkit.package.manifest import JobFile
from sinkkit.rows import Row
from sinkkit.schema.encoding.codec import decode, decode_text

PIECE_BYTES = 64 << 10
"""How much is decoded at once: enough for the cost of a call to vanish, so little that the rows stay near the processor."""


@attrs.define(eq=False)
class Lines:
    """The rows *first* up to *end* of *file*; used from any number of threads.

    Neighbouring batches are cut out of what was decoded for the first of them. Nobody gets an object that somebody else has:
    rows that are asked for again are decoded again.

    Attributes:
        text: The lines, each with its end.
        tagged: Whether any of the rows holds a tagged value.
        ready: The decoded rows from *base* on, None where a row was handed out.
        base: The first of them, counted in this chunk.
        place: Up to which byte the text was decoded.
        handed: A byte a row, 1 where it was handed out.
        split: The lines without their ends, once they were needed.
    """

    file: JobFile | None
    first: int
    end: int
    text: bytes = attrs.field(repr=False)
    tagged: bool
    ready: list[Row | None] = attrs.field(factory=list, init=False, repr=False)
    base: int = attrs.field(default=0, init=False)
    place: int = attrs.field(default=0, init=False)
    handed: bytearray = attrs.field(init=False, repr=False)
    split: list[bytes] | None = attrs.field(default=None, init=False, repr=False)
    lock: Lock = attrs.field(factory=Lock, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Nothing was handed out yet."""
        self.handed = bytearray(self.end - self.first)

    def holds(self, file: JobFile, rows: Sequence[int]) -> bool:
        """Whether *rows* of *file* are a run of rows of this chunk."""
        return self.file is file and type(rows) is range and self.first <= rows.start < rows.stop <= self.end and rows.step == 1

    def run(self, start: int, stop: int) -> list[Row]:
        """The rows from *start* up to *stop*, counted in this chunk; new objects at each call.

        Raises:
            PackageCorrupted: If a line is not what was written.
        """
        with self.lock:
            handed, ready = self.handed, self.ready
            if 1 in handed[start:stop]:
                return decode(self.lines()[start:stop], tagged=self.tagged)
            if self.base + len(ready) < stop:
                self.decode_up_to(stop)
            at = start - self.base
            if stop - start == 1:
                handed[start], row, ready[at] = 1, ready[at], None
                return [row]  # type: ignore[list-item]  # it was not handed out before, so it is not None
            rows = ready[at : at + stop - start]
            ready[at : at + stop - start] = repeat(None, len(rows))
            handed[start:stop] = b"\x01" * len(rows)
            return rows  # type: ignore[return-value]  # none of these was handed out before, so none is None

    def decode_up_to(self, stop: int) -> None:
        """Decode the text, a piece at a time, until the row before *stop* is ready; let go of what was handed out at the front."""
        waiting = self.handed.find(0, self.base)
        del self.ready[: waiting - self.base]
        self.base = waiting
        while self.base + len(self.ready) < stop:
            end = self.text.find(b"\n", self.place + PIECE_BYTES) + 1 or len(self.text)
            self.ready += decode_text(memoryview(self.text)[self.place : end], tagged=self.tagged)
            self.place = end

    def some(self, positions: Sequence[int]) -> list[Row]:
        """The rows at *positions*, counted in this chunk; new objects at each call.

        Raises:
            PackageCorrupted: If a line is not what was written.
        """
        with self.lock:
            lines = self.lines()
        return decode([lines[position] for position in positions], tagged=self.tagged)

    def lines(self) -> list[bytes]:
        """The lines without their ends."""
        if self.split is None:
            self.split = self.text.split(b"\n")
            self.split.pop()
        return self.split


NO_LINES = Lines(None, 0, 0, b"", tagged=False)
