"""Batches whose rows were looked at before they are claimed: those that do not fit are settled, the rest is a batch of its own.

All of it goes to the journal in one submission, so that no kill sees a part of it; decided under the dispatcher's lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import attrs

from sinkkit.delivery.decide import Judge, Moment
from sinkkit.delivery.grants import Fitted
from sinkkit.delivery.limits.gate import Gate
from sinkkit.delivery.limits.limiter import Limits
from sinkkit.delivery.plan import Flight, Plan
from sinkkit.errors import CallFailed
from sinkkit.events import CallsSettled, Event
from sinkkit.journal.moves import Move
from sinkkit.journal.states import State


class Desk(Protocol):
    """What is asked of the dispatcher, which has these under its lock."""

    plan: Plan
    judge: Judge
    gate: Gate
    limiter: Limits | None
    load_id: str
    halting: bool
    in_flight: dict[int, Flight]
    unclaimed: dict[int, Flight]

    def probes(self, flight: Flight) -> bool:
        """Whether *flight* is to be asked after rather than sent."""

    def starts(self, flights: Sequence[Flight]) -> list[Move]:
        """The moves that put *flights* in flight."""

    def give_up(self, flight: Flight) -> None:
        """*flight* was handed out and is not called."""

    def halt_for(self, cause: BaseException | None, reason: str, events: list[Event]) -> None:
        """Halt, and say why."""


@attrs.define
class Claims:
    """What becomes of the batches of one grant.

    Attributes:
        ready: Batches to call, claimed by ``moves``.
        events: What to tell once the moves are durable.
    """

    dispatcher: Desk
    at: Moment
    events: list[Event]
    ready: list[Flight] = attrs.field(factory=list, init=False)
    _settled: list[Move] = attrs.field(factory=list, init=False)

    def moves(self) -> list[Move]:
        """What the journal is told: rows refused, then batches claimed."""
        return [*self._settled, *self.dispatcher.starts(self.ready)]

    def claim_all(self, fitted: Sequence[Fitted]) -> bool:
        """Claim what is to be sent of each batch; returns whether others may have waited for what became of the rest."""
        for one in fitted:
            del self.dispatcher.unclaimed[one.flight.id]
            self._claim(one)
        return bool(self._settled) or len(self.ready) < len(fitted)

    def _claim(self, one: Fitted) -> None:
        """Claim what is to be sent of one batch; if nothing more is sent, or its rows cannot be read, it stays as it was."""
        flight, dispatcher = one.flight, self.dispatcher
        wrong = one.error
        if wrong is None and one.refused and flight.since is State.UNKNOWN:
            wrong = changed(flight, one)
        if wrong is not None and not dispatcher.halting:
            dispatcher.halt_for(wrong, "", self.events)
        if dispatcher.halting:
            dispatcher.give_up(flight)
            dispatcher.plan.wait(flight if dispatcher.probes(flight) else before(flight), self.at.now)
        elif one.refused:
            self._refuse(one)
        else:
            self.ready.append(flight)

    def _refuse(self, one: Fitted) -> None:
        flight, dispatcher = one.flight, self.dispatcher
        dispatcher.give_up(flight)
        decision = dispatcher.judge.refuse(before(flight), one.refused, one.letters, self.at)
        self._settled += decision.moves
        dispatcher.plan.settled(flight, decision.moves)
        self.events.append(
            CallsSettled(
                load_id=dispatcher.load_id,
                table=flight.job.table,
                calls=0,
                delivered=0,
                rejected=decision.rejected,
                in_flight=len(dispatcher.in_flight),
            )
        )
        if decision.halt is not None:
            dispatcher.halt_for(decision.halt, "", self.events)
        for rest, _ in decision.waiting:
            self._start(rest)

    def _start(self, rest: Flight) -> None:
        """The rows that fit take the place of the batch, if the run goes on and its limit lets them."""
        dispatcher, limiter = self.dispatcher, self.dispatcher.limiter
        if dispatcher.halting or (limiter is not None and limiter.reserve(len(rest.rows), self.at.now) is not None):
            dispatcher.plan.wait(rest, self.at.now)
            return
        rest = attrs.evolve(rest, attempts=rest.attempts + 1)
        dispatcher.in_flight[rest.id] = rest
        dispatcher.gate.start([rest], self.at.now)
        self.ready.append(rest)


def before(flight: Flight) -> Flight:
    """*flight* as it was before it was handed out: the call to come counts once it is claimed."""
    return attrs.evolve(flight, attempts=flight.attempts - 1)


def changed(flight: Flight, one: Fitted) -> CallFailed:
    """Why a batch of unknown fate is not sent again: it would have to be sent as it was."""
    position, reason = min(one.refused.items())
    number = flight.job.first_index + flight.rows[position]
    return CallFailed(
        f"the fate of a batch of table {flight.job.table!r} is unknown, and its row {number} (counted from 0) no longer fits: {reason}",
        hint="let the class of the rows take it, as it did when the batch was sent, and run again; or run with on_unknown='hold', then `sinkkit resolve`",
    )
