"""Rows as JSON Lines and back: what is kept exactly, what is kept as its base value, what is refused and how."""

from __future__ import annotations

import enum
from collections import OrderedDict, defaultdict, namedtuple
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from types import MappingProxyType
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.errors import PackageCorrupted, SourceError
from sinkkit.schema.encoding.codec import decode, encode
from sinkkit.schema.shapes import shapes_of

BERLIN = ZoneInfo("Europe/Berlin")


class Level(enum.IntEnum):
    LOW = 1


class Word(enum.StrEnum):
    HELLO = "hello"


class Old(str, enum.Enum):  # noqa: UP042  what code written before StrEnum has
    HELLO = "hello"


class Colour(enum.Enum):
    RED = 1


class Nowhere(tzinfo):
    def utcoffset(self, moment):
        return None


Pair = namedtuple("Pair", "left right")  # noqa: PYI024  the untyped kind is what older code has


def travelled(rows):
    """*rows* written as lines and read again."""
    lines = encode(rows, shapes_of(rows), table="t", first_row=0)
    assert lines.count(b"\n") == len(rows)
    return decode(lines.split(b"\n")[:-1])


def exactly(value):
    """A text that differs whenever a value, its type or the type of anything in it does."""
    if isinstance(value, dict):
        return f"{type(value).__name__}({', '.join(f'{exactly(k)}: {exactly(v)}' for k, v in value.items())})"
    if isinstance(value, set | frozenset):
        return f"{type(value).__name__}({', '.join(sorted(map(exactly, value)))})"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}({', '.join(map(exactly, value))})"
    return f"{type(value).__name__} {hex(value) if type(value) is int else repr(value)}"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "$sk",
        "\u2028\x00é😀",
        "a\ud800\\u0041\n",
        "\ud83d" + "\ude00",
        0,
        -(2**63) - 1,
        2**64,
        10**400,
        -(10**5000),
        0.0,
        -0.0,
        1.0,
        5e-324,
        1e16,
        float(2**64),
        float("nan"),
        float("inf"),
        float("-inf"),
        True,
        False,
        None,
        Decimal("1.50"),
        Decimal("-0E+5"),
        Decimal("NaN"),
        Decimal("sNaN12"),
        Decimal("-Infinity"),
        datetime(1, 1, 1),  # noqa: DTZ001  naive on purpose
        datetime(2026, 10, 25, 2, 30, fold=1),  # noqa: DTZ001  naive on purpose
        datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
        datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN),
        datetime(2026, 3, 29, 2, 30, tzinfo=BERLIN),
        datetime(2026, 1, 1, 1, 2, 3, 4, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")),
        datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-3, seconds=17, microseconds=5))),
        date.max,
        time(1, 2, 3, 4),
        time(1, tzinfo=UTC),
        time(1, tzinfo=BERLIN, fold=1),
        timedelta.min,
        timedelta.max,
        UUID(int=7),
        b"",
        bytes(range(256)),
        (),
        (1, (2.0, [None])),
        {1, 2},
        set(),
        frozenset({(1,), "a"}),
        [],
        {},
        [1, 1.0, True, "1", None],
        [2**64, {"a": 2**70}],
        [float("nan"), {"x": Decimal("1.0")}],
        {"$sk": "decimal", "v": "1"},
        {"a": {"$sk": None}},
        {1: "int", True + 1: "two", None: 0, (1, 2): [b"x"], "s": UUID(int=1)},
        {"\ud800": 1},
        [[], [[]], {"a": {"b": [{}]}}],
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_comes_back_as_it_was(value):
    """Value and types survive, alone and beside plain rows, nulls and rows without the key (L1)."""
    for rows in (
        [{"a": value}],
        [{"a": 1, "b": "x"}, {"b": "y", "a": value}, {"b": None}, {"a": None, "z": 1.5}],
        [{"nested": {"deep": [value, {"k": value}]}, "a": value}, {"nested": None}],
    ):
        assert exactly(travelled(rows)) == exactly(rows)


@pytest.mark.parametrize(
    ("value", "base"),
    [
        (Level.LOW, 1),
        (Word.HELLO, "hello"),
        (Old.HELLO, "hello"),
        (np.int64(2**62), 2**62),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.float64(1.5), 1.5),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.float64("nan"), float("nan")),
        (np.bool_(1), True),
        (np.str_("x"), "x"),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (MappingProxyType({"a": (1,)}), {"a": (1,)}),
        (bytearray(b"x"), b"x"),
        (Pair(1, [2]), (1, [2])),
        (pd.Timestamp("2026-01-01T12:00:00.000001+01:00"), datetime.fromisoformat("2026-01-01T12:00:00.000001+01:00")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_subclass_comes_back_as_its_base(value, base):
    """A value of a subclass, or a scalar of numpy, is kept as the plain value that it equals."""
    for rows, kept in (([{"a": value}], [{"a": base}]), ([{"a": [value, {"k": value}]}], [{"a": [base, {"k": base}]}])):
        assert exactly(travelled(rows)) == exactly(kept)


def test_names_of_columns_may_be_odd():
    """A column may be called like our tag, be empty, hold odd characters or be a member of a StrEnum."""
    rows = [{"$sk": 1, "": 2, "a\nb\ud800": 3}, {Word.HELLO: 4, "b": float("inf")}]

    assert exactly(travelled(rows)) == exactly([{"$sk": 1, "": 2, "a\nb\ud800": 3}, {"hello": 4, "b": float("inf")}])


def test_each_reading_gives_fresh_objects():
    """A function may change its rows; the next attempt gets them as they were."""
    lines = encode([{"a": [1], "d": Decimal(1)}], shapes_of([{"a": [1], "d": Decimal(1)}]), table="t", first_row=0).split(b"\n")[
        :-1
    ]
    first = decode(lines)
    first[0]["a"].append(2)

    assert decode(lines) == [{"a": [1], "d": Decimal(1)}]


def test_any_tool_can_read_the_lines():
    """Each line is a JSON object; a value that JSON cannot hold is an object that names its type."""
    rows = [{"id": 1, "price": Decimal("1.50"), "at": datetime(2026, 1, 1, tzinfo=UTC)}]
    line = encode(rows, shapes_of(rows), table="t", first_row=0)

    assert orjson.loads(line) == {
        "id": 1,
        "price": {"$sk": "decimal", "v": "1.50"},
        "at": {"$sk": "datetime", "v": "2026-01-01T00:00:00+00:00"},
    }


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Colour.RED, "column 'a': the value is of type test_schema_codec.Colour"),
        (object(), "column 'a': the value is of type object"),
        ({"k": [0, (1, Colour.RED)]}, "column 'a': the value at .k[1][1] is of type"),
        (np.datetime64("2026-01-01T00:00:00.000000001"), "the value is of type numpy.datetime64"),
        (pd.NaT, "the value is NaT"),
        (pd.Timestamp(1), "the value has nanoseconds"),
        (datetime(2026, 1, 1, tzinfo=Nowhere()), "has a time zone without an offset"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_cannot_be_kept_is_named(value, said):
    """The error names table, row, column, the place within it and the type, and says what to do."""
    rows = [{"a": 1}, {"a": value}]

    with pytest.raises(SourceError) as caught:
        encode(rows, shapes_of(rows), table="orders", first_row=40)

    assert "table 'orders', row 41 (counted from 0), column 'a'" in str(caught.value)
    assert said in str(caught.value)
    assert caught.value.hint


def test_values_within_themselves_and_deep_ones_are_named():
    """A value that contains itself, or is nested beyond the limit, is an error and not a crash; up to the limit it is kept."""
    itself: list = []
    itself.append(itself)
    deep: list = [1]
    for _ in range(99):
        deep = [deep]

    assert travelled([{"a": deep}, {"a": float("nan")}])[0] == {"a": deep}
    for value in (itself, [deep], {"a": deep, "b": Decimal(1)}, (itself,)):
        with pytest.raises(SourceError, match="column 'a': the value is nested more than 100 levels deep, or contains itself"):
            encode([{"a": value}], shapes_of([{"a": value}]), table="t", first_row=0)


def test_keys_of_rows_must_be_str():
    """A key of a row that is not a str is named with its row."""
    with pytest.raises(SourceError, match=r"row 1 \(counted from 0\): the column name 5 is of type int"):
        encode([{"a": 1}, {5: 1}], shapes_of([{"a": 1}, {5: 1}]), table="t", first_row=0)


def test_lines_that_were_not_ours_are_refused():
    """A line that is not JSON, or bears a tag of a later version, is an error of ours."""
    for line in (b"{", b'{"a":{"$sk":"colour","v":1}}'):
        with pytest.raises(PackageCorrupted):
            decode([line, line])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "$sk"]) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), json_values), min_size=1, max_size=5))
def test_L1_plain_and_nested_rows_come_back(rows):  # noqa: N802  named after the law
    """Rows of what JSON nearly holds come back as they were, whichever way they were written (L1)."""
    assert exactly(travelled(rows)) == exactly(rows)
