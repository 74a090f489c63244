"""The window: how many calls may run, and what their ends make of it."""

from __future__ import annotations

from math import inf

import attrs

from sinkkit.delivery.limits.adaptive.paces import RESOLUTION_SECONDS, Comparison, Pace, Paces
from sinkkit.delivery.limits.adaptive.rounds import Round, Running
from sinkkit.delivery.limits.adaptive.sign import Sign

FIRST_CALLS = 4
"""Calls at once at the start: three steps from 32, and few enough for a server that takes hardly any."""

FEW_CALLS, FEW_TIMES, MANY_TIMES = 12, 3, 2
"""Fewer calls than that grow to three times as many, others to two: what a small number is too large by harms little."""

DECREASE = 0.9
"""What a push-back leaves of the calls that were running; after it, the share of a round that was not pushed back is what stays."""

HALF = 0.5
"""What a step leaves at least, unless a call says which number was too large; a refusal that takes less of a call's time came at once."""

DEVIATIONS = 2.5
"""Standard deviations above the usual time of a call that count as slower."""

LEAST_SLOWER = 0.25
"""The least share by which calls have to be slower for the window to fall: on a quiet line deviations are next to nothing."""

CALM = 0.05
"""The share by which calls may be slower than usual, and the window still grows."""

QUEUEING = 1.5
"""Times as long as with few calls: where they take longer than that, further ones would only wait."""

PATIENCE_ROUNDS, LONGEST_PATIENCE_ROUNDS = 4, 128
"""Rounds to stay below a number of calls that was pushed back; twice as many each time that it is pushed back again."""


@attrs.define
class Window:
    """Lets calls start while fewer than ``limit`` are running; the caller holds the lock.

    Args:
        least: The window never gets smaller.
        most: Nor larger.

    Attributes:
        limit: Calls that may be running.
        threshold: Below it the window grows to a multiple, from there on by one a round.
        refused_at: So many calls were too many.
    """

    least: int
    most: int
    limit: int = attrs.field(init=False)
    threshold: float = attrs.field(default=inf, init=False)
    refused_at: float = attrs.field(default=inf, init=False)
    _paces: Paces = attrs.field(factory=Paces, init=False)
    _running: dict[int, Running] = attrs.field(factory=dict, init=False)
    _round: Round = attrs.field(init=False)
    _served: int = attrs.field(default=0, init=False)
    _firm: int = attrs.field(default=0, init=False)
    _alarmed: bool = attrs.field(default=False, init=False)
    _down: bool = attrs.field(default=False, init=False)
    _patience: int = attrs.field(default=PATIENCE_ROUNDS, init=False)
    _waited: int = attrs.field(default=0, init=False)
    _tried: float = attrs.field(default=-inf, init=False)
    _back_to: tuple[int, float] | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        """Begin with a few calls."""
        self.limit = min(self.most, max(self.least, FIRST_CALLS))
        self._round = Round(self.limit, 0)

    @property
    def usual(self) -> float:
        """Seconds that calls usually take, of the size class that takes longest; 0 while that is not known."""
        return self._paces.longest

    def room(self) -> int:
        """How many more calls may start."""
        return max(0, self.limit - len(self._running))

    def start(self, call: int, now: float) -> None:
        """Call number *call* is handed out."""
        if self._round.started == self._round.calls:
            self._round = Round(self.limit, self._round.falls)
        beside = len(self._running) + 1
        self._round.started += 1
        self._round.peak = max(self._round.peak, beside)
        self._running[call] = Running(self._round, now, beside, self.limit, self._paces.answered)

    def begin(self, call: int, now: float) -> None:
        """Its rows are read and its function is about to see them: the moment from which it is timed."""
        self._running[call] = attrs.evolve(self._running[call], began=now, answered=self._paces.answered)

    def cancel(self, call: int) -> None:
        """It does not take place."""
        cancelled = self._running.pop(call)
        self._end_one(cancelled.round)

    def end(self, call: int, rows: int, sign: Sign, now: float) -> float | None:
        """It ended, with *rows* rows.

        Returns:
            If it was one too many, and others would have a place now: the seconds that calls usually take.
        """
        ended = self._running.pop(call)
        fresh = ended.round.falls == self._round.falls
        soon = None
        if sign is Sign.PUSHED_BACK:
            pace = self._paces.of(rows)
            if fresh:
                self._push_back(ended, pace, now)
            ended.round.refused += 1
            if pace is not None and ended.beside > self.limit:
                soon = pace.usual
        elif sign is Sign.WELL:
            seconds = max(RESOLUTION_SECONDS, now - ended.began)
            at_once = self._paces.end(rows, seconds, now)
            if fresh:
                ended.round.times.append((rows, seconds))
                self._go_well(ended, at_once)
        self._end_one(ended.round)
        return soon

    def _go_well(self, ended: Running, at_once: int) -> None:
        """A call got its answer that began in this window; the destination is working on *at_once*."""
        if self._down:  # it works again: calls that failed before that say nothing of what it takes now
            self._down = False
            self._fall(self.limit)
        self._served = max(self._served, at_once)
        if self.limit < self.threshold and self._back_to is None:
            times = FEW_TIMES if ended.limit < FEW_CALLS else MANY_TIMES
            self._grow(times * min(self._round.peak, ended.limit, self._served))

    def _end_one(self, its: Round) -> None:
        its.ended += 1
        if its.ended == its.calls and its.falls == self._round.falls:
            self._end_round(its)

    def _push_back(self, call: Running, pace: Pace | None, now: float) -> None:
        """A call was pushed back that began in this window."""
        if not self._alarmed:
            self._alarmed = True
            self._alarm(call, self._worked_on_beside(call, pace, now))
        elif max(self._firm, 1) < call.beside <= self.limit:  # it fell, and not far enough
            self.refused_at = min(self.refused_at, call.beside)
            self.limit = max(self.least, call.beside - 1)

    def _worked_on_beside(self, refused: Running, pace: Pace | None, now: float) -> float:
        """How many calls the destination was working on when it had no place for *refused*; *pace* is that of calls like it."""
        if pace is None:
            return self._served
        took = now - refused.began
        return max(self._served, self._let_in(refused) if took < HALF * pace.usual else self._answered_beside(refused, took, pace))

    def _let_in(self, refused: Running) -> float:
        """How many were let in when *refused* was refused at once: more than those that still run, fewer than those that ran."""
        older = sum(other.began <= refused.began for other in self._running.values())
        return (older + refused.beside - 1) / 2

    def _answered_beside(self, refused: Running, took: float, pace: Pace) -> float:
        """How many were worked on while *refused* waited in vain: those that were answered meanwhile, of the time that one takes."""
        return (self._paces.answered - refused.answered) * pace.base / max(pace.base, took)

    def _alarm(self, call: Running, worked_on: float) -> None:
        """A call was pushed back, the first since all was well: fall below the number of calls that was too large, if that is why."""
        if call.beside == 1 or 2 * call.beside <= call.limit or call.beside <= self._firm:
            self._fall(int(DECREASE * self.limit), crowded=True)  # alone, or one of few, or of a number that is all right
            if call.beside > 1:
                self.threshold = self.limit
            return
        again = DECREASE * self._tried - 1 <= call.beside <= self._tried + 1
        self._patience = min(2 * self._patience, LONGEST_PATIENCE_ROUNDS) if again else PATIENCE_ROUNDS
        self.refused_at, self._waited = call.beside, 0
        self._fall(int(DECREASE * min(call.beside, worked_on)), crowded=True)
        self.threshold = self.limit

    def _fall_again(self, seen: Round) -> None:
        """A round in which calls were pushed back, after the window fell for that: leave room for those that were not."""
        served = seen.calls - seen.refused
        self._down = not served
        if served:
            self.refused_at = min(self.refused_at, self.limit)
        self._fall(max(self.limit * served // seen.calls, int(HALF * self.limit)), crowded=True)
        if served:  # where nothing works, it is not the number of calls
            self.threshold = self.limit

    def _fall(self, limit: int, *, crowded: bool = False) -> None:
        """Make the window smaller, and forget the calls that began in the larger one."""
        self.limit = min(self.limit, max(self.least, limit, 1))
        self._served, self._firm = min(self._served, self.limit), min(self._firm, self.limit)
        self._back_to = None
        self._round = Round(self.limit, self._round.falls + 1, crowded)

    def _grow(self, most: int) -> None:
        """Let up to *most* calls run, unless so many were pushed back a while ago; then, after some patience, one more."""
        if self.limit >= min(self.most, most):
            return
        if self.limit + 1 >= self.refused_at and self._waited >= self._patience:
            self._tried, self.refused_at = self.refused_at, inf
            most = self.limit + 1
        self.limit = max(self.limit, int(min(self.most, most, self.refused_at - 1)))

    def _end_round(self, seen: Round) -> None:
        if seen.refused:
            self._fall_again(seen)
            return
        self._alarmed = False
        if seen.peak >= seen.limit:
            self._firm = max(self._firm, seen.limit)
        if not seen.times:
            return
        compared = self._paces.compare(seen.times)
        if compared is not None:
            self._step(seen, compared)
        self._paces.learn(seen.times)

    def _step(self, seen: Round, took: Comparison) -> None:
        full = seen.peak >= self.limit
        self._waited += full and self.limit + 1 >= self.refused_at
        if self._back_to is not None:
            self._compare(self._back_to, took.base)
        elif full and not seen.crowded and took.usual > 1 + max(DEVIATIONS * took.deviation, LEAST_SLOWER):
            self._try_fewer(1 / took.usual, took.base)
        elif full and not seen.crowded and took.base > QUEUEING * (1 + DEVIATIONS * took.deviation):
            self._try_fewer((1 + QUEUEING) / 2 / took.base, took.base)
        elif full and self.limit >= self.threshold and took.usual <= 1 + max(took.deviation, CALM):
            self._grow(self.limit + 1)

    def _try_fewer(self, share: float, queueing: float) -> None:
        """Let only *share* of the calls run, and see in the next round whether they are faster for it."""
        before = self.limit
        self._fall(int(before * min(DECREASE, max(HALF, share))))
        self.threshold = min(self.threshold, before)
        self._back_to = (before, queueing)

    def _compare(self, before: tuple[int, float], queueing: float) -> None:
        """Keep to fewer calls if they are faster by half of what a queue would give; else the destination has become slower by itself."""
        limit, took = before
        self._back_to = None
        if queueing <= took * (1 + self.limit / limit) / 2:
            self.threshold = min(self.threshold, self.limit)
        else:
            self.limit = limit
            self._paces.forget()
