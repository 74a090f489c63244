"""Rows and what is known of their table: kept, moved to variants, or refused, in whatever chunks they come."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.errors import SchemaError
from sinkkit.schema.columns.contract import MODES, SUBJECTS, checked_contract
from sinkkit.schema.columns.evolution import Evolution, Refused


def variant(column, data_type):
    """The name of a variant."""
    return f"{column}__v_{data_type}"


def evolution(contract=None, *, variants=None, known=None, hints=None):
    """What is known of table ``t``; *known* maps columns to one data type each."""
    types = None if known is None else {name: frozenset() if kind is None else frozenset({kind}) for name, kind in known.items()}
    return Evolution.of("t", checked_contract(contract), variants, known=types, hints=hints)


def test_values_of_another_type_go_to_a_variant():
    """A value that its column does not hold goes to a column named after its type, in the place of the other; numbers widen."""
    kept, refused = evolution(variants=variant).take([{"a": 1, "b": 0}, {"a": "x", "b": 1}, {"a": 2.5}, {"a": None}, {"a": [1]}, {"a": 7}])

    assert [list(row.items()) for row in kept] == [
        [("a", 1), ("b", 0)],
        [("a__v_text", "x"), ("b", 1)],
        [("a", 2.5)],
        [("a", None)],
        [("a__v_json", [1])],
        [("a", 7)],
    ]
    assert refused == []


def test_variants_are_the_same_in_later_runs():
    """What a column holds is known from earlier loads, whatever comes first in this one."""
    rows = [{"a": "x"}, {"a": 1}]

    assert evolution(variants=variant, known={"a": "bigint"}).take(rows) == ([{"a__v_text": "x"}, {"a": 1}], [])
    assert evolution(variants=variant, known={"a": None}).take(rows) == ([{"a": "x"}, {"a__v_bigint": 1}], [])
    assert evolution(variants=variant, known={"a": "bigint"}).take([{"a": 2.5}]) == ([{"a": 2.5}], [])
    hinted = evolution(variants=variant, known={"a": "bigint"}, hints={"a": {"data_type": "wei"}})
    assert hinted.take([{"a": 2**200}, {"a": "0x1"}]) == ([{"a": 2**200}, {"a": "0x1"}], [])


def test_a_variant_that_another_column_is_called_is_refused():
    """Two values for one column, or two types in it, are an error that names it."""
    with pytest.raises(SchemaError, match=r"row 1 .*'a__v_text'"):
        evolution(variants=variant).take([{"a": 1}, {"a": "x", "a__v_text": "y"}])
    with pytest.raises(SchemaError, match="'a__v_text', which holds bigint"):
        evolution(variants=variant, known={"a": "bigint", "a__v_text": "bigint"}).take([{"a": "x"}])


@pytest.mark.parametrize(
    ("contract", "rows", "said"),
    [
        ("freeze", [{"a": 1}, {"a": 2, "new": "x"}], r"table 't', row 1 .*column 'new' with a value of type text is not known.*known: 'a'"),
        ("freeze", [{"a": 1}, {"a": 2.5}], r"table 't', row 1 .*column 'a': the value is of type double, the column of type bigint"),
        ({"data_type": "freeze"}, [{"new": 1}, {"new": "x"}], r"row 1 .*column 'new': the value is of type text"),
    ],
    ids=["columns", "data_type", "of a new column"],
)
def test_a_frozen_table_takes_nothing_new(contract, rows, said):
    """The error names table, row, column, the value's type and what is known, and says what to do."""
    with pytest.raises(SchemaError, match=said) as error:
        evolution(contract, known={"a": "bigint"}).take(rows)

    assert "schema_contract=" in str(error.value.hint)


def test_a_misspelt_column_is_pointed_out():
    """The hint names the column that was probably meant."""
    with pytest.raises(SchemaError) as error:
        evolution("freeze", known={"email": "text", "id": "bigint"}).take([{"emial": "x"}])

    assert str(error.value.hint).startswith("did you mean 'email'? Else take it once")


def test_a_frozen_pipeline_takes_no_new_table():
    """One word freezes tables, too; a contract for columns lets a new table have any."""
    with pytest.raises(SchemaError, match="no earlier load had this table"):
        evolution("freeze").take([{"a": 1}])

    assert evolution({"columns": "freeze"}).take([{"a": 1}, {"b": 2}]) == ([{"a": 1}, {"b": 2}], [])
    assert evolution("discard_row").take([{"a": 1}]) == ([], [Refused({"a": 1}, "table 't' is not known (schema contract: tables discard_row)")])


def test_rows_are_discarded_with_a_reason():
    """A row with something new is refused as it was given, and makes nothing known."""
    rows = [{"a": 1}, {"a": 2, "new": 1}, {"new": "x"}, {"a": "x"}, {"a": None}]
    kept, refused = evolution("discard_row", known={"a": "bigint"}).take(rows)

    assert kept == [{"a": 1}, {"a": None}]
    assert refused == [
        Refused({"a": 2, "new": 1}, "column 'new' is not known (schema contract: columns discard_row)"),
        Refused({"new": "x"}, "column 'new' is not known (schema contract: columns discard_row)"),
        Refused({"a": "x"}, "column 'a' holds bigint, not text (schema contract: data_type discard_row)"),
    ]


def test_values_are_discarded():
    """What is new is taken out of the row, and the row is kept."""
    rows = [{"a": 1, "new": None}, {"a": "x"}, {"a": Decimal(1)}]

    assert evolution("discard_value", known={"a": "bigint"}).take(rows) == ([{"a": 1}, {}, {}], [])
    assert rows[0] == {"a": 1, "new": None}


def test_columns_of_our_own_are_no_matter_of_contracts():
    """Keys that sinkkit gives rows pass a frozen contract."""
    assert evolution("freeze", known={"a": "bigint"}).take([{"a": 1, "_sk_id": "x", "_SK_LOAD_ID": "y"}])[1] == []


def test_a_chunk_of_what_is_known_is_handed_on_as_it_is():
    """Where every column has a type that its column holds, not even the list is made anew."""
    rows = [{"a": number, "b": None} for number in range(5)]

    assert evolution("freeze", known={"a": "double", "b": "text"}).take(rows)[0] is rows


def test_arrow_data_is_looked_at_column_by_column():
    """Variants rename a column, discarded values take it out, discarded rows are those that have a value in it."""
    data = pa.table({"a": ["x", None, "y"], "b": [1, 2, 3], "new": [None, 5, 6]})
    known = {"a": "bigint", "b": "double"}

    kept, refused = evolution({"columns": "discard_row", "data_type": "discard_value"}, known=known).take_arrow(data)
    assert kept.to_pydict() == {"b": [1]}
    assert [(each.data.to_pydict(), each.reason) for each in refused] == [
        ({"a": [None, "y"], "b": [2, 3], "new": [5, 6]}, "column 'new' is not known (schema contract: columns discard_row)")
    ]
    assert evolution(variants=variant, known=known).take_arrow(data)[0].column_names == ["a__v_text", "b", "new"]
    assert evolution(known=known).take_arrow(data.to_batches()[0])[0].equals(data)
    with pytest.raises(SchemaError, match=r"row 1 .*column 'new'"):
        evolution({"columns": "freeze"}, known=known).take_arrow(data)
    with pytest.raises(SchemaError, match="'a__v_text'"):
        evolution(variants=variant, known=known).take_arrow(data.append_column("a__v_text", [["z"] * 3]))


values = st.sampled_from([None, "x", 1, 10**400, 1.5, float("nan"), True, Decimal(1), Decimal("NaN"), b"x", [1, "a"], date(1, 1, 1), "\0", "\udc00"])
rows = st.lists(st.dictionaries(st.sampled_from("abc"), values, max_size=3), max_size=8)
contracts = st.fixed_dictionaries(dict.fromkeys(SUBJECTS, st.sampled_from(MODES)))
knowns = st.none() | st.dictionaries(st.sampled_from("ab"), st.sampled_from([None, "bigint", "double", "text", "json"]))
hints = st.dictionaries(st.sampled_from("abc"), st.sampled_from([{}, {"data_type": "bigint"}, {"data_type": "decimal"}]), max_size=2)


def outcome(data, chunks, settings):
    """All that became of *data*, given in *chunks*: rows and reasons, or the text of the error."""
    what = evolution(**settings)
    kept, refused, start = [], [], 0
    try:
        for end in [*sorted(chunks), len(data)]:
            some, out = what.take(data[start:end])
            kept += some
            refused += out
            start = max(start, end)
    except SchemaError as error:
        return repr(error.message)
    return repr((kept, refused, {name: column.types for name, column in sorted(what.columns.items())}))


settings = st.fixed_dictionaries({"contract": contracts, "known": knowns, "hints": hints, "variants": st.sampled_from([None, variant])})


@given(rows, st.lists(st.integers(0, 8), max_size=3), settings)
def test_chunks_do_not_matter_to_contracts(data, chunks, said):
    """Whatever the contract, the same rows are kept, moved and refused, for the same reasons, in whatever chunks they come."""
    whole, cut = [outcome(data, each, said) for each in ([], [min(at, len(data)) for at in chunks])]

    assert whole == cut


@given(rows, knowns, hints)
def test_l1_rows_stay_as_given_where_everything_is_taken(data, known, hinted):
    """L1: without variants a table that evolves keeps every row, and it is the very row given."""
    kept, refused = evolution(known=known, hints=hinted).take(data)

    assert refused == []
    assert list(map(id, kept)) == list(map(id, data))


@given(rows, contracts, knowns)
def test_l5_each_row_is_kept_or_refused(data, contract, known):
    """L5: unless the contract is frozen, kept and refused rows are as many as came, and variants lose no value."""
    contract = {subject: "discard_row" if mode == "freeze" else mode for subject, mode in contract.items()}
    kept, refused = evolution(contract, known=known).take(data)
    moved, none = evolution(variants=variant, known=known).take(data)

    assert len(kept) + len(refused) == len(data)
    assert [list(map(id, row.values())) for row in moved] == [list(map(id, row.values())) for row in data]
    assert none == []
