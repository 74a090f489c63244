"""One worker: claims batches, calls, settles; a thin loop around the dispatcher's decisions."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from sinkkit.clock import Clock
from sinkkit.delivery.call import Caller
from sinkkit.delivery.decide import to_keep
from sinkkit.delivery.dispatcher import Answered, Dispatcher, Grant
from sinkkit.delivery.plan import Flight
from sinkkit.delivery.verdict import PLAIN
from sinkkit.events import CallsStarted, Observer
from sinkkit.faults import Faults, Point
from sinkkit.journal.protocol import Journal

CLAIM_SECONDS = 0.005
"""What a claim of several batches is worth: after this time a worker settles, so that a crash repeats no more than that."""

MOST_BATCHES = 4096
"""The largest claim, however fast the calls are."""


@attrs.define(eq=False)
class Worker:
    """State of one worker thread.

    Attributes:
        busy_since: When the call now running began, on the run's clock; None between calls.
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
    _share: int = attrs.field(default=1, init=False)

    def work(self) -> None:
        """Until nothing is left or the run halts. What goes wrong outside a call, such as a full disk under the journal, halts the run."""
        try:
            done: list[Answered] = []
            unused: list[Flight] = []
            while True:
                grant = self._exchange(done, unused)
                if grant.over:
                    return
                done, unused = self._call_all(grant) if grant.flights else self._wait(grant)
        except BaseException as error:  # noqa: BLE001  # a thread has nobody to raise to: the run halts with it as its cause
            self.dispatcher.broken = error
            self.dispatcher.halt(error)

    def _exchange(self, done: list[Answered], unused: list[Flight]) -> Grant:
        self.faults(Point.BEFORE_CLAIM)
        grant = self.dispatcher.exchange(done, unused, self._share)
        if grant.ticket is not None:
            self.journal.flush(grant.ticket)
            if done:
                self.faults(Point.AFTER_SETTLE)
            if grant.flights:
                self.faults(Point.AFTER_CLAIM)
        for event in grant.events:
            self.observe(event)
        return grant

    def _wait(self, grant: Grant) -> tuple[list[Answered], list[Flight]]:
        self._share = 1
        self.dispatcher.wait(grant)
        return [], []

    def _call_all(self, grant: Grant) -> tuple[list[Answered], list[Flight]]:
        """Call the batches of a claim one after another, until its time is used up or something other than success comes back."""
        if len(grant.flights) == 1:
            self.observe(CallsStarted(in_flight=len(self.dispatcher.in_flight)))
        began = self.clock.now()
        done: list[Answered] = []
        spent = 0.0
        for position, flight in enumerate(grant.flights):
            if spent >= CLAIM_SECONDS or not self.dispatcher.may_call():
                self._fit(position, spent)
                return done, list(grant.flights[position:])
            answer = self._call(flight)
            done.append(answer)
            spent = self.clock.now() - began
            if answer.verdict is not PLAIN:
                self._share = 1
                return done, list(grant.flights[position + 1 :])
        self._fit(len(grant.flights), spent)
        return done, []

    def _fit(self, calls: int, spent: float) -> None:
        """Let the next claim be worth about ``CLAIM_SECONDS``, and never more than twice as large as this one."""
        if not self.may_claim_many:
            return
        fitting = int(calls * CLAIM_SECONDS / spent) if spent > 0 else MOST_BATCHES
        self._share = max(1, min(2 * self._share, fitting, MOST_BATCHES))

    def _call(self, flight: Flight) -> Answered:
        self.dispatcher.starting(flight)
        self.busy_since = self.clock.now()
        try:
            verdict = self.caller.probe(flight) if self.dispatcher.probes(flight) else self.caller.deliver(flight)
        finally:
            self.busy_since = None
        self.faults(Point.AFTER_CALL)
        if verdict is PLAIN:
            return Answered(flight)
        kept = to_keep(flight, verdict, self.dispatcher.options)
        return Answered(flight, verdict, {position: self.keep(flight, position) for position in kept})
