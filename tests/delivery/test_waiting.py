"""What is waited for, and for how long: found by the simulation, and told here one by one."""

from __future__ import annotations

import attrs
import pytest

from sinkkit import RateLimit
from sinkkit.declaration.options import Options
from sinkkit.delivery.choosing.chooser import Facts
from sinkkit.delivery.choosing.lanes import Lanes
from sinkkit.delivery.decide import Judge, Moment, Tally
from sinkkit.delivery.dispatcher import Dispatcher
from sinkkit.delivery.grants import Finished
from sinkkit.delivery.limits.limiter import Limiter
from sinkkit.delivery.load import gate_for
from sinkkit.delivery.plan import Flight, Plan
from sinkkit.delivery.verdict import Fate, Verdict
from sinkkit.events import ignore
from sinkkit.journal.moves import Pause, Postpone
from sinkkit.journal.records import JobRecord
from sinkkit.journal.states import State
from sinkkit.testing import FakeClock

JOB = JobRecord(id=1, load_id="load", name="t.1", table="t", row_count=6, first_index=0)


@attrs.define
class Notebook:
    """A journal that only writes down what it is told."""

    moves: list = attrs.field(factory=list)

    def submit(self, moves):
        self.moves += moves
        return len(self.moves)


def dispatcher(plan, limit=None, look=None, **options):
    """A dispatcher of *plan*, with a notebook for a journal."""
    settings = Options(**options)
    return Dispatcher(
        plan=plan,
        judge=Judge(destination="d", options=settings, plan=plan, tally=Tally()),
        options=settings,
        journal=Notebook(),
        clock=FakeClock(),
        observe=ignore,
        run=1,
        load_id="load",
        gate=gate_for(settings),
        limiter=None if limit is None else Limiter(limit),
        look=look,
    )


@pytest.mark.parametrize("after", [None, 4.0])
def test_a_batch_on_hold_does_not_hide_that_a_pause_was_asked_for(after):
    """`Retry-After` of an answer that proves nothing holds for the destination, also where the batch itself is put on hold."""
    options = Options(on_unknown="hold")
    judge = Judge(destination="d", options=options, plan=Plan(2, 1), tally=Tally())
    decision = judge.decide(Flight(1, JOB, range(2), "k", 1), Verdict(fate=Fate.AMBIGUOUS, reason="no", after=after), {}, Moment(now=0.0, wall=100.0))

    assert [move.target for move in decision.moves if isinstance(move, Postpone)] == [State.HELD]
    assert [move for move in decision.moves if isinstance(move, Pause)] == ([Pause("d", 104.0, "no")] if after else [])
    assert decision.pause == after


def test_a_batch_that_is_due_waits_for_the_limit_without_asking_again_and_again():
    """Where the limit keeps back a batch that is due, its worker waits until there is room, rather than for no time at all."""
    plan = Plan(2, 1)
    plan.add_jobs([JOB])
    here = dispatcher(plan, RateLimit(calls=1, per=30), batch_size=2)
    (first,) = here.exchange(Finished(), 1).flights
    here.starting(first)
    plan.wait(Flight(9, JOB, range(4, 6), "k", 1), 0.0)
    grant = here.exchange(Finished(), 1)

    assert grant.flights == []
    assert grant.seconds is not None
    assert 30 <= grant.seconds < 31


def test_what_waits_for_a_batch_on_hold_does_not_keep_the_run_alive():
    """When all that is left are rows behind one of their key that is on hold, the run ends; while that one is in flight, it does not."""
    plan = Plan(2, 1)
    plan.chooser = lanes = Lanes(2, None, total=False, jobs=[(JOB, [range(1, 6)])])
    lanes.occupy(JOB, [0], ["a"])
    here = dispatcher(plan, look=lambda segment: Facts(["b"] + ["a"] * (len(segment.rows) - 1), None), batch_size=2, order_by="k")
    first = here.exchange(Finished(), 1)
    second = here.exchange(Finished(), 1)
    third = here.exchange(Finished(plain=first.flights), 1)

    assert [list(flight.rows) for flight in first.flights] == [[1]]
    assert (second.flights, second.over, second.seconds) == ([], False, None)
    assert (third.flights, third.over) == ([], True)
