"""Limits as values: how many calls and rows may start in a period, how many calls may run at once."""

from __future__ import annotations

import re
from math import inf
from typing import Any

import attrs

from sinkkit.errors import ConfigError

PERIODS = {
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "m": 60.0,
    "min": 60.0,
    "minute": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
}
"""Names of periods in texts such as ``100/s``, in seconds."""

SHARED_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
"""Names of shared limits: what is the same file's name on every system."""


@attrs.frozen(kw_only=True)
class RateLimit:
    """At most *calls* calls and *rows* rows start in any window of *per* seconds; None: no such limit.

    Attributes:
        calls: Calls that start in a window, at most.
        rows: Rows whose calls start in a window, at most.
        per: The length of the window in seconds.
        shared: A name: one window for all runs of this user and host that give it, in whatever process; where their numbers differ the stricter hold.
    """

    calls: int | None = None
    rows: int | None = None
    per: float = 1.0
    shared: str | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse limits under which nothing could ever start."""
        if self.calls is None and self.rows is None:
            raise ConfigError("RateLimit() limits nothing", hint="write RateLimit(calls=100, per=1), or rows=, or both")
        for name in ("calls", "rows"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
                raise ConfigError(f"RateLimit({name}={value!r}) is not possible", hint=f"{name} is a whole number, 1 or more")
        if not _is_period(self.per):
            raise ConfigError(f"RateLimit(per={self.per!r}) is not a period", hint="per is a number of seconds above 0")
        if self.shared is not None and not _is_name(self.shared):
            raise ConfigError(
                f"RateLimit(shared={self.shared!r}) is not a name", hint="write letters, digits, _, - and dots: it becomes the name of a file"
            )


def _is_period(value: Any) -> bool:
    return isinstance(value, int | float) and 0 < value < inf


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and SHARED_NAME.fullmatch(value) is not None


MOST_CALLS = 100
"""Calls at once that adaptive workers may reach unless told otherwise: as many connections as httpx's pool has by default."""


@attrs.frozen
class Adaptive:
    """As many calls at once as the destination takes well: *min* at least, *max* at most."""

    min: int = 1
    max: int = MOST_CALLS

    def __attrs_post_init__(self) -> None:
        """Refuse what are no numbers of calls."""
        for name in ("min", "max"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ConfigError(f"Adaptive({name}={value!r}) is not possible", hint=f"{name} is a whole number of calls, 1 or more")
        if self.min > self.max:
            raise ConfigError(f"Adaptive(min={self.min}, max={self.max}) is not possible", hint="max is as large as min, or larger")


def read_workers(given: Any) -> Any:
    """``"adaptive"`` as an ``Adaptive``, and one that leaves no choice as a number; anything else as it is."""
    if given == "adaptive":
        return Adaptive()
    return given.min if isinstance(given, Adaptive) and given.min == given.max else given


def read_limit(given: str | RateLimit | None) -> RateLimit | None:
    """A limit from a setting: ``"100/s"``, ``"5000/min"``, a ``RateLimit`` or None.

    Raises:
        ConfigError: If the text is not a number of calls and a period.
    """
    if given is None or isinstance(given, RateLimit):
        return given
    match = re.fullmatch(r"(\d+)\s*/\s*(\d+(?:\.\d+)?)?\s*([a-z]+)", str(given).strip().lower(), re.ASCII)
    period = PERIODS.get(match[3]) or PERIODS.get(match[3].removesuffix("s")) if match else None
    if match is None or period is None:
        raise ConfigError(
            f"rate_limit={given!r} is not understood", hint='write "100/s", "5000/min" or RateLimit(calls=100, rows=1000, per=1)'
        )
    calls, per = int(match[1]), float(match[2] or 1) * period
    if calls < 1 or per <= 0:
        raise ConfigError(f"rate_limit={given!r} lets nothing through", hint="calls and period are 1 or more")
    return RateLimit(calls=calls, per=per)
