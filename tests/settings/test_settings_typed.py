"""Text becomes typed values, and what does not fit is said."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, TypedDict
from uuid import UUID

import attrs
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.errors import ConfigError
from sinkkit.settings.secret import Secret
from sinkkit.settings.values.typed import convert
from sinkkit.settings.values.units import Seconds, Size, Url


class Region(Enum):
    EUROPE = "eu"
    AMERICA = "us"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@attrs.frozen
class Point:
    x: int
    y: int = 0
    _name: str = "p"


@dataclass(frozen=True)
class Line:
    points: list[Point]
    label: str | None = None
    tags: list[str] = field(default_factory=list)


class Shape(TypedDict):
    sides: int


Account = NewType("Account", int)


@pytest.mark.parametrize(
    ("raw", "kind", "value"),
    [
        ("x", Any, "x"),
        ("text", str, "text"),
        (12, str, "12"),
        ("12", int, 12),
        (" 12 ", int, 12),
        ("1.5", float, 1.5),
        (2, float, 2.0),
        ("Yes", bool, True),
        ("0", bool, False),
        (True, bool, True),
        ("90s", timedelta, timedelta(seconds=90)),
        ("1h30m", timedelta, timedelta(minutes=90)),
        (2, timedelta, timedelta(seconds=2)),
        ("250ms", Seconds, 0.25),
        ("4MB", Size, 4_000_000),
        ("1.5KiB", Size, 1536),
        (10, Size, 10),
        ("eu", Region, Region.EUROPE),
        ("europe", Region, Region.EUROPE),
        ("2", Level, Level.HIGH),
        (2, Level, Level.HIGH),
        ("a", Literal["a", "b"], "a"),
        ("1", Literal[1, 2], 1),
        ("a/b", Path, Path("a/b")),
        ("https://a.example.com/x", Url, "https://a.example.com/x"),
        ("https://a.example.com/x", httpx.URL, httpx.URL("https://a.example.com/x")),
        ("1.10", Decimal, Decimal("1.10")),
        ("2026-11-20", date, date(2026, 11, 20)),
        ("2026-11-20T08:00:00", datetime, datetime(2026, 11, 20, 8)),  # noqa: DTZ001 - a time without a zone is what is written
        ("08:30", time, time(8, 30)),
        ("12345678-1234-5678-1234-567812345678", UUID, UUID("12345678-1234-5678-1234-567812345678")),
        ("a, b", list[str], ["a", "b"]),
        ("", list[int], []),
        ("[1, 2]", list[int], [1, 2]),
        (["1", 2], tuple[int, ...], (1, 2)),
        ('{"a": "1"}', dict[str, int], {"a": 1}),
        ({"a": {"x": 1}}, dict[str, Point], {"a": Point(1)}),
        ("5", int | None, 5),
        ("none", int | None, None),
        ("none", str | None, "none"),
        ("5", int | str, 5),
        ("5%", int | str, "5%"),
        ("a,b", str | list[str], "a,b"),
        (["a"], str | list[str], ["a"]),
        ('["a", "b"]', str | list[str], ["a", "b"]),
        ("a,b", str | tuple[str, ...], "a,b"),
        ("a,b", list[str] | None, ["a", "b"]),
        ([1, "b"], tuple[int, str], (1, "b")),
        (True, int | bool, True),
        ({"x": "1", "name": "q"}, Point, Point(1, name="q")),
        ({"points": [{"x": 1}, {"x": "2", "y": 3}], "tags": "a,b"}, Line, Line([Point(1), Point(2, 3)], tags=["a", "b"])),
        (["a,b", ["c"]], list[list[str]], [["a", "b"], ["c"]]),
        ({"a": "1,2"}, dict[str, list[int]], {"a": [1, 2]}),
        ({"sides": "3"}, Shape, {"sides": 3}),
        ("5", Account, 5),
        ("5", Annotated[int, "how many"], 5),
        ("abcd", Secret, Secret("abcd")),
        ("5000", Secret[int], Secret(5000)),
        (["abcd"], list[Secret[str]], [Secret("abcd")]),
    ],
)
def test_values_are_read(raw, kind, value):
    """Each type is read from the text or TOML value that people write for it."""
    found = convert(raw, kind)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("raw", "kind", "message"),
    [
        ("abc", int, "expected a whole number, got 'abc'"),
        (True, int, "expected a whole number, got True"),
        (1.5, int, "expected a whole number"),
        ("nan", float, "expected a number"),
        (1.5, str, "expected text"),
        ("maybe", bool, "expected true or false"),
        ("5 parsecs", timedelta, "expected a duration such as 90s"),
        ("-5s", timedelta, "expected a duration"),
        ("9" * 30, timedelta, "expected a duration"),
        (-5, timedelta, "expected a duration"),
        (float("inf"), Seconds, "expected a duration"),
        ("9" * 5000, int, r"expected a whole number, got a value of 5,002 characters"),
        ([1], tuple[int, str], "2 values, not 1"),
        ("4 potatoes", Size, "expected a size such as 4MB"),
        ("asia", Region, "expected one of 'eu', 'us', got 'asia'"),
        ("c", Literal["a", "b"], "expected one of 'a', 'b'"),
        ("example.com", Url, "expected a URL with scheme and host"),
        ("a", int | float, "expected a whole number or a number, got 'a'"),
        ({"a": 1}, list[int], "expected a list"),
        ("x", dict[str, int], "expected a table"),
        ("{x", dict[str, int], "expected a table"),
        (["1", "b"], list[int], r"\[1\]: expected a whole number, got 'b'"),
        ({"points": [{"x": 1}, {"y": "q"}]}, Line, r"points\[1\]\.x: is missing; points\[1\]\.y: expected a whole number"),
        ({"points": 5}, Line, "points: expected a list"),
        ({"points": ["x"]}, Line, "expected a table"),
        ([["a"], 5], list[list[str]], "expected a list"),
    ],
)
def test_what_does_not_fit_is_said(raw, kind, message):
    """A refusal says what was expected and where inside the value."""
    with pytest.raises(ConfigError, match=message):
        convert(raw, kind)


@given(st.text("xyz{[\"'", min_size=6), st.sampled_from([int, float, bool, Region, timedelta, Point, dict, Size, list[int]]))
def test_a_hidden_value_is_not_repeated(text, kind):
    """Where a value may be a secret the refusal does not repeat it."""
    with pytest.raises(ConfigError) as caught:
        convert(text, kind, show=False)

    assert text not in str(caught.value)


@given(st.integers(0, 10**9), st.sampled_from(["s", "m", "h", "d"]))
def test_durations_are_exact(number, unit):
    """A whole number of a unit is that many times its seconds."""
    factor = {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]

    assert convert(f"{number}{unit}", Seconds) == number * factor
