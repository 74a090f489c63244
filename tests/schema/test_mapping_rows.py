"""A mapping applied to dict rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.errors import SourceError
from sinkkit.schema.mapping.mapped_rows import compiled, map_rows
from sinkkit.schema.mapping.reading import read_mapping

ADA = {"id": 1, "first": "Ada", "last": "Lovelace", "mail": None, "address": {"city": "London", "zip": None}, "tags": ["x", "y"], "a.b": 2}


def mapped(rows, mapping, first_row=0):
    """*rows* of a table t, mapped."""
    table = read_mapping(mapping).of_table("t")
    return map_rows(table, compiled(table), rows, table="t", first_row=first_row)


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("id", 1),
        ("mail", None),
        ("address.city", "London"),
        ("address.zip", None),
        ("mail.domain", None),
        ("tags.1", "y"),
        ("tags.-1", "y"),
        ({"from": ["a.b"]}, 2),
        ('{"from": "mail", "default": 7}', 7),
        ({"from": ["tags", 0]}, "x"),
        ("{first} {last}", "Ada Lovelace"),
        ("#{id:03d} {{{tags}}}", '#001 {["x", "y"]}'),
        ("{first} {mail}", None),
        ("{first} {mail|unknown}", "Ada unknown"),
        ("{first}{middle|}", "Ada"),
        ({"template": "{id}", "cast": "bigint"}, 1),
        ({"const": "crm"}, "crm"),
        ({"const": None}, None),
        ({"const": "2026-01-02", "cast": "date"}, date(2026, 1, 2)),
        ({"from": "mail", "default": "none"}, "none"),
        ({"from": "middle", "default": None}, None),
        ({"from": "address.zip", "default": "1", "cast": "bigint"}, 1),
        ({"template": "{mail}", "default": "-"}, "-"),
        ({"from": "mail", "optional": True}, None),
        ({"fields": {"n": "first", "in": {"fields": {"c": "address.city"}}}}, {"n": "Ada", "in": {"c": "London"}}),
    ],
    ids=str,
)
def test_each_rule_gives_its_value(rule, value):
    """A rule takes a column, a path, a template or a constant, and a default stands in for null and for what is missing."""
    assert mapped([ADA], {"x": rule}) == [{"x": value}]


@pytest.mark.parametrize(
    ("rule", "row"),
    [
        ({"from": "mail", "drop_null": True}, {}),
        ({"from": "middle", "drop_null": True}, {}),
        ({"from": "middle", "optional": True}, {}),
        ({"template": "{middle}", "optional": True}, {}),
        ({"from": "tags.7", "optional": True}, {}),
        ({"fields": {"m": {"from": "mail", "drop_null": True}}}, {"x": {}}),
    ],
    ids=str,
)
def test_what_is_null_or_missing_can_be_left_out(rule, row):
    """A rule may leave its field out of a row."""
    assert mapped([ADA], {"x": rule}) == [row]


@pytest.mark.parametrize(
    ("mapping", "row"),
    [
        ({"*": "keep"}, {"a": 1, "b": None, "c": 3}),
        ({"*": "keep", "A": "a"}, {"b": None, "c": 3, "A": 1}),
        ({"*": "keep", "b": "a"}, {"b": 1, "c": 3}),
        ({"*": "keep", "a": {"from": "a", "cast": "text"}}, {"a": "1", "b": None, "c": 3}),
        ({"*": "keep", "c": {"drop": True}}, {"a": 1, "b": None}),
        ({"*": "keep", "b": {"from": "b", "drop_null": True}}, {"a": 1, "c": 3}),
        ({"*": {"drop_null": True}, "x": "a", "y": "b"}, {"x": 1}),
        ({"*": "drop", "c": "c"}, {"c": 3}),
        (["c", "a"], {"c": 3, "a": 1}),
        ({"*": "keep", "n": "{a}-{c}"}, {"a": 1, "b": None, "c": 3, "n": "1-3"}),
    ],
    ids=str,
)
def test_other_columns_are_kept_if_that_is_said(mapping, row):
    """Columns that no rule takes as a whole stay with ``"*": "keep"``, in their order, and go without it."""
    found = mapped([{"a": 1, "b": None, "c": 3}], mapping)

    assert found == [row]
    assert list(found[0]) == list(row)


NOON = datetime(2026, 1, 2, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cast", "value", "result"),
    [
        ("text", 1, "1"),
        ("text", 1.0, "1.0"),
        ("text", True, "true"),
        ("text", Decimal("1.50"), "1.50"),
        ("text", NOON, "2026-01-02T12:30:00+00:00"),
        ("text", UUID(int=1), str(UUID(int=1))),
        ("text", b"\xc3\xa9", "é"),
        ("text", {"d": date(2026, 1, 2), "n": [1]}, '{"d": "2026-01-02", "n": [1]}'),
        ("text", np.int64(7), "7"),
        ("text", timedelta(seconds=90), "90.0"),
        ("bigint", " 12 ", 12),
        ("bigint", 12.0, 12),
        ("bigint", Decimal("1e3"), 1000),
        ("bigint", True, 1),
        ("bigint", np.int32(5), 5),
        ("double", "1.5", 1.5),
        ("double", Decimal("1.5"), 1.5),
        ("double", 3, 3.0),
        ("decimal", 0.1, Decimal("0.1")),
        ("decimal", "1.50", Decimal("1.50")),
        ("bool", "Yes", True),
        ("bool", 0, False),
        ("timestamp", "2026-01-02T12:30:00Z", NOON),
        ("timestamp", date(2026, 1, 2), datetime(2026, 1, 2)),  # noqa: DTZ001  # a day has no zone
        ("timestamp", np.datetime64("2026-01-02T12:30", "us"), datetime(2026, 1, 2, 12, 30)),  # noqa: DTZ001  # nor have numpy's times
        ("timestamp_s", 1767357000, NOON),
        ("timestamp_ms", "1767357000000", NOON),
        ("timestamp_us", 1767357000000000, NOON),
        ("date", NOON, date(2026, 1, 2)),
        ("date", "2026-01-02", date(2026, 1, 2)),
        ("date", "2026-01-02T12:30:00", date(2026, 1, 2)),
        ("time", "12:30", time(12, 30)),
        ("time", NOON, time(12, 30, tzinfo=UTC)),
        ("interval", 1.5, timedelta(seconds=1.5)),
        ("binary", "é", b"\xc3\xa9"),
        ("json", '{"a": [1]}', {"a": [1]}),
        ("json", 5, 5),
    ],
    ids=str,
)
def test_values_are_cast(cast, value, result):
    """Each cast takes what can become its type, and the type is exact; null stays null."""
    rows = mapped([{"v": value}, {"v": None}], {"v": {"from": "v", "cast": cast}})

    assert rows == [{"v": result}, {"v": None}]
    assert type(rows[0]["v"]) is type(result)


@pytest.mark.parametrize(
    ("cast", "value"),
    [
        ("bigint", "1_000"), ("bigint", "١٢"), ("bigint", 1.5), ("bigint", "x"), ("bigint", float("nan")), ("bigint", [1]),
        ("double", 2**53 + 1), ("double", True), ("double", "1_0.5"), ("double", "one"),
        ("decimal", "x"), ("decimal", True), ("bool", 2), ("bool", "maybe"), ("bool", None.__class__),
        ("timestamp", 1767357000), ("timestamp", "yesterday"), ("timestamp_ms", 1e30), ("date", "2026-13-01"), ("time", 5),
        ("interval", "long"), ("binary", 5), ("json", "{"), ("text", b"\xff"), ("text", 1j),
    ],
    ids=str,
)  # fmt: skip
def test_a_value_that_cannot_be_cast_is_refused_with_its_place(cast, value):
    """The error names table, row, field and types, and does not repeat the value."""
    rows = [{"v": None}, {"v": value}]

    with pytest.raises(SourceError, match=rf"table 't', row 8 .*field 'out'.*type {type(value).__name__} cannot be cast to {cast}"):
        mapped(rows, {"out": {"from": "v", "cast": cast}}, first_row=7)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("middle", "field 'x' of the mapping: the row has no 'middle'"),
        ("address.street", "the row has no 'address.street'"),
        ("tags.2", "the row has no 'tags.2'"),
        ("{first} {middle}", "the row has no 'middle'"),
        ({"fields": {"in": {"fields": {"y": "middle"}}}}, "field 'x.in.y' of the mapping: the row has no 'middle'"),
        ("first.name", "'first.name' leads into a str, in which there is no 'name'"),
        ("{first:d}", "the value of 'first', of type str, cannot be formatted as 'd'"),
    ],
    ids=str,
)
def test_a_row_that_lacks_what_a_rule_takes_is_refused(rule, message):
    """The error says which row and field, and what is missing."""
    with pytest.raises(SourceError) as raised:
        mapped([ADA], {"x": rule})

    assert "table 't', row 0 (counted from 0)" in raised.value.message
    assert message in raised.value.message
    assert raised.value.hint


def test_a_dotted_column_is_guessed():
    """What may be the name of a column is shown as it has to be written."""
    with pytest.raises(SourceError) as raised:
        mapped([{"a.b": 1}], {"x": "a.b"})

    assert raised.value.hint.endswith('if a.b is the name of a column, write {"from": ["a.b"]}')


def test_given_rows_are_not_changed():
    """Mapping makes new rows."""
    given_rows = [dict(ADA)]

    mapped(given_rows, {"number": "id", "*": "keep"})

    assert given_rows == [ADA]


def test_names_are_never_taken_for_code():
    """Fields and columns may have any name."""
    odd = "'] for r in rows] + [__import__('os')#\n\"\\"

    assert mapped([{odd: 1}], {odd + "!": {"from": [odd]}, "*": "keep"}) == [{odd + "!": 1}]


columns = st.sampled_from(["a", "b", "c", "d.e"])
values = st.one_of(st.none(), st.integers(-5, 5), st.text(max_size=3), st.lists(st.integers(), max_size=2), st.dictionaries(columns, st.none() | st.integers(), max_size=2))
paths = st.one_of(columns, columns.map(lambda name: [name]), st.tuples(columns, columns | st.sampled_from(["0", "-1"])).map(list))
options = st.fixed_dictionaries(
    {},
    optional={
        "default": st.sampled_from([None, "0", "1"]),
        "cast": st.sampled_from(["text", "bigint", "json"]),
        "drop_null": st.booleans(),
        "optional": st.booleans(),
    },
)
rules = st.one_of(
    columns,
    st.just("{a}-{b|none}"),
    st.builds(lambda path, more: {"from": path, **more}, paths, options),
    st.builds(lambda value: {"const": value}, values),
    st.just({"fields": {"p": {"from": "a", "default": 0}, "q": {"from": "b", "optional": True}}}),
)
mappings = st.builds(
    lambda fields, rest: {**fields, **rest},
    st.dictionaries(columns | st.just("new"), rules, min_size=1),
    st.sampled_from([{}, {"*": "keep"}, {"*": "keep", "c": {"drop": True}}, {"*": {"keep": True, "drop_null": True}}]),
)


@given(st.lists(st.dictionaries(columns, values), max_size=6), mappings)
def test_the_compiled_way_agrees_with_the_plain_one(rows, mapping):
    """A chunk becomes what each of its rows becomes alone, in the same order of columns; where one cannot be mapped, both ways say so."""
    table = read_mapping(mapping).of_table("t")
    try:
        plain = [table.of(row) for row in rows]
    except Exception:  # noqa: BLE001  # whatever the plain way raises
        with pytest.raises(SourceError):
            mapped(rows, mapping)
        return

    found = mapped(rows, mapping)

    assert found == plain
    assert [sorted(row) for row in found] == [sorted(row) for row in plain]
