"""What is left to send: cutting, waiting, row sets, keys, waits between attempts."""

from __future__ import annotations

from itertools import pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit import Outcome, RateLimit, Retry
from sinkkit.declaration.options import Options
from sinkkit.delivery.decide import Judge, Tally
from sinkkit.delivery.dispatcher import Dispatcher
from sinkkit.delivery.grants import Answered, Finished
from sinkkit.delivery.limits.limiter import Limiter
from sinkkit.delivery.plan import Flight, Plan, flight_of, runs_of
from sinkkit.delivery.retry import used_up, wait_before
from sinkkit.delivery.verdict import Fate, Verdict
from sinkkit.events import CallsSettled, ignore
from sinkkit.journal.keys import key_of
from sinkkit.journal.moves import Return, Start
from sinkkit.journal.ranges import compact, is_run, numbers_of, to_text
from sinkkit.journal.records import BatchRecord, JobRecord
from sinkkit.journal.states import State
from sinkkit.testing import FakeClock

ROWS = st.lists(st.integers(0, 200), min_size=1, max_size=60, unique=True).map(sorted)


def job(number, rows, table="t", frontier=0):
    """A job of *rows* rows."""
    return JobRecord(id=number, load_id="load", name=f"{table}.{number}", table=table, row_count=rows, first_index=0, frontier=frontier)


@given(rows=ROWS)
def test_rows_as_text(rows):
    """Row numbers come back from their text, and a run of them is kept as a range."""
    assert list(numbers_of(rows[0], len(rows), to_text(rows))) == rows
    assert list(compact(rows)) == rows
    assert is_run(rows) == (rows == list(range(rows[0], rows[-1] + 1)))
    assert isinstance(compact(rows), range) == is_run(rows)
    assert to_text(compact(rows)) == to_text(rows)


@given(one=ROWS, other=ROWS)
def test_keys_tell_row_sets_apart(one, other):
    """Two batches have the same key when and only when they are the same rows of the same job of the same package."""
    assert (key_of("a", "j", one) == key_of("a", "j", compact(other))) == (one == other)
    assert len(dict.fromkeys([key_of("a", "j", one), key_of("b", "j", one), key_of("a", "k", one)])) == 3


def test_keys_never_change():
    """A key made by an earlier version is made again by this one."""
    assert key_of("0001-ab", "t.0.jsonl", range(10)) == "5deb2784cee1f34e7dab0061caba92c0"


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=6), size=st.integers(0, 15), shares=st.lists(st.integers(1, 9), min_size=1))
def test_cutting_leaves_nothing_out(sizes, size, shares):
    """Every row of every job is cut into exactly one batch, in order, no batch spans jobs, and moves follow the frontier."""
    plan = Plan(batch_size=size, next_id=5)
    plan.add_jobs(job(n, rows) for n, rows in enumerate(sizes))
    flights, frontier, turn = [], dict.fromkeys(range(len(sizes)), 0), 0
    while plan.may_cut:
        assert plan.next_size() >= 1
        cuts, new = plan.cut(shares[turn % len(shares)], run=1)
        assert len(new) <= shares[turn % len(shares)]
        turn += 1
        flights += new
        for cut in cuts:
            assert cut.since == frontier[cut.job]
            frontier[cut.job] = cut.frontier
        told = [cut.first + n for cut in cuts for n in range(-(-(cut.frontier - cut.since) // cut.size))]
        assert told == [flight.id for flight in new]
    sent = [(flight.job.id, row) for flight in flights for row in flight.rows]

    assert sent == [(n, row) for n, rows in enumerate(sizes) for row in range(rows)]
    assert [flight.id for flight in flights] == list(range(5, 5 + len(flights)))
    assert [len(flight.rows) for flight in flights if size and len(flight.rows) > size] == []
    assert list(frontier.values()) == sizes
    assert plan.empty


def test_a_job_goes_on_where_it_was_cut():
    """After a restart, cutting continues at the journal's frontier, with whatever size is wanted now."""
    plan = Plan(batch_size=4, next_id=1)
    plan.add_jobs([job(1, 10, frontier=10), job(2, 10, frontier=7), job(3, 2)])
    _, flights = plan.cut(9, run=1)

    assert [(flight.job.id, list(flight.rows)) for flight in flights] == [(2, [7, 8, 9]), (3, [0, 1])]


def test_waiting_batches_come_when_due():
    """A batch comes back at its time, the earliest first, those of the same time in the order they were put there."""
    plan = Plan(batch_size=1, next_id=1)
    plan.add_jobs([job(1, 5)])
    _, flights = plan.cut(5, run=1)
    for flight, until in zip(flights, [3.0, 1.0, 2.0, 1.0, 9.0], strict=True):
        plan.wait(flight, until)

    assert plan.next_due() == 1.0
    assert plan.due(0.5) is None
    assert [plan.due(3.0).id for _ in range(4)] == [2, 4, 3, 1]
    assert (plan.due(3.0), plan.next_due(), plan.empty) == (None, 9.0, False)


def test_in_order_nothing_overtakes():
    """In order, the first row waits for nobody and everybody for it: no later batch, waiting or new, comes before it."""
    plan = Plan(batch_size=1, next_id=1, in_order=True)
    plan.add_jobs([job(1, 5)])
    _, (first, second) = plan.cut(2, run=1)
    plan.wait(second, 1.0)
    plan.wait(first, 7.0)

    assert (plan.due(6.0), plan.may_cut, plan.next_due()) == (None, False, 7.0)
    assert [plan.due(8.0).id, plan.due(8.0).id] == [first.id, second.id]
    assert plan.may_cut


def test_a_batch_of_the_journal_is_what_it_was():
    """A batch read from the journal has its rows, key and attempts, whatever sizes are set now."""
    record = BatchRecord(id=3, job=1, first_row=2, row_count=3, ranges="2,5-6", key="k", state=State.UNKNOWN, attempts=4, ambiguous=True, not_before=None)
    flight = flight_of(record, job(1, 10))

    assert (list(flight.rows), flight.key, flight.attempts, flight.ambiguous, flight.since) == ([2, 5, 6], "k", 4, True, State.UNKNOWN)
    assert list(flight_of(attrs.evolve(record, ranges=None), job(1, 10)).rows) == [2, 3, 4]


@given(first=st.floats(0, 100), longest=st.floats(0, 1000), failures=st.integers(1, 2_000))
def test_waits_have_full_jitter(first, longest, failures):
    """The wait after failure n lies anywhere between 0 and first_wait * 2^(n-1), and never above longest_wait."""
    wait = wait_before(Retry(first_wait=first, longest_wait=longest), failures)

    assert 0 <= wait <= longest
    assert failures > 50 or wait <= first * 2 ** (failures - 1)


def test_jitter_uses_the_whole_range():
    """Waits are spread over their whole range, so that workers that failed together do not come back together."""
    waits = sorted(wait_before(Retry(first_wait=10, longest_wait=1000), 3) for _ in range(400))

    assert waits[0] < 4
    assert waits[-1] > 36
    assert 15 < waits[200] < 25


@pytest.mark.parametrize(
    ("retry", "failures", "elapsed", "over"),
    [
        (Retry(attempts=3), 2, 1e9, False), (Retry(attempts=3), 3, 0, True), (Retry(attempts=1), 0, 0, False), (Retry(attempts=1), 1, 0, True),
        (Retry(deadline=10), 1, 10, False), (Retry(deadline=10), 1, 10.1, True), (Retry(deadline=10), 0, 11, True), (Retry(deadline=0), 1, 0.1, True),
    ],
)  # fmt: skip
def test_budgets(retry, failures, elapsed, over):
    """A batch is given up after its attempts or its deadline, whatever comes first."""
    assert used_up(retry, failures, elapsed) is over


@given(ids=st.lists(st.integers(0, 50), unique=True))
def test_neighbours_are_one_statement(ids):
    """Ids that follow each other become one run, and runs name exactly the ids given."""
    runs = runs_of([Flight(n, job(1, 1), range(1), "k", 1) for n in ids])

    assert [n for first, last in runs for n in range(first, last + 1)] == sorted(ids)
    assert [1 for (_, last), (first, _) in pairwise(runs) if first == last + 1] == []


@attrs.define
class Notebook:
    """A journal that only writes down what it is told."""

    moves: list = attrs.field(factory=list)

    def submit(self, moves):
        self.moves += moves
        return len(self.moves)


def dispatcher(jobs=(), limiter=None, **options):
    """A dispatcher over *jobs*, with a notebook for a journal."""
    settings = Options(**options)
    plan = Plan(batch_size=settings.batch_size, next_id=1, in_order=settings.workers == 1)
    plan.add_jobs(jobs)
    judge = Judge(destination="d", options=settings, plan=plan, tally=Tally())
    return Dispatcher(plan, judge, settings, Notebook(), FakeClock(), ignore, 1, "load", limiter)


def test_what_was_not_called_goes_back_as_it_was():
    """A claimed batch that was not called is planned again, its attempt is not counted, and it is handed out once more."""
    here = dispatcher([job(1, 4)], batch_size=1)
    granted = here.exchange(Finished(), 3).flights
    again = here.exchange(Finished(plain=granted[:1], unused=granted[1:]), 9).flights

    assert [(one.first, one.last, one.target) for one in here.journal.moves if isinstance(one, Return)] == [(2, 3, State.PLANNED)]
    assert [(one.id, one.attempts) for one in again] == [(2, 1), (3, 1), (4, 1)]


def test_a_probe_that_was_not_made_is_no_attempt():
    """A batch that was to be asked after and was not is still unknown: the journal was told nothing, so there is nothing to undo."""
    here = dispatcher(on_unknown="probe")
    here.plan.wait(Flight(1, job(1, 3), range(3), "k", 2, since=State.UNKNOWN), 0.0)
    granted = here.exchange(Finished(), 1).flights
    here.paused_until = 50.0
    assert not here.may_call(0.0)
    here.exchange(Finished(unused=granted), 1)
    here.paused_until = 0.0
    (again,) = here.exchange(Finished(), 1).flights

    assert [one for one in here.journal.moves if isinstance(one, Start | Return)] == []
    assert (again.id, again.attempts) == (1, 2)


def test_events_tell_tables_apart():
    """Where a claim spans tables, observers are told of each."""
    here = dispatcher([job(1, 2, "a"), job(2, 3, "b")], batch_size=1)
    first, second, third, *_ = here.exchange(Finished(), 5).flights
    verdict = Verdict(fate=Fate.ANSWERED, outcome=Outcome({0: "bad"}))
    grant = here.exchange(Finished([first, second], [Answered(third, verdict, {0: b"{}"})]), 0)
    told = [(event.table, event.calls, event.delivered, event.rejected, event.in_flight) for event in grant.events if isinstance(event, CallsSettled)]

    assert told == [("a", 2, 2, 0, 2), ("b", 1, 0, 1, 2)]


def test_a_share_of_nothing_claims_nothing():
    """Settling for a worker that is stuck in a call gives it no more work."""
    here = dispatcher([job(1, 4)], batch_size=1)
    granted = here.exchange(Finished(), 2).flights
    grant = here.exchange(Finished(plain=granted[:1]), 0)

    assert (grant.flights, grant.over) == ((), False)
    assert list(here.in_flight) == [granted[1].id]


def test_a_limit_hands_out_one_at_a_time():
    """Under a rate limit, each call has a place of its own, which is free again if it is not made."""
    here = dispatcher([job(1, 9)], limiter=Limiter(RateLimit(calls=2, per=10)), batch_size=1)
    first = here.exchange(Finished(), 8).flights
    second = here.exchange(Finished(), 8).flights
    third = here.exchange(Finished(), 8)

    assert [len(first), len(second), len(third.flights)] == [1, 1, 0]
    here.exchange(Finished(unused=second), 0)
    assert [flight.id for flight in here.exchange(Finished(), 8).flights] == [second[0].id]


def test_a_worker_between_two_calls_is_not_hung():
    """A batch whose call has ended and was not settled yet keeps the run alive; so does work for a free slot; nothing else does."""
    here = dispatcher([job(1, 3)], batch_size=1)
    granted = here.exchange(Finished(), 2).flights

    assert [here.goes_on(1, 2), here.goes_on(2, 2), here.goes_on(2, 3)] == [True, False, True]
    here.halt(None)
    assert [here.goes_on(1, 2), here.goes_on(2, 3)] == [True, False]
    here.exchange(Finished(plain=granted[:1]), 0)
    assert here.goes_on(1, 2) is False
    here.break_off(MemoryError())
    assert here.goes_on(0, 2) is False


def test_abandoned_batches_are_unknown():
    """When no answer is expected any more, what is in flight is unknown, and whoever comes back is sent home."""
    here = dispatcher([job(1, 9)], batch_size=1)
    here.exchange(Finished(), 3)
    lost = here.abandon()

    assert [flight.id for flight in lost] == [1, 2, 3]
    assert [(one.batch, one.target) for one in here.journal.moves[-3:]] == [(n, State.UNKNOWN) for n in (1, 2, 3)]
    assert here.exchange(Finished(plain=lost[:1]), 1).over
