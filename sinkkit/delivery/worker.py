"""One worker: claims batches, calls, settles; a thin loop around the dispatcher's decisions.

What a worker does is written once, as steps up to whatever has to be waited for. A thread carries them out
by waiting; a slot of an event loop (``slots``) does so by awaiting.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from sinkkit.clock import Clock
from sinkkit.delivery.call import Begin, Caller
from sinkkit.delivery.decide import to_keep
from sinkkit.delivery.dispatcher import Dispatcher
from sinkkit.delivery.grants import NOTHING, Answered, Finished, Fitted, Grant
from sinkkit.delivery.plan import Flight
from sinkkit.delivery.thread_waits import waits_so_far
from sinkkit.delivery.verdict import PLAIN, Verdict
from sinkkit.errors import SinkkitError
from sinkkit.events import CallsStarted, Observer
from sinkkit.faults import Faults, Point, idle
from sinkkit.journal.protocol import Journal

CLAIM_SECONDS = 0.005
"""What a claim of several batches is worth: after this time a worker settles, so that a crash repeats no more than that."""

FITTING_SECONDS = 0.0045
"""What a claim is fitted to: a little less, so that most are used up in time."""

MOST_BATCHES = 4096
"""The largest claim, however fast the calls are."""

Fit: TypeAlias = Callable[[Flight], Mapping[int, str]]
"""A batch to those of its rows that are not to be sent: position to reason."""

Step: TypeAlias = int | Grant | Flight
"""What to wait for: until a ticket is durable, until something has changed since a grant, or for the call of a batch."""


@attrs.define(eq=False)
class Worker:
    """State of one worker, a thread or a slot of an event loop.

    Attributes:
        fit: Tells which rows of a batch are not to be sent, and why, before it is claimed; None: all are sent.
        busy_since: When the call now running began, on the run's clock; None between calls.
        calling: Seconds spent in claims that have ended: reading rows and calling.
        computing: How many of them its thread was on a processor.
        calls: Calls made in them.
        waits: How often its thread waited in them.
    """

    dispatcher: Dispatcher
    journal: Journal
    caller: Caller
    clock: Clock
    observe: Observer
    faults: Faults
    keep: Callable[[Flight, int], bytes]
    may_claim_many: bool
    fit: Fit | None = None
    busy_since: float | None = attrs.field(default=None, init=False)
    calling: float = attrs.field(default=0.0, init=False)
    computing: float = attrs.field(default=0.0, init=False)
    calls: int = attrs.field(default=0, init=False)
    waits: int = attrs.field(default=0, init=False)
    _fitting: float = attrs.field(default=0.0, init=False)
    _called_from: float = attrs.field(default=0.0, init=False)
    _share: int = attrs.field(default=1, init=False)
    _claim: deque[Flight] = attrs.field(factory=deque, init=False)
    _done: deque[Flight] = attrs.field(factory=deque, init=False)

    def work(self) -> None:
        """Until nothing is left or the run halts. What goes wrong outside a call, such as a full disk under the journal, halts the run."""
        call = self.caller.deliver if self.may_claim_many and self.faults is idle else self._call
        steps = self.steps()
        verdict: Verdict | None = None
        try:
            while True:
                step = steps.send(verdict)
                if isinstance(step, Flight):
                    verdict = call(step)
                    continue
                verdict = None
                if isinstance(step, Grant):
                    self.dispatcher.wait(step)
                else:
                    self.journal.flush(step)
        except StopIteration:
            return
        except BaseException as error:  # noqa: BLE001  # a thread has nobody to raise to: the run halts with it as its cause
            self.dispatcher.break_off(error)

    def steps(self) -> Generator[Step, Any, None]:
        """All the work, step by step; whoever carries them out sends back the verdict of a call."""
        finished = NOTHING
        while True:
            self.faults(Point.BEFORE_CLAIM)
            share = max(0, self._share - len(self._claim))
            grant = self.dispatcher.exchange(finished, share)
            looked = self.fit is not None and bool(grant.flights)
            if looked:
                grant = yield from self._claimed(grant, finished)
            yield from self._tell(grant, finished)
            if grant.over and not self._claim:
                return
            if grant.over:
                finished = Finished((), (), taken(self._claim))
            elif grant.flights or self._claim:
                finished = yield from self._measured(grant.flights)
            elif looked or not share:  # nothing of it is to be sent, or what was left was handed back meanwhile: there may be more
                finished = NOTHING
            else:
                self._share = 1
                yield grant
                finished = NOTHING

    def relieve(self) -> None:
        """Settle the calls of a claim that have ended and hand back those not begun, while the one now running takes long.

        Called from another thread than the worker's; each batch is taken by one of the two.
        """
        if not (self._done or self._claim):
            return
        finished = Finished(taken(self._done), (), taken(self._claim))
        if not finished:
            return
        try:
            for ticket in self._tell(self.dispatcher.exchange(finished, 0), finished):
                self.journal.flush(ticket)
        except BaseException as error:  # noqa: BLE001  # as in a worker's own thread: the run halts with it as its cause
            self.dispatcher.break_off(error)

    def _claimed(self, grant: Grant, finished: Finished) -> Generator[int, Any, Grant]:
        """Look at the rows of what was handed out, and claim what is to be sent.

        What was done is settled in the same commit, unless several calls were made and the first of them was made too long ago for that.
        """
        unsettled = grant.ticket if len(finished.plain) > 1 else None
        fitted: list[Fitted] = []
        self._fitting = 0.0
        for flight in grant.flights:
            began = self.clock.now()
            if unsettled is not None and began - self._called_from >= CLAIM_SECONDS:
                yield unsettled
                unsettled, began = None, self.clock.now()
            fitted.append(self._fitted(flight))
            self._fitting += self.clock.now() - began
        return self.dispatcher.claim(grant, fitted)

    def _fitted(self, flight: Flight) -> Fitted:
        if self.fit is None or self.dispatcher.probes(flight):
            return Fitted(flight)
        try:
            refused = self.fit(flight)
            return Fitted(flight, refused, {position: self.keep(flight, position) for position in refused})
        except SinkkitError as error:
            return Fitted(flight, error=error)

    def _tell(self, grant: Grant, finished: Finished) -> Generator[int, Any, None]:
        """Make durable what was decided, then let observers know."""
        if grant.ticket is not None:
            yield grant.ticket
            if finished:
                self.faults(Point.AFTER_SETTLE)
            if grant.flights:
                self.faults(Point.AFTER_CLAIM)
        for event in grant.events:
            self.observe(event)

    def _measured(self, flights: Sequence[Flight]) -> Generator[Flight, Verdict, Finished]:
        if len(flights) == 1:
            self.observe(CallsStarted(in_flight=len(self.dispatcher.in_flight)))
        wall, cpu, waits = time.perf_counter(), time.thread_time(), waits_so_far()
        finished = yield from self._call_all(flights)
        self.calling += time.perf_counter() - wall
        self.computing += time.thread_time() - cpu
        self.calls += len(finished.plain) + len(finished.answered)
        self.waits += waits_so_far() - waits
        return finished

    def _call_all(self, flights: Sequence[Flight]) -> Generator[Flight, Verdict, Finished]:
        """Call the batches of a claim one after another, until its time is used up or something other than success comes back.

        What is left of it when its time is used up is called next, without being claimed again, as far as it is worth no more than a claim.
        """
        now, may_call, claim, done = self.clock.now, self.dispatcher.may_call, self._claim, self._done
        claim.extend(flights)
        answered: tuple[Answered, ...] = ()
        used_up = False
        calls = 0
        self._called_from = began = now()
        while claim:
            self.busy_since = started = now()
            if not may_call(started):
                break
            if used_up := started - began >= CLAIM_SECONDS:
                break
            try:
                flight = claim.popleft()
            except IndexError:  # the rest was handed back at this moment
                break
            verdict = yield flight
            if verdict is not PLAIN:
                self.busy_since = None
                answered = (self._answered(flight, verdict),)
                self._share = 1
                break
            done.append(flight)
            calls += 1
        self.busy_since = None
        if not answered:
            self._resize(calls, now() - began + self._fitting)
        self._fitting = 0.0
        left, kept = taken(claim), self._share if used_up else 0
        claim.extend(left[:kept])
        return Finished(taken(done), answered, left[kept:])

    def _resize(self, calls: int, spent: float) -> None:
        """Let the next claim be worth ``FITTING_SECONDS``, and never more than twice as large as this one."""
        if not self.may_claim_many or (2 * calls < self._share and spent < CLAIM_SECONDS):
            return
        fitting = int(calls * FITTING_SECONDS / spent) if spent > 0 else MOST_BATCHES
        self._share = max(1, min(2 * self._share, fitting, MOST_BATCHES))

    def _call(self, flight: Flight) -> Verdict:
        if self.dispatcher.counts_starts:
            verdict = self._limited(flight)
        elif self.dispatcher.probes(flight):
            verdict = self.caller.probe(flight)
        else:
            verdict = self.caller.deliver(flight)
        self.called()
        return verdict

    def called(self) -> None:
        """The point between a call and what the journal knows of it."""
        if self.faults is not idle:
            self.faults(Point.AFTER_CALL)

    def beginning(self, flight: Flight) -> Begin:
        """What lets limits count the call of *flight*, once."""
        begun = not self.dispatcher.counts_starts

        def begin() -> None:
            nonlocal begun
            if not begun:
                begun = True
                self.dispatcher.starting(flight)

        return begin

    def _limited(self, flight: Flight) -> Verdict:
        """A call that a limit counts: from the moment when its rows are read, which may take a while, or its end if they never are."""
        begin = self.beginning(flight)
        if self.dispatcher.probes(flight):
            begin()
            return self.caller.probe(flight)
        verdict = self.caller.deliver(flight, begin)
        begin()
        return verdict

    def _answered(self, flight: Flight, verdict: Verdict) -> Answered:
        kept = to_keep(flight, verdict, self.dispatcher.options)
        return Answered(flight, verdict, {position: self.keep(flight, position) for position in kept})


def taken(line: deque[Flight]) -> list[Flight]:
    """All of *line*, which is empty afterwards; two threads that take from it at the same time share it out."""
    found: list[Flight] = []
    try:
        while line:
            found.append(line.popleft())
    except IndexError:  # the other thread was faster
        pass
    return found
