"""A limit shared by all processes of a host that name it: ``RateLimit(..., shared="crm-api")``.

A sliding window as in ``limiter``, over a small file (``limit_file``) in which every process notes what it starts.

* A place that was reserved counts until its call has started, is given back, or, where the process was killed in between, has aged out.
* Whoever finds no room learns when there will be some, and sleeps until then. Only while a reservation stands in the way, which may be
  given back, he looks again every quarter of a second.
* Where runs give the same name to different numbers, the stricter hold for all of them, until the last run that has them ends.
* Whoever has waited for a whole window goes first: others leave him room. So a large batch gets its empty window in the end.
* A pause that the destination asks one process for holds for all. What this process concludes from failures alone does not.
* If the file fails in the middle of a run, nothing more starts and the run halts; calls that run are settled.

Why no library (looked at in 2026): pyrate-limiter 4.5.1 can share a window in a SQLite file under a file lock. But what it notes is the
time at which somebody asked, not that of the start; it cannot give a place back; a batch of 5,000 rows is 5,000 inserts (10 ms); one larger
than the window never gets through; calls and rows would be two buckets that are not taken together; it keeps to the wall clock, also when
that is set back; it has no pauses; its lock is polled every 50 ms (four busy processes waited for up to 0.5 s); it starts a thread.
limits 5.8.0 needs a server (Redis, Memcached, MongoDB) for more than one process. Here a call costs two commits of about 0.05 ms, which
are made under the dispatcher's lock: the only I/O there.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path

import attrs

from sinkkit.clock import Clock
from sinkkit.declaration.limits import RateLimit
from sinkkit.delivery.limits.limit_file import LimitFile, open_limit_file
from sinkkit.delivery.limits.shared_window import (
    LOOK_SECONDS,
    end_use,
    forget,
    limits_in_use,
    two,
    use_until,
    wait_for,
    window_of,
)
from sinkkit.errors import JournalError

STALE_SECONDS = 5.0
"""A call that did not start so long after its place was reserved gives the place back: well before others take it."""

IN_USE_SECONDS = 60.0
"""The numbers of a run that was killed, or makes no call, hold for the others for so long after it last asked or wanted to ask again."""

OTHERS_SECONDS = 5.0
"""When to ask again at the latest where only the numbers of others leave no room: those runs may end."""

LATE_SECONDS = 1.0
"""Who was told when to come and is later than that no longer holds his place in the line."""

ROUNDING_SECONDS = 0.0001
"""Added to every wait, so that sums of rounded numbers make nobody come a moment too early and ask in vain."""


@attrs.frozen
class Reserved:
    """A reservation of this process: its number in the file, its rows, and when it was made on the run's clock."""

    id: int
    rows: int
    now: float


@attrs.define(eq=False)
class SharedLimiter:
    """Lets a call start when the window of all who share the limit has room; implements ``Limits``, for the threads of one run."""

    limit: RateLimit
    file: LimitFile
    broken: JournalError | None = attrs.field(default=None, init=False)
    _reserved: deque[Reserved] = attrs.field(factory=deque, init=False)
    _refused: tuple[int, float] | None = attrs.field(default=None, init=False)
    _waiting: tuple[float, float] | None = attrs.field(default=None, init=False)
    _paused_until: float = attrs.field(default=0.0, init=False)
    _heard: float | None = attrs.field(default=None, init=False)

    def reserve(self, rows: int, now: float) -> float | None:
        """Take a place for a call with *rows* rows: None if there is one, else seconds until asking again makes sense."""
        if self._refused is not None and rows >= self._refused[0] and now < self._refused[1]:
            return self._refused[1] - now
        try:
            with self.file.writing() as at:
                wait = self._ask(rows, at, now)
        except JournalError as error:
            self.broken = error
            return LOOK_SECONDS
        self._refused = None if wait is None else (rows, self.file.clock.now() + wait)
        return wait

    def start(self, rows: int, now: float) -> None:  # noqa: ARG002  # the file keeps its own time
        """The call that reserved a place starts now; if that cannot be noted, its reservation counts instead."""
        taken = self._take(rows)
        try:
            with self.file.writing() as at:
                db = self.file.db
                db.execute("DELETE FROM reserved WHERE id = ?", (taken.id,))
                db.execute("INSERT INTO starts SELECT starts + 1, ?, rows FROM state", (at,))
                db.execute("UPDATE state SET starts = starts + 1, rows = rows + ?", (rows,))
        except JournalError as error:
            self.broken = error

    def cancel(self, rows: int) -> None:
        """The call that reserved a place does not take place."""
        taken = self._take(rows)
        self._refused = None
        try:
            with self.file.writing():
                self.file.db.execute("DELETE FROM reserved WHERE id = ?", (taken.id,))
        except JournalError as error:
            self.broken = error

    def pause(self, seconds: float) -> None:
        """The destination wants no call for so long, of nobody."""
        try:
            with self.file.writing() as at:
                self._paused_until = max(self._paused_until, at + seconds)
                self.file.db.execute("UPDATE state SET paused_until = max(paused_until, ?)", (at + seconds,))
        except JournalError as error:
            self.broken = error

    def may_start(self, now: float) -> bool:
        """Whether a call that reserved a place may still start: nobody was asked to pause since, and the place is not about to age out."""
        try:
            waited_long = bool(self._reserved) and now - self._reserved[0].now > STALE_SECONDS
        except IndexError:  # another thread has just taken the only one
            waited_long = False
        try:
            return not waited_long and self.file.paused() == 0
        except JournalError as error:
            self.broken = error
            return False

    def heard(self) -> float | None:
        """The seconds of a pause that another process was asked for, told once."""
        seconds, self._heard = self._heard, None
        return seconds

    def close(self) -> None:
        """The run ends: its numbers hold no longer, and it waits for nothing. What cannot be noted any more ages out."""
        try:
            with self.file.writing() as at:
                self._leave_line()
                end_use(self.file.db, self.file.number, self.limit, at)
        except JournalError as error:
            self.broken = error
        self.file.close()

    def _take(self, rows: int) -> Reserved:
        """The oldest reservation for so many rows, which counts no longer as ours."""
        found = next(reserved for reserved in self._reserved if reserved.rows == rows)
        self._reserved.remove(found)
        return found

    def _ask(self, rows: int, at: float, now: float) -> float | None:
        db = self.file.db
        (paused_until,) = db.execute("SELECT paused_until FROM state").fetchone()
        if paused_until > at:
            if paused_until > self._paused_until:
                self._paused_until, self._heard = paused_until, paused_until - at
            return float(paused_until - at)
        use_until(db, self.file.number, self.limit, at + IN_USE_SECONDS)
        limits = limits_in_use(db, at)
        forget(db, at)
        before = self._before(at, max(limit.per for limit in limits))
        own, *others = (wait_for(db, window_of(db, limit, at, before), rows) for limit in (self.limit, *limits))
        longest = max((wait for wait in others if wait is not None), default=None)
        if longest is not None:
            wait = max(own or 0.0, min(longest, OTHERS_SECONDS)) + ROUNDING_SECONDS
            self._stand_in_line(rows, at, wait)
            use_until(db, self.file.number, self.limit, at + wait + IN_USE_SECONDS)
            return wait
        reserved = Reserved(self.file.new_number(), rows, now)
        db.execute("INSERT INTO reserved VALUES (?, ?, ?)", (reserved.id, at, rows))
        self._reserved.append(reserved)
        self._leave_line()
        return None

    def _before(self, at: float, window: float) -> tuple[int, int]:
        """Calls and rows of others who have waited for a whole window, longer than this run, and are not late."""
        since, _ = self._waiting or (at, at)
        question = "SELECT count(*), coalesce(sum(rows), 0) FROM waiting WHERE id <> ? AND since <= ? AND since < ? AND until > ?"
        return two(self.file.db, question, self.file.number, at - window, since, at)

    def _stand_in_line(self, rows: int, at: float, wait: float) -> None:
        since, until = self._waiting or (at, at)
        if until < at:  # it did not come when it was told to
            since = at
        self._waiting = since, at + wait + LATE_SECONDS
        self.file.db.execute("DELETE FROM waiting WHERE until <= ?", (at,))
        self.file.db.execute("INSERT OR REPLACE INTO waiting VALUES (?, ?, ?, ?)", (self.file.number, rows, *self._waiting))

    def _leave_line(self) -> None:
        if self._waiting is not None:
            self.file.db.execute("DELETE FROM waiting WHERE id = ?", (self.file.number,))
            self._waiting = None


def open_shared(limit: RateLimit, folder: Path, clock: Clock) -> SharedLimiter:
    """The limiter of a *limit* that has a name, by its file in *folder*.

    Raises:
        JournalError: If the file cannot be made, read and written.
    """
    return SharedLimiter(limit, open_limit_file(folder / f"{limit.shared}.db", clock))
