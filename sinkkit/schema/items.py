"""The forms in which a function may ask for its rows."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sinkkit.errors import ConfigError
from sinkkit.optional import require
from sinkkit.rows import Row

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types


class ItemsKind(StrEnum):
    """What ``items`` holds."""

    ROWS = "list[dict]"
    TABLE = "pyarrow.Table"
    RECORD_BATCH = "pyarrow.RecordBatch"
    PANDAS = "pandas.DataFrame"
    POLARS = "polars.DataFrame"
    PATH = "pathlib.Path"


def from_rows(kind: ItemsKind, rows: list[Row], *, table: str = "") -> Any:
    """*rows* in the form *kind*.

    Raises:
        SchemaError: If Arrow cannot hold them, where the form needs it; names the column.
        ConfigError: If pandas or polars is asked for and not installed, or a path is asked for.
    """
    if kind is ItemsKind.ROWS:
        return rows
    from sinkkit.schema.arrow import table_of

    return from_arrow(kind, table_of(rows, table=table), table=table)


def from_arrow(kind: ItemsKind, data: pa.Table | pa.RecordBatch, *, table: str = "") -> Any:
    """Arrow *data* in the form *kind*; tables, record batches and polars frames share its memory.

    Raises:
        SchemaError: If rows are asked for and Python cannot hold a value exactly; names the column.
        ConfigError: If pandas or polars is asked for and not installed, or a path is asked for.
    """
    return CONVERSIONS[kind](data, table)


def as_rows(data: Any, table: str) -> list[Row]:
    """Rows of Python values."""
    from sinkkit.schema.arrow import rows_of

    return rows_of(data, table=table)


def as_table(data: Any, _table: str) -> pa.Table:
    """A table, of the same memory."""
    import pyarrow as pa

    return data if isinstance(data, pa.Table) else pa.Table.from_batches([data])


def as_record_batch(data: Any, _table: str) -> pa.RecordBatch:
    """One record batch: of the same memory, if the data is in one piece."""
    import pyarrow as pa

    if isinstance(data, pa.RecordBatch):
        return data
    batches = data.combine_chunks().to_batches()
    if len(batches) == 1:
        return batches[0]
    return pa.RecordBatch.from_arrays([pa.array([], kind) for kind in data.schema.types], schema=data.schema)


def as_pandas(data: Any, _table: str) -> Any:
    """A pandas frame; whole numbers beside nulls stay whole, in a column of objects, as floats could not hold them."""
    require("pandas", extra="pandas")
    return data.to_pandas(integer_object_nulls=True)


def as_polars(data: Any, _table: str) -> Any:
    """A polars frame."""
    return require("polars", extra="polars").from_arrow(data)


def as_path(_data: Any, table: str) -> Any:
    """No path can be made of rows.

    Raises:
        ConfigError: Always.
    """
    raise ConfigError(
        f"a part of table {table!r} cannot be given as a path", hint="set batch_size=0 for a function that takes a pathlib.Path"
    )


CONVERSIONS: dict[ItemsKind, Callable[[Any, str], Any]] = {
    ItemsKind.ROWS: as_rows,
    ItemsKind.TABLE: as_table,
    ItemsKind.RECORD_BATCH: as_record_batch,
    ItemsKind.PANDAS: as_pandas,
    ItemsKind.POLARS: as_polars,
    ItemsKind.PATH: as_path,
}
