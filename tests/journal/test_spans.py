"""Batches that were cut together are one row of the journal's file for as long as they share their fate."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from registered import register

from sinkkit.clock import SystemClock
from sinkkit.errors import JournalError
from sinkkit.journal.keys import key_of
from sinkkit.journal.moves import Cut, Postpone, SettlePlain
from sinkkit.journal.records import PackageRecord, PackageState
from sinkkit.journal.sqlite import SqliteJournal
from sinkkit.journal.states import State

SPANS = "SELECT id, batch_count, first_row, row_count, state FROM batches ORDER BY id"


def write(journal, *moves):
    """Make *moves* durable."""
    journal.flush(journal.submit(moves))


def test_a_claim_is_one_row_from_its_cut_to_its_end(journal):
    """However many batches are claimed together, they cost one row, and their calls are counted one by one."""
    (job,) = register(journal, rows=(1000,))
    run = journal.start_run(None, None, 1.0)
    write(journal, Cut(job.id, 0, 1000, run, 1, 3))
    claimed = journal._rows(SPANS, ())
    write(journal, SettlePlain(1, 334))

    assert claimed == [(1, 334, 0, 1000, State.IN_FLIGHT)]
    assert journal._rows(SPANS, ()) == [(1, 334, 0, 1000, State.SETTLED)]
    assert journal.next_batch_id() == 335
    assert (journal.counts("load")["t"].delivered, journal.run(run).calls, journal.run(run).retries) == (1000, 334, 0)


def test_what_concerns_some_of_them_divides_the_row(journal):
    """A claim that is settled in part is divided there; a batch that fares otherwise is a row of its own."""
    (job,) = register(journal, rows=(10,))
    write(journal, Cut(job.id, 0, 10, 1, 1, 3), SettlePlain(1, 1), Postpone(3, State.PLANNED))

    assert journal._rows(SPANS, ()) == [
        (1, 1, 0, 3, State.SETTLED),
        (2, 1, 3, 3, State.IN_FLIGHT),
        (3, 1, 6, 3, State.PLANNED),
        (4, 1, 9, 1, State.IN_FLIGHT),
    ]


@given(
    rows=st.lists(st.sampled_from([5, 5, 5, 7, 12]), min_size=1, max_size=8),
    size=st.integers(1, 6),
    stop=st.integers(1, 60),
    claimed=st.booleans(),
)
def test_a_claim_goes_through_jobs_large_and_small(rows, size, stop, claimed):
    """Whatever the jobs that a claim is cut out of, each has a row of its own with just its rows, and the next claim goes on there."""
    with TemporaryDirectory() as folder:
        journal = SqliteJournal(Path(folder) / "journal.db", clock=SystemClock(), durability="process")
        run = journal.start_run(None, None, 1.0)
        jobs = register(journal, rows=rows)
        moves, expected, number, left = [], [], 1, stop
        for job in jobs:
            since = min(job.row_count, size)  # the first batch of each was claimed before
            write(journal, Cut(job.id, 0, since, run, 1000 + job.id, size))
            if left and since < job.row_count:
                count = min(left, -(-(job.row_count - since) // size))
                end = min(job.row_count, since + count * size)
                moves.append(Cut(job.id, since, end, run, number, size, claimed))
                expected.append((number, job.id, since, end - since, count, size, 1 if claimed else 0, int(claimed), int(claimed), run if claimed else None))
                number, left = number + count, left - count
        write(journal, *moves)
        written = "SELECT id, job, first_row, row_count, batch_count, batch_rows, state, attempts, calls, run FROM batches WHERE id < 1000 ORDER BY id"

        assert journal._rows(written, ()) == expected
        assert [job.frontier for job in journal.jobs("load") if job.id in [move.job for move in moves]] == [move.frontier for move in moves]
        journal.close()


def test_batches_have_the_ids_that_the_claim_says(journal):
    """Jobs that are cut alike into batches that do not follow each other."""
    jobs = register(journal, rows=(4, 4, 4))
    write(journal, *[Cut(job.id, 0, 4, 1, first, 2) for job, first in zip(jobs, (10, 20, 22), strict=True)])

    assert journal._rows("SELECT id, job FROM batches ORDER BY id", ()) == [(10, jobs[0].id), (20, jobs[1].id), (22, jobs[2].id)]


def test_a_job_that_is_not_where_a_claim_takes_it_to_be_stops_the_claim(journal):
    """Of several jobs that are cut alike one was cut by somebody else: nothing of the claim is written."""
    jobs = register(journal, rows=(5, 5, 5))
    write(journal, Cut(jobs[1].id, 0, 2, 1, 1, 2))

    with pytest.raises(JournalError, match="2 of 3 rows changed"):
        write(journal, *[Cut(job.id, 0, 4, 1, 10 + 2 * n, 2) for n, job in enumerate(jobs)])


def test_a_restart_finds_every_batch_under_its_key(journal):
    """What was in flight at a kill comes back batch by batch, with the rows and the keys that were sent."""
    (job,) = register(journal, rows=(10,))
    write(journal, Cut(job.id, 0, 10, 1, 1, 4), SettlePlain(1, 1))
    found = journal.recover("load", 2)

    assert [(batch.id, batch.first_row, batch.row_count, batch.state, batch.ambiguous) for batch in found] == [
        (2, 4, 4, State.UNKNOWN, True),
        (3, 8, 2, State.UNKNOWN, True),
    ]
    assert [batch.key for batch in found] == [key_of("load", "t.0", range(4, 8)), key_of("load", "t.0", range(8, 10))]


def test_rows_that_are_refused_at_registration_get_ids_of_their_own(journal):
    """A package that is registered while others are being sent does not take the ids of their batches."""
    (job,) = register(journal, rows=(10,))
    write(journal, Cut(job.id, 0, 10, 1, 1, 2))
    record = PackageRecord(load_id="other", folder="packages/other", state=PackageState.NORMALIZED, run_name=None, destination=None, created_at=1.0)
    refused = [attrs.evolve(job, id=0, load_id="other", name=f"t.refused.{n}", row_count=3, first_index=3 * n, refused=True) for n in range(2)]
    journal.register(record, refused)
    write(journal, SettlePlain(2, 5))

    assert [row[0] for row in journal._rows(SPANS, ())] == [1, 2, 6, 7]
    assert journal.counts("other")["t"].rejected == 6
    assert (journal.counts("load")["t"].delivered, journal.counts("load")["t"].unknown) == (8, 2)
