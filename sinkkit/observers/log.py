"""Events as records of the standard library's logging, under the logger ``sinkkit``."""

from __future__ import annotations

import logging
from threading import Lock

from sinkkit.clock import Clock
from sinkkit.events import (
    CallsSettled,
    CallsStarted,
    ConcurrencyChanged,
    DestinationPaused,
    Event,
    LoadFinished,
    LoadStarted,
    PackageSealed,
    RetryScheduled,
    RowsExtracted,
    RunFinished,
    RunHalting,
    RunStarted,
    Warned,
)
from sinkkit.observers.grouping import Pauses, Retries, RetryGroups
from sinkkit.observers.phrases import counted, one_line, route, seconds_in_words

LOGGER = "sinkkit"
"""The name of the logger."""

EVERY = 10.0
"""Seconds between two warnings of retries, and between two records of short pauses."""


class LogRecords:
    """An observer that logs: starts, ends, pauses and halts as INFO, retries and warnings as WARNING, calls as DEBUG.

    The first retry is logged at once, those of the next *every* seconds together in one record. No handler is
    added and no level is set: where records go is the program's business.

    Args:
        clock: Time.
        every: Seconds between two records of retries.
    """

    def __init__(self, clock: Clock, *, every: float = EVERY) -> None:
        self._clock = clock
        self._logger = logging.getLogger(LOGGER)
        self._lock = Lock()
        self._pauses = Pauses(every)
        self._retries = RetryGroups(every)

    def __call__(self, event: Event) -> None:
        """Log *event* at its level."""
        match event:
            case CallsSettled() | CallsStarted() | ConcurrencyChanged() | RowsExtracted():
                self._detail(event)
            case RetryScheduled():
                self._detail(event)
                with self._lock:
                    group = self._retries.add(event, self._clock.now())
                self._warn_of(group)
            case DestinationPaused():
                with self._lock:
                    news = self._pauses.is_news(event, self._clock.now())
                if news:
                    self._logger.info(
                        "%s: waiting %s: %s", event.destination, seconds_in_words(event.seconds), one_line(event.reason)
                    )
            case Warned():
                self._logger.warning("%s", one_line(event.message))
            case _:
                self._stage(event)

    def _detail(self, event: Event) -> None:
        if not self._logger.isEnabledFor(logging.DEBUG):
            return
        match event:
            case CallsSettled():
                self._logger.debug(
                    "%s: %s settled: %s delivered, %d rejected; %d in flight",
                    event.table, counted(event.calls, "call"), counted(event.delivered, "row"), event.rejected, event.in_flight,
                )  # fmt: skip
            case CallsStarted():
                self._logger.debug("%s in flight", counted(event.in_flight, "call"))
            case ConcurrencyChanged():
                self._logger.debug("%s: up to %s at once", event.destination, counted(event.calls, "call"))
            case RowsExtracted():
                self._logger.debug("%s: %s extracted", event.table, counted(event.rows, "row"))
            case RetryScheduled():
                self._logger.debug(
                    "%s: call %d for %s in %s: %s",
                    event.table, event.attempt, counted(event.rows, "row"), seconds_in_words(event.wait), one_line(event.reason),
                )  # fmt: skip
            case _:
                pass

    def _stage(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._logger.info("%s: run started", route(event.pipeline, event.destination))
            case PackageSealed():
                self._logger.info("load %s: %s extracted and kept", event.load_id, counted(event.rows, "row"))
            case LoadStarted():
                self._logger.info(
                    "load %s: delivering %s to %s, %s settled before",
                    event.load_id, counted(event.rows, "row"), event.destination, f"{event.settled:,}",
                )  # fmt: skip
            case RunHalting():
                self._logger.info("halting, no new call starts: %s", one_line(event.reason))
            case LoadFinished():
                self._flush()
                self._logger.info("load %s: %s", event.load_id, "complete" if event.complete else "ended with rows left open")
            case RunFinished():
                self._flush()
                self._logger.info("%s: %s", event.pipeline, one_line(event.summary))
            case _:
                pass

    def _flush(self) -> None:
        with self._lock:
            group = self._retries.flush(self._clock.now())
        self._warn_of(group)

    def _warn_of(self, group: Retries | None) -> None:
        if group is None:
            return
        last = group.last
        self._logger.warning(
            "%s: %s (%s) tried again, the last in %s as attempt %d: %s",
            last.table, counted(group.calls, "call"), counted(group.rows, "row"),
            seconds_in_words(last.wait), last.attempt, one_line(last.reason),
        )  # fmt: skip
