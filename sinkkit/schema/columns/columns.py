"""Which columns a table has, of which data type and how large, inferred a chunk at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

import attrs

from sinkkit.rows import Row
from sinkkit.schema.columns.data_types import arrow_data_type, data_type_of, widest
from sinkkit.schema.columns.measures import NOTHING, Measure, measure_of, measure_of_arrow
from sinkkit.schema.shapes import REMEMBERED, Shapes

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

MEASURED = frozenset({"decimal", "timestamp", "time"})
SIZES = ("precision", "scale", "timezone")


@attrs.frozen
class Column:
    """What is known of a column: the data types of its values (none while only None was seen), whether a row may be without it, and how large they are."""

    types: frozenset[str]
    nullable: bool
    measure: Measure = NOTHING

    @property
    def data_type(self) -> str | None:
        """The data type that holds all its values; None while only None was seen."""
        return widest(self.types)

    def merge(self, other: Column) -> Column:
        """What is known of both together."""
        if self == other:
            return self
        return Column(self.types | other.types, self.nullable or other.nullable, self.measure.merge(other.measure))

    def described(self) -> dict[str, Any]:
        """Its ``data_type``, ``nullable`` and, where there are such, ``precision``, ``scale`` and ``timezone``."""
        data_type = self.data_type or "text"
        return {"data_type": data_type, "nullable": self.nullable, **self.measure.described(data_type, self.types)}


ABSENT = {True: Column(frozenset(), nullable=True), False: Column(frozenset(), nullable=False)}
"""A column that rows do not have, by whether there are any rows."""


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
        if self.seen is other.seen or self.seen == other.seen or (not other.rows and not other.seen):
            return Columns(self.rows + other.rows, self.seen)
        merged = {}
        for name in dict.fromkeys(chain(self.seen, other.seen)):
            left = self.seen.get(name, ABSENT[self.rows > 0])
            merged[name] = left.merge(other.seen.get(name, ABSENT[other.rows > 0]))
        return Columns(self.rows + other.rows, merged)

    def described(self, hints: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, dict[str, Any]]:
        """Column name to ``{"data_type", "nullable", ...}``, as ``TableSchema.of`` takes it.

        Args:
            hints: What the user said of columns; it wins, and adds columns that were not seen.
        """
        known = {name: column.described() for name, column in self.seen.items()}
        for name, hint in (hints or {}).items():
            column = known.get(name, {"data_type": "text", "nullable": True})
            if hint.get("data_type", column["data_type"]) != column["data_type"]:
                column = {key: value for key, value in column.items() if key not in SIZES}  # they are those of another data type
            known[name] = {**column, **hint}
        return known


def columns_of(rows: list[Row], shapes: Shapes) -> Columns:
    """The columns of *rows*, whose shapes are *shapes*."""
    if shapes.complete and rows:
        seen = columns_of_complete(shapes)
    else:
        counts = Counter(chain.from_iterable(rows))
        seen = columns_of_kinds({name: (shapes.kinds[name], count < len(rows)) for name, count in counts.items()})
    measures = {name: measure_of(rows, name, seen.columns[name].types) for name in seen.measured}
    if not measures:
        return Columns(len(rows), seen.columns)
    return Columns(len(rows), {**seen.columns, **{name: attrs.evolve(seen.columns[name], measure=found) for name, found in measures.items()}})


@attrs.frozen
class Unmeasured:
    """Columns by the types of their values alone, and which of them have sizes."""

    columns: dict[str, Column]
    measured: list[str]


@lru_cache(REMEMBERED)
def columns_of_complete(shapes: Shapes) -> Unmeasured:
    """The columns of rows that all have each of them: the same objects again and again, as chunks of a table are mostly alike."""
    return columns_of_kinds({name: (kinds, False) for name, kinds in shapes.kinds.items()})


def columns_of_kinds(kinds: Mapping[str, tuple[frozenset[type], bool]]) -> Unmeasured:
    """The columns with the names, types of values, and whether rows are without it, that *kinds* has."""
    columns = {str.__str__(name): column_of_kinds(of, missing=missing) for name, (of, missing) in kinds.items()}
    return Unmeasured(columns, [name for name, column in columns.items() if not column.types.isdisjoint(MEASURED)])


@lru_cache(256)
def column_of_kinds(kinds: frozenset[type], *, missing: bool) -> Column:
    """A column by the types of its values alone: the same object again and again, as chunks of a table are mostly alike."""
    types = frozenset(found for found in map(data_type_of, kinds) if found is not None)
    return Column(types, missing or type(None) in kinds)


def columns_of_arrow(schema: pa.Schema, rows: int) -> Columns:
    """The columns of *rows* rows of Arrow data; a column is nullable if its field is."""
    return Columns(rows, {field.name: column_of_arrow(field) for field in schema})


def column_of_arrow(field: pa.Field) -> Column:
    """A column of Arrow data."""
    data_type = arrow_data_type(field.type)
    types = frozenset() if data_type is None else frozenset({data_type})
    return Column(types, bool(field.nullable), measure_of_arrow(field.type))
