"""A function's signature, read once, at the decorator, into data; mistakes are reported there, with what to write."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import attrs

from sinkkit.declaration.annotations import Unresolved, annotations_of, full_name, is_mapping, items_kind
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
    bound = set(function.keywords) if isinstance(function, functools.partial) else set()
    parameters = [p for p in inspect.signature(function).parameters.values() if p.name not in bound]
    if not parameters or parameters[0].kind in {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}:
        raise SignatureError(f"{name}() takes no items", hint=f"write `def {name}(items, table): ...`; items is the batch of rows")
    items, *rest = parameters
    takes_table = bool(rest) and _is_table(rest[0], hints)
    return Signature(
        name=name,
        items=_items(name, hints.get(items.name, inspect.Parameter.empty)),
        text_path=hints.get(items.name) is str,
        takes_table=takes_table,
        is_async=inspect.iscoroutinefunction(_called(function)),
        parameters=tuple(_parameter(name, p, hints) for p in rest[takes_table:]),
    )


def _called(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return function if inspect.isroutine(function) else type(function).__call__


def _refuse_what_is_no_sink(function: Any, name: str) -> None:
    if inspect.isclass(function):
        raise SignatureError(f"{name} is a class", hint="decorate a function, a method of an instance, or an object with __call__")
    if not callable(function):
        raise SignatureError(f"{function!r} cannot be called", hint="decorate a function `def sink(items, table): ...`")
    called = _called(function)
    if inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called):
        raise SignatureError(
            f"{name}() is a generator: calling it would send nothing",
            hint="remove `yield`: a destination sends the batch it is given and returns; rows come from a @sinkkit.resource",
        )


def _is_table(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> bool:
    if parameter.kind in {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}:
        return False
    if parameter.name == "table":
        return True
    if parameter.name in hints:
        return is_mapping(hints[parameter.name]) and parameter.default is parameter.empty
    return parameter.default is parameter.empty


def _items(name: str, annotation: Any) -> ItemsKind | None:
    try:
        return items_kind(annotation)
    except LookupError as error:
        raise SignatureError(
            f"{name}() asks for items as {error.args[0]}",
            hint="write list[dict], pyarrow.Table, pyarrow.RecordBatch, pandas.DataFrame, polars.DataFrame, or pathlib.Path with batch_size=0",
        ) from None


def _parameter(function: str, parameter: inspect.Parameter, hints: Mapping[str, Any]) -> Parameter:
    where = f"{function}() parameter {parameter.name!r}"
    if parameter.kind in {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY}:
        raise SignatureError(f"{where} cannot be given by name", hint="name each setting the function needs, as in `api_key: Secret`")
    annotation = hints.get(parameter.name, parameter.empty)
    role = _role(annotation)
    if role is not Role.SETTING:
        return Parameter(parameter.name, role)
    if parameter.name == "batch" and annotation is parameter.empty and parameter.default is parameter.empty:
        return Parameter(parameter.name, Role.BATCH)
    if parameter.name == "http":
        raise SignatureError(f"{where} is not the client", hint="write `http: httpx.Client`, or give the setting another name")
    if parameter.name in RESERVED:
        raise SignatureError(
            f"{where} bears the name of a setting of every destination", hint=f"rename it, for example to `{parameter.name}_`"
        )
    return Parameter(parameter.name, role, _wanted(where, parameter, annotation))


def _role(annotation: Any) -> Role:
    if annotation is Batch or (isinstance(annotation, Unresolved) and full_name(annotation) in {"sinkkit.Batch", "Batch"}):
        return Role.BATCH
    return CLIENTS.get(full_name(annotation), Role.SETTING)


def _wanted(where: str, parameter: inspect.Parameter, annotation: Any) -> Wanted:
    if isinstance(annotation, Unresolved):
        if annotation.full_name not in {"sinkkit.Secret", "Secret"}:
            raise SignatureError(
                f"{where} is annotated {annotation.text!r}, which cannot be found when the program runs",
                hint="import it outside `if TYPE_CHECKING:`, or annotate the parameter with a type that is",
            )
        annotation = Secret
    default, kind, secret = parameter.default, annotation, False
    for marker, is_secret in ((config.value, False), (secrets.value, True)):
        if default is marker or annotation is marker:
            secret = is_secret
            default = MISSING if default is marker else default
            kind = Any if annotation is marker else annotation
    if kind is parameter.empty and default is parameter.empty:
        raise SignatureError(
            f"{where} has neither annotation nor default", hint=f"write `{parameter.name}: str` or, for a password, `{parameter.name}: Secret`"
        )
    if kind is parameter.empty:
        kind = Any if default in {None, MISSING} else type(default)
    return Wanted(
        name=parameter.name,
        type=kind,
        default=MISSING if default is parameter.empty else default,
        secret=secret or kind is Secret or typing.get_origin(kind) is Secret,
    )
