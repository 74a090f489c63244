"""What a provider holds, mostly text, becomes a value of the type asked for.

Scalars are read without any further package; lists, tables and classes inside them are structured by cattrs, with the same rules for what they hold.
Every refusal is a ``ConfigError`` that says what was expected and where inside the value.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import InvalidOperation
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin, is_typeddict

import attrs

from sinkkit.errors import ConfigError
from sinkkit.settings.secret import MASK, Secret
from sinkkit.settings.values import units
from sinkkit.settings.values.kinds import (
    ANYTHING,
    bare,
    described,
    fields,
    is_choice,
    is_collection,
    is_mapping,
    is_record,
    is_secret,
    members,
)
from sinkkit.settings.values.scalars import SCALARS

if TYPE_CHECKING:
    from cattrs import Converter

NOTHING = ("", "none", "null")
"""Texts that mean None where None is allowed and text is not."""

ONE_VALUE = "this setting is one value: write it as that, and take away the keys below it"
"""What to do about a table in the place of something else."""

LONGEST_SHOWN = 60
"""Characters of a value that a message repeats: what fits on a line beside the rest."""


def refusal(kind: Any, raw: Any, show: bool, hint: str | None = None, why: str = "") -> ConfigError:
    """The error for a value that does not fit; *show* says whether it may be repeated."""
    if not show or isinstance(raw, Mapping | list):
        got = (
            ""
            if raw is None or not isinstance(raw, Mapping | list)
            else f", got a {'table' if isinstance(raw, Mapping) else 'list'}"
        )
    else:
        # A long one is not cut: the half of a secret could no longer be recognised.
        text = repr(raw)
        got = f", got {text if len(text) <= LONGEST_SHOWN else f'a value of {len(text):,} characters'}"
    return ConfigError(f"expected {described(kind)}{got}{f' ({why})' if why else ''}", hint=hint)


def convert(raw: Any, kind: Any, *, show: bool = True) -> Any:  # noqa: PLR0911 - one way for each sort of type
    """*raw* as a value of *kind*.

    Args:
        raw: What was found: text, or what TOML, JSON or a caller gave.
        kind: Any type named in the reference of settings; ``Any`` gives *raw* back.
        show: Whether errors may repeat *raw*; not for what may be secret.

    Raises:
        ConfigError: If it does not fit, or *kind* is nothing that can be written in a file.
    """
    kind = bare(kind)
    if kind in ANYTHING:
        return raw
    if len(members(kind)) > 1:
        return one_of(raw, kind, show)
    if (get_origin(kind) or kind) is Secret:
        inner = (get_args(kind) or (str,))[0]
        return raw if isinstance(raw, Secret) else Secret(convert(raw, str if isinstance(inner, TypeVar) else inner, show=False))
    if kind in SCALARS:
        return scalar(raw, kind, show)
    if is_choice(kind):
        return chosen(raw, kind, show)
    if is_instance(raw, kind):
        return raw
    if is_record(kind) or is_mapping(kind) or is_collection(kind):
        return structured(raw, kind, show)
    return constructed(raw, kind, show)


def is_instance(raw: Any, kind: Any) -> bool:
    """Whether *raw* is an object of the class *kind* already; no text is a list, and types that only checkers know have no objects."""
    is_class = (
        isinstance(kind, type)
        and get_origin(kind) is None
        and not is_typeddict(kind)
        and not getattr(kind, "_is_protocol", False)
    )
    return is_class and not is_collection(kind) and isinstance(raw, kind)


def scalar(raw: Any, kind: Any, show: bool) -> Any:
    """*raw* by the reader of *kind*."""
    if isinstance(kind, type) and type(raw) is kind and kind is not float:
        return raw
    try:
        return SCALARS[kind][1](raw.reveal() if isinstance(raw, Secret) else raw)
    except ConfigError as error:
        raise refusal(kind, raw, show, ONE_VALUE if isinstance(raw, Mapping) else error.hint) from None
    except (ValueError, InvalidOperation, OverflowError):
        raise refusal(kind, raw, show) from None


def chosen(raw: Any, kind: Any, show: bool) -> Any:
    """The member of an enum or a ``Literal`` that *raw* means: by value, then by value as text, then by name in any case."""
    enumerated: list[Enum] = [] if get_origin(kind) is Literal else list(kind)
    choices = [*((value, value) for value in get_args(kind)), *((member.value, member) for member in enumerated)]
    for value, member in choices:
        if raw is member or (raw == value and type(raw) is type(value)):
            return member
    named = [(member.name.lower(), member) for member in enumerated]
    for text, member in (*((str(value), member) for value, member in choices), *named):
        if isinstance(raw, str) and (raw == text or raw.lower() == text):
            return member
    raise refusal(kind, raw, show)


def one_of(raw: Any, kind: Any, show: bool) -> Any:
    """*raw* as a member of a union: the one whose type it has, else the first that takes it, with text last.

    Where text is a member too, text is taken for a list or table only if it is written as one in JSON.
    """
    kinds = members(kind)
    if raw is None and type(None) in kinds:
        return None
    exact = [member for member in kinds if isinstance(member, type) and type(raw) is member and member is not str]
    nothing = () if str in kinds else ("",) if is_secret(kind) else NOTHING
    if type(None) in kinds and isinstance(raw, str) and raw.strip().lower() in nothing:
        return None
    rest = sorted((member for member in kinds if member is not type(None)), key=lambda member: member is str)
    if isinstance(raw, str) and str in kinds and not raw.lstrip().startswith(("{", "[")):
        rest = [member for member in rest if not is_collection(member)]
    refusals = []
    for member in (*exact, *rest):
        try:
            return convert(raw, member, show=show)
        except ConfigError as error:
            refusals.append(error)
    if len(rest) == 1:
        raise refusals[0]
    raise refusal(kind, raw, show)


def structured(raw: Any, kind: Any, show: bool) -> Any:
    """A list, table or class by cattrs; text is read as JSON, or for a list split at commas."""
    value = prepared(raw, kind, show)
    from cattrs.errors import BaseValidationError

    try:
        return converter(show).structure(value, kind)
    except BaseValidationError as group:
        problems = [f"{path}: {text}" if path else text for path, text in told(group, show)]
        hints = [error.hint for error in leaves(group) if isinstance(error, ConfigError) and error.hint]
        raise ConfigError("; ".join(problems), hint=next(iter(hints), None)) from None
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a user's class raises on these values, it is told as one problem among others
        raise refusal(kind, raw, show, why=type(error).__name__) from None


def prepared(raw: Any, kind: Any, show: bool) -> Any:
    """*raw* with every text in it that stands for a list or a table unpacked: cattrs would take text for a list of its characters.

    Raises:
        ConfigError: If something else than a list or table stands where one must.
    """
    kind = bare(kind)
    arguments = get_args(kind)
    if is_collection(kind):
        items = unpacked(raw, kind, show)
        if not isinstance(items, Collection) or isinstance(items, str | bytes | Mapping):
            raise refusal(kind, raw, show)
        positional = (get_origin(kind) or kind) is tuple and bool(arguments) and Ellipsis not in arguments
        if positional and len(items) != len(arguments):
            raise refusal(kind, raw, show, why=f"{len(arguments)} values, not {len(items)}")
        kinds = arguments if positional else [arguments[0] if arguments else Any] * len(items)
        return [prepared(item, inner, show) for item, inner in zip(items, kinds, strict=True)]
    if is_mapping(kind) or is_record(kind):
        table = unpacked(raw, kind, show)
        if isinstance(table, Mapping):
            below: dict[str, Any] = (
                {field.key: field.kind for field in fields(kind)}
                if is_record(kind)
                else dict.fromkeys(table, arguments[-1] if arguments else Any)
            )
            named = show or is_record(kind)
            return {key: within(key if named else MASK, value, below.get(key, Any), show) for key, value in table.items()}
        if not is_record(kind) or not isinstance(table, kind):
            raise refusal(kind, raw, show)
        return table
    return raw


def within(key: str, value: Any, kind: Any, show: bool) -> Any:
    """The value of one key of a table, prepared; a refusal says which key."""
    try:
        return value if value is None else prepared(value, kind, show)
    except ConfigError as error:
        raise ConfigError(f"{key}: {error.message}", hint=error.hint) from None


def unpacked(raw: Any, kind: Any, show: bool) -> Any:
    """Text as the list or table that it writes; anything else as it is."""
    if not isinstance(raw, str):
        return raw
    native = getattr(kind, "parts", None)
    text = raw.strip()
    if text.startswith(("{", "[")):
        import json

        try:
            return json.loads(text)
        except ValueError:
            raise refusal(kind, raw, show, hint="write it as JSON") from None
    if is_collection(kind):
        return [part.strip() for part in text.removesuffix(",").split(",")] if text else []
    if callable(native):
        return native(raw)
    raise refusal(kind, raw, show, hint="write it as a table, or as JSON")


def constructed(raw: Any, kind: Any, show: bool) -> Any:
    """URL classes of HTTP packages are made from text; other classes must be given as objects."""
    name = getattr(kind, "__name__", "")
    if isinstance(kind, type) and isinstance(raw, str) and name == "URL":
        return kind(units.url(raw))
    raise refusal(kind, raw, show, hint="no text can be one: give it as an argument")


@cache
def converter(show: bool) -> Converter:
    """The converter for lists and tables; *show* says whether errors may repeat values."""
    from cattrs import Converter
    from cattrs.gen import make_dict_structure_fn

    made = Converter(detailed_validation=True)

    def record(kind: Any) -> Callable[[Any, Any], Any]:
        structure = make_dict_structure_fn(kind, made, _cattrs_use_alias=attrs.has(kind))

        def read(raw: Any, kind: Any) -> Any:
            if isinstance(raw, kind):
                return raw
            if not isinstance(raw, Mapping):
                raise refusal(kind, raw, show)
            return structure(dict(raw), kind)

        return read

    def is_plain(kind: Any) -> bool:
        return not (is_record(kind) or is_mapping(kind) or is_collection(kind))

    for scalar_type in SCALARS:  # cattrs asks hooks by type before hooks by predicate, and has its own for numbers
        if isinstance(scalar_type, type):
            made.register_structure_hook(scalar_type, lambda raw, kind: convert(raw, kind, show=show))
    made.register_structure_hook_factory(is_record, record)
    made.register_structure_hook_func(is_plain, lambda raw, kind: convert(raw, kind, show=show))
    return made


def leaves(group: BaseException) -> Iterator[BaseException]:
    """The errors at the ends of a tree of errors."""
    if isinstance(group, BaseExceptionGroup):
        for error in group.exceptions:
            yield from leaves(error)
    else:
        yield group


def told(error: BaseException, show: bool, path: str = "") -> Iterator[tuple[str, str]]:
    """Each problem of a value that cattrs refused: where inside it, as ``rows[2].name``, and what; *show*: whether keys may be repeated."""
    from cattrs.errors import ClassValidationError, IterableValidationError

    if isinstance(error, ClassValidationError):
        named, others = error.group_exceptions()
        for inner, note in named:
            key = f"{path}.{note.name}" if path else note.name
            yield from [(key, "is missing")] if isinstance(inner, KeyError) and inner.args == (note.name,) else told(inner, show, key)
        for inner in others:
            yield from told(inner, show, path)
    elif isinstance(error, IterableValidationError):
        counted, others = error.group_exceptions()
        for inner, place in counted:
            at = place.index if show or isinstance(place.index, int) else MASK
            yield from told(inner, show, f"{path}[{at}]")
        for inner in others:
            yield from told(inner, show, path)
    else:
        yield path, error.message if isinstance(error, ConfigError) else f"does not fit ({type(error).__name__})"
