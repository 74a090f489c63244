"""Rows as objects of a class: what fits, what does not, and how that is said."""

from __future__ import annotations

import dataclasses
import enum
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Generic, Literal, NewType, NotRequired, TypedDict, TypeVar
from uuid import UUID

import attrs
import msgspec
import pytest

from sinkkit.errors import SignatureError
from sinkkit.schema.typed.structurer import structurer_of

UserId = NewType("UserId", int)
T = TypeVar("T")
ID = UUID(int=7)
NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)


class Color(enum.Enum):
    """An enum of texts."""

    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    """An enum of numbers."""

    LOW = 1


class Email(str):
    """Text with rules of its own."""

    __slots__ = ()

    def __new__(cls, text):
        if "@" not in text:
            raise ValueError("there is no @ in it")
        return super().__new__(cls, text)


@attrs.define
class Address:
    """A nested class."""

    zip: int
    street: str = ""


@attrs.define
class Box(Generic[T]):
    """A generic class."""

    value: T


@attrs.define
class Node:
    """A class that holds itself."""

    name: str
    children: list[Node] = attrs.field(factory=list)
    parent: Node | None = None


@attrs.define
class Renamed:
    """A class whose field has another name in the row."""

    kind: str = attrs.field(alias="type_")
    _own: int = 0


@attrs.define
class Checked:
    """A class with a validator."""

    age: int = attrs.field(validator=attrs.validators.ge(0))


@dataclasses.dataclass
class Plain:
    """A dataclass."""

    id: int
    name: str | None = None


class Loose(TypedDict):
    """A dict whose values are checked."""

    id: int
    note: NotRequired[str]
    next: NotRequired[Loose]


class Line(msgspec.Struct):
    """A Struct."""

    sku: str
    count: int = 1
    where: Address | None = None


@attrs.define
class Order:
    """A class that holds a Struct."""

    lines: list[Line]


def of(kind, value):
    """*value* as the only field of a class, where it is of type *kind*; or why it does not fit."""
    made, refused = structurer_of(Box[kind])([{"value": value}], str)
    return refused[0] if refused else made[0].value


def as_rows(kind, *rows, clean=str):
    """The objects of rows, and the reasons of those that do not fit."""
    return structurer_of(kind)(list(rows), clean)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        pytest.param(int, 10**400, id="large"), (float, 1.5), (bool, True), (str, "x"), (bytes, b"x"), (Decimal, Decimal("1.50")), (datetime, NOON), (datetime, datetime(1, 1, 1, tzinfo=UTC)),
        (date, date(9999, 12, 31)), (time, time(1, 2)), (timedelta, timedelta(1)), (UUID, ID), (UserId, 5), (int | None, None), (Any, object), (object, 3),
        (list[int], [1]), (dict[str, int], {"a": 1}), (set[int], {1}), (Literal["a", 1], 1), (int | str, "a"), (Color, Color.RED),
    ],
)  # fmt: skip
def test_a_value_of_the_right_type_is_taken_as_it_is(kind, value):
    """What the package restored is passed on, equal and of the same type."""
    found = of(kind, value)

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        (float, 3, 3.0), (Decimal, 3, Decimal(3)), (Decimal, "1.50", Decimal("1.50")), (datetime, "2024-01-02T12:00:00Z", NOON),
        (date, "2024-01-02", date(2024, 1, 2)), (time, "01:02", time(1, 2)), (UUID, str(ID), ID), (bytes, bytearray(b"x"), b"x"), (Path, "a/b", Path("a/b")),
        (Color, "blue", Color.BLUE), (Level, 1, Level.LOW), (Email, "a@b", Email("a@b")), (tuple[int, str], [1, "a"], (1, "a")), (tuple[int, ...], [1, 2], (1, 2)),
        (frozenset[int], [1, 2], frozenset({1, 2})), (list[Color], ["red"], [Color.RED]), (Literal[Color.RED], "red", Color.RED),
        (Address, {"zip": 1, "unknown": 2}, Address(1)), (Address | Plain, {"id": 1, "name": "x"}, Plain(1, "x")), (list, [1, "a"], [1, "a"]), (dict, {1: 2}, {1: 2}),
    ],
)  # fmt: skip
def test_what_loses_nothing_is_changed(kind, value, wanted):
    """Numbers and ISO texts become what the field asks for where nothing is lost, lists become tuples and sets, dicts objects."""
    found = of(kind, value)

    assert (found, type(found)) == (wanted, type(wanted))


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (int, "7", "expected int @ $.value, got str '7'"),
        (int, 7.0, "expected int @ $.value, got float 7.0"),
        (int, True, "expected int @ $.value, got bool True"),
        (bool, 1, "expected bool @ $.value, got int 1"),
        (float, 2**80 + 1, f"expected float @ $.value, got int {2**80 + 1}"),
        pytest.param(float, 10**400, f"expected float @ $.value, got int 1{'0' * 56}...", id="large"),
        (float, "1.5", "expected float @ $.value, got str '1.5'"),
        (str, None, "expected str @ $.value, got None"),
        (str, 5, "expected str @ $.value, got int 5"),
        pytest.param(str, 10**5000, "expected str @ $.value, got int", id="digits"),
        (str, b"x", "expected str @ $.value, got bytes b'x'"),
        (Decimal, 1.5, "expected Decimal @ $.value, got float 1.5"),
        (Decimal, "NaN", "expected Decimal @ $.value, got str 'NaN'"),
        (date, NOON, "expected date @ $.value, got datetime 2024-01-02 12:00:00+00:00"),
        (datetime, date(2024, 1, 2), "expected datetime @ $.value, got date 2024-01-02"),
        (datetime, "tomorrow", "expected datetime @ $.value, got str 'tomorrow'"),
        (UUID, "x", "expected UUID @ $.value, got str 'x'"),
        (Color, "green", "expected one of 'red', 'blue' @ $.value, got str 'green'"),
        (Level, True, "expected one of 1 @ $.value, got bool True"),
        (Literal["a", 1], True, "expected one of 'a', 1 @ $.value, got bool True"),
        (UserId, "5", "expected int @ $.value, got str '5'"),
        (Email, "a", "expected Email (there is no @ in it) @ $.value, got str 'a'"),
        (int | str, 1.5, "expected int or str @ $.value, got float 1.5"),
        (list[str], "abc", "expected list[str] @ $.value, got str 'abc'"),
        (list[int], {"a": 1}, "expected list[int] @ $.value, got dict of 1"),
        (list[int], [1, "a", 3, "b"], "expected int @ $.value[1], got str 'a'; expected int @ $.value[3], got str 'b'"),
        (dict[str, int], {"a": 1, "b": "x"}, "expected int @ $.value['b'], got str 'x'"),
        (dict[str, int], {2: 1}, "expected str @ $.value[2], got int 2"),
        (dict[str, int], [1], "expected dict[str, int] @ $.value, got list of 1"),
        (tuple[int, str], [1], "expected tuple[int, str] @ $.value, got list of 1"),
        (tuple[int, str], [1, 2], "expected str @ $.value[1], got int 2"),
        (Address, {"zip": "x"}, "expected int @ $.value.zip, got str 'x'"),
        (Address, {"street": "a"}, "expected int @ $.value.zip, which is missing"),
        (Address, "x", "expected Address @ $.value, got str 'x'"),
        (Address | None, {"zip": "x"}, "expected int @ $.value.zip, got str 'x'"),
        (Address | Plain, {"zip": "x"}, "expected Address or Plain @ $.value, got dict of 1"),
        (Checked, {"age": -1}, "ValueError: 'age' must be >= 0: -1 @ $.value"),
        (pytest.Session, 1, "expected Session @ $.value, got int 1"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_with_its_path(kind, value, reason):
    """A reason says what was expected, where, and what was there; nothing is changed where something could be lost."""
    assert of(kind, value) == reason


@pytest.mark.parametrize(
    ("kind", "row", "wanted"),
    [
        (Plain, {"id": 1, "more": 2}, Plain(1)),
        (Loose, {"id": 1, "more": 2}, {"id": 1, "more": 2}),
        (Loose, {"id": 1, "next": {"id": 2, "note": "a"}}, {"id": 1, "next": {"id": 2, "note": "a"}}),
        (Renamed, {"type_": "a", "_own": 2}, Renamed("a", 2)),
        (Node, {"name": "a", "children": [{"name": "b"}], "parent": {"name": "c"}}, Node("a", [Node("b")], Node("c"))),
        (Line, {"sku": "a", "where": {"zip": 3}, "more": 1}, Line("a", 1, Address(3))),
        (Order, {"lines": [{"sku": "a"}]}, Order([Line("a")])),
        (Plain | Line, {"sku": "a"}, Line("a")),
    ],
)
def test_each_sort_of_class_is_made(kind, row, wanted):
    """Attrs classes, dataclasses, TypedDicts, Structs and unions of them; unknown keys are left out, in a TypedDict they stay."""
    assert as_rows(kind, row) == ([wanted], {})


@pytest.mark.parametrize(
    ("kind", "row", "reason"),
    [
        (Plain, {}, "expected int @ $.id, which is missing"),
        (Loose, {"id": 1, "next": {"id": "x"}}, "expected int @ $.next.id, got str 'x'"),
        (Loose, {"note": 1}, "expected int @ $.id, which is missing; expected str @ $.note, got int 1"),
        (Renamed, {"type_": 1}, "expected str @ $.type_, got int 1"),
        (Renamed, {}, "expected str @ $.type_, which is missing"),
        (Node, {"name": "a", "children": [{"name": "b"}, {"name": 1}]}, "expected str @ $.children[1].name, got int 1"),
        (Line, {"count": 1}, "the required field sku is missing @ $.sku"),
        (Line, {"sku": "a", "where": {}}, "the required field zip is missing @ $.where.zip"),
        (Order, {"lines": [{"sku": "a"}, {"sku": "a", "count": "2"}]}, "expected int @ $.lines[1].count, got str '2'"),
    ],
)
def test_the_path_leads_through_every_sort_of_class(kind, row, reason):
    """The path names keys of the row, in whatever they are nested."""
    assert as_rows(kind, row) == ([], {0: reason})


def test_neighbours_of_a_bad_row_are_made():
    """The positions of bad rows are told, all others are made in their order."""
    made, refused = as_rows(Plain, *({"id": n if n % 3 else "x"} for n in range(7)))

    assert made == [Plain(1), Plain(2), Plain(4), Plain(5)]
    assert list(refused) == [0, 3, 6]


def test_many_problems_of_a_row_are_counted():
    """A row with hundreds of problems has a reason of a few lines."""
    refused = as_rows(Box[list[int]], {"value": ["x"] * 300})[1]

    assert refused[0].endswith("; and 295 more")
    assert len(refused[0]) < 300


def test_a_secret_is_masked_before_it_is_cut():
    """A value that is a secret of the run, or holds one beyond the characters shown, is not in the reason."""
    secret = "s3cret-" * 20
    refused = as_rows(Plain, {"id": secret}, {"id": f"key {secret}"}, clean=lambda text: text.replace(secret, "***"))[1]

    assert list(refused.values()) == ["expected int @ $.id, got str '***'", "expected int @ $.id, got str 'key ***'"]


def test_a_class_of_unknown_names_is_refused():
    """Annotations that cannot be read are an error that names the class, before any row is read."""

    @attrs.define
    class Strange:
        value: Unheard  # noqa: F821  # that is the point

    with pytest.raises(SignatureError, match=r"Strange.*Unheard"):
        structurer_of(Strange)
