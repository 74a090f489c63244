"""Dead letters in SQL: read, taken into a replay, and closed in the commit that settles their batch.

A letter that a replay has taken stays on the list, marked with the replay's load id and its row's number in the table there. A row that is
delivered takes its letter off the list; one that is rejected again brings it up to date. Nothing here costs more than one
look at an empty index while no replay is open.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import attrs

from sinkkit.errors import JournalError
from sinkkit.journal.ranges import numbers_of
from sinkkit.journal.records import RejectedRecord

Taken: TypeAlias = tuple[int, int, bytes | None]
"""A letter's number, its row's index in the table of the replay, and the row to keep instead of the one kept so far, if another is sent."""

COLUMNS = (
    "number, id, load_id, table_name, row_index, row, reason, error, status, attempts, rejected_at, taken_by, "
    "(SELECT destination FROM packages WHERE packages.load_id = rejected.load_id)"
)
FIELDS = (
    "number", "id", "load_id", "table", "index", "row", "reason", "error", "status", "attempts", "rejected_at", "taken_by", "destination",
)  # fmt: skip
PORTION = 1000
"""Letters that are read at once, so that many do not fill the memory."""

SELECT = (
    f"SELECT {COLUMNS} FROM rejected WHERE number > ?1 AND (?2 IS NULL OR table_name = ?2) "
    f"AND (?3 IS NULL OR instr(reason, ?3) > 0) AND (?4 OR taken_by IS NULL) ORDER BY number LIMIT {PORTION}"
)
ONE = f"SELECT {COLUMNS} FROM rejected WHERE id = ?"
KEEP = (
    "INSERT INTO rejected (id, load_id, table_name, row_index, row, reason, error, status, attempts, rejected_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
TAKE = "UPDATE rejected SET taken_by = ?, taken_index = ?, row = coalesce(?, row) WHERE number = ? AND taken_by IS NULL"
NOT_CARRIED = (
    "SELECT table_name FROM (SELECT table_name, sum(row_count) AS rows FROM jobs WHERE load_id = ?1 GROUP BY table_name) AS carried "
    "WHERE rows <> (SELECT count(*) FROM rejected WHERE taken_by = ?1 AND rejected.table_name = carried.table_name)"
)
ANY_REPLAY = "SELECT 1 FROM packages WHERE replay = 1 AND completed_at IS NULL LIMIT 1"
IN_REPLAYS = (
    "SELECT jobs.load_id, jobs.table_name, jobs.first_index, batches.first_row, batches.row_count, batches.ranges "
    "FROM batches CROSS JOIN jobs ON jobs.id = batches.job CROSS JOIN packages ON packages.load_id = jobs.load_id "
    "WHERE batches.id BETWEEN ? AND ? AND packages.replay = 1"
)
OF_REPLAY = "WHERE taken_by = ? AND table_name = ?"
CLOSE_RUN = f"DELETE FROM rejected {OF_REPLAY} AND taken_index BETWEEN ? AND ?"
CLOSE = f"DELETE FROM rejected {OF_REPLAY} AND taken_index = ?"
AGAIN = (
    "UPDATE rejected SET reason = ?, error = ?, status = ?, attempts = attempts + ?, rejected_at = ?, taken_by = NULL, taken_index = NULL "
    f"{OF_REPLAY} AND taken_index = ?"
)
RECEIPT = (
    "INSERT INTO receipts (load_id, table_name, row_index, receipt, delivered_at) "
    f"SELECT load_id, table_name, row_index, ?, ? FROM rejected {OF_REPLAY} AND taken_index = ?"
)
TRIED = f"UPDATE rejected SET attempts = attempts + ? {OF_REPLAY} AND taken_index = ?"
GIVE_BACK = "UPDATE rejected SET taken_by = NULL, taken_index = NULL WHERE taken_by = ?"
OPEN_CALLS = (
    "SELECT jobs.table_name, jobs.first_index, batches.first_row, batches.row_count, batches.ranges, batches.attempts "
    "FROM jobs JOIN batches ON batches.job = jobs.id WHERE jobs.load_id = ? AND batches.state <> 2 AND batches.state <> 4"
)


@attrs.frozen
class Carried:
    """Rows of a batch of a replay: its load id, its table, and the indices of the rows in that table."""

    load_id: str
    table: str
    indices: range | tuple[int, ...]


def portion(db: sqlite3.Connection, after: int, table: str | None, reason: str | None, *, taken: bool) -> list[RejectedRecord]:
    """Letters with a number above *after*, oldest first, ``PORTION`` at most; arguments as of ``Journal.rejected``."""
    return [_record(row) for row in db.execute(SELECT, (after, table, reason, taken))]


def one(db: sqlite3.Connection, letter: str) -> RejectedRecord | None:
    """The letter with this id."""
    row = db.execute(ONE, (letter,)).fetchone()
    return None if row is None else _record(row)


def _record(row: tuple[Any, ...]) -> RejectedRecord:
    return RejectedRecord(**dict(zip(FIELDS, row, strict=True)))


def keep(db: sqlite3.Connection, records: Iterable[RejectedRecord]) -> None:
    """Put new letters on the list."""
    values = ((r.id, r.load_id, r.table, r.index, r.row, storable(r.reason), r.error, r.status, r.attempts, r.rejected_at) for r in records)
    db.executemany(KEEP, values)


def take(db: sqlite3.Connection, load_id: str, taking: Iterable[Taken]) -> None:
    """Mark letters as sent again by the package *load_id*, whose rows they are.

    Raises:
        JournalError: If one is not there or is taken already, or if the package has other rows.
    """
    count = 0

    def values() -> Iterator[tuple[str, int, bytes | None, int]]:
        nonlocal count
        for number, index, row in taking:
            count += 1
            yield load_id, index, row, number

    changed = db.executemany(TAKE, values()).rowcount
    if max(changed, 0) != count or db.execute(NOT_CARRIED, (load_id,)).fetchone() is not None:
        raise JournalError(
            f"the rejected rows of package {load_id} are not those on the list: {max(changed, 0)} of {count} could be taken",
            hint="something else wrote to the journal; nothing was taken, run the replay again",
        )


def carried(db: sqlite3.Connection, first: int, last: int) -> list[Carried]:
    """What batches *first* to *last* carry for open replays; nothing for any other batch."""
    if db.execute(ANY_REPLAY).fetchone() is None:
        return []
    return [
        Carried(load_id, table, _indices(first_index, first_row, count, ranges))
        for load_id, table, first_index, first_row, count, ranges in db.execute(IN_REPLAYS, (first, last))
    ]


def _indices(first_index: int, first_row: int, count: int, ranges: str | None) -> range | tuple[int, ...]:
    rows = numbers_of(first_row, count, ranges)
    return range(first_index + rows.start, first_index + rows.stop) if isinstance(rows, range) else tuple(first_index + row for row in rows)


def close(db: sqlite3.Connection, rows: Carried) -> None:
    """Take the letters of *rows*, which were all delivered, off the list.

    Raises:
        JournalError: If one is not there.
    """
    if isinstance(rows.indices, range):
        gone = db.execute(CLOSE_RUN, (rows.load_id, rows.table, rows.indices.start, rows.indices.stop - 1)).rowcount
    else:
        gone = db.executemany(CLOSE, [(rows.load_id, rows.table, index) for index in rows.indices]).rowcount
    _expect(max(gone, 0), len(rows.indices), rows)


def settle(
    db: sqlite3.Connection,
    rows: Carried,
    *,
    again: Sequence[int],
    rejected: Sequence[RejectedRecord],
    receipts: Sequence[tuple[int, str]],
    at: float | None,
) -> None:
    """Close the letters of a batch of which some rows are tried *again* and some were *rejected* once more.

    Receipts are kept for the rows as they stood in their first package.

    Raises:
        JournalError: If a letter is not there.
    """
    db.executemany(RECEIPT, [(storable(receipt), at, rows.load_id, rows.table, index) for index, receipt in receipts])
    values = [
        (storable(r.reason), r.error, r.status, r.attempts, r.rejected_at, rows.load_id, rows.table, r.index) for r in rejected
    ]
    _expect(max(db.executemany(AGAIN, values).rowcount, 0), len(values), rows)
    others = {*again, *(record.index for record in rejected)}
    close(db, attrs.evolve(rows, indices=tuple(index for index in rows.indices if index not in others)))


def give_back(db: sqlite3.Connection, load_id: str) -> None:
    """Free the letters that a replay which ends still has; the calls made for them are counted. Nothing for any other package."""
    if db.execute("SELECT replay FROM packages WHERE load_id = ?", (load_id,)).fetchone() != (1,):
        return
    for table, first_index, first_row, count, ranges, attempts in db.execute(OPEN_CALLS, (load_id,)).fetchall():
        db.executemany(TRIED, [(attempts, load_id, table, index) for index in _indices(first_index, first_row, count, ranges)])
    db.execute(GIVE_BACK, (load_id,))


def _expect(found: int, wanted: int, rows: Carried) -> None:
    if found != wanted:
        raise JournalError(
            f"the list of rejected rows does not hold what replay {rows.load_id} sends of table {rows.table!r}: {found} of {wanted} rows",
            hint="something else wrote to the journal; run again, what is in doubt is sent again under its key",
        )


def storable(text: str) -> str:
    """*text* as UTF-8 can hold it: half a surrogate pair, as a destination's broken answer may have, becomes its escape."""
    return text.encode("utf-8", "backslashreplace").decode()
