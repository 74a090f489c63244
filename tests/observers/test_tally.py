"""A run as one sees it from its events: counts, rates and the time left."""

from __future__ import annotations

from threading import Thread

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.events import CallsSettled, DestinationPaused, LoadStarted, RowsExtracted
from sinkkit.observers.tally import RECENT, Tally
from sinkkit.testing import FakeClock


def settled(rows, rejected=0):
    """One call settled *rows* rows."""
    return CallsSettled(load_id="l1", table="t", calls=1, delivered=rows - rejected, rejected=rejected, in_flight=1)


def test_counts_follow_the_events(events):
    """The view has what the events say, and rows settled by earlier runs count as done."""
    tally = Tally(FakeClock())
    for event in events.values():
        tally.count(event)
    view = tally.view()

    assert (view.pipeline, view.destination, view.extracted, view.total) == ("nightly", "crm", 1_000, 1_000)
    assert (view.done, view.rejected, view.calls, view.in_flight, view.retries) == (300, 10, 2, 3, 1)
    assert (view.pause, view.pause_reason, view.halting) == (30.0, "the destination answered 429", "401 Unauthorized")


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 20)), min_size=1, max_size=30))
def test_the_time_left_fits_the_rate(steps):
    """Whatever the pace, the time left is the open rows at the rate shown, and no rate is negative."""
    clock = FakeClock()
    tally = Tally(clock)
    tally.count(LoadStarted(load_id="l1", destination="d", rows=2_000, settled=0))
    for rows, seconds in steps:
        clock.advance(seconds)
        tally.count(settled(rows))
        view = tally.view()

        assert view.rate >= 0
        assert view.left is None if view.rate == 0 else view.left == pytest.approx((2_000 - view.done) / view.rate)


def test_the_rate_is_that_of_late(events):
    """A destination that slows down shows within seconds."""
    clock = FakeClock()
    tally = Tally(clock)
    tally.count(attrs.evolve(events["load"], rows=10**6, settled=0))
    for pace in [100] * 60 + [10] * int(RECENT + 2):
        clock.advance(1)
        tally.count(settled(pace))
        tally.view()

    assert tally.view().rate == pytest.approx(10)


def test_pauses_do_not_spoil_the_rate(events):
    """After a pause the rate is as before, during it the time left has the rest of the pause in it."""
    clock = FakeClock()
    tally = Tally(clock)
    tally.count(attrs.evolve(events["load"], rows=1_100, settled=0))
    clock.advance(10)
    tally.count(settled(100))
    tally.view()
    tally.count(DestinationPaused(destination="crm", seconds=60, reason="429"))
    clock.advance(20)
    tally.count(DestinationPaused(destination="crm", seconds=30, reason="shorter than what is left"))
    during = tally.view()
    clock.advance(40)
    after = tally.view()

    assert (during.rate, during.pause, during.left) == (pytest.approx(10), 40, pytest.approx(140))
    assert (after.rate, after.pause, after.left) == (pytest.approx(10), 0, pytest.approx(100))


def test_extracting_has_a_rate_of_its_own():
    """Before delivery begins, the rate is that of the source and nobody knows the time left."""
    clock = FakeClock()
    tally = Tally(clock)
    clock.advance(2)
    tally.count(RowsExtracted(table="t", rows=500))

    assert (tally.view().rate, tally.view().left, tally.view().delivering) == (250, None, False)


def test_a_new_run_starts_from_nothing(events):
    """Counts of an earlier run are not carried over."""
    tally = Tally(FakeClock())
    for event in [*events.values(), events["started"]]:
        tally.count(event)
    view = tally.view()

    assert (view.done, view.total, view.retries, view.halting, view.pause) == (0, 0, 0, None, 0)


def test_a_load_delivered_again_is_counted_once(events):
    """A load that is started twice in a run adds its rows once."""
    tally = Tally(FakeClock())
    for name in ("load", "settled"):
        tally.count(events[name])
    tally.count(attrs.evolve(events["load"], settled=300))

    assert (tally.view().total, tally.view().done) == (1_000, 300)


def test_many_threads_may_count():
    """No event is lost when threads count at once."""
    tally = Tally(FakeClock())

    def work():
        for _ in range(2_000):
            tally.count(settled(1))

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (tally.view().done, tally.view().calls) == (8_000, 8_000)
