"""Arrow data of every make."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from sinkkit.errors import SourceError
from sinkkit.sources import ArrowPage, read

TABLE = pa.table({"a": [1, 2, 3], "b": ["x", None, "z"]})


def rows_of(data):
    return [row for page in read(data) for row in page.data.to_pylist()]


@pytest.mark.parametrize(
    "data",
    [
        TABLE,
        TABLE.to_batches()[0],
        TABLE.to_reader(),
        pl.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"]}),
        pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"]}),
        [TABLE.slice(0, 1), TABLE.slice(1)],
        iter([TABLE.slice(0, 2), TABLE.to_batches()[0].slice(2)]),
    ],
)
def test_whatever_hands_out_arrow_data_is_read(data):
    """Tables, batches, readers, frames, and lists and generators of them give the same rows."""
    assert rows_of(data) == TABLE.to_pylist()


def test_large_tables_come_in_pages_of_bounded_size():
    """A table of 25,000 rows comes in three pages that share its memory."""
    pages = list(read(pa.table({"n": range(250_000)})))
    assert [type(page) for page in pages] == [ArrowPage] * 3
    assert [page.data.num_rows for page in pages] == [100_000, 100_000, 50_000]


def test_an_index_is_a_column_only_where_it_has_a_name():
    """The index of a grouped frame is kept, the one left over from filtering is not."""
    frame = pd.DataFrame({"k": ["x", "x", "y"], "v": [1, 2, 3]})
    assert rows_of(frame.groupby("k").sum()) == [{"k": "x", "v": 3}, {"k": "y", "v": 3}]
    assert rows_of(frame.set_index(pd.Index([5, 6, 9]))) == [{"k": "x", "v": 1}, {"k": "x", "v": 2}, {"k": "y", "v": 3}]


@pytest.mark.parametrize("column", [pd.Series([1]), pl.Series("a", [1]), pa.array([1]), pa.chunked_array([[1]])])
def test_a_column_is_not_a_table(column):
    """A series or array is refused with the way to give it a name."""
    with pytest.raises(SourceError, match="is one column, not a table"):
        list(read(column))


def test_two_columns_of_one_name_are_refused():
    """Arrow data whose columns cannot be told apart is an error that names them."""
    with pytest.raises(SourceError, match="two columns of the Arrow data are named 'a'"):
        list(read(pa.table([[1], [2]], names=["a", "a"])))


def test_rows_among_arrow_data_are_refused():
    """A generator gives either Arrow data or rows, and the error counts the rows before."""
    with pytest.raises(SourceError, match=r"row 3 .* is a row \(dict\), and what came before it was Arrow data"):
        list(read(iter([TABLE, {"a": 1}])))


def test_a_reader_that_fails_is_an_error_with_its_cause():
    """What the producer of a stream raises is named after the rows that came before."""

    def batches():
        yield TABLE.to_batches()[0]
        raise ValueError

    with pytest.raises(SourceError, match="raised ValueError after 3 rows"):
        list(read(pa.RecordBatchReader.from_batches(TABLE.schema, batches())))


def test_empty_arrow_data_gives_no_page():
    """A table without rows gives nothing."""
    assert list(read(TABLE.slice(0, 0))) == []
