"""Rows as Arrow tables and back, without loss; what the other side cannot hold is refused by name."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sinkkit.errors import SchemaError
from sinkkit.rows import Row
from sinkkit.schema.encoding.json_text import json_array

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

MOST_LEVELS = 64
"""Levels of nesting that Arrow data may have; its files hold no more, and it does not survive a value that contains itself."""

NESTED = (Mapping, list, tuple, set, frozenset)

HELD: frozenset[type] = frozenset({str, bool, int, bytes})
"""Types of which Arrow holds a whole column of one kind exactly, or refuses it by itself."""


def table_of(rows: list[Row], *, table: str = "", first_row: int = 0, as_json: Container[str] = ()) -> pa.Table:
    """*rows* as an Arrow table with every column that occurs in any of them; a missing key is null.

    Args:
        rows: The rows; they are not changed.
        table: Their table, for errors.
        first_row: The number of the first of them in its table, counted from 0, for errors.
        as_json: Columns whose values become JSON text.

    Raises:
        SchemaError: If Arrow cannot hold a column as it is; names table, column and row.
    """
    import pyarrow as pa

    names = list(rows[0]) if rows else []
    if any(row.keys() != rows[0].keys() for row in rows):
        names = list(dict.fromkeys(name for row in rows for name in row))
    arrays = {}
    for name in names:
        check_name(name, table)
        values = [row.get(name) for row in rows]
        if name in as_json:
            arrays[name] = json_array(values, table=table, column=name, first_row=first_row)
            continue
        kinds = set(map(type, values)) - {type(None)}
        if any(issubclass(kind, NESTED) for kind in kinds) and (deep := first_deep(values)) is not None:
            reason = f"its value is nested more than {MOST_LEVELS} levels deep, or contains itself"
            raise refused(reason, table=table, column=name, row=first_row + deep)
        try:
            arrays[name] = pa.array(values)
        except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
            raise not_held(values, error, table=table, column=name, first_row=first_row) from error
        if not (len(kinds) <= 1 and kinds <= HELD) and not same(values, kept := given_back(arrays[name])):
            at = next(index for index, value in enumerate(values) if not same(value, kept[index]))
            reason = f"its value of type {type(values[at]).__name__} would be changed"
            raise refused(reason, table=table, column=name, row=first_row + at)
    return pa.table(arrays) if arrays else pa.table({"": pa.nulls(len(rows))}).select([])


def check_name(name: Any, table: str) -> None:
    """Refuse what cannot be the name of an Arrow column."""
    if not isinstance(name, str):
        raise SchemaError(f"table {table!r}: the column name {name!r} is of type {type(name).__name__}", hint="names of columns are str")
    if any("\ud800" <= letter <= "\udfff" for letter in name):
        raise SchemaError(f"table {table!r}: the column name {name!r} holds half a character, which Arrow cannot write", hint="rename it")


def given_back(array: pa.Array) -> list[Any]:
    """The values of *array* as Python has them; None in place of those that it cannot have, such as moments after the year 9999 in UTC."""
    try:
        values: list[Any] = array.to_pylist()
    except (OverflowError, ValueError):
        values = [next(iter(given_back(array[at : at + 1])), None) if len(array) > 1 else None for at in range(len(array))]
    return values


def first_deep(values: Iterable[Any]) -> int | None:
    """The position of the first of *values* that is nested too deeply; None if none is."""
    return next((at for at, value in enumerate(values) if is_deep(value, MOST_LEVELS)), None)


def is_deep(value: Any, levels: int) -> bool:
    """Whether *value* has more than so many *levels*: itself, what is in it, what is in that; a list has always something in it, to Arrow."""
    if levels == 0 or not isinstance(value, NESTED):
        return levels == 0
    if isinstance(value, Mapping):
        return any(is_deep(inner, levels - 1) for inner in value.values())
    return any(is_deep(inner, levels - 1) for inner in value or (None,))


def same(given: Any, kept: Any) -> bool:
    """Whether Arrow's *kept* is what was *given*: NaN is NaN, a list may stand for a tuple or a set, a missing key is null."""
    if given is kept:
        return True
    if isinstance(given, float):
        return isinstance(kept, int | float) and (given == kept or (math.isnan(given) and math.isnan(kept)))
    if isinstance(given, Mapping):
        return (
            isinstance(kept, dict)
            and given.keys() <= kept.keys()
            and all(same(given.get(name), item) for name, item in kept.items())
        )
    if isinstance(given, list | tuple | set | frozenset):
        return isinstance(kept, list) and len(given) == len(kept) and all(map(same, given, kept))
    return bool(given == kept)


def not_held(values: list[Any], error: Exception, *, table: str, column: str, first_row: int) -> SchemaError:
    """The error for a column that Arrow does not take, naming the first row at which it stops."""
    import pyarrow as pa

    low, high = 0, len(values)
    while low < high:  # the shortest beginning that Arrow refuses
        middle = (low + high) // 2
        try:
            pa.array(values[: middle + 1])
        except (pa.ArrowException, OverflowError, TypeError, ValueError):
            high = middle
        else:
            low = middle + 1
    reason = f"Arrow does not take its value of type {type(values[low]).__name__} ({type(error).__name__})"
    return refused(reason, table=table, column=column, row=first_row + low)


def refused(reason: str, *, table: str, column: str, row: int) -> SchemaError:
    """The error for a value that Arrow cannot hold."""
    return SchemaError(
        f"table {table!r}, row {row} (counted from 0), column {column!r} cannot become an Arrow column: {reason}",
        hint='give the column values of one type, or keep rows as they are with loader_file_format="jsonl"',
    )


def rows_of(data: pa.Table | pa.RecordBatch, *, table: str = "") -> list[Row]:
    """Arrow data as rows of Python values, exact.

    Times of nanoseconds become datetimes, which hold microseconds.

    Raises:
        SchemaError: If a value cannot be held by Python as it is (nanoseconds that are not whole microseconds, years beyond
            9999), or two columns have one name; names the column.
    """
    import pyarrow as pa

    names = data.schema.names
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SchemaError(f"table {table!r} has two columns {twice!r}", hint="rename one of them")
    if not names:
        return [{} for _ in range(data.num_rows)]
    values = []
    for name, kind in zip(names, data.schema.types, strict=True):
        column = data.column(name)
        wanted = microseconds(kind)
        try:
            values.append((column if wanted.equals(kind) else column.cast(wanted, safe=True)).to_pylist())
        except (pa.ArrowException, OverflowError, ValueError) as error:
            raise SchemaError(
                f"table {table!r}, column {name!r} of type {kind} cannot become Python values without loss: {error}",
                hint="annotate the function's items as pyarrow.Table, or round the column",
            ) from error
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def microseconds(kind: pa.DataType) -> pa.DataType:
    """*kind* with nanoseconds replaced by microseconds, at any depth."""
    import pyarrow as pa

    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return pa.timestamp("us", kind.tz)
    if pa.types.is_duration(kind) and kind.unit == "ns":
        return pa.duration("us")
    if pa.types.is_time64(kind) and kind.unit == "ns":
        return pa.time64("us")
    return rebuilt(kind, microseconds)


def without_dictionaries(kind: pa.DataType) -> pa.DataType:
    """*kind* with dictionary-encoded types replaced by those of their values, and views by what they view, at any depth."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return without_dictionaries(kind.value_type)
    if pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_binary_view(kind):
        return pa.binary()
    return rebuilt(kind, without_dictionaries)


def rebuilt(kind: pa.DataType, change: Any) -> pa.DataType:
    """*kind* with *change* applied to the types inside it."""
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(change(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(change(kind.key_type), kind.item_field.with_type(change(kind.item_type)))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(kind.value_field.with_type(change(kind.value_type)), kind.list_size)
    if pa.types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(change(kind.value_type)))
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(change(kind.value_type)))
    return change(kind.value_type) if pa.types.is_dictionary(kind) else kind


def plain_table(data: pa.Table, *, table: str) -> pa.Table:
    """*data* with dictionary-encoded columns as their values: their dictionaries could not change within a file.

    Raises:
        SchemaError: If Arrow cannot convert a column; names it.
    """
    import pyarrow as pa

    if not any(depends_on_dictionary(kind) for kind in data.schema.types):
        return data
    fields: Iterable[pa.Field] = (field.with_type(without_dictionaries(field.type)) for field in data.schema)
    try:
        return with_plain_values(data).cast(pa.schema(fields, metadata=data.schema.metadata))
    except pa.ArrowException as error:
        raise SchemaError(f"table {table!r}: {error}", hint="give dictionary-encoded columns as their values") from error


def with_plain_values(data: pa.Table) -> pa.Table:
    """*data* with the values of its dictionary-encoded columns as a type that Arrow can take them out of, which views are not."""
    import pyarrow as pa

    for at, field in enumerate(data.schema):
        if pa.types.is_dictionary(field.type) and depends_on_dictionary(field.type.value_type):
            plain = without_dictionaries(field.type)
            chunks = [pa.DictionaryArray.from_arrays(c.indices, c.dictionary.cast(plain)) for c in data.column(at).chunks]
            kind = pa.dictionary(field.type.index_type, plain, ordered=False)
            data = data.set_column(at, field.name, pa.chunked_array(chunks, type=kind))
    return data


def depends_on_dictionary(kind: pa.DataType) -> bool:
    """Whether a dictionary-encoded type is in *kind*."""
    return not without_dictionaries(kind).equals(kind)
