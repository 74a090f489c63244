"""Values that JSON cannot hold, as JSON objects that any tool can read, and back.

Such a value becomes ``{"$sk": <tag>, "v": <text or list>}``:

================  =============================================================================
tag               ``v``
================  =============================================================================
``decimal``       ``str(value)``, so also ``"NaN"`` and ``"-0.00"``
``float``         ``"nan"``, ``"inf"``, ``"-inf"``
``int``           ``0x...``, for more than 2048 bits; smaller ones, also beyond 64 bits, are JSON numbers
``datetime``      ISO 8601; beside it ``zone`` (an IANA key; ``v`` is then local time) and ``fold``, if there are
``date``          ISO 8601
``time``          ISO 8601, with ``zone`` and ``fold`` as above
``timedelta``     ``[days, seconds, microseconds]``
``uuid``          as text
``bytes``         base64
``str``           text with escapes, for lone surrogates
``tuple``         a list; so ``set`` and ``frozenset``
``dict``          a list of ``[key, value]``, for keys that are not str and for a user's own key ``"$sk"``
================  =============================================================================

Subclasses of the built-in types are kept as their base value: an ``IntEnum`` member as its int, a ``Timestamp`` of
pandas as a datetime, numpy's integers, floats and bools as Python's own.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs

TAG = "$sk"
DEPTH = 100
"""Levels of lists and dicts that are kept inside one another: a tag adds up to three, and readers stop near 1,000."""

LONG_INT_BITS = 2048
"""From here on ints are written in hexadecimal: ``sys.set_int_max_str_digits`` may limit decimals to 640 digits."""


@attrs.define(eq=False)
class NotKeptError(ValueError):
    """A value cannot be kept.

    Attributes:
        reason: What is wrong, after the value's place is named.
        hint: What to do about it.
        deep: Whether the value is nested too deeply, so that its exact place is of no use.
    """

    reason: str
    hint: str
    deep: bool = False


def tag(value: Any, depth: int = 0) -> Any:
    """*value* made of nothing but str, int of up to 2048 bits, finite float, bool, None, list and dict with str keys.

    Raises:
        NotKeptError: If it is, or holds, something that cannot be restored as it was.
    """
    return TAGGERS.get(type(value), tag_other)(value, depth)


def as_it_is(value: Any, _depth: int = 0) -> Any:
    """The value itself: JSON can hold it."""
    return value


def tag_str(value: str, _depth: int = 0) -> Any:
    """Text, tagged only if it has surrogates without their partner."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return {TAG: "str", "v": value.encode("unicode_escape").decode("ascii")}
    return value


def tag_int(value: int, _depth: int = 0) -> Any:
    """A whole number, tagged if it is too long for a JSON number."""
    return value if value.bit_length() <= LONG_INT_BITS else {TAG: "int", "v": hex(value)}


def tag_float(value: float, _depth: int = 0) -> Any:
    """A number, tagged if it is not finite."""
    return value if math.isfinite(value) else {TAG: "float", "v": repr(value)}


def tag_decimal(value: Decimal, _depth: int = 0) -> Any:
    """A Decimal with its exponent and sign."""
    return {TAG: "decimal", "v": Decimal.__str__(value)}


def tag_datetime(value: datetime, _depth: int = 0) -> Any:
    """A moment; the zone is kept by its key, or as the offset it has at that moment."""
    zone = value.tzinfo
    if (zone is None or zone is UTC) and not value.fold:
        return {TAG: "datetime", "v": datetime.isoformat(value)}
    refuse_without_offset(value)
    if type(zone) is ZoneInfo and zone.key:
        local = datetime.isoformat(value.replace(tzinfo=None))
        return {TAG: "datetime", "v": local, "zone": zone.key, **({"fold": 1} if value.fold else {})}
    tagged = {TAG: "datetime", "v": datetime.isoformat(value)}
    return {**tagged, "fold": 1} if value.fold else tagged


def refuse_without_offset(value: datetime | time) -> None:
    """Check that a value with a zone knows its offset.

    Raises:
        NotKeptError: If not, as it would come back without its zone.
    """
    if value.tzinfo is not None and value.utcoffset() is None:
        kind = type(value.tzinfo).__name__
        raise NotKeptError(f"has a time zone without an offset, {kind}", "use zoneinfo.ZoneInfo or datetime.timezone")


def tag_date(value: date, _depth: int = 0) -> Any:
    """A day."""
    return {TAG: "date", "v": date.isoformat(value)}


def tag_time(value: time, _depth: int = 0) -> Any:
    """A time of day; the zone is kept by its key, or as its offset."""
    zone = value.tzinfo
    tagged: dict[str, Any] = {TAG: "time", "v": time.isoformat(value)}
    if type(zone) is ZoneInfo and zone.key:
        tagged = {TAG: "time", "v": time.isoformat(value.replace(tzinfo=None)), "zone": zone.key}
    else:
        refuse_without_offset(value)
    return {**tagged, "fold": 1} if value.fold else tagged


def tag_timedelta(value: timedelta, _depth: int = 0) -> Any:
    """A duration, exact to the microsecond."""
    return {TAG: "timedelta", "v": [value.days, value.seconds, value.microseconds]}


def tag_uuid(value: UUID, _depth: int = 0) -> Any:
    """A UUID."""
    return {TAG: "uuid", "v": UUID.__str__(value)}


def tag_bytes(value: bytes | bytearray, _depth: int = 0) -> Any:
    """Bytes; a bytearray comes back as bytes."""
    return {TAG: "bytes", "v": b64encode(value).decode("ascii")}


def tag_list(value: list[Any], depth: int = 0) -> Any:
    """A list with every item tagged that needs it."""
    return [tag(item, deeper(depth)) for item in value]


def tag_dict(value: Mapping[Any, Any], depth: int = 0) -> Any:
    """A dict, as pairs if its keys are not plain str or one of them is ``"$sk"``."""
    below = deeper(depth) if value else depth
    if TAG not in value and all(isinstance(key, str) and type(tag_str(key)) is not dict for key in value):
        return {str.__str__(key): tag(item, below) for key, item in value.items()}
    return {TAG: "dict", "v": [[tag(key, below), tag(item, below)] for key, item in value.items()]}


def tag_collection(name: str) -> Callable[[Any, int], Any]:
    """A tagger for collections that become a list under the tag *name*."""

    def tag_items(value: Any, depth: int = 0) -> Any:
        return {TAG: name, "v": [tag(item, deeper(depth)) for item in value]}

    return tag_items


def deeper(depth: int) -> int:
    """One level more.

    Raises:
        NotKeptError: At ``DEPTH`` levels, as a value that contains itself would go on for ever.
    """
    if depth >= DEPTH:
        raise deeper_error()
    return depth + 1


def deeper_error() -> NotKeptError:
    """The error for values that are nested too deeply."""
    return NotKeptError(f"is nested more than {DEPTH} levels deep, or contains itself", "keep nested values flatter", deep=True)


def tag_other(value: Any, depth: int = 0) -> Any:
    """A value of a type that is not in the table: as its base type, if it has one.

    Raises:
        NotKeptError: If it has none.
    """
    if isinstance(value, datetime):
        return tag_datetime_subclass(value)
    for base, plain in BASES.items():
        if isinstance(value, base):
            return tag(plain(value), depth)
    if isinstance(value, Mapping):
        return tag_dict(value, depth)
    if is_numpy_number(value):
        return tag(value.item(), depth)
    kind = type(value)
    named = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    hint = "give its .value instead" if isinstance(value, Enum) else "convert it before yielding the row, for example to str"
    raise NotKeptError(f"is of type {named}, which cannot be kept", hint)


def tag_datetime_subclass(value: datetime) -> Any:
    """A ``Timestamp`` of pandas and the like, as a datetime.

    Raises:
        NotKeptError: For ``NaT`` and for nanoseconds, which a datetime cannot hold.
    """
    if value != value:  # noqa: PLR0124  only NaT is not equal to itself
        raise NotKeptError("is NaT, which is not a moment", "give None instead, or pass the DataFrame itself")
    if getattr(value, "nanosecond", 0):
        raise NotKeptError("has nanoseconds, which a datetime cannot hold", "round it, or pass the DataFrame itself")
    return tag_datetime(value)


def is_numpy_number(value: Any) -> bool:
    """Whether *value* is an integer, float or bool of numpy that Python's own hold; told without importing numpy."""
    if not any(base.__module__ == "numpy" and base.__name__ == "generic" for base in type(value).__mro__):
        return False
    return value.dtype.kind in "iufb" and type(value.item()) in {int, float, bool}  # item() of a longdouble is one still


TAGGERS: dict[type, Callable[[Any, int], Any]] = {
    str: tag_str,
    int: tag_int,
    float: tag_float,
    bool: as_it_is,
    type(None): as_it_is,
    Decimal: tag_decimal,
    datetime: tag_datetime,
    date: tag_date,
    time: tag_time,
    timedelta: tag_timedelta,
    UUID: tag_uuid,
    bytes: tag_bytes,
    bytearray: tag_bytes,
    list: tag_list,
    dict: tag_dict,
    tuple: tag_collection("tuple"),
    set: tag_collection("set"),
    frozenset: tag_collection("frozenset"),
}

SCALARS = (Decimal, datetime, date, time, timedelta, UUID, bytes, bytearray)
"""Types that are tagged whatever their value is, and hold no others."""

BASES: dict[type, Callable[[Any], Any]] = {
    str: str.__str__,
    int: int.__index__,
    float: float.__float__,
    Decimal: Decimal,
    date: lambda value: date(value.year, value.month, value.day),
    time: lambda value: time(value.hour, value.minute, value.second, value.microsecond, value.tzinfo, fold=value.fold),
    timedelta: lambda value: timedelta(value.days, value.seconds, value.microseconds),
    UUID: lambda value: UUID(int=value.int),
    bytes: bytes,
    bytearray: bytes,
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
}


def place_of(row: Mapping[Any, Any], error: NotKeptError) -> tuple[str, str]:
    """The column of the first value of *row* that cannot be kept, and its path within the column, such as `` at .a[2]``."""
    for name, value in row.items():
        if refusal(value) is not None:
            path = "" if error.deep else path_to(value)
            return str(name), f" at {path}" if path else ""
    return "", ""


def path_to(value: Any) -> str:
    """The path within *value* to the first value that cannot be kept; empty if it is *value* itself."""
    if isinstance(value, Mapping):
        inside: list[tuple[str, Any]] = [
            (f".{key}" if isinstance(key, str) else f"[{key!r}]", item) for key, item in value.items()
        ]
    elif isinstance(value, list | tuple):
        inside = [(f"[{index}]", item) for index, item in enumerate(value)]
    else:
        return ""
    return next((step + path_to(item) for step, item in inside if refusal(item) is not None), "")


def refusal(value: Any) -> NotKeptError | RecursionError | None:
    """Why *value* cannot be kept, or None."""
    try:
        tag(value)
    except (NotKeptError, RecursionError) as error:
        return error
    return None
