"""Open the journal's SQLite file: WAL, migrations, and errors that say what to do."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sinkkit.clock import Clock
from sinkkit.errors import JournalError
from sinkkit.journal.beginning import PAGE_BYTES, begin

MIGRATIONS = Path(__file__).with_name("migrations")
"""SQL in numbered files."""

SCHEMA = Path(__file__).with_name("schema.sql")
"""What all migrations together lead to, for new files: a third of the statements. Written by ``make schema``, held to the migrations by a test."""

BUSY_SECONDS = 30.0
"""How long to wait for other processes that are writing to the file."""

SYNCHRONOUS = {"full": "FULL", "process": "NORMAL"}
"""SQLite's synchronous mode by durability; in WAL mode NORMAL survives the process, FULL the power too (sqlite.org/pragma.html)."""


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about the file *path* into ``JournalError`` with a hint."""
    try:
        yield
    except sqlite3.Error as error:
        raise JournalError(f"the journal {path} failed: {error}", hint=_hint(str(error))) from error
    except OSError as error:
        raise JournalError(f"the journal {path} cannot be used: {error}", hint=_hint(str(error))) from error


def _hint(text: str) -> str:
    known = {
        "full": "make room on that disk and run again: what was delivered is known, what was in flight is sent again under its key",
        "disk I/O": "check the disk and its free space, then run again: nothing that was settled is forgotten",
        "not a database": "this is not a journal, or it was overwritten: restore it, or move it away to start from nothing",
        "malformed": "the file is damaged: restore it from a copy, or move it away to start from nothing",
        "readonly": "the process may not write there: check the folder's owner and mode, or set pipelines_dir",
        "unable to open": "check that the folder exists and may be written to, or set pipelines_dir",
        "Permission": "check the folder's owner and mode, or set pipelines_dir",
        "locked": "another process is writing to it; run again once it has ended",
    }
    return next((hint for sign, hint in known.items() if sign in text), "see the chained error of SQLite")


def open_file(path: Path, *, durability: str, clock: Clock) -> sqlite3.Connection:
    """A connection to the journal at *path*, made or migrated as needed.

    Raises:
        JournalError: If the file cannot be opened, is no journal, or was written by a newer sinkkit.
    """
    with named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _keep_folder(path.parent)
            if not _has_log(path):  # SQLite puts an end to a log without its file, and would take it for that of a file that is whole
                begin(path, SCHEMA.read_text(encoding="utf-8"), len(numbered()))
        db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        with named(path):
            db.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of no effect on a file that is one already
            _use_wal(db, clock)
            db.execute("PRAGMA synchronous = NORMAL")  # a migration that the power takes away is made again
            migrate(db, path)
            db.execute(f"PRAGMA synchronous = {SYNCHRONOUS[durability]}")
    except BaseException:
        db.close()
        raise
    return db


def _has_log(path: Path) -> bool:
    """Whether the log of an earlier file lies where that of *path* will be: somebody took the file away without it."""
    return any(path.with_name(path.name + end).exists() for end in ("-wal", "-journal"))


def _keep_folder(folder: Path) -> None:
    """Make a new folder survive a power cut: SQLite sees to its files and their folder, not to the folder's own name."""
    descriptor = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _use_wal(db: sqlite3.Connection, clock: Clock) -> None:
    """Switch to WAL; SQLite does not wait for other openers here, whatever its timeout says, so we do."""
    pause = threading.Condition()
    until = clock.now() + BUSY_SECONDS
    while True:
        try:
            (mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or clock.now() > until:
                raise
            with pause:
                clock.wait(pause, 0.01)
        else:
            if mode != "wal":
                raise JournalError("the file system does not support SQLite's WAL mode", hint="set pipelines_dir to a local disk")
            return


def numbered() -> list[Path]:
    """The files of the migrations, in order; a file's number is the version it leads to."""
    return sorted(MIGRATIONS.glob("*.sql"))


def scripts() -> list[str]:
    """The migrations, in order."""
    return [script.read_text(encoding="utf-8") for script in numbered()]


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring the file to the version known here; under the write lock, so that only one process does it.

    Raises:
        JournalError: If the file is newer than this sinkkit.
    """
    known = len(numbered())
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version == known:
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        _refuse_newer(version, known, path)
        for script in scripts()[version:] if version else [SCHEMA.read_text(encoding="utf-8")]:
            for statement in script.split(";\n"):
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {known}")
        db.execute("COMMIT")
    except BaseException:
        rollback(db)
        raise


def _refuse_newer(version: int, known: int, path: Path) -> None:
    if version > known:
        raise JournalError(
            f"the journal {path} has format {version}, and this sinkkit knows {known} at most",
            hint="upgrade sinkkit, or set pipelines_dir to another folder",
        )


def rollback(db: sqlite3.Connection) -> None:
    """End the transaction without effect, if SQLite has not done so itself (it does on a full disk)."""
    if db.in_transaction:
        db.execute("ROLLBACK")
