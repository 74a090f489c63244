"""Changes of the journal as values: what a worker asks to be written, in one commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import attrs

from sinkkit.journal.records import RejectedRecord
from sinkkit.journal.states import State


@attrs.frozen
class NewBatch:
    """A batch that did not exist: rows, key and calls made for its rows before."""

    id: int
    first_row: int
    row_count: int
    ranges: str | None
    key: str
    attempts: int = 0
    ambiguous: bool = False
    not_before: float | None = None


@attrs.frozen
class Cut:
    """Cut rows ``[since, frontier)`` of *job* into new batches of *size* rows, in flight at once, or planned if they are not *claimed* yet.

    The last of them may have fewer rows. Their ids follow each other from *first* on.
    """

    job: int
    since: int
    frontier: int
    run: int
    first: int
    size: int
    claimed: bool = True

    @property
    def count(self) -> int:
        """How many batches."""
        return -(-(self.frontier - self.since) // self.size)


@attrs.frozen
class Pick:
    """Cut rows of *job*, which need not be the next ones, into a new *batch* that is in flight at once; *since* were cut before it.

    It is only planned if it is not *claimed* yet.
    """

    job: int
    since: int
    run: int
    batch: NewBatch
    claimed: bool = True


@attrs.frozen
class Start:
    """Put existing batches *first* to *last*, all *since* planned or unknown, in flight for one more call."""

    first: int
    last: int
    since: State
    run: int


@attrs.frozen
class Return:
    """Batches *first* to *last*, claimed and not called, go back to planned or unknown; the call is not counted."""

    first: int
    last: int
    target: State


@attrs.frozen
class SettlePlain:
    """Batches *first* to *last*, all in flight: every row was delivered, nothing else to keep."""

    first: int
    last: int


@attrs.frozen
class Note:
    """A batch that is being called, or asked after, bears a note from now on; None takes it away."""

    batch: int
    text: str | None


@attrs.frozen
class Settle:
    """A batch came to its end: rows delivered, dead letters, receipts ``(index in the table, receipt)``, numbers, rows to send again.

    *at* is when, in seconds since the epoch; it is kept with the receipts. *unsent* are batches of rows that were not sent.
    """

    batch: int
    delivered: int
    rejected: Sequence[RejectedRecord] = ()
    receipts: Sequence[tuple[int, str]] = ()
    metrics: Mapping[str, int | float] = attrs.field(factory=dict)
    child: NewBatch | None = None
    at: float | None = None
    unsent: Sequence[NewBatch] = ()

    @property
    def children(self) -> Sequence[NewBatch]:
        """The batches of rows that did not come to an end with it."""
        return self.unsent if self.child is None else (self.child, *self.unsent)


@attrs.frozen
class Postpone:
    """A batch waits as *target* (planned, unknown or held), not to be called before *not_before* (seconds since the epoch).

    *at*, in seconds since the epoch too, is since when it is on hold.
    """

    batch: int
    target: State
    not_before: float | None = None
    at: float | None = None


@attrs.frozen
class Split:
    """A batch becomes its *children*, which are planned."""

    batch: int
    children: Sequence[NewBatch]


@attrs.frozen
class Pause:
    """No call to *destination* starts before *until* (seconds since the epoch)."""

    destination: str
    until: float
    reason: str


Move: TypeAlias = Cut | Pick | Start | Return | Note | SettlePlain | Settle | Postpone | Split | Pause
