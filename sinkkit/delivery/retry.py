"""When a failed batch is tried again; the strategies are tenacity's, the waiting is the plan's."""

from __future__ import annotations

from typing import Any

from sinkkit.rows import Retry


def wait_before(retry: Retry, failures: int) -> float:
    """Seconds to wait after failure number *failures* of a batch, counted from 1: exponential, with full jitter."""
    from tenacity.wait import wait_random_exponential

    strategy = wait_random_exponential(multiplier=retry.first_wait, max=retry.longest_wait)
    return float(strategy(_state(failures, 0.0)))


def used_up(retry: Retry, failures: int, elapsed: float) -> bool:
    """Whether a batch is given up for this run that failed *failures* times, its next call *elapsed* seconds after the first failure."""
    if retry.deadline is not None and elapsed > retry.deadline:
        return True
    from tenacity.stop import stop_after_attempt

    return bool(stop_after_attempt(retry.attempts)(_state(failures, elapsed)))


def _state(failures: int, elapsed: float) -> Any:
    """What tenacity's strategies look at."""
    from tenacity import RetryCallState

    state = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]  # strategies do not look at it
    state.attempt_number = failures
    state.outcome_timestamp = state.start_time + elapsed
    return state
