"""Receipts as users see them: the ids that a destination gave to rows, as one Arrow table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from sinkkit.runs.rejected.dead_letters import moment

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

ROWS_A_BATCH = 10_000


def receipts_table(receipts: Iterable[Mapping[str, Any]]) -> pa.Table:
    """*receipts* as the journal gives them in columns ``load_id``, ``table``, ``index``, ``receipt``, ``delivered_at`` (UTC; null if it was not kept)."""
    import pyarrow as pa

    schema = pa.schema(
        {
            "load_id": pa.string(),
            "table": pa.string(),
            "index": pa.int64(),
            "receipt": pa.string(),
            "delivered_at": pa.timestamp("us", "UTC"),
        }
    )
    line = iter(receipts)
    batches = []
    while some := [{**one, "delivered_at": _time(one["delivered_at"])} for one in islice(line, ROWS_A_BATCH)]:
        batches.append(pa.RecordBatch.from_pylist(some, schema=schema))
    return pa.Table.from_batches(batches, schema=schema)


def _time(seconds: float | None) -> Any:
    return None if seconds is None else moment(seconds)
