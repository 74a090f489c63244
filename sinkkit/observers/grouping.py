"""What is worth a line of its own: many threads report the same trouble, and people want to read of it once.

Small tables of what was said last; the caller holds its own lock and says what time it is.
"""

from __future__ import annotations

import attrs

from sinkkit.events import DestinationPaused, RetryScheduled

SAME_PAUSE = 1.0
"""Seconds by which a pause has to grow to be news: calls that were running at once are all told to wait, one after another."""


@attrs.define(eq=False)
class Pauses:
    """Which pauses are news: those that last at least *every* seconds, and short ones once in that time."""

    every: float
    _until: float = attrs.field(default=float("-inf"), init=False)
    _said_at: float = attrs.field(default=float("-inf"), init=False)

    def is_news(self, event: DestinationPaused, now: float) -> bool:
        """Whether people should read of this pause, which begins *now*."""
        until = now + event.seconds
        another = now >= self._until or until > self._until + SAME_PAUSE
        if not another or (event.seconds < self.every and now < self._said_at + self.every):
            return False
        self._until, self._said_at = until, now
        return True


@attrs.frozen
class Retries:
    """Some retries taken together: how many calls and rows, and the last of them."""

    calls: int
    rows: int
    last: RetryScheduled


@attrs.define(eq=False)
class RetryGroups:
    """Puts retries together: the first is told at once, those within *every* seconds after it together."""

    every: float
    _held: Retries | None = attrs.field(default=None, init=False)
    _told_at: float = attrs.field(default=float("-inf"), init=False)

    def add(self, event: RetryScheduled, now: float) -> Retries | None:
        """Take one more retry; the group to tell of now, if it is time."""
        held = self._held
        self._held = Retries(held.calls + 1, held.rows + event.rows, event) if held else Retries(1, event.rows, event)
        return self.flush(now) if now >= self._told_at + self.every else None

    def flush(self, now: float) -> Retries | None:
        """The group that was not told of yet, if there is one; it counts as told *now*."""
        held, self._held = self._held, None
        if held is not None:
            self._told_at = now
        return held
