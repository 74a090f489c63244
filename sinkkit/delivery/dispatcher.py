"""Which call may start now: plan, limits, pauses and halting behind one lock; no I/O inside it."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Condition

import attrs

from sinkkit.clock import Clock
from sinkkit.declaration.options import Options
from sinkkit.delivery.decide import Decision, Judge, Moment
from sinkkit.delivery.limiter import Limiter
from sinkkit.delivery.plan import Flight, Plan
from sinkkit.delivery.verdict import Verdict
from sinkkit.events import CallsSettled, DestinationPaused, Event, Observer, RetryScheduled, RunHalting
from sinkkit.journal.moves import Move, Postpone, Return, SettlePlain, Start
from sinkkit.journal.protocol import Journal
from sinkkit.journal.states import State


@attrs.frozen
class Answered:
    """A call that ended: its batch, its verdict, and the encoded rows that may have to be kept, by position."""

    flight: Flight
    verdict: Verdict
    letters: dict[int, bytes] = attrs.field(factory=dict)


@attrs.define
class Finished:
    """What a worker has to say since it last spoke to the dispatcher.

    Attributes:
        plain: Batches of which every row was delivered, in the order of their calls.
        answered: Batches with any other verdict.
        unused: Batches that were claimed and not called.
    """

    plain: Sequence[Flight] = ()
    answered: Sequence[Answered] = ()
    unused: Sequence[Flight] = ()

    def __bool__(self) -> bool:
        return bool(self.plain or self.answered or self.unused)


NOTHING = Finished()

LONGEST_WAIT_SECONDS = 3600.0
"""A worker looks again after this time at the latest: waits of threads have a limit, and clocks are set."""


@attrs.frozen
class Grant:
    """What a worker does next.

    Attributes:
        ticket: To flush before anything else; None if nothing was written.
        flights: Batches to call, in order.
        seconds: How long to wait where there are none; None: until something changes.
        over: Whether this worker's work has ended.
        events: What happened, to be told once the ticket is durable.
        changes: What the dispatcher had counted then; a wait ends at once if it has counted more since.
    """

    ticket: int | None = None
    flights: Sequence[Flight] = ()
    seconds: float | None = None
    over: bool = False
    events: Sequence[Event] = ()
    changes: int = 0


@attrs.define
class Dispatcher:
    """Takes verdicts and hands out work. One for each load; shared by its workers."""

    plan: Plan
    judge: Judge
    options: Options
    journal: Journal
    clock: Clock
    observe: Observer
    run: int
    load_id: str
    limiter: Limiter | None = None
    paused_until: float = 0.0
    halted: BaseException | None = attrs.field(default=None, init=False)
    halting: bool = attrs.field(default=False, init=False)
    abandoned: bool = attrs.field(default=False, init=False)
    broken: BaseException | None = attrs.field(default=None, init=False)
    in_flight: dict[int, Flight] = attrs.field(factory=dict, init=False)
    changed: Condition = attrs.field(factory=Condition, init=False)
    changes: int = attrs.field(default=0, init=False)

    def exchange(self, finished: Finished, share: int) -> Grant:
        """Take what a worker has *finished*, and hand out up to *share* batches; none if it is 0."""
        with self.changed:
            if self.abandoned:
                return Grant(over=True)
            at = Moment(now=self.clock.now(), wall=self.clock.wall())
            events: list[Event] = []
            moves = self._settle(finished, at, events)
            moves += self._put_back(finished.unused, at)
            granted, wait = self._choose(share, at, moves) if share else ((), None)
            if finished:
                self._notify()
            ticket = self.journal.submit(moves) if moves else None
            over = not granted and (self.halting or (self.plan.empty and not self.in_flight))
            return Grant(ticket, granted, wait, over, events, self.changes)

    def wait(self, grant: Grant) -> None:
        """Wait until something has changed since *grant*, at most as long as it says."""
        with self.changed:
            if self.changes == grant.changes:
                self.clock.wait(self.changed, None if grant.seconds is None else min(grant.seconds, LONGEST_WAIT_SECONDS))

    def may_call(self, now: float) -> bool:
        """Whether a call that was granted may still start *now*; asked right before it, without the lock."""
        return not self.halting and now >= self.paused_until

    def starting(self, flight: Flight) -> None:
        """Note the very start of a call, which the limits count: its rows are read, the function comes next."""
        with self.changed:
            if self.limiter is not None:
                self.limiter.start(len(flight.rows), self.clock.now())

    def halt(self, cause: BaseException | None) -> None:
        """Start no new call; the first cause given is kept."""
        with self.changed:
            self._halt(cause)

    def abandon(self) -> list[Flight]:
        """Expect no answer any more; returns the batches whose fate is unknown, and says so to the journal."""
        with self.changed:
            self.abandoned = True
            lost = list(self.in_flight.values())
            self.in_flight.clear()
            self.journal.submit([Postpone(flight.id, State.UNKNOWN) for flight in lost])
            self._notify()
            return lost

    def wants_workers(self) -> bool:
        """Whether there is work that one more worker could start now."""
        with self.changed:
            due = self.plan.next_due()
            now = self.clock.now()
            return not self.halting and now >= self.paused_until and (self.plan.may_cut or (due is not None and due <= now))

    def goes_on(self, running: int, slots: int) -> bool:
        """Whether more happens than *running* calls: a worker is between two of them, or one of *slots* is free for work now or later."""
        with self.changed:
            between = self.broken is None and len(self.in_flight) > running
            return between or (running < slots and not self.halting and not self.plan.empty)

    def break_off(self, error: BaseException) -> None:
        """Halt because something other than a call went wrong; the first such error is what the run ends with."""
        with self.changed:
            if self.broken is None:
                self.broken = error
            self._halt(error)

    def _halt(self, cause: BaseException | None) -> None:
        if not self.halting:
            self.halting = True
            self.halted = cause
        self._notify()

    def _notify(self) -> None:
        self.changes += 1
        self.changed.notify_all()

    def _settle(self, finished: Finished, at: Moment, events: list[Event]) -> list[Move]:
        moves: list[Move] = [SettlePlain(first, last) for first, last in runs_of(finished.plain)]
        tables: dict[str, list[int]] = {}
        for flight in finished.plain:
            del self.in_flight[flight.id]
            sums = tables.setdefault(flight.job.table, [0, 0, 0])
            sums[0] += 1
            sums[1] += len(flight.rows)
        self.judge.tally.delivered += sum(delivered for _, delivered, _ in tables.values())
        for answer in finished.answered:
            flight = answer.flight
            del self.in_flight[flight.id]
            decision = self.judge.decide(flight, answer.verdict, answer.letters, at)
            sums = tables.setdefault(flight.job.table, [0, 0, 0])
            sums[:] = [sums[0] + 1, sums[1] + decision.delivered, sums[2] + decision.rejected]
            moves += decision.moves
            self._follow(decision, flight, answer.verdict, at, events)
        events += [
            CallsSettled(
                load_id=self.load_id, table=table, calls=calls, delivered=delivered, rejected=rejected, in_flight=len(self.in_flight)
            )
            for table, (calls, delivered, rejected) in tables.items()
        ]
        return moves

    def _follow(self, decision: Decision, flight: Flight, verdict: Verdict, at: Moment, events: list[Event]) -> None:
        for again, seconds in decision.waiting:
            self.plan.wait(again, at.now + seconds)
        if decision.retry is not None:
            events.append(
                RetryScheduled(
                    load_id=self.load_id,
                    table=flight.job.table,
                    rows=len(flight.rows),
                    attempt=flight.attempts + 1,
                    wait=decision.retry,
                    reason=verdict.reason,
                )
            )
        if decision.pause is not None:
            self.paused_until = max(self.paused_until, at.now + decision.pause)
            events.append(DestinationPaused(destination=self.judge.destination, seconds=decision.pause, reason=verdict.reason))
        if decision.halt is not None:
            self._halt(decision.halt)
            events.append(RunHalting(reason=verdict.reason or str(decision.halt)))

    def _put_back(self, unused: Sequence[Flight], at: Moment) -> list[Move]:
        """Batches that were claimed and not called wait again, as they were before."""
        for flight in unused:
            del self.in_flight[flight.id]
            if self.limiter is not None:
                self.limiter.cancel(len(flight.rows))
            probed = self.probes(flight)
            self.plan.wait(flight if probed else attrs.evolve(flight, attempts=flight.attempts - 1), at.now)
        claimed = [flight for flight in unused if not self.probes(flight)]
        by_state = {state: [flight for flight in claimed if flight.since is state] for state in (State.PLANNED, State.UNKNOWN)}
        return [Return(first, last, state) for state, flights in by_state.items() for first, last in runs_of(flights)]

    def _choose(self, share: int, at: Moment, moves: list[Move]) -> tuple[Sequence[Flight], float | None]:
        """Work that may start now, with the moves that claim it; or how long to wait for some."""
        if self.halting:
            return (), None
        if at.now < self.paused_until:
            return (), self.paused_until - at.now
        held, flights = self._waited(share, at, moves)
        if held is None and self.plan.may_cut and (not flights or (self.limiter is None and len(flights) < share)):
            held = self._reserve(self.plan.next_size(), at)
            if held is None:
                cuts, new = self.plan.cut(share - len(flights) if self.limiter is None else 1, self.run)
                moves += cuts
                self.in_flight.update((flight.id, flight) for flight in new)
                flights += new
        due = self.plan.next_due()
        waits = [wait for wait in (held, None if due is None else due - at.now) if wait is not None]
        return flights, min(waits, default=None)

    def _waited(self, share: int, at: Moment, moves: list[Move]) -> tuple[float | None, list[Flight]]:
        """Batches that waited and are due: one, or up to *share* where no limit counts them; or how long the limit wants."""
        flights: list[Flight] = []
        while len(flights) < (share if self.limiter is None else 1) and (waited := self.plan.due(at.now)) is not None:
            held = self._reserve(len(waited.rows), at)
            if held is not None:
                self.plan.wait(waited, at.now)
                return held, flights
            flights.append(waited if self.probes(waited) else attrs.evolve(waited, attempts=waited.attempts + 1))
        sent = [flight for flight in flights if not self.probes(flight)]
        by_state = {state: [flight for flight in sent if flight.since is state] for state in (State.PLANNED, State.UNKNOWN)}
        moves += [Start(first, last, state, self.run) for state, some in by_state.items() for first, last in runs_of(some)]
        self.in_flight.update((flight.id, flight) for flight in flights)
        return None, flights

    def probes(self, flight: Flight) -> bool:
        """Whether *flight* is to be asked after rather than sent."""
        return flight.since is State.UNKNOWN and self.options.on_unknown == "probe"

    def _reserve(self, rows: int, at: Moment) -> float | None:
        return None if self.limiter is None else self.limiter.reserve(rows, at.now)


def runs_of(flights: Sequence[Flight]) -> list[tuple[int, int]]:
    """The ids of *flights* as pairs of first and last of those that follow each other; one statement settles such a run."""
    if not flights:
        return []
    found: list[tuple[int, int]] = []
    for number in sorted(flight.id for flight in flights):
        if found and found[-1][1] + 1 == number:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found
