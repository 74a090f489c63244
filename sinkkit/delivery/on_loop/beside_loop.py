"""What would block an event loop, done by a thread for all its slots: writing the journal, waiting for a change."""

from __future__ import annotations

import threading
from collections import deque
from queue import Empty, SimpleQueue
from typing import Any

from sinkkit.delivery.dispatcher import Dispatcher
from sinkkit.delivery.grants import Grant
from sinkkit.journal.protocol import Journal


class Flusher:
    """Makes the tickets of many slots durable: those asked for in one turn of the loop, or while others are written, go to the disk together.

    Args:
        loop: The slots' event loop; ``flush`` is awaited there.
        journal: What is flushed.
    """

    def __init__(self, loop: Any, journal: Journal) -> None:
        self._loop = loop
        self._journal = journal
        self._asked: list[tuple[int, Any]] = []
        self._line: SimpleQueue[list[tuple[int, Any]] | None] = SimpleQueue()
        self._durable = 0
        self._thread = threading.Thread(target=self._work, name="sinkkit-journal", daemon=True)
        self._thread.start()

    async def flush(self, ticket: int) -> None:
        """Return once *ticket* is durable.

        Raises:
            JournalError: If the journal cannot be written.
        """
        if ticket <= self._durable:
            return
        future = self._loop.create_future()
        self._asked.append((ticket, future))
        if len(self._asked) == 1:
            self._loop.call_soon(self._hand_over)
        error = await future
        if error is not None:
            raise error

    def close(self) -> None:
        """End the thread; only once nobody waits for it any more."""
        self._line.put(None)
        self._thread.join()

    def _hand_over(self) -> None:
        asked, self._asked = self._asked, []
        self._line.put(asked)

    def _work(self) -> None:
        going = True
        while going:
            lists = [self._line.get(), *_rest(self._line)]
            going = None not in lists
            waiting = [entry for asked in lists if asked is not None for entry in asked]
            if waiting:
                last, error = max(ticket for ticket, _ in waiting), None
                try:
                    self._journal.flush(last)
                    self._durable = max(self._durable, last)
                except BaseException as raised:  # noqa: BLE001  # raised again in every slot that waits for it
                    error = raised
                self._loop.call_soon_threadsafe(_wake, [future for _, future in waiting], error)


class Lobby:
    """Where slots wait for work: whenever something changes the first in line asks, and lets the next one ask if there was some.

    So hundreds of idle slots ask as seldom as one.

    Args:
        loop: The slots' event loop; all but the thread that waits happens there.
        dispatcher: What is asked.
    """

    def __init__(self, loop: Any, dispatcher: Dispatcher) -> None:
        self._loop = loop
        self._dispatcher = dispatcher
        self._line: deque[Any] = deque()
        self._waiting = False
        self._grants: SimpleQueue[Grant | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="sinkkit-waiting", daemon=True)
        self._thread.start()

    async def wait(self, grant: Grant) -> None:
        """Return when it is this slot's turn to ask again, which it did in vain when it got *grant*."""
        future = self._loop.create_future()
        self._line.append(future)
        if not self._waiting:
            self._waiting = True
            self._grants.put(grant)
        await future

    def pass_on(self) -> None:
        """Let the next in line ask."""
        while self._line:
            future = self._line.popleft()
            if not future.done():  # or its slot was cancelled
                future.set_result(None)
                return

    def close(self) -> None:
        """End the thread; only once the dispatcher halts, which ends its wait."""
        self._grants.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (grant := self._grants.get()) is not None:
            self._dispatcher.wait(grant)
            self._loop.call_soon_threadsafe(self._changed)

    def _changed(self) -> None:
        self._waiting = False
        self.pass_on()


def _rest(line: SimpleQueue[Any]) -> list[Any]:
    """All that is in *line* now."""
    found = []
    try:
        while True:
            found.append(line.get_nowait())
    except Empty:
        return found


def _wake(futures: list[Any], error: BaseException | None) -> None:
    for future in futures:
        if not future.done():
            future.set_result(error)
