"""A mapping applied to Arrow data."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.errors import SchemaError, SourceError
from sinkkit.schema.mapping.mapped_arrow import map_arrow
from sinkkit.schema.mapping.reading import read_mapping

ROWS = [
    {"id": 1, "first": "Ada", "score": 1.5, "paid": True, "cents": "150", "address": {"city": "London", "zip": 5}, "tags": ["x", "y"]},
    {"id": 2, "first": None, "score": None, "paid": None, "cents": None, "address": None, "tags": ["z"]},
    {"id": 3, "first": "Cy", "score": 2.0, "paid": False, "cents": "7", "address": {"city": None, "zip": None}, "tags": None},
]


def mapped(data, mapping, types=None):
    """Arrow *data* of a table t, mapped."""
    return map_arrow(read_mapping(mapping).of_table("t"), data, table="t", first_row=10, types={} if types is None else types)


def form(kind, rows=ROWS):
    """*rows* as Arrow data of a kind."""
    return kind.from_pylist(rows)


@pytest.mark.parametrize("kind", [pa.Table, pa.RecordBatch])
@pytest.mark.parametrize(
    "mapping",
    [
        ["first", "id"],
        {"number": "id", "*": "keep"},
        {"*": "keep", "tags": {"drop": True}},
        {"city": "address.city", "zip": {"from": "address.zip", "default": 0}},
        {"tag": "tags.0"},
        {"last": {"from": "tags.1", "default": "-"}},
        {"name": "{first|nobody} #{id}"},
        {"source": {"const": "crm"}, "id": "id"},
        {"day": {"const": "2026-01-02", "cast": "date"}, "id": "id"},
        {"id": {"from": "id", "cast": "text"}, "paid": {"from": "paid", "cast": "text"}, "score": {"from": "score", "cast": "text"}},
        {"id": {"from": "id", "cast": "double"}, "paid": {"from": "paid", "cast": "bigint"}},
        {"euros": {"from": "cents", "cast": "decimal"}, "cents": {"from": "cents", "cast": "bigint", "default": 0}},
        {"first": {"from": "first", "default": "nobody"}, "new": {"from": "nowhere", "default": 5}},
        {"in": {"fields": {"a": "id", "b": "address.city"}}},
    ],
    ids=str,
)
def test_columns_become_what_rows_become(kind, mapping):
    """Mapping columns gives what mapping the same rows one by one gives."""
    table = read_mapping(mapping).of_table("t")

    assert mapped(form(kind), mapping).to_pylist() == [table.of(row) for row in ROWS]


def test_a_renamed_column_is_the_same_memory():
    """Renames and selections copy nothing and keep the field's type, metadata and nullability."""
    schema = pa.schema([pa.field("id", pa.int32(), nullable=False, metadata={"a": "b"}), pa.field("x", pa.string())])
    data = pa.Table.from_pylist([{"id": 1, "x": "y"}], schema=schema)

    found = mapped(data, {"number": "id"})

    assert found.schema.field("number").equals(schema.field("id").with_name("number"), check_metadata=True)
    assert found.column(0).chunk(0).buffers()[1].address == data.column(0).chunk(0).buffers()[1].address


def test_a_field_that_rows_may_lack_is_null():
    """Arrow has no other way to say that a row lacks a field; a column that is not there at all is left out."""
    found = mapped(form(pa.Table), {"first": {"from": "first", "drop_null": True}, "new": {"from": "nowhere", "optional": True}})

    assert found.to_pylist() == [{"first": "Ada"}, {"first": None}, {"first": "Cy"}]


def test_a_column_of_nulls_alone_takes_any_default():
    """Its type says nothing yet."""
    assert mapped(pa.table({"v": pa.nulls(2)}), {"w": {"from": "v", "default": 5}}).to_pylist() == [{"w": 5}, {"w": 5}]


def test_types_stay_the_same_from_piece_to_piece():
    """Where types are inferred from values, a later piece takes the type of an earlier one if that changes no value."""
    types = {}
    mapping = {"v": {"from": "v", "cast": "decimal"}}

    first = mapped(pa.table({"v": ["1.25"]}), mapping, types)
    second = mapped(pa.table({"v": ["1.5", None]}), mapping, types)
    third = mapped(pa.table({"v": ["1.12345"]}), mapping, types)

    assert second.schema == first.schema
    assert third.to_pylist() == [{"v": Decimal("1.12345")}]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"x": "nowhere"}, "table 't', field 'x' of the mapping: there is no column 'nowhere'"),
        ({"x": "nowhere.at.all"}, "there is no column 'nowhere.at.all'"),
        ({"x": "tags.0.y"}, "row 10 .*leads into a str"),
        ({"x": "address.street"}, "row 10 .*the row has no 'address.street'"),
        ({"x": {"from": "first", "cast": "bigint"}}, "row 10 .*field 'x'.*type str cannot be cast to bigint"),
        ({"x": {"from": "first", "default": 5}}, "default of type int does not go into a column of type string"),
        ({"x": {"const": 1j}}, "Arrow cannot hold what it makes"),
    ],
    ids=str,
)
def test_what_cannot_be_mapped_is_refused_with_its_place(mapping, message):
    """The error names table, field and, where one is to blame, the row."""
    with pytest.raises(SourceError, match=message):
        mapped(form(pa.Table), mapping)


def test_two_columns_of_one_name_are_refused():
    """It would not be known which of them a rule takes."""
    with pytest.raises(SchemaError, match="two columns 'a'"):
        mapped(pa.table([[1], [2]], names=["a", "a"]), {"x": "a"})


numbers = st.none() | st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.fixed_dictionaries({"n": numbers, "f": st.none() | st.floats(allow_nan=False), "b": st.none() | st.booleans(), "s": st.none() | st.text()}), min_size=1),
       st.sampled_from("nfbs"), st.sampled_from(["text", "bigint", "double", "decimal", "bool", "json", "binary"]))
def test_casts_of_columns_agree_with_casts_of_values(rows, column, cast):
    """Arrow's own casts are used only where they give what the cast of each value gives, and refuse what it refuses."""
    schema = pa.schema({"n": pa.int64(), "f": pa.float64(), "b": pa.bool_(), "s": pa.string()})
    mapping = {"x": {"from": column, "cast": cast}}
    table = read_mapping(mapping).of_table("t")
    try:
        plain = [table.of(row) for row in rows]
        pa.array([row["x"] for row in plain])
    except Exception:  # noqa: BLE001  # whatever the plain way or Arrow raises
        with pytest.raises(SourceError):
            mapped(pa.Table.from_pylist(rows, schema=schema), mapping)
        return

    assert mapped(pa.Table.from_pylist(rows, schema=schema), mapping).to_pylist() == plain
