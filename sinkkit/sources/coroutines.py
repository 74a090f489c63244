"""Async sources read from synchronous code, on an event loop of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Thread
from typing import Any, TypeAlias

from sinkkit.sources.kinds import Kind, kind_of

ITEMS_A_TURN = 500
"""Single rows taken each time the loop is entered: entering it costs some 20 µs."""

Run: TypeAlias = Callable[[Coroutine[Any, Any, Any]], Any]
"""Runs a coroutine to its end and gives what it returns."""


def drive(source: AsyncIterable[Any], wanted: Callable[[], int]) -> Iterator[Any]:
    """The items of *source*, one after another, whether or not an event loop runs in this thread.

    No more are taken at a time than are *wanted* then. What *source* raises is raised here, after the items before it. An async generator that is
    not read to its end is closed on its loop.
    """
    with event_loop() as run:
        iterator = aiter(source)
        ended: BaseException | None = None
        while ended is None:
            items, ended = run(take(iterator, min(ITEMS_A_TURN, wanted())))
            yield from items
        if not isinstance(ended, StopAsyncIteration):
            raise ended


def awaited(promise: Awaitable[Any]) -> Any:
    """What *promise* gives, waited for here."""

    async def wait() -> Any:
        return await promise

    with event_loop() as run:
        return run(wait())


async def take(iterator: AsyncIterator[Any], most: int) -> tuple[list[Any], BaseException | None]:
    """The next items, *most* of them or up to a page that came as one, and what ended them, if anything did.

    ``SystemExit`` and the like are handed over as a value: raised inside a task they would stop the loop itself.
    """
    items: list[Any] = []
    try:
        while len(items) < most:
            item = await anext(iterator)
            items.append(item.copy() if type(item) is dict else item)
            if kind_of(type(item)) in (Kind.PAGE, Kind.ARROW):
                break
    except (Exception, SystemExit, KeyboardInterrupt) as ended:  # noqa: BLE001  # raised again by drive, after the items before it
        return items, ended
    return items, None


def event_loop() -> AbstractContextManager[Run]:
    """A private event loop: in this thread, or in one of its own where this thread already runs one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return loop_here()
    return loop_aside()


@contextmanager
def loop_here() -> Iterator[Run]:
    """An event loop in this thread."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:  # leaves the thread's current loop alone
        yield runner.run


@contextmanager
def loop_aside() -> Iterator[Run]:
    """An event loop in a thread of its own; interrupting the wait for a coroutine cancels it."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="sinkkit-source", daemon=True)
    thread.start()

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        future = asyncio.run_coroutine_threadsafe(coroutine, loop)
        try:
            return future.result()
        finally:
            future.cancel()

    try:
        yield run
    finally:
        run(wind_down())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def wind_down() -> None:
    """Cancel what still runs on this loop and close the async generators left open, as ``asyncio.run`` does."""
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
