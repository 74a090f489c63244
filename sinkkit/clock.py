"""Time as an argument: the only module that asks the system what time it is."""

from __future__ import annotations

import time
from threading import Condition
from typing import Protocol


class Clock(Protocol):
    """What sinkkit needs to know about time; ``sinkkit.testing.FakeClock`` is another one."""

    def now(self) -> float:
        """Seconds on a clock that never goes back."""

    def wall(self) -> float:
        """Seconds since the epoch, UTC; survives a restart of the process."""

    def wait(self, condition: Condition, seconds: float | None) -> None:
        """Wait until *condition*, which the caller holds, is notified, at most *seconds* (None: no limit)."""


class SystemClock:
    """The clock of the machine."""

    def now(self) -> float:
        """Seconds on the system's monotonic clock."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the epoch, UTC."""
        return time.time()

    def wait(self, condition: Condition, seconds: float | None) -> None:
        """Wait on *condition* for at most *seconds*."""
        condition.wait(seconds)
