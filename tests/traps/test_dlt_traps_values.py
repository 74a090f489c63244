"""What dlt 1.31's custom destination does to values on their way, and that nothing of it happens here."""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pytest

import sinkkit
from sinkkit.errors import SourceError

ROWS = [{"n": number} for number in range(95)]


def through(rows, *, table=None, **options):
    """What a destination gets when *rows* are sent, in one call after another."""
    got = []

    @sinkkit.destination(**{"workers": 1, "batch_size": 1000, **options})
    def crm(items: list[dict], table):
        got.extend(items)

    sinkkit.pipeline("p", destination=crm, progress="off", dev_mode=True).run(rows, table_name=table)
    return got


def test_none_and_unusual_numbers_keep_their_keys():
    """None, NaN and the infinities arrive as they are."""
    [row] = through([{"none": None, "nan": math.nan, "inf": math.inf, "minus": -math.inf}])

    assert list(row) == ["none", "nan", "inf", "minus"]
    assert row["none"] is None
    assert math.isnan(row["nan"])
    assert [row["inf"], row["minus"]] == [math.inf, -math.inf]


def test_a_row_of_nothing_but_nulls():
    """It has its own keys and no others; an empty row has none."""
    assert through([{"a": None, "b": None}, {}]) == [{"a": None, "b": None}, {}]


def test_text_stays_text_and_naive_stays_naive():
    """What looks like a date, a number or an id is not touched, and no time zone is put on."""
    row = {
        "text": "2026-01-02T03:04:05Z",
        "day": "2026-01-02",
        "number": "007",
        "id": "12345678-1234-5678-1234-567812345678",
        "naive": datetime(2026, 1, 2, 3, 4, 5),  # noqa: DTZ001  # what is tested
        "uuid": UUID(int=7),
    }

    [got] = through([row])

    assert got == row
    assert [type(value) for value in got.values()] == [type(value) for value in row.values()]
    assert got["naive"].tzinfo is None


def test_values_that_databases_find_too_large():
    """Whole numbers of any size, decimals of any precision and sets arrive; what cannot is refused by table, row and column."""
    rows = [{"big": 2**80, "price": Decimal("1234567890123456789012345678901234567890.0123456789012345"), "tags": {"a", "b"}}]

    assert through(rows) == rows
    with pytest.raises(SourceError) as refused:
        through([{"tags": "a"}, {"tags": [object()]}], table="contacts")
    for part in ("contacts", "row 1", "tags", "object"):
        assert part in refused.value.message


def test_a_type_conflict_in_a_column():
    """Each row keeps its own value under its own key."""
    rows = [{"v": 1}, {"v": "x"}, {"v": 2.5}, {"v": [1]}, {"v": {"a": 1}}, {"v": None}]

    assert through(rows) == rows


@pytest.mark.parametrize("form", ["table", "batches", "reader"])
def test_arrow_input_for_a_function_that_wants_dicts(form):
    """It gets dicts."""
    table = pa.Table.from_pylist(ROWS)
    data = {"table": table, "batches": table.to_batches(max_chunksize=20), "reader": table.to_reader(max_chunksize=20)}[form]

    assert through(data) == ROWS
