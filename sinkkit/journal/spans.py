"""Spans: batches that were cut together are one row of the file for as long as they share their fate.

Such a row stands for ``batch_count`` batches of ``batch_rows`` rows each, of which the last may have fewer; their ids follow each other
from the row's own. A fast destination settles nearly all of its batches like that, at the cost of one. Whatever concerns only some
of them divides the row first, in the same transaction.
"""

from __future__ import annotations

import sqlite3

from sinkkit.journal.states import State

OPEN_SPANS = "batches INDEXED BY open_spans WHERE batch_count > 1 AND state <> 2 AND state <> 4"
AROUND = f"SELECT id, first_row, row_count, batch_rows, batch_count FROM {OPEN_SPANS} AND id < ?1 AND id + batch_count > ?1"
OF_PACKAGE = f"SELECT id, first_row, row_count, batch_rows, batch_count FROM {OPEN_SPANS} AND job IN (SELECT id FROM jobs WHERE load_id = ?)"
COUNT = "SELECT batch_count FROM batches WHERE id = ?"
BETWEEN = "SELECT min(id), max(id + batch_count), coalesce(sum(batch_count * (state = ?)), 0) FROM batches WHERE id BETWEEN ? AND ?"
PART = (
    "INSERT INTO batches (id, first_row, row_count, batch_count, job, batch_rows, key, state, attempts, ambiguous, not_before, resent, run, calls) "
    "SELECT ?, ?, ?, ?, job, batch_rows, key, state, attempts, ambiguous, not_before, resent, run, calls FROM batches WHERE id = ?"
)
SHORTEN = "UPDATE batches SET row_count = ?, batch_count = ? WHERE id = ?"


NEXT_ID = "SELECT coalesce((SELECT id + batch_count FROM batches ORDER BY id DESC LIMIT 1), 1)"


def next_id(db: sqlite3.Connection) -> int:
    """One more than the highest id of a batch in the file."""
    return int(db.execute(NEXT_ID).fetchone()[0])


def single(db: sqlite3.Connection, batch: int) -> None:
    """Let *batch* be a row of its own."""
    if db.execute(COUNT, (batch,)).fetchone() != (1,):
        _divide(db, batch)
        _divide(db, batch + 1)


def among(db: sqlite3.Connection, first: int, last: int, state: State) -> int:
    """Let batches *first* to *last* be rows of their own, together; returns how many of them are in *state*."""
    values = (int(state), first, last)
    least, end, found = db.execute(BETWEEN, values).fetchone()
    if (least, end) != (first, last + 1):
        _divide(db, first)
        _divide(db, last + 1)
        *_, found = db.execute(BETWEEN, values).fetchone()
    return int(found)


def unfold(db: sqlite3.Connection, load_id: str) -> None:
    """Let every open batch of a package be a row of its own."""
    for span, first_row, row_count, size, count in db.execute(OF_PACKAGE, (load_id,)).fetchall():
        starts = range(0, count * size, size)
        db.executemany(PART, [(span + n, first_row + start, min(size, row_count - start), 1, span) for n, start in enumerate(starts) if n])
        db.execute(SHORTEN, (size, 1, span))


def _divide(db: sqlite3.Connection, at: int) -> None:
    """Let no row stand for batch *at* and the one before it."""
    found = db.execute(AROUND, (at,)).fetchone()
    if found is not None:
        span, first_row, row_count, size, count = found
        before = at - span
        db.execute(PART, (at, first_row + before * size, row_count - before * size, count - before, span))
        db.execute(SHORTEN, (before * size, before, span))
