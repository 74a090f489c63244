"""Values that contain themselves, which no depth would be enough for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sinkkit.errors import SourceError


def refuse_cycles(values: Sequence[Any], path: Sequence[str], table: str) -> None:
    """Raise ``SourceError`` if one of *values*, which stand at *path* in rows of *table*, has itself somewhere inside.

    Takes as long as there are values, however often one value stands in another.
    """
    done: set[int] = set()
    for value in values:
        where = _circle(value, done)
        if where is not None:
            steps = "".join(f"[{step!r}]" for step in where)
            place = " → ".join(map(repr, path))
            raise SourceError(f"table {table!r}: the value at {place} contains itself at {steps}", hint="leave the reference to itself out of the row")


def _circle(value: Any, done: set[int]) -> list[Any] | None:
    """The keys and indices from *value* to where something on the way stands a second time; None if nothing does."""
    way: list[tuple[int, Any, Iterator[tuple[Any, Any]]]] = [(id(value), None, _entries(value))]
    on_way = {id(value)}
    while way:
        own, _, entries = way[-1]
        for step, entry in entries:
            if id(entry) in on_way:
                return [taken for _, taken, _ in way[1:]] + [step]
            if isinstance(entry, dict | list) and id(entry) not in done:
                way.append((id(entry), step, _entries(entry)))
                on_way.add(id(entry))
                break
        else:
            done.add(own)
            on_way.discard(own)
            way.pop()
    return None


def _entries(value: Any) -> Iterator[tuple[Any, Any]]:
    return iter(list(value.items())) if isinstance(value, dict) else enumerate(value)
