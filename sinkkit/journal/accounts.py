"""Where the rows are: reports as SQL over the journal, for open and finished packages alike."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, TypeAlias

import attrs

from sinkkit.journal.records import Counts, JobCounts, RunRecord
from sinkkit.journal.states import OPEN, State

UNCUT = "SELECT table_name, sum(row_count), sum(row_count - frontier) FROM jobs WHERE load_id = ? GROUP BY table_name ORDER BY min(id)"
BY_STATE = (
    "SELECT jobs.table_name, batches.state, sum(batches.row_count), sum(batches.delivered), sum(batches.rejected), "
    "sum((batches.resent > 0) * CASE batches.state WHEN 4 THEN 0 WHEN 2 THEN batches.delivered + batches.rejected ELSE batches.row_count END) "
    "FROM batches JOIN jobs ON jobs.id = batches.job "
    "WHERE jobs.load_id = ? GROUP BY jobs.table_name, batches.state"
)
JOBS = "SELECT id, name, table_name, row_count, row_count - frontier FROM jobs WHERE load_id = ? ORDER BY id"
JOBS_BY_STATE = (
    "SELECT job, state, sum(batches.row_count), sum(delivered), sum(rejected) FROM batches JOIN jobs ON jobs.id = job "
    "WHERE load_id = ? GROUP BY job, state"
)
NAMES = {State.PLANNED: "pending", State.IN_FLIGHT: "in_flight", State.UNKNOWN: "unknown", State.HELD: "held"}
"""What the rows of a batch in this state are called."""

FOLDED = "SELECT table_name, extracted, delivered, rejected, pending, unknown, resent FROM folded WHERE load_id = ? ORDER BY rowid"
FOLD = "INSERT INTO folded (load_id, table_name, extracted, delivered, rejected, pending, unknown, resent) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
OF_PACKAGE = "job IN (SELECT id FROM jobs WHERE load_id = ?)"
OF_OPEN = f"state <> {int(State.SETTLED)} AND state <> {int(State.SPLIT)} AND {OF_PACKAGE}"
CALLS = "SELECT run, sum(calls * batch_count), sum((calls - (attempts = calls AND calls > 0)) * batch_count) FROM batches"
FOLD_CALLS = "UPDATE runs SET calls = calls + ?, retries = retries + ?, metrics = ? WHERE id = ?"
RUN_COLUMNS = "id, name, destination, started_at, ended_at, status, load_ids, calls, retries, metrics"

Work: TypeAlias = tuple[int, int, dict[str, Any]]
"""Calls, retries and summed numbers."""


def counts_of(db: sqlite3.Connection, load_id: str) -> dict[str, Counts]:
    """Table name to its counts, for an open or a folded package."""
    folded = {name: _counts(values) for name, *values in db.execute(FOLDED, (load_id,))}
    if folded:
        return folded
    found: dict[str, Counts] = {}
    for name, extracted, uncut in db.execute(UNCUT, (load_id,)):
        found[name] = Counts(extracted=extracted, pending=uncut)
    for name, state, rows, delivered, rejected, resent in db.execute(BY_STATE, (load_id,)):
        found[name] += Counts(
            delivered=delivered,
            rejected=rejected,
            pending=rows if state == State.PLANNED else 0,
            unknown=rows if state in OPEN and state != State.PLANNED else 0,
            resent=resent,
        )
    return found


def jobs_of(db: sqlite3.Connection, load_id: str) -> list[JobCounts]:
    """Where the rows of each job of a package are, in the order of the jobs; none for a package that was folded."""
    found = {
        job: JobCounts(name=name, table=table, rows=rows, pending=uncut) for job, name, table, rows, uncut in db.execute(JOBS, (load_id,))
    }
    for job, state, rows, delivered, rejected in db.execute(JOBS_BY_STATE, (load_id,)):
        counted = attrs.asdict(found[job])
        for name, more in (("delivered", delivered), ("rejected", rejected), (NAMES.get(State(state)), rows)):
            if name is not None:
                counted[name] += more
        found[job] = JobCounts(**counted)
    return list(found.values())


def _counts(values: list[int]) -> Counts:
    names = ("extracted", "delivered", "rejected", "pending", "unknown", "resent")
    return Counts(**dict(zip(names, values, strict=True)))


def fold(db: sqlite3.Connection, load_id: str) -> None:
    """Replace the batches and jobs of a package by their counts, and the calls of its runs by their sums."""
    for name, counts in counts_of(db, load_id).items():
        values = (counts.extracted, counts.delivered, counts.rejected, counts.pending, counts.unknown, counts.resent)
        db.execute(FOLD, (load_id, name, *values))
    _keep_work(db, _work_of_runs(db, OF_PACKAGE, (load_id,)))
    db.execute(f"DELETE FROM batches WHERE {OF_PACKAGE}", (load_id,))  # a constant
    db.execute("DELETE FROM jobs WHERE load_id = ?", (load_id,))


def take_over(db: sqlite3.Connection, load_id: str, run: int) -> None:
    """Let *run* go on with the open batches of a package: the calls that earlier runs made for them stay theirs."""
    of_others = f"{OF_OPEN} AND run <> ?"
    _keep_work(db, _work_of_runs(db, of_others, (load_id, run)))
    db.execute(f"UPDATE batches SET calls = 0, run = ? WHERE {of_others}", (run, load_id, run))
    db.execute(f"UPDATE batches SET run = ? WHERE {OF_OPEN} AND run IS NULL", (run, load_id))


def _keep_work(db: sqlite3.Connection, work: dict[int, Work]) -> None:
    for run, (calls, retries, metrics) in work.items():
        (kept,) = db.execute("SELECT metrics FROM runs WHERE id = ?", (run,)).fetchone()
        db.execute(FOLD_CALLS, (calls, retries, json.dumps(_summed(json.loads(kept), metrics)), run))


def run_of(db: sqlite3.Connection, run: int) -> RunRecord:
    """A run with the calls, retries and numbers of folded and open batches together."""
    row = db.execute(f"SELECT {RUN_COLUMNS} FROM runs WHERE id = ?", (run,)).fetchone()  # a constant
    live = _work_of_runs(db, "run = ?", (run,)).get(run, (0, 0, {}))
    return _run_record(row, live)


def runs_of(db: sqlite3.Connection) -> list[RunRecord]:
    """Every run, oldest first."""
    live = _work_of_runs(db, "run IS NOT NULL", ())
    rows = db.execute(f"SELECT {RUN_COLUMNS} FROM runs ORDER BY id").fetchall()  # a constant
    return [_run_record(row, live.get(row[0], (0, 0, {}))) for row in rows]


def _work_of_runs(db: sqlite3.Connection, where: str, values: tuple[Any, ...]) -> dict[int, Work]:
    """Calls, calls that were not the first for their rows, and summed numbers, by run, of the batches *where* names."""
    counted = f"{CALLS} WHERE run IS NOT NULL AND {where} GROUP BY run"
    numbered = f"SELECT run, metrics FROM batches WHERE metrics IS NOT NULL AND {where}"  # a constant
    found: dict[int, Work] = {run: (calls, retries, {}) for run, calls, retries in db.execute(counted, values)}
    for run, text in db.execute(numbered, values):
        calls, retries, sums = found[run]
        found[run] = (calls, retries, _summed(sums, json.loads(text)))
    return found


def _summed(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    return {name: first.get(name, 0) + second.get(name, 0) for name in {**first, **second}}


def _run_record(row: tuple[Any, ...], live: Work) -> RunRecord:
    run, name, destination, started_at, ended_at, status, load_ids, calls, retries, metrics = row
    return RunRecord(
        id=run,
        name=name,
        destination=destination,
        started_at=started_at,
        ended_at=ended_at,
        status=status,
        load_ids=tuple(json.loads(load_ids)),
        calls=calls + live[0],
        retries=retries + live[1],
        metrics=_summed(json.loads(metrics), live[2]),
    )
