"""When a failed batch is tried again, and how often; the waiting is the plan's."""

from __future__ import annotations

import random

from sinkkit.rows import Retry

MOST_DOUBLINGS = 64
"""By then every wait is as long as it may be, and the number is still a float."""


def wait_before(retry: Retry, failures: int) -> float:
    """Seconds to wait after failure number *failures* of a batch, counted from 1: exponential backoff with full jitter.

    As in M. Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): any time up to a longest one that doubles.
    """
    longest = min(retry.longest_wait, retry.first_wait * 2.0 ** min(failures - 1, MOST_DOUBLINGS))
    return random.uniform(0.0, longest)  # noqa: S311  # it spreads calls, it hides nothing


def used_up(retry: Retry, failures: int, elapsed: float) -> bool:
    """Whether a batch is given up for this run that failed *failures* times, its next call *elapsed* seconds after the first failure."""
    return failures >= retry.attempts or (retry.deadline is not None and elapsed > retry.deadline)
