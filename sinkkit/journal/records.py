"""What the journal keeps and gives back, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import attrs

from sinkkit.journal.keys import UNWRITTEN_VERSION, key_of
from sinkkit.journal.ranges import numbers_of
from sinkkit.journal.states import State


class PackageState(StrEnum):
    """How far a load package has come."""

    EXTRACTED = "extracted"
    NORMALIZED = "normalized"
    RESOLVED = "resolved"
    """Its last rows were settled by hand; the next run finishes it."""
    COMPLETED = "completed"
    DROPPED = "dropped"
    HANDED_OVER = "handed_over"
    """Another pipeline has it now, or will have it: it is in a file, and never sent from here."""


@attrs.frozen(kw_only=True)
class PackageRecord:
    """A load package; times are seconds since the epoch.

    Attributes:
        load_id: Its name.
        folder: Where its files are, from the pipeline's folder on.
        state: How far it has come.
        run_name: The name of the run that extracted it, if it had one.
        destination: Where its rows go; None until its first claim binds it.
        created_at: When it was sealed.
        completed_at: When it was finished: completed, dropped or handed over.
        replay: Whether its rows are dead letters.
        source: What its rows were extracted from, in words.
        begun_at: When its extraction began.
        first_call_at: When its destination was opened for its first call.
        handed_to: The file that it was handed over in.
        exported_at: When that file was complete.
        imported_from: The pipeline that it was extracted by, if that was another one.
        imported_at: When it was imported from there.
    """

    load_id: str
    folder: str
    state: PackageState
    run_name: str | None
    destination: str | None
    created_at: float
    completed_at: float | None = None
    replay: bool = False
    source: str | None = None
    begun_at: float | None = None
    first_call_at: float | None = None
    handed_to: str | None = None
    exported_at: float | None = None
    imported_from: str | None = None
    imported_at: float | None = None


@attrs.frozen(kw_only=True)
class JobRecord:
    """A file of a package.

    Attributes:
        id: Its number in the journal.
        load_id: The package.
        name: Its name.
        table: The table of its rows.
        row_count: How many these are.
        first_index: The number of its first row in the table.
        frontier: How many rows have been cut into batches: the first ones, unless an order chose them.
        refused: Whether its rows are refused by their table's contract: they are rejected, and never sent.
    """

    id: int
    load_id: str
    name: str
    table: str
    row_count: int
    first_index: int
    frontier: int = 0
    refused: bool = attrs.field(default=False, converter=bool)


@attrs.frozen(kw_only=True)
class NewSchema:
    """What is known of the tables of *dataset* (empty if there is none) from a load on: its text, the hash of that, and since when, in seconds since the epoch."""

    dataset: str
    hash: str
    schema: str
    at: float


@attrs.frozen
class SchemaVersion:
    """A version of what is known of the tables of *dataset*, and the load that brought it, in seconds since the epoch; *schema* is JSON."""

    version: int
    dataset: str
    hash: str
    schema: str
    load_id: str
    created_at: float


BATCH_COLUMNS = "batches.id, job, first_row, batches.row_count, ranges, key, state, attempts, ambiguous, not_before, note, load_id, name"
"""What ``BatchRecord.of`` takes, of ``batches`` and ``jobs``."""


@attrs.frozen(kw_only=True)
class BatchRecord:
    """A batch as the journal knows it; *ranges* is None for rows that follow each other."""

    id: int
    job: int
    first_row: int
    row_count: int
    ranges: str | None
    key: str
    state: State
    attempts: int
    ambiguous: bool
    not_before: float | None
    note: str | None = None

    @classmethod
    def of(cls, row: Sequence[Any]) -> BatchRecord:
        """What the ``BATCH_COLUMNS`` of a row of the journal's file say."""
        batch, job, first_row, row_count, ranges, key, state, attempts, ambiguous, not_before, note, load_id, name = row
        return cls(
            id=batch,
            job=job,
            first_row=first_row,
            row_count=row_count,
            ranges=ranges,
            key=key or key_of(load_id, name, numbers_of(first_row, row_count, ranges), UNWRITTEN_VERSION),
            state=State(state),
            attempts=attempts,
            ambiguous=bool(ambiguous),
            not_before=not_before,
            note=note,
        )


@attrs.frozen(kw_only=True)
class HeldRecord:
    """A batch on hold, with its place; *held_at* in seconds since the epoch, None if that was not kept."""

    batch: BatchRecord
    load_id: str
    table: str
    job: str
    first_index: int
    held_at: float | None


@attrs.frozen(kw_only=True)
class RejectedRecord:
    """A dead letter: the row as one JSON line of the package's encoding, and why it was refused.

    The journal adds *number*, its place in the list; *taken_by*, the load id of the replay that sends it again; and
    *destination*, the name of the one that refused it, as long as its package is known.
    """

    id: str
    load_id: str
    table: str
    index: int
    row: bytes
    reason: str
    error: str | None
    status: int | None
    attempts: int
    rejected_at: float
    number: int = 0
    taken_by: str | None = None
    destination: str | None = None


@attrs.frozen(kw_only=True)
class Counts:
    """Where the rows of one table are; ``extracted == delivered + rejected + pending + unknown``, always."""

    extracted: int = 0
    delivered: int = 0
    rejected: int = 0
    pending: int = 0
    unknown: int = 0
    resent: int = 0

    @property
    def settled(self) -> bool:
        """Whether nothing is pending or of unknown fate."""
        return self.pending == self.unknown == 0

    def __getitem__(self, name: str) -> int:
        """The count called *name*, as in ``asdict()``."""
        return int(attrs.asdict(self)[name])

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            extracted=self.extracted + other.extracted,
            delivered=self.delivered + other.delivered,
            rejected=self.rejected + other.rejected,
            pending=self.pending + other.pending,
            unknown=self.unknown + other.unknown,
            resent=self.resent + other.resent,
        )


@attrs.frozen(kw_only=True)
class JobCounts:
    """Where the rows of one job are: those of each state, *held* and *in_flight* told from *unknown*."""

    name: str
    table: str
    rows: int
    pending: int = 0
    in_flight: int = 0
    unknown: int = 0
    held: int = 0
    delivered: int = 0
    rejected: int = 0


@attrs.frozen(kw_only=True)
class LoadRecord:
    """All that is known of a load: its package, the counts of its tables, how many rows of each were handed over, and the version of what was known of tables with it."""

    package: PackageRecord
    tables: Mapping[str, Counts]
    handed_over: Mapping[str, int]
    schema_version: int | None = None
    schema_hash: str | None = None


@attrs.frozen(kw_only=True)
class RunRecord:
    """One run: *calls* and *retries* made, *metrics* summed; *ended_at* is None while it runs or after a kill."""

    id: int
    name: str | None
    destination: str | None
    started_at: float
    ended_at: float | None
    status: str
    load_ids: Sequence[str]
    calls: int
    retries: int
    metrics: Mapping[str, Any]
