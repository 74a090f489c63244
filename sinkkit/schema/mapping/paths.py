"""Dotted paths into a row: ``address.city``, ``tags.0``."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from sinkkit.errors import ConfigError

Parts: TypeAlias = tuple[str, ...]
"""A column and the keys and positions inside its value."""


class Absence(enum.Enum):
    """The one value that stands for no value, as ``None`` may be one."""

    ABSENT = "absent"


ABSENT: Final = Absence.ABSENT
Absent: TypeAlias = Literal[Absence.ABSENT]


class Unmappable(Exception):
    """A row that a rule cannot be applied to.

    Args:
        reason: What is wrong with it; it repeats no value.
        missing: The path at which it has nothing, if that is what is wrong.
    """

    def __init__(self, reason: str, *, missing: Parts | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.missing = missing


def read_path(given: Any, where: str) -> Parts:
    """A path from dotted text, or from a list of its parts, in which dots are part of a name.

    Args:
        given: What the user wrote.
        where: What errors call it.

    Raises:
        ConfigError: If it is neither, or a part of it is empty.
    """
    if isinstance(given, str):
        parts = tuple(given.split("."))
    elif isinstance(given, Sequence) and all(isinstance(part, str | int) and not isinstance(part, bool) for part in given):
        parts = tuple(map(str, given))
    else:
        parts = ()
    if not parts or not all(parts):
        raise ConfigError(
            f"{where} takes {given!r}, which is no column and no path",
            hint='write the name of a column, a path such as "address.city" or "tags.0", or a list of names if one has a dot in it',
        )
    return parts


def shown(parts: Parts) -> str:
    """The path for people."""
    return ".".join(parts)


def follow(row: Any, parts: Parts) -> Any:
    """What stands at the path in *row*, or ``ABSENT``; below a null everything is null, as in SQL and in Arrow's structs.

    Raises:
        Unmappable: If it leads into a value that has no parts.
    """
    value = row
    for part in parts:
        if type(value) is dict or isinstance(value, Mapping):
            value = value.get(part, ABSENT)
        elif isinstance(value, list | tuple):
            value = element(value, part)
        else:
            raise Unmappable(f"{shown(parts)!r} leads into a {type(value).__name__}, in which there is no {part!r}")
        if value is ABSENT or value is None:
            return value
    return value


def element(values: Sequence[Any], part: str) -> Any:
    """The element that *part*, a position from 0 or from the end (``-1``), names, or ``ABSENT``."""
    position = position_of(part)
    if position is None or not -len(values) <= position < len(values):
        return ABSENT
    return values[position]


def position_of(part: str) -> int | None:
    """*part* as a position in a list; None if it is none."""
    digits = part.removeprefix("-")
    return int(part) if digits.isascii() and digits.isdecimal() else None
