"""Batches by size: no more bytes than allowed, as sent, and no fewer rows than fit."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import finish, world

import sinkkit
from sinkkit import RetryLater
from sinkkit.declaration.client.json_body import to_json as encoded

VALUES = st.one_of(
    st.text(max_size=30),
    st.integers(),
    st.none(),
    st.datetimes(timezones=st.just(UTC)),
    st.decimals(allow_nan=False, allow_infinity=False, places=2),
    st.uuids(),
    st.lists(st.text(max_size=5), max_size=3),
)


@given(
    values=st.lists(VALUES, min_size=1, max_size=40),
    size=st.integers(1, 12),
    limit=st.integers(1, 300),
    file_rows=st.sampled_from([7, 1000]),
    failing=st.sets(st.integers(0, 9), max_size=3),
)
def test_batches_are_as_large_as_allowed(*, values, size, limit, file_rows, failing):
    """Each batch, as JSON, is within the limit or one row; the next row would not have fitted; nothing is lost or twice over failures and resumes."""
    calls = []

    @sinkkit.destination(batch_size=size, batch_bytes=limit, workers=1, durability="process")
    def sink(items: list[dict]):
        calls.append(items)
        if len(calls) - 1 in failing:
            raise RetryLater("busy")

    rows = [{"id": n, "value": value} for n, value in enumerate(values)]
    with world() as here:
        finish(lambda: here.pipeline(sink, max_file_rows=file_rows).run(rows, table_name="t"), lambda _: here.pipeline(sink).resume())
    batches = [call for n, call in enumerate(calls) if n not in failing]

    assert [row["id"] for batch in batches for row in batch] == list(range(len(rows)))
    assert [batch for batch in batches if len(batch) > 1 and len(encoded(batch)) > limit] == []
    starts = [batch[0]["id"] for batch in batches]
    roomy = [
        before
        for before, after in zip(batches, starts[1:], strict=False)
        if len(before) < size and after % file_rows and len(encoded([*before, rows[after]])) <= limit
    ]
    assert roomy == []


@pytest.mark.parametrize("limit", ["1KB", 1024])
def test_the_limit_can_be_written_with_a_unit(limit, monkeypatch):
    """From config, "1KB" is 1,000 bytes and a number is a number of bytes."""
    sizes = []

    @sinkkit.destination(batch_size=1000)
    def sized(items):
        sizes.append(len(json.dumps(items, separators=(",", ":"))))

    monkeypatch.setenv("DESTINATION__SIZED__BATCH_BYTES", str(limit))
    with world() as here:
        here.pipeline(sized).run([{"n": n} for n in range(500)], table_name="t")

    assert max(sizes) in range(980, 1025)
    assert len(sizes) > 3


def test_arrow_rows_are_measured_as_they_rest():
    """Arrow batches stay within the limit by the bytes of their values."""
    batches = []

    @sinkkit.destination(batch_size=1000, batch_bytes=4000)
    def sink(items: pa.Table):
        batches.append(items)

    data = pa.table({
        "n": range(300), "text": ["x" * (n % 90) for n in range(300)], "flag": [n % 2 == 0 for n in range(300)],
        "when": [datetime(2024, 1, 1, tzinfo=UTC)] * 300, "tags": [["a", "b"]] * 300,
    })  # fmt: skip
    with world() as here:
        here.pipeline(sink).run(data, table_name="t")

    assert sorted(n for batch in batches for n in batch["n"].to_pylist()) == list(range(300))
    assert [batch for batch in batches if batch.get_total_buffer_size() > 40_000] == []
    assert len(batches) > 3


def test_dicts_of_arrow_rows_are_measured_as_dicts():
    """Where a function takes dicts, their JSON is what counts, although the rows rest as Arrow data."""
    sizes = []

    @sinkkit.destination(batch_size=1000, batch_bytes=500, loader_file_format="parquet")
    def sink(items: list[dict]):
        sizes.append(len(encoded(items)))

    with world() as here:
        here.pipeline(sink).run(pa.table({"a long name of a column": range(300)}), table_name="t")

    assert max(sizes) in range(450, 501)


def test_values_that_json_does_not_know_are_measured_as_they_are_sent():
    """Times, decimals and ids count with the bytes they take in the request, not with those they take at rest."""
    calls = []
    row = {"when": datetime(2024, 1, 1, tzinfo=UTC), "price": Decimal("1.50"), "id": UUID(int=1)}

    @sinkkit.destination(batch_size=100, batch_bytes=len(encoded([row] * 7)), workers=1)
    def sink(items):
        calls.append(len(items))

    with world() as here:
        here.pipeline(sink).run([row] * 21, table_name="t")

    assert calls == [7, 7, 7]
