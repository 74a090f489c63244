"""The journal in a SQLite file: the default one, in the pipeline's folder."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sinkkit.clock import Clock
from sinkkit.errors import JournalError
from sinkkit.journal import accounts
from sinkkit.journal.commits import Commits
from sinkkit.journal.moves import Move
from sinkkit.journal.opening import named, open_file
from sinkkit.journal.records import BatchRecord, Counts, JobRecord, PackageRecord, PackageState, RejectedRecord, RunRecord
from sinkkit.journal.states import State

T = TypeVar("T")

PACKAGE_COLUMNS = "load_id, folder, state, run_name, destination, created_at, completed_at"
JOB_COLUMNS = "id, load_id, name, table_name, row_count, first_index, frontier"
BATCH_COLUMNS = "id, job, first_row, row_count, ranges, key, state, attempts, ambiguous, not_before"
LETTER_COLUMNS = "id, load_id, table_name, row_index, row, reason, error, status, attempts, rejected_at"
IN_FLIGHT_IS_UNKNOWN = (
    f"UPDATE batches SET state = {int(State.UNKNOWN)}, ambiguous = 1 "
    f"WHERE state = {int(State.IN_FLIGHT)} AND job IN (SELECT id FROM jobs WHERE load_id = ?)"
)
OPEN_BATCHES = (
    f"SELECT {BATCH_COLUMNS} FROM batches WHERE state <> 2 AND state <> 4 "
    "AND job IN (SELECT id FROM jobs WHERE load_id = ?) ORDER BY job, first_row"
)
UNSETTLED = (
    "SELECT (SELECT count(*) FROM jobs WHERE load_id = ?1 AND frontier < row_count), "
    "(SELECT count(*) FROM batches WHERE state <> 2 AND state <> 4 AND job IN (SELECT id FROM jobs WHERE load_id = ?1)), "
    f"(SELECT count(*) FROM batches WHERE state = {int(State.HELD)} AND job IN (SELECT id FROM jobs WHERE load_id = ?1))"
)


class SqliteJournal:
    """Implements ``sinkkit.journal.protocol.Journal``, whose promises it keeps.

    Args:
        path: The file; made with its folder if missing.
        clock: Used while waiting for other processes.
        durability: ``full`` survives the power, ``process`` survives the process.

    Raises:
        JournalError: From every method, if the file cannot be read, written or believed.
    """

    def __init__(self, path: Path, *, clock: Clock, durability: str = "full") -> None:
        self.path = path
        self._db = open_file(path, durability=durability, clock=clock)
        self._commits = Commits(self._db)

    def submit(self, moves: Sequence[Move]) -> int:
        """Queue *moves* for the next commit and return its ticket."""
        return self._commits.submit(moves)

    def flush(self, ticket: int) -> None:
        """Return once everything submitted up to *ticket* is durable."""
        with named(self.path):
            self._commits.flush(ticket)

    def register(self, package: PackageRecord, jobs: Sequence[JobRecord]) -> None:
        """Make a sealed package known, with its jobs."""

        def work(db: sqlite3.Connection) -> None:
            values = (package.load_id, package.folder, package.state, package.run_name, package.destination, package.created_at)
            db.execute(f"INSERT INTO packages ({PACKAGE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, NULL)", values)
            _insert_jobs(db, jobs)

        self._write(work)

    def replace(self, load_id: str, folder: str, jobs: Sequence[JobRecord]) -> None:
        """Point a package that was not started at another set of files, and call it normalized."""

        def work(db: sqlite3.Connection) -> None:
            started = "SELECT count(*) FROM jobs WHERE load_id = ? AND frontier > 0"
            if db.execute(started, (load_id,)).fetchone() != (0,):
                raise JournalError(f"package {load_id} has been started and cannot be normalized again")
            db.execute("DELETE FROM jobs WHERE load_id = ?", (load_id,))
            _insert_jobs(db, jobs)
            change = "UPDATE packages SET folder = ?, state = ? WHERE load_id = ? AND state IN (?, ?)"
            states = (PackageState.EXTRACTED, PackageState.NORMALIZED)
            _one(db.execute(change, (folder, PackageState.NORMALIZED, load_id, *states)), load_id)

        self._write(work)

    def bind(self, load_id: str, destination: str) -> None:
        """Bind a package to *destination*; binding it again to the same one changes nothing."""
        change = "UPDATE packages SET destination = ?1 WHERE load_id = ?2 AND (destination IS NULL OR destination = ?1)"
        self._write(lambda db: _one(db.execute(change, (destination, load_id)), load_id))

    def packages(self) -> list[PackageRecord]:
        """Every package, oldest first."""
        rows = self._rows(f"SELECT {PACKAGE_COLUMNS} FROM packages ORDER BY created_at, rowid", ())
        return [_package(row) for row in rows]

    def jobs(self, load_id: str) -> list[JobRecord]:
        """The jobs of a package, in the order of their rows."""
        rows = self._rows(f"SELECT {JOB_COLUMNS} FROM jobs WHERE load_id = ? ORDER BY id", (load_id,))
        return [JobRecord(**dict(zip(JOB_FIELDS, row, strict=True))) for row in rows]

    def recover(self, load_id: str, run: int) -> list[BatchRecord]:
        """Turn what was in flight into unknown, and return all open batches in the order of their rows; *run* goes on with them."""

        def work(db: sqlite3.Connection) -> list[Any]:
            db.execute(IN_FLIGHT_IS_UNKNOWN, (load_id,))
            accounts.take_over(db, load_id, run)
            return db.execute(OPEN_BATCHES, (load_id,)).fetchall()

        return [_batch(row) for row in self._write(work)]

    def next_batch_id(self) -> int:
        """One more than the highest id in the file."""
        return int(self._rows("SELECT coalesce(max(id), 0) + 1 FROM batches", ())[0][0])

    def complete(self, load_id: str, at: float) -> None:
        """Fold a package whose rows are all delivered or rejected."""
        self._end(load_id, PackageState.COMPLETED, at)

    def drop(self, load_id: str, at: float) -> None:
        """Give a package up; its open rows stay counted as they were."""
        self._end(load_id, PackageState.DROPPED, at)

    def _end(self, load_id: str, state: PackageState, at: float) -> None:
        def work(db: sqlite3.Connection) -> None:
            uncut, unsettled, _ = db.execute(UNSETTLED, (load_id,)).fetchone()
            if state is PackageState.COMPLETED and (uncut or unsettled):
                raise JournalError(f"package {load_id} still has rows that are not settled")
            accounts.fold(db, load_id)
            change = "UPDATE packages SET state = ?, completed_at = ? WHERE load_id = ? AND completed_at IS NULL"
            _one(db.execute(change, (state, at, load_id)), load_id)

        self._write(work)

    def counts(self, load_id: str) -> dict[str, Counts]:
        """Where the rows of each table are."""
        return self._read(lambda db: accounts.counts_of(db, load_id))

    def held_only(self, load_id: str) -> bool:
        """Whether nothing is open but batches on hold, and there are some."""
        uncut, unsettled, held = self._rows(UNSETTLED, (load_id,))[0]
        return not uncut and unsettled == held > 0

    def start_run(self, name: str | None, destination: str | None, at: float) -> int:
        """Note that a run began."""
        insert = "INSERT INTO runs (name, destination, started_at, status) VALUES (?, ?, ?, 'running')"
        return int(self._write(lambda db: db.execute(insert, (name, destination, at)).lastrowid or 0))

    def end_run(self, run: int, status: str, load_ids: Sequence[str], at: float) -> None:
        """Note how a run ended."""
        change = "UPDATE runs SET status = ?, load_ids = ?, ended_at = ? WHERE id = ? AND ended_at IS NULL"
        self._write(lambda db: _one(db.execute(change, (status, json.dumps(list(load_ids)), at, run)), f"run {run}"))

    def run(self, run: int) -> RunRecord:
        """A run with the work of all its batches."""
        return self._read(lambda db: accounts.run_of(db, run))

    def runs(self) -> list[RunRecord]:
        """Every run, oldest first."""
        return self._read(accounts.runs_of)

    def pause_of(self, destination: str) -> tuple[float, str] | None:
        """Until when (seconds since the epoch) and why *destination* is paused, if it ever was."""
        rows = self._rows("SELECT until, reason FROM pauses WHERE destination = ?", (destination,))
        return (float(rows[0][0]), str(rows[0][1])) if rows else None

    def rejected(self, table: str | None = None) -> Iterator[RejectedRecord]:
        """Dead letters, oldest first; read in portions, so that many do not fill the memory."""
        seen = 0
        select = (
            f"SELECT rowid, {LETTER_COLUMNS} FROM rejected WHERE rowid > ? AND (?2 IS NULL OR table_name = ?2) ORDER BY rowid LIMIT 1000"
        )
        while rows := self._rows(select, (seen, table)):
            seen = rows[-1][0]
            for _, *values in rows:
                yield RejectedRecord(**dict(zip(LETTER_FIELDS, values, strict=True)))

    def receipts(self, table: str | None = None) -> Iterator[Mapping[str, Any]]:
        """Load id, table, row number and receipt of each row that got one, oldest first."""
        select = "SELECT load_id, table_name, row_index, receipt FROM receipts WHERE ?1 IS NULL OR table_name = ?1 ORDER BY rowid"
        for load_id, name, index, receipt in self._rows(select, (table,)):
            yield {"load_id": load_id, "table": name, "index": index, "receipt": receipt}

    def close(self) -> None:
        """Release the file."""
        with named(self.path):
            self._commits.close()

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with named(self.path):
            return self._commits.alone(work)

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with named(self.path):
            return self._commits.read(work)

    def _rows(self, select: str, values: tuple[Any, ...]) -> list[Any]:
        return list(self._read(lambda db: db.execute(select, values).fetchall()))


LETTER_FIELDS = ("id", "load_id", "table", "index", "row", "reason", "error", "status", "attempts", "rejected_at")
JOB_FIELDS = ("id", "load_id", "name", "table", "row_count", "first_index", "frontier")


def _insert_jobs(db: sqlite3.Connection, jobs: Sequence[JobRecord]) -> None:
    insert = "INSERT INTO jobs (load_id, name, table_name, row_count, first_index) VALUES (?, ?, ?, ?, ?)"
    db.executemany(insert, [(job.load_id, job.name, job.table, job.row_count, job.first_index) for job in jobs])


def _one(cursor: sqlite3.Cursor, what: str) -> None:
    if cursor.rowcount != 1:
        raise JournalError(f"the journal did not find {what} in the state expected", hint="run `sinkkit status` to see where it stands")


def _package(row: tuple[Any, ...]) -> PackageRecord:
    load_id, folder, state, run_name, destination, created_at, completed_at = row
    return PackageRecord(
        load_id=load_id,
        folder=folder,
        state=PackageState(state),
        run_name=run_name,
        destination=destination,
        created_at=created_at,
        completed_at=completed_at,
    )


def _batch(row: tuple[Any, ...]) -> BatchRecord:
    batch_id, job, first_row, row_count, ranges, key, state, attempts, ambiguous, not_before = row
    return BatchRecord(
        id=batch_id,
        job=job,
        first_row=first_row,
        row_count=row_count,
        ranges=ranges,
        key=key,
        state=State(state),
        attempts=attempts,
        ambiguous=bool(ambiguous),
        not_before=not_before,
    )
