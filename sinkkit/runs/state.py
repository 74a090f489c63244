"""Looking at a pipeline without owning it: what is pending, what was run, what was rejected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import attrs

from sinkkit.clock import Clock
from sinkkit.errors import ConfigError
from sinkkit.journal.records import Counts, PackageRecord, PackageState, RunRecord
from sinkkit.journal.sqlite import SqliteJournal
from sinkkit.runs.location import Location
from sinkkit.runs.owner import owner_of

OPEN = frozenset({PackageState.EXTRACTED, PackageState.NORMALIZED})
"""States of packages that are not finished."""


@attrs.frozen(kw_only=True)
class PendingPackage:
    """A load package that is not finished.

    Attributes:
        load_id: Its name.
        state: ``extracted`` or ``normalized``.
        run_id: The name of the run that extracted it, if it had one.
        destination_name: The destination it is bound to, if a call for it was made.
        tables: Table name to its counts.
    """

    load_id: str
    state: str
    run_id: str | None
    destination_name: str | None
    tables: Mapping[str, Counts]

    @property
    def total(self) -> Counts:
        """The counts of all tables together."""
        return sum(self.tables.values(), Counts())


@attrs.frozen(kw_only=True)
class PipelineState:
    """A pipeline as its journal shows it now; *owner* names the process that owns it, if one does."""

    name: str
    owner: str | None
    pending: tuple[PendingPackage, ...]
    runs: tuple[RunRecord, ...]
    rejected: int


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


def pending_of(journal: SqliteJournal) -> tuple[PendingPackage, ...]:
    """Packages that are not finished, oldest first."""
    return tuple(_pending(journal, record) for record in journal.packages() if record.state in OPEN)


def _pending(journal: SqliteJournal, record: PackageRecord) -> PendingPackage:
    return PendingPackage(
        load_id=record.load_id,
        state=str(record.state),
        run_id=record.run_name,
        destination_name=record.destination,
        tables=journal.counts(record.load_id),
    )


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
            rejected=sum(1 for _ in journal.rejected()),
        )
