"""Which types rows may be read as, and what they call their fields."""

from __future__ import annotations

import typing
from inspect import isclass
from types import UnionType
from typing import Any, Union, get_origin

import attrs


def is_class_of_rows(kind: Any) -> bool:
    """Whether *kind* is an attrs class, a dataclass, a ``TypedDict`` or a msgspec Struct, also a generic one with its arguments."""
    return is_record(kind) or is_typed_dict(kind) or is_struct(kind)


def is_type_of_rows(kind: Any) -> bool:
    """Whether rows may be read as *kind*: such a class, or one of several."""
    return all(map(is_class_of_rows, typing.get_args(kind))) if is_union(kind) else is_class_of_rows(kind)


def is_record(kind: Any) -> bool:
    """Whether *kind* is an attrs class or a dataclass."""
    origin = get_origin(kind) or kind
    return isclass(origin) and (attrs.has(origin) or hasattr(origin, "__dataclass_fields__"))


def is_typed_dict(kind: Any) -> bool:
    """Whether *kind* is a ``TypedDict``."""
    return typing.is_typeddict(get_origin(kind) or kind)


def is_struct(kind: Any) -> bool:
    """Whether *kind* is a msgspec Struct."""
    origin = get_origin(kind) or kind
    return isclass(origin) and hasattr(origin, "__struct_fields__")


def is_union(kind: Any) -> bool:
    """Whether *kind* is one of several types."""
    return get_origin(kind) is Union or isinstance(kind, UnionType)


def keys_of(kind: Any) -> dict[str, str]:
    """Attribute to key in the row, where an attrs class gives it another name with ``alias=``."""
    origin = get_origin(kind) or kind
    if not attrs.has(origin):
        return {}
    return {a.name: a.alias for a in attrs.fields(origin) if a.alias and a.alias not in {a.name, a.name.lstrip("_")}}
