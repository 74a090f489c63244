"""What is left of a claim when its time is used up stays with its worker: no more of it than it is worth, and never lost."""

from __future__ import annotations

import attrs

from sinkkit.declaration.options import Options
from sinkkit.delivery.decide import Judge, Tally
from sinkkit.delivery.dispatcher import Dispatcher
from sinkkit.delivery.grants import Grant
from sinkkit.delivery.plan import Flight, Plan
from sinkkit.delivery.verdict import PLAIN
from sinkkit.delivery.worker import Worker
from sinkkit.events import ignore
from sinkkit.faults import idle
from sinkkit.journal.records import JobRecord
from sinkkit.testing import FakeClock


class Notebook:
    """A journal that forgets."""

    def submit(self, moves):
        return 1

    def flush(self, ticket):
        return None


@attrs.define(eq=False)
class Meddled(Dispatcher):
    """A dispatcher whose worker is relieved each time right before it would go on with what is left of its claim."""

    worker: object = attrs.field(default=None, init=False)

    def exchange(self, finished, share):
        worker, self.worker = self.worker, None
        if worker is not None and share == 0:
            worker.relieve()
        self.worker = worker
        return super().exchange(finished, share)


def worker_of(kind, rows):
    """A worker of a destination that takes single rows, of which there are *rows*."""
    settings = Options(batch_size=1)
    plan = Plan(batch_size=1, next_id=1)
    plan.add_jobs([JobRecord(id=1, load_id="load", name="t.0", table="t", row_count=rows, first_index=0)])
    here = kind(plan, Judge(destination="d", options=settings, plan=plan, tally=Tally()), settings, Notebook(), FakeClock(), ignore, 1, "load")
    return Worker(here, here.journal, None, here.clock, ignore, idle, lambda *_: b"", may_claim_many=True)


def called(worker, seconds_of, at_most=100_000):
    """The ids of the batches called, in order; each takes what *seconds_of* says of it. After each settlement comes how many are in flight."""
    calls, in_flight, verdict = [], [], None
    steps = worker.steps()
    for _ in range(at_most):
        try:
            step = steps.send(verdict)
        except StopIteration:
            return calls, in_flight
        verdict = None
        if isinstance(step, Flight):
            worker.clock.advance(seconds_of(step.id))
            calls.append(step.id)
            verdict = PLAIN
        else:
            assert not isinstance(step, Grant), "the worker waits, and nobody would wake it"
            in_flight.append((len(calls), len(worker.dispatcher.in_flight)))
    raise AssertionError("it does not come to an end")


def test_calls_that_become_slow_are_not_hoarded():
    """A worker that holds many quick batches gives back what it cannot call in time once they are slow: a kill leaves few in doubt, and others may help."""
    worker = worker_of(Dispatcher, 3000)
    calls, in_flight = called(worker, lambda batch: 0.00001 if batch <= 2000 else 0.002)
    settled_while_slow = [held for done, held in in_flight if 2010 < done < 3000]

    assert sorted(calls) == list(range(1, 3001))
    assert max(held for _, held in in_flight) > 100
    assert max(settled_while_slow) <= 4


def test_a_worker_that_is_relieved_of_its_rest_takes_other_work():
    """When what is left is handed back just as the worker turns to it, the worker asks for more instead of waiting for ever."""
    worker = worker_of(Meddled, 3000)
    worker.dispatcher.worker = worker
    calls, _ = called(worker, lambda batch: 0.00001 if batch % 500 else 0.0045)

    assert sorted(calls) == list(range(1, 3001))
