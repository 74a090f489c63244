"""How long calls take, each beside its like, and how many of them the destination is working on by that."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import sqrt

import attrs

WEIGHT = 0.4
"""Of the newest round in the moving averages."""

RESOLUTION_SECONDS = 0.001
"""Calls faster than that count as equally fast: threads take longer to take turns."""


@attrs.define
class Pace:
    """How long calls of one size class take, in seconds: usually, and at best; and when the newest of them ended.

    Until a round has been learned, it is what the first of them took.
    """

    usual: float
    base: float
    learned: bool = False
    ends: deque[float] = attrs.field(factory=deque)

    def learn(self, mean: float) -> None:
        """Calls of another round took *mean* seconds."""
        if self.learned:
            self.usual += WEIGHT * (mean - self.usual)
            self.base = min(self.base, self.usual)
        else:
            self.usual, self.base, self.learned = mean, mean, True

    def at_once(self, now: float) -> int:
        """How many are worked on at once: those answered in the time that one takes (Little's law)."""
        while self.ends and self.ends[0] <= now - self.base:
            self.ends.popleft()
        return len(self.ends)


@attrs.frozen
class Comparison:
    """Calls of a round beside others of their size: how many times as long they took as *usual*, and as with few calls, and how sure that is.

    ``deviation`` is how far the mean time of so many calls usually is from what is usual, as a share of it.
    """

    usual: float
    base: float
    deviation: float


@attrs.define
class Paces:
    """The paces of calls, by size class: each class is of rows up to twice as many.

    Attributes:
        answered: Calls that got their answers.
    """

    answered: int = attrs.field(default=0, init=False)
    _paces: dict[int, Pace] = attrs.field(factory=dict, init=False)
    _variance: float | None = attrs.field(default=None, init=False)

    @property
    def longest(self) -> float:
        """Seconds that calls usually take, of the size class that takes longest; 0 while no round has been learned."""
        return max((pace.usual for pace in self._paces.values() if pace.learned), default=0.0)

    def of(self, rows: int) -> Pace | None:
        """The pace of calls with *rows* rows; None if none has ended yet."""
        return self._paces.get(rows.bit_length())

    def end(self, rows: int, seconds: float, now: float) -> int:
        """A call with *rows* rows got its answer *now*, after *seconds*; how many calls the destination is working on."""
        pace = self.of(rows)
        if pace is None:
            pace = self._paces[rows.bit_length()] = Pace(seconds, seconds)
        pace.ends.append(now)
        self.answered += 1
        return sum(each.at_once(now) for each in self._paces.values())

    def compare(self, times: Sequence[tuple[int, float]]) -> Comparison | None:
        """Calls by their rows and seconds, with what was learned before; None if nothing was."""
        known = [(pace, seconds) for rows, seconds in times if (pace := self.of(rows)) is not None and pace.learned]
        if not known:
            return None
        return Comparison(
            usual=sum(seconds / pace.usual for pace, seconds in known) / len(known),
            base=sum(seconds / pace.base for pace, seconds in known) / len(known),
            deviation=sqrt((self._variance or 0.0) / len(known)),
        )

    def learn(self, times: Sequence[tuple[int, float]]) -> None:
        """Take the rows and seconds of a round's calls into the averages."""
        classes: dict[int, list[float]] = {}
        for rows, seconds in times:
            classes.setdefault(rows.bit_length(), []).append(seconds)
        spread = 0.0
        for size, taken in classes.items():
            mean = sum(taken) / len(taken)
            spread += sum((seconds / mean - 1) ** 2 for seconds in taken)
            self._paces.setdefault(size, Pace(mean, mean)).learn(mean)
        variance = spread / len(times)
        self._variance = variance if self._variance is None else self._variance + WEIGHT * (variance - self._variance)

    def forget(self) -> None:
        """The destination has another pace now."""
        self._paces.clear()
