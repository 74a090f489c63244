"""Single values of typed rows: taken as they are, or changed only where nothing is lost.

=============  ====================================================
a field of     takes, beside values of that very type
=============  ====================================================
``float``      an int that a float can hold exactly
``Decimal``    an int, and text of a number
``datetime``   ISO 8601 text
``date``       ISO 8601 text of a day
``time``       ISO 8601 text of a time of day
``UUID``       its text
``bytes``      a bytearray
``Path``       text
an enum        the value of a member
=============  ====================================================

Nothing else: text is no number, a bool is no int, a float is no int, a datetime is no date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

from sinkkit.schema.typed.misfit import MisfitError, described


def lossless_float(value: Any) -> float:
    """An int as the float that is equal to it."""
    if type(value) is int and int(found := float(value)) == value:
        return found
    raise ValueError


def decimal(value: Any) -> Decimal:
    """An int or the text of a finite number."""
    if type(value) is int:
        return Decimal(value)
    if isinstance(value, str) and (found := Decimal(value)).is_finite():
        return found
    raise ValueError


def from_text(read: Callable[[str], Any]) -> Callable[[Any], Any]:
    """What *read* makes of text, and of nothing else."""

    def take(value: Any) -> Any:
        if isinstance(value, str):
            return read(value)
        raise ValueError

    return take


def no_other(_: Any) -> Any:
    """Nothing but the type itself."""
    raise ValueError


def plain_bytes(value: Any) -> bytes:
    """The bytes of a bytearray."""
    if isinstance(value, bytearray):
        return bytes(value)
    raise ValueError


READERS: Mapping[type, Callable[[Any], Any]] = {
    bool: no_other,
    int: no_other,
    float: lossless_float,
    str: no_other,
    bytes: plain_bytes,
    Decimal: decimal,
    datetime: from_text(datetime.fromisoformat),
    date: from_text(date.fromisoformat),
    time: from_text(time.fromisoformat),
    timedelta: no_other,
    UUID: from_text(UUID),
    Path: from_text(Path),
}
"""What a type takes beside its own values."""


def take(value: Any, kind: Any) -> Any:
    """*value* as one of type *kind*, which is a key of ``READERS``, a class derived from one, or an enum.

    Raises:
        MisfitError: If it is none.
    """
    if type(value) is kind:
        return value
    if issubclass(kind, Enum):
        return member(value, kind)
    read = READERS.get(kind)
    if read is None:
        return derived(value, kind)
    if isinstance(value, kind) and not isinstance(value, bool | datetime):
        return value
    try:
        return read(value)
    except (ValueError, OverflowError, InvalidOperation):
        raise MisfitError(described(kind), value) from None


def derived(value: Any, kind: Any) -> Any:
    """*value* as one of a class that the user derived from a scalar type, which may refuse it."""
    if isinstance(value, kind):
        return value
    base = next(base for base in kind.__mro__ if base in READERS)
    plain = take(value, base)
    try:
        return kind(plain)
    except ValueError as error:
        raise MisfitError(f"{kind.__name__} ({error})", value) from None


def member(value: Any, kind: type[Enum]) -> Enum:
    """The member of an enum that *value* is, or is the value of."""
    if isinstance(value, kind):
        return value
    try:
        found = kind(value)
    except ValueError:
        raise MisfitError(described(kind), value) from None
    if any(isinstance(value, exact) != isinstance(found.value, exact) for exact in (bool, float)):  # 1 == True == 1.0
        raise MisfitError(described(kind), value)
    return found
