"""What a single item is, by its type, and how one that has fields becomes a row."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from numbers import Number
from typing import Any, TypeAlias
from uuid import UUID

import attrs

from sinkkit.errors import SourceError
from sinkkit.rows import Row

SCALARS = (str, bytes, Number, Decimal, date, time, timedelta, UUID, Enum, type(None))

IMMUTABLE = frozenset({str, bytes, int, float, bool, Decimal, UUID, type(None)})


class Kind(Enum):
    """What an item can be; the value is what errors call it."""

    ROW = "a row"
    SCALAR = "a single value"
    PAGE = "a page"
    ARROW = "Arrow data"
    OTHER = "neither a row, a value nor a page"


Converter: TypeAlias = Callable[[Any], Row]


def from_fields(names: tuple[str, ...]) -> Converter:
    """A converter that reads the attributes *names*."""
    return lambda item: {name: plain(getattr(item, name)) for name in names}


def from_method(name: str) -> Converter:
    """A converter that calls the method *name*, which gives a mapping."""
    return lambda item: {key: plain(value) for key, value in dict(getattr(item, name)()).items()}


def from_keys(item: Any) -> Row:
    """A plain dict of what has ``keys()`` and can be indexed by them."""
    return {key: item[key] for key in item.keys()}  # noqa: SIM118  # iterating a database row may give its values


def find_converter(kind: type) -> Converter | None:
    """How an instance of *kind* becomes a row, or None if it has no named fields.

    Known are mappings and what looks like one (``keys()``, as ``sqlite3.Row`` has), attrs classes,
    dataclasses, and by their methods pydantic models (``model_dump``) and named tuples (``_asdict``).
    """
    if issubclass(kind, Mapping):
        return dict
    if hasattr(kind, "model_dump"):
        return from_method("model_dump")
    if hasattr(kind, "_asdict"):
        return from_method("_asdict")
    if attrs.has(kind):
        return from_fields(tuple(field.name for field in attrs.fields(kind)))
    if dataclasses.is_dataclass(kind):
        return from_fields(tuple(field.name for field in dataclasses.fields(kind)))
    return from_keys if hasattr(kind, "keys") and hasattr(kind, "__getitem__") else None


converter_of: Callable[[type], Converter | None] = lru_cache(maxsize=256)(find_converter)
"""``find_converter``, remembered for the types met last."""


def plain(value: Any) -> Any:
    """*value* with every object in it that has named fields turned into a dict."""
    kind = type(value)
    if kind in IMMUTABLE:
        return value
    if kind is list or kind is tuple:
        return kind(map(plain, value))
    if kind is dict:
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, SCALARS):
        return value
    converter = converter_of(kind)
    return value if converter is None else converter(value)


def is_arrow(kind: type) -> bool:
    """Whether instances of *kind* hand out Arrow data; pyarrow is not imported to find out."""
    return hasattr(kind, "__arrow_c_stream__") or hasattr(kind, "__arrow_c_array__")


def find_kind(kind: type) -> Kind:
    """What instances of *kind* are; only a list is a page, since a bare tuple is more often a row without names."""
    if issubclass(kind, dict):
        return Kind.ROW
    if issubclass(kind, list):
        return Kind.PAGE
    if is_arrow(kind):
        return Kind.ARROW
    if issubclass(kind, SCALARS):
        return Kind.SCALAR
    return Kind.OTHER if converter_of(kind) is None else Kind.ROW


kind_of: Callable[[type], Kind] = lru_cache(maxsize=256)(find_kind)
"""``find_kind``, remembered for the types met last: it is asked for each single item."""


def as_row(item: Any, number: int) -> Row:
    """A row of its own made of *item*, which is row *number* of its table.

    Raises:
        SourceError: If the item's own code fails while its fields are read.
    """
    converter = converter_of(type(item))
    try:
        return converter(item) if converter else {"value": item}
    except Exception as error:
        raise SourceError(
            f"row {number}, a {type(item).__name__}, could not be turned into columns: {type(error).__name__}"
        ) from error
