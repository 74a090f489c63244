"""Columns that were said to be json, where rows rest as Arrow."""

from __future__ import annotations

import json
import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sinkkit
from sinkkit.errors import SchemaError
from sinkkit.schema.encoding.json_text import json_array

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(values=st.lists(JSON, max_size=6))
def test_read_as_json_the_texts_are_the_values(values):
    """Whatever JSON can hold comes back when the texts are read; None is null."""
    texts = json_array(values, table="t", column="c", first_row=0).to_pylist()

    assert [None if text is None else json.loads(text) for text in texts] == values


@pytest.mark.parametrize("value", [math.nan, math.inf, b"x", date(2024, 1, 1), {1: 2}, (1, 2), [math.nan]], ids=repr)
def test_what_json_would_change_is_refused(value):
    """A value that would not come back as it was is named with table, column and row."""
    with pytest.raises(SchemaError, match=r"table 't', row 8 .*, column 'c' was said to be json"):
        json_array([1, value], table="t", column="c", first_row=7)


def test_mixed_lists_reach_a_function_that_takes_arrow(tmp_path):
    """With the hint, values of any shape share a column of a package of Arrow data, as text."""
    got = []

    @sinkkit.destination(loader_file_format="parquet")
    def sink(items):
        got.extend(items.to_pylist())

    rows = [{"id": 1, "extra": {"tags": [1, "a"]}}, {"id": 2, "extra": "x"}, {"id": 3}]
    pipeline = sinkkit.pipeline("p", destination=sink, pipelines_dir=tmp_path, progress="off")
    pipeline.run(rows, table_name="t", columns={"extra": {"data_type": "json"}})

    assert [(row["id"], row["extra"] and json.loads(row["extra"])) for row in got] == [(1, {"tags": [1, "a"]}), (2, "x"), (3, None)]


def test_the_text_is_the_same_in_a_replay_and_in_three_steps(tmp_path):
    """Rows that were rejected come back with the text that they had, and rows kept as they were get it when they are normalized."""
    got = []

    @sinkkit.destination(loader_file_format="parquet", name="sink")
    def picky(items):
        texts = items.column("extra").to_pylist()
        got.append(texts)
        return sinkkit.Outcome(rejected=dict.fromkeys(range(len(texts)), "no")) if len(got) < 3 else None

    hints = {"extra": {"data_type": "json"}}
    at_once = sinkkit.pipeline("once", destination=picky, pipelines_dir=tmp_path, progress="off")
    at_once.run([{"extra": [1, "a"]}], table_name="t", columns=hints)
    steps = sinkkit.pipeline("steps", destination=picky, pipelines_dir=tmp_path, progress="off")
    steps.extract([{"extra": [1, "a"]}], table_name="t", columns=hints)
    steps.load()
    at_once.replay()

    assert got == [['[1,"a"]']] * 3
