"""Values of a column that was said to be ``json`` as JSON text, where rows rest as Arrow: its columns hold one shape, JSON any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from sinkkit.errors import SchemaError
from sinkkit.schema.encoding.codec import ENCODER

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types


def json_array(values: list[Any], *, table: str, column: str, first_row: int) -> pa.Array:
    """*values* as texts that give them back when they are read as JSON; None is null.

    Raises:
        SchemaError: If JSON does not hold a value as it is, such as NaN, bytes or a date; names table, column and row.
    """
    import pyarrow as pa

    return pa.array([_text(value, table, column, first_row + at) for at, value in enumerate(values)], pa.string())


def _text(value: Any, table: str, column: str, row: int) -> str | None:
    if value is None:
        return None
    try:
        text = ENCODER.encode(value)
        kept = msgspec.json.decode(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise _refused(table, column, row, type(error).__name__) from error
    if kept != value:
        raise _refused(table, column, row, "it would be changed")
    return text.decode()


def _refused(table: str, column: str, row: int, why: str) -> SchemaError:
    return SchemaError(
        f"table {table!r}, row {row} (counted from 0), column {column!r} was said to be json and JSON does not hold its value: {why}",
        hint='give nothing in it but dicts with text keys, lists, text, finite numbers, True, False and None, or use loader_file_format="jsonl"',
    )
