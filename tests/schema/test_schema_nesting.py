"""Nested rows taken apart: nothing is lost, names that meet are named, and what cannot be taken apart is refused with its place."""

from __future__ import annotations

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from rejoined import canonical, rejoined

from sinkkit.errors import SchemaError, SourceError
from sinkkit.schema.naming.conventions import CONVENTIONS
from sinkkit.schema.naming.names import Names
from sinkkit.schema.nesting.places import Tables
from sinkkit.schema.nesting.unnesting import Unnester

KEYS = st.sampled_from(["a", "b", "value", "pets", ""])
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.tuples(st.integers())
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12)
ROWS = st.lists(st.dictionaries(KEYS, VALUES, max_size=4), max_size=5)
LEVELS = st.none() | st.integers(1, 4)


def unnester(levels=None, *, convention="direct", reserved=True):
    """One that takes everything out, or so many levels."""
    return Unnester(Tables(Names(CONVENTIONS[convention]), reserved=reserved), levels, "load")


def possible(rows, levels, **settings):
    """The same for drawn rows; those are passed over whose lists at different places would have one name, which is refused.

    That is so of lists in lists beside lists at the key ``value``, and of lists below a key that holds a dict here and a list of dicts there.
    """
    try:
        return taken_apart(rows, levels, **settings)
    except SchemaError as error:
        if "both become table" not in error.message:
            raise
        return reject()


def taken_apart(rows, levels, *, pages=1, **settings):
    """The rows of all tables by name, and how deep inside lists each is."""
    one, tables = unnester(levels, **settings), {"t": []}
    size = max(1, -(-len(rows) // pages))
    for start in range(0, len(rows), size):
        for table, flat in one.page("t", rows[start : start + size]):
            tables.setdefault(table.name, []).extend(flat)
    return tables, {place.table.name: place.table.level for place in one.tables.places.values()}


@given(ROWS, LEVELS, st.integers(1, 3))
def test_joining_by_keys_gives_the_rows_back(rows, levels, pages):
    """For any nested data, at any level and in any pages; only ``{"value": x}`` in a list reads as ``x``."""
    before = repr(rows)
    tables, depths = possible(rows, levels, pages=pages)

    assert rejoined(tables, "t") == [canonical(row, levels) for row in rows]
    assert repr(rows) == before
    assert levels is None or max(depths.values(), default=0) <= levels


def test_lists_of_two_places_that_would_share_a_table_are_refused():
    """Where a key holds a dict here and a list of dicts there, lists below it belong to different parents; both places are named, and the row."""
    rows = [{"b": {"a": [1]}}, {"b": [{"a": [2]}]}]

    with pytest.raises(SchemaError, match=r"row 1 \(counted from 0\): .*'b' → 'a'\[\].*'b'\[\] 'a'\[\] both become table 't__b__a'"):
        taken_apart(rows, None)


@given(ROWS, LEVELS)
def test_what_is_flat_has_nothing_that_could_be_taken_out(rows, levels):
    """No dict with anything in it stays anywhere, no list above the last level."""
    tables, depths = possible(rows, levels)

    for name, flat in tables.items():
        for value in [value for row in flat for value in row.values()]:
            assert not (isinstance(value, dict) and value)
            assert not (isinstance(value, list) and value) or depths[name] == levels


@given(ROWS, LEVELS, st.integers(1, 3))
def test_keys_do_not_depend_on_pages(rows, levels, pages):
    """The same rows of the same load get the same keys, however they are cut; no two rows have one."""
    tables, _ = possible(rows, levels)
    again, _ = possible(rows, levels, pages=pages)
    ids = [row["_sk_id"] for flat in tables.values() for row in flat]

    assert sorted(ids) == sorted(row["_sk_id"] for flat in again.values() for row in flat)
    assert len(ids) == len(set(ids))


@given(ROWS, LEVELS)
def test_rows_without_keys_are_the_same_rows(rows, levels):
    """Leaving internal columns out leaves out nothing else."""
    tables, _ = possible(rows, levels)
    bare, _ = possible(rows, levels, reserved=False)

    assert {name: [{key: value for key, value in row.items() if not key.startswith("_sk_")} for row in flat] for name, flat in tables.items()} == bare


def test_a_merged_row_has_the_key_of_its_primary_key_in_every_load():
    """A child row's key and root follow it, so that an update finds what it replaces."""
    row = {"id": 7, "pets": [{"name": "Rex"}]}
    first = unnester()
    second = Unnester(Tables(Names(), reserved=True), None, "another load")
    (_, (user,)), (_, (pet,)) = first.page("t", [{"id": 1}, row][1:], ["id"])
    (_, users), (_, (again,)) = second.page("t", [{"id": 1}, row], ["id"])

    assert [users[1]["_sk_id"], again["_sk_id"], again["_sk_root_id"]] == [user["_sk_id"], pet["_sk_id"], user["_sk_id"]]
    assert users[0]["_sk_id"] != users[1]["_sk_id"]


@pytest.mark.parametrize(
    ("rows", "convention", "names"),
    [
        ([{"a__b": 1, "a": {"b": 2}}], "direct", ["'a__b'", "'a' → 'b'"]),
        ([{"a": {"b": 1}}, {"a__b": 2}], "direct", ["'a__b'", "'a' → 'b'"]),
        ([{"userId": 1}, {"user_id": 2}], "snake_case", ["'userId'", "'user_id'"]),
        ([{"x": [{"A": 1}, {"a": 2}]}], "sql_ci_v1", ["'A'", "'a'"]),
        ([{"aB": [1]}, {"a_b": [2]}], "snake_case", ["'aB'", "'a_b'"]),
        ([{"_sk_id": 1}], "direct", ["sinkkit's own _sk_id", "'_sk_id'"]),
    ],
)
def test_two_names_that_become_one_column_are_both_named(rows, convention, names):
    """Also in rows of different pages, and a column of the user's that takes the name of a key."""
    with pytest.raises(SchemaError) as refused:
        taken_apart(rows, None, convention=convention, pages=len(rows))

    assert [name for name in names if name not in refused.value.message] == []
    assert f"row {len(rows) - 1}" in refused.value.message
    assert refused.value.hint


def test_lists_in_lists_and_lists_at_the_key_value_can_meet():
    """Both are called ``value``: where they would share a table, the error shows both ways there."""
    with pytest.raises(SchemaError) as refused:
        taken_apart([{"a": [[[1]], {"b": 1, "value": {"value": [1]}}]}], None)

    assert "at 'a'[] 'value'[] 'value'[]" in refused.value.message
    assert "at 'a'[] 'value' → 'value'[]" in refused.value.message


def test_two_names_that_become_one_table_are_both_named():
    """Whether both were given, or one is that of a list."""
    one = unnester(convention="snake_case")
    one.page("users", [{"petList": [1]}])
    for name, says in [("Users", "table 'users' and table 'Users'"), ("users__pet_list", "the lists of table 'users' at 'petList'")]:
        with pytest.raises(SchemaError, match=says):
            one.page(name, [{"a": 1}])


def test_names_that_differ_in_case_alone_meet_where_the_destination_does_not_tell_them_apart():
    """It says so with the capability ``has_case_sensitive_identifiers``."""
    blind = Unnester(Tables(Names(case_sensitive=False), reserved=False), 0, "load")

    with pytest.raises(SchemaError, match="'Id' and 'ID'"):
        blind.page("t", [{"Id": 1, "ID": 2}])
    assert unnester(0, reserved=False).page("t", [{"Id": 1, "ID": 2}])[0][1] == [{"Id": 1, "ID": 2}]


def test_a_column_hinted_as_json_stays_whole():
    """Hints decide what is a table and what is a value."""
    one = unnester(reserved=False)
    one.tables.top("t").table.whole |= {"pets", "address"}

    assert one.page("t", [{"pets": [1], "address": {"a": 1}, "more": {"b": 2}}])[0][1] == [
        {"pets": [1], "address": {"a": 1}, "more__b": 2}
    ]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"a": {1: 2}}, "row 1 (counted from 0): the key 1 in 'a' is of type int"),
        ({None: 2}, "row 1 (counted from 0): the column name None is of type NoneType"),
        ({"a": [{("x",): 2}]}, "row 1 (counted from 0)"),
    ],
)
def test_a_key_that_is_no_text_is_refused_with_its_place(row, says):
    """Column names are text; the row and the way to the key are named."""
    with pytest.raises(SourceError) as refused:
        taken_apart([{"b": 1}, row], None)

    assert says in refused.value.message


def test_64_levels_are_taken_apart():
    """Dicts inside dicts, and lists inside lists."""
    dicts = lists = 1
    for _ in range(64):
        dicts, lists = {"a": dicts}, [lists]
    tables, depths = taken_apart([{"a": dicts, "b": lists}], None)

    assert rejoined(tables, "t") == [{"a": dicts, "b": lists}]
    assert max(depths.values()) == 64


def test_more_than_100_levels_are_refused():
    """Nothing goes on for ever, and the error says where it stopped."""
    deep = 1
    for _ in range(150):
        deep = {"a": deep}

    with pytest.raises(SourceError, match="nested more than 100 levels deep"):
        taken_apart([deep], None)


@pytest.mark.parametrize("levels", [None, 40])
def test_a_value_that_contains_itself_is_refused_with_its_place(levels):
    """Quickly, also where it contains itself many times over."""
    cycle = {"name": "x"}
    cycle["friends"] = [cycle, cycle, cycle]

    with pytest.raises(SourceError, match=r"row 1 .*contains itself at \['friends'\]|row 1 .*contains itself at") as refused:
        taken_apart([{"a": 1}, {"person": cycle}], levels)
    assert "'person'" in refused.value.message


def test_a_value_that_stands_in_many_places_does_not_contain_itself():
    """It is written wherever it stands."""
    shared = {"x": 1}
    for _ in range(12):
        shared = {"x": shared}
    tables, _ = taken_apart([{"a": shared, "b": shared}], None)

    assert rejoined(tables, "t") == [{"a": shared, "b": shared}]
