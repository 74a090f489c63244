"""How many calls may run at once where the destination's limit is not known: state in, decision out; no clock, no threads.

Additive increase, multiplicative decrease, as congestion control does it (RFC 5681) and Vector's adaptive request
concurrency after it: the numbers 0.9, 0.4 and 2.5 below are Vector's. What differs:

* The window doubles until something pushes back (slow start), and again up to nine tenths of what once worked after a
  destination was down; Vector's grows by one from one.
* A call that is pushed back says how many were running when it started, and the window falls below that number, or that
  which is known to work. Calls that started before the last fall have no further say: one burst of refusals is one fall.
* Where a number of calls was pushed back, the window stays below it for a while before it tries that again.
* Calls are compared with others of about as many rows. Where they are slower, or take half as long again as they did when
  few were running, the window falls for one round: behind a queue calls get faster by that, and it stays; a destination
  that has become slower by itself shows that it has, and the window is what it was. Calls that began beside too many
  are slow for that reason, and are not compared.
"""

from __future__ import annotations

from enum import StrEnum
from math import inf, sqrt

import attrs

from sinkkit.delivery.verdict import Fate, Verdict

FIRST_CALLS = 4
"""Calls at once at the start: three doublings from 32, and few enough for a server that takes hardly any."""

DECREASE = 0.9
"""What a push-back leaves of the calls that were running; after it, the share of a round that was not pushed back is what stays."""

HALF = 0.5
"""What a step leaves at least, unless a call says which number was too large."""

WEIGHT = 0.4
"""Of the newest round in the moving averages."""

DEVIATIONS = 2.5
"""Standard deviations above the usual time of a call that count as slower."""

LEAST_SLOWER = 0.25
"""The least share by which calls have to be slower for the window to fall: on a quiet line deviations are next to nothing."""

CALM = 0.05
"""The share by which calls may be slower than usual, and the window still grows."""

QUEUEING = 1.5
"""Times as long as with few calls: where they take longer than that, further ones would only wait."""

ROUND_CALLS = 8
"""Calls in a round at least: an average of fewer says little."""

PATIENCE_ROUNDS, LONGEST_PATIENCE_ROUNDS = 4, 128
"""Rounds to stay below a number of calls that was pushed back; twice as many each time that it is pushed back again."""

RESOLUTION_SECONDS = 0.001
"""Calls faster than that count as equally fast: threads take longer to take turns."""

NOT_BUSY = frozenset({409, 423, 425, 500})
"""Statuses after which a batch is tried again, and that are about the batch or a defect, not about too many calls."""


class Sign(StrEnum):
    """What a call tells of the destination's load."""

    WELL = "it got its answer"
    PUSHED_BACK = "there was no place for it, or no answer in time"
    SILENT = "it tells nothing"


def sign_of(verdict: Verdict) -> Sign:
    """What the verdict on a call tells of the load."""
    if verdict.fate is Fate.ANSWERED:
        return Sign.WELL
    if verdict.fate in {Fate.ABSENT, Fate.AMBIGUOUS} and verdict.status not in NOT_BUSY:
        return Sign.PUSHED_BACK
    return Sign.SILENT


@attrs.define
class Round:
    """Calls that start one after another, and are looked at together when all have ended.

    Looked at in the order in which they end, the quick ones would come first and make the others seem slow.

    Attributes:
        limit: The window when the first of them started.
        falls: How often the window had fallen before: calls from before its last fall have no say.
        refused: Those that were pushed back.
        peak: The most that were running.
        times: Of those that got their answer: the size class of their rows, and the seconds.
        crowded: Whether it began beside calls that were too many: that it took longer has its reason there.
    """

    limit: int
    falls: int
    crowded: bool = False
    started: int = 0
    ended: int = 0
    refused: int = 0
    peak: int = 0
    times: list[tuple[int, float]] = attrs.field(factory=list)

    @property
    def calls(self) -> int:
        """How many it is made of."""
        return max(self.limit, ROUND_CALLS)


@attrs.frozen
class Running:
    """A call: when it began, how many were running then, itself included, and how many might have been."""

    round: Round
    began: float
    beside: int
    limit: int


@attrs.define
class Pace:
    """How long calls of one size class take, in seconds: usually, and at best."""

    usual: float
    base: float

    def learn(self, mean: float) -> None:
        """Calls of another round took *mean* seconds."""
        self.usual += WEIGHT * (mean - self.usual)
        self.base = min(self.base, self.usual)


@attrs.define
class Window:
    """Lets calls start while fewer than ``limit`` are running; the caller holds the lock.

    Args:
        least: The window never gets smaller.
        most: Nor larger.

    Attributes:
        limit: Calls that may be running.
        usual: Seconds that calls usually take, of the size class that takes longest; 0 while that is not known.
        threshold: Below it the window doubles, from there on it grows by one a round.
        refused_at: So many calls were too many.
    """

    least: int
    most: int
    limit: int = attrs.field(init=False)
    usual: float = attrs.field(default=0.0, init=False)
    threshold: float = attrs.field(default=inf, init=False)
    refused_at: float = attrs.field(default=inf, init=False)
    _running: dict[int, Running] = attrs.field(factory=dict, init=False)
    _round: Round = attrs.field(init=False)
    _paces: dict[int, Pace] = attrs.field(factory=dict, init=False)
    _firsts: dict[int, float] = attrs.field(factory=dict, init=False)
    _variance: float | None = attrs.field(default=None, init=False)
    _proved: int = attrs.field(default=0, init=False)
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
        self._running[call] = Running(self._round, now, beside, self.limit)

    def begin(self, call: int, now: float) -> None:
        """Its rows are read and its function is about to see them: the moment from which it is timed."""
        self._running[call] = attrs.evolve(self._running[call], began=now)

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
        size = rows.bit_length()
        pace = self._paces.get(size)
        usual = self._firsts.get(size) if pace is None else pace.usual
        if sign is Sign.PUSHED_BACK:
            if fresh and not self._alarmed:
                self._alarm(ended, at_once=usual is not None and now - ended.began < HALF * usual)
            ended.round.refused += 1
            self._end_one(ended.round)
            return usual if ended.beside > self.limit else None
        if sign is Sign.WELL and fresh:
            if self._down:  # it works again: calls that failed before that say nothing of what it takes now
                self._down = False
                self._fall(self.limit)
            self._proved = max(self._proved, ended.beside)
            seconds = max(RESOLUTION_SECONDS, now - ended.began)
            ended.round.times.append((size, seconds))
            self._firsts.setdefault(size, seconds)
            unhurried = pace is None or seconds <= QUEUEING * (1 + self._deviation(1)) * pace.base
            if unhurried and self.limit < self.threshold and self._back_to is None:
                self._grow(2 * min(self._round.peak, ended.limit))
        self._end_one(ended.round)
        return None

    def _end_one(self, its: Round) -> None:
        its.ended += 1
        if its.ended == its.calls and its.falls == self._round.falls:
            self._end_round(its)

    def _alarm(self, call: Running, *, at_once: bool) -> None:
        """A call was pushed back, the first since all was well: fall below the number of calls that was too large, if that is why."""
        self._alarmed = True
        if call.beside == 1 or 2 * call.beside <= call.limit or call.beside <= self._firm:
            self._fall(int(DECREASE * self.limit), crowded=True)  # alone, or one of few, or of a number that is all right
            if call.beside > 1:
                self.threshold = self.limit
            return
        again = DECREASE * self._tried - 1 <= call.beside <= self._tried + 1
        self._patience = min(2 * self._patience, LONGEST_PATIENCE_ROUNDS) if again else PATIENCE_ROUNDS
        self.refused_at, self._waited = call.beside, 0
        fits = call.beside if at_once else min(call.beside, self._proved)  # meanwhile others that ran beside it have answered
        self._fall(int(DECREASE * fits), crowded=True)
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
        self._proved, self._firm = min(self._proved, self.limit), min(self._firm, self.limit)
        self._back_to = None
        self._round = Round(self.limit, self._round.falls + 1, crowded)

    def _grow(self, most: float) -> None:
        """One call more, unless that is more than *most*, or a number that was pushed back a while ago."""
        if self.limit >= min(self.most, most):
            return
        if self.limit + 1 >= self.refused_at:
            if self._waited < self._patience:
                return
            self._tried, self.refused_at = self.refused_at, inf
        self.limit += 1

    def _deviation(self, calls: int) -> float:
        """How far the mean time of so many calls usually is from what is usual, as a share of it."""
        return sqrt((self._variance or 0.0) / calls)

    def _end_round(self, seen: Round) -> None:
        if seen.refused:
            self._fall_again(seen)
            return
        self._alarmed = False
        if seen.peak >= seen.limit:
            self._firm = max(self._firm, seen.limit)
        if not seen.times:
            return
        paces = self._paces
        known = [(paces[size], seconds) for size, seconds in seen.times if size in paces]
        if known:
            slower = sum(seconds / pace.usual for pace, seconds in known) / len(known)
            queueing = sum(seconds / pace.base for pace, seconds in known) / len(known)
            self._step(seen, slower, queueing, self._deviation(len(known)))
        self._learn(seen)

    def _step(self, seen: Round, slower: float, queueing: float, deviation: float) -> None:
        full = seen.peak >= self.limit
        self._waited += full and self.limit + 1 >= self.refused_at
        if self._back_to is not None:
            self._compare(self._back_to, queueing)
        elif full and not seen.crowded and slower > 1 + max(DEVIATIONS * deviation, LEAST_SLOWER):
            self._try_fewer(1 / slower, queueing)
        elif full and not seen.crowded and queueing > QUEUEING * (1 + DEVIATIONS * deviation):
            self._try_fewer((1 + QUEUEING) / 2 / queueing, queueing)
        elif full and self.limit >= self.threshold and slower <= 1 + max(deviation, CALM):
            self._grow(self.most)

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
            self._paces.clear()

    def _learn(self, seen: Round) -> None:
        """Take the times of the round into the averages."""
        sizes: dict[int, list[float]] = {}
        for size, seconds in seen.times:
            sizes.setdefault(size, []).append(seconds)
        spread = 0.0
        for size, times in sizes.items():
            mean = sum(times) / len(times)
            spread += sum((seconds / mean - 1) ** 2 for seconds in times)
            if size in self._paces:
                self._paces[size].learn(mean)
            else:
                self._paces[size] = Pace(mean, mean)
        variance = spread / len(seen.times)
        self.usual = max(pace.usual for pace in self._paces.values())
        self._variance = variance if self._variance is None else self._variance + WEIGHT * (variance - self._variance)
