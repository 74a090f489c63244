"""Calls as the window sees them: singly, and in rounds that are looked at as a whole."""

from __future__ import annotations

import attrs

ROUND_CALLS = 8
"""Calls in a round at least: an average of fewer says little."""


@attrs.define
class Round:
    """Calls that start one after another, and are looked at together when all have ended.

    Looked at in the order in which they end, the quick ones would come first and make the others seem slow.

    Attributes:
        limit: The window when the first of them started.
        falls: How often the window had fallen before: calls from before its last fall have no say.
        refused: Those that were pushed back.
        peak: The most that were running.
        times: Of those that got their answer: their rows, and the seconds.
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
    """A call.

    Attributes:
        round: The one it belongs to.
        began: When.
        beside: How many were running then, itself included.
        limit: And how many might have been.
        answered: How many calls had got their answers by then.
    """

    round: Round
    began: float
    beside: int
    limit: int
    answered: int
