"""The shapes of a chunk of rows: which types stand in which columns, found once and used for everything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

Shape: TypeAlias = tuple[str, type]
"""A column's name and the type of a value seen in it."""

Shapes: TypeAlias = frozenset[Shape]


def shapes_of(rows: Iterable[Mapping[str, Any]]) -> Shapes:
    """Every pair of column name and exact value type in *rows*; a key missing in a row leaves no trace here."""
    return frozenset({(name, type(value)) for row in rows for name, value in row.items()})


def kinds_of(shapes: Shapes) -> dict[str, set[type]]:
    """Column name to the types of its values, in no particular order."""
    kinds: dict[str, set[type]] = {}
    for name, kind in shapes:
        kinds.setdefault(name, set()).add(kind)
    return kinds
