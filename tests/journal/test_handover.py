"""Packages that are handed over: in one commit they end here, and only those of which nothing was sent can be."""

from __future__ import annotations

import attrs
import pytest
from registered import register

from sinkkit.errors import JournalError
from sinkkit.journal.moves import Cut, SettlePlain
from sinkkit.journal.records import PackageState, RejectedRecord


def letter(load_id="load"):
    """A dead letter of a row that was never sent."""
    return RejectedRecord(
        id=f"{load_id} letter", load_id=load_id, table="t", index=3, row=b'{"id":3}', reason="unknown column", error=None, status=None,
        attempts=0, rejected_at=1.0,
    )  # fmt: skip


def test_a_package_ends_here(journal):
    """It is called handed over, with where and when, its rows leave the accounts, and how many they were stays."""
    register(journal, rows=(100, 20))
    journal.hand_over("load", "/stick/load.tar", 5.0)
    (record,) = journal.loads()

    assert (record.package.state, record.package.handed_to, record.package.completed_at) == (PackageState.HANDED_OVER, "/stick/load.tar", 5.0)
    assert (journal.counts("load"), record.tables, record.handed_over) == ({}, {}, {"t": 120})
    assert (journal.jobs("load"), journal.schema("load", "t")) == ([], None)


@pytest.mark.parametrize("again", ["hand_over", "bind", "complete", "drop"])
def test_it_has_ended(journal, again):
    """Handed over, it can be neither bound nor ended once more."""
    register(journal)
    journal.hand_over("load", "f.tar", 5.0)
    work = {
        "hand_over": lambda: journal.hand_over("load", "f.tar", 6.0),
        "bind": lambda: journal.bind("load", "crm"),
        "complete": lambda: journal.complete("load", 6.0),
        "drop": lambda: journal.drop("load", 6.0),
    }
    with pytest.raises(JournalError, match="load"):
        work[again]()

    assert journal.packages()[0].completed_at == 5.0


def test_one_that_was_begun_stays(journal):
    """With one batch cut, nothing changes, whatever became of that batch."""
    (job,) = register(journal)
    journal.flush(journal.submit([Cut(job.id, 0, 10, 1, 1, 10), SettlePlain(1, 1)]))

    with pytest.raises(JournalError, match="begun"):
        journal.hand_over("load", "f.tar", 5.0)
    assert journal.counts("load")["t"].pending == 90


def test_a_replay_stays(journal):
    """The rows of a replay are dead letters of this pipeline, and stay with it."""
    register(journal)
    one = attrs.evolve(letter(), index=0)
    journal.register(attrs.evolve(journal.packages()[0], load_id="first"), [], rejected=[attrs.evolve(one, load_id="first")])
    job = journal.jobs("load")[0]
    replay = attrs.evolve(journal.packages()[0], load_id="replay", replay=True)
    journal.register(replay, [attrs.evolve(job, load_id="replay", row_count=1)], taking=[(1, 0, None)])

    for load_id in ("replay", "first"):
        with pytest.raises(JournalError, match="cannot be handed over"):
            journal.hand_over(load_id, "f.tar", 5.0)


def test_dead_letters_go_with_it(journal):
    """Letters that a package was registered with leave the list when it goes, and are kept as they were handed over until it is pruned."""
    register(journal, "other")
    record = attrs.evolve(journal.packages()[0], load_id="load")
    journal.register(record, [], rejected=[letter(), letter("other")])
    listed = [found.id for found in journal.rejected()]
    journal.hand_over("load", "f.tar", 5.0, [b"one", b"two"])
    left = [found.id for found in journal.rejected()]
    kept = journal.handed_letters("load")
    journal.prune(6.0, rejected=False, run=99)

    assert (listed, left) == (["load letter", "other letter"], ["other letter"])
    assert (kept, journal.handed_letters("load")) == ([b"one", b"two"], [])
    assert [found.load_id for found in journal.packages()] == ["other"]


def test_first_call_is_the_first(journal):
    """A package that is opened again keeps the time of its first call."""
    register(journal)
    journal.bind("load", "crm", 3.0)
    journal.bind("load", "crm", 4.0)

    assert [found.package.first_call_at for found in journal.loads()] == [3.0]


def test_loads_are_named_in_order(journal):
    """Loads come in the order of the ids asked for, and what is not known is left out."""
    for name in ("a", "b", "c"):
        register(journal, name)

    assert [found.package.load_id for found in journal.loads(["c", "nothing", "a"])] == ["c", "a"]
    assert [found.package.load_id for found in journal.loads()] == ["a", "b", "c"]
