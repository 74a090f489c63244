"""Which observer a run gets, and several as one."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable
from threading import Lock
from typing import Literal, TypeAlias

from sinkkit.clock import Clock
from sinkkit.errors import ConfigError
from sinkkit.events import Event, Observer, ignore

Progress: TypeAlias = Literal["auto", "bar", "plain", "log", "off"] | Observer
"""How a run shows what it does."""

QUIET_FOR = 2.0
"""Seconds a run may take without a word where ``progress="auto"`` finds no terminal: a short script stays silent."""


def choose(progress: Progress, clock: Clock) -> Observer:
    """The observer that *progress* names.

    Args:
        progress: ``"bar"``, a live bar; ``"plain"``, a line every few seconds; ``"log"``, records of the logger
            ``sinkkit``; ``"off"``, nothing; ``"auto"``, a bar on a terminal, else plain lines once a run takes more than
            two seconds; or a function that is called with each event.
        clock: Time.

    Raises:
        ConfigError: If it is none of these.
    """
    if callable(progress):
        return progress
    if progress == "off":
        return ignore
    if progress == "bar" or (progress == "auto" and on_terminal()):
        from sinkkit.observers.progress import LiveBar

        return LiveBar(clock)
    if progress in ("plain", "auto"):
        from sinkkit.observers.plain import PlainLines

        return PlainLines(clock, quiet_for=QUIET_FOR if progress == "auto" else 0.0)
    if progress == "log":
        from sinkkit.observers.log import LogRecords

        return LogRecords(clock)
    raise ConfigError(
        f"progress={progress!r} is not known",
        hint='choose "auto", "bar", "plain", "log" or "off", or give a function that takes events (sinkkit.events)',
    )


def on_terminal() -> bool:
    """Whether standard error is a terminal on which a bar can move."""
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


class Combined:
    """Several observers as one; one that raises is reported once, as a warning, and gets no more events."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = tuple(observers)
        self._lock = Lock()

    def __call__(self, event: Event) -> None:
        """Tell every observer of *event*."""
        for observer in self._observers:
            try:
                observer(event)
            except Exception as error:  # noqa: BLE001 - whatever an observer does, the delivery goes on; it is reported
                self._detach(observer, error)

    def _detach(self, observer: Observer, error: Exception) -> None:
        with self._lock:
            left = tuple(other for other in self._observers if other is not observer)
            first, self._observers = len(left) < len(self._observers), left
        if first:
            report(f"the observer {observer!r} failed and gets no more events: {type(error).__name__}: {error}")


def combine(observers: Iterable[Observer]) -> Observer:
    """One observer that tells all *observers*; called from any thread, it never raises."""
    return Combined(observers)


def report(message: str) -> None:
    """Warn of *message*; where warnings are made errors, write it to standard error: a run must not end for it."""
    try:
        warnings.warn(message, RuntimeWarning, stacklevel=4)
    except RuntimeWarning:
        sys.stderr.write(f"sinkkit: warning: {message}\n")
