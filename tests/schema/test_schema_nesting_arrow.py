"""Nested Arrow data taken apart column by column: the same tables as from rows, each value in the type that it had."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rejoined import canonical, rejoined

from sinkkit.errors import SchemaError
from sinkkit.schema.naming.conventions import CONVENTIONS
from sinkkit.schema.naming.names import Names
from sinkkit.schema.nesting.arrow_unnesting import unnest_arrow
from sinkkit.schema.nesting.places import Tables
from sinkkit.schema.nesting.unnesting import Unnester

TYPE = pa.struct({
    "id": pa.int16(),
    "at": pa.struct({"x": pa.float32(), "tags": pa.list_(pa.string())}),
    "pets": pa.large_list(pa.struct({"name": pa.string(), "toys": pa.list_(pa.struct({"n": pa.int8()}))})),
    "pair": pa.list_(pa.int32(), 2),
    "deep": pa.list_(pa.list_(pa.int64())),
})


def some(value):
    """At least one of them: in Arrow data an empty list and none are one."""
    return st.lists(value, min_size=1, max_size=3)


ROWS = st.lists(
    st.fixed_dictionaries({
        "id": st.integers(-5, 5) | st.none(),
        "at": st.fixed_dictionaries({"x": st.sampled_from([0.5, 1.25]), "tags": some(st.text("ab", max_size=2) | st.none())}),
        "pets": some(
            st.fixed_dictionaries({"name": st.text("ab", max_size=2), "toys": some(st.fixed_dictionaries({"n": st.integers(0, 9)}))})
        ),
        "pair": st.lists(st.integers(0, 9), min_size=2, max_size=2),
        "deep": some(some(st.integers())).filter(lambda lists: all(-(2**63) <= one < 2**63 for inner in lists for one in inner)),
    }),
    max_size=6,
)


def unnester(levels, *, reserved=True, convention="direct"):
    """One for a new load."""
    return Unnester(Tables(Names(CONVENTIONS[convention]), reserved=reserved), levels, "load")


def taken_apart(data, levels, size=None, **settings):
    """All tables of *data* by name, in pages of so many rows."""
    one, tables = unnester(levels, **settings), {}
    for start in range(0, max(1, len(data)), size or max(1, len(data))):
        for table, flat in unnest_arrow(one, "t", data.slice(start, size)):
            tables.setdefault(table.name, []).append(flat)
    return {name: pa.concat_tables(parts) for name, parts in tables.items()}


@settings(max_examples=50)
@given(ROWS, st.none() | st.integers(1, 3), st.none() | st.integers(1, 4))
def test_joining_by_keys_gives_the_rows_back(rows, levels, size):
    """Sliced or whole, at any level."""
    tables = taken_apart(pa.Table.from_struct_array(pa.array(rows, TYPE)), levels, size)

    assert rejoined({name: table.to_pylist() for name, table in tables.items()}, "t") == [canonical(row, levels) for row in rows]


@settings(max_examples=50)
@given(ROWS, st.none() | st.integers(1, 3))
def test_rows_and_arrow_data_get_the_same_tables_and_keys(rows, levels):
    """Whoever reads a frame instead of dicts finds the same."""
    by_column = taken_apart(pa.Table.from_struct_array(pa.array(rows, TYPE)), levels)
    by_row = {table.name: flat for table, flat in unnester(levels).page("t", rows)}

    assert {name: table.to_pylist() for name, table in by_column.items() if len(table)} == {name: flat for name, flat in by_row.items() if flat}


def test_types_stay():
    """An int16 is one in a child table too."""
    rows = [{"id": 1, "at": {"x": 0.5, "tags": ["a"]}, "pets": [{"name": "r", "toys": [{"n": 1}]}], "pair": [1, 2], "deep": [[1]]}]
    tables = taken_apart(pa.Table.from_struct_array(pa.array(rows, TYPE)), None, reserved=False)

    assert {name: [(field.name, str(field.type)) for field in table.schema] for name, table in tables.items()} == {
        "t": [("id", "int16"), ("at__x", "float")],
        "t__at__tags": [("value", "string")],
        "t__pets": [("name", "string")],
        "t__pets__toys": [("n", "int8")],
        "t__pair": [("value", "int32")],
        "t__deep": [],
        "t__deep__value": [("value", "int64")],
    }


def test_flat_data_keeps_its_memory():
    """Columns are renamed, not copied."""
    data = pa.table({"userId": [1, 2], "Name": ["a", "b"]})
    tables = taken_apart(data, 2, reserved=False, convention="snake_case")

    assert tables["t"].schema.names == ["user_id", "name"]
    assert [tables["t"].column(at).chunk(0).buffers()[1].address for at in (0, 1)] == [
        data.column(at).chunk(0).buffers()[1].address for at in (0, 1)
    ]


def test_null_structs_and_lists_give_nulls_and_no_rows():
    """Which is all that Arrow data can say of them."""
    data = pa.table({"a": pa.array([None, {"x": 1}], pa.struct({"x": pa.int8()})), "l": pa.array([None, []], pa.list_(pa.int8()))})
    tables = taken_apart(data, 1, reserved=False)

    assert tables["t"].to_pylist() == [{"a__x": None}, {"a__x": 1}]
    assert tables["t__l"].to_pylist() == []


@pytest.mark.parametrize("fixed", [False, True])
def test_lists_beside_null_lists_stay_with_their_rows(fixed):
    """Also where a null list has entries underneath, as Arrow data may."""
    lists = pa.ListArray.from_arrays(pa.array([0, 2, 4, 6]), pa.array([1, 2, 3, 4, 5, 6]), mask=pa.array([False, True, False]))
    tables = taken_apart(pa.table({"l": lists.cast(pa.list_(pa.int64(), 2)) if fixed else lists}), 1, size=2)
    owners = tables["t"].column("_sk_id").to_pylist()

    assert [(row["value"], owners.index(row["_sk_parent_id"]), row["_sk_list_idx"]) for row in tables["t__l"].to_pylist()] == [
        (1, 0, 0),
        (2, 0, 1),
        (5, 2, 0),
        (6, 2, 1),
    ]


@pytest.mark.parametrize("kind", [pa.string_view(), pa.binary_view(), pa.dictionary(pa.int32(), pa.string())])
@pytest.mark.parametrize("batch", [False, True])
def test_views_and_dictionaries_are_taken_out_of_lists(kind, batch):
    """Though Arrow cannot filter such lists itself; polars makes them of every text."""
    values = [b"x", None, b"z"] if kind == pa.binary_view() else ["x", None, "z"]
    entries = pa.array(values, pa.string()).dictionary_encode() if pa.types.is_dictionary(kind) else pa.array(values, kind)
    lists = pa.ListArray.from_arrays(pa.array([0, None, 2, 3], pa.int32()), entries)
    data = pa.table({"l": lists, "n": [1, 2, 3]})
    found = unnest_arrow(unnester(1), "t", data.to_batches()[0] if batch else data)

    (_, top), (_, inner) = found
    owners = top.column("_sk_id").to_pylist()
    assert top.column("n").to_pylist() == [1, 2, 3]
    assert [(row["value"], owners.index(row["_sk_parent_id"])) for row in inner.to_pylist()] == [(values[0], 0), (None, 0), (values[2], 2)]


def test_two_names_that_become_one_are_both_named():
    """A struct's field may take the name of a column."""
    with pytest.raises(SchemaError, match="'a__b' and 'a' → 'b'"):
        taken_apart(pa.table({"a__b": [1], "a": [{"b": 1}]}), 1)
    with pytest.raises(SchemaError, match="'A' and 'a'"):
        taken_apart(pa.table({"A": [1], "a": [1]}), 0, convention="sql_ci_v1")
