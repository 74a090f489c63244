"""The state of a run as one sees it from its events: what the bar and the plain lines show.

Counting is cheap, since it happens in the threads that deliver; rates are worked out when somebody looks.
"""

from __future__ import annotations

from collections import deque
from threading import Lock

import attrs

from sinkkit.clock import Clock
from sinkkit.events import (
    CallsSettled,
    CallsStarted,
    DestinationPaused,
    Event,
    LoadStarted,
    RetryScheduled,
    RowsExtracted,
    RunHalting,
    RunStarted,
)

RECENT = 15.0
"""Seconds over which a rate is measured: long enough to be steady, short enough to show a destination that slows down."""

SAMPLE = 0.5
"""Seconds between two samples at least."""


@attrs.frozen(kw_only=True)
class View:
    """A run at one instant.

    Attributes:
        pipeline: Its name.
        destination: Where it delivers; None while only extracting.
        elapsed: Seconds since it started.
        extracted: Rows taken from the source.
        delivering: Whether delivery has begun.
        total: Rows of the packages whose delivery has begun.
        done: Of these, rows delivered or rejected, by earlier runs too.
        rejected: Rows rejected in this run.
        rate: Rows a second lately, pauses left out: settled while delivering, else extracted.
        in_flight: Calls running now.
        calls: Calls that the journal knows of, in this run.
        retries: Retries scheduled in this run.
        reason: Why the last of them was.
        pause: Seconds for which the destination has still to be left alone; 0: it need not.
        pause_reason: Why.
        halting: Why the run is coming to an end early, or None.
    """

    pipeline: str
    destination: str | None
    elapsed: float
    extracted: int
    delivering: bool
    total: int
    done: int
    rejected: int
    rate: float
    in_flight: int
    calls: int
    retries: int
    reason: str
    pause: float
    pause_reason: str
    halting: str | None

    @property
    def left(self) -> float | None:
        """Seconds until all rows are settled at this rate, pauses included; None: nobody knows."""
        if not self.delivering or self.rate <= 0 or self.halting is not None:
            return None
        return self.pause + (self.total - self.done) / self.rate


class Tally:
    """Counts events and says what they come to; any number of threads may use it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._restart("", None)

    def _restart(self, pipeline: str, destination: str | None) -> None:
        now = self._clock.now()
        self._pipeline, self._destination = pipeline, destination
        self._started_at = now
        self._extracted = 0
        self._loads: dict[str, int] = {}
        self._done = 0
        self._rejected = 0
        self._in_flight = 0
        self._calls = 0
        self._retries = 0
        self._reason = ""
        self._paused_until, self._paused, self._pause_reason = now, 0.0, ""
        self._halting: str | None = None
        self._samples: deque[tuple[float, int]] = deque([(0.0, 0)])

    def count(self, event: Event) -> None:
        """Take *event* into account."""
        with self._lock:
            match event:
                case CallsSettled():
                    self._done += event.delivered + event.rejected
                    self._rejected += event.rejected
                    self._calls += event.calls
                    self._in_flight = event.in_flight
                case CallsStarted():
                    self._in_flight = event.in_flight
                case RowsExtracted():
                    self._extracted += event.rows
                case RetryScheduled():
                    self._retries += 1
                    self._reason = event.reason
                case DestinationPaused():
                    self._pause(event)
                case LoadStarted():
                    self._begin(event)
                case RunHalting():
                    self._halting = event.reason
                case RunStarted():
                    self._restart(event.pipeline, event.destination)
                case _:
                    pass

    def _pause(self, event: DestinationPaused) -> None:
        now = self._clock.now()
        until = now + event.seconds
        if until > self._paused_until:
            self._paused += until - max(now, self._paused_until)
            self._paused_until, self._pause_reason = until, event.reason

    def _begin(self, event: LoadStarted) -> None:
        self._destination = event.destination
        if event.load_id not in self._loads:
            self._done += event.settled
        self._loads[event.load_id] = event.rows
        self._samples = deque([(self._working(self._clock.now()), self._done)])

    def view(self) -> View:
        """The run as it is now."""
        with self._lock:
            now = self._clock.now()
            return View(
                pipeline=self._pipeline,
                destination=self._destination,
                elapsed=now - self._started_at,
                extracted=self._extracted,
                delivering=bool(self._loads),
                total=sum(self._loads.values()),
                done=self._done,
                rejected=self._rejected,
                rate=self._rate(now),
                in_flight=self._in_flight,
                calls=self._calls,
                retries=self._retries,
                reason=self._reason,
                pause=max(0.0, self._paused_until - now),
                pause_reason=self._pause_reason,
                halting=self._halting,
            )

    def _working(self, now: float) -> float:
        """Seconds since the start in which the destination was not paused; stands still during a pause."""
        return now - self._started_at - self._paused + max(0.0, self._paused_until - now)

    def _rate(self, now: float) -> float:
        """Rows a second since the oldest sample kept; pauses do not count, so that they do not spoil the time left."""
        at, rows = self._working(now), self._done if self._loads else self._extracted
        samples = self._samples
        began, before = samples[0]
        rate = (rows - before) / (at - began) if at > began else 0.0
        if at - samples[-1][0] >= SAMPLE:
            samples.append((at, rows))
            while len(samples) > 2 and at - samples[1][0] >= RECENT:  # noqa: PLR2004 - a rate needs two ends
                samples.popleft()
        return rate
