"""What users say of columns, keys and contracts: taken in its forms, refused with what was probably meant."""

from __future__ import annotations

import pytest

from sinkkit.errors import ConfigError
from sinkkit.schema.columns.contract import Contract, checked_contract
from sinkkit.schema.columns.hints import checked_hints, checked_key
from sinkkit.sources import PartialHints


def test_hints_come_as_a_mapping_or_as_a_list():
    """A mapping of names to hints and a list of hints with names say the same."""
    hints = {"data_type": "decimal", "precision": 10, "scale": 2, "x-owner": "sales"}

    assert checked_hints({"price": hints}) == checked_hints([{"name": "price", **hints}]) == {"price": hints}
    assert checked_hints(None) is None


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"id": {"data_type": "bigin"}}, "did you mean 'bigint'"),
        ({"id": {"data_type": "string"}}, "did you mean 'text'"),
        ({"id": {"data_type": 5}}, "data types are text"),
        ({"id": {"datatype": "bigint"}}, "did you mean 'data_type'"),
        ({"id": {1: "bigint"}}, "hints are data_type"),
        ({"id": {"nullable": "no"}}, "True or False"),
        ({"id": {"precision": 0}}, "1 or more"),
        ({"id": {"scale": True}}, "0 or more"),
        ({"id": {"sort": "up"}}, "'asc' or 'desc'"),
        ({"id": {"description": 1}}, "it is text"),
        ({"id": {"name": "key"}}, "leave the name out"),
        ([{"name": "id"}, {"name": "id"}], "put its hints together"),
        ([{"data_type": "bigint"}], "for example"),
        ({"id": "bigint"}, "for example"),
        ("id", "for example"),
        (5, "for example"),
    ],
    ids=str,
)
def test_hints_that_cannot_be_meant_are_refused(columns, said):
    """The error names the column and says what can be written."""
    with pytest.raises(ConfigError) as error:
        checked_hints(columns)

    assert said in str(error.value)


def test_keys_are_those_named_or_those_flagged():
    """Without ``primary_key=`` and ``merge_key=`` the columns that have the hint are the keys."""
    columns = {"a": {"primary_key": True}, "b": {"merge_key": True, "primary_key": False}}
    flagged = PartialHints(columns=columns).filled("t")
    named = PartialHints(columns=columns, primary_key="b", merge_key=["a", "b", "a"]).filled("t")

    assert (flagged.primary_key, flagged.merge_key) == (("a",), ("b",))
    assert (named.primary_key, named.merge_key) == (("b",), ("a", "b"))
    with pytest.raises(ConfigError, match="merge_key=5"):
        checked_key(5, "merge_key")


def test_a_contract_is_one_word_or_one_for_each():
    """One word goes for tables, columns and data types; a mapping leaves the others as they are by default."""
    assert checked_contract("freeze") == Contract(tables="freeze", columns="freeze", data_type="freeze")
    assert checked_contract({"columns": "discard_row"}) == Contract(columns="discard_row")
    assert checked_contract(None) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("frozen", "did you mean 'freeze'"),
        ("nothing at all", "it is one of evolve"),
        ({"column": "freeze"}, "did you mean 'columns'"),
        ({"columns": "discard"}, "did you mean 'discard_row'"),
        ({"columns": None}, "it is one of evolve"),
        ({5: "freeze"}, "write schema_contract"),
        (5, "write schema_contract"),
    ],
    ids=str,
)
def test_contracts_that_cannot_be_meant_are_refused(given, said):
    """The error says which words there are."""
    with pytest.raises(ConfigError) as error:
        checked_contract(given)

    assert said in str(error.value)
