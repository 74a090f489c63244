"""The last requests of a pipeline and their answers, in a file beside the journal: bounded, and of no account for what was delivered."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from sinkkit.errors import JournalError

FAILURES_KEPT = 100
"""Failed requests that are kept of each destination, however many succeed."""

BUSY_SECONDS = 5.0
"""How long to wait for another process that writes to the file."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    destination TEXT NOT NULL,
    failed INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS requests_of ON requests (destination, failed, id);
"""

OLD = "DELETE FROM requests WHERE destination = ?1 AND failed = ?2 AND id <= (SELECT id FROM requests WHERE destination = ?1 AND failed = ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3)"
"""Forgets all of a destination's but the last so many."""


@attrs.frozen(kw_only=True)
class KeptRequest:
    """A request that was made, and what came of it; secrets masked, bodies cut.

    Attributes:
        id: Its number, by which it can be named.
        destination: Where it went.
        run: The number of the run that made it.
        method: Its method.
        url: Its URL.
        headers: Name and value of each.
        body: The beginning of its body; None if it was not at hand.
        body_bytes: The size of the whole.
        body_cut: Whether there is more of it than *body*.
        status: The status of the answer; None if there was none.
        answer_headers: As for the request.
        answer: The beginning of the answer's body.
        answer_bytes: The size of the whole.
        answer_cut: Whether there is more of it than *answer*.
        error: The type of what was raised instead of an answer.
        at: When it ended, in seconds since the epoch.
        seconds: How long it took.
        load_id: The load package of its batch, as of the next five; None if it was made for none.
        table: The table.
        job: The file of the package.
        rows: The numbers of the rows in it, as ``0-9,12``.
        key: The batch's key.
        attempt: Which call of the batch it was part of, from 1.
    """

    id: int = 0
    destination: str
    run: int
    method: str
    url: str
    headers: Sequence[Sequence[str]]
    body: str | None
    body_bytes: int
    body_cut: bool
    status: int | None
    answer_headers: Sequence[Sequence[str]]
    answer: str | None
    answer_bytes: int
    answer_cut: bool
    error: str | None
    at: float
    seconds: float
    load_id: str | None = None
    table: str | None = None
    job: str | None = None
    rows: str | None = None
    key: str | None = None
    attempt: int | None = None

    @property
    def failed(self) -> bool:
        """Whether it has no answer, or one that is a failure."""
        return self.status is None or self.status >= 400  # noqa: PLR2004  # RFC 9110, 15.5: the first of the client errors


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The file at *path*, made if it is not there; one that is damaged, or of another version, is begun anew: nothing depends on it.

    Raises:
        JournalError: If it cannot be used.
    """
    try:
        db = connected(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise unusable(path, error) from error
        for spoilt in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            spoilt.unlink(missing_ok=True)
        db = connected(path)
    try:
        yield db
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    finally:
        db.close()


def connected(path: Path) -> sqlite3.Connection:
    """A connection to the file at *path*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.executescript(SCHEMA)
    except sqlite3.Error:
        db.close()
        raise
    return db


def unusable(path: Path, error: Exception) -> JournalError:
    """The error for a file that cannot be read or written."""
    return JournalError(f"the requests in {path} cannot be used: {error}", hint="check the disk and the folder's owner and mode")


def keep(path: Path, requests: Sequence[KeptRequest], successes: int) -> None:
    """Write *requests*, all of one destination, and forget older ones: *successes* that succeeded are kept, and the last failures.

    Raises:
        JournalError: If the file cannot be written.
    """
    if not requests:
        return
    rows = [(one.destination, one.failed, json.dumps(attrs.asdict(one, filter=lambda field, _: field.name not in {"id", "destination"}))) for one in requests]
    with opened(path) as db:
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO requests (destination, failed, document) VALUES (?, ?, ?)", rows)
        for failed, most in ((1, FAILURES_KEPT), (0, successes)):
            db.execute(OLD, (requests[0].destination, failed, most))
        db.execute("COMMIT")


def kept(path: Path, *, destination: str | None = None, failed: bool = False, last: int | None = None, number: int | None = None) -> list[KeptRequest]:
    """The requests in the file, oldest first.

    Args:
        path: The file; nothing is kept if it is not there.
        destination: Only those to this one.
        failed: Only those that failed.
        last: Only so many, the newest.
        number: Only the one with this id.

    Raises:
        JournalError: If the file cannot be read.
    """
    if not path.exists():
        return []
    query = (
        "SELECT id, destination, document FROM requests WHERE (?1 IS NULL OR destination = ?1) AND failed >= ?2 AND (?3 IS NULL OR id = ?3) "
        "ORDER BY id DESC LIMIT ?4"
    )
    with opened(path) as db:
        found = db.execute(query, (destination, int(failed), number, -1 if last is None else last)).fetchall()
    return [KeptRequest(id=row, destination=to, **json.loads(document)) for row, to, document in reversed(found)]


def forget(path: Path, before: float, *, dry_run: bool = False) -> int:
    """Forget requests that ended *before* a time in seconds since the epoch; returns how many, or with *dry_run* how many it would forget."""
    if not path.exists():
        return 0
    with opened(path) as db:
        old = int(db.execute("SELECT count(*) FROM requests WHERE json_extract(document, '$.at') < ?", (before,)).fetchone()[0])
        if old and not dry_run:
            db.execute("DELETE FROM requests WHERE json_extract(document, '$.at') < ?", (before,))
            db.execute("VACUUM")
        return old


def document(request: KeptRequest) -> dict[str, Any]:
    """The request as plain values that JSON can hold."""
    return attrs.asdict(request)
