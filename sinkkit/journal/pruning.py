"""What old facts the journal lets go of: runs, receipts, finished packages and, if asked, dead letters; never anything open."""

from __future__ import annotations

import sqlite3

import attrs

OPEN_PACKAGES = "(SELECT load_id FROM packages WHERE completed_at IS NULL)"
RUNS = (
    "FROM runs WHERE coalesce(ended_at, started_at) < ?1 AND id <> ?2 AND id NOT IN (SELECT run FROM batches WHERE run IS NOT NULL) "
    f"AND NOT EXISTS (SELECT 1 FROM json_each(runs.load_ids) AS named WHERE named.value IN {OPEN_PACKAGES})"
)
RECEIPTS = (
    f"FROM receipts WHERE load_id NOT IN {OPEN_PACKAGES} AND coalesce(delivered_at, "
    "(SELECT completed_at FROM packages WHERE packages.load_id = receipts.load_id), 0) < ?1"
)
LETTERS = "FROM rejected WHERE rejected_at < ?1 AND taken_by IS NULL"
FINISHED = "completed_at < ?1 AND load_id NOT IN (SELECT load_id FROM rejected{kept})"
OF_FINISHED = ("schemas", "folded", "handed_over", "handed_letters", "packages")
"""Tables that hold something of each package; ``packages`` last, as the others are found by it."""

STILL_KEPT = " WHERE rejected_at >= ?1 OR taken_by IS NOT NULL"
"""The letters that a dry run would not remove, where it would remove the others."""

SPARE_BYTES = 1 << 20
"""The least room in the file that is worth writing it anew for."""

SPARE_SHARE = 0.25
"""The least share of the file that has to be free for that."""


@attrs.frozen(kw_only=True)
class Counted:
    """How many runs, receipts, finished load packages and dead letters."""

    runs: int = 0
    receipts: int = 0
    packages: int = 0
    rejected: int = 0


def count(db: sqlite3.Connection, before: float, *, rejected: bool) -> Counted:
    """What ``prune`` would remove now."""

    def number(what: str, *values: float) -> int:
        return int(db.execute(f"SELECT count(*) {what}", (before, *values)).fetchone()[0])

    finished = FINISHED.format(kept=STILL_KEPT if rejected else "")
    return Counted(
        runs=number(RUNS, -1),
        receipts=number(RECEIPTS),
        rejected=number(LETTERS) if rejected else 0,
        packages=number(f"FROM packages WHERE {finished}"),
    )


def prune(db: sqlite3.Connection, before: float, *, rejected: bool, run: int) -> Counted:
    """Remove what is older than *before* (seconds since the epoch) and open to nobody; *run*, which does it, stays.

    Packages with dead letters stay known: where these came from, and what their tables are like.
    """
    removed = Counted(
        runs=db.execute(f"DELETE {RUNS}", (before, run)).rowcount,
        receipts=db.execute(f"DELETE {RECEIPTS}", (before,)).rowcount,
        rejected=db.execute(f"DELETE {LETTERS}", (before,)).rowcount if rejected else 0,
    )
    finished = f"(SELECT load_id FROM packages WHERE {FINISHED.format(kept='')})"
    gone = 0
    for table in OF_FINISHED:
        gone = db.execute(f"DELETE FROM {table} WHERE load_id IN {finished}", (before,)).rowcount
    return attrs.evolve(removed, packages=gone)


def shrink(db: sqlite3.Connection) -> int:
    """Give free room in the file back to the disk where that pays; returns how many bytes. Outside of any transaction."""
    before = _bytes(db, "page_count")
    spare = _bytes(db, "freelist_count")
    if spare < SPARE_BYTES or spare < SPARE_SHARE * before:
        return 0
    db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return before - _bytes(db, "page_count")


def _bytes(db: sqlite3.Connection, pages: str) -> int:
    """A number of pages of the file, such as ``freelist_count``, in bytes."""
    (count,), (size,) = db.execute(f"PRAGMA {pages}").fetchone(), db.execute("PRAGMA page_size").fetchone()
    return int(count) * int(size)
