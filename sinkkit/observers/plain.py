"""Progress as plain lines on standard error, for where no terminal is: cron mails, container logs, build servers."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from threading import Lock
from typing import TextIO

from sinkkit.clock import Clock
from sinkkit.events import DestinationPaused, Event, RunFinished, RunHalting, RunStarted, Warned
from sinkkit.observers.grouping import Pauses
from sinkkit.observers.phrases import counted, number, one_line, route, seconds_in_words
from sinkkit.observers.tally import Tally, View

EVERY = 5.0
"""Seconds between two lines of progress."""


class PlainLines:
    """An observer that writes a line every few seconds, and one when a run starts, pauses, halts and ends.

    Args:
        clock: Time.
        every: Seconds between two lines of progress at least.
        quiet_for: A run that takes no longer than so many seconds is not spoken of, save for its warnings.
        stream: Where lines go; None: what ``sys.stderr`` is when they are written.
    """

    def __init__(self, clock: Clock, *, every: float = EVERY, quiet_for: float = 0.0, stream: TextIO | None = None) -> None:
        self._clock = clock
        self._every = every
        self._quiet_for = quiet_for
        self._stream = stream
        self._tally = Tally(clock)
        self._lock = Lock()
        self._begin(clock.now())

    def _begin(self, now: float) -> None:
        self._quiet_until = now + self._quiet_for
        self._due = now + (self._quiet_for or self._every)
        self._pauses = Pauses(self._every)
        self._halting = False

    def __call__(self, event: Event) -> None:
        """Take *event* into account, and write a line if one is due."""
        self._tally.count(event)
        now = self._clock.now()
        if now < self._due and not isinstance(event, RunStarted | DestinationPaused | RunHalting | RunFinished | Warned):
            return
        with self._lock:
            line = self._line(event, now)
        if line is not None:
            self._write(line)

    def _line(self, event: Event, now: float) -> str | None:
        """What to write now, if anything."""
        match event:
            case Warned():
                return f"warning: {one_line(event.message)}"
            case RunStarted():
                self._begin(now)
                return None if self._quiet_for else f"{route(event.pipeline, event.destination)}: started"
            case RunFinished():
                return one_line(event.summary) if now >= self._quiet_until else None
            case DestinationPaused():
                return self._pause(event, now)
            case RunHalting():
                return self._halt(event, now)
            case _:
                return self._progress(now)

    def _pause(self, event: DestinationPaused, now: float) -> str | None:
        if not self._pauses.is_news(event, now) or now + event.seconds < self._quiet_until:
            return None
        self._quiet_until = now
        return f"waiting {seconds_in_words(event.seconds)}: {one_line(event.reason)}"

    def _halt(self, event: RunHalting, now: float) -> str | None:
        news, self._halting = not self._halting, True
        return f"halting, no new call starts: {one_line(event.reason)}" if news and now >= self._quiet_until else None

    def _progress(self, now: float) -> str | None:
        if now < self._due:  # another thread was faster
            return None
        self._due = now + self._every
        return progress_line(self._tally.view())

    def _write(self, line: str) -> None:
        stream = self._stream or sys.stderr
        time = datetime.fromtimestamp(self._clock.wall(), UTC).astimezone()
        stream.write(f"{time:%H:%M:%S} sinkkit: {line}\n")
        stream.flush()


def progress_line(view: View) -> str:
    """A run at one instant as one line."""
    where = route(view.pipeline, view.destination)
    if not view.delivering:
        return f"{where}: extracted {counted(view.extracted, 'row')}, {number(view.rate)} rows/s"
    share = f" ({100 * view.done // view.total} %)" if view.total else ""
    parts = [f"{where}: {view.done:,} of {counted(view.total, 'row')}{share}", *figures(view), *troubles(view)]
    if view.pause > 0:
        parts.append(f"waiting {seconds_in_words(view.pause)}: {one_line(view.pause_reason)}")
    return ", ".join(parts)


def figures(view: View) -> list[str]:
    """How fast a delivery is, how much runs at once, how long it still takes."""
    left = "" if view.left is None else f"{seconds_in_words(view.left)} left"
    return [f"{number(view.rate)} rows/s", f"{counted(view.in_flight, 'call')} running", *([left] if left else [])]


def troubles(view: View) -> list[str]:
    """What went wrong so far: rejected rows, and retries with the reason of the last."""
    retries = f"{view.retries:,} {'retry' if view.retries == 1 else 'retries'}, last: {one_line(view.reason)}"
    rejected = f"{counted(view.rejected, 'row')} rejected"
    return [*([rejected] if view.rejected else []), *([retries] if view.retries else [])]
