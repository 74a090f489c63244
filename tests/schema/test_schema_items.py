"""The forms in which rows are handed out, and what they cannot hold."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from sinkkit.errors import ConfigError, SchemaError
from sinkkit.optional import require
from sinkkit.schema.arrow import rows_of, table_of
from sinkkit.schema.items import ItemsKind, from_arrow, from_rows

ROWS = [{"a": 1, "b": "x"}, {"a": None, "c": Decimal("1.5"), "b": "y"}]


def test_rows_take_each_form():
    """Rows become tables, record batches and frames with every column that occurs in any row."""
    assert from_rows(ItemsKind.ROWS, ROWS) is ROWS
    kept = [{"a": 1, "b": "x", "c": None}, {"a": None, "b": "y", "c": Decimal("1.5")}]

    assert from_rows(ItemsKind.TABLE, ROWS).to_pylist() == kept
    batch = from_rows(ItemsKind.RECORD_BATCH, ROWS)
    assert type(batch) is pa.RecordBatch
    assert batch.to_pylist() == kept
    frame = from_rows(ItemsKind.PANDAS, ROWS)
    assert type(frame) is pd.DataFrame
    assert frame["a"].tolist() == [1, None]
    assert type(from_rows(ItemsKind.POLARS, ROWS)) is pl.DataFrame
    assert from_rows(ItemsKind.POLARS, ROWS)["b"].to_list() == ["x", "y"]


def test_whole_numbers_beside_nulls_stay_whole_in_pandas():
    """A number that a float could not hold survives a null in its column."""
    frame = from_rows(ItemsKind.PANDAS, [{"a": 2**62 + 1}, {"a": None}])

    assert frame["a"].tolist() == [2**62 + 1, None]


def test_arrow_data_takes_each_form():
    """A table or a record batch becomes any form; empty data keeps its columns."""
    table = pa.table({"a": [1, 2]})
    batch = table.to_batches()[0]

    assert from_arrow(ItemsKind.ROWS, batch) == [{"a": 1}, {"a": 2}]
    assert from_arrow(ItemsKind.TABLE, batch) == table
    assert from_arrow(ItemsKind.TABLE, table) is table
    assert from_arrow(ItemsKind.RECORD_BATCH, pa.concat_tables([table, table])).num_rows == 4
    assert from_arrow(ItemsKind.RECORD_BATCH, table.slice(0, 0)).schema == table.schema
    assert from_arrow(ItemsKind.PANDAS, table)["a"].tolist() == [1, 2]
    assert from_arrow(ItemsKind.POLARS, batch)["a"].to_list() == [1, 2]


def test_no_path_is_made_of_rows():
    """A path stands for whole files: asking for one of a few rows is an error that says what to set."""
    with pytest.raises(ConfigError, match="batch_size=0"):
        from_rows(ItemsKind.PATH, ROWS)


@pytest.mark.parametrize(
    ("values", "at"),
    [
        ([1, None, "x"], 2),
        ([1, 2**64], 1),
        ([True, 1], 1),
        ([1.5, 2**53 + 1], 1),
        (["x", b"x"], 0),
        ([date(2026, 1, 1), datetime(2026, 1, 1, 5, tzinfo=UTC)], 1),
        ([datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1)], 1),  # noqa: DTZ001  naive on purpose
        ([time(1), time(1, tzinfo=UTC)], 1),
        ([Decimal(1), Decimal("NaN")], 1),
        ([{"a": 1}, {1: 2}], 1),
        (["x", "\ud800"], 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_arrow_cannot_hold_is_named(values, at):
    """A value that Arrow refuses, or would change, is refused with its table, row and column."""
    with pytest.raises(SchemaError, match=rf"table 't', row {10 + at} \(counted from 0\), column 'v'"):
        table_of([{"k": 1, "v": value} for value in values], table="t", first_row=10)


def test_what_arrow_writes_otherwise_but_means_the_same_is_taken():
    """Tuples and sets become lists, missing keys nulls, moments one zone; NaN stays."""
    rows = [
        {"t": (1, 2), "s": {1}, "d": {"a": 1}, "f": float("nan"), "i": 1, "m": datetime(2026, 1, 1, tzinfo=UTC)},
        {"t": [3], "d": {"b": [{}]}, "f": 1.5, "i": 2.5, "m": datetime.fromisoformat("2026-01-01T00:00:00+02:00")},
    ]
    table = table_of(rows)

    assert table["t"].to_pylist() == [[1, 2], [3]]
    assert table["s"].to_pylist() == [[1], None]
    assert table["d"].to_pylist() == [{"a": 1, "b": None}, {"a": None, "b": [{}]}]
    assert table["i"].to_pylist() == [1, 2.5]
    assert table["m"].to_pylist() == [rows[0]["m"], rows[1]["m"]]


def test_arrow_values_become_python_values_exactly():
    """Nanoseconds that are whole microseconds, decimals, dictionaries, durations and nested values are held, of Python's types."""
    moment = datetime(2026, 1, 1, 1, 2, 3, 4)  # noqa: DTZ001  naive on purpose
    table = pa.table(
        {
            "n": pa.array([moment], pa.timestamp("ns")),
            "z": pa.array([moment], pa.timestamp("ns", "Europe/Berlin")),
            "t": pa.array([1000], pa.time64("ns")),
            "u": pa.array([5000], pa.duration("ns")),
            "d": pa.array([Decimal("1.50")], pa.decimal256(60, 2)),
            "k": pa.array(["x"]).dictionary_encode(),
            "l": pa.array([[{"at": moment}]], pa.list_(pa.struct([("at", pa.timestamp("ns"))]))),
            "b": pa.array([b"\x00"]),
        }
    )
    [row] = rows_of(table)

    assert row["n"] == moment
    assert type(row["n"]) is datetime
    assert row["t"] == time(0, 0, 0, 1)
    assert row["u"] == timedelta(microseconds=5)
    assert type(row["u"]) is timedelta
    assert str(row["d"]) == "1.50"
    assert [row["k"], row["l"], row["b"]] == ["x", [{"at": moment}], b"\x00"]
    assert row["z"].utcoffset() == timedelta(hours=1)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1], pa.timestamp("ns")),
        pa.array([1], pa.time64("ns")),
        pa.array([1], pa.duration("ns")),
        pa.array([[1]], pa.list_(pa.timestamp("ns"))),
        pa.array([2**62], pa.timestamp("us")),
    ],
    ids=lambda column: str(column.type),
)
def test_what_python_cannot_hold_is_named(column):
    """Single nanoseconds and years beyond 9999 are refused by column rather than rounded."""
    with pytest.raises(SchemaError, match="table 't', column 'at' of type"):
        rows_of(pa.table({"at": column}), table="t")


def test_two_columns_of_one_name_are_refused():
    """A row cannot have two values under one name."""
    with pytest.raises(SchemaError, match="two columns 'a'"):
        rows_of(pa.table([[1], [2]], names=["a", "a"]), table="t")


def test_a_missing_package_is_named_with_its_extra(tmp_path, monkeypatch):
    """What is not installed is said with how to install it; a package broken inside is not taken for missing."""
    (tmp_path / "broken_inside.py").write_text("import not_there_either")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ConfigError, match=r"not_there is not installed\n  hint: pip install \"sinkkit\[extra\]\""):
        require("not_there.part", extra="extra")
    with pytest.raises(ModuleNotFoundError, match="not_there_either"):
        require("broken_inside", extra="extra")
    assert require("decimal", extra="extra").Decimal is Decimal
