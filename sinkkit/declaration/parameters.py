"""One parameter of a function: what it gets, and which setting that is."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs

from sinkkit.declaration.annotations import Unresolved, full_name, is_mapping, is_table_schema
from sinkkit.declaration.options import OPTION_NAMES
from sinkkit.declaration.spec import Spec, agreed
from sinkkit.errors import SignatureError
from sinkkit.rows import Batch
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
    SPEC = "spec"
    FIELD = "field of the spec"


@attrs.frozen
class Parameter:
    """One parameter after items and table, or a field of the spec that is none.

    Attributes:
        name: As it is written.
        role: What it gets.
        wanted: Its setting, if it is one.
        by_position: Callers cannot name it.
    """

    name: str
    role: Role
    wanted: Wanted | None = None
    by_position: bool = False


RESERVED = frozenset({*OPTION_NAMES, "capabilities", "name", "spec", "destination_name", "destination_type"})
"""Names of the decorator's and factory's own settings, which a function's parameter cannot bear."""

CLIENTS = {"httpx.Client": Role.CLIENT, "httpx.AsyncClient": Role.ASYNC_CLIENT}

BY_NAME_ONLY = frozenset({inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD})
ANY_NUMBER = frozenset({inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD})


def is_table(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> bool:
    """Whether a second parameter gets the table, by position."""
    if parameter.kind in BY_NAME_ONLY or parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        return False
    if parameter.name == "table":
        return True
    if parameter.name in hints:
        return is_mapping(hints[parameter.name]) and parameter.default is parameter.empty
    return parameter.default is parameter.empty and parameter.name != "batch"


def refuse_reserved(function: str, parameter: inspect.Parameter, hints: Mapping[str, Any]) -> None:
    """Refuse a parameter whose name stands for something that every destination has.

    Raises:
        SignatureError: If it bears the name of a setting of the decorator, or ``http`` without being the client.
    """
    where = f"{function}() parameter {parameter.name!r}"
    role = _role(parameter, hints.get(parameter.name, parameter.empty))
    if parameter.name == "http" and role not in {Role.CLIENT, Role.ASYNC_CLIENT}:
        raise SignatureError(f"{where} is not the client", hint="write `http: httpx.Client`, or give the setting another name")
    if parameter.name in RESERVED and role is Role.SETTING:
        raise SignatureError(
            f"{where} bears the name of a setting of every destination", hint=f"rename it, for example to `{parameter.name}_`"
        )


def read_parameter(function: str, parameter: inspect.Parameter, hints: Mapping[str, Any], spec: Spec | None) -> Parameter:
    """What *parameter* of *function* gets; a *spec* says what a setting is that bears the name of one of its fields.

    Raises:
        SignatureError: If it takes any number of arguments, its type is not known, or it contradicts the spec.
    """
    where = f"{function}() parameter {parameter.name!r}"
    if parameter.kind in ANY_NUMBER:
        raise SignatureError(
            f"{where} cannot be given by name", hint="name each setting the function needs, as in `api_key: Secret`"
        )
    annotation = hints.get(parameter.name, parameter.empty)
    if spec is not None and _means(annotation, spec.kind):
        return Parameter(parameter.name, Role.SPEC)
    if spec is not None and parameter.name in spec.wanted:
        kind = _resolved(where, annotation) if isinstance(annotation, Unresolved) else annotation
        return Parameter(parameter.name, Role.SETTING, agreed(where, parameter, kind, spec.wanted[parameter.name]))
    role = _role(parameter, annotation)
    return Parameter(parameter.name, role, _wanted(where, parameter, annotation) if role is Role.SETTING else None)


def _means(annotation: Any, kind: type) -> bool:
    """Whether an annotation is the class *kind*; a class inside a function is known by its name alone."""
    if not isinstance(annotation, Unresolved):
        return annotation is kind
    found = annotation.found()
    return found is kind or (found is annotation and annotation.text == kind.__name__)


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
