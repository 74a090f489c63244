"""Moves → SQL: each one a conditional statement that must find what it expects."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import attrs

from sinkkit.errors import JournalError
from sinkkit.journal import letters, spans
from sinkkit.journal.letters import storable
from sinkkit.journal.moves import Cut, Move, NewBatch, Note, Pause, Pick, Postpone, Return, Settle, SettlePlain, Split, Start
from sinkkit.journal.ranges import numbers_of
from sinkkit.journal.states import State, sources_of


def _among(states: tuple[State, ...]) -> str:
    return ", ".join(str(int(state)) for state in states)


ADVANCE = "UPDATE jobs SET frontier = ? WHERE id BETWEEN ? AND ? AND frontier = ?"
CUT = (
    "INSERT INTO batches (id, job, first_row, row_count, batch_count, batch_rows, key, state, attempts, run, calls) "
    "SELECT ?1 + (id - ?2) * ?6, id, ?4, ?5, ?6, ?7, '', ?8, ?9, ?10, ?9 FROM jobs WHERE id BETWEEN ?2 AND ?3"
)
PICK_IN_FLIGHT = (
    "INSERT INTO batches (id, job, first_row, row_count, ranges, key, state, attempts, run, calls) "
    f"VALUES (?, ?, ?, ?, ?, ?, {int(State.IN_FLIGHT)}, 1, ?, 1)"
)
PICK_PLANNED = (
    f"INSERT INTO batches (id, job, first_row, row_count, ranges, key, state, attempts) VALUES (?, ?, ?, ?, ?, ?, {int(State.PLANNED)}, 0)"
)
INSERT_PLANNED = (
    "INSERT INTO batches (id, job, first_row, row_count, ranges, key, state, attempts, ambiguous, not_before) "
    f"SELECT ?, job, ?, ?, ?, ?, {int(State.PLANNED)}, ?, ?, ? FROM batches WHERE id = ?"
)
INHERIT_RESENT = "UPDATE batches SET resent = (SELECT resent FROM batches WHERE id = ?) WHERE id = ?"
START = (
    f"UPDATE batches SET state = {int(State.IN_FLIGHT)}, attempts = attempts + 1, not_before = NULL, "
    f"resent = resent + (state = {int(State.UNKNOWN)} AND note IS NULL), "
    "calls = CASE WHEN run IS ?1 THEN calls + 1 ELSE 1 END, run = ?1 WHERE id BETWEEN ?2 AND ?3 AND state = ?4"
)
RETURN = (
    f"UPDATE batches SET state = ?1, attempts = attempts - 1, calls = calls - 1, resent = resent - (?1 = {int(State.UNKNOWN)} AND note IS NULL) "
    f"WHERE id BETWEEN ?2 AND ?3 AND state = {int(State.IN_FLIGHT)}"
)
NOTE = f"UPDATE batches SET note = ? WHERE id = ? AND state IN ({int(State.IN_FLIGHT)}, {int(State.UNKNOWN)})"
SETTLE_PLAIN = (
    f"UPDATE batches SET state = {int(State.SETTLED)}, delivered = row_count "
    f"WHERE id BETWEEN ? AND ? AND state = {int(State.IN_FLIGHT)}"
)
SETTLE_SPAN = (
    f"UPDATE batches SET state = {int(State.SETTLED)}, delivered = row_count "
    f"WHERE id = ? AND id + batch_count - 1 = ? AND state = {int(State.IN_FLIGHT)}"
)
SETTLE = (
    f"UPDATE batches SET state = {int(State.SETTLED)}, delivered = ?1, rejected = ?2, metrics = ?3 "
    f"WHERE id = ?4 AND state IN ({_among(sources_of(State.SETTLED))}) AND row_count = ?1 + ?2 + ?5"
)
POSTPONE = {
    target: (
        f"UPDATE batches SET state = {int(target)}, not_before = ?, held_at = ?, ambiguous = ambiguous OR {int(target is not State.PLANNED)} "
        f"WHERE id = ? AND state IN ({_among(sources_of(target))})"
    )
    for target in (State.PLANNED, State.UNKNOWN, State.HELD)
}
SPLIT = (
    f"UPDATE batches SET state = {int(State.SPLIT)} "
    f"WHERE id = ? AND state IN ({_among(sources_of(State.SPLIT))}) AND row_count = ? AND NOT ambiguous"
)
RECEIPT = (
    "INSERT INTO receipts (load_id, table_name, row_index, receipt, delivered_at) "
    "SELECT jobs.load_id, jobs.table_name, ?, ?, ? FROM batches JOIN jobs ON jobs.id = batches.job WHERE batches.id = ?"
)
FIRST_INDEX = "SELECT first_index FROM jobs WHERE id = (SELECT job FROM batches WHERE id = ?)"
PAUSE = (
    "INSERT INTO pauses (destination, until, reason) VALUES (?, ?, ?) "
    "ON CONFLICT (destination) DO UPDATE SET until = max(until, excluded.until), reason = excluded.reason"
)


def _expect(found: int, wanted: int, move: Move) -> None:
    if found != wanted:
        raise JournalError(
            f"the journal did not find what it expected for {_named(move)}: {found} of {wanted} rows changed",
            hint="something else wrote to the journal; run again, what is in doubt is sent again under its key",
        )


def _named(move: Move) -> str:
    """A move for people: what it is and which batch it is about, without the rows it carries."""
    numbers = [f"{name}={value!r}" for name, value in attrs.asdict(move, recurse=False).items() if isinstance(value, int | str)]
    return f"{type(move).__name__}({', '.join(numbers)})"


def _cut(db: sqlite3.Connection, moves: Sequence[Cut]) -> None:
    """Two statements for each run of jobs that are cut alike, as a claim may go through many small ones."""
    for _, numbered in groupby(enumerate(moves), _alike):
        alike = [move for _, move in numbered]
        first, last = alike[0], alike[-1]
        changed = db.execute(ADVANCE, (first.frontier, first.job, last.job, first.since)).rowcount
        _expect(changed, len(alike), first)
        rows, claimed = first.frontier - first.since, first.claimed
        state, run = (State.IN_FLIGHT, first.run) if claimed else (State.PLANNED, None)
        db.execute(CUT, (first.first, first.job, last.job, first.since, rows, first.count, first.size, int(state), int(claimed), run))


def _alike(numbered: tuple[int, Cut]) -> tuple[int, ...]:
    """The same for cuts of the same rows of jobs that follow each other, into batches that follow each other."""
    at, move = numbered
    return move.job - at, move.first - at * move.count, move.since, move.frontier, move.size, move.run, move.claimed


def _pick(db: sqlite3.Connection, move: Pick) -> None:
    new = move.batch
    _expect(db.execute(ADVANCE, (move.since + new.row_count, move.job, move.job, move.since)).rowcount, 1, move)
    values = (new.id, move.job, new.first_row, new.row_count, new.ranges, new.key)
    db.execute(*((PICK_IN_FLIGHT, (*values, move.run)) if move.claimed else (PICK_PLANNED, values)))


def _start(db: sqlite3.Connection, move: Start) -> None:
    _expect(spans.among(db, move.first, move.last, move.since), move.last - move.first + 1, move)
    db.execute(START, (move.run, move.first, move.last, int(move.since)))


def _return(db: sqlite3.Connection, move: Return) -> None:
    _expect(spans.among(db, move.first, move.last, State.IN_FLIGHT), move.last - move.first + 1, move)
    db.execute(RETURN, (int(move.target), move.first, move.last))


def _note(db: sqlite3.Connection, move: Note) -> None:
    spans.single(db, move.batch)
    _expect(db.execute(NOTE, (None if move.text is None else storable(move.text), move.batch)).rowcount, 1, move)


def _settle_plain(db: sqlite3.Connection, move: SettlePlain) -> None:
    if db.execute(SETTLE_SPAN, (move.first, move.last)).rowcount != 1:
        _expect(spans.among(db, move.first, move.last, State.IN_FLIGHT), move.last - move.first + 1, move)
        db.execute(SETTLE_PLAIN, (move.first, move.last))
    for rows in letters.carried(db, move.first, move.last):
        letters.close(db, rows)


def _settle(db: sqlite3.Connection, move: Settle) -> None:
    spans.single(db, move.batch)
    metrics = json.dumps(dict(move.metrics)) if move.metrics else None
    again = sum(child.row_count for child in move.children)
    changed = db.execute(SETTLE, (move.delivered, len(move.rejected), metrics, move.batch, again)).rowcount
    _expect(changed, 1, move)
    replayed = letters.carried(db, move.batch, move.batch)
    if replayed:
        _settle_letters(db, move, replayed[0])
    else:
        letters.keep(db, move.rejected)
        db.executemany(RECEIPT, [(index, storable(receipt), move.at, move.batch) for index, receipt in move.receipts])
    if move.child is not None:
        _insert(db, move.batch, move.child)
        db.execute(INHERIT_RESENT, (move.batch, move.child.id))
    for child in move.unsent:
        _insert(db, move.batch, child)


def _settle_letters(db: sqlite3.Connection, move: Settle, rows: letters.Carried) -> None:
    """What the end of a batch of a replay means for the dead letters that it carries."""
    again: Sequence[int] = ()
    if move.children:
        (first_index,) = db.execute(FIRST_INDEX, (move.batch,)).fetchone()
        again = [first_index + row for child in move.children for row in numbers_of(child.first_row, child.row_count, child.ranges)]
    letters.settle(db, rows, again=again, rejected=move.rejected, receipts=move.receipts, at=move.at)


def _insert(db: sqlite3.Connection, parent: int, new: NewBatch) -> None:
    values = (new.id, new.first_row, new.row_count, new.ranges, new.key, new.attempts, int(new.ambiguous), new.not_before)
    db.execute(INSERT_PLANNED, (*values, parent))


def _postpone(db: sqlite3.Connection, move: Postpone) -> None:
    spans.single(db, move.batch)
    _expect(db.execute(POSTPONE[move.target], (move.not_before, move.at, move.batch)).rowcount, 1, move)


def _split(db: sqlite3.Connection, move: Split) -> None:
    spans.single(db, move.batch)
    rows = sum(child.row_count for child in move.children)
    _expect(db.execute(SPLIT, (move.batch, rows)).rowcount, 1, move)
    for child in move.children:
        _insert(db, move.batch, child)


def _pause(db: sqlite3.Connection, move: Pause) -> None:
    db.execute(PAUSE, (move.destination, move.until, storable(move.reason)))


_APPLY: dict[type[Any], Callable[[sqlite3.Connection, Any], None]] = {
    Pick: _pick,
    Start: _start,
    Return: _return,
    Note: _note,
    SettlePlain: _settle_plain,
    Settle: _settle,
    Postpone: _postpone,
    Split: _split,
    Pause: _pause,
}


def apply(db: sqlite3.Connection, moves: Sequence[Move]) -> None:
    """Write *moves*, in their order, inside the transaction that is open on *db*.

    Raises:
        JournalError: If the journal is not in the state that one of them names.
    """
    for kind, alike in groupby(moves, type):
        if kind is Cut:
            _cut(db, list(alike))  # type: ignore[arg-type]  # mypy does not see that they are of this kind
            continue
        for move in alike:
            _APPLY[kind](db, move)
