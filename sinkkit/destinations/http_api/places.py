"""Dotted paths into rows and answers: ``error.message``, ``errors.0.code``, ``*.status``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final, Literal


class Nothing(Enum):
    """Stands for what is not there; ``None`` is a value, this is not."""

    MISSING = "missing"


MISSING: Final[Literal[Nothing.MISSING]] = Nothing.MISSING

ONLY = "*"
"""A step to the one member of a table that has one member, whatever its key."""


def find(data: Any, place: str) -> Any:
    """What stands at *place* in *data*; all of it where *place* is empty, ``MISSING`` where nothing is there.

    A key with dots in it goes before a path of keys; a number is a step into a list.
    """
    if not place:
        return data
    if (type(data) is dict or isinstance(data, Mapping)) and place in data:
        return data[place]
    for step in place.split("."):
        data = _step(data, step)
        if data is MISSING:
            return MISSING
    return data


def _step(data: Any, step: str) -> Any:
    if isinstance(data, Mapping):
        if step in data:
            return data[step]
        return next(iter(data.values())) if step == ONLY and len(data) == 1 else MISSING
    if isinstance(data, Sequence) and not isinstance(data, str | bytes) and step.isascii() and step.isdigit() and len(step) < len(str(2**31)):
        return data[int(step)] if int(step) < len(data) else MISSING
    return MISSING


def put(data: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """*data* with *value* at *place*, tables made on the way; *data* itself is left as it is.

    Raises:
        ValueError: If something other than a table is in the way.
    """
    first, _, rest = place.partition(".")
    if not rest:
        return {**data, first: value}
    below = data.get(first, {})
    if not isinstance(below, Mapping):
        raise ValueError(first)  # noqa: TRY004  # a fault of the place given, not of a type
    return {**data, first: put(dict(below), rest, value)}
