"""Versions of what is known of a pipeline's tables, in SQL: a new one in the commit that registers the load which brings something new.

Rows that a schema contract refuses are settled in that same commit: a job of theirs comes with one batch, all of it rejected.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from sinkkit.journal import spans
from sinkkit.journal.records import JobRecord, NewSchema, SchemaVersion
from sinkkit.journal.states import State

COLUMNS = "version, dataset, hash, schema, load_id, created_at"
LATEST = f"SELECT {COLUMNS} FROM schema_versions WHERE dataset = ? ORDER BY version DESC LIMIT 1"
ALL = f"SELECT {COLUMNS} FROM schema_versions ORDER BY version"
OF_LOAD = f"SELECT {COLUMNS} FROM schema_versions WHERE version = (SELECT schema_version FROM packages WHERE load_id = ?)"
INSERT = "INSERT INTO schema_versions (dataset, hash, schema, load_id, created_at) VALUES (?, ?, ?, ?, ?)"
OF_PACKAGE = "UPDATE packages SET schema_version = ? WHERE load_id = ?"
JOB = "INSERT INTO jobs (load_id, name, table_name, row_count, first_index, frontier, refused) VALUES (?, ?, ?, ?, ?, ?, ?)"
REFUSED = (
    "INSERT INTO batches (id, job, first_row, row_count, key, state, attempts, rejected) "
    f"SELECT ?, id, 0, row_count, load_id || '/' || name || '/refused', {int(State.SETTLED)}, 0, row_count FROM jobs WHERE id = ?"
)
FORGET_REFUSED = "DELETE FROM batches WHERE job IN (SELECT id FROM jobs WHERE load_id = ? AND refused = 1)"


def latest(db: sqlite3.Connection, dataset: str) -> SchemaVersion | None:
    """What is known of the tables of *dataset*; None before its first load."""
    return _version(db.execute(LATEST, (dataset,)).fetchone())


def of_load(db: sqlite3.Connection, load_id: str) -> SchemaVersion | None:
    """What was known of the tables once *load_id* was there; None if it was not normalized yet, or is not known any more."""
    return _version(db.execute(OF_LOAD, (load_id,)).fetchone())


def every(db: sqlite3.Connection) -> list[SchemaVersion]:
    """Every version, oldest first."""
    return [SchemaVersion(*row) for row in db.execute(ALL)]


def promote(db: sqlite3.Connection, load_id: str, new: NewSchema | None) -> None:
    """Let what is known be *new* from the load *load_id* on; the version stays if the hash does."""
    if new is None:
        return
    known = latest(db, new.dataset)
    if known is not None and known.hash == new.hash:
        version = known.version
    else:
        version = db.execute(INSERT, (new.dataset, new.hash, new.schema, load_id, new.at)).lastrowid or 0
    db.execute(OF_PACKAGE, (version, load_id))


def insert_jobs(db: sqlite3.Connection, load_id: str, jobs: Sequence[JobRecord]) -> None:
    """Make the jobs of a package known; rows of those that are refused count as rejected at once."""
    values = [
        (job.load_id, job.name, job.table, job.row_count, job.first_index, job.row_count if job.refused else 0, job.refused) for job in jobs
    ]
    db.executemany(JOB, values)
    if not any(job.refused for job in jobs):
        return
    refused = db.execute("SELECT id FROM jobs WHERE load_id = ? AND refused = 1", (load_id,)).fetchall()
    db.executemany(REFUSED, [(batch, job) for batch, (job,) in enumerate(refused, spans.next_id(db))])


def forget_jobs(db: sqlite3.Connection, load_id: str) -> None:
    """Take the jobs of a package of which nothing was sent out of the journal."""
    db.execute(FORGET_REFUSED, (load_id,))
    db.execute("DELETE FROM jobs WHERE load_id = ?", (load_id,))


def _version(row: tuple[Any, ...] | None) -> SchemaVersion | None:
    return None if row is None else SchemaVersion(*row)
