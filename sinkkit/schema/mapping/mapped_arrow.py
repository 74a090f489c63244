"""A mapping applied to Arrow data, a column at a time.

Renames, selections, constants, defaults, paths into structs and the casts that Arrow does as we do never become Python values. Other rules
look at the values of the columns that they take, and at no others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from sinkkit.errors import SchemaError, SourceError
from sinkkit.schema.arrow import microseconds, same
from sinkkit.schema.mapping.mapped_rows import refusal
from sinkkit.schema.mapping.paths import ABSENT, Parts, Unmappable, shown
from sinkkit.schema.mapping.rules import Rule, TableMapping

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types  # noqa: TC004  # heavy, and attrs does not evaluate annotations

FAILURES = (TypeError, ValueError, LookupError, OverflowError, RuntimeError)
"""What Arrow raises for values that it does not take; most of its own errors are among these."""


@attrs.frozen
class Piece:
    """Some rows of a table as Arrow data.

    Attributes:
        data: The rows.
        table: Their table, for errors.
        first_row: The number of the first of them in its table, counted from 0, for errors.
        types: Field to the type that it had in earlier pieces: where Arrow infers types from values, pieces shall not differ without need.
    """

    data: pa.RecordBatch | pa.Table
    table: str
    first_row: int
    types: dict[str, Any]

    def where(self, index: int, field: str) -> str:
        """What errors call a field of a row."""
        return f"table {self.table!r}, row {self.first_row + index} (counted from 0), field {field!r} of the mapping"

    def whole(self, field: str) -> str:
        """What errors call a field of all rows."""
        return f"table {self.table!r}, field {field!r} of the mapping"


def map_arrow(mapping: TableMapping, data: pa.RecordBatch | pa.Table, *, table: str, first_row: int, types: dict[str, Any]) -> pa.Table:
    """*data*, mapped. A field that a row may lack is null there, as Arrow has no other way to say it.

    Args:
        mapping: The rules.
        data: Arrow data.
        table: Its table, for errors.
        first_row: The number of its first row, for errors.
        types: What is remembered of the types of fields from one piece of the table to the next; empty for the first.

    Raises:
        SourceError: If a column is missing, or a value cannot be cast; it names table, field and, where one is to blame, row.
        SchemaError: If Arrow cannot hold what a rule makes.
    """
    import pyarrow as pa

    piece = Piece(data, table, first_row, types)
    names = data.schema.names
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SchemaError(f"table {table!r} has two columns {twice!r}", hint="rename one of them")
    removed = mapping.removed
    columns = {name: data.column(name) for name in names if name not in removed} if mapping.keep else {}
    fields = {name: data.schema.field(name) for name in columns}
    for rule in mapping.rules:
        column = mapped_column(rule, piece)
        if column is None:
            continue
        columns[rule.target] = column
        same = rule.column in names and data.schema.field(rule.column).type == column.type
        fields[rule.target] = data.schema.field(rule.column).with_name(rule.target) if same else pa.field(rule.target, column.type)
    return pa.table(list(columns.values()), schema=pa.schema(list(fields.values())))


def mapped_column(rule: Rule, piece: Piece) -> Any:
    """The column of a rule; None if there is none and the rows may lack it."""
    if rule.is_const:
        return repeated(rule.const, piece, rule.target)
    column = reached(piece.data, rule.parts) if rule.parts else None
    if column is not None:
        cast = column if rule.cast is None else cast_column(column, rule.cast)
        return by_rows(rule, piece) if cast is None else filled(cast, rule, piece)
    there = not rule.parts or (len(rule.parts) > 1 and rule.parts[0] in piece.data.schema.names)
    return by_rows(rule, piece) if there else lacking(rule, piece)


def filled(column: Any, rule: Rule, piece: Piece) -> Any:
    """The column with the rule's default in place of nulls."""
    import pyarrow as pa

    if rule.default is ABSENT or rule.default is None or not column.null_count:
        return column
    if pa.types.is_null(column.type):
        return repeated(rule.default, piece, rule.target)
    try:
        return column.fill_null(pa.scalar(rule.default, column.type))
    except FAILURES:
        reason = f"its default of type {type(rule.default).__name__} does not go into a column of type {column.type}"
        raise SourceError(f"{piece.whole(rule.target)}: {reason}", hint="give another default, or a cast") from None


def lacking(rule: Rule, piece: Piece) -> Any:
    """The column of a rule whose source no row has."""
    if rule.default is not ABSENT:
        return repeated(rule.default, piece, rule.target)
    if rule.droppable:
        return None
    raise refusal(Unmappable(f"there is no column {shown(rule.parts)!r}", missing=rule.parts), piece.whole(rule.target))


def repeated(value: Any, piece: Piece, field: str) -> Any:
    """A column that holds *value* in every row."""
    return as_array([value], piece, field).take(zeros(piece.data.num_rows))


def zeros(count: int) -> Any:
    """So many zeros, as positions to take."""
    import pyarrow as pa

    return pa.repeat(pa.scalar(0, pa.int64()), count)


def reached(data: Any, parts: Parts) -> Any:
    """The column at a path of structs, as Arrow data; None if the path does not lead there by structs alone."""
    import pyarrow as pa
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # as above

    if parts[0] not in data.schema.names:
        return None
    column = data.column(parts[0])
    for part in parts[1:]:
        kind = column.type
        if not pa.types.is_struct(kind) or kind.get_field_index(part) < 0:
            return None
        column = pc.struct_field(column, kind.get_field_index(part))
    return column


def cast_column(column: Any, name: str) -> Any:
    """The column in another type by Arrow's own means, where they agree with ``casts``; None where they do not, or fail."""
    import pyarrow as pa

    kind = column.type
    found = next((wanted for wanted, fits in arrow_casts(name) if any(fit(kind) for fit in fits)), None)
    if found is None:
        return None
    try:
        return column if kind == found else column.cast(found, safe=True)
    except pa.ArrowException:
        return None


def arrow_casts(name: str) -> list[tuple[Any, tuple[Callable[[Any], Any], ...]]]:
    """The type that Arrow casts into for ``cast=name``, and tests for the types from which it does so as we do."""
    from pyarrow import bool_, float64, int64, string, types

    text = (types.is_string, types.is_large_string)
    known: dict[str, list[tuple[Any, tuple[Callable[[Any], Any], ...]]]] = {
        "text": [(string(), (*text, types.is_integer, types.is_boolean))],
        "bigint": [(int64(), (types.is_integer, types.is_boolean))],
        "double": [(float64(), (types.is_floating, types.is_integer))],
        "bool": [(bool_(), (types.is_boolean,))],
    }
    return known.get(name, [])


def by_rows(rule: Rule, piece: Piece) -> Any:
    """The column of a rule, from Python values of the columns that it takes."""
    import pyarrow as pa

    taken = [name for name in piece.data.schema.names if name in columns_of(rule)]
    columns = {name: python_values(piece.data.column(name), piece, name) for name in taken}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)] if columns else [{}] * piece.data.num_rows
    values = []
    for index, row in enumerate(rows):
        try:
            value = rule.of(row)
        except Unmappable as error:
            raise refusal(error, piece.where(index, rule.target)) from None
        values.append(None if value is ABSENT else value)
    array = as_array(values, piece, rule.target, "text" if rule.template and rule.cast is None else rule.cast)
    return pa.chunked_array([array]) if isinstance(piece.data, pa.Table) else array


def python_values(column: Any, piece: Piece, name: str) -> list[Any]:
    """A column as Python values, exact."""
    import pyarrow as pa

    wanted = microseconds(column.type)
    try:
        values: list[Any] = (column if wanted.equals(column.type) else column.cast(wanted, safe=True)).to_pylist()
    except (pa.ArrowException, OverflowError, ValueError) as error:
        raise SchemaError(
            f"table {piece.table!r}, column {name!r} of type {column.type} cannot become Python values without loss: {error}",
            hint="round the column, or take it as it is",
        ) from error
    return values


def columns_of(rule: Rule) -> list[str]:
    """The columns that a rule looks at."""
    inner = [name for field in rule.fields for name in columns_of(field)]
    template = [field.parts[0] for field in rule.template.fields if field.parts] if rule.template else []
    return [*rule.parts[:1], *template, *inner]


def as_array(values: list[Any], piece: Piece, field: str, cast: str | None = None) -> Any:
    """Python values as an Arrow array: of the type that *field* had before, else of that which a *cast* stands for, else of any that fits."""
    import pyarrow as pa

    wanted, before = type_of(cast), piece.types.get(field)
    try:
        array = pa.array(values, wanted)
    except FAILURES as error:
        if wanted is not None:
            return as_array(values, piece, field)
        raise SchemaError(
            f"{piece.whole(field)}: Arrow cannot hold what it makes ({type(error).__name__})",
            hint="give it a cast, or rows instead of Arrow data",
        ) from error
    if before is not None and before != array.type:
        array = retyped(values, before) or array
    piece.types[field] = array.type
    return array


def retyped(values: list[Any], kind: Any) -> Any:
    """Python values as an array of type *kind*; None if that would change one."""
    import pyarrow as pa

    try:
        array = pa.array(values, kind)
    except FAILURES:
        return None
    return array if same(values, array.to_pylist()) else None


def type_of(cast: str | None) -> Any:
    """The Arrow type that *cast* stands for, where it is always the same one."""
    import pyarrow as pa

    known = {"text": pa.string, "bigint": pa.int64, "double": pa.float64, "bool": pa.bool_, "date": pa.date32, "binary": pa.binary}
    return known[cast]() if cast in known else None
