"""Resources that are read at the same time: bounded, in order, closed where they were opened, and stopped by an error."""

from __future__ import annotations

import asyncio
import threading

import pytest

import sinkkit
from sinkkit.errors import SourceError
from sinkkit.sources import read
from sinkkit.sources.quota import Quota
from sinkkit.sources.side_by_side import MOST_THREADS

SECONDS = 20.0
"""How long anything is waited for that must happen."""


def resource_of(function, name, **hints):
    """*function* as a parallelized resource."""
    return sinkkit.resource(name=name, parallelized=True, **hints)(function)


def rows_of(pages):
    """Table to its rows, in order."""
    found = {}
    for page in pages:
        found.setdefault(page.table.name, []).extend(page.rows)
    return found


def test_they_are_read_at_the_same_time():
    """Each of two resources can wait for the other to be begun."""
    barrier = threading.Barrier(2, timeout=SECONDS)

    def one():
        barrier.wait()
        yield [{"n": 1}]
        barrier.wait()
        yield [{"n": 2}]

    assert rows_of(read([resource_of(one, "a"), resource_of(one, "b")])) == {"a": [{"n": 1}, {"n": 2}], "b": [{"n": 1}, {"n": 2}]}


def test_there_are_no_more_threads_than_that():
    """However many resources there are, a few are read at once, all of them in the end, and nothing of them is left."""
    running, most, lock = [], [], threading.Lock()

    def one():
        with lock:
            running.append(1)
            most.append(len(running))
        yield [{"n": 1}]
        with lock:
            running.pop()

    found = rows_of(read([resource_of(one, f"t{number}") for number in range(30)]))

    assert sorted(found) == sorted(f"t{number}" for number in range(30))
    assert max(most) <= MOST_THREADS
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("sinkkit-read")] == []


def test_a_page_is_done_with_before_the_next_one():
    """No resource is more than a page ahead, so one may fill the same list again."""
    made = []

    def one(name):
        def pages():
            page = []
            for number in range(50):
                made.append((name, number))
                page[:] = [{"n": number}]
                yield page

        return pages

    taken = []
    for page in read([resource_of(one("a"), "a"), resource_of(one("b"), "b")]):
        taken.append((page.table.name, page.rows[0]["n"]))
        assert len(made) <= len(taken) + 2

    assert [number for name, number in taken if name == "a"] == list(range(50))
    assert [number for name, number in taken if name == "b"] == list(range(50))


def test_the_order_within_a_table_is_kept():
    """Resources of one table are read one after another, also where they are parallelized."""
    first = resource_of(lambda: ([{"n": n}] for n in range(20)), "a", table_name="t")
    second = resource_of(lambda: ([{"n": n}] for n in range(20, 40)), "b", table_name="t")
    other = resource_of(lambda: ([{"n": n}] for n in range(40)), "c")

    assert rows_of(read([first, other, second])) == {name: [{"n": n} for n in range(40)] for name in ("t", "c")}


def test_an_error_stops_all():
    """What one raises ends the reading, and the others are closed in the threads that opened them."""
    begun, closed = threading.Event(), []

    def endless():
        me = threading.get_ident()
        begun.set()
        try:
            while True:
                yield [{"n": 1}]
        finally:
            closed.append(threading.get_ident() == me != threading.main_thread().ident)

    def failing():
        assert begun.wait(SECONDS)
        yield [{"n": 1}]
        raise ZeroDivisionError

    with pytest.raises(SourceError, match="resource 'b' raised ZeroDivisionError after 1 rows") as failed:
        list(read([resource_of(endless, "a"), resource_of(failing, "b")]))

    assert type(failed.value.__cause__) is ZeroDivisionError
    assert closed == [True]


def test_who_stops_early_closes_all():
    """Closing the pages, or having enough of them, closes every generator that was begun."""
    closed = []

    def endless():
        try:
            while True:
                yield {"n": 1}
        finally:
            closed.append(1)

    pages = read([resource_of(endless, "a"), resource_of(endless, "b")])
    next(pages)
    pages.close()
    assert closed in ([1], [1, 1])
    rows = sum(len(page.rows) for page in read([resource_of(endless, "a")], quota=Quota(5)))
    assert rows == 5
    assert len(closed) in (2, 3)


def test_every_sort_of_resource_may_be_parallelized():
    """Functions that return rows, coroutines, async generators and rows of several tables; those that are not parallelized come first."""

    async def later():
        await asyncio.sleep(0)
        yield {"n": 1}
        yield {"n": 2}

    async def fetched():
        return [{"n": 3}]

    routed = resource_of(lambda: [{"n": 4}, {"n": 5}], "r", table_name=lambda row: f"t{row['n']}")
    plain = sinkkit.resource(name="plain")(lambda: [{"n": 0}])
    pages = list(read([resource_of(later, "a"), resource_of(fetched, "f"), routed, plain]))

    assert pages[0].table.name == "plain"
    assert rows_of(pages) == {"plain": [{"n": 0}], "a": [{"n": 1}, {"n": 2}], "f": [{"n": 3}], "t4": [{"n": 4}], "t5": [{"n": 5}]}


def test_a_run_delivers_all_of_them(tmp_path):
    """A pipeline takes parallelized resources into one package and delivers every row once."""
    got, lock = [], threading.Lock()

    @sinkkit.destination(batch_size=100)
    def sink(items, table):
        with lock:
            got.extend((table["name"], row["n"]) for row in items)

    data = [resource_of(lambda: ({"n": n} for n in range(5_000)), f"t{number}") for number in range(4)]
    info = sinkkit.pipeline("p", destination=sink, progress="off", pipelines_dir=tmp_path).run(data)

    assert info.total.delivered == 20_000
    assert sorted(got) == [(f"t{number}", n) for number in range(4) for n in range(5_000)]
