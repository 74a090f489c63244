"""A function's signature, read once, at the decorator, into data; mistakes are reported there, with what to write."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from sinkkit.declaration.annotations import annotations_of, items_kind, row_type
from sinkkit.declaration.parameters import BY_NAME_ONLY, RESERVED, Parameter, Role, is_table, read_parameter, refuse_reserved
from sinkkit.declaration.sink_object import Form, maker_annotations
from sinkkit.declaration.spec import Spec
from sinkkit.errors import SignatureError
from sinkkit.schema.items import ItemsKind
from sinkkit.settings.wanted import Wanted

__all__ = ["RESERVED", "Parameter", "Role", "Signature", "called", "name_of", "read_maker", "read_probe", "read_signature"]


@attrs.frozen(kw_only=True)
class Signature:
    """What a function takes.

    Attributes:
        items: What its items hold; None where the file format chooses.
        row_type: The class that its rows are objects of; None for dicts.
        spec: What declares more settings.
    """

    name: str
    items: ItemsKind | None
    text_path: bool
    takes_table: bool
    is_async: bool
    parameters: tuple[Parameter, ...]
    spec: Spec | None = None
    row_type: Any = None

    @property
    def settings(self) -> tuple[Wanted, ...]:
        """The settings it wants."""
        return tuple(parameter.wanted for parameter in self.parameters if parameter.wanted is not None)

    def one(self, role: Role) -> str | None:
        """The name of the parameter that has *role*, if there is one."""
        return next((parameter.name for parameter in self.parameters if parameter.role is role), None)


def name_of(function: Any) -> str:
    """The name a destination made of *function* bears."""
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__name__", type(function).__name__))


def read_signature(function: Callable[..., object], spec: Spec | None = None) -> Signature:
    """Sort each parameter of *function* into a role; a *spec* says what settings of its fields' names are.

    Raises:
        SignatureError: If it cannot be a destination as it is written; the hint says what to write.
    """
    name = name_of(function)
    _refuse_what_is_no_sink(function, name)
    hints = annotations_of(function)
    items, rest = _parameters(function, name, f"write `def {name}(items, table): ...`; items is the batch of rows")
    takes_table = bool(rest) and is_table(rest[0], hints) and not (spec is not None and rest[0].name in spec.wanted)
    return Signature(
        name=name,
        items=_items(name, hints.get(items.name, inspect.Parameter.empty)),
        text_path=hints.get(items.name) is str,
        takes_table=takes_table,
        is_async=inspect.iscoroutinefunction(called(function)),
        parameters=_with_fields(name, _sorted(name, rest[:takes_table], rest[takes_table:], hints, spec, may_lack_names=True), spec),
        spec=spec,
        row_type=row_type(hints.get(items.name)),
    )


def read_probe(function: Callable[..., object], spec: Spec | None = None) -> Signature:
    """The same for a probe, ``(batch, ...settings)``.

    Raises:
        SignatureError: If it takes no batch, or what only a destination gets.
    """
    name = name_of(function)
    write = f"a probe takes the batch, then settings: `def {name}(batch, ...): ...`"
    _refuse_what_is_no_sink(function, name)
    hints = annotations_of(function)
    _, rest = _parameters(function, name, write)
    if rest and is_table(rest[0], hints) and not (spec is not None and rest[0].name in spec.wanted):
        raise SignatureError(f"{name}() takes {rest[0].name!r}, which is neither annotated nor a setting", hint=write)
    parameters = _sorted(name, [], rest, hints, spec)
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
        spec=spec,
    )


def read_maker(maker: Any, form: Form, spec: Spec | None = None) -> Signature:
    """The same for a sink, which takes nothing, or for what makes one, ``(...settings)``.

    Raises:
        SignatureError: If it takes what only a function gets.
    """
    name = name_of(maker)
    parameters: tuple[Parameter, ...] = ()
    if form is Form.MAKER:
        rest = list(_signature_of(maker, name, f"`def {name}(url: str, api_key: Secret): ...`"))
        parameters = _sorted(name, [], rest, maker_annotations(maker), spec)
    wrong = [p.name for p in parameters if p.role in {Role.BATCH, Role.TABLE, Role.ASYNC_CLIENT}]
    if wrong:
        raise SignatureError(
            f"{name}() takes {wrong[0]!r}, and what makes a sink takes settings",
            hint="a sink gets tables in prepare(tables) and rows in deliver(batch); an injected client is an httpx.Client",
        )
    if inspect.iscoroutinefunction(called(maker)):
        raise SignatureError(f"{name}() is a coroutine, and what makes a sink is called before there is a loop", hint=f"write `def {name}(...)`")
    fields = _with_fields(name, parameters, spec)
    return Signature(name=name, items=None, text_path=False, takes_table=False, is_async=False, parameters=fields, spec=spec)


def _sorted(
    name: str,
    before: list[inspect.Parameter],
    rest: list[inspect.Parameter],
    hints: Mapping[str, Any],
    spec: Spec | None,
    *,
    may_lack_names: bool = False,
) -> tuple[Parameter, ...]:
    """Those in *rest*, each with its role; those *before* them are only checked for names they cannot bear."""
    nameless = [parameter for parameter in rest if parameter.kind is inspect.Parameter.POSITIONAL_ONLY]
    if nameless and not may_lack_names:
        raise SignatureError(f"{name}() parameter {nameless[0].name!r} cannot be given by name", hint="leave out the `/` behind it")
    for parameter in (*before, *rest):
        refuse_reserved(name, parameter, hints)
    made = (read_parameter(name, parameter, hints, spec) for parameter in rest)
    return tuple(attrs.evolve(one, by_position=True) if one.name in {p.name for p in nameless} else one for one in made)


def _with_fields(name: str, parameters: tuple[Parameter, ...], spec: Spec | None) -> tuple[Parameter, ...]:
    """The parameters, and the fields of the spec that none of them takes: they are settings all the same."""
    if spec is None:
        return parameters
    reserved = [field for field in spec.wanted if field in {*RESERVED, "http"}]
    if reserved:
        raise SignatureError(
            f"the spec {spec.kind.__name__} of {name}() has the field {reserved[0]!r}, which is a setting of every destination",
            hint=f"rename it, for example to `{reserved[0]}_`",
        )
    taken = [parameter.name for parameter in parameters]
    further = (Parameter(field, Role.FIELD, wanted) for field, wanted in spec.wanted.items() if field not in taken)
    return (*parameters, *further)


def called(function: Any) -> Any:
    """What runs when *function* is called: the function inside a partial, the ``__call__`` of an object."""
    while isinstance(function, functools.partial):
        function = function.func
    return function if inspect.isroutine(function) else type(function).__call__


def _parameters(function: Any, name: str, write: str) -> tuple[inspect.Parameter, list[inspect.Parameter]]:
    """The first parameter, and those after it that are not bound already."""
    found = _signature_of(function, name, write)
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


def _signature_of(function: Any, name: str, write: str) -> list[inspect.Parameter]:
    """The parameters that are not bound already."""
    bound = set(function.keywords) if isinstance(function, functools.partial) else set()
    try:
        return [p for p in inspect.signature(function).parameters.values() if p.name not in bound]
    except (ValueError, TypeError) as error:
        raise SignatureError(
            f"the parameters of {name}() are not known: {error}", hint=f"wrap it in a function of your own: {write}"
        ) from error


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


def _items(name: str, annotation: Any) -> ItemsKind | None:
    try:
        return items_kind(annotation)
    except LookupError as error:
        raise SignatureError(
            f"{name}() asks for items as {error.args[0]}",
            hint="write list[dict], list[Contact] for an attrs class, dataclass, TypedDict or Struct that is known there, pyarrow.Table, pyarrow.RecordBatch, pandas.DataFrame, polars.DataFrame, or pathlib.Path with batch_size=0",
        ) from None
