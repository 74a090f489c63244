"""Quantities as people write them: durations ("90s", "1h30m"), sizes ("4MB") and web addresses."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import NewType
from urllib.parse import urlsplit

from sinkkit.errors import ConfigError

Size = NewType("Size", int)
"""A number of bytes, written as ``4MB`` or ``512KiB`` or as a plain number."""

Seconds = NewType("Seconds", float)
"""A duration in seconds, written as ``90s`` or ``1h30m`` or as a plain number."""

Word = NewType("Word", str)
"""Text that is never ``none``: in ``Word | None``, unlike in ``str | None``, that word and the empty text stand for None."""

Url = NewType("Url", str)
"""An absolute URL as text, checked for a scheme and a host."""

UNIT_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}

UNIT_BYTES = {"": 1, "B": 1} | {
    f"{letter}{suffix}": base**power
    for power, letter in enumerate("KMGT", start=1)
    for suffix, base in (("", 1000), ("B", 1000), ("IB", 1024))
}
"""Decimal prefixes count in thousands, binary ones in 1,024 (IEC 80000-13)."""


def seconds(text: str) -> float:
    """The duration *text* in seconds; a number without a unit is seconds.

    Raises:
        ConfigError: If it is no duration of zero or more.
    """
    compact = text.replace(" ", "").lower()
    number = r"\d+(?:\.\d+)?"
    if re.fullmatch(number, compact):
        return float(compact)
    parts = re.findall(rf"({number})([a-z]+)", compact)
    if not parts or "".join(n + u for n, u in parts) != compact or any(u not in UNIT_SECONDS for _, u in parts):
        raise ConfigError("no duration", hint="write 250ms, 90s, 5m, 1h30m or 2d")
    return sum(float(n) * UNIT_SECONDS[u] for n, u in parts)


def duration(text: str) -> timedelta:
    """*text* as a ``timedelta``.

    Raises:
        ConfigError: If it is no duration, or one too long for a ``timedelta``.
    """
    try:
        return timedelta(seconds=seconds(text))
    except OverflowError:
        raise ConfigError("too long a duration", hint="write 90s, 5m, 1h30m or 2d") from None


def size(text: str) -> Size:
    """The size *text* in bytes; a number without a unit is bytes.

    Raises:
        ConfigError: If it is no size.
    """
    match = re.fullmatch(r"(\d[\d_]*(?:\.\d+)?)\s*([a-z]*)", text.strip(), re.IGNORECASE)
    if match is None or match[2].upper() not in UNIT_BYTES:
        raise ConfigError("no size", hint="write 500KB, 4MB, 64MiB or a number of bytes")
    return Size(
        round(float(match[1]) * UNIT_BYTES[match[2].upper()]) if "." in match[1] else int(match[1]) * UNIT_BYTES[match[2].upper()]
    )


def url(text: str) -> Url:
    """*text* if it is an absolute URL with a host.

    Raises:
        ConfigError: If it is not; the message does not repeat it, since a URL may hold a password.
    """
    try:
        parts = urlsplit(text)
        whole = bool(parts.scheme and parts.hostname) and (parts.port is None or parts.port >= 0)
    except ValueError:
        whole = False
    if not whole:
        raise ConfigError("no absolute URL", hint="write it with scheme and host, as https://api.example.com")
    return Url(text)
