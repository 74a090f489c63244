"""A journal of an earlier format is brought up to date, with everything that it held."""

from __future__ import annotations

import sqlite3

from write_schema import schema

from sinkkit.clock import SystemClock
from sinkkit.journal.opening import MIGRATIONS, SCHEMA, scripts
from sinkkit.journal.records import Counts
from sinkkit.journal.sqlite import SqliteJournal


def first_format(path):
    """A journal as the first format had it: an open package with a batch on hold, and three letters and a receipt of a finished one."""
    db = sqlite3.connect(path, isolation_level=None)
    for statement in scripts()[0].split(";\n"):
        db.execute(statement)
    db.execute("PRAGMA user_version = 1")
    db.execute("INSERT INTO packages VALUES ('open', 'packages/open', 'normalized', NULL, 'crm', 1, NULL)")
    db.execute("INSERT INTO packages VALUES ('done', 'packages/done', 'completed', NULL, 'crm', 0, 1)")
    db.execute("INSERT INTO jobs VALUES (1, 'open', 't.0', 't', 10, 0, 10)")
    db.execute("INSERT INTO batches (id, job, first_row, row_count, key, state, attempts) VALUES (1, 1, 0, 10, 'k', 5, 2)")
    db.execute("INSERT INTO folded VALUES ('done', 't', 4, 1, 3, 0, 0, 0)")
    for number in (2, 0, 1):
        db.execute("INSERT INTO rejected VALUES (?, 'done', 't', ?, x'7b7d', 'no', NULL, 400, 1, 5)", (f"letter {number}", number))
    db.execute("INSERT INTO receipts VALUES ('done', 't', 3, 'r')")
    db.close()


def test_the_first_format_is_read_on(tmp_path):
    """Packages, counts, letters in their order and receipts are there; what was not kept then is unknown."""
    path = tmp_path / "journal.db"
    first_format(path)
    for _ in range(2):
        journal = SqliteJournal(path, clock=SystemClock())
        letters = list(journal.rejected())
        (held,) = journal.held()

        assert [letter.id for letter in letters] == ["letter 2", "letter 0", "letter 1"]
        assert [(letter.index, letter.row, letter.status, letter.taken_by, letter.destination) for letter in letters[:1]] == [(2, b"{}", 400, None, "crm")]
        assert (held.batch.key, held.batch.attempts, held.held_at) == ("k", 2, None)
        assert list(journal.receipts()) == [{"load_id": "done", "table": "t", "index": 3, "receipt": "r", "delivered_at": None}]
        assert [(record.load_id, record.replay) for record in journal.packages()] == [("done", False), ("open", False)]
        assert journal.counts("open") == {"t": Counts(extracted=10, unknown=10)}
        journal.close()


def test_old_receipts_are_as_old_as_their_package(tmp_path):
    """A receipt without a time of its own is pruned with the package that it belongs to."""
    path = tmp_path / "journal.db"
    first_format(path)
    journal = SqliteJournal(path, clock=SystemClock())
    spared = journal.prune(1.0, rejected=False, run=99)
    gone = journal.prune(2.0, rejected=False, run=99)
    left = list(journal.receipts())
    journal.close()

    assert (spared.receipts, gone.receipts, gone.packages, left) == (0, 1, 0, [])


def test_a_new_file_is_what_the_migrations_lead_to():
    """A new journal is made in one go and equals one that was brought up from the first format; `make schema` writes how."""
    assert SCHEMA.read_text(encoding="utf-8") == schema()


def test_migrations_are_numbered_one_after_another():
    """A file's number is the version that it leads to."""
    names = sorted(path.name for path in MIGRATIONS.glob("*.sql"))

    assert [int(name[:3]) for name in names] == list(range(1, len(names) + 1))
