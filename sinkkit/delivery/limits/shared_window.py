"""The window of a shared limit, as questions to its file; asked while nobody else writes to it.

None of them takes longer where more calls are in the window: starts are numbered in the order of their times, and each
knows how many rows came before it.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import attrs

from sinkkit.declaration.limits import RateLimit
from sinkkit.delivery.limits.limiter import MARGIN

HELD_SECONDS = 10.0
"""How much longer than a window a reservation counts whose call did not start: then its process was killed, or stopped for long."""

LOOK_SECONDS = 0.25
"""When to look again where another's call is about to start, or to be given up: nobody knows when."""


@attrs.frozen
class Window:
    """What counts for one set of numbers at the time *at* of the file: starts number *first* to *last*, and reservations."""

    limit: RateLimit
    at: float
    first: int
    last: int
    started_rows: int
    all_rows: int
    reserved: int
    reserved_rows: int


def limits_in_use(db: sqlite3.Connection, at: float) -> list[RateLimit]:
    """The numbers of all runs that share the limit now, each once."""
    found = db.execute("SELECT DISTINCT calls, rows, per FROM limits WHERE until > ?", (at,)).fetchall()
    return [RateLimit(calls=calls, rows=rows, per=per) for calls, rows, per in found]


def use_until(db: sqlite3.Connection, run: int, limit: RateLimit, until: float) -> None:
    """Let the numbers of a *run* hold for the others until then."""
    db.execute("INSERT OR REPLACE INTO limits VALUES (?, ?, ?, ?, ?)", (run, limit.calls, limit.rows, float(limit.per), until))


def end_use(db: sqlite3.Connection, run: int, limit: RateLimit, at: float) -> None:
    """The numbers of a *run*, which ends, hold no longer; of runs that had the same one stays, for ``forget``."""
    same = (limit.calls, limit.rows, float(limit.per))
    db.execute("DELETE FROM limits WHERE until <= ? AND calls IS ? AND rows IS ? AND per = ?", (at, *same))
    use_until(db, run, limit, at)


def forget(db: sqlite3.Connection, at: float) -> None:
    """Remove what no window reaches any more.

    The numbers of a run that has ended stay for one window, so that the next run which has them finds what was started.
    """
    db.execute("DELETE FROM limits WHERE until <= ? - per - ?", (at, MARGIN))
    (longest,) = db.execute("SELECT max(per) FROM limits").fetchone()
    db.execute("DELETE FROM reserved WHERE at <= ?", (at - longest - MARGIN - HELD_SECONDS,))
    db.execute("DELETE FROM starts WHERE at <= ?", (at - longest - MARGIN,))


def window_of(db: sqlite3.Connection, limit: RateLimit, at: float, before: tuple[int, int] = (0, 0)) -> Window:
    """What counts for *limit* at the time *at*; calls and rows of those who go *before* count as reserved."""
    since = at - limit.per - MARGIN
    last, all_rows = two(db, "SELECT starts, rows FROM state")
    first = db.execute("SELECT id, rows_before FROM starts WHERE at > ? ORDER BY at, id LIMIT 1", (since,)).fetchone()
    first, rows_before = first or (last + 1, all_rows)
    reserved, reserved_rows = two(db, "SELECT count(*), coalesce(sum(rows), 0) FROM reserved WHERE at > ?", since - HELD_SECONDS)
    return Window(limit, at, first, last, all_rows - rows_before, all_rows, reserved + before[0], reserved_rows + before[1])


def wait_for(db: sqlite3.Connection, window: Window, rows: int) -> float | None:
    """Seconds until *window* may have room for a call with *rows* rows; None: it has.

    Reservations make that uncertain: they may be given back, and a call that starts later frees its place later.
    """
    limit, started = window.limit, window.last - window.first + 1
    aging: list[Any] = []
    too_many = 0 if limit.calls is None else started + window.reserved - limit.calls + 1
    if too_many > 0:
        number = min(window.first + too_many - 1, window.last)
        aging.append(db.execute("SELECT at FROM starts WHERE id = ?", (number,)).fetchone())
    alone = started + window.reserved == 0
    if limit.rows is not None and not alone and window.started_rows + window.reserved_rows + rows > limit.rows:
        kept = window.all_rows + window.reserved_rows + rows - limit.rows
        last_to_go = "SELECT at FROM starts WHERE rows_before < ? ORDER BY rows_before DESC LIMIT 1"
        aging.append(db.execute(last_to_go, (kept,)).fetchone())
    if not aging:
        return None
    known = max((row[0] + limit.per + MARGIN - window.at for row in aging if row is not None), default=0.0)
    if not window.reserved:
        return float(known)
    look = min(LOOK_SECONDS, limit.per + MARGIN)
    return min(float(known), look) if known > 0 else look


def two(db: sqlite3.Connection, question: str, *values: float | None) -> tuple[int, int]:
    """The two whole numbers that answer *question*."""
    first, second = db.execute(question, values).fetchone()
    return int(first), int(second)
