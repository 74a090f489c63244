"""A value that does not fit the type it is read as, and how that is told: what was expected, where, and what was there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from inspect import isclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

SHOWN = frozenset({str, int, float, bool, bytes, Decimal, datetime, date, time, timedelta, UUID})
"""Types of values that a reason shows; of others it names the type."""

LONGEST_VALUE = 60
"""Characters of a value that a reason shows."""

LONGEST_MASKED = 10_000
"""Characters of it that are searched for secrets before it is cut."""

MOST_PROBLEMS = 5
"""Problems of one row that a reason lists."""


class MisfitError(Exception):
    """A value does not fit; never leaves this room.

    Attributes:
        expected: What was expected there, for people; None if *message* says all.
        value: What was there.
        message: What somebody else's code said of it.
        place: Where inside the value, as ``.zip`` or ``[2]``.
    """

    def __init__(self, expected: str | None, value: Any = None, *, message: str = "", place: str = "") -> None:
        super().__init__(expected, message)
        self.expected = expected
        self.value = value
        self.message = message
        self.place = place


def described(kind: Any) -> str:
    """What a type is called in a reason: ``int``, ``str or None``, ``one of 'a', 'b'``."""
    origin = get_origin(kind)
    if kind is type(None):
        return "None"
    if origin is Literal:
        return f"one of {', '.join(map(repr, get_args(kind)))}"
    if origin is Union or isinstance(kind, UnionType):
        return " or ".join(map(described, get_args(kind)))
    if isclass(kind) and issubclass(kind, Enum):
        return f"one of {', '.join(repr(member.value) for member in kind)}"
    while hasattr(kind, "__supertype__"):  # a NewType
        kind = kind.__supertype__
    named = str(getattr(origin or kind, "__name__", kind))
    inner = ", ".join("..." if one is Ellipsis else described(one) for one in get_args(kind))
    return f"{named}[{inner}]" if inner else named


def shown(value: Any, clean: Callable[[str], str]) -> str:
    """A value for people: its type and, if it is short and plain, itself without secrets."""
    if value is None:
        return "None"
    kind = type(value)
    if kind not in SHOWN:
        return f"{kind.__name__} of {len(value)}" if kind in {dict, list, tuple, set, frozenset} else kind.__name__
    try:
        text = clean(repr(value[:LONGEST_MASKED]) if kind in {str, bytes} else str(value))
    except ValueError:  # an int of more digits than Python writes
        return kind.__name__
    return f"{kind.__name__} {text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + '...'}"


def reason_of(error: BaseException, clean: Callable[[str], str], keys: Mapping[tuple[Any, str], str]) -> str:
    """Why a row does not fit, for people: every problem with its path, such as ``expected int @ $.address.zip, got str 'x'``.

    Args:
        error: What structuring it raised.
        clean: Takes secrets out of texts; applied before a value is cut short.
        keys: Class and attribute to the key in the row, where that is another name.
    """
    found = list(problems(error, clean, keys, "$"))
    more = len(found) - MOST_PROBLEMS
    return clean("; ".join(found[:MOST_PROBLEMS]) + (f"; and {more} more" if more > 0 else ""))


def problems(error: BaseException, clean: Callable[[str], str], keys: Mapping[tuple[Any, str], str], path: str) -> Iterator[str]:
    """The leaves of a tree of errors, each as text with its path."""
    from cattrs.errors import AttributeValidationNote, BaseValidationError, IterableValidationNote

    if isinstance(error, BaseValidationError):
        for inner in error.exceptions:
            notes = getattr(inner, "__notes__", ())
            note = next((n for n in notes if isinstance(n, AttributeValidationNote | IterableValidationNote)), None)
            if isinstance(note, AttributeValidationNote):
                key = keys.get((error.cl, note.name), note.name)
                at = path + dotted(key)
                if isinstance(inner, KeyError) and inner.args == (key,):
                    yield f"expected {described(note.type)} @ {at}, which is missing"
                else:
                    yield from problems(inner, clean, keys, at)
            else:
                yield from problems(inner, clean, keys, path if note is None else f"{path}[{note.index!r}]")
    elif isinstance(error, MisfitError):
        at = path + error.place
        yield (
            f"{error.message} @ {at}"
            if error.expected is None
            else f"expected {error.expected} @ {at}, got {shown(error.value, clean)}"
        )
    else:  # a validator or converter of the user's class
        yield f"{said(error)} @ {path}"


def dotted(key: str) -> str:
    """A key as a step of a path."""
    return f".{key}" if key.isidentifier() else f"[{key!r}]"


def said(error: BaseException) -> str:
    """What an error of the user's says, in one line, also if it cannot be asked."""
    try:
        text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    except Exception as second:  # noqa: BLE001  # its own text is broken: the row is refused all the same
        text = f"its text cannot be shown: {type(second).__name__}"
    text = " ".join(text.split())[:LONGEST_MASKED]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
