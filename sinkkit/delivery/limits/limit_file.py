"""The file in which processes share a limit: opening it, writing to it, and the time that it keeps.

A SQLite file that is small, private to its user and whole at any moment: what a killed process was writing is undone
by whoever comes next, and its lock goes with it. It holds no row of anybody's data.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import attrs

from sinkkit.clock import Clock
from sinkkit.errors import JournalError
from sinkkit.journal.opening import rollback

BUSY_SECONDS = 10.0
"""How long to wait for others that are writing; each takes well below a millisecond."""

FORMAT = 1
"""Version of the tables below; stands in the file as SQLite's ``user_version``."""

TABLES = (
    """CREATE TABLE state (
        time REAL NOT NULL, now REAL NOT NULL, wall REAL NOT NULL,
        starts INTEGER NOT NULL, rows INTEGER NOT NULL, numbers INTEGER NOT NULL, paused_until REAL NOT NULL
    )""",
    # rows_before: the rows of all starts before; so the sum of any run of starts is the difference of two numbers
    "CREATE TABLE starts (id INTEGER PRIMARY KEY, at REAL NOT NULL, rows_before INTEGER NOT NULL)",
    "CREATE INDEX starts_at ON starts (at)",
    "CREATE INDEX starts_rows_before ON starts (rows_before)",
    # numbers are never given twice: a process that was stopped for long must not take another's reservation for its own
    "CREATE TABLE reserved (id INTEGER PRIMARY KEY, at REAL NOT NULL, rows INTEGER NOT NULL)",
    # one for each run, in force until then; it stays for another window, as starts do that it would count
    "CREATE TABLE limits (id INTEGER PRIMARY KEY, calls INTEGER, rows INTEGER, per REAL NOT NULL, until REAL NOT NULL)",
    "CREATE TABLE waiting (id INTEGER PRIMARY KEY, rows INTEGER NOT NULL, since REAL NOT NULL, until REAL NOT NULL)",
    f"PRAGMA user_version = {FORMAT}",
)

STEP_SECONDS = 1.0
"""By how much the two clocks may disagree about the time since the last look before one of them counts as having been set."""


def passed(by_now: float, by_wall: float, now: float) -> float:
    """Seconds that have passed for certain since somebody last looked.

    Processes of one host share the monotonic clock, which nobody can set but which begins anew with the machine; the
    wall clock goes on then, but can be set. Where they disagree the smaller is believed: a window may then last longer,
    never shorter.

    Args:
        by_now: What the monotonic clock says of it; negative: the machine was started again.
        by_wall: What the wall clock says of it; negative: it was set back.
        now: Seconds on the monotonic clock: since the machine was started, at most.
    """
    if abs(by_now - by_wall) < STEP_SECONDS:
        return max(0.0, by_now)
    return max(0.0, min(now if by_now < 0 else by_now, by_wall))


@attrs.define(eq=False)
class LimitFile:
    """An open file of a shared limit, for all threads of a run; its time begins with 0 when it is made.

    Attributes:
        path: Where it is.
        clock: What its time is made of.
        db: The connection to it; only for use within ``writing``.
        number: A number that nothing else in the file has: it stands for the run.
    """

    path: Path
    clock: Clock
    db: sqlite3.Connection
    number: int = attrs.field(default=0, init=False)
    _lock: Lock = attrs.field(factory=Lock, init=False)

    @contextmanager
    def writing(self) -> Iterator[float]:
        """Change the file while the block runs, as the only one of all processes; gives the file's time.

        Raises:
            JournalError: If the file cannot be written; it is as before then.
        """
        with self._lock, named(self.path):
            self.db.execute("BEGIN IMMEDIATE")
            try:
                time, now, wall = self._time()
                self.db.execute("UPDATE state SET time = ?, now = ?, wall = ?", (time, now, wall))
                yield time
                self.db.execute("COMMIT")
            except BaseException:
                rollback(self.db)
                raise

    def new_number(self) -> int:
        """A number that nothing else in the file has or will have; within ``writing``."""
        self.db.execute("UPDATE state SET numbers = numbers + 1")
        (number,) = self.db.execute("SELECT numbers FROM state").fetchone()
        return int(number)

    def paused(self) -> float:
        """Seconds for which no call may start.

        Raises:
            JournalError: If the file cannot be read.
        """
        with self._lock, named(self.path):
            (until,) = self.db.execute("SELECT paused_until FROM state").fetchone()
            return max(0.0, float(until) - self._time()[0]) if until else 0.0

    def close(self) -> None:
        """Let go of the file; nothing in it changes."""
        with self._lock, named(self.path):
            self.db.close()

    def _time(self) -> tuple[float, float, float]:
        """The file's time, and the two clocks that it is made of."""
        time, last_now, last_wall = self.db.execute("SELECT time, now, wall FROM state").fetchone()
        now, wall = self.clock.now(), self.clock.wall()
        return time + passed(now - last_now, wall - last_wall, now), now, wall


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Turn the system's and SQLite's errors about the file *path* into ``JournalError`` with a hint."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise JournalError(f"the shared limit in {path} cannot be used: {error}", hint=_hint(str(error), path)) from error


def _hint(text: str, path: Path) -> str:
    if "full" in text:
        return "make room on that disk and run again"
    if "locked" in text:
        return f"another process has held it for {BUSY_SECONDS:g} s: is one of those that share the limit stopped?"
    if any(sign in text for sign in ("not a database", "malformed", "no such", "made by", "damaged")):
        return "remove the file while nothing runs that shares the limit, which then begins with an empty window"
    return f"check owner and mode of {path.parent}, or set SINKKIT_LIMITS_DIR to another folder on a local disk"


def open_limit_file(path: Path, clock: Clock) -> LimitFile:
    """The file at *path*, made with its folder if missing, for the eyes of its user only.

    Raises:
        JournalError: If it cannot be made, read and written, or is not what sinkkit made.
    """
    with named(path):
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make(path, clock)
        db = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            db.execute("PRAGMA synchronous = NORMAL")
            _check(db)
            file = LimitFile(path, clock, db)
            with file.writing():  # one that can only be read is found out now
                file.number = file.new_number()
        except BaseException:
            db.close()
            raise
        return file


def _make(path: Path, clock: Clock) -> None:
    """Make the file beside its place and link it there: whoever finds it finds all of it, and the first of several wins."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    try:
        with contextlib.closing(sqlite3.connect(beside, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            for statement in TABLES:
                db.execute(statement)
            db.execute("INSERT INTO state VALUES (0.0, ?, ?, 0, 0, 0, 0.0)", (clock.now(), clock.wall()))
        with contextlib.suppress(FileExistsError):  # somebody else was faster
            os.link(beside, path)
    finally:
        beside.unlink()


def _check(db: sqlite3.Connection) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version != FORMAT:
        raise sqlite3.DatabaseError(f"it was not made by this version of sinkkit (format {version}, not {FORMAT})")
    (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(f"it is damaged: {found}")
