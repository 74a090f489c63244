"""Data types by name: which one a value or Arrow type has, and what happens when two meet in a column.

==============  ====================================================
data type       from
==============  ====================================================
``text``        str, UUID, and columns of which only None was seen
``bigint``      int, of any size
``double``      float
``bool``        bool
``decimal``     Decimal
``wei``         never inferred: a hint, for integers of up to 256 bits
``timestamp``   datetime, with or without zone
``date``        date
``time``        time
``interval``    timedelta
``binary``      bytes, bytearray
``json``        list, dict, tuple, set, frozenset
==============  ====================================================

Subclasses count as their base type, numpy's scalars as Python's own. An int is a ``bigint`` whatever its size, as its size is a property of
the value: to tell, each value would have to be looked at. Types that meet in one column widen: ``bigint`` with ``double`` to ``double``, with
``decimal`` or ``wei`` to that; ``decimal`` with ``wei`` to ``wei``; ``json`` and anything to ``json``; anything else to ``text``. The order in which
they meet does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

NAMES = ("text", "bigint", "double", "bool", "decimal", "wei", "timestamp", "date", "time", "interval", "binary", "json")

DATA_TYPES: dict[type, str | None] = {
    type(None): None,
    str: "text",
    UUID: "text",
    bool: "bool",
    int: "bigint",
    float: "double",
    Decimal: "decimal",
    datetime: "timestamp",
    date: "date",
    time: "time",
    timedelta: "interval",
    bytes: "binary",
    bytearray: "binary",
}

NUMPY_TYPES = {
    "datetime64": "timestamp",
    "timedelta64": "interval",  # to numpy it is an integer, too
    "integer": "bigint",
    "floating": "double",
    "bool": "bool",
    "bool_": "bool",
}
"""Data types of numpy's scalars, by the names of their classes, so that numpy is not imported for them."""

INTO = {"bigint": frozenset({"double", "decimal", "wei"}), "decimal": frozenset({"wei"})}
"""Data types that a column may have besides its values' own, so that they are numbers of one kind still."""


def wider(left: str | None, right: str | None) -> str | None:
    """The data type that holds values of both; None is that of a column of which only None was seen."""
    if left == right or right is None:
        return left
    if left is None or right in INTO.get(left, ()):
        return right
    if left in INTO.get(right, ()):
        return left
    return "json" if "json" in {left, right} else "text"


def widest(names: Iterable[str]) -> str | None:
    """The data type that holds values of all of *names*; None for none."""
    return reduce(wider, names, None)


def fits(name: str | None, known: frozenset[str]) -> bool:
    """Whether a value of data type *name* can go into a column of values of *known* data types, and changes nothing about it."""
    return name is None or name in known or not known.isdisjoint(INTO.get(name, ()))


def widens(name: str, known: frozenset[str]) -> bool:
    """Whether a value of data type *name* can go into a column of *known* data types if that becomes one of wider numbers."""
    return all(name in INTO.get(one, ()) for one in known)


def data_type_of(kind: type) -> str | None:
    """The data type of values of type *kind*; None for None."""
    for base in kind.__mro__:
        if base in DATA_TYPES:
            return DATA_TYPES[base]
        if base.__module__ == "numpy" and base.__name__ in NUMPY_TYPES:
            return NUMPY_TYPES[base.__name__]
    return "json"


def arrow_data_type(kind: pa.DataType) -> str | None:
    """The data type of an Arrow type; None for Arrow's null."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return arrow_data_type(kind.value_type)
    if hasattr(kind, "storage_type"):
        return "text" if kind.extension_name == "arrow.uuid" else arrow_data_type(kind.storage_type)
    tests: Iterable[tuple[Callable[[Any], bool], str | None]] = (
        (types.is_null, None),
        (types.is_boolean, "bool"),
        (types.is_integer, "bigint"),
        (types.is_floating, "double"),
        (types.is_decimal, "decimal"),
        (types.is_timestamp, "timestamp"),
        (types.is_date, "date"),
        (types.is_time, "time"),
        (types.is_duration, "interval"),
        (lambda of: types.is_string(of) or types.is_large_string(of) or types.is_string_view(of), "text"),
        (
            lambda of: (
                types.is_binary(of) or types.is_large_binary(of) or types.is_fixed_size_binary(of) or types.is_binary_view(of)
            ),
            "binary",
        ),
    )
    return next((name for test, name in tests if test(kind)), "json")
