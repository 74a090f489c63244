"""Rate limits as values: how many calls and rows may start in a period."""

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


@attrs.frozen(kw_only=True)
class RateLimit:
    """At most *calls* calls and *rows* rows start in any window of *per* seconds; None: no such limit."""

    calls: int | None = None
    rows: int | None = None
    per: float = 1.0

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


def _is_period(value: Any) -> bool:
    return isinstance(value, int | float) and 0 < value < inf


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
