"""Which columns a table has and of which type, inferred a chunk at a time.

==============  ====================================================
data type       from
==============  ====================================================
``text``        str, UUID, and columns of which only None was seen
``bigint``      int, of any size
``double``      float
``bool``        bool
``decimal``     Decimal
``timestamp``   datetime, with or without zone
``date``        date
``time``        time
``interval``    timedelta
``binary``      bytes, bytearray
``json``        list, dict, tuple, set, frozenset
==============  ====================================================

Subclasses count as their base type, numpy's scalars as Python's own. Types that meet in one column widen: ``bigint`` and ``double`` to
``double``, ``json`` and anything to ``json``, anything else to ``text``; the order in which they meet does not matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import reduce
from itertools import chain
from typing import TYPE_CHECKING, Any
from uuid import UUID

import attrs

from sinkkit.rows import Row
from sinkkit.schema.shapes import Shapes, kinds_of

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

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


@attrs.frozen
class Column:
    """What is known of a column: its data type, None while only None was seen, and whether a row may be without it."""

    data_type: str | None
    nullable: bool


@attrs.frozen
class Columns:
    """What is known of the columns of a number of rows.

    Attributes:
        rows: How many rows were seen.
        seen: Column name to what is known, in the order in which the columns appeared.
    """

    rows: int = 0
    seen: Mapping[str, Column] = attrs.field(factory=dict)

    def merge(self, other: Columns) -> Columns:
        """What is known of these rows and those of *other* together."""
        if not self.rows and not self.seen:
            return other
        if self.seen == other.seen or (not other.rows and not other.seen):
            return Columns(self.rows + other.rows, self.seen)
        absent = {True: Column(None, nullable=True), False: Column(None, nullable=False)}
        merged = {}
        for name in dict.fromkeys(chain(self.seen, other.seen)):
            left = self.seen.get(name, absent[self.rows > 0])
            right = other.seen.get(name, absent[other.rows > 0])
            merged[name] = Column(wider(left.data_type, right.data_type), nullable=left.nullable or right.nullable)
        return Columns(self.rows + other.rows, merged)

    def described(self, hints: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, dict[str, Any]]:
        """Column name to ``{"data_type", "nullable"}``, as ``TableSchema.of`` takes it.

        Args:
            hints: What the user said of columns; it wins, and adds columns that were not seen.
        """
        known: dict[str, dict[str, Any]] = {
            name: {"data_type": column.data_type or "text", "nullable": column.nullable} for name, column in self.seen.items()
        }
        for name, hint in (hints or {}).items():
            known[name] = {**known.get(name, {"data_type": "text", "nullable": True}), **hint}
        return known


def columns_of(rows: list[Row], shapes: Shapes) -> Columns:
    """The columns of *rows*, whose shapes are *shapes*."""
    kinds = kinds_of(shapes)
    names = list(rows[0]) if rows else []
    counts: Mapping[str, int] = {}
    if len(names) < len(kinds) or (rows and min(map(len, rows)) < len(kinds)):
        counts = Counter(chain.from_iterable(rows))
        names = list(counts)
    return Columns(
        len(rows),
        {
            str.__str__(name): Column(
                reduce(wider, map(data_type_of, kinds[name])),
                nullable=type(None) in kinds[name] or counts.get(name, len(rows)) < len(rows),
            )
            for name in names
        },
    )


def columns_of_arrow(schema: pa.Schema, rows: int) -> Columns:
    """The columns of *rows* rows of Arrow data; a column is nullable if its field is."""
    return Columns(rows, {field.name: Column(arrow_data_type(field.type), nullable=bool(field.nullable)) for field in schema})


def wider(left: str | None, right: str | None) -> str | None:
    """The data type that holds values of both; None is that of a column of which only None was seen."""
    if left == right or right is None:
        return left
    if left is None:
        return right
    if {left, right} == {"bigint", "double"}:
        return "double"
    return "json" if "json" in {left, right} else "text"


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
    tests: Iterable[tuple[Any, str | None]] = (
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
