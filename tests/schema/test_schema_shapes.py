"""The shapes of a chunk of rows: exact types by column, the very same object for chunks that are alike."""

from __future__ import annotations

import random
import tracemalloc
from collections import OrderedDict
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sinkkit.schema.columns.columns import columns_of
from sinkkit.schema.encoding.codec import decode_text, encode
from sinkkit.schema.shapes import shapes_of

VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.decimals(), st.lists(st.integers()))
ROWS = st.lists(st.dictionaries(st.sampled_from("abcd"), VALUES), max_size=6)


class Name(str):
    """A name that is equal to its text and of another type."""

    __slots__ = ()


def counted(rows):
    """The types of each column of *rows*, value by value."""
    found = {}
    for row in rows:
        for name, value in row.items():
            found.setdefault(name, []).append(type(value))
    return {name: frozenset(kinds) for name, kinds in found.items()}


@given(rows=ROWS)
def test_types_are_those_of_a_count_value_by_value(rows):
    """Whatever way is taken, each column has the types of its values, and rows are complete only if each has every column."""
    shapes = shapes_of(rows)

    assert dict(shapes.kinds) == counted(rows)
    assert sorted(map(repr, shapes.pairs)) == sorted(repr((name, kind)) for name, kinds in counted(rows).items() for kind in kinds)
    if shapes.complete:
        assert [list(row.keys() ^ shapes.kinds.keys()) for row in rows] == [[]] * len(rows)


@given(rows=ROWS)
def test_columns_do_not_depend_on_what_is_remembered(rows):
    """Rows of a class of their own, of which nothing is remembered, have the same columns as plain ones, in the same order."""
    own = [OrderedDict(row) for row in rows]

    known, anew = columns_of(rows, shapes_of(rows)), columns_of(own, shapes_of(own))

    assert list(known.described().items()) == list(anew.described().items())


def test_chunks_that_are_alike_share_their_shapes():
    """What follows from them is worked out once; other types, names or an other order are other shapes."""
    rows = [{"a": 1, "b": "x"}, {"b": "y", "a": 2}]

    assert shapes_of(rows) is shapes_of([{"a": 3, "b": ""}])
    assert shapes_of(rows) is not shapes_of([{"a": 3, "b": None}])
    assert shapes_of(rows) is not shapes_of([{"b": "", "a": 3}])


def test_names_of_a_class_of_their_own_are_not_taken_for_plain_ones():
    """Equal names share nothing: those of a subclass are made plain, whichever came first."""
    plain, own = [{"id": 1}], [{Name("id"): 1}]

    for rows in (plain, own, plain):
        shapes = shapes_of(rows)
        lines = encode(rows, shapes, table="t", first_row=0)
        assert [type(name) for row in decode_text(lines) for name in row] == [str]
        assert [type(name) for name in columns_of(rows, shapes).described()] == [str]
    assert shapes_of(plain) is not shapes_of(own)


def test_sizes_are_those_of_the_chunk():
    """Chunks with the same shapes may hold values of other sizes."""
    small, large = [{"a": Decimal("1.5")}], [{"a": Decimal("12345.678")}]

    sizes = [columns_of(rows, shapes_of(rows)).described()["a"] for rows in (small, large, small)]

    assert [(size["precision"], size["scale"]) for size in sizes] == [(2, 1), (8, 3), (2, 1)]


def test_little_is_remembered_of_wide_tables():
    """A table with many columns, in each chunk of which others are None, leaves a few megabytes behind, however many chunks there are."""
    chance = random.Random(1)
    names = [f"column {number}" for number in range(1_000)]
    tracemalloc.start()
    for _ in range(150):
        rows = [{name: None if chance.random() < 0.01 else 1 for name in names}]
        columns_of(rows, shapes_of(rows))
    del rows
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 10 << 20
