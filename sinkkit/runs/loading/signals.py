"""SIGINT and SIGTERM while rows are delivered: the first asks the run to end, the second to end now."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import attrs

INTERRUPTED = 130
"""Exit status of a run that was interrupted and can be resumed (128 + SIGINT, as shells count)."""


@attrs.define
class SignalStop:
    """What signals said so far; the handler only counts, since it runs between any two steps of the main thread."""

    received: int = 0
    number: int = 0

    def handle(self, number: int, _: FrameType | None) -> None:
        """Note a signal."""
        self.received += 1
        self.number = number

    def asked(self) -> BaseException | None:
        """What the run ends with, once a signal came."""
        if self.received == 0:
            return None
        return KeyboardInterrupt() if self.number == signal.SIGINT else SystemExit(INTERRUPTED)

    def urgent(self) -> bool:
        """Whether a second signal came."""
        return self.received > 1


@contextmanager
def listening() -> Iterator[SignalStop]:
    """Handle SIGINT and SIGTERM while the block runs; in other threads than the main one, nothing is changed."""
    stop = SignalStop()
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not None:  # None: set by a library in C, which Python could not put back
                before[number] = signal.signal(number, stop.handle)
    try:
        yield stop
    finally:
        for handled, handler in before.items():
            signal.signal(handled, handler)
