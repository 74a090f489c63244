"""What batches are chosen by, without the rows themselves: the values of one column, and sizes in bytes as sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sinkkit.package.reader import JobReader
from sinkkit.rows import Row

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

def column_of(job: JobReader, rows: Sequence[int], column: str) -> list[Any]:
    """The value of *column* in each of *rows*; None where a row does not have it.

    Raises:
        PackageCorrupted: If a chunk concerned is not what was written.
    """
    if job.file.format == "jsonl":
        return [row.get(column) for row in job.read(rows)]
    data = job.arrow(rows)
    if column not in data.schema.names:
        return [None] * len(rows)
    found: list[Any] = data.column(column).to_pylist()
    return found


def sizes_of(job: JobReader, rows: Sequence[int], encode: Callable[[Row], bytes] | None) -> list[int]:
    """The bytes of each of *rows* as *encode* writes it; None: in memory, as Arrow data.

    Raises:
        PackageCorrupted: If a chunk concerned is not what was written.
    """
    if encode is not None:
        return [len(encode(row)) for row in job.read(rows)]
    return arrow_sizes(job.arrow(rows))


def arrow_sizes(data: pa.Table | pa.RecordBatch) -> list[int]:
    """The bytes that each row takes as Arrow data."""
    import pyarrow as pa
    from pyarrow import compute

    total: Any = pa.array([0] * data.num_rows, pa.int64())
    for column in data.columns:
        kind = column.type
        if pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
            sizes = compute.add(compute.fill_null(compute.binary_length(column), 0).cast(pa.int64()), 4)
        elif pa.types.is_primitive(kind):
            sizes = pa.scalar(max(1, kind.bit_width // 8), pa.int64())
        else:
            sizes = pa.array([column.slice(row, 1).nbytes for row in range(data.num_rows)], pa.int64())
        total = compute.add(total, sizes)
    found: list[int] = total.to_pylist()
    return found
