"""A value that must not be seen by accident, and the warnings about secrets that rest in the wrong place."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

T = TypeVar("T")

MASK = "***"
"""What stands in the place of a secret in every text."""

SHORTEST = 4
"""Fewest characters of a secret: a shorter one would be masked into every word that happens to hold it."""


class SecretInConfigWarning(UserWarning):
    """A secret was found in ``config.toml``: it is used, and belongs in ``secrets.toml``."""


class ExposedSecretsWarning(UserWarning):
    """A ``secrets.toml`` can be read by every user of the machine."""


class UnknownSettingWarning(UserWarning):
    """A key stands in a destination's section that is no setting of it, as a misspelt one is not."""


class Secret(Generic[T]):
    """A value that is shown only by ``reveal()``.

    ``str``, ``repr``, ``format``, logging and templates show ``Secret(***)``; JSON encoders refuse it. Equal and of equal hash
    if the values are. It can be pickled, and the pickle holds the value in clear.

    It is deliberately neither an attrs class nor a dataclass, nor has it a ``__dict__``: fast JSON encoders write the fields of those unasked.

    Args:
        value: What to keep; a ``Secret`` is unwrapped.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T | Secret[T]) -> None:
        self._value: T = value.reveal() if isinstance(value, Secret) else value

    def reveal(self) -> T:
        """The value in clear."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        return self._value == other.reveal() if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> tuple[Any, ...]:
        return Secret, (self._value,)
