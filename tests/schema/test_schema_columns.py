"""Columns inferred from rows and Arrow schemas, a chunk at a time."""

from __future__ import annotations

import enum
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.rows import TableSchema
from sinkkit.schema.columns.columns import Columns, columns_of, columns_of_arrow
from sinkkit.schema.columns.data_types import NAMES, wider
from sinkkit.schema.shapes import shapes_of


def seen(rows):
    """The columns of *rows*."""
    return columns_of(rows, shapes_of(rows))


@pytest.mark.parametrize(
    ("value", "data_type"),
    [
        ("x", "text"),
        (UUID(int=1), "text"),
        (1, "bigint"),
        (2**80, "bigint"),
        (np.int32(1), "bigint"),
        (enum.IntEnum("Level", "LOW").LOW, "bigint"),
        (1.5, "double"),
        (np.float32(1), "double"),
        (True, "bool"),
        (np.bool_(1), "bool"),
        (np.datetime64(1, "ns"), "timestamp"),
        (np.timedelta64(1, "ns"), "interval"),
        (Decimal(1), "decimal"),
        (datetime(2026, 1, 1, tzinfo=UTC), "timestamp"),
        (date(2026, 1, 1), "date"),
        (time(1), "time"),
        (timedelta(1), "interval"),
        (b"x", "binary"),
        (bytearray(b"x"), "binary"),
        ([1], "json"),
        ({"a": 1}, "json"),
        ((1,), "json"),
        ({1}, "json"),
        (None, "text"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_type_has_a_data_type(value, data_type):
    """A column's data type follows from the type of its values."""
    assert seen([{"a": value}]).described()["a"]["data_type"] == data_type


def test_columns_stand_in_the_order_in_which_they_appear():
    """Columns of later rows follow, and are nullable, as earlier rows were without them."""
    columns = seen([{"b": 1, "a": "x"}, {"a": "y", "c": None}]).merge(seen([{"d": 1.5, "b": 2}]))

    assert list(columns.described().items()) == [
        ("b", {"data_type": "bigint", "nullable": True}),
        ("a", {"data_type": "text", "nullable": True}),
        ("c", {"data_type": "text", "nullable": True}),
        ("d", {"data_type": "double", "nullable": True}),
    ]


def test_a_column_that_is_always_there_is_not_nullable():
    """Without None and without missing keys a column is not nullable, over any number of chunks."""
    columns = Columns().merge(seen([{"a": 1}])).merge(seen([])).merge(seen([{"a": 2.5}, {"a": 3}]))

    assert columns.rows == 3
    assert columns.described() == {"a": {"data_type": "double", "nullable": False}}


def test_what_the_user_says_wins():
    """Hints replace what was inferred and add what was not seen; the result makes a table."""
    described = seen([{"a": 1, "b": 2}]).described({"a": {"data_type": "text"}, "z": {"data_type": "date"}})
    table = TableSchema.of("t", described, primary_key=["b"])

    assert table["columns"]["a"] == {"name": "a", "data_type": "text", "nullable": False, "primary_key": False}
    assert table["columns"]["b"]["primary_key"] is True
    assert table["columns"]["z"]["data_type"] == "date"


def test_arrow_columns_have_data_types():
    """An Arrow schema gives the same data types, through dictionaries and extensions."""
    kinds = {
        "text": [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string()), pa.uuid(), pa.null()],
        "bigint": [pa.int8(), pa.uint64()],
        "double": [pa.float16(), pa.float64()],
        "bool": [pa.bool_()],
        "decimal": [pa.decimal128(5, 2), pa.decimal256(50, 2)],
        "timestamp": [pa.timestamp("ns", "UTC")],
        "date": [pa.date32(), pa.date64()],
        "time": [pa.time32("s"), pa.time64("ns")],
        "interval": [pa.duration("ns")],
        "binary": [pa.binary(), pa.binary(4), pa.large_binary()],
        "json": [pa.list_(pa.int8()), pa.struct([("a", pa.int8())]), pa.map_(pa.string(), pa.int8())],
    }
    for data_type, arrow_types in kinds.items():
        schema = pa.schema([(f"{at}", kind) for at, kind in enumerate(arrow_types)])
        assert [column["data_type"] for column in columns_of_arrow(schema, 1).described().values()] == [data_type] * len(
            arrow_types
        )


EAST = timezone(timedelta(hours=5))
NAIVE = datetime(1, 1, 1)  # noqa: DTZ001  a moment without a zone


@pytest.mark.parametrize(
    ("values", "described"),
    [
        ([Decimal("1.50"), Decimal(-123)], {"data_type": "decimal", "precision": 5, "scale": 2}),
        ([Decimal("0.05")], {"data_type": "decimal", "precision": 2, "scale": 2}),
        ([Decimal("1E+5")], {"data_type": "decimal", "precision": 6, "scale": 0}),
        ([Decimal(f"1E-{digits}") for digits in range(9)], {"data_type": "decimal", "precision": 9, "scale": 8}),
        ([Decimal("NaN"), Decimal("-Infinity"), Decimal("sNaN")], {"data_type": "decimal"}),
        ([Decimal("NaN"), Decimal("2.5"), None], {"data_type": "decimal", "precision": 2, "scale": 1}),
        ([Decimal("1.5"), 7], {"data_type": "decimal", "precision": 20, "scale": 1}),
        ([Decimal("1.5"), 7.5], {"data_type": "text"}),
        ([NAIVE], {"data_type": "timestamp", "precision": 6, "timezone": False}),
        ([datetime(1, 1, 1, tzinfo=EAST), datetime(9999, 12, 31, tzinfo=UTC)], {"data_type": "timestamp", "precision": 6, "timezone": True}),
        ([NAIVE, datetime(2026, 1, 1, tzinfo=EAST)], {"data_type": "timestamp", "precision": 6}),
        ([time(1), None], {"data_type": "time", "precision": 6}),
        ([10**400, -1], {"data_type": "bigint"}),
        (["\0", "\ud800"], {"data_type": "text"}),
        ([[1, "a", None], {"a": [float("nan")]}], {"data_type": "json"}),
    ],
    ids=str,
)
def test_decimals_and_times_are_measured(values, described):
    """A column of Decimals has the digits that hold all of them; one of times says how fine they are and whether they have zones."""
    found = seen([{"a": value} for value in values]).described()["a"]

    assert {key: value for key, value in found.items() if key != "nullable"} == described


def test_arrow_types_say_how_large_their_values_are():
    """Digits, zones and units of an Arrow schema are those of its columns."""
    kinds = {"a": pa.decimal128(12, 3), "b": pa.timestamp("ns", "UTC"), "c": pa.timestamp("s"), "d": pa.time32("ms"), "e": pa.decimal128(5, -2)}

    found = columns_of_arrow(pa.schema(list(kinds.items())), 1).described()

    assert [{key: value for key, value in column.items() if key not in {"data_type", "nullable"}} for column in found.values()] == [
        {"precision": 12, "scale": 3},
        {"precision": 9, "timezone": True},
        {"precision": 0, "timezone": False},
        {"precision": 3},
        {"precision": 7, "scale": 0},
    ]


def test_a_hint_of_another_data_type_takes_the_digits_away():
    """What was measured belongs to the data type that was inferred."""
    rows = seen([{"a": Decimal("1.50")}])

    assert rows.described({"a": {"data_type": "text"}})["a"] == {"data_type": "text", "nullable": False}
    assert rows.described({"a": {"scale": 9}})["a"] == {"data_type": "decimal", "nullable": False, "precision": 3, "scale": 9}


def test_five_thousand_columns():
    """A table may have thousands of columns, which later rows may not have."""
    wide = seen([{f"c{number}": number for number in range(5_000)}]).merge(seen([{"c1": "x"}]))

    assert len(wide.described()) == 5_000
    assert wide.described()["c1"] == {"data_type": "text", "nullable": False}


values = st.sampled_from(
    [
        *(None, "x", "\0", "\udc00", b"x", UUID(int=1), True, 1, 10**400, 1.5, Decimal(1), Decimal("-0.001"), Decimal("NaN")),
        *(date(2026, 1, 1), time(1), timedelta(1), NAIVE, datetime(9999, 12, 31, tzinfo=EAST), [1], [1, "a", None]),
    ]
)
chunks = st.lists(st.dictionaries(st.sampled_from("abc"), values), max_size=3).map(seen)
data_types = st.sampled_from([None, *NAMES])


@given(data_types, data_types, data_types)
def test_widening_has_no_order(one, two, three):
    """Data types widen to the same one in whatever order they meet, and holding more never makes a value fit less."""
    assert wider(wider(one, two), three) == wider(one, wider(two, three))
    assert wider(one, two) == wider(two, one)
    assert wider(one, one) == one
    assert wider(one, wider(one, two)) == wider(one, two)


@given(chunks, chunks, chunks)
def test_the_order_of_chunks_does_not_matter(one, two, three):
    """Merging is associative, idempotent and, but for the order of columns, commutative."""
    assert one.merge(two).merge(three).described() == one.merge(two.merge(three)).described()
    assert one.merge(two).described() == two.merge(one).described()
    assert one.merge(one).described() == one.described()


@given(st.lists(st.dictionaries(st.sampled_from("abc"), values), max_size=6), st.integers(0, 6))
def test_chunks_do_not_matter(rows, cut):
    """Columns are the same however rows were cut into chunks."""
    assert seen(rows[:cut]).merge(seen(rows[cut:])).described() == seen(rows).described()
