"""Naming conventions: what names become, and what holds for every convention and any text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.errors import SchemaError
from sinkkit.schema.naming.conventions import CONVENTIONS, Convention
from sinkkit.schema.naming.names import Names

ANY = st.text(st.characters(exclude_categories=()), min_size=1, max_size=40) | st.text("aB1_ -$\n\"'é", min_size=1, max_size=40)
ALPHABETS = {
    "direct": r"(?s).*",
    "snake_case": r"[a-z_][a-z0-9_]*",
    "duck_case": r'[^\n\r"]*',
    "sql_cs_v1": r"[A-Za-z_][A-Za-z0-9_]*",
    "sql_ci_v1": r"[a-z_][a-z0-9_]*",
}
EXAMPLES = [
    # name, snake_case, duck_case, sql_cs_v1, sql_ci_v1: what dlt 1.31 makes of it
    ("event value", "event_value", "event value", "event_value", "event_value"),
    ("event-.!:*<>value", "event_x_value", "event-.!:*<>value", "event_value", "event_value"),
    ("123BaNaNa", "_123_ba_na_na", "123BaNaNa", "_123BaNaNa", "_123banana"),
    ("BANANA____", "bananaxxxx", "BANANA_", "BANANA", "banana"),
    ("__a__", "_axx", "_a_", "_a", "_a"),
    ("HTTPServer", "http_server", "HTTPServer", "HTTPServer", "httpserver"),
    ("A1B2", "a1_b2", "A1B2", "A1B2", "a1b2"),
    ("  Small Love Potion ", "small_love_potion", "Small Love Potion", "Small_Love_Potion", "small_love_potion"),
    ("ünï", "_nx", "ünï", "_n", "_n"),
    ("+1", "x1", "+1", "_1", "_1"),
    ("-1", "_1", "-1", "_1", "_1"),
    ('say "it"\n', "say_itx", "say _it_", "say_it", "say_it"),
    ("_", "x", "_", "_", "_"),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=[example[0] for example in EXAMPLES])
def test_names_become_what_they_become_in_dlt(example):
    """Whoever comes from dlt finds tables and columns under the same names."""
    name, *expected = example

    assert [Names(CONVENTIONS[which]).column(name) for which in list(CONVENTIONS)[1:]] == expected
    assert Names().column(name) == name


@pytest.mark.parametrize(
    ("which", "name", "expected"),
    [
        ("direct", "a" * 30, "aaaaaaa850haaaaaaaaa"),
        ("snake_case", "ab_" * 12, "ab_ab_aa8yxnq_ab_abx"),
        ("duck_case", "ab_" * 12, "ab_ab_aa8yxnq_ab_ab_"),
        ("sql_cs_v1", "ab_" * 12, "ab_ab_aa8yxnqb_ab_ab"),
    ],
)
def test_long_names_are_cut_as_dlt_cuts_them(which, name, expected):
    """A name beyond the limit keeps both its ends, with a tag of the whole name between them."""
    assert Names(CONVENTIONS[which], column_limit=20).column(name) == expected


@pytest.mark.parametrize("which", CONVENTIONS)
@given(name=ANY, limit=st.none() | st.integers(1, 60))
def test_every_convention_is_idempotent_and_stays_inside_its_alphabet_and_length(which, name, limit):
    """For any text, lone surrogates too, and any limit; only names of which nothing is left are refused."""
    names = Names(CONVENTIONS[which], column_limit=limit)
    try:
        column = names.column(name)
    except SchemaError:
        assert which == "duck_case" or not name.strip()
        assert not name.strip()
        return

    assert names.column(column) == column
    assert re.fullmatch(ALPHABETS[which], column)
    assert limit is None or len(column) <= limit


@pytest.mark.parametrize("which", CONVENTIONS)
@given(name=ANY.filter(str.strip), other=ANY.filter(str.strip), limit=st.integers(20, 60))
def test_long_names_stay_apart(which, name, other, limit):
    """Two names of 10,000 characters that differ in their middle are two short ones."""
    first, second = (f"a{'b' * 5000}{middle}{'c' * 5000}z" for middle in (name, other))
    names, full = Names(CONVENTIONS[which], column_limit=limit), Names(CONVENTIONS[which])

    assert len(names.column(first)) == limit
    assert full.column(first) == full.column(second) or names.column(first) != names.column(second)


@pytest.mark.parametrize("which", CONVENTIONS)
def test_parts_of_a_path_are_separated_by_two_underscores(which):
    """Also ``direct``: child tables and columns of inner values are called alike everywhere."""
    names = Names(CONVENTIONS[which])

    assert names.table("users", "pets", "toys") == "users__pets__toys"
    assert names.column("address", "city") == "address__city"


def test_a_table_that_is_called_like_a_path_keeps_its_parts():
    """The table of a list can be named again by what it is called."""
    assert Names(CONVENTIONS["snake_case"]).table("Users__petList") == "users__pet_list"
    assert Names().table("a____b") == "a____b"


def test_a_path_that_is_too_long_is_cut_as_a_whole():
    """The limit holds for all parts together."""
    names = Names(CONVENTIONS["snake_case"], table_limit=20)

    assert len(names.table("users", "a" * 30)) == 20
    assert names.table("users", "a" * 30) != names.table("users", "a" * 31)


@pytest.mark.parametrize(("fold", "expected"), [("preserve", "Name"), ("lower", "name"), ("upper", "NAME")])
def test_a_destination_that_folds_names_gets_them_folded(fold, expected):
    """Rows carry the names that they will have there."""
    assert Names(fold=fold).column("Name") == expected
    assert len(Names(fold=fold, column_limit=10).column("Name" * 9)) == 10


@pytest.mark.parametrize("name", ["", "  "])
def test_a_name_of_which_nothing_is_left_is_refused(name):
    """An empty name would be a column that nobody can ask for; ``direct`` hands it out as it is."""
    with pytest.raises(SchemaError) as refused:
        Names(CONVENTIONS["snake_case"]).column(name)

    assert repr(name) in refused.value.message
    assert "direct" in refused.value.hint
    assert Names().column(name) == name


def test_a_convention_of_a_users_own_that_fails_is_named():
    """Its error becomes one of ours, with the name at which it fails."""

    def fails(name):
        raise ValueError("no x")

    with pytest.raises(SchemaError, match="fails for the name 'x': no x"):
        Names(Convention("mine", fails)).column("x")
