"""Values into another type, without loss or not at all.

==================  ====================================================================================
cast                takes
==================  ====================================================================================
``text``            anything: dates and times as ISO 8601, ``true`` and ``false``, lists and tables as JSON
``bigint``          whole numbers, as text too; ``true`` is 1
``double``          numbers, as text too; whole numbers only as far as a double holds them exactly
``decimal``         numbers, as text too; a float by its shortest text
``bool``            ``true``/``false``, ``yes``/``no``, ``on``/``off``, ``t``/``f``, ``y``/``n`` in any case, 1 and 0
``timestamp``       ISO 8601 text; dates, at midnight
``timestamp_s``     seconds since 1970 as a number, in UTC; ``timestamp_ms`` and ``timestamp_us`` milli- and microseconds
``date``            ISO 8601 text; of a timestamp its day
``time``            ISO 8601 text; of a timestamp its time of day
``interval``        seconds as a number
``binary``          text, as UTF-8
``json``            text that holds JSON; anything else stays as it is
==================  ====================================================================================

A null stays a null.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sinkkit.schema.mapping.paths import Unmappable

TRUTH = {**dict.fromkeys(("true", "yes", "on", "t", "y", "1"), True), **dict.fromkeys(("false", "no", "off", "f", "n", "0"), False)}

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

FAILURES = (TypeError, ValueError, KeyError, ArithmeticError, RecursionError, StopIteration)
"""What a cast raises for a value that it cannot cast."""


def to_text(value: Any) -> Any:
    """Text; raises ``ValueError`` for bytes that are no UTF-8."""
    kind = type(value)
    if kind is int or kind is float:
        return str(value)
    return next(write(value) for of, write in TEXTS if isinstance(value, of))


def to_bigint(value: Any) -> Any:
    """A whole number; raises ``ValueError`` for a fraction."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return int(digits(value))
    if isinstance(value, float | Decimal):
        whole = int(value)
        if whole != value:
            raise ValueError
        return whole
    raise TypeError


def to_double(value: Any) -> Any:
    """A float; raises ``ValueError`` for a whole number that it cannot hold."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise TypeError
    number = float(digits(value) if isinstance(value, str) else value)
    if isinstance(value, int) and int(number) != value:
        raise ValueError
    return number


def to_decimal(value: Any) -> Any:
    """A decimal; a float becomes what its shortest text says."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise TypeError
    if isinstance(value, float):
        return Decimal(repr(value))
    return Decimal(digits(value) if isinstance(value, str) else value)


def digits(text: str) -> str:
    """*text* without space around it; raises ``ValueError`` for what only Python takes for a number (``1_000``, digits of other scripts)."""
    if not text.isascii() or "_" in text:
        raise ValueError
    return text.strip()


def to_bool(value: Any) -> Any:
    """A truth value; raises for whatever is not surely one."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal) and value in {0, 1}:
        return bool(value)
    if isinstance(value, str):
        return TRUTH[value.strip().lower()]
    raise TypeError


def to_timestamp(value: Any) -> Any:
    """A datetime."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001  # a day has no zone
    return datetime.fromisoformat(text_only(value))


def since_1970(unit: timedelta) -> Callable[[Any], Any]:
    """A cast of numbers of *unit* since 1970."""

    def cast(value: Any) -> Any:
        number = to_decimal(value)
        whole = int(number * (unit // timedelta(microseconds=1)))
        return EPOCH + timedelta(microseconds=whole)

    return cast


def to_date(value: Any) -> Any:
    """A date; of a datetime its day."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    return datetime.fromisoformat(text_only(value)).date()


def to_time(value: Any) -> Any:
    """A time of day; of a datetime its own, with its zone."""
    if isinstance(value, datetime):
        return value.timetz()
    return value if isinstance(value, time) else time.fromisoformat(text_only(value))


def to_interval(value: Any) -> Any:
    """A duration."""
    return value if isinstance(value, timedelta) else timedelta(microseconds=int(to_decimal(value) * 1_000_000))


def to_binary(value: Any) -> Any:
    """Bytes."""
    return bytes(value) if isinstance(value, bytes | bytearray) else text_only(value).encode()


def to_json(value: Any) -> Any:
    """What a text says in JSON; anything else as it is."""
    return json.loads(value) if isinstance(value, str) else value


def text_only(value: Any) -> str:
    """*value*, if it is text."""
    if not isinstance(value, str):
        raise TypeError
    return value.strip()


TEXTS: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (str, str.__str__),
    (bool, lambda value: "true" if value else "false"),
    ((datetime, date, time), lambda value: value.isoformat()),
    ((bytes, bytearray), lambda value: value.decode()),
    ((int, float, Decimal, UUID), str),
    (timedelta, lambda value: str(value.total_seconds())),
    ((dict, list, tuple), lambda value: json.dumps(value, default=to_text, ensure_ascii=False)),
)
"""Types and how their values are written; the first that fits."""

CASTS: Mapping[str, Callable[[Any], Any]] = {
    "text": to_text,
    "bigint": to_bigint,
    "double": to_double,
    "decimal": to_decimal,
    "bool": to_bool,
    "timestamp": to_timestamp,
    "timestamp_s": since_1970(timedelta(seconds=1)),
    "timestamp_ms": since_1970(timedelta(milliseconds=1)),
    "timestamp_us": since_1970(timedelta(microseconds=1)),
    "date": to_date,
    "time": to_time,
    "interval": to_interval,
    "binary": to_binary,
    "json": to_json,
}
"""Name to a function of a value that is not null; what it cannot cast it raises for."""


def cast_to(name: str) -> Callable[[Any], Any]:
    """The cast called *name*, for any value; raises ``Unmappable`` for one that it cannot cast."""
    convert = CASTS[name]

    def cast(value: Any) -> Any:
        if value is None:
            return None
        try:
            return convert(value)
        except FAILURES:
            return other(value)

    def other(value: Any) -> Any:
        try:
            if type(value).__module__ == "numpy" and hasattr(value, "item"):
                return convert(value.item())
        except FAILURES:
            pass
        raise Unmappable(f"its value of type {type(value).__name__} cannot be cast to {name}") from None

    return cast
