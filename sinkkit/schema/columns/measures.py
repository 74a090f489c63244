"""How large the values of a column are: digits of its Decimals, zones and digits of a second of its times; looked at only where there are any."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from decimal import Decimal
from itertools import repeat
from operator import attrgetter, is_
from typing import TYPE_CHECKING, Any

import attrs

from sinkkit.rows import Row

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

NAIVE, AWARE = 1, 2
"""Bits of ``Measure.zones``."""

MICROSECONDS = 6
"""Digits of a second that Python's times hold."""

UNIT_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
BIGINT_DIGITS = 19
"""Digits of the largest integer of 64 bits: what integers that meet Decimals in one column may need."""

QUANTA = 4
"""Numbers of digits behind the point that are told apart without looking at each Decimal."""


@attrs.frozen
class Measure:
    """The most that was seen in a column.

    Attributes:
        whole: Digits before the point of a Decimal.
        scale: Digits behind it.
        fraction: Digits of a second of a time.
        zones: Whether moments without a zone (``NAIVE``), with one (``AWARE``), or both occur.
    """

    whole: int = 0
    scale: int = 0
    fraction: int | None = None
    zones: int = 0

    def merge(self, other: Measure) -> Measure:
        """The most of both."""
        if self == other:
            return self
        fractions = [each for each in (self.fraction, other.fraction) if each is not None]
        return Measure(
            max(self.whole, other.whole), max(self.scale, other.scale), max(fractions, default=None), self.zones | other.zones
        )

    def described(self, data_type: str, types: frozenset[str]) -> dict[str, Any]:
        """``precision``, ``scale`` and ``timezone`` of a column of *data_type* with values of *types*, as far as they are known."""
        if data_type == "decimal" and self.whole + self.scale:
            whole = max(self.whole, BIGINT_DIGITS) if "bigint" in types else self.whole
            return {"precision": whole + self.scale, "scale": self.scale}
        found: dict[str, Any] = {}
        if data_type in {"timestamp", "time"} and self.fraction is not None:
            found["precision"] = self.fraction
        if data_type == "timestamp" and self.zones in {NAIVE, AWARE}:
            found["timezone"] = self.zones == AWARE
        return found


NOTHING = Measure()


def measure_of(rows: Sequence[Row], name: str, data_types: frozenset[str]) -> Measure:
    """What there is to measure in column *name* of *rows*, which holds values of *data_types*."""
    found = NOTHING
    if "decimal" in data_types:
        found = of_decimals([value for row in rows if isinstance(value := row.get(name), Decimal)])
    if "timestamp" in data_types:
        zones = list(map(attrgetter("tzinfo"), (value for row in rows if isinstance(value := row.get(name), datetime))))
        naive = sum(map(is_, zones, repeat(None)))
        found = attrs.evolve(found, fraction=MICROSECONDS, zones=(naive > 0) * NAIVE | (naive < len(zones)) * AWARE)
    elif "time" in data_types and any(isinstance(row.get(name), time) for row in rows):
        found = attrs.evolve(found, fraction=MICROSECONDS)
    return found


def of_decimals(values: list[Decimal]) -> Measure:
    """The digits of *values*; NaN and infinities have none."""
    if not all(map(Decimal.is_finite, values)):
        values = [value for value in values if value.is_finite()]
    if not values:
        return NOTHING
    whole = max(0, max(map(Decimal.adjusted, values)) + 1)
    scale, rest = 0, values
    for _ in range(QUANTA):  # few columns have more; a column at a time, without a step of Python for each value
        first = rest[0]
        scale = max(scale, behind_point(first))
        if all(map(first.same_quantum, rest)):
            return Measure(whole, scale)
        rest = [value for value in rest if not first.same_quantum(value)]
    return Measure(whole, max(scale, *map(behind_point, rest)))


def behind_point(value: Decimal) -> int:
    """Digits behind the point of a finite *value*."""
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def measure_of_arrow(kind: pa.DataType) -> Measure:
    """What an Arrow type says of its values."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return measure_of_arrow(kind.value_type)
    if types.is_decimal(kind):
        return Measure(max(0, kind.precision - kind.scale), max(0, kind.scale))
    if types.is_timestamp(kind):
        return Measure(fraction=UNIT_DIGITS[kind.unit], zones=NAIVE if kind.tz is None else AWARE)
    if types.is_time(kind):
        return Measure(fraction=UNIT_DIGITS[kind.unit])
    return NOTHING
