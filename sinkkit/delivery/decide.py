"""A verdict → what follows: which moves the journal is told, what waits for when, whether the run goes on.

Rules only: state in, decision out. The table is that of the reference, docs/reference/delivery.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import attrs

from sinkkit.declaration.options import Options
from sinkkit.delivery.plan import Flight, Plan
from sinkkit.delivery.retry import used_up, wait_before
from sinkkit.delivery.verdict import PLAIN, Fate, Verdict
from sinkkit.errors import CallFailed, RedactedError
from sinkkit.journal.moves import Move, NewBatch, Pause, Postpone, Settle, Split
from sinkkit.journal.records import RejectedRecord
from sinkkit.journal.states import State
from sinkkit.rows import Outcome

REFUSED_ALONE = 20
REFUSED_WHOLE = 3
"""Refusals after which a run that delivered nothing halts: of single rows while bisecting, of whole batches while keeping."""


@attrs.define
class Tally:
    """What a run has seen so far: the facts that rules about the whole run need; *most_rejected* is None for no limit."""

    delivered: int = 0
    rejected: int = 0
    refused_alone: int = 0
    refused_whole: int = 0
    most_rejected: float | None = None


@attrs.frozen(kw_only=True)
class Moment:
    """The time of a decision, on the run's clock and since the epoch."""

    now: float
    wall: float


@attrs.define
class Decision:
    """What follows from a verdict.

    Attributes:
        moves: For the journal, in one commit.
        waiting: Batches to hand out again, each with the seconds until then.
        pause: Seconds without any call to the destination.
        halt: Why nothing more is to be started.
        delivered: Rows delivered.
        rejected: Rows that became dead letters.
        retry: Seconds until the batch is tried again, for observers.
    """

    moves: list[Move] = attrs.field(factory=list)
    waiting: list[tuple[Flight, float]] = attrs.field(factory=list)
    pause: float | None = None
    halt: BaseException | None = None
    delivered: int = 0
    rejected: int = 0
    retry: float | None = None


@attrs.frozen(kw_only=True)
class Judge:
    """Decides for one destination and package; the caller holds the lock that guards *plan* and *tally*."""

    destination: str
    options: Options
    plan: Plan
    tally: Tally

    def decide(self, flight: Flight, verdict: Verdict, letters: Mapping[int, bytes], at: Moment) -> Decision:
        """What follows for *flight*; *letters* holds the encoded row of each position that may have to be kept."""
        decision = self.RULES[verdict.fate](self, flight, verdict, letters, at)
        return self._counted(decision, verdict.reason, verdict.error)

    def refuse(self, flight: Flight, refused: Mapping[int, str], letters: Mapping[int, bytes], at: Moment) -> Decision:
        """What follows for *flight*, which is not claimed yet, if rows of it are not to be sent: position to reason.

        They are settled, and the others are a batch of their own; that one alone is in ``waiting``.
        """
        kept = [self._letter(flight, i, refused[i], PLAIN, row=letters[i], at=at) for i in sorted(refused)]
        decision = Decision(rejected=len(kept))
        child = None
        if len(kept) < len(flight.rows):
            child, rest = self.plan.child(flight, [row for i, row in enumerate(flight.rows) if i not in refused])
            decision.waiting.append((rest, 0.0))
        decision.moves.append(Settle(flight.id, 0, kept, child=child, at=at.wall))
        return self._counted(decision, kept[-1].reason, None)

    def _counted(self, decision: Decision, reason: str, error: BaseException | None) -> Decision:
        """*decision*, which halts the run if it rejects a row too many."""
        self.tally.delivered += decision.delivered
        self.tally.rejected += decision.rejected
        most = self.tally.most_rejected
        if decision.halt is None and most is not None and decision.rejected and self.tally.rejected > most:
            decision.halt = CallFailed(
                f"more rows were rejected than max_rejected={self.options.max_rejected!r} allows, the last: {reason or 'see its reason'}",
                hint="see the reasons with pipeline.rejected(); then mend the rows or the destination, or raise max_rejected",
            )
            decision.halt.__cause__ = error
        return decision

    def _answered(self, flight: Flight, verdict: Verdict, letters: Mapping[int, bytes], at: Moment) -> Decision:
        outcome = verdict.outcome
        kept = [self._letter(flight, i, outcome.rejected[i], verdict, row=letters[i], at=at) for i in sorted(outcome.rejected)]
        delivered = len(flight.rows) - len(kept) - len(outcome.retry) - sum(map(len, outcome.unsent))
        receipts = [(flight.job.first_index + flight.rows[i], str(receipt)) for i, receipt in sorted(outcome.receipts.items())]
        decision = Decision(delivered=delivered, rejected=len(kept))
        child = None
        if outcome.retry:
            rows = [flight.rows[i] for i in sorted(outcome.retry)]
            failing = self._failed(flight, at, charged=True)
            wait = outcome.retry_after if outcome.retry_after is not None else wait_before(self.options.retry, failing.failures)
            over = self._over(failing, wait, at)
            child, again = self.plan.child(failing, rows, not_before=None if over else at.wall + wait)
            if over:
                decision.halt = CallFailed(
                    f"{len(rows)} rows that the function wanted to be sent again did not arrive, attempt after attempt",
                    hint="they stay pending: run again, or allow more with retry=Retry(attempts=..., deadline=...)",
                )
            else:
                decision.waiting.append((again, wait))
                decision.retry = wait
        unsent = self._unsent(flight, outcome, decision)
        decision.moves.append(Settle(flight.id, delivered, kept, receipts, outcome.metrics, child, at=at.wall, unsent=unsent))
        return decision

    def _unsent(self, flight: Flight, outcome: Outcome, decision: Decision) -> Sequence[NewBatch]:
        """Batches of the rows that a call did not send; no call was made for them yet."""
        uncalled = attrs.evolve(flight, attempts=flight.attempts - 1) if outcome.unsent else flight
        made = [self.plan.child(uncalled, [flight.rows[i] for i in sorted(group)]) for group in outcome.unsent]
        decision.waiting += [(another, 0.0) for _, another in made]
        return [new for new, _ in made]

    def _running(self, flight: Flight, verdict: Verdict, _: Mapping[int, bytes], at: Moment) -> Decision:
        """The batch alone waits; no attempt is charged, and no other call waits with it."""
        target = State.UNKNOWN if flight.ambiguous else State.PLANNED
        asked_later = attrs.evolve(flight, since=target, running=True, failures=0, failing_since=None)
        return Decision(moves=[Postpone(flight.id, target, at.wall + verdict.again)], waiting=[(asked_later, verdict.again)])

    def _absent(self, flight: Flight, verdict: Verdict, _: Mapping[int, bytes], at: Moment) -> Decision:
        target = State.UNKNOWN if flight.ambiguous else State.PLANNED
        return self._later(flight, verdict, target, at)

    def _ambiguous(self, flight: Flight, verdict: Verdict, _: Mapping[int, bytes], at: Moment) -> Decision:
        flight.ambiguous = True
        if self.options.on_unknown == "hold":
            return self._paused(Decision(moves=[Postpone(flight.id, State.HELD, at=at.wall)]), verdict, at)
        return self._later(flight, verdict, State.UNKNOWN, at)

    def _later(self, flight: Flight, verdict: Verdict, target: State, at: Moment) -> Decision:
        """The batch waits for its next call, as long as the destination asked, else a jittered while; or the run halts."""
        free = verdict.after or verdict.soon or None
        failing = self._failed(flight, at, charged=free is None)
        failing.since = target
        wait = wait_before(self.options.retry, failing.failures) if free is None else free
        over = self._over(failing, wait, at)
        decision = self._paused(Decision(moves=[Postpone(flight.id, target, None if over else at.wall + wait)]), verdict, at)
        if over:
            decision.halt = verdict.error
        else:
            decision.waiting.append((failing, wait))
            decision.retry = wait
        return decision

    def _paused(self, decision: Decision, verdict: Verdict, at: Moment) -> Decision:
        """*decision*, and no call to the destination for as long as it asked, whatever becomes of the batch."""
        if verdict.after:
            decision.pause = verdict.after
            decision.moves.append(Pause(self.destination, at.wall + verdict.after, verdict.reason))
        return decision

    def _failed(self, flight: Flight, at: Moment, *, charged: bool) -> Flight:
        """*flight* after one more failure; its deadline runs from the first one, whether that was charged or not."""
        first = at.now if flight.failing_since is None else flight.failing_since
        return attrs.evolve(flight, failures=flight.failures + charged, failing_since=first)

    def _over(self, flight: Flight, wait: float, at: Moment) -> bool:
        """Whether the budget of *flight*, which just failed, does not reach to a call in *wait* seconds."""
        since = at.now if flight.failing_since is None else flight.failing_since
        return used_up(self.options.retry, flight.failures, at.now - since + wait)

    def _too_large(self, flight: Flight, verdict: Verdict, letters: Mapping[int, bytes], at: Moment) -> Decision:
        whole_file = self.options.batch_size == 0
        if len(flight.rows) > 1 and not flight.ambiguous and not whole_file:
            return self._halve(flight)
        if len(flight.rows) == 1 and not whole_file:
            decision = self._keep(flight, verdict, letters, at)
            self.tally.refused_alone += 1
            if self.tally.delivered == 0 and self.tally.refused_alone >= REFUSED_ALONE:
                decision.halt = verdict.error
            return decision
        return self._refused(flight, verdict, letters, at)

    def _refused(self, flight: Flight, verdict: Verdict, letters: Mapping[int, bytes], at: Moment) -> Decision:
        policy, alone = self.options.on_reject, len(flight.rows) == 1
        if policy == "halt":
            return Decision(moves=[self._back(flight)], halt=verdict.error)
        if policy == "bisect" and not alone and not flight.ambiguous:
            return self._halve(flight)
        decision = self._keep(flight, verdict, letters, at)
        self.tally.refused_alone += alone
        self.tally.refused_whole += not alone or policy == "keep"
        seen, limit = (
            (self.tally.refused_alone, REFUSED_ALONE) if policy == "bisect" else (self.tally.refused_whole, REFUSED_WHOLE)
        )
        if self.tally.delivered == 0 and seen >= limit:
            decision.halt = verdict.error
        return decision

    def _keep(self, flight: Flight, verdict: Verdict, letters: Mapping[int, bytes], at: Moment) -> Decision:
        reason = verdict.reason + (" (an earlier call for these rows may have arrived)" if flight.ambiguous else "")
        kept = [self._letter(flight, i, reason, verdict, row=letters[i], at=at) for i in range(len(flight.rows))]
        return Decision(moves=[Settle(flight.id, 0, kept)], rejected=len(kept))

    def _halve(self, flight: Flight) -> Decision:
        middle = (len(flight.rows) + 1) // 2
        halves = [self.plan.child(flight, rows) for rows in (flight.rows[:middle], flight.rows[middle:])]
        return Decision(moves=[Split(flight.id, [new for new, _ in halves])], waiting=[(half, 0.0) for _, half in halves])

    def _stop(self, flight: Flight, verdict: Verdict, _: Mapping[int, bytes], __: Moment) -> Decision:
        return Decision(moves=[self._back(flight)], halt=verdict.error)

    def _bug(self, flight: Flight, verdict: Verdict, _: Mapping[int, bytes], __: Moment) -> Decision:
        return Decision(moves=[Postpone(flight.id, State.UNKNOWN)], halt=verdict.error)

    def _not_there(self, flight: Flight, _: Verdict, __: Mapping[int, bytes], ___: Moment) -> Decision:
        flight.since = State.PLANNED
        return Decision(moves=[Postpone(flight.id, State.PLANNED)], waiting=[(flight, 0.0)])

    def _unprobed(self, _: Flight, verdict: Verdict, __: Mapping[int, bytes], ___: Moment) -> Decision:
        return Decision(halt=verdict.error)

    def _back(self, flight: Flight) -> Postpone:
        return Postpone(flight.id, State.UNKNOWN if flight.ambiguous else State.PLANNED)

    def _letter(
        self, flight: Flight, position: int, reason: str, verdict: Verdict, *, row: bytes, at: Moment
    ) -> RejectedRecord:
        number = flight.rows[position]
        return RejectedRecord(
            id=f"{flight.job.load_id}/{flight.job.name}/{number}",
            load_id=flight.job.load_id,
            table=flight.job.table,
            index=flight.job.first_index + number,
            row=row,
            reason=reason,
            error=None if verdict.error is None else _name_of(verdict.error),
            status=verdict.status,
            attempts=flight.attempts,
            rejected_at=at.wall,
        )

    RULES: ClassVar[Mapping[Fate, Callable[..., Decision]]] = {
        Fate.ANSWERED: _answered,
        Fate.ABSENT: _absent,
        Fate.AMBIGUOUS: _ambiguous,
        Fate.RUNNING: _running,
        Fate.TOO_LARGE: _too_large,
        Fate.REFUSED: _refused,
        Fate.STOP: _stop,
        Fate.BUG: _bug,
        Fate.NOT_THERE: _not_there,
        Fate.UNPROBED: _unprobed,
    }


def _name_of(error: BaseException) -> str:
    """The class of an error, also of one that a stand-in without secrets speaks for."""
    return error.original_type.rpartition(".")[2] if isinstance(error, RedactedError) else type(error).__name__


def to_keep(flight: Flight, verdict: Verdict, options: Options) -> Sequence[int]:
    """Positions whose rows the journal may have to keep as dead letters; read before the decision, outside its lock."""
    if verdict.fate is Fate.ANSWERED:
        return sorted(verdict.outcome.rejected)
    alone_or_kept = len(flight.rows) == 1 or options.on_reject == "keep" or (options.on_reject == "bisect" and flight.ambiguous)
    refused = verdict.fate in {Fate.REFUSED, Fate.TOO_LARGE} and alone_or_kept
    return range(len(flight.rows)) if refused else ()
