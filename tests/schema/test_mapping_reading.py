"""What can be written as a mapping, and what is refused at once."""

from __future__ import annotations

import pytest

from sinkkit import Secret
from sinkkit.errors import ConfigError
from sinkkit.schema.mapping.reading import read_mapping


@pytest.mark.parametrize("nothing", [None, {}, {"tables": {}}])
def test_no_mapping_is_none(nothing):
    """Without a mapping every table stays as it is."""
    found = read_mapping(nothing)

    assert not found
    assert found.of_table("t") is None


def test_tables_have_mappings_of_their_own():
    """A table that is named under ``tables`` has that mapping and no other; an empty one exempts it."""
    found = read_mapping({"x": "a", "tables": {"orders": {"y": "b"}, "raw": {}}})

    assert found.of_table("orders").of({"a": 1, "b": 2}) == {"y": 2}
    assert found.of_table("raw").of({"a": 1, "b": 2}) == {"a": 1, "b": 2}
    assert found.of_table("others").of({"a": 1, "b": 2}) == {"x": 1}


def test_what_was_said_can_be_read_again():
    """A mapping as it stands in a manifest is the mapping."""
    given = {"x": {"from": "a", "cast": "text"}, "*": "keep", "tables": {"orders": {"y": "b"}}}

    assert read_mapping(read_mapping(given).said()) == read_mapping(given)
    assert read_mapping(given).said() == given


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("id", "is no mapping of fields"),
        (5, "is no mapping of fields"),
        ([1], "list of something else"),
        ({"x": 5}, r"mapping\.x=5 is no rule"),
        ({"x": None}, "is no rule"),
        ({"x": ["a"]}, "is no rule"),
        ({5: "a"}, "has the field 5"),
        ({"": "a"}, "has the field ''"),
        ({"x": ""}, "no column and no path"),
        ({"x": "a..b"}, "no column and no path"),
        ({"x": {"from": []}}, "no column and no path"),
        ({"x": {"from": [True]}}, "no column and no path"),
        ({"x": {}}, "does not say from where"),
        ({"x": {"cast": "text"}}, "does not say from where"),
        ({"x": {"from": "a", "const": 1}}, "says from and const"),
        ({"x": {"const": 1, "default": 2}}, "const and default"),
        ({"x": {"from": "a", "drop": True}}, "from and drop"),
        ({"x": {"fields": {"y": "a"}, "cast": "text"}}, "fields and cast"),
        ({"x": {"form": "a"}}, "the key 'form'"),
        ({"x": {"from": "a", "cast": "txt"}}, "the cast 'txt'"),
        ({"x": {"from": "a", "cast": ["text"]}}, "the cast"),
        ({"x": {"from": "a", "drop_null": "perhaps"}}, "drop_null='perhaps'"),
        ({"x": {"from": "a", "default": "x", "cast": "bigint"}}, "default that does not fit"),
        ({"x": {"const": "x", "cast": "bigint"}}, "const that does not fit"),
        ({"x": "{a"}, "cannot be read"),
        ({"x": "a}"}, "cannot be read"),
        ({"x": "{}"}, "no column and no path"),
        ({"x": "{a!r}"}, "at most a format"),
        ({"x": "{a:{b}}"}, "at most a format"),
        ({"x": {"template": 5}}, "template that is a int"),
        ({"x": {"fields": {}}}, "no mapping of fields"),
        ({"x": {"fields": {"*": "keep"}}}, "cannot keep other columns"),
        ({"*": "drop"}, "leaves no field"),
        ({"*": True}, r"mapping\.\*=True is not possible"),
        ({"*": {"keep": 1}}, "is not possible"),
        ({"tables": {"orders": {"x": 5}}}, r"mapping\.tables\.orders\.x=5"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused_at_once(mapping, message):
    """The error names the field and says what to write instead."""
    with pytest.raises(ConfigError, match=message) as raised:
        read_mapping(mapping)

    assert raised.value.hint


def test_a_secret_is_no_constant():
    """Rows rest on disk, and secrets must not; the error does not tell it."""
    with pytest.raises(ConfigError, match="secret as const") as raised:
        read_mapping({"token": {"const": Secret("hunter2hunter2")}})

    assert "hunter2" not in str(raised.value)


def test_a_misspelt_key_is_guessed():
    """A key or cast that is nearly right is named in the hint."""
    with pytest.raises(ConfigError) as raised:
        read_mapping({"x": {"from": "a", "cast": "big_int"}})

    assert "did you mean 'bigint'?" in raised.value.hint
