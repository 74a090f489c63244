"""The shapes of a chunk of rows: which types stand in which columns, found once and used for everything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias

import attrs

Shape: TypeAlias = tuple[str, type]
"""A column's name and the type of a value seen in it."""

Kinds: TypeAlias = Mapping[str, frozenset[type]]
"""Column name to the exact types of its values."""

REMEMBERED = 16
"""Shapes that are remembered: a few, as those of a table with thousands of columns are large, and may be others in each chunk."""


@attrs.frozen(eq=False)
class Shapes:
    """What is known of a number of rows. Chunks that are alike have the very same object, so that what follows from it is worked out once.

    Attributes:
        kinds: The types of each column. A key missing in a row leaves no trace here.
        pairs: The same, as pairs of name and type.
        complete: Whether every row has every column; False also if nobody has looked.
    """

    kinds: Kinds
    complete: bool
    pairs: frozenset[Shape] = attrs.field(
        init=False, default=attrs.Factory(lambda self: frozenset((name, kind) for name, kinds in self.kinds.items() for kind in kinds), takes_self=True)
    )


NO_ROWS = Shapes({}, complete=False)


def shapes_of(rows: Sequence[Mapping[str, Any]]) -> Shapes:
    """The shapes of *rows*."""
    if not rows:
        return NO_ROWS
    found = uniform(rows)
    if found is not None:
        return found
    return Shapes(kinds_of({(name, type(value)) for row in rows for name, value in row.items()}), complete=False)


def uniform(rows: Sequence[Mapping[str, Any]]) -> Shapes | None:
    """The shapes of plain dicts, at least one, that all have the keys of the first, by far the most frequent case; None for others.

    Without a step of Python for each value. Dicts that have each of these keys, and as many keys, have no others.
    """
    count, names = len(rows), tuple(rows[0])
    if list(map(type, rows)).count(dict) != count or list(map(len, rows)).count(len(names)) != count:
        return None
    if not names:
        return complete((), (), ())
    values = map(itemgetter(*names), rows)
    try:
        types = list(map(type, values if len(names) == 1 else chain.from_iterable(values)))
    except KeyError:
        return None
    first = types[: len(names)]
    alike = types == first * count
    kinds = [only(first[at]) if alike else frozenset(types[at :: len(names)]) for at in range(len(names))]
    return complete(names, tuple(map(type, names)), tuple(kinds))


@lru_cache(REMEMBERED)
def complete(names: tuple[str, ...], types: tuple[type, ...], kinds: tuple[frozenset[type], ...]) -> Shapes:  # noqa: ARG001  # equal names may be of other types
    """The shapes of rows that all have the columns *names*, which are of *types*, with values of *kinds*."""
    return Shapes(dict(zip(names, kinds, strict=True)), complete=True)


@lru_cache(256)
def only(kind: type) -> frozenset[type]:
    """A set of one type."""
    return frozenset({kind})


def kinds_of(pairs: Iterable[Shape]) -> Kinds:
    """Column name to types, of *pairs*, in no particular order."""
    kinds: dict[str, set[type]] = {}
    for name, kind in pairs:
        kinds.setdefault(name, set()).add(kind)
    return {name: frozenset(of) for name, of in kinds.items()}
