"""Group commit: what waits goes to the disk together, in order, and after a failure nothing is written any more."""

from __future__ import annotations

import sqlite3
import threading

import pytest
from registered import register

from sinkkit.errors import JournalError
from sinkkit.journal.commits import Commits, transaction
from sinkkit.journal.moves import Cut, Pause, SettlePlain
from sinkkit.journal.states import State


class Counting(sqlite3.Connection):
    """A connection that counts its commits."""

    commits = 0

    def execute(self, sql, *values):
        """As always."""
        self.commits += sql == "COMMIT"
        return super().execute(sql, *values)


def pauses(db):
    """The pauses in the file."""
    return db.execute("SELECT destination, until FROM pauses ORDER BY rowid").fetchall()


@pytest.fixture
def db(tmp_path):
    """A connection to a file with one table."""
    made = sqlite3.connect(tmp_path / "x.db", isolation_level=None, check_same_thread=False, factory=Counting)
    made.execute("CREATE TABLE pauses (destination TEXT PRIMARY KEY, until REAL NOT NULL, reason TEXT NOT NULL)")
    yield made
    made.close()


def test_those_who_wait_share_a_commit(db):
    """What was submitted before a flush is one commit, whoever flushes; those who flush later find it done."""
    commits = Commits(db)
    tickets = [commits.submit([Pause(f"d{n}", float(n), "")]) for n in range(5)]
    for ticket in (tickets[3], tickets[0], tickets[4]):
        commits.flush(ticket)

    assert db.commits == 1
    assert pauses(db) == [(f"d{n}", float(n)) for n in range(5)]


def test_many_threads_at_once(db):
    """However many threads submit and flush, everything is there once each flush has returned."""
    commits, missing = Commits(db), []

    def work(name):
        for n in range(50):
            commits.flush(commits.submit([Pause(f"{name}-{n}", 1.0, "")]))
            found = commits.read(lambda db, n=n: db.execute("SELECT count(*) FROM pauses WHERE destination = ?", (f"{name}-{n}",)).fetchone())
            if found != (1,):
                missing.append((name, n))

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert missing == []
    assert len(pauses(db)) == 400
    assert db.commits <= 400


def test_a_failed_commit_changes_nothing_and_stops_all(db):
    """One move that cannot be written undoes its whole commit; from then on every flush says why."""
    commits = Commits(db)
    commits.flush(commits.submit([Pause("before", 1.0, "")]))
    good = commits.submit([Pause("good", 1.0, "")])
    bad = commits.submit([Pause("bad", 1.0, ""), Pause("bad", None, "")])
    later = commits.submit([Pause("later", 1.0, "")])
    for ticket in (bad, good, later, commits.submit([Pause("last", 1.0, "")])):
        with pytest.raises(sqlite3.IntegrityError, match="NOT NULL"):
            commits.flush(ticket)
    with pytest.raises(sqlite3.IntegrityError):
        commits.alone(lambda db: db.execute("DELETE FROM pauses"))

    assert pauses(db) == [("before", 1.0)]
    commits.flush(1)


def test_work_alone_comes_after_what_waits(db):
    """A transaction of its own sees everything that was submitted before it."""
    commits = Commits(db)
    commits.submit([Pause("waiting", 1.0, "")])

    assert commits.alone(pauses) == [("waiting", 1.0)]


def test_a_transaction_that_fails_leaves_nothing(db):
    """What raises inside a transaction undoes it and is passed on."""
    def break_off():
        with transaction(db):
            db.execute("INSERT INTO pauses VALUES ('x', 1, '')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()

    assert (pauses(db), db.in_transaction) == ([], False)


def test_a_pause_is_never_shortened(journal):
    """Of two pauses of a destination the later end holds."""
    journal.flush(journal.submit([Pause("crm", 50.0, "a"), Pause("crm", 20.0, "b"), Pause("erp", 1.0, "c")]))

    assert [journal.pause_of(name) for name in ("crm", "erp", "x")] == [(50.0, "b"), (1.0, "c"), None]


def test_a_move_that_finds_another_state_breaks_the_journal(journal):
    """A settlement of what is not in flight is an error that names the move without its rows, and undoes its commit."""
    (job,) = register(journal)
    journal.flush(journal.submit([Cut(job.id, 0, 10, 1, 1, 10)]))
    ticket = journal.submit([SettlePlain(1, 1), SettlePlain(1, 1)])

    with pytest.raises(JournalError, match=r"did not find what it expected for SettlePlain\(first=1, last=1\): 0 of 1") as wrong:
        journal.flush(ticket)
    assert wrong.value.hint
    assert journal.counts("load")["t"].unknown == 10
    assert State.SETTLED not in [State(state) for (state,) in journal._rows("SELECT state FROM batches", ())]


@pytest.mark.parametrize("fails", [False, True], ids=["work", "work that fails"])
def test_a_commit_ahead_leaves_the_next_one_synced(db, fails):
    """Work whose commit does not wait for the disk is committed in the weaker mode, and whatever comes next in the one that was set."""
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    commits, modes = Commits(db), []

    def work(db):
        modes.append(db.execute("PRAGMA synchronous").fetchone())
        db.execute("INSERT INTO pauses VALUES (?, 0, '')", ("only once" if fails else "a",))

    if fails:
        db.execute("INSERT INTO pauses VALUES ('only once', 0, '')")
        with pytest.raises(sqlite3.IntegrityError):
            commits.ahead(work)
    else:
        commits.ahead(work)

    assert (modes, pauses(db)) == ([(1,)], [("only once" if fails else "a", 0.0)])
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)
