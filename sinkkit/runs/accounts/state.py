"""Looking at a pipeline without owning it: what is pending, what was run, what was rejected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import attrs

from sinkkit.clock import Clock
from sinkkit.errors import ConfigError
from sinkkit.journal.records import Counts, PackageRecord, PackageState, RejectedRecord, RunRecord
from sinkkit.journal.sqlite import SqliteJournal
from sinkkit.runs.accounts.lineage import Load, load_of
from sinkkit.runs.location import Location
from sinkkit.runs.owner import owner_of

OPEN = frozenset({PackageState.EXTRACTED, PackageState.NORMALIZED, PackageState.RESOLVED})
"""States of packages that are not finished."""


@attrs.frozen(kw_only=True)
class PendingPackage:
    """A load package that is not finished.

    Attributes:
        load_id: Its name.
        state: ``extracted``, ``normalized``, or ``resolved``: its last rows were settled by hand, and the next run finishes it.
        run_id: The name of the run that extracted it, if it had one.
        destination_name: The destination it is bound to, if a call for it was made.
        tables: Table name to its counts.
        replay: Whether its rows are rejected ones that are sent again.
        held: How many rows are on hold until somebody says what became of them; they are counted as unknown.
    """

    load_id: str
    state: str
    run_id: str | None
    destination_name: str | None
    tables: Mapping[str, Counts]
    replay: bool = False
    held: int = 0

    @property
    def total(self) -> Counts:
        """The counts of all tables together."""
        return sum(self.tables.values(), Counts())


@attrs.frozen(kw_only=True)
class PipelineState:
    """A pipeline as its journal shows it now; *owner* names the process that owns it, if one does; *handed_over* are the loads that other pipelines have now."""

    name: str
    owner: str | None
    pending: tuple[PendingPackage, ...]
    runs: tuple[RunRecord, ...]
    rejected: int
    handed_over: tuple[Load, ...] = ()


@contextmanager
def reading(location: Location, clock: Clock) -> Iterator[SqliteJournal | None]:
    """The journal, to read; None if the pipeline has none yet."""
    if not location.journal.exists():
        yield None
        return
    journal = SqliteJournal(location.journal, clock=clock)
    try:
        yield journal
    finally:
        journal.close()


def rejected_records(location: Location, clock: Clock, table: str | None) -> Iterator[RejectedRecord]:
    """Dead letters, of all tables or one, oldest first; the journal is open while they are read."""
    with reading(location, clock) as journal:
        if journal is not None:
            yield from journal.rejected(table)


def pending_of(journal: SqliteJournal) -> tuple[PendingPackage, ...]:
    """Packages that are not finished, oldest first."""
    held: dict[str, int] = {}
    for found in journal.held():
        held[found.load_id] = held.get(found.load_id, 0) + found.batch.row_count
    return tuple(_pending(journal, record, held.get(record.load_id, 0)) for record in journal.packages() if record.state in OPEN)


def _pending(journal: SqliteJournal, record: PackageRecord, held: int) -> PendingPackage:
    return PendingPackage(
        load_id=record.load_id,
        state=str(record.state),
        run_id=record.run_name,
        destination_name=record.destination,
        tables=journal.counts(record.load_id),
        replay=record.replay,
        held=held,
    )


def _handed_over(journal: SqliteJournal) -> list[str]:
    return [record.load_id for record in journal.packages() if record.state is PackageState.HANDED_OVER]


def read_state(location: Location, clock: Clock) -> PipelineState:
    """How a pipeline stands.

    Raises:
        ConfigError: If there is no such pipeline.
    """
    with reading(location, clock) as journal:
        if journal is None:
            raise ConfigError(
                f"there is no pipeline {location.folder.name!r} in {location.folder.parent}",
                hint="check the name, or give the folder with pipelines_dir or SINKKIT_PIPELINES_DIR",
            )
        return PipelineState(
            name=location.folder.name,
            owner=owner_of(location.lock),
            pending=pending_of(journal),
            runs=tuple(journal.runs()),
            rejected=journal.rejected_count(),
            handed_over=tuple(load_of(record, location.folder.name) for record in journal.loads(_handed_over(journal))),
        )
