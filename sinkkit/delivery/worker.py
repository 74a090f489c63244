"""One worker: claims batches, calls, settles; a thin loop around the dispatcher's decisions."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import attrs

from sinkkit.clock import Clock
from sinkkit.delivery.call import Caller
from sinkkit.delivery.decide import to_keep
from sinkkit.delivery.dispatcher import NOTHING, Answered, Dispatcher, Finished, Grant
from sinkkit.delivery.plan import Flight
from sinkkit.delivery.verdict import PLAIN, Verdict
from sinkkit.events import CallsStarted, Observer
from sinkkit.faults import Faults, Point, idle
from sinkkit.journal.protocol import Journal

CLAIM_SECONDS = 0.005
"""What a claim of several batches is worth: after this time a worker settles, so that a crash repeats no more than that."""

FITTING_SECONDS = 0.004
"""What a claim is fitted to: a little less, so that most are used up in time."""

MOST_BATCHES = 4096
"""The largest claim, however fast the calls are."""


@attrs.define(eq=False)
class Worker:
    """State of one worker thread.

    Attributes:
        busy_since: When the call now running began, on the run's clock; None between calls.
        calling: Seconds spent in claims that have ended: reading rows and calling.
        computing: How many of them this thread was on a processor.
    """

    dispatcher: Dispatcher
    journal: Journal
    caller: Caller
    clock: Clock
    observe: Observer
    faults: Faults
    keep: Callable[[Flight, int], bytes]
    may_claim_many: bool
    busy_since: float | None = attrs.field(default=None, init=False)
    calling: float = attrs.field(default=0.0, init=False)
    computing: float = attrs.field(default=0.0, init=False)
    _share: int = attrs.field(default=1, init=False)

    def work(self) -> None:
        """Until nothing is left or the run halts. What goes wrong outside a call, such as a full disk under the journal, halts the run."""
        try:
            finished = NOTHING
            while True:
                grant = self._exchange(finished)
                if grant.over:
                    return
                finished = self._measured(grant.flights) if grant.flights else self._wait(grant)
        except BaseException as error:  # noqa: BLE001  # a thread has nobody to raise to: the run halts with it as its cause
            self.dispatcher.broken = error
            self.dispatcher.halt(error)

    def _exchange(self, finished: Finished) -> Grant:
        self.faults(Point.BEFORE_CLAIM)
        grant = self.dispatcher.exchange(finished, self._share)
        if grant.ticket is not None:
            self.journal.flush(grant.ticket)
            if finished:
                self.faults(Point.AFTER_SETTLE)
            if grant.flights:
                self.faults(Point.AFTER_CLAIM)
        for event in grant.events:
            self.observe(event)
        return grant

    def _wait(self, grant: Grant) -> Finished:
        self._share = 1
        self.dispatcher.wait(grant)
        return NOTHING

    def _measured(self, flights: Sequence[Flight]) -> Finished:
        if len(flights) == 1:
            self.observe(CallsStarted(in_flight=len(self.dispatcher.in_flight)))
        wall, cpu = time.perf_counter(), time.thread_time()
        finished = self._call_all(flights)
        self.calling += time.perf_counter() - wall
        self.computing += time.thread_time() - cpu
        return finished

    def _call_all(self, flights: Sequence[Flight]) -> Finished:
        """Call the batches of a claim one after another, until its time is used up or something other than success comes back."""
        now, dispatcher = self.clock.now, self.dispatcher
        began = now()
        for position, flight in enumerate(flights):
            self.busy_since = started = now()
            if started - began >= CLAIM_SECONDS or not dispatcher.may_call(started):
                self.busy_since = None
                self._fit(position, started - began)
                return Finished(flights[:position], (), flights[position:])
            verdict = self._call(flight)
            if verdict is not PLAIN:
                self.busy_since = None
                self._share = 1
                return Finished(flights[:position], (self._answered(flight, verdict),), flights[position + 1 :])
        self.busy_since = None
        self._fit(len(flights), now() - began)
        return Finished(flights)

    def _fit(self, calls: int, spent: float) -> None:
        """Let the next claim be worth ``FITTING_SECONDS``, and never more than twice as large as this one."""
        if not self.may_claim_many or (2 * calls < self._share and spent < CLAIM_SECONDS):
            return
        fitting = int(calls * FITTING_SECONDS / spent) if spent > 0 else MOST_BATCHES
        self._share = max(1, min(2 * self._share, fitting, MOST_BATCHES))

    def _call(self, flight: Flight) -> Verdict:
        if self.dispatcher.limiter is not None:
            self.dispatcher.starting(flight)
        verdict = self.caller.probe(flight) if self.dispatcher.probes(flight) else self.caller.deliver(flight)
        if self.faults is not idle:
            self.faults(Point.AFTER_CALL)
        return verdict

    def _answered(self, flight: Flight, verdict: Verdict) -> Answered:
        kept = to_keep(flight, verdict, self.dispatcher.options)
        return Answered(flight, verdict, {position: self.keep(flight, position) for position in kept})
