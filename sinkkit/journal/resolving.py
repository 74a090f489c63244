"""Batches on hold, in SQL: which they are, and what becomes of them once somebody knows."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from sinkkit.errors import JournalError
from sinkkit.journal import letters
from sinkkit.journal.records import BATCH_COLUMNS, BatchRecord, HeldRecord, PackageState
from sinkkit.journal.states import State

HELD = (
    f"SELECT {BATCH_COLUMNS}, table_name, first_index, held_at FROM batches JOIN jobs ON jobs.id = batches.job "
    f"WHERE state <> 2 AND state <> 4 AND state = {int(State.HELD)} ORDER BY job, first_row"  # the first two for the index
)
ARRIVED = f"UPDATE batches SET state = {int(State.SETTLED)}, delivered = row_count, held_at = NULL WHERE id = ? AND state = {int(State.HELD)}"
NOT_ARRIVED = f"UPDATE batches SET state = {int(State.PLANNED)}, not_before = NULL, held_at = NULL, note = NULL WHERE id = ? AND state = {int(State.HELD)}"
RESOLVED = (
    f"UPDATE packages SET state = '{PackageState.RESOLVED}' WHERE completed_at IS NULL "
    "AND load_id IN (SELECT load_id FROM jobs JOIN batches ON batches.job = jobs.id WHERE batches.id = ?) "
    "AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.load_id = packages.load_id AND frontier < row_count) "
    "AND NOT EXISTS (SELECT 1 FROM jobs JOIN batches ON batches.job = jobs.id "
    "WHERE jobs.load_id = packages.load_id AND batches.state <> 2 AND batches.state <> 4)"
)


def held(db: sqlite3.Connection) -> list[HeldRecord]:
    """Every batch on hold, in the order of the rows."""
    return [_record(row) for row in db.execute(HELD)]


def _record(row: tuple[Any, ...]) -> HeldRecord:
    *batch, table, first_index, held_at = row
    return HeldRecord(
        batch=BatchRecord.of(batch),
        load_id=batch[-2],
        table=table,
        job=batch[-1],
        first_index=first_index,
        held_at=held_at,
    )


def resolve(db: sqlite3.Connection, batches: Sequence[int], *, arrived: bool) -> None:
    """Settle *batches*, which are on hold, as delivered, or plan them anew under their keys; a package without open rows is then *resolved*.

    Raises:
        JournalError: If one is not on hold; nothing is changed then.
    """
    for batch in batches:
        if db.execute(ARRIVED if arrived else NOT_ARRIVED, (batch,)).rowcount != 1:
            raise JournalError(
                f"batch {batch} is not on hold", hint="somebody else has resolved it: see what is on hold with `sinkkit resolve PIPELINE --list`"
            )
        if arrived:
            for rows in letters.carried(db, batch, batch):
                letters.close(db, rows)
            db.execute(RESOLVED, (batch,))
