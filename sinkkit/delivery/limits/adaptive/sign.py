"""What a call tells of the destination's load."""

from __future__ import annotations

from enum import StrEnum

from sinkkit.delivery.verdict import Fate, Verdict

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
