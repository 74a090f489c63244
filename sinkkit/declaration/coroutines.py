"""One event loop, in a thread of its own, for destinations that are coroutines; works inside a running loop too."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from sinkkit.errors import CallFailed

T = TypeVar("T")

END_SECONDS = 2.0
"""How long the end of a run waits for the loop: a coroutine that blocks it cannot be stopped, and dies with the process."""

LEFT_SECONDS = 0.5
"""What tasks that a function left running get to end by themselves, before they are cancelled."""

CANCELLED_SECONDS = 1.0
"""What tasks that were cancelled get to clean up, before the clients they may use are closed."""

THREADS = 16
"""How many functions that are no coroutines run beside the loop at once."""


class LoopThread:
    """Runs coroutines, many at once, for whoever waits for them in other threads.

    Attributes:
        loop: The event loop.
    """

    def __init__(self) -> None:
        import asyncio

        self.loop = asyncio.new_event_loop()
        self._endings: Sequence[Callable[[], Awaitable[Any]]] = ()
        self._slots = asyncio.Semaphore(THREADS)
        self._closing = False
        self._closed = threading.Event()
        self._left = False
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sinkkit-loop", daemon=True)
        self._thread.start()

    def call(self, awaitable: Awaitable[Any], timeout: float | None = None) -> Any:
        """The awaitable's result, for another thread, which waits; it is cancelled after *timeout* seconds, which raises ``TimeoutError``."""
        import asyncio

        async def kept() -> tuple[Any, BaseException | None]:
            try:
                return await within(awaitable, timeout), None
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # noqa: BLE001  # SystemExit would reach the loop and not the worker: it is raised below
                return None, error

        result, error = asyncio.run_coroutine_threadsafe(kept(), self.loop).result()
        if error is not None:
            raise error
        return result

    async def in_thread(self, function: Callable[[], T]) -> T:
        """The result of a *function* that may block, from a thread of its own; that it blocks for ever ends no process's end."""
        async with self._slots:
            return await in_daemon(function)

    def close(self, endings: Sequence[Callable[[], Awaitable[Any]]] = ()) -> None:
        """Let what still runs end or cancel it, wait for *endings*, such as a client's ``aclose``, and end the loop.

        Raises:
            CallFailed: If an ending failed.
        """
        self._endings = endings
        self._closing = True
        self.loop.call_soon_threadsafe(self.loop.stop)
        if self._closed.wait(END_SECONDS) and not self._left:
            self._thread.join(END_SECONDS)
        if self._failed is not None:
            failed = self._failed
            raise CallFailed(
                f"the HTTP client could not be closed: {type(failed).__name__}: {failed}", hint="what the calls came to is known all the same"
            ) from failed

    def _run(self) -> None:
        self._turn(lambda: self._closing)
        end = self.loop.create_task(self._end())
        end.add_done_callback(lambda _: self.loop.stop())
        self._turn(end.done)
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def _turn(self, over: Callable[[], bool]) -> None:
        """Run the loop until it is *over*; what else stops it is not meant to."""
        while not over():
            try:
                self.loop.run_forever()
            except BaseException as error:  # noqa: BLE001  # a task that nobody waits for raised SystemExit: the calls go on
                self.loop.call_exception_handler({"message": "a task on sinkkit's event loop raised", "exception": error})

    async def _end(self) -> None:
        try:
            await self._end_tasks()
            for ending in self._endings:
                await ending()
        except BaseException as error:  # noqa: BLE001  # raised again in the thread that closes
            self._failed = error
        self._left = bool(self._tasks())
        self._closed.set()
        while left := self._tasks():  # they refuse to be cancelled: the loop stays for them, in its own thread
            await _some(left, None)

    async def _end_tasks(self) -> None:
        await _some(self._tasks(), LEFT_SECONDS)
        left = self._tasks()
        for task in left:
            task.cancel()
        await _some(left, CANCELLED_SECONDS)

    def _tasks(self) -> set[Any]:
        import asyncio

        return asyncio.all_tasks(self.loop) - {asyncio.current_task(self.loop)}


async def in_daemon(function: Callable[[], T]) -> T:
    """The result of a *function* that may block, from a thread of its own beside the running loop; that it blocks for ever ends no process's end."""
    import asyncio

    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
    threading.Thread(target=_answer, args=(function, loop, future), name="sinkkit-beside-loop", daemon=True).start()
    result, error = await future
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]  # what the function gave


async def within(awaitable: Awaitable[T], seconds: float | None) -> T:
    """The awaitable's result; it is cancelled after *seconds*, which raises ``TimeoutError`` unless it ends all the same."""
    import asyncio

    async with asyncio.timeout(seconds):
        return await awaitable


async def _some(tasks: set[Any], seconds: float | None) -> None:
    import asyncio

    if tasks:
        await asyncio.wait(tasks, timeout=seconds)


def _answer(function: Callable[[], Any], loop: Any, future: Any) -> None:
    """Run *function* and let the loop know, unless it has gone meanwhile."""
    result, error = None, None
    try:
        result = function()
    except BaseException as raised:  # noqa: BLE001  # raised again where it is waited for
        error = raised
    if not loop.is_closed():
        loop.call_soon_threadsafe(_settle, future, (result, error))


def _settle(future: Any, result: Any) -> None:
    if not future.done():
        future.set_result(result)
