"""What typed rows cost: objects of each sort of class made of dicts, against the dicts themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypedDict

import attrs
import msgspec

from sinkkit.schema.typed.structurer import structurer_of


@attrs.define
class Attrs:
    """The row of the benchmarks, as an attrs class."""

    id: int
    qty: int
    price: float
    name: str
    active: bool
    created: str


@dataclasses.dataclass
class Data:
    """The same as a dataclass."""

    id: int
    qty: int
    price: float
    name: str
    active: bool
    created: str


class Typed(TypedDict):
    """The same as a dict whose values are checked."""

    id: int
    qty: int
    price: float
    name: str
    active: bool
    created: str


class Struct(msgspec.Struct):
    """The same as a Struct."""

    id: int
    qty: int
    price: float
    name: str
    active: bool
    created: str


KINDS: dict[str, type] = {"attrs": Attrs, "dataclass": Data, "TypedDict": Typed, "Struct": Struct}


def structuring(rows: list[dict[str, Any]]) -> dict[str, Callable[[], object]]:
    """What makes objects of *rows*, by the sort of their class; also by hand, without a look at the values, and where 1 % do not fit."""
    bad = [{**row, "id": "x"} if at % 100 == 0 else row for at, row in enumerate(rows)]
    work: dict[str, Callable[[], object]] = {"attrs, by hand": lambda: [Attrs(**row) for row in rows]}
    for name, kind in KINDS.items():
        work[name] = lambda kind=kind: structurer_of(kind)(rows, str)  # type: ignore[misc]  # bound now
    work["attrs, 1 % bad"] = lambda: structurer_of(Attrs)(bad, str)
    return work
