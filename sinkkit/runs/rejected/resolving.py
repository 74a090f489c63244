"""Batches on hold: what they are, and what becomes of them once somebody has found out."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from sinkkit.errors import ConfigError
from sinkkit.journal.protocol import Journal
from sinkkit.journal.ranges import numbers_of
from sinkkit.journal.records import HeldRecord
from sinkkit.package.reader import Package
from sinkkit.rows import Row
from sinkkit.runs.location import Location
from sinkkit.runs.rejected.dead_letters import moment
from sinkkit.runs.session import Session
from sinkkit.schema.items import ItemsKind


@attrs.frozen(kw_only=True)
class HeldBatch:
    """A batch of unknown fate that is not touched until somebody says what became of it.

    Attributes:
        key: Its idempotency key, which names it here and at the destination.
        load_id: Its load package.
        table: Its table.
        row_count: How many rows it has.
        attempts: Calls made for it.
        since: Since when it is on hold, UTC; None if that was not kept.
    """

    key: str
    load_id: str
    table: str
    row_count: int
    attempts: int
    since: datetime | None
    _read: Callable[[], list[Row]] = attrs.field(repr=False, eq=False)

    @property
    def rows(self) -> list[Row]:
        """Its rows, read at each access.

        Raises:
            ConfigError: If the package was finished since, and its files removed.
            PackageCorrupted: If it is not what was written.
        """
        return self._read()

    def asdict(self) -> dict[str, Any]:
        """What is known of it, without its rows, as plain values that JSON can hold."""
        return {
            "key": self.key,
            "load_id": self.load_id,
            "table": self.table,
            "row_count": self.row_count,
            "attempts": self.attempts,
            "since": None if self.since is None else self.since.isoformat(),
        }


def held_batches(journal: Journal, location: Location) -> tuple[HeldBatch, ...]:
    """Every batch on hold, oldest package first."""
    folders = {record.load_id: location.folder / record.folder for record in journal.packages()}
    return tuple(
        HeldBatch(
            key=record.batch.key,
            load_id=record.load_id,
            table=record.table,
            row_count=record.batch.row_count,
            attempts=record.batch.attempts,
            since=None if record.held_at is None else moment(record.held_at),
            read=partial(_rows, folders[record.load_id], record),
        )
        for record in journal.held()
    )


def _rows(folder: Path, record: HeldRecord) -> list[Row]:
    batch = record.batch
    if not folder.exists():
        raise ConfigError(f"load package {record.load_id} was finished, and its files are gone", hint="read the rows before they are resolved")
    rows: list[Row] = Package.open(folder).job(record.job).items(ItemsKind.ROWS, numbers_of(batch.first_row, batch.row_count, batch.ranges))
    return rows


def resolve(session: Session, key: str | Sequence[str] | None, *, arrived: bool) -> tuple[HeldBatch, ...]:
    """Settle batches on hold as delivered, or plan them to be sent again; returns those that were.

    Args:
        session: The run that owns the pipeline.
        key: One key or several; None: all that are on hold.
        arrived: Whether their rows are at the destination.

    Raises:
        ConfigError: If no batch on hold has such a key; nothing was changed.
    """
    journal = session.runtime.journal
    held = {record.batch.key: record.batch.id for record in journal.held()}
    keys = list(held) if key is None else list(dict.fromkeys([key] if isinstance(key, str) else key))
    for one in keys:
        if one not in held:
            near = difflib.get_close_matches(one, held, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "see pipeline.held()"
            raise ConfigError(f"pipeline {session.storage.pipeline_name!r} has no batch on hold with the key {one!r}", hint=hint)
    batches = tuple(batch for batch in held_batches(journal, session.storage.location) if batch.key in keys)
    session.load_ids += list(dict.fromkeys(batch.load_id for batch in batches))
    journal.resolve([held[one] for one in keys], arrived=arrived)
    return batches
