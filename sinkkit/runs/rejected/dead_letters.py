"""Rejected rows as users see them: the row, where it stood, and why it was refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import attrs

from sinkkit.journal.records import RejectedRecord
from sinkkit.rows import Row
from sinkkit.schema.encoding.codec import decode

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types


ROWS_A_BATCH = 10_000


@attrs.frozen(kw_only=True)
class RejectedRow:
    """A dead letter.

    Attributes:
        id: Stable over attempts, those of replays included.
        table: The row's table.
        index: Its number in the table, from 0, within its load package.
        row: The row as it was given, or as it was edited for a replay.
        reason: The destination's own words.
        error: The name of the error's class, if one was raised.
        status: The HTTP status, if there was one.
        attempts: Calls made for it, those of replays included.
        rejected_at: When it was refused, UTC.
        load_id: Its load package.
        destination_name: The destination that its package was for; None once the package is forgotten.
        replay: The load package that is sending it again; None if none is.
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
    destination_name: str | None = None
    replay: str | None = None


class RejectedRows(Iterable[RejectedRow]):
    """Dead letters of a pipeline, read anew each time that they are iterated, a portion at a time.

    Args:
        read: Gives the records.
    """

    def __init__(self, read: Callable[[], Iterable[RejectedRecord]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[RejectedRow]:
        return (_letter(record) for record in self._read())

    def to_arrow(self) -> pa.Table:
        """All of them as one Arrow table; the row as JSON text."""
        import pyarrow as pa

        schema, line = _arrow_schema(), iter(self._read())
        batches = []
        while some := [_columns(record) for record in islice(line, ROWS_A_BATCH)]:
            batches.append(pa.RecordBatch.from_pylist(some, schema=schema))
        return pa.Table.from_batches(batches, schema=schema)


def _letter(record: RejectedRecord) -> RejectedRow:
    (row,) = decode([record.row])
    return RejectedRow(
        id=record.id,
        table=record.table,
        index=record.index,
        row=row,
        reason=record.reason,
        error=record.error,
        status=record.status,
        attempts=record.attempts,
        rejected_at=moment(record.rejected_at),
        load_id=record.load_id,
        destination_name=record.destination,
        replay=record.taken_by,
    )


def _columns(record: RejectedRecord) -> dict[str, Any]:
    return {**attrs.asdict(record), "row": record.row.decode(), "rejected_at": moment(record.rejected_at)}


def moment(seconds: float) -> datetime:
    """Seconds since the epoch as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def _arrow_schema() -> pa.Schema:
    import pyarrow as pa

    texts = dict.fromkeys(("id", "load_id", "table", "row", "reason", "error"), pa.string())
    numbers = dict.fromkeys(("index", "status", "attempts"), pa.int64())
    return pa.schema({**texts, **numbers, "rejected_at": pa.timestamp("us", "UTC")})
