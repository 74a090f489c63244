"""What a function's return value means for the rows of its batch."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from sinkkit.errors import CallFailed
from sinkkit.rows import ALL_DELIVERED, Number, Outcome


def read_answer(answer: Any) -> Outcome:
    """None, numbers to sum, or an ``Outcome``.

    Raises:
        CallFailed: If it is anything else; nothing is guessed.
    """
    if answer is None:
        return ALL_DELIVERED
    if isinstance(answer, Outcome):
        return answer
    if isinstance(answer, Mapping) and all(isinstance(name, str) and _is_number(value) for name, value in answer.items()):
        return Outcome(metrics={name: _plain(value) for name, value in answer.items()})
    raise CallFailed(
        f"the function returned {type(answer).__name__}, which says nothing about its rows",
        hint="return None (all delivered), a dict of numbers, or sinkkit.Outcome",
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _plain(value: Any) -> Number:
    return int(value) if isinstance(value, Integral) else float(value)
