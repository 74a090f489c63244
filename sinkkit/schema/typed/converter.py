"""The converters that make objects of dicts: cattrs with strict rules for what fits."""

from __future__ import annotations

import collections.abc
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from inspect import isclass
from typing import TYPE_CHECKING, Any, Literal, NotRequired, Required, get_args, get_origin

import attrs

from sinkkit.schema.typed.classes import is_class_of_rows, is_record, is_struct, is_typed_dict, is_union, keys_of
from sinkkit.schema.typed.misfit import MisfitError, described
from sinkkit.schema.typed.scalars import READERS, take
from sinkkit.schema.typed.structs import struct

if TYPE_CHECKING:
    from cattrs import Converter

LISTS = (list, tuple, set, frozenset)
"""What a list may be given as; text is no list of its characters."""

CONTAINERS: Mapping[Any, Callable[[Any], Any]] = {
    list: list,
    collections.abc.Sequence: list,
    collections.abc.MutableSequence: list,
    collections.abc.Collection: list,
    collections.abc.Iterable: list,
    tuple: tuple,
    set: set,
    collections.abc.Set: frozenset,
    collections.abc.MutableSet: set,
    frozenset: frozenset,
}


def made_converter(keys: dict[tuple[Any, str], str], *, detailed: bool) -> Converter:
    """A converter; a *detailed* one tells every problem of a value, the other stops at the first and is faster.

    Args:
        keys: Gets class and attribute to key, for attributes with another one.
        detailed: Which of the two.
    """
    from cattrs import Converter

    made = Converter(detailed_validation=detailed)
    rules = Rules(made, keys, detailed)
    made.register_structure_hook_func(isclass, instance)
    made.register_structure_hook_factory(lambda kind: isclass(kind) and issubclass(kind, Enum), lambda _: take)
    made.register_structure_hook_factory(is_record, rules.record)
    made.register_structure_hook_factory(is_typed_dict, rules.typed_dict)
    made.register_structure_hook_factory(is_struct, lambda _: struct)
    made.register_structure_hook_factory(is_container, rules.several)
    made.register_structure_hook_factory(is_free_mapping, rules.mapping)
    made.register_structure_hook_func(is_literal, literal)
    made.register_structure_hook_factory(is_union, rules.union)
    for scalar in READERS:  # cattrs asks hooks by type before hooks by predicate, and has its own for numbers and text
        made.register_structure_hook(scalar, take)
    return made


def is_container(kind: Any) -> bool:
    """Whether *kind* is a list, a tuple or a set of some sort."""
    return (get_origin(kind) or kind) in CONTAINERS


def is_literal(kind: Any) -> bool:
    """Whether *kind* lists its values."""
    return get_origin(kind) is Literal


def is_free_mapping(kind: Any) -> bool:
    """Whether *kind* is a mapping with any keys."""
    origin = get_origin(kind) or kind
    return isclass(origin) and issubclass(origin, Mapping) and not is_typed_dict(kind)


def instance(value: Any, kind: Any) -> Any:
    """*value*, if it is one of a class of which nothing else is known."""
    if kind in (Any, object) or isinstance(value, kind):
        return value
    raise MisfitError(described(kind), value)


def literal(value: Any, kind: Any) -> Any:
    """*value*, if it is one of those listed; ``True`` is not ``1``."""
    for one in get_args(kind):
        if type(one) is type(value) and one == value:
            return value
        if isinstance(one, Enum) and type(one.value) is type(value) and one.value == value:
            return one
    raise MisfitError(described(kind), value)


@attrs.frozen
class Rules:
    """What the converter *made* does with types that hold others."""

    made: Any
    keys: dict[tuple[Any, str], str]
    detailed: bool
    building: list[Any] = attrs.field(factory=list, init=False)

    def record(self, kind: Any) -> Callable[[Any, Any], Any]:
        """Objects of attrs classes and dataclasses; keys that the class does not know are left out."""
        from cattrs.gen import make_dict_structure_fn, override

        renamed = keys_of(kind)
        self.keys.update({(get_origin(kind) or kind, name): key for name, key in renamed.items()})
        overrides: Any = {name: override(rename=key) for name, key in renamed.items()}
        return guarded(make_dict_structure_fn(kind, self.made, **overrides), get_origin(kind) or kind)

    def typed_dict(self, kind: Any) -> Callable[[Any, Any], Any]:
        """Dicts whose values are checked; keys that the class does not know stay.

        What is required is read from the annotations: cattrs asks the class, which does not know it where annotations are text.
        """
        if kind in self.building:
            raise RecursionError  # as cattrs does, for whoever is building what holds it
        self.building.append(kind)
        try:
            fields = [(name, *self._late(of), of, required) for name, of, required in fields_of(kind)]
        finally:
            self.building.remove(kind)

        def structure(value: dict[str, Any], _: Any) -> dict[str, Any]:
            made, wrong = dict(value), []
            for name, hook, of, required in fields:
                try:
                    if required or name in made:
                        made[name] = hook(made[name], of)
                except Exception as error:
                    if not self.detailed:
                        raise
                    wrong.append(noted(error, name, of))
            if wrong:
                raise self.group(wrong, kind)
            return made

        return guarded(structure, None)

    def _late(self, kind: Any) -> tuple[Callable[[Any, Any], Any]]:
        """The hook of *kind*; one that looks for it when it is called where *kind* is still being built."""
        try:
            return (self.made.get_structure_hook(kind),)
        except RecursionError:
            return (self.made.structure,)

    def group(self, wrong: list[Exception], kind: Any) -> Exception:
        """All problems of an object of *kind*."""
        from cattrs.errors import ClassValidationError

        return ClassValidationError("", wrong, kind)

    def several(self, kind: Any) -> Callable[[Any, Any], Any]:
        """Lists, tuples and sets."""
        origin, of = get_origin(kind) or kind, get_args(kind)
        if origin is tuple and of and of[-1] is not Ellipsis:
            return self._tuple(kind, of)
        make, inner = CONTAINERS[origin], of[0] if of else Any
        each = self.made.get_structure_hook(inner)

        def read(value: Any, _: Any) -> Any:
            if not isinstance(value, LISTS):
                raise MisfitError(described(kind), value)
            if not self.detailed:
                return make([each(item, inner) for item in value])
            return make(self._each(kind, [(i, each, item, inner) for i, item in enumerate(value)]))

        return read

    def _tuple(self, kind: Any, of: tuple[Any, ...]) -> Callable[[Any, Any], Any]:
        hooks = [self.made.get_structure_hook(one) for one in of]

        def read(value: Any, _: Any) -> Any:
            if not isinstance(value, list | tuple) or len(value) != len(of):
                raise MisfitError(described(kind), value)
            return tuple(self._each(kind, list(zip(range(len(of)), hooks, value, of, strict=True))))

        return read

    def mapping(self, kind: Any) -> Callable[[Any, Any], Any]:
        """Mappings of any keys."""
        key_kind, value_kind = (*get_args(kind), Any, Any)[:2]
        key_of, value_of = self.made.get_structure_hook(key_kind), self.made.get_structure_hook(value_kind)

        def read(value: Any, _: Any) -> Any:
            if not isinstance(value, Mapping):
                raise MisfitError(described(kind), value)
            keys = self._each(kind, [(key, key_of, key, key_kind) for key in value])
            values = self._each(kind, [(key, value_of, item, value_kind) for key, item in value.items()])
            return dict(zip(keys, values, strict=True))

        return read

    def _each(self, kind: Any, parts: list[tuple[Any, Callable[[Any, Any], Any], Any, Any]]) -> list[Any]:
        """Parts of a whole (its place, its hook, itself, its type), each read; with all their problems if details are wanted."""
        if not self.detailed:
            return [hook(item, inner) for _, hook, item, inner in parts]
        from cattrs.errors import IterableValidationError, IterableValidationNote

        found, wrong = [], []
        for place, hook, item, inner in parts:
            try:
                found.append(hook(item, inner))
            except Exception as error:  # noqa: BLE001  # collected, with its place
                error.__notes__ = [*getattr(error, "__notes__", ()), IterableValidationNote("", place, inner)]
                wrong.append(error)
        if wrong:
            raise IterableValidationError("", wrong, kind)
        return found

    def union(self, kind: Any) -> Callable[[Any, Any], Any]:
        """One of several types: the one that the value is of, else the first that it fits; of classes first those that know most of its keys."""
        members = get_args(kind)
        optional = type(None) in members
        others = [member for member in members if member is not type(None)]
        hooks = [(self.made.get_structure_hook(member), member, known_keys(member)) for member in others]

        def read(value: Any, _: Any) -> Any:
            if value is None and optional:
                return None
            if len(hooks) == 1:
                return hooks[0][0](value, others[0])
            if type(value) in others:
                return value
            tried = hooks
            if isinstance(value, Mapping):
                tried = sorted(hooks, key=lambda one: len(value.keys() - one[2]))
            for hook, member, _ in tried:
                try:
                    return hook(value, member)
                except Exception:  # noqa: BLE001, S112  # the next one is tried
                    continue
            raise MisfitError(described(kind), value)

        return read


def known_keys(kind: Any) -> frozenset[str]:
    """The keys that a class of a union knows; none if it is something else."""
    origin = get_origin(kind) or kind
    renamed = keys_of(kind)
    if not is_class_of_rows(kind):
        return frozenset()
    names = getattr(origin, "__struct_encode_fields__", None) or [
        *getattr(origin, "__dataclass_fields__", {}),
        *(a.name for a in getattr(origin, "__attrs_attrs__", ())),
        *(origin.__annotations__ if is_typed_dict(kind) else ()),
    ]
    return frozenset(renamed.get(name, name) for name in names)


def fields_of(kind: Any) -> list[tuple[str, Any, bool]]:
    """Key, type and whether it must be there, of each field of a ``TypedDict``."""
    origin = get_origin(kind) or kind
    given = dict(zip(getattr(origin, "__parameters__", ()), get_args(kind), strict=False))
    found = []
    for name, of in typing.get_type_hints(origin, include_extras=True).items():
        required = name in origin.__required_keys__
        if get_origin(of) in (Required, NotRequired):
            required, (of,) = get_origin(of) is Required, get_args(of)  # noqa: PLW2901  # what it is about
        found.append((name, given.get(of, of) if isinstance(of, typing.TypeVar) else of, required))
    return found


def noted(error: Exception, name: str, kind: Any) -> Exception:
    """*error* with a note of the field that it is about, as cattrs makes them."""
    from cattrs.errors import AttributeValidationNote

    error.__notes__ = [*getattr(error, "__notes__", ()), AttributeValidationNote("", name, kind)]
    return error


def guarded(structure: Callable[[Any, Any], Any], kind: Any) -> Callable[[Any, Any], Any]:
    """*structure* for dicts; what is one of *kind* already is taken as it is, anything else does not fit."""

    def read(value: Any, wanted: Any) -> Any:
        if type(value) is dict:
            return structure(value, wanted)
        if kind is not None and isinstance(value, kind):
            return value
        if isinstance(value, Mapping):
            return structure(dict(value), wanted)
        raise MisfitError(described(wanted), value)

    return read
