"""A naming convention, from what the setting ``naming_convention`` says: a name, a class, an object, a module, or the dotted path of one."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from sinkkit.declaration.naming.references import find, is_path
from sinkkit.errors import ConfigError, ReferenceNotFound
from sinkkit.schema.naming.conventions import CONVENTIONS, SEPARATOR, Convention

METHOD = "normalize_identifier"
CLASS = "NamingConvention"
"""What a module has to have to be one."""


def convention_problem(value: Any) -> str | None:
    """What to write instead of *value*, None if it can be a convention; a dotted path is not followed."""
    known = isinstance(value, str) and (value in CONVENTIONS or is_path(value))
    if known or (not isinstance(value, str) and _holder(value) is not None):
        return None
    names = ", ".join(repr(name) for name in CONVENTIONS)
    return f"write one of {names}, or give a class or module with {METHOD}(identifier), or its dotted path"


def is_known(value: Any) -> bool:
    """Whether a convention can be had without importing anything."""
    return not isinstance(value, str) or value in CONVENTIONS


def convention_text(value: Any) -> str:
    """The convention as a text for reports and manifests: its name or where it is defined."""
    if isinstance(value, str):
        return value
    if isinstance(value, ModuleType):
        return value.__name__
    kind = value if isinstance(value, type) else type(value)
    return f"{kind.__module__}.{kind.__qualname__}"


def convention_of(value: Any) -> Convention:
    """The convention that *value* means.

    Raises:
        ConfigError: If it is none, or its class cannot be called without arguments.
        ReferenceNotFound: If nothing is at a dotted path.
    """
    if isinstance(value, str) and value in CONVENTIONS:
        return CONVENTIONS[value]
    found = _found(value) if isinstance(value, str) else value
    holder = _holder(found)
    if holder is None:
        raise ConfigError(f"naming_convention={value!r} is no naming convention", hint=convention_problem(found))
    made = _made(holder) if isinstance(holder, type) else holder
    identifier: Callable[[str], str] = getattr(made, METHOD)
    length = getattr(made, "max_length", None)
    return Convention(
        convention_text(value),
        identifier,
        separator=str(getattr(made, "PATH_SEPARATOR", SEPARATOR)),
        max_length=length if isinstance(length, int) else None,
    )


def _found(path: str) -> Any:
    """What is at the dotted *path*, a module included.

    Raises:
        ReferenceNotFound: If nothing is.
    """
    try:
        return find(path)
    except ReferenceNotFound as error:
        try:
            return find(f"{path.replace(':', '.')}:{CLASS}")
        except ReferenceNotFound:
            raise ConfigError(f"naming_convention={path!r}: {error.message}", hint=error.hint) from error


def _holder(value: Any) -> Any:
    """The class or object with the method: *value*, or what it, a module, defines; None if there is none."""
    inside = getattr(value, CLASS, None) if isinstance(value, ModuleType) else None
    return next((one for one in (inside, value) if callable(getattr(one, METHOD, None))), None)


def _made(kind: type) -> Any:
    try:
        return kind()
    except TypeError as error:
        raise ConfigError(
            f"naming convention {kind.__name__} cannot be made: {error}", hint=f"give an object: naming_convention={kind.__name__}(...)"
        ) from error
