"""Several pieces of data read at the same time, each in one thread from its first page to its last.

A thread goes on to its next page when its last one is done with, so there is one page a thread at most, and a list that a generator
fills anew for each page is safe.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextvars import copy_context

import attrs

from sinkkit.sources.pages import Page

MOST_THREADS = 8
"""Pieces of data that are read at the same time."""

GRACE_SECONDS = 5.0
"""How long threads are waited for when reading stops early; one that is still in the user's code ends with the next page it gives."""


@attrs.define(eq=False)
class Meeting:
    """Where threads hand over their pages. All fields are guarded by *changed*."""

    changed: threading.Condition = attrs.field(factory=threading.Condition)
    ready: deque[tuple[int, Page]] = attrs.field(factory=deque)
    done_with: dict[int, bool] = attrs.field(factory=dict)
    running: int = 0
    failure: BaseException | None = None
    stopped: bool = False

    def hand_over(self, thread: int, page: Page) -> bool:
        """Give a page and wait until it is done with; whether more are wanted."""
        with self.changed:
            self.done_with[thread] = False
            self.ready.append((thread, page))
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.done_with[thread] or self.stopped)
            return not self.stopped

    def take(self) -> tuple[int, Page] | None:
        """The next page of any thread; None if there will be none.

        Raises:
            BaseException: What a thread failed with, after the pages before it.
        """
        with self.changed:
            self.changed.wait_for(lambda: bool(self.ready) or self.failure is not None or self.running == 0)
            if self.failure is not None:
                raise self.failure
            return self.ready.popleft() if self.ready else None

    def release(self, thread: int) -> None:
        """The last page of that thread is done with."""
        with self.changed:
            self.done_with[thread] = True
            self.changed.notify_all()

    def stop(self) -> None:
        """No more pages are wanted."""
        with self.changed:
            self.stopped = True
            self.ready.clear()
            self.changed.notify_all()

    def read(self, thread: int, piece: Callable[[], Iterator[Page]]) -> None:
        """Hand over the pages of one piece of data, as long as more are wanted, then close it."""
        pages = piece()
        try:
            for page in pages:
                if not self.hand_over(thread, page):
                    return
        finally:
            if isinstance(pages, Generator):
                pages.close()

    def end(self, error: BaseException | None) -> None:
        """A thread has ended."""
        with self.changed:
            self.running -= 1
            self.failure = self.failure or error
            self.changed.notify_all()


def side_by_side(pieces: Sequence[Callable[[], Iterator[Page]]]) -> Iterator[Page]:
    """The pages of all *pieces*, in the order in which they come; those of one piece in its own order.

    What one raises stops all. Every piece is opened, read and closed in the thread that reads it.
    """
    meeting, line, lock = Meeting(), deque(pieces), threading.Lock()

    def work(number: int) -> None:
        error: BaseException | None = None
        try:
            while not meeting.stopped:
                with lock:
                    if not line:
                        break
                    piece = line.popleft()
                meeting.read(number, piece)
        except BaseException as raised:  # noqa: BLE001  # raised again where the pages are taken
            error = raised
        finally:
            meeting.end(error)

    count = min(MOST_THREADS, len(pieces))
    meeting.running = count
    threads = [
        threading.Thread(target=copy_context().run, args=(work, number), name=f"sinkkit-read-{number + 1}", daemon=True)
        for number in range(count)
    ]
    for thread in threads:
        thread.start()
    try:
        while (taken := meeting.take()) is not None:
            number, page = taken
            yield page
            meeting.release(number)
    finally:
        meeting.stop()
        until = time.monotonic() + GRACE_SECONDS
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
