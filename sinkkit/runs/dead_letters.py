"""Rejected rows as users see them: the row, where it stood, and why it was refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import attrs

from sinkkit.journal.records import RejectedRecord
from sinkkit.rows import Row
from sinkkit.schema.codec import decode

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types


@attrs.frozen(kw_only=True)
class RejectedRow:
    """A dead letter.

    Attributes:
        id: Stable over attempts.
        table: The row's table.
        index: Its number in the table, from 0, within its load package.
        row: The row as it was given.
        reason: The destination's own words.
        error: The name of the error's class, if one was raised.
        status: The HTTP status, if there was one.
        attempts: Calls made for it.
        rejected_at: When it was refused, UTC.
        load_id: Its load package.
    """

    id: str
    table: str
    index: int
    row: Row
    reason: str
    error: str | None
    status: int | None
    attempts: int
    rejected_at: datetime
    load_id: str


class RejectedRows(Iterable[RejectedRow]):
    """Dead letters of a pipeline, read as they are iterated."""

    def __init__(self, records: Iterable[RejectedRecord]) -> None:
        self._records = records

    def __iter__(self) -> Iterator[RejectedRow]:
        return (_letter(record) for record in self._records)

    def to_arrow(self) -> pa.Table:
        """All of them as one Arrow table; the row as JSON text."""
        import pyarrow as pa

        return pa.Table.from_pylist([_columns(record) for record in self._records], schema=_arrow_schema())


def _letter(record: RejectedRecord) -> RejectedRow:
    values = attrs.asdict(record)
    (row,) = decode([record.row])
    return RejectedRow(**{**values, "row": row, "rejected_at": _time(record.rejected_at)})


def _columns(record: RejectedRecord) -> dict[str, Any]:
    values = attrs.asdict(record)
    return {**values, "row": record.row.decode(), "rejected_at": _time(record.rejected_at)}


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _arrow_schema() -> pa.Schema:
    import pyarrow as pa

    texts = dict.fromkeys(("id", "load_id", "table", "row", "reason", "error"), pa.string())
    numbers = dict.fromkeys(("index", "status", "attempts"), pa.int64())
    return pa.schema({**texts, **numbers, "rejected_at": pa.timestamp("us", "UTC")})
