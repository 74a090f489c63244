"""The fake clock: time that moves when it is told to."""

from __future__ import annotations

from threading import Condition, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.errors import ConfigError
from sinkkit.testing import FakeClock
from sinkkit.testing.clock import START

SECONDS = st.floats(0, 1e6)


@given(waits=st.lists(SECONDS, max_size=8))
def test_waiting_moves_time_and_is_remembered(waits):
    """Time moves by each wait at once, on both clocks, and the waits can be read afterwards."""
    clock, condition = FakeClock(), Condition()
    with condition:
        for seconds in waits:
            clock.wait(condition, seconds)

    assert clock.naps == waits
    assert clock.now() == pytest.approx(sum(waits))
    assert clock.wall() == pytest.approx(START + sum(waits))


@given(steps=st.lists(st.tuples(st.booleans(), st.floats(-10, 10)), max_size=12))
def test_time_never_goes_back(steps):
    """Whatever is waited or advanced, the time is never earlier than before."""
    clock, condition, seen = FakeClock(), Condition(), [0.0]
    with condition:
        for waits, seconds in steps:
            if waits:
                clock.wait(condition, seconds)
            else:
                clock.advance(abs(seconds))
            seen.append(clock.now())

    assert seen == sorted(seen)


def test_many_threads_may_wait():
    """Waits of several threads are all remembered, and time ends no earlier than the longest of them."""
    clock = FakeClock()

    def nap():
        condition = Condition()
        with condition:
            for _ in range(50):
                clock.wait(condition, 2.0)

    threads = [Thread(target=nap) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert clock.naps == [2.0] * 200
    assert 100.0 <= clock.now() <= 400.0


def test_waiting_without_limit_waits_for_the_notification():
    """A wait without a limit ends when it is notified, and takes no time."""
    clock, condition, order = FakeClock(), Condition(), []

    def wake():
        with condition:
            order.append("notified")
            condition.notify_all()

    with condition:
        waker = Thread(target=wake)
        waker.start()
        clock.wait(condition, None)
        order.append("awake")
    waker.join()

    assert order == ["notified", "awake"]
    assert (clock.now(), clock.naps) == (0.0, [])


def test_a_patient_clock_lets_real_work_be_done_first():
    """With patience, a notification that comes while waiting keeps the time where it is."""
    clock, condition = FakeClock(patience=30.0), Condition()

    def wake():
        with condition:
            condition.notify_all()

    with condition:
        waker = Thread(target=wake)
        waker.start()
        clock.wait(condition, 60.0)
    waker.join()

    assert (clock.now(), clock.naps) == (0.0, [60.0])


def test_time_is_not_turned_back():
    """Advancing by less than nothing is refused."""
    with pytest.raises(ConfigError, match="would turn time back"):
        FakeClock().advance(-1)
    with pytest.raises(ConfigError, match="patience"):
        FakeClock(patience=-1)
