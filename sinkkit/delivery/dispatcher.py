"""Which call may start now: plan, limits, pauses and halting behind one lock; no I/O inside it, but for a limit that processes share."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Condition, Lock

import attrs

from sinkkit.clock import Clock
from sinkkit.declaration.options import Options
from sinkkit.delivery.choosing.chooser import Look
from sinkkit.delivery.claims import Claims
from sinkkit.delivery.decide import Decision, Judge, Moment
from sinkkit.delivery.grants import Finished, Fitted, Grant
from sinkkit.delivery.limits.circuit import Circuit, Opened
from sinkkit.delivery.limits.gate import Gate
from sinkkit.delivery.limits.limiter import ASKED_ANOTHER, Limits
from sinkkit.delivery.plan import Flight, Plan, returns_of, runs_of, starts_of
from sinkkit.delivery.verdict import Verdict
from sinkkit.errors import CallFailed, SinkkitError
from sinkkit.events import CallsSettled, ConcurrencyChanged, DestinationPaused, Event, Observer, RetryScheduled, RunHalting
from sinkkit.journal.moves import Move, Note, Postpone, SettlePlain
from sinkkit.journal.protocol import Journal
from sinkkit.journal.states import State

LONGEST_WAIT_SECONDS = 3600.0
"""A worker looks again after this time at the latest: waits of threads have a limit, and clocks are set."""


@attrs.define
class Dispatcher:
    """Takes verdicts and hands out work. One for each load; shared by its workers. With *fits*, only ``claim`` claims what is handed out."""

    plan: Plan
    judge: Judge
    options: Options
    journal: Journal
    clock: Clock
    observe: Observer
    run: int
    load_id: str
    limiter: Limits | None = None
    look: Look | None = None
    fits: bool = False
    paused_until: float = 0.0
    gate: Gate = attrs.field(default=attrs.Factory(lambda self: Gate(Circuit(self.options.retry)), takes_self=True))
    halted: BaseException | None = attrs.field(default=None, init=False)
    halting: bool = attrs.field(default=False, init=False)
    abandoned: bool = attrs.field(default=False, init=False)
    broken: BaseException | None = attrs.field(default=None, init=False)
    in_flight: dict[int, Flight] = attrs.field(factory=dict, init=False)
    unclaimed: dict[int, Flight] = attrs.field(factory=dict, init=False)
    changed: Condition = attrs.field(factory=Condition, init=False)
    changes: int = attrs.field(default=0, init=False)
    looking: Lock = attrs.field(factory=Lock, init=False)

    def exchange(self, finished: Finished, share: int) -> Grant:
        """Take what a worker has *finished*, and hand out up to *share* batches; none if it is 0."""
        if share and self.look is not None:
            self._look_ahead(self.look)
        with self.changed:
            if self.abandoned:
                return Grant(over=True)
            at = Moment(now=self.clock.now(), wall=self.clock.wall())
            events: list[Event] = []
            moves = self._settle(finished, at, events)
            moves += self._put_back(finished.unused, at)
            granted, wait = self._choose(share, at, moves) if share else ((), None)
            if self.fits:
                self.unclaimed.update((flight.id, flight) for flight in granted)
            self._listen(events)
            self.gate.start(granted, at.now)
            if finished or granted:
                self._pass_on(finished)
            ticket = self.journal.submit(moves) if moves else None
            over = not granted and (self.halting or (self.plan.empty and not self.in_flight))
            return Grant(ticket, granted, wait, over, events, self.changes)

    def claim(self, grant: Grant, fitted: Sequence[Fitted]) -> Grant:
        """Claim the batches of *grant*, whose rows were looked at, without those that are refused; what it says is in the grant returned, too."""
        with self.changed:
            claims = Claims(self, Moment(now=self.clock.now(), wall=self.clock.wall()), events=list(grant.events))
            if not self.abandoned and claims.claim_all(fitted):
                self._notify()
            ticket = self.journal.submit(moves) if (moves := claims.moves()) else grant.ticket
            return Grant(ticket, claims.ready, None, self.abandoned, claims.events, self.changes)

    def _look_ahead(self, look: Look) -> None:
        """Make rows known from which batches can be chosen; they are read outside the lock, by one thread at a time."""
        with self.looking:
            while True:
                with self.changed:
                    segment = None if self.halting else self.plan.wanted
                if segment is None:
                    return
                try:
                    facts = look(segment)
                except SinkkitError as error:
                    self.halt(error)
                    return
                with self.changed:
                    self.plan.learn(segment, facts)
                    self._notify()

    def wait(self, grant: Grant) -> None:
        """Wait until something has changed since *grant*, at most as long as it says."""
        with self.changed:
            if self.changes == grant.changes:
                self.clock.wait(self.changed, None if grant.seconds is None else min(grant.seconds, LONGEST_WAIT_SECONDS))

    def may_call(self, now: float) -> bool:
        """Whether a call that was granted may still start *now*; asked right before it, without the lock."""
        return not self.halting and now >= self.paused_until and (self.limiter is None or self.limiter.may_start(now))

    @property
    def counts_starts(self) -> bool:
        """Whether the dispatcher wants to be told of each call that starts."""
        return self.limiter is not None or self.gate.window is not None

    def starting(self, flight: Flight) -> None:
        """Note the very start of a call, which the limits count: its rows are read, the function comes next."""
        with self.changed:
            self.gate.begin(flight, self.clock.now())
            if self.limiter is not None:
                self.limiter.start(len(flight.rows), self.clock.now())

    def note(self, flight: Flight, text: str | None) -> None:
        """Keep *text* with *flight*, which is being called; it is durable when this returns.

        Raises:
            CallFailed: If its call is over.
        """
        with self.changed:
            if self.in_flight.get(flight.id) is not flight:
                raise CallFailed("the call of this batch is over: nothing can be remembered of it any more", hint="call batch.remember() before returning")
            ticket = self.journal.submit([Note(flight.id, text)])
            flight.note = text
            flight.running = flight.running and text is not None
        self.journal.flush(ticket)

    def halt(self, cause: BaseException | None) -> None:
        """Start no new call; the first cause given is kept."""
        with self.changed:
            self._halt(cause)

    def abandon(self) -> list[Flight]:
        """Expect no answer any more; returns the batches whose fate is unknown, and says so to the journal."""
        with self.changed:
            self.abandoned = True
            lost = [flight for flight in self.in_flight.values() if flight.id not in self.unclaimed]
            self.in_flight.clear()
            self.journal.submit([Postpone(flight.id, State.UNKNOWN) for flight in lost])
            self._notify()
            return lost

    def wants_workers(self) -> bool:
        """Whether there is work that one more worker could start now."""
        with self.changed:
            due = self.plan.next_due()
            now = self.clock.now()
            work = self._room(1) > 0 or (due is not None and due <= now)
            return work and not self.halting and now >= self.paused_until and self.gate.is_open()

    def goes_on(self, running: int, slots: int) -> bool:
        """Whether more happens than *running* calls: a worker is between two of them, or one of *slots* is free for work now or later."""
        with self.changed:
            between = self.broken is None and len(self.in_flight) > running
            return between or (running < slots and self.gate.has_room_beside(running) and not self.halting and not self.plan.empty)

    def break_off(self, error: BaseException) -> None:
        """Halt because something other than a call went wrong; the first such error is what the run ends with."""
        with self.changed:
            if self.broken is None:
                self.broken = error
            self._halt(error)

    def halt_for(self, cause: BaseException | None, reason: str, events: list[Event]) -> None:
        """Halt, under the lock, and say why: with *reason*, or else with what *cause* says."""
        self._halt(cause)
        events.append(RunHalting(reason=reason or str(cause)))

    def _halt(self, cause: BaseException | None) -> None:
        if not self.halting:
            self.halting = True
            self.halted = cause
        self._notify()

    def _pass_on(self, finished: Finished) -> None:
        """Let others see what changed: all of them, or with a window one, which wakes the next if there is room for it too."""
        ended = self.halting or (self.plan.empty and not self.in_flight)
        if self.gate.limit is None or ended:
            if finished:
                self._notify()
        elif self.gate.is_open():
            self.changes += 1
            self.changed.notify()

    def _notify(self) -> None:
        self.changes += 1
        self.changed.notify_all()

    def _settle(self, finished: Finished, at: Moment, events: list[Event]) -> list[Move]:
        limit = self.gate.limit
        moves: list[Move] = [SettlePlain(first, last) for first, last in runs_of(finished.plain)]
        tables: dict[str, list[int]] = {}
        for flight in finished.plain:
            del self.in_flight[flight.id]
            self.plan.settled(flight)
            sums = tables.setdefault(flight.job.table, [0, 0, 0])
            sums[0] += 1
            sums[1] += len(flight.rows)
        self.gate.went_well(finished.plain, at.now)
        self.judge.tally.delivered += sum(delivered for _, delivered, _ in tables.values())
        for answer in finished.answered:
            flight = answer.flight
            del self.in_flight[flight.id]
            verdict, opened = self.gate.ended(flight, answer.verdict, self.in_flight, at.now)
            decision = self.judge.decide(flight, verdict, answer.letters, at)
            sums = tables.setdefault(flight.job.table, [0, 0, 0])
            sums[:] = [sums[0] + 1, sums[1] + decision.delivered, sums[2] + decision.rejected]
            moves += decision.moves
            self.plan.settled(flight, decision.moves)
            self._follow(decision, flight, verdict, at, events)
            self._break_off_calls(opened, verdict, at, events)
        events += [
            CallsSettled(
                load_id=self.load_id, table=table, calls=calls, delivered=delivered, rejected=rejected, in_flight=len(self.in_flight)
            )
            for table, (calls, delivered, rejected) in tables.items()
        ]
        if self.gate.limit is not None and self.gate.limit != limit:
            events.append(ConcurrencyChanged(destination=self.judge.destination, calls=self.gate.limit))
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
            if self.limiter is not None:
                self.limiter.pause(decision.pause)
            events.append(DestinationPaused(destination=self.judge.destination, seconds=decision.pause, reason=verdict.reason))
        if decision.halt is not None:
            self.halt_for(decision.halt, verdict.reason, events)

    def _break_off_calls(self, opened: Opened | None, verdict: Verdict, at: Moment, events: list[Event]) -> None:
        """Where everything fails, no call starts for a while, or none any more."""
        if opened is None or self.halting:
            return
        reason = f"{opened.failures} calls in a row failed, the last: {verdict.reason}"
        if opened.gives_up:
            self.halt_for(verdict.error, reason, events)
        else:
            self.paused_until = max(self.paused_until, at.now + opened.seconds)
            events.append(DestinationPaused(destination=self.judge.destination, seconds=opened.seconds, reason=reason))

    def _listen(self, events: list[Event]) -> None:
        """A limit that processes share may tell of a pause that another was asked for, and may break."""
        if self.limiter is not None:
            if self.limiter.broken is not None:
                self._halt(self.limiter.broken)
            if (seconds := self.limiter.heard()) is not None:
                events.append(DestinationPaused(destination=self.judge.destination, seconds=seconds, reason=ASKED_ANOTHER))

    def _put_back(self, unused: Sequence[Flight], at: Moment) -> list[Move]:
        """Batches that were claimed and not called wait again, as they were before."""
        for flight in unused:
            self.give_up(flight)
            probed = self.probes(flight)
            self.plan.wait(flight if probed else attrs.evolve(flight, attempts=flight.attempts - 1), at.now)
        return returns_of([flight for flight in unused if not self.probes(flight)])

    def give_up(self, flight: Flight) -> None:
        """*flight* was handed out and is not called; under the lock."""
        del self.in_flight[flight.id]
        self.gate.cancel(flight)
        if self.limiter is not None:
            self.limiter.cancel(len(flight.rows))

    def _choose(self, share: int, at: Moment, moves: list[Move]) -> tuple[Sequence[Flight], float | None]:
        """Work that may start now, with the moves that claim it; or how long to wait for some."""
        if self.halting:
            return (), None
        if at.now < self.paused_until:
            return (), self.paused_until - at.now
        if not self.gate.is_open():  # the end of a call opens it, and wakes those that wait
            return (), None
        if self.limiter is not None or self.gate.one_by_one:
            share = 1
        held, flights = self._waited(share, at, moves)
        room = self._room(share - len(flights))
        if held is None and room > 0 and self.plan.next_size():
            held = self._reserve(self.plan.next_size(), at)
            if held is None:
                cuts, new = self.plan.cut(room, self.run, claimed=not self.fits)
                moves += cuts
                self.in_flight.update((flight.id, flight) for flight in new)
                flights += new
        if not flights and held is None and self.plan.wanted is not None:
            held = 0.0  # what was settled just now lets more rows be looked at
        due = self.plan.next_due()
        if held is not None and due is not None and due <= at.now:
            due = None  # the limit is what it waits for
        waits = [wait for wait in (held, None if due is None else due - at.now) if wait is not None]
        return flights, min(waits, default=None)

    def _room(self, wanted: int) -> int:
        """How many new batches may be cut, up to *wanted*: each that the destination is working on takes the place of a worker."""
        if not self.plan.may_cut:
            return 0
        if not self.plan.has_jobs:
            return wanted
        return min(wanted, max(0, self.options.calls_at_once - self.plan.running - len(self.in_flight)))

    def _waited(self, share: int, at: Moment, moves: list[Move]) -> tuple[float | None, list[Flight]]:
        """Up to *share* batches that waited and are due; or how long the limit wants."""
        flights: list[Flight] = []
        while len(flights) < share and (waited := self.plan.due(at.now)) is not None:
            held = self._reserve(len(waited.rows), at)
            if held is not None:
                self.plan.wait(waited, at.now)
                return held, flights
            flights.append(waited if self.probes(waited) else attrs.evolve(waited, attempts=waited.attempts + 1))
        if not self.fits:
            moves += self.starts(flights)
        self.in_flight.update((flight.id, flight) for flight in flights)
        return None, flights

    def starts(self, flights: Sequence[Flight]) -> list[Move]:
        """The moves that put *flights* in flight, but for those that are only asked after."""
        return starts_of([flight for flight in flights if not self.probes(flight)], self.run)

    def probes(self, flight: Flight) -> bool:
        """Whether *flight* is to be asked after rather than sent."""
        return flight.since is State.UNKNOWN and self.options.on_unknown == "probe"

    def _reserve(self, rows: int, at: Moment) -> float | None:
        return None if self.limiter is None else self.limiter.reserve(rows, at.now)
