"""One event loop, in a thread of its own, for destinations that are coroutines; works inside a running loop too."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

END_SECONDS = 2.0
"""How long the end of a run waits for the loop: a coroutine that blocks it cannot be stopped, and dies with the process."""


class LoopThread:
    """Runs coroutines for worker threads that wait for them."""

    def __init__(self) -> None:
        import asyncio

        self._endings: Sequence[Callable[[], Awaitable[Any]]] = ()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="sinkkit-loop", daemon=True)
        self._thread.start()

    def call(self, awaitable: Awaitable[Any], timeout: float | None = None) -> Any:
        """The awaitable's result; it is cancelled after *timeout* seconds, which raises ``TimeoutError``."""
        import asyncio

        async def limited() -> tuple[Any, BaseException | None]:
            try:
                async with asyncio.timeout(timeout):
                    return await awaitable, None
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # noqa: BLE001  # SystemExit would end the loop and leave the worker waiting: it is raised below
                return None, error

        result, error = asyncio.run_coroutine_threadsafe(limited(), self._loop).result()
        if error is not None:
            raise error
        return result

    def close(self, endings: Sequence[Callable[[], Awaitable[Any]]] = ()) -> None:
        """Cancel what still runs, wait for *endings*, such as a client's ``aclose``, and end the loop."""
        self._endings = endings
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(END_SECONDS)

    def _run(self) -> None:
        import asyncio

        self._loop.run_forever()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        if left:
            self._loop.run_until_complete(asyncio.wait(left))
        for ending in self._endings:
            self._loop.run_until_complete(_done(ending))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()


async def _done(ending: Callable[[], Awaitable[Any]]) -> None:
    await ending()
