"""The shapes of a chunk of rows: which types stand in which columns, found once and used for everything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias

Shape: TypeAlias = tuple[str, type]
"""A column's name and the type of a value seen in it."""

Shapes: TypeAlias = frozenset[Shape]


def shapes_of(rows: Sequence[Mapping[str, Any]]) -> Shapes:
    """Every pair of column name and exact value type in *rows*; a key missing in a row leaves no trace here."""
    return uniform(rows) or frozenset({(name, type(value)) for row in rows for name, value in row.items()})


def uniform(rows: Sequence[Mapping[str, Any]]) -> Shapes | None:
    """The shapes of plain dicts that all have the keys of the first, by far the most frequent case; None for others.

    Without a step of Python for each value. Dicts that have each of these keys, and as many keys, have no others.
    """
    if set(map(type, rows)) != {dict} or set(map(len, rows)) != {len(rows[0])}:
        return None
    names = tuple(rows[0])
    if not names:
        return frozenset()
    values = map(itemgetter(*names), rows)
    try:
        types = list(map(type, values if len(names) == 1 else chain.from_iterable(values)))
    except KeyError:
        return None
    first = types[: len(names)]
    if types == first * len(rows):
        return frozenset(zip(names, first, strict=True))
    return frozenset((name, kind) for at, name in enumerate(names) for kind in set(types[at :: len(names)]))


def kinds_of(shapes: Shapes) -> dict[str, set[type]]:
    """Column name to the types of its values, in no particular order."""
    kinds: dict[str, set[type]] = {}
    for name, kind in shapes:
        kinds.setdefault(name, set()).add(kind)
    return kinds
