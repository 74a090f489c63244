"""What users say of columns and keys → checked hints; a slip is an error that says what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sinkkit.errors import ConfigError
from sinkkit.schema.columns.data_types import NAMES

OWN = "x-"
"""What hints of a user's own begin with; they are handed on as they are."""

FLAGS = (
    "nullable", "primary_key", "merge_key", "unique", "partition", "cluster", "timezone", "variant", "hard_delete",
    "row_key", "parent_key", "root_key",
)  # fmt: skip
ORDERS = ("sort", "dedup_sort")
NUMBERS = {"precision": 1, "scale": 0}
"""Hints that are whole numbers, and the least that each can be."""

HINTS = ("name", "data_type", *NUMBERS, *FLAGS, *ORDERS, "description")

OTHER_NAMES = {
    "str": "text", "string": "text", "varchar": "text", "uuid": "text", "int": "bigint", "integer": "bigint", "int64": "bigint",
    "long": "bigint", "float": "double", "float64": "double", "real": "double", "boolean": "bool", "numeric": "decimal",
    "datetime": "timestamp", "timestamptz": "timestamp", "timedelta": "interval", "duration": "interval", "bytes": "binary", "blob": "binary",
    "list": "json", "dict": "json", "object": "json", "struct": "json", "complex": "json", "jsonb": "json",
}  # fmt: skip
"""What data types are called elsewhere."""

EXAMPLE = 'for example columns={"id": {"data_type": "bigint"}}'


def checked_hints(columns: Any) -> dict[str, dict[str, Any]] | None:
    """*columns* as column name to hints, from such a mapping or from a list of hints that each have a ``name``; None for not given.

    Raises:
        ConfigError: If they are anything else, or a hint cannot be meant.
    """
    if columns is None:
        return None
    if isinstance(columns, Mapping):
        pairs = list(columns.items())
    elif isinstance(columns, Sequence) and all(isinstance(hints, Mapping) and "name" in hints for hints in columns):
        pairs = [(hints["name"], hints) for hints in columns]
    else:
        raise ConfigError(f"columns= must map column names to hints, not {columns!r}", hint=EXAMPLE)
    found: dict[str, dict[str, Any]] = {}
    for name, hints in pairs:
        if not (isinstance(name, str) and isinstance(hints, Mapping)):
            raise ConfigError(f"columns= must map column names to hints, not {columns!r}", hint=EXAMPLE)
        if name in found:
            raise ConfigError(f"columns= names column {name!r} twice", hint="put its hints together")
        if hints.get("name", name) != name:
            raise ConfigError(f"columns= has hints for {name!r} that name {hints['name']!r}", hint="leave the name out of the hints")
        found[name] = {_hint(hint, name): _value(hint, value, name) for hint, value in hints.items() if hint != "name"}
    return found


def _hint(hint: Any, column: str) -> str:
    if isinstance(hint, str) and (hint in HINTS or hint.startswith(OWN)):
        return hint
    near = difflib.get_close_matches(hint, HINTS, n=1) if isinstance(hint, str) else []
    also = f"hints are {', '.join(HINTS[1:])}; those of your own begin with {OWN!r}"
    raise ConfigError(f"column {column!r} has the hint {hint!r}, which is not known", hint=f"did you mean {near[0]!r}? {also}" if near else also)


def _value(hint: str, value: Any, column: str) -> Any:
    if hint == "data_type":
        return _data_type(value, column)
    wanted = None
    if hint in FLAGS and not isinstance(value, bool):
        wanted = "True or False"
    elif hint in NUMBERS and (isinstance(value, bool) or not isinstance(value, int) or value < least_of(hint)):
        wanted = f"a whole number, {least_of(hint)} or more"
    elif hint in ORDERS and not isinstance(value, bool) and value not in {"asc", "desc"}:
        wanted = "True, False, 'asc' or 'desc'"
    elif hint == "description" and not isinstance(value, str):
        wanted = "text"
    if wanted is not None:
        raise ConfigError(f"column {column!r} has the hint {hint}={value!r}, which is not possible", hint=f"it is {wanted}")
    return value


def least_of(hint: str) -> int:
    """The least that the hint called *hint*, a number, can be."""
    return NUMBERS[hint]


def _data_type(value: Any, column: str) -> str:
    if isinstance(value, str) and value in NAMES:
        return value
    near = OTHER_NAMES.get(value.lower()) if isinstance(value, str) else None
    if near is None and isinstance(value, str):
        near = next(iter(difflib.get_close_matches(value, NAMES, n=1)), None)
    known = f"data types are {', '.join(NAMES)}"
    raise ConfigError(
        f"column {column!r} has data_type {value!r}, which there is not", hint=f"did you mean {near!r}? {known}" if near else known
    )


def checked_key(key: Any, argument: str = "primary_key") -> tuple[str, ...] | None:
    """*key*, one column name or several, as a tuple, or None for not given.

    Args:
        key: What was given.
        argument: What the argument is called, for errors.

    Raises:
        ConfigError: If it is anything else.
    """
    names = (key,) if isinstance(key, str) else key
    if names is None:
        return None
    if isinstance(names, Sequence) and all(isinstance(name, str) and name for name in names):
        return tuple(dict.fromkeys(names))
    raise ConfigError(
        f"{argument}={key!r} does not name columns", hint=f'write {argument}="id" or {argument}=["account", "id"]'
    )


def flagged(columns: Mapping[str, Mapping[str, Any]], flag: str) -> tuple[str, ...]:
    """The columns of which the hint *flag* is true, in order."""
    return tuple(name for name, hints in columns.items() if hints.get(flag) is True)


def merged(lower: Mapping[str, Mapping[str, Any]], higher: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """*higher* completed by *lower*, hint by hint."""
    names: Iterable[str] = dict.fromkeys((*lower, *higher))
    return {name: {**lower.get(name, {}), **higher.get(name, {})} for name in names}
