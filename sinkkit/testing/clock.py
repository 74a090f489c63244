"""A clock for tests: waiting costs no time, moves the time and is remembered."""

from __future__ import annotations

from threading import Condition, Lock

from sinkkit.errors import ConfigError

START = 1_767_225_600.0
"""Where the wall clock of a ``FakeClock`` starts: 2026-01-01T00:00:00Z, in seconds since the epoch."""


class FakeClock:
    """A clock that stands still until someone waits on it or advances it; any number of threads may use it.

    A wait of some seconds moves the time at once, whether or not the condition is notified. Give *patience* where
    other threads do real work meanwhile: they then get that long to notify before the time moves, so that a
    coordinator which waits for a deadline does not jump past it while the work is being done.

    Args:
        now: What ``now()`` says at first, in seconds.
        wall: What ``wall()`` says at first, in seconds since the epoch.
        patience: Real seconds a wait lasts before it moves the time.

    Raises:
        ConfigError: If *patience* is negative.
    """

    def __init__(self, now: float = 0.0, *, wall: float = START, patience: float = 0.0) -> None:
        if patience < 0:
            raise ConfigError(f"FakeClock(patience={patience!r}) is not possible", hint="patience is in seconds, 0 or more")
        self._now = now
        self._offset = wall - now
        self._patience = patience
        self._naps: list[float] = []
        self._lock = Lock()

    @property
    def naps(self) -> list[float]:
        """The waits asked for so far, in seconds, in the order in which they began; waits without a limit are not naps."""
        with self._lock:
            return list(self._naps)

    def now(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        with self._lock:
            return self._now

    def wall(self) -> float:
        """Seconds since the epoch, UTC; moves together with ``now()``."""
        with self._lock:
            return self._now + self._offset

    def wait(self, condition: Condition, seconds: float | None) -> None:
        """Move the time by *seconds*; with None, really wait until *condition* is notified.

        The caller holds *condition*, which is let go meanwhile, so that other threads get their turn.
        """
        if seconds is None:
            condition.wait()
            return
        with self._lock:
            self._naps.append(seconds)
            target = self._now + max(0.0, seconds)
        if condition.wait(self._patience) and self._patience:
            return
        with self._lock:
            self._now = max(self._now, target)

    def advance(self, seconds: float) -> None:
        """Move the time by *seconds*.

        Raises:
            ConfigError: If *seconds* is negative: time never goes back.
        """
        if seconds < 0:
            raise ConfigError(f"FakeClock.advance({seconds!r}) would turn time back", hint="advance by 0 seconds or more")
        with self._lock:
            self._now += seconds
