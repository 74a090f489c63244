"""Group commit: what all workers wait for goes to the disk together."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TypeVar

from sinkkit.journal.apply import apply
from sinkkit.journal.moves import Move
from sinkkit.journal.opening import rollback

T = TypeVar("T")


def nothing() -> None:
    """Do nothing before a commit."""


class Commits:
    """The queue in front of one SQLite connection.

    ``submit`` puts moves in line and is cheap; ``flush`` makes them durable. The first thread to flush
    commits for all that are in line, the others find their work done. After a failed commit nothing is
    written any more, and everybody is told why: the queue's order is part of what the moves mean.
    """

    def __init__(self, db: sqlite3.Connection, before_commit: Callable[[], None] = nothing) -> None:
        self._db = db
        self._before_commit = before_commit
        self._line: list[Sequence[Move]] = []
        self._line_lock = Lock()
        self._file_lock = Lock()
        self._submitted = 0
        self._durable = 0
        self._broken: BaseException | None = None

    def submit(self, moves: Sequence[Move]) -> int:
        """Queue *moves*; returns the ticket to flush."""
        with self._line_lock:
            self._line.append(moves)
            self._submitted += 1
            return self._submitted

    def flush(self, ticket: int) -> None:
        """Return once *ticket* is durable; raise what broke the journal otherwise."""
        if self._durable >= ticket:
            return
        with self._file_lock:
            if self._durable >= ticket:
                return
            if self._broken is not None:
                raise self._broken
            with self._line_lock:
                line, self._line, last = self._line, [], self._submitted
            try:
                with transaction(self._db):
                    for moves in line:
                        apply(self._db, moves)
                    self._before_commit()
            except BaseException as error:
                self._broken = error
                raise
            self._durable = last

    def alone(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run *work* in a transaction of its own, after all that is in line."""
        self.flush(self._submitted)
        with self._file_lock, transaction(self._db):
            return work(self._db)

    def ahead(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run *work* as ``alone`` does, but let the next commit see to the disk: for what is lost without harm as long as nothing came of it."""
        self.flush(self._submitted)
        with self._file_lock:
            (mode,) = self._db.execute("PRAGMA synchronous").fetchone()
            self._db.execute("PRAGMA synchronous = NORMAL")
            try:
                with transaction(self._db):
                    return work(self._db)
            finally:
                self._db.execute(f"PRAGMA synchronous = {mode}")

    def bare(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run *work*, which SQLite does not let run inside a transaction, after all that is in line."""
        self.flush(self._submitted)
        with self._file_lock:
            return work(self._db)

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run *work*, which only reads, on one state of the file, whatever other processes commit meanwhile."""
        with self._file_lock:
            self._db.execute("BEGIN")
            try:
                return work(self._db)
            finally:
                rollback(self._db)

    def close(self) -> None:
        """Close the connection once nobody uses it."""
        with self._file_lock:
            self._db.close()


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """One transaction that holds the write lock from its start."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        rollback(db)
        raise
