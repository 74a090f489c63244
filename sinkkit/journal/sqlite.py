"""The journal in a SQLite file: the default one, in the pipeline's folder."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sinkkit.clock import Clock
from sinkkit.errors import JournalError
from sinkkit.journal import accounts, letters, lineage, pruning, resolving, spans, versions
from sinkkit.journal.commits import Commits, nothing
from sinkkit.journal.moves import Move
from sinkkit.journal.opening import named, open_file
from sinkkit.journal.records import (
    BATCH_COLUMNS,
    BatchRecord,
    Counts,
    HeldRecord,
    JobCounts,
    JobRecord,
    LoadRecord,
    NewSchema,
    PackageRecord,
    PackageState,
    RejectedRecord,
    RunRecord,
    SchemaVersion,
)
from sinkkit.journal.states import State
from sinkkit.journal.wal_room import WalRoom

T = TypeVar("T")

JOB_COLUMNS = "id, load_id, name, table_name, row_count, first_index, frontier, refused"
RECEIPTS = (
    "SELECT rowid, load_id, table_name, row_index, receipt, delivered_at FROM receipts "
    "WHERE rowid > ?1 AND (?2 IS NULL OR table_name = ?2) ORDER BY rowid LIMIT 10000"
)
IN_FLIGHT_IS_UNKNOWN = (
    f"UPDATE batches SET state = {int(State.UNKNOWN)}, ambiguous = 1 "
    f"WHERE state = {int(State.IN_FLIGHT)} AND job IN (SELECT id FROM jobs WHERE load_id = ?)"
)
OPEN_BATCHES = (
    f"SELECT {BATCH_COLUMNS} FROM batches JOIN jobs ON jobs.id = job WHERE state <> 2 AND state <> 4 AND load_id = ? ORDER BY job, first_row"
)
UNSETTLED = (
    "SELECT (SELECT count(*) FROM jobs WHERE load_id = ?1 AND frontier < row_count), "
    "(SELECT count(*) FROM batches WHERE state <> 2 AND state <> 4 AND job IN (SELECT id FROM jobs WHERE load_id = ?1)), "
    f"(SELECT count(*) FROM batches WHERE state <> 2 AND state <> 4 AND state = {int(State.HELD)} AND job IN (SELECT id FROM jobs WHERE load_id = ?1))"
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
        self._commits = Commits(self._db, WalRoom(path).before_commit if durability == "full" else nothing)

    def submit(self, moves: Sequence[Move]) -> int:
        """Queue *moves* for the next commit and return its ticket."""
        return self._commits.submit(moves)

    def flush(self, ticket: int) -> None:
        """Return once everything submitted up to *ticket* is durable."""
        with named(self.path):
            self._commits.flush(ticket)

    def register(
        self,
        package: PackageRecord,
        jobs: Sequence[JobRecord],
        schemas: Mapping[str, str] | None = None,
        taking: Iterable[letters.Taken] = (),
        *,
        rejected: Iterable[RejectedRecord] = (),
        schema: NewSchema | None = None,
    ) -> None:
        """Make a sealed package known, with its jobs, each table's schema, the dead letters that a replay takes, new ones, and what is known of tables from now on."""

        def work(db: sqlite3.Connection) -> None:
            lineage.insert(db, package)
            versions.insert_jobs(db, package.load_id, jobs)
            versions.promote(db, package.load_id, schema)
            _insert_schemas(db, package.load_id, schemas or {})
            if package.replay:
                letters.take(db, package.load_id, taking)
            letters.keep(db, rejected)

        self._write(work)

    def replace(
        self,
        load_id: str,
        folder: str,
        jobs: Sequence[JobRecord],
        schemas: Mapping[str, str] | None = None,
        *,
        rejected: Iterable[RejectedRecord] = (),
        schema: NewSchema | None = None,
    ) -> None:
        """Point a package that was not started at another set of files, with other tables if given, and call it normalized; the others as in ``register``."""

        def work(db: sqlite3.Connection) -> None:
            if lineage.begun(db, load_id):
                raise JournalError(f"package {load_id} has been started and cannot be normalized again")
            versions.forget_jobs(db, load_id)
            versions.insert_jobs(db, load_id, jobs)
            versions.promote(db, load_id, schema)
            letters.keep(db, rejected)
            if schemas is not None:
                db.execute("DELETE FROM schemas WHERE load_id = ?", (load_id,))
                _insert_schemas(db, load_id, schemas)
            change = "UPDATE packages SET folder = ?, state = ? WHERE load_id = ? AND state IN (?, ?)"
            states = (PackageState.EXTRACTED, PackageState.NORMALIZED)
            _one(db.execute(change, (folder, PackageState.NORMALIZED, load_id, *states)), load_id)

        self._write(work)

    def bind(self, load_id: str, destination: str, at: float | None = None) -> None:
        """Bind an open package to *destination*, of which the first call is made after *at*; binding it again to the same one changes nothing."""
        change = (
            "UPDATE packages SET destination = ?1, first_call_at = coalesce(first_call_at, ?3) "
            "WHERE load_id = ?2 AND completed_at IS NULL AND (destination IS NULL OR destination = ?1)"
        )
        self._write(lambda db: _one(db.execute(change, (destination, load_id, at)), load_id), before_a_commit=True)

    def packages(self) -> list[PackageRecord]:
        """Every package, oldest first."""
        return self._read(lineage.packages)

    def loads(self, load_ids: Sequence[str] | None = None) -> list[LoadRecord]:
        """All that is known of every load, oldest first, or of those with these ids, in their order."""
        return self._read(lambda db: lineage.loads(db, load_ids))

    def unstarted(self, load_id: str) -> bool:
        """Whether a package may be handed over: open, without batches, and no matter of replays."""
        return self._read(lambda db: lineage.unstarted(db, load_id))

    def hand_over(self, load_id: str, target: str, at: float, letters: Iterable[bytes] = ()) -> None:
        """End a package that was not begun: it is in the file *target*, and its dead letters with it."""
        self._write(lambda db: lineage.hand_over(db, load_id, target, at, letters))

    def exported(self, load_id: str, at: float) -> None:
        """Note that the file of a package that was handed over is complete."""
        self._write(lambda db: lineage.exported(db, load_id, at))

    def handed_letters(self, load_id: str) -> list[bytes]:
        """The dead letters that went with a package that was handed over, as they were given to ``hand_over``."""
        return self._read(lambda db: lineage.handed_letters(db, load_id))

    def jobs(self, load_id: str) -> list[JobRecord]:
        """The jobs of a package, in the order of their rows."""
        rows = self._rows(f"SELECT {JOB_COLUMNS} FROM jobs WHERE load_id = ? ORDER BY id", (load_id,))
        return [
            JobRecord(id=job, load_id=load, name=name, table=table, row_count=count, first_index=first, frontier=frontier, refused=refused)
            for job, load, name, table, count, first, frontier, refused in rows
        ]

    def begun(self, load_id: str) -> bool:
        """Whether any row of a package, but for those that its contract refuses, was cut into a batch."""
        return self._read(lambda db: lineage.begun(db, load_id))

    def recover(self, load_id: str, run: int) -> list[BatchRecord]:
        """Turn what was in flight into unknown, and return all open batches in the order of their rows; *run* goes on with them."""

        def work(db: sqlite3.Connection) -> list[Any]:
            spans.unfold(db, load_id)
            db.execute(IN_FLIGHT_IS_UNKNOWN, (load_id,))
            accounts.take_over(db, load_id, run)
            return db.execute(OPEN_BATCHES, (load_id,)).fetchall()

        return [BatchRecord.of(row) for row in self._write(work)]

    def cut_rows(self, job: int, beyond: int = 0) -> list[tuple[int, int, str | None]]:
        """First row, number of rows and ranges of each batch of *job*, whatever became of it, that may hold rows from number *beyond* on."""
        select = "SELECT first_row, row_count, ranges FROM batches WHERE job = ? AND (first_row + row_count > ? OR ranges IS NOT NULL)"
        return self._rows(select, (job, beyond))

    def next_batch_id(self) -> int:
        """One more than the highest id in the file."""
        return self._read(spans.next_id)

    def complete(self, load_id: str, at: float) -> None:
        """Fold a package whose rows are all delivered or rejected."""
        self._end(load_id, PackageState.COMPLETED, at)

    def drop(self, load_id: str, at: float) -> None:
        """Give a package up; its open rows stay counted as they were, and the letters of a replay are free again."""
        self._end(load_id, PackageState.DROPPED, at)

    def _end(self, load_id: str, state: PackageState, at: float) -> None:
        def work(db: sqlite3.Connection) -> None:
            uncut, unsettled, _ = db.execute(UNSETTLED, (load_id,)).fetchone()
            if state is PackageState.COMPLETED and (uncut or unsettled):
                raise JournalError(f"package {load_id} still has rows that are not settled")
            letters.give_back(db, load_id)
            accounts.fold(db, load_id)
            db.execute("DELETE FROM schemas WHERE load_id = ? AND load_id NOT IN (SELECT load_id FROM rejected)", (load_id,))
            change = "UPDATE packages SET state = ?, completed_at = ? WHERE load_id = ? AND completed_at IS NULL"
            _one(db.execute(change, (state, at, load_id)), load_id)

        self._write(work)

    def counts(self, load_id: str) -> dict[str, Counts]:
        """Where the rows of each table are."""
        return self._read(lambda db: accounts.counts_of(db, load_id))

    def job_counts(self, load_id: str) -> list[JobCounts]:
        """Where the rows of each job are; none for a package that is finished."""
        return self._read(lambda db: accounts.jobs_of(db, load_id))

    def held_only(self, load_id: str) -> bool:
        """Whether nothing is open but batches on hold, and there are some."""
        uncut, unsettled, held = self._rows(UNSETTLED, (load_id,))[0]
        return not uncut and unsettled == held > 0

    def held(self) -> list[HeldRecord]:
        """Every batch on hold, in the order of the rows."""
        return self._read(resolving.held)

    def resolve(self, batches: Sequence[int], *, arrived: bool) -> None:
        """Settle batches on hold as delivered, or plan them anew under their keys; all of them or none."""
        self._write(lambda db: resolving.resolve(db, batches, arrived=arrived))

    def start_run(self, name: str | None, destination: str | None, at: float) -> int:
        """Note that a run began."""
        insert = "INSERT INTO runs (name, destination, started_at, status) VALUES (?, ?, ?, 'running')"
        return int(self._write(lambda db: db.execute(insert, (name, destination, at)).lastrowid or 0, before_a_commit=True))

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

    def rejected(self, table: str | None = None, *, reason: str | None = None, taken: bool = True) -> Iterator[RejectedRecord]:
        """Dead letters, oldest first; read in portions, so that many do not fill the memory.

        Args:
            table: Only those of this table.
            reason: Only those whose reason contains this text.
            taken: Also those that a replay is sending again.
        """
        seen = 0
        while found := self._read(lambda db: letters.portion(db, seen, table, reason, taken=taken)):  # noqa: B023  # called at once
            seen = found[-1].number
            yield from found

    def rejected_row(self, letter: str) -> RejectedRecord | None:
        """The dead letter with the id *letter*; None if there is none."""
        return self._read(lambda db: letters.one(db, letter))

    def rejected_count(self) -> int:
        """How many dead letters there are."""
        return int(self._rows("SELECT count(*) FROM rejected", ())[0][0])

    def known_schema(self, dataset: str) -> SchemaVersion | None:
        """What is known of the tables of *dataset* (empty if there is none); None before its first load."""
        return self._read(lambda db: versions.latest(db, dataset))

    def schema_of_load(self, load_id: str) -> SchemaVersion | None:
        """What was known of the tables once the load *load_id* was there."""
        return self._read(lambda db: versions.of_load(db, load_id))

    def schema_versions(self) -> list[SchemaVersion]:
        """Every version of what is known of tables, oldest first."""
        return self._read(versions.every)

    def schema(self, load_id: str, table: str) -> str | None:
        """The text of a table's schema as it was registered with a package; None if it is not kept any more."""
        rows = self._rows("SELECT schema FROM schemas WHERE load_id = ? AND table_name = ?", (load_id, table))
        return str(rows[0][0]) if rows else None

    def receipts(self, table: str | None = None) -> Iterator[Mapping[str, Any]]:
        """Load id, table, row number, receipt and time of each row that got one, oldest first; read in portions."""
        seen = 0
        while rows := self._rows(RECEIPTS, (seen, table)):
            seen = rows[-1][0]
            for _, load_id, name, index, receipt, at in rows:
                yield {"load_id": load_id, "table": name, "index": index, "receipt": receipt, "delivered_at": at}

    def prune(self, before: float, *, rejected: bool, run: int | None) -> pruning.Counted:
        """Forget what is older than *before* and not open; with *run* None, only say what that would be."""
        if run is None:
            return self._read(lambda db: pruning.count(db, before, rejected=rejected))
        return self._write(lambda db: pruning.prune(db, before, rejected=rejected, run=run))

    def shrink(self) -> int:
        """Give free room in the file back to the disk where that pays; returns how many bytes."""
        with named(self.path):
            return self._commits.bare(pruning.shrink)

    def close(self) -> None:
        """Release the file."""
        with named(self.path):
            self._commits.close()

    def _write(self, work: Callable[[sqlite3.Connection], T], *, before_a_commit: bool = False) -> T:
        with named(self.path):
            return self._commits.ahead(work) if before_a_commit else self._commits.alone(work)

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with named(self.path):
            return self._commits.read(work)

    def _rows(self, select: str, values: tuple[Any, ...]) -> list[Any]:
        return list(self._read(lambda db: db.execute(select, values).fetchall()))


def _insert_schemas(db: sqlite3.Connection, load_id: str, schemas: Mapping[str, str]) -> None:
    insert = "INSERT INTO schemas (load_id, table_name, schema) VALUES (?, ?, ?)"
    db.executemany(insert, [(load_id, table, text) for table, text in schemas.items()])


def _one(cursor: sqlite3.Cursor, what: str) -> None:
    if cursor.rowcount != 1:
        raise JournalError(f"the journal did not find {what} in the state expected", hint="run `sinkkit status` to see where it stands")
