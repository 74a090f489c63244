"""What is known of tables grows with each load, is kept as text and comes back as it was."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sinkkit.rows import TableSchema
from sinkkit.schema.columns.columns import columns_of
from sinkkit.schema.columns.known import grown, hash_of, tables_in, text_of, types_in
from sinkkit.schema.shapes import shapes_of


def load(rows, hints=None, **said):
    """A load of table ``t`` with *rows*, as a package tells of it."""
    columns = columns_of(rows, shapes_of(rows))
    types = {name: sorted(column.types) for name, column in columns.seen.items()}
    return {"t": (TableSchema.of("t", columns.described(hints), **said), types)}


def after(*loads):
    """What is known after *loads*, through text after each."""
    known = {}
    for each in loads:
        known = tables_in(text_of(grown(known, each)))
    return known


def test_what_is_known_grows():
    """Types widen, digits grow, columns that a load does not have may be missing, and hints stay until others are given."""
    known = after(
        load([{"id": 1, "price": Decimal("9.5"), "note": None}], {"id": {"description": "key"}}, primary_key=["id"]),
        load([{"id": 2.5, "price": Decimal("123.25"), "new": "x"}], {"new": {"unique": True}}, write_disposition="merge"),
    )

    assert known["t"]["write_disposition"] == "merge"
    assert known["t"]["columns"] == {
        "id": {
            "name": "id", "data_type": "double", "types": ["bigint", "double"], "nullable": False, "primary_key": False, "description": "key",
        },
        "price": {"name": "price", "data_type": "decimal", "nullable": False, "primary_key": False, "precision": 5, "scale": 2},
        "note": {"name": "note", "data_type": "text", "types": [], "nullable": True, "primary_key": False},
        "new": {"name": "new", "data_type": "text", "nullable": True, "primary_key": False, "unique": True},
    }  # fmt: skip
    assert types_in(known["t"]) == {
        "id": frozenset({"bigint", "double"}),
        "price": frozenset({"decimal"}),
        "note": frozenset(),
        "new": frozenset({"text"}),
    }


def test_tables_of_our_own_are_no_part_of_it():
    """The tables that tell of the schema do not change it, and a table that a load does not have stays known."""
    first = after(load([{"a": 1}]))
    schema = TableSchema.of("_sk_loads", {"load_id": {"data_type": "text"}})

    assert grown(first, {"_sk_loads": (schema, {})}) == first
    assert types_in(None) is None


moments = [datetime(1, 1, 1), datetime(9999, 12, 31, tzinfo=UTC)]  # noqa: DTZ001  one has no zone
values = st.sampled_from([None, "x", 1, 1.5, Decimal("1.25"), Decimal(10), Decimal("NaN"), [1], *moments])
rows = st.lists(st.dictionaries(st.sampled_from("abc"), values), min_size=1, max_size=4)


@given(rows, rows)
def test_what_is_known_does_not_depend_on_the_order_of_loads(one, two):
    """Two loads make known the same whichever is first, and the same again changes nothing, nor does the way through text."""
    known = after(load(one), load(two))

    assert hash_of(text_of(known)) == hash_of(text_of(after(load(two), load(one))))
    assert after(load(one), load(two), load(one), load(two)) == known
    assert json.loads(text_of(known))["tables"] == known


@given(rows, rows)
def test_what_is_known_of_two_loads_is_that_of_one_with_the_rows_of_both(one, two):
    """Types and digits are the same as if all rows had come in one load."""
    apart, together = after(load(one), load(two))["t"]["columns"], after(load(one + two))["t"]["columns"]

    assert apart == together
