"""When everything fails: stop calling for a while, then ask with one call at a time. State in, decision out; no clock, no threads.

The idea is the circuit breaker of M. Nygard, *Release It!* (2007): closed while calls work, open while none starts,
half open while one asks whether they work again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import attrs

from sinkkit.delivery.retry import used_up, wait_before
from sinkkit.delivery.verdict import Fate, Verdict
from sinkkit.rows import Retry

FAILURES_IN_A_ROW = 10
"""Failed calls, with none in between that got an answer, after which the circuit opens: twice the default of ``attempts``,
so that one batch that fails alone is judged by its own budget."""

FAILURES = frozenset({Fate.ABSENT, Fate.AMBIGUOUS})
"""What a destination that is down makes of any call: no connection, no answer, a server's error. A refusal is an answer."""

ANSWERS = frozenset({409, 423, 425})
"""Statuses that are about the batch, from a destination that works (RFC 9110, 4918, 8470)."""

SILENT = frozenset({Fate.STOP, Fate.BUG, Fate.UNPROBED})
"""What says nothing of the destination: the run halts anyway."""


@attrs.frozen
class Opened:
    """No call starts for *seconds*; with *gives_up* none starts at all any more."""

    seconds: float
    failures: int
    gives_up: bool = False


@attrs.define
class Circuit:
    """Whether calls are worth a try; the caller holds the lock.

    A streak of failures opens it only once every call that was running when the streak began has ended too: a server
    that refuses some calls at once and takes its time for the others answers in the end, and is not down.

    Args:
        retry: Waits grow as those of a batch do. After ``attempts`` asking calls that failed in a row, or beyond
            ``deadline`` seconds since it opened, it gives up: a destination gets the patience that a batch gets.
        wait: Seconds to wait before asking call number *n*, from 1.
    """

    retry: Retry
    wait: Callable[[Retry, int], float] = wait_before
    failures: int = attrs.field(default=0, init=False)
    asked: int = attrs.field(default=0, init=False)
    _opened_at: float | None = attrs.field(default=None, init=False)
    _asking: int | None = attrs.field(default=None, init=False)
    _unheard: frozenset[int] = attrs.field(default=frozenset(), init=False)

    @property
    def closed(self) -> bool:
        """Whether calls may start as ever."""
        return self._opened_at is None

    @property
    def may_start(self) -> bool:
        """Whether a further call may start, once the wait is over: while one asks, none does."""
        return self._asking is None

    def start(self, call: int) -> None:
        """Call number *call* was handed out; while the circuit is not closed it is the one that asks."""
        if self._opened_at is not None:
            self._asking = call

    def cancel(self, call: int) -> None:
        """Call number *call* was handed out and does not take place."""
        if self._asking == call:
            self._asking = None

    def answered(self) -> None:
        """A call got an answer: the destination works."""
        self.failures = self.asked = 0
        self._opened_at = self._asking = None

    def ended(self, call: int, verdict: Verdict, running: Collection[int], now: float) -> Opened | None:
        """Take the verdict on *call*, with the numbers of the calls still *running*; what follows if the circuit opens, or stays open."""
        if verdict.fate in SILENT or verdict.after or verdict.soon is not None:
            self.cancel(call)  # it halts the run, asked for a pause of its own, or was one call too many: neither down nor well
            return None
        if verdict.fate not in FAILURES or verdict.status in ANSWERS:
            self.answered()
            return None
        if self._opened_at is None:
            return self._failed(running, now)
        return self._failed_again(now, self._opened_at) if self._asking == call else None

    def _failed(self, running: Collection[int], now: float) -> Opened | None:
        if self.failures == 0:
            self._unheard = frozenset(running)
        self.failures += 1
        if self.failures < FAILURES_IN_A_ROW or not self._unheard.isdisjoint(running):
            return None
        self._opened_at = now
        return self._opened(now, now)

    def _failed_again(self, now: float, opened_at: float) -> Opened:
        self._asking = None
        self.failures += 1
        self.asked += 1
        return self._opened(now, opened_at)

    def _opened(self, now: float, opened_at: float) -> Opened:
        seconds = self.wait(self.retry, self.asked + 1)
        return Opened(seconds, self.failures, used_up(self.retry, self.asked, now - opened_at + seconds))
