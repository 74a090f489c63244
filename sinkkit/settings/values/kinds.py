"""Questions about types: what a value of one is, whether it is a table, a list or a secret, and what messages call it."""

from __future__ import annotations

import types
from collections.abc import Collection, Mapping
from enum import Enum
from functools import lru_cache
from inspect import Parameter
from typing import (
    Annotated,
    Any,
    Literal,
    NewType,
    Protocol,
    TypeGuard,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import attrs

from sinkkit.errors import ConfigError
from sinkkit.settings.secret import Secret
from sinkkit.settings.values.scalars import SCALARS

ANYTHING = (Any, object, Parameter.empty)
"""Types that say nothing."""


def bare(kind: Any) -> Any:
    """*kind* without ``Annotated`` and without names given to a type (``NewType``) that is no unit of ours."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif isinstance(kind, NewType) and kind not in SCALARS:
            kind = kind.__supertype__
        else:
            return kind


def members(kind: Any) -> tuple[Any, ...]:
    """The types of a union; of any other type that type alone."""
    kind = bare(kind)
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def is_record(kind: Any) -> bool:
    """Whether *kind* is an attrs class or a dataclass: a table with fixed fields."""
    return isinstance(kind, type) and (attrs.has(kind) or hasattr(kind, "__dataclass_fields__"))


def is_mapping(kind: Any) -> bool:
    """Whether *kind* is a table with free keys."""
    origin = get_origin(bare(kind)) or bare(kind)
    return is_typeddict(origin) or (isinstance(origin, type) and issubclass(origin, Mapping))


def is_collection(kind: Any) -> bool:
    """Whether *kind* is a list or the like."""
    origin = get_origin(bare(kind)) or bare(kind)
    return isinstance(origin, type) and issubclass(origin, Collection) and not issubclass(origin, str | bytes | Mapping | Enum)


def is_secret(kind: Any) -> bool:
    """Whether a value of *kind* is a secret as a whole."""
    return any((get_origin(member) or member) is Secret for member in members(kind))


def kept_in(kind: Any) -> Any:
    """What a ``Secret[...]`` keeps; ``Any`` for a bare ``Secret``."""
    inner = (get_args(bare(kind)) or (Any,))[0]
    return Any if isinstance(inner, TypeVar) else inner


def record_in_secret(kind: Any) -> Any:
    """*kind* without the ``Secret`` around a class in it, as in ``Secret[Login] | None``; None if there is no such."""
    kinds = members(kind)
    found = [kept_in(member) for member in kinds if is_secret(member) and is_record(bare(kept_in(member)))]
    if not found or len(kinds) - (type(None) in kinds) != len(found):
        return None
    return Union[(*found, *([type(None)] if type(None) in kinds else []))]


def described(kind: Any) -> str:  # noqa: PLR0911 - one answer for each sort of type
    """What a value of *kind* is called in a message."""
    kinds = members(kind)
    if len(kinds) > 1:
        return " or ".join(described(member) for member in kinds if member is not type(None))
    kind = kinds[0]
    if kind in SCALARS:
        return SCALARS[kind][0]
    if get_origin(kind) is Literal:
        return f"one of {', '.join(repr(value) for value in get_args(kind))}"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"one of {', '.join(repr(member.value) for member in kind)}"
    if is_secret(kind):
        inner = kept_in(kind)
        return f"{'text' if inner in ANYTHING else described(inner)} that is a secret"
    if is_record(kind) or is_mapping(kind):
        return f"a table ({getattr(kind, '__name__', kind)})"
    return f"a list ({kind})" if is_collection(kind) else f"a {getattr(kind, '__name__', kind)}"


class Native(Protocol):
    """A class that can be given in one piece, as text."""

    @staticmethod
    def parts(text: str) -> dict[str, Any]:
        """The fields that *text* holds, by name."""


def is_native(kind: Any) -> TypeGuard[type[Native]]:
    """Whether *kind* is a class whose values can be given in one piece and completed from the settings."""
    return isinstance(kind, type) and attrs.has(kind) and callable(getattr(kind, "parts", None))


@attrs.frozen
class Field:
    """One field of a table with fixed fields: its key, the attribute that holds it, its type, and whether it must be given."""

    key: str
    attribute: str
    kind: Any
    required: bool


def fields(kind: Any) -> tuple[Field, ...]:
    """The fields of an attrs class or a dataclass that its ``__init__`` takes; read once for each class.

    Raises:
        ConfigError: If an annotation cannot be read.
    """
    return read_fields_of(kind)


@lru_cache(maxsize=256)
def read_fields_of(kind: Any) -> tuple[Field, ...]:
    """The same, read now."""
    try:
        hints = get_type_hints(kind, include_extras=True)
    except (NameError, TypeError, SyntaxError) as error:
        raise ConfigError(
            f"the annotations of {kind.__qualname__} cannot be read: {error}", hint="import what they name at run time"
        ) from error
    if attrs.has(kind):
        return tuple(
            Field(a.alias or a.name, a.name, hints.get(a.name, Any), a.default is attrs.NOTHING) for a in attrs.fields(kind) if a.init
        )
    import dataclasses

    return tuple(
        Field(f.name, f.name, hints.get(f.name, Any), f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING)
        for f in dataclasses.fields(kind)
        if f.init
    )


def is_writable(kind: Any) -> bool:
    """Whether a value of *kind* can be written in a file at all; others must be given as objects."""
    return all(
        member in ANYTHING
        or member in SCALARS
        or is_secret(member)
        or is_choice(member)
        or is_record(member)
        or is_mapping(member)
        or is_collection(member)
        or getattr(member, "__name__", "") == "URL"
        for member in map(bare, members(kind))
    )


def is_choice(kind: Any) -> bool:
    """Whether *kind* is an enum or a ``Literal``."""
    return get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, Enum))
