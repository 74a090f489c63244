"""The garbage collector while a run goes on: what the program held before is left out, and everything is put back afterwards."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

import sinkkit
from sinkkit.errors import DeliveryFailed

ROWS = [{"n": number} for number in range(3)]


class Circle:
    """An object that only the collector frees."""

    def __init__(self):
        self.itself = self


@pytest.fixture
def run(tmp_path):
    """Runs a pipeline of a name into a function."""

    def run(name, take):
        return sinkkit.pipeline(name, destination=sinkkit.destination(take, name=name), pipelines_dir=tmp_path, progress="off").run(ROWS)

    return run


def test_a_run_leaves_the_program_out_and_puts_it_back(run):
    """In the calls nearly all objects are out of the collector's sight; after the run none is."""
    held = len(gc.get_objects())
    frozen = []

    run("left_out", lambda items, table: frozen.append(gc.get_freeze_count()))

    assert [count > held / 2 for count in frozen] == [True]
    assert gc.get_freeze_count() == 0


def test_a_run_that_fails_puts_it_back(run):
    """However the run ends."""

    def refuse(items, table):
        raise ValueError("no")

    with pytest.raises(DeliveryFailed):
        run("failing", refuse)

    assert gc.get_freeze_count() == 0


def test_what_a_run_makes_is_collected_meanwhile(run):
    """Circles that calls leave behind are freed by the next collection, not at the end of the run."""
    seen = []

    def leave_a_circle(items, table):
        circle = weakref.ref(Circle())
        gc.collect()
        seen.append(circle())

    run("circles", leave_a_circle)

    assert seen == [None]


def test_what_was_garbage_before_a_run_is_not_kept_by_it(run):
    """Circles made just before it are gone when its calls begin."""
    circle = weakref.ref(Circle())
    seen = []

    run("before", lambda items, table: seen.append(circle()))

    assert seen == [None]


def test_the_last_of_several_runs_puts_it_back(run):
    """A run that ends beside another one leaves that one's time as it is."""
    begun, frozen = threading.Event(), []

    def long(items, table):
        begun.set()
        other.join()
        frozen.append(gc.get_freeze_count())

    other = threading.Thread(target=lambda: begun.wait() and run("short", lambda items, table: None))
    other.start()
    run("long", long)

    assert [count > 0 for count in frozen] == [True]
    assert gc.get_freeze_count() == 0


def test_what_the_program_froze_itself_stays_frozen(run):
    """A program that did this for itself keeps what it has."""
    gc.freeze()
    try:
        before = gc.get_freeze_count()
        run("own", lambda items, table: None)
        after = gc.get_freeze_count()
    finally:
        gc.unfreeze()

    assert after > before / 2


def test_a_collector_that_is_off_stays_as_it_is(run):
    """Whoever turned it off finds it so, with nothing frozen."""
    frozen = []
    gc.disable()
    try:
        run("off", lambda items, table: frozen.append(gc.get_freeze_count()))
        enabled = gc.isenabled()
    finally:
        gc.enable()

    assert (frozen, enabled) == ([0], False)
