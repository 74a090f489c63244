"""What a function's return value means for the rows of its batch."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from math import isfinite
from numbers import Integral, Real
from typing import Any

import attrs

from sinkkit.errors import CallFailed
from sinkkit.rows import ALL_DELIVERED, Number, Outcome

WRITE = "return None (all delivered), a dict of numbers, or sinkkit.Outcome"


def read_answer(answer: Any) -> Outcome:
    """None, numbers to sum, or an ``Outcome``.

    Raises:
        CallFailed: If it is anything else; nothing is guessed.
    """
    if answer is None:
        return ALL_DELIVERED
    if isinstance(answer, Outcome):
        return answer if answer is ALL_DELIVERED else _checked(answer)
    if isinstance(answer, Mapping):
        return Outcome(metrics=_numbers(answer))
    if inspect.iscoroutine(answer) or inspect.isgenerator(answer):
        answer.close()
        raise CallFailed(
            f"the function returned a {type(answer).__name__}, which was never run: nothing is known of its rows",
            hint="write the destination itself as `async def`, or without `yield`; a wrapper has to await what it calls",
        )
    raise CallFailed(f"the function returned {_named(answer)}, which says nothing about its rows", hint=WRITE)


def _checked(answer: Outcome) -> Outcome:
    """An outcome whose parts are what they are announced to be."""
    for name in ("rejected", "receipts", "metrics"):
        value = getattr(answer, name)
        if not isinstance(value, Mapping):
            raise CallFailed(
                f"the function's Outcome({name}=...) is {_named(value)}, not a mapping",
                hint="write Outcome(rejected={2: 'bad e-mail'}, receipts={0: 'id-1'}), by index in items",
            )
    return attrs.evolve(answer, metrics=_numbers(answer.metrics)) if answer.metrics else answer


def _numbers(given: Mapping[Any, Any]) -> dict[str, Number]:
    for name, value in given.items():
        if not isinstance(name, str) or not _is_number(value):
            raise CallFailed(
                f"the function returned a dict in which {name!r} is {_named(value)}: numbers by name are summed in the report, nothing else",
                hint=WRITE,
            )
    return {name: int(value) if isinstance(value, Integral) else float(value) for name, value in given.items()}


def _is_number(value: Any) -> bool:
    if type(value) is bool:
        return False
    return isinstance(value, Integral) or (isinstance(value, Real) and isfinite(value))


def _named(value: Any) -> str:
    return repr(value) if isinstance(value, bool | int | float) else f"a {type(value).__name__}"
