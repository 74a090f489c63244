"""The write-ahead log is given room for a whole round, which costs nobody anything that was written."""

from __future__ import annotations

import shutil

from registered import register

from sinkkit.clock import SystemClock
from sinkkit.journal.moves import Cut, SettlePlain
from sinkkit.journal.sqlite import SqliteJournal
from sinkkit.journal.wal_room import COMMITS_BEFORE, ROOM_BYTES

BATCHES = 400


def sent(journal, job, first, last):
    """Batches *first* to *last*, of one row each, are claimed and settled, a commit each."""
    for batch in range(first, last + 1):
        moves = [Cut(job.id, batch - 1, batch, 1, batch, 1)]
        journal.flush(journal.submit(moves if batch == first else [SettlePlain(batch - 1, batch - 1), *moves]))


def test_a_copy_at_any_moment_holds_all_that_was_committed(tmp_path):
    """Before the log has its room, right after, and after it began anew: what a kill leaves is read on without loss."""
    journal = SqliteJournal(tmp_path / "journal.db", clock=SystemClock())
    (job,) = register(journal, rows=(BATCHES,))
    journal.start_run(None, "crm", 1.0)
    last = 0
    for until in (COMMITS_BEFORE - 1, COMMITS_BEFORE, COMMITS_BEFORE + 1, 60, BATCHES):
        sent(journal, job, last + 1, until)
        journal.flush(journal.submit([SettlePlain(until, until)]))
        last = until
        folder = tmp_path / f"killed{until}"
        folder.mkdir()
        for name in ("journal.db", "journal.db-wal"):
            shutil.copyfile(tmp_path / name, folder / name)
        copy = SqliteJournal(folder / "journal.db", clock=SystemClock())
        counts = copy.counts("load")["t"]
        copy.close()

        assert (counts.delivered, counts.pending, counts.unknown) == (until, BATCHES - until, 0)
    size = (tmp_path / "journal.db-wal").stat().st_size
    journal.close()

    assert ROOM_BYTES <= size < 2 * ROOM_BYTES


def test_a_short_run_does_not_pay_for_it(tmp_path):
    """With few commits the log stays as small as it is, and so it does where nothing is synced."""
    sizes = []
    for durability, batches in (("full", COMMITS_BEFORE - 2), ("process", 4 * COMMITS_BEFORE)):
        path = tmp_path / durability / "journal.db"
        journal = SqliteJournal(path, clock=SystemClock(), durability=durability)
        (job,) = register(journal)
        sent(journal, job, 1, batches)
        sizes.append(path.with_name("journal.db-wal").stat().st_size < ROOM_BYTES // 2)
        journal.close()

    assert sizes == [True, True]
