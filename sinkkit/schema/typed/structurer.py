"""Rows → objects of one class; those that do not fit stay behind, each with why."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import attrs

from sinkkit.errors import SignatureError
from sinkkit.rows import Row
from sinkkit.schema.typed.converter import made_converter
from sinkkit.schema.typed.misfit import described, reason_of


@attrs.frozen(eq=False)
class Structurer:
    """Makes objects of *kind*; safe to share between threads."""

    kind: Any
    _fast: Callable[[Any, Any], Any] = attrs.field(repr=False)
    _slow: Callable[[Any, Any], Any] = attrs.field(repr=False)
    _keys: dict[tuple[Any, str], str] = attrs.field(repr=False)

    def __call__(self, rows: list[Row], clean: Callable[[str], str]) -> tuple[list[Any], dict[int, str]]:
        """The objects of those of *rows* that fit, in order; and position to reason of the others, without what *clean* takes out."""
        made: list[Any] = []
        refused: dict[int, str] = {}
        fast, kind = self._fast, self.kind
        for position, row in enumerate(rows):
            try:
                made.append(fast(row, kind))
            except Exception:  # noqa: BLE001  # looked at again, for its reasons
                try:
                    made.append(self._slow(row, kind))
                except Exception as error:  # noqa: BLE001  # whatever it is, also of the user's class: this row does not fit
                    refused[position] = reason_of(error, clean, self._keys)
        return made, refused


@cache
def structurer_of(kind: Any) -> Structurer:
    """The structurer of *kind*: an attrs class, a dataclass, a ``TypedDict``, a msgspec Struct, or a union of such.

    Raises:
        SignatureError: If its annotations cannot be read.
    """
    keys: dict[tuple[Any, str], str] = {}
    try:
        fast, slow = (made_converter(keys, detailed=detailed).get_structure_hook(kind) for detailed in (False, True))
    except Exception as error:
        raise SignatureError(
            f"rows cannot be read as {described(kind)}: {type(error).__name__}: {error}",
            hint="let its annotations name types that its module imports at run time",
        ) from error
    return Structurer(kind, fast, slow, keys)
