"""A sliding window over the starts of calls: state in, decision out, no clock and no threads."""

from __future__ import annotations

from collections import deque
from typing import Protocol

import attrs

from sinkkit.declaration.limits import RateLimit
from sinkkit.errors import JournalError

MARGIN = 0.01
"""Seconds added to every window: between the start that is noted here and the one that the function sees lies a thread's switch."""

ASKED_ANOTHER = "another run that shares the rate limit was asked to wait"
"""Why a destination is paused that did not ask this run for it."""


class Limits(Protocol):
    """What lets calls start, one after another; times are seconds on the run's clock.

    A call first reserves its place, is then noted at its very start, or gives its place back.
    """

    @property
    def broken(self) -> JournalError | None:
        """Why it can let nothing start any more; None while it can."""

    def reserve(self, rows: int, now: float) -> float | None:
        """Take a place for a call with *rows* rows: None if there is one, else seconds until asking again makes sense."""

    def start(self, rows: int, now: float) -> None:
        """The call that reserved a place starts *now*."""

    def cancel(self, rows: int) -> None:
        """The call that reserved a place does not take place."""

    def pause(self, seconds: float) -> None:
        """The destination wants no call for so long; whoever asks keeps to that by himself, this is for those who share the limit."""

    def may_start(self, now: float) -> bool:
        """Whether a call that reserved a place may still start; asked right before it, by any thread."""

    def heard(self) -> float | None:
        """The seconds of a pause that somebody else was asked for, told once."""


@attrs.define
class Limiter:
    """Lets a call start when the window of its limit has room, for one run: it implements ``Limits``.

    The place of a call is free again *per* seconds after its start was noted; so no window of *per* seconds sees more
    starts than allowed, however long a start was delayed. The caller holds the lock.
    """

    limit: RateLimit
    _started: deque[tuple[float, int]] = attrs.field(factory=deque, init=False)
    _started_rows: int = attrs.field(default=0, init=False)
    _reserved: int = attrs.field(default=0, init=False)
    _reserved_rows: int = attrs.field(default=0, init=False)

    @property
    def broken(self) -> JournalError | None:
        """Nothing of it can break."""
        return None

    def reserve(self, rows: int, now: float) -> float | None:
        """Take a place for a call with *rows* rows: None if there is one, else seconds until asking again makes sense."""
        self._forget(now)
        if self._fits(rows):
            self._reserved += 1
            self._reserved_rows += rows
            return None
        return self._started[0][0] + self.limit.per + MARGIN - now if self._started else self.limit.per

    def start(self, rows: int, now: float) -> None:
        """The call that reserved a place starts *now*."""
        self.cancel(rows)
        self._started.append((now, rows))
        self._started_rows += rows

    def cancel(self, rows: int) -> None:
        """The call that reserved a place does not take place."""
        self._reserved -= 1
        self._reserved_rows -= rows

    def pause(self, seconds: float) -> None:
        """Nobody else has to know."""

    def may_start(self, now: float) -> bool:  # noqa: ARG002  # others have to know the time
        """A place that was reserved stays so."""
        return True

    def heard(self) -> float | None:
        """There is nobody to hear from."""
        return None

    def _fits(self, rows: int) -> bool:
        calls = len(self._started) + self._reserved
        if self.limit.calls is not None and calls >= self.limit.calls:
            return False
        held = self._started_rows + self._reserved_rows
        return self.limit.rows is None or calls == 0 or held + rows <= self.limit.rows

    def _forget(self, now: float) -> None:
        while self._started and self._started[0][0] + self.limit.per + MARGIN <= now:
            self._started_rows -= self._started.popleft()[1]
