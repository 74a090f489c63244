"""More workers are started where calls wait, and not where they compute or are kept from it."""

from __future__ import annotations

from threading import Event, Thread

from sinkkit.delivery.engine import Spent
from sinkkit.delivery.thread_waits import waits_so_far


def test_calls_that_wait_call_for_more_workers():
    """Calls that use little of their time and wait at least once each are waited for by one more worker."""
    assert Spent(calls=10, calling=1.0, computing=0.2, waits=10).mostly_waiting


def test_calls_that_are_kept_from_their_processor_do_not():
    """On a machine that has other things to do, calls that never wait take longer than they compute: one more worker would make that worse."""
    assert not Spent(calls=10, calling=1.0, computing=0.2, waits=1).mostly_waiting
    assert not Spent(calls=10, calling=1.0, computing=0.9, waits=30).mostly_waiting
    assert not Spent().mostly_waiting


def test_a_thread_that_waits_is_seen_to():
    """A wait of the thread that asks counts; those of others do not."""
    seen = []

    def work():
        before = waits_so_far()
        Event().wait(0.01)
        seen.append(waits_so_far() - before)

    thread = Thread(target=work)
    thread.start()
    thread.join()

    assert seen[0] >= 1
