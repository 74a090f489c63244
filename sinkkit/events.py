"""What happened, as frozen values; observers get them and nothing comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import attrs


@attrs.frozen(kw_only=True)
class RunStarted:
    """A run began; *destination* is None while only extracting."""

    pipeline: str
    destination: str | None


@attrs.frozen(kw_only=True)
class RowsExtracted:
    """*rows* more rows of *table* were taken from the source and written."""

    table: str
    rows: int


@attrs.frozen(kw_only=True)
class PackageSealed:
    """A load package is complete on disk and known to the journal; *rows* in all its tables."""

    load_id: str
    rows: int


@attrs.frozen(kw_only=True)
class LoadStarted:
    """Delivery of a package begins: *rows* in all, of which *settled* are delivered or rejected already."""

    load_id: str
    destination: str
    rows: int
    settled: int


@attrs.frozen(kw_only=True)
class CallsSettled:
    """The journal knows of *calls* more calls: *delivered* and *rejected* rows more; *in_flight* calls are running now."""

    load_id: str
    table: str
    calls: int
    delivered: int
    rejected: int
    in_flight: int


@attrs.frozen(kw_only=True)
class CallsStarted:
    """Calls were started; *in_flight* of them are running now."""

    in_flight: int


@attrs.frozen(kw_only=True)
class ConcurrencyChanged:
    """With adaptive workers: up to *calls* calls to the destination may run at once from now on."""

    destination: str
    calls: int


@attrs.frozen(kw_only=True)
class RetryScheduled:
    """A batch of *rows* rows is tried again in *wait* seconds, as call number *attempt* for it, because of *reason*."""

    load_id: str
    table: str
    rows: int
    attempt: int
    wait: float
    reason: str


@attrs.frozen(kw_only=True)
class DestinationPaused:
    """No call starts for *seconds*: the destination asked for that, or nothing but failures came back; *reason* says which."""

    destination: str
    seconds: float
    reason: str


@attrs.frozen(kw_only=True)
class RunHalting:
    """No new call starts; those running may finish; *reason* says why."""

    reason: str


@attrs.frozen(kw_only=True)
class LoadFinished:
    """Delivery of a package ended, *complete* or with rows left open."""

    load_id: str
    complete: bool


@attrs.frozen(kw_only=True)
class RunFinished:
    """The run ended; *summary* is one line for people."""

    pipeline: str
    ok: bool
    summary: str


@attrs.frozen(kw_only=True)
class Warned:
    """Something a person should know that stops nothing."""

    message: str


Event: TypeAlias = (
    RunStarted
    | RowsExtracted
    | PackageSealed
    | LoadStarted
    | CallsStarted
    | CallsSettled
    | ConcurrencyChanged
    | RetryScheduled
    | DestinationPaused
    | RunHalting
    | LoadFinished
    | RunFinished
    | Warned
)

Observer: TypeAlias = Callable[[Event], None]
"""Gets each event, from the thread in which it happened; must return soon."""


def ignore(event: Event) -> None:
    """Observe nothing."""
