"""Async sources, with and without a running event loop."""

from __future__ import annotations

import asyncio

import pytest

from sinkkit.errors import SourceError
from sinkkit.sources import read, resource


def rows_of(data):
    return [row for page in read(data) for row in page.rows]


async def numbers(count, fail=None, closed=None):
    try:
        for n in range(count):
            await asyncio.sleep(0)
            yield {"n": n}
        if fail is not None:
            raise fail
    finally:
        if closed is not None:
            await asyncio.sleep(0)
            closed.append(True)


def outside(work):
    return work()


def inside(work):
    async def main():
        return work()

    return asyncio.run(main())


both = pytest.mark.parametrize("where", [outside, inside])


@both
def test_an_async_generator_is_read_to_its_end(where):
    """All rows come, in order, whether or not a loop runs in this thread; the table has the function's name."""
    pages = where(lambda: list(read(numbers(1_234))))
    assert [row["n"] for page in pages for row in page.rows] == list(range(1_234))
    assert pages[0].table.name == "numbers"


@both
def test_pages_and_coroutines_are_data_too(where):
    """Pages come one by one, and a coroutine gives the data it returns."""

    async def paged():
        yield [{"a": 1}]
        yield [{"a": 2}]

    async def at_once():
        await asyncio.sleep(0)
        return [{"a": 3}]

    assert where(lambda: [len(page.rows) for page in read(paged())]) == [1, 1]
    assert where(lambda: rows_of(at_once())) == [{"a": 3}]
    assert where(lambda: rows_of(resource(at_once))) == [{"a": 3}]


@both
def test_what_it_raises_is_the_cause(where):
    """The error counts the rows before, and the async generator's own exception is its cause."""
    with pytest.raises(SourceError, match="generator 'numbers' raised KeyError after 700 rows") as caught:
        where(lambda: rows_of(numbers(700, fail=KeyError("x"))))
    assert type(caught.value.__cause__) is KeyError


@both
def test_being_told_to_stop_passes_through(where):
    """``SystemExit`` raised in the source ends the reading as it is, and nothing hangs."""
    with pytest.raises(SystemExit):
        where(lambda: rows_of(numbers(3, fail=SystemExit(2))))


@both
def test_stopping_early_closes_it(where):
    """Closing the pages runs the async generator's clean-up, its awaits included."""
    closed = []

    def first_page():
        pages = read(numbers(10_000, closed=closed))
        rows = len(next(pages).rows)
        pages.close()
        return rows

    assert (where(first_page), closed) == (2_000, [True])


def test_the_same_row_object_may_be_given_again():
    """An async generator that changes and yields one dict gives each of its states."""

    async def reuse():
        row = {}
        for n in range(3):
            row["n"] = n
            yield row

    assert rows_of(reuse()) == [{"n": 0}, {"n": 1}, {"n": 2}]
