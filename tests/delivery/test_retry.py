"""When a failed batch is tried again, and when it is given up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sinkkit import Retry
from sinkkit.delivery.retry import used_up, wait_before


@given(first=st.floats(0.001, 10), longest=st.floats(0.001, 100), failures=st.integers(1, 5_000))
def test_waits_are_anything_up_to_a_longest_one_that_doubles(first, longest, failures):
    """After the first failure up to ``first_wait``, then up to twice as long each time, never beyond ``longest_wait``."""
    retry = Retry(first_wait=first, longest_wait=longest)

    waits = [wait_before(retry, failures) for _ in range(5)]

    assert min(waits) >= 0
    assert max(waits) <= longest
    assert failures > 60 or max(waits) <= first * 2 ** (failures - 1)


def test_waits_are_spread_over_the_whole_time():
    """Full jitter: batches that failed together do not come back together."""
    waits = sorted(wait_before(Retry(first_wait=1.0, longest_wait=60.0), 3) for _ in range(2_000))

    assert waits[0] < 0.1
    assert waits[-1] > 3.9
    assert 1.8 < sum(waits) / len(waits) < 2.2


def test_a_batch_is_given_up_after_its_attempts_or_its_deadline():
    """The last attempt is the one that uses up the budget; a deadline counts the time to the next call."""
    assert [used_up(Retry(attempts=3), failures, 0.0) for failures in (1, 2, 3, 4)] == [False, False, True, True]
    assert [used_up(Retry(attempts=9, deadline=60.0), 1, elapsed) for elapsed in (59.9, 60.0, 60.1)] == [False, False, True]
