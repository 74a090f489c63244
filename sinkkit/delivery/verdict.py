"""What one call came to, as a value: the fate of its batch, and why."""

from __future__ import annotations

from enum import StrEnum

import attrs

from sinkkit.rows import ALL_DELIVERED, Outcome


class Fate(StrEnum):
    """What is known of a batch after a call."""

    ANSWERED = "the function said what became of each row"
    ABSENT = "nothing arrived; try again"
    AMBIGUOUS = "it may have arrived; try again under the same key"
    RUNNING = "it arrived and is being worked on; ask again"
    TOO_LARGE = "refused for its size"
    REFUSED = "refused, definitely"
    STOP = "nothing arrived, and nothing more shall be sent"
    BUG = "the function failed in a way that says nothing of what arrived; nothing more is sent"
    NOT_THERE = "the probe said that it did not arrive"
    UNPROBED = "the probe could not say; nothing more is sent"


@attrs.frozen(kw_only=True)
class Verdict:
    """The fate of a batch, what the function said of its rows, the error, and what the destination asked for.

    Attributes:
        fate: What is known.
        outcome: By row, where the function said so.
        error: What was raised.
        reason: The same for people, with the destination's own words.
        status: The HTTP status, where there was one.
        after: Seconds that the destination wants no calls for.
        again: Seconds until the destination is to be asked again, where it is working on the batch.
        soon: Seconds after which there is a place again, where too many calls at once were the reason; None: they were not.
    """

    fate: Fate
    outcome: Outcome = ALL_DELIVERED
    error: BaseException | None = None
    reason: str = ""
    status: int | None = None
    after: float | None = None
    again: float = 0.0
    soon: float | None = None


PLAIN = Verdict(fate=Fate.ANSWERED)
"""Every row was delivered and there is nothing to keep: by far the most frequent verdict."""
