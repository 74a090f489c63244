"""Loads in SQL: what is known of each, and how one is handed over to another pipeline.

Handing over is one commit: the package ends here, its rows leave the accounts of this pipeline, and its dead letters go with it. What is
needed to write the file again (how many rows, which letters) stays until the package is pruned.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from sinkkit.errors import JournalError
from sinkkit.journal import accounts, versions
from sinkkit.journal.records import LoadRecord, PackageRecord, PackageState

PACKAGE_COLUMNS = (
    "load_id, folder, state, run_name, destination, created_at, completed_at, replay, source, begun_at, first_call_at, handed_to, "
    "exported_at, imported_from, imported_at"
)
PACKAGE_FIELDS = tuple(PACKAGE_COLUMNS.split(", "))
INSERT = f"INSERT INTO packages ({PACKAGE_COLUMNS}) VALUES ({', '.join('?' * len(PACKAGE_FIELDS))})"
PACKAGES = f"SELECT {PACKAGE_COLUMNS} FROM packages"
BEGUN = "SELECT 1 FROM jobs WHERE load_id = ?1 AND frontier > 0 AND refused = 0"
UNSTARTED = (
    "SELECT 1 FROM packages WHERE load_id = ?1 AND replay = 0 AND completed_at IS NULL "
    f"AND NOT EXISTS ({BEGUN}) "
    "AND NOT EXISTS (SELECT 1 FROM rejected WHERE load_id = ?1 AND taken_by IS NOT NULL)"
)
COUNT = "INSERT INTO handed_over (load_id, table_name, rows) SELECT load_id, table_name, sum(row_count) FROM jobs WHERE load_id = ? GROUP BY table_name ORDER BY min(id)"
HANDED = "SELECT table_name, rows FROM handed_over WHERE load_id = ? ORDER BY rowid"
VERSION = "SELECT version, hash FROM schema_versions WHERE version = (SELECT schema_version FROM packages WHERE load_id = ?)"
HAND_OVER = f"UPDATE packages SET state = '{PackageState.HANDED_OVER}', handed_to = ?, completed_at = ? WHERE load_id = ?"
FORGOTTEN = ("schemas", "rejected")
"""Tables whose rows of a package go when it is handed over."""


def insert(db: sqlite3.Connection, package: PackageRecord) -> None:
    """Make a package known."""
    db.execute(INSERT, [getattr(package, name) for name in PACKAGE_FIELDS])


def packages(db: sqlite3.Connection, load_ids: Sequence[str] | None = None) -> list[PackageRecord]:
    """Every package, oldest first; or those with these ids, in their order, without those that are not known."""
    if load_ids is None:
        return [_package(row) for row in db.execute(f"{PACKAGES} ORDER BY created_at, rowid")]  # a constant
    found = [db.execute(f"{PACKAGES} WHERE load_id = ?", (load_id,)).fetchone() for load_id in load_ids]  # a constant
    return [_package(row) for row in found if row is not None]


def _package(row: Sequence[Any]) -> PackageRecord:
    values = dict(zip(PACKAGE_FIELDS, row, strict=True))
    return PackageRecord(**{**values, "state": PackageState(values["state"]), "replay": bool(values["replay"])})


def _load(db: sqlite3.Connection, package: PackageRecord) -> LoadRecord:
    version, digest = db.execute(VERSION, (package.load_id,)).fetchone() or (None, None)
    return LoadRecord(
        package=package,
        tables=accounts.counts_of(db, package.load_id),
        handed_over=dict(db.execute(HANDED, (package.load_id,))) if package.state is PackageState.HANDED_OVER else {},
        schema_version=version,
        schema_hash=digest,
    )


def loads(db: sqlite3.Connection, load_ids: Sequence[str] | None) -> list[LoadRecord]:
    """All that is known of every load, oldest first, or of those with these ids."""
    return [_load(db, package) for package in packages(db, load_ids)]


def begun(db: sqlite3.Connection, load_id: str) -> bool:
    """Whether any row of a package, but for those that its contract refuses, was cut into a batch."""
    return db.execute(BEGUN, (load_id,)).fetchone() is not None


def unstarted(db: sqlite3.Connection, load_id: str) -> bool:
    """Whether a package may be handed over: it is open, no batch of it was cut, and it is no replay and none has taken dead letters of it."""
    return db.execute(UNSTARTED, (load_id,)).fetchone() is not None


def hand_over(db: sqlite3.Connection, load_id: str, target: str, at: float, letters: Iterable[bytes]) -> None:
    """End a package of which nothing was sent: it is in the file *target*, and its dead letters, as *letters* has them, go with it.

    Raises:
        JournalError: If it is not open, was begun, is a replay, or a replay has taken dead letters of it.
    """
    if not unstarted(db, load_id):
        raise JournalError(
            f"load package {load_id} cannot be handed over: it was begun or finished", hint="run `sinkkit status` to see where it stands"
        )
    db.execute(COUNT, (load_id,))
    db.executemany("INSERT INTO handed_letters (load_id, letter) VALUES (?, ?)", ((load_id, letter) for letter in letters))
    versions.forget_jobs(db, load_id)
    for table in FORGOTTEN:
        db.execute(f"DELETE FROM {table} WHERE load_id = ?", (load_id,))  # a constant
    db.execute(HAND_OVER, (target, at, load_id))


def exported(db: sqlite3.Connection, load_id: str, at: float) -> None:
    """Note that the file of a package that was handed over is complete."""
    db.execute("UPDATE packages SET exported_at = coalesce(exported_at, ?) WHERE load_id = ? AND handed_to IS NOT NULL", (at, load_id))


def handed_letters(db: sqlite3.Connection, load_id: str) -> list[bytes]:
    """The dead letters that went with a package that was handed over."""
    return [letter for (letter,) in db.execute("SELECT letter FROM handed_letters WHERE load_id = ? ORDER BY rowid", (load_id,))]
