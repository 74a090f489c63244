"""A function's signature, read once, at the decorator, into data; mistakes are reported there, with what to write."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import attrs

from sinkkit.declaration.annotations import Unresolved, annotations_of, full_name, is_mapping, is_table_schema, items_kind
from sinkkit.declaration.options import OPTION_NAMES
from sinkkit.errors import SignatureError
from sinkkit.rows import Batch
from sinkkit.schema.items import ItemsKind
from sinkkit.settings.access import config, secrets
from sinkkit.settings.secret import Secret
from sinkkit.settings.wanted import MISSING, Wanted


class Role(StrEnum):
    """Where the value of a further parameter comes from."""

    BATCH = "batch"
    TABLE = "table"
    CLIENT = "client"
    ASYNC_CLIENT = "async client"
    SETTING = "setting"


@attrs.frozen
class Parameter:
    """One parameter after items and table; *wanted* describes its setting, if it is one."""

    name: str
    role: Role
    wanted: Wanted | None = None


@attrs.frozen(kw_only=True)
class Signature:
    """What a function takes: *items* is None where the file format chooses what they hold."""

    name: str
    items: ItemsKind | None
    text_path: bool
    takes_table: bool
    is_async: bool
    parameters: tuple[Parameter, ...]

    @property
    def settings(self) -> tuple[Wanted, ...]:
        """The settings it wants."""
        return tuple(parameter.wanted for parameter in self.parameters if parameter.wanted is not None)

    def one(self, role: Role) -> str | None:
        """The name of the parameter that has *role*, if there is one."""
        return next((parameter.name for parameter in self.parameters if parameter.role is role), None)


RESERVED = frozenset({*OPTION_NAMES, "mapping", "name", "spec", "destination_name", "destination_type"})
"""Names of the decorator's and factory's own settings, which a function's parameter cannot bear."""

CLIENTS = {"httpx.Client": Role.CLIENT, "httpx.AsyncClient": Role.ASYNC_CLIENT}

BY_NAME_ONLY = frozenset({inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD})
NEVER_BY_NAME = frozenset({inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY})


def name_of(function: Any) -> str:
    """The name a destination made of *function* bears."""
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__name__", type(function).__name__))


def read_signature(function: Callable[..., object]) -> Signature:
    """Sort each parameter of *function* into a role.

    Raises:
        SignatureError: If it cannot be a destination as it is written; the hint says what to write.
    """
    name = name_of(function)
    _refuse_what_is_no_sink(function, name)
    hints = annotations_of(function)
    items, rest = _parameters(function, name, f"write `def {name}(items, table): ...`; items is the batch of rows")
    takes_table = bool(rest) and _is_table(rest[0], hints)
    for parameter in rest:
        _refuse_reserved(name, parameter, hints)
    return Signature(
        name=name,
        items=_items(name, hints.get(items.name, inspect.Parameter.empty)),
        text_path=hints.get(items.name) is str,
        takes_table=takes_table,
        is_async=inspect.iscoroutinefunction(called(function)),
        parameters=tuple(_parameter(name, p, hints) for p in rest[takes_table:]),
    )


def read_probe(function: Callable[..., object]) -> Signature:
    """The same for a probe, ``(batch, ...settings)``.

    Raises:
        SignatureError: If it takes no batch, or what only a destination gets.
    """
    name = name_of(function)
    write = f"a probe takes the batch, then settings: `def {name}(batch, ...): ...`"
    _refuse_what_is_no_sink(function, name)
    hints = annotations_of(function)
    _, rest = _parameters(function, name, write)
    if rest and _is_table(rest[0], hints):
        raise SignatureError(f"{name}() takes {rest[0].name!r}, which is neither annotated nor a setting", hint=write)
    for parameter in rest:
        _refuse_reserved(name, parameter, hints)
    parameters = tuple(_parameter(name, p, hints) for p in rest)
    wrong = [p.name for p in parameters if p.role in {Role.BATCH, Role.TABLE}]
    if wrong:
        raise SignatureError(f"{name}() takes {wrong[0]!r} after its batch", hint=write)
    return Signature(
        name=name,
        items=None,
        text_path=False,
        takes_table=False,
        is_async=inspect.iscoroutinefunction(called(function)),
        parameters=parameters,
    )


def called(function: Any) -> Any:
    """What runs when *function* is called: the function inside a partial, the ``__call__`` of an object."""
    while isinstance(function, functools.partial):
        function = function.func
    return function if inspect.isroutine(function) else type(function).__call__


def _parameters(function: Any, name: str, write: str) -> tuple[inspect.Parameter, list[inspect.Parameter]]:
    """The first parameter, and those after it that are not bound already."""
    bound = set(function.keywords) if isinstance(function, functools.partial) else set()
    try:
        found = [p for p in inspect.signature(function).parameters.values() if p.name not in bound]
    except (ValueError, TypeError) as error:
        raise SignatureError(
            f"the parameters of {name}() are not known: {error}", hint=f"wrap it in a function of your own: {write}"
        ) from error
    if not found or found[0].kind in BY_NAME_ONLY:
        raise SignatureError(f"{name}() takes no items", hint=write)
    if found[0].kind is inspect.Parameter.VAR_POSITIONAL:
        raise SignatureError(
            f"{name}(*{found[0].name}) does not say what it takes",
            hint=f"{write}; a decorator of yours below keeps the signature with functools.wraps",
        )
    if found[0].name in {"self", "cls"} and "." in getattr(function, "__qualname__", "") and not inspect.ismethod(function):
        raise SignatureError(
            f"{name}() is a method that is not bound to an object yet",
            hint=f"make the destination of an object's method: sinkkit.destination(thing.{name})",
        )
    return found[0], found[1:]


def _refuse_what_is_no_sink(function: Any, name: str) -> None:
    if inspect.isclass(function):
        raise SignatureError(
            f"{name} is a class", hint="decorate a function, a method of an instance, or an object with __call__"
        )
    if not callable(function):
        raise SignatureError(f"{function!r} cannot be called", hint="decorate a function `def sink(items, table): ...`")
    run = called(function)
    if inspect.isgeneratorfunction(run) or inspect.isasyncgenfunction(run):
        raise SignatureError(
            f"{name}() is a generator: calling it would send nothing",
            hint="remove `yield`: a destination sends the batch it is given and returns; rows come from a @sinkkit.resource",
        )


def _is_table(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> bool:
    """Whether a second parameter gets the table, by position."""
    if parameter.kind in BY_NAME_ONLY or parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        return False
    if parameter.name == "table":
        return True
    if parameter.name in hints:
        return is_mapping(hints[parameter.name]) and parameter.default is parameter.empty
    return parameter.default is parameter.empty and parameter.name != "batch"


def _items(name: str, annotation: Any) -> ItemsKind | None:
    try:
        return items_kind(annotation)
    except LookupError as error:
        raise SignatureError(
            f"{name}() asks for items as {error.args[0]}",
            hint="write list[dict], pyarrow.Table, pyarrow.RecordBatch, pandas.DataFrame, polars.DataFrame, or pathlib.Path with batch_size=0",
        ) from None


def _refuse_reserved(function: str, parameter: inspect.Parameter, hints: Mapping[str, Any]) -> None:
    where = f"{function}() parameter {parameter.name!r}"
    role = _role(parameter, hints.get(parameter.name, parameter.empty))
    if parameter.name == "http" and role not in {Role.CLIENT, Role.ASYNC_CLIENT}:
        raise SignatureError(f"{where} is not the client", hint="write `http: httpx.Client`, or give the setting another name")
    if parameter.name in RESERVED and role is Role.SETTING:
        raise SignatureError(
            f"{where} bears the name of a setting of every destination", hint=f"rename it, for example to `{parameter.name}_`"
        )


def _parameter(function: str, parameter: inspect.Parameter, hints: Mapping[str, Any]) -> Parameter:
    where = f"{function}() parameter {parameter.name!r}"
    if parameter.kind in NEVER_BY_NAME:
        raise SignatureError(
            f"{where} cannot be given by name", hint="name each setting the function needs, as in `api_key: Secret`"
        )
    annotation = hints.get(parameter.name, parameter.empty)
    role = _role(parameter, annotation)
    return Parameter(parameter.name, role, _wanted(where, parameter, annotation) if role is Role.SETTING else None)


def _role(parameter: inspect.Parameter, annotation: Any) -> Role:
    bare = annotation is parameter.empty and parameter.default is parameter.empty
    if annotation is Batch or (isinstance(annotation, Unresolved) and full_name(annotation) in {"sinkkit.Batch", "Batch"}):
        return Role.BATCH
    if bare and parameter.name == "batch":
        return Role.BATCH
    if is_table_schema(annotation) or (bare and parameter.name == "table"):
        return Role.TABLE
    return CLIENTS.get(full_name(annotation), Role.SETTING)


def _wanted(where: str, parameter: inspect.Parameter, annotation: Any) -> Wanted:
    if isinstance(annotation, Unresolved):
        annotation = _resolved(where, annotation)
    default, kind, secret = parameter.default, annotation, False
    for marker, is_secret in ((config.value, False), (secrets.value, True)):
        if default is marker or annotation is marker:
            secret = is_secret
            default = MISSING if default is marker else default
            kind = Any if annotation is marker else annotation
    if kind is parameter.empty and default is parameter.empty:
        raise SignatureError(
            f"{where} has neither annotation nor default",
            hint=f"write `{parameter.name}: str` or, for a password, `{parameter.name}: Secret`",
        )
    untyped = kind is parameter.empty
    if untyped:
        kind = Any if default is None or default is MISSING else type(default)
    return Wanted(
        name=parameter.name,
        type=kind,
        default=MISSING if default is parameter.empty else default,
        secret=secret or kind is Secret or typing.get_origin(kind) is Secret,
        from_default=untyped and kind is not Any,
    )


def _resolved(where: str, annotation: Unresolved) -> Any:
    """The type of a setting that only type checkers import, imported now."""
    found = annotation.found()
    if found is annotation:
        if full_name(annotation) in {"sinkkit.Secret", "Secret"}:
            return Secret
        raise SignatureError(
            f"{where} is annotated {annotation.text!r}, which cannot be found when the program runs",
            hint="import it outside `if TYPE_CHECKING:`, or annotate the parameter with a type that is",
        )
    return found
