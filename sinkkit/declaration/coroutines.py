"""One event loop, in a thread of its own, for destinations that are coroutines; works inside a running loop too."""

from __future__ import annotations

import threading
from collections.abc import Coroutine
from typing import Any


class LoopThread:
    """Runs coroutines for worker threads that wait for them."""

    def __init__(self) -> None:
        import asyncio

        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sinkkit-loop", daemon=True)
        self._thread.start()

    def call(self, coroutine: Coroutine[Any, Any, Any], timeout: float | None = None) -> Any:
        """The coroutine's result; it is cancelled after *timeout* seconds, which raises ``TimeoutError``."""
        import asyncio

        async def limited() -> Any:
            async with asyncio.timeout(timeout):
                return await coroutine

        return asyncio.run_coroutine_threadsafe(limited(), self._loop).result()

    def close(self) -> None:
        """End the loop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
