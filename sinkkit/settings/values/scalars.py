"""Scalars as people write them: one reader for each type, without any further package."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from sinkkit.errors import ConfigError
from sinkkit.settings.values import units

TRUE = ("true", "yes", "on", "1")
FALSE = ("false", "no", "off", "0")


def as_text(raw: Any) -> str:
    """Text as it is; a whole number, since an account number is easily written without quotes, as text."""
    if isinstance(raw, str):
        return raw
    if isinstance(raw, int) and not isinstance(raw, bool):
        return str(raw)
    raise ConfigError("", hint="this setting is one text, no list" if isinstance(raw, list) else "put it in quotes")


def as_path(text: str) -> Path:
    """A path, ``~`` as the home folder; an empty text is none, and least of all the current folder."""
    if not text:
        raise ConfigError("", hint='write a path, "." for the current folder')
    return Path(text).expanduser()


def as_int(raw: Any) -> int:
    """A whole number."""
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        raise ConfigError("")
    return int(raw)


def as_float(raw: Any) -> float:
    """A number; NaN is none."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise ConfigError("")
    number = float(raw)
    if number != number:  # noqa: PLR0124 - only NaN differs from itself
        raise ConfigError("")
    return number


def as_bool(raw: Any) -> bool:
    """True or false, also as yes and no, on and off, 1 and 0."""
    word = raw.strip().lower() if isinstance(raw, str) else str(raw).lower() if isinstance(raw, bool | int) else ""
    if word not in TRUE + FALSE:
        raise ConfigError("")
    return word in TRUE


def as_duration(raw: Any) -> timedelta:
    """A duration; a plain number is seconds."""
    if isinstance(raw, timedelta):
        return raw
    return units.duration(raw) if isinstance(raw, str) else timedelta(seconds=not_negative(raw))


def as_seconds(raw: Any) -> units.Seconds:
    """A duration in seconds."""
    if isinstance(raw, timedelta):
        return units.Seconds(raw.total_seconds())
    return units.Seconds(units.seconds(raw) if isinstance(raw, str) else not_negative(raw))


def not_negative(raw: Any) -> float:
    """A number of seconds."""
    number = as_float(raw)
    if not 0 <= number < inf:
        raise ConfigError("", hint="write 90s, 5m, 1h30m or a number of seconds, 0 or more")
    return number


def from_text(read: Callable[[str], Any]) -> Callable[[Any], Any]:
    """A reader that takes text only."""

    def reader(raw: Any) -> Any:
        if not isinstance(raw, str):
            raise ConfigError("")
        return read(raw)

    return reader


def as_none(raw: Any) -> None:
    """Nothing."""
    if raw is not None:
        raise ConfigError("")


SCALARS: dict[Any, tuple[str, Callable[[Any], Any]]] = {
    str: ("text", as_text),
    int: ("a whole number", as_int),
    float: ("a number", as_float),
    bool: ("true or false", as_bool),
    bytes: ("text", from_text(str.encode)),
    timedelta: ("a duration such as 90s, 5m or 1h30m", as_duration),
    units.Seconds: ("a duration such as 90s, 5m or 1h30m", as_seconds),
    units.Size: ("a size such as 4MB or 512KiB", lambda raw: units.size(str(as_text(raw)))),
    units.Word: ("text", as_text),
    units.Url: ("a URL with scheme and host", from_text(units.url)),
    SplitResult: ("a URL with scheme and host", from_text(lambda text: urlsplit(units.url(text)))),
    Path: ("a path", from_text(as_path)),
    Decimal: ("a decimal number", lambda raw: Decimal(str(as_float(raw) if isinstance(raw, bool) else raw))),
    UUID: ("a UUID", from_text(UUID)),
    datetime: ("a date and time such as 2026-11-20T08:00:00Z", from_text(datetime.fromisoformat)),
    date: ("a date such as 2026-11-20", from_text(date.fromisoformat)),
    time: ("a time such as 08:30", from_text(time.fromisoformat)),
    type(None): ("nothing", as_none),
}
"""Type to what it is called and how it is read. A reader raises ``ConfigError``, ``ValueError`` or ``InvalidOperation`` if it cannot."""
