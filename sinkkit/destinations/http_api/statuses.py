"""What a status code means for the rows of its request, where the settings say so, or inside an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import StrEnum

from sinkkit.destinations.http_api.settings import Statuses
from sinkkit.errors import Halt, Reject, RetryLater

SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]*)?")

SUCCESSFUL = range(200, 300)
AGAIN = frozenset({408, 423, 425, 429, 500, 502, 503, 504})
"""Statuses of a single row, inside an answer, that pass; a server that knows which row failed knows that it did."""

PASSING = frozenset({401, 403, 407, 408, 423, 425, 429, *range(500, 600)})
"""Statuses that say nothing of what was asked: another time, or with another key, the answer is another one."""


class Meaning(StrEnum):
    """What a status code says of a row."""

    DELIVERED = "delivered"
    RETRY = "retry"
    REFUSED = "refused"


def meaning_of(status: int, statuses: Statuses) -> Meaning:
    """What *status* means as the status of one row inside an answer."""
    if status in statuses.delivered:
        return Meaning.DELIVERED
    if status in statuses.retry:
        return Meaning.RETRY
    if status in statuses.refused or status in statuses.halt:
        return Meaning.REFUSED
    if status in SUCCESSFUL:
        return Meaning.DELIVERED
    return Meaning.RETRY if status in AGAIN else Meaning.REFUSED


def judge(status: int, said: str, after: float | None, statuses: Statuses) -> bool:
    """Whether *status*, that of an answer, means that every row was delivered; False: the settings say nothing of it.

    Args:
        status: The code.
        said: What the answer says, for the reason.
        after: Seconds that it asks to wait.
        statuses: The settings.

    Raises:
        RetryLater: If they call it a reason to try again.
        Reject: If they call it a refusal.
        Halt: If they call it a reason to stop.
    """
    reason = f"HTTP {status}: {said}" if said else f"HTTP {status}"
    if status in statuses.retry:
        raise RetryLater(reason, after=after)
    if status in statuses.refused:
        raise Reject(reason)
    if status in statuses.halt:
        raise Halt(reason)
    return status in statuses.delivered


def seconds_asked(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from ``Retry-After`` (RFC 9110, 10.2.3); a date counts from the answer's own ``Date``."""
    value = headers.get("retry-after")
    if value is None:
        return None
    if SECONDS.fullmatch(value.strip()):
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - parsedate_to_datetime(headers["date"])).total_seconds())
    except (KeyError, TypeError, ValueError, OverflowError):  # neither form: as if the header were not there
        return None
