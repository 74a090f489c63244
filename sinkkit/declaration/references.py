"""From a dotted path to what it names."""

from __future__ import annotations

import difflib
import importlib
from types import ModuleType
from typing import Any

from sinkkit.errors import ReferenceNotFound


def is_path(reference: str) -> bool:
    """Whether *reference* looks like ``package.module.name`` or ``package.module:name``."""
    return "." in reference or ":" in reference


def find(reference: str) -> Any:
    """The object at ``package.module.name`` or ``package.module:name``.

    Raises:
        ReferenceNotFound: If there is no such module or name. An error inside the module passes through as it is.
    """
    module_name, _, attribute = reference.rpartition(":" if ":" in reference else ".")
    if not module_name or not attribute:
        raise ReferenceNotFound(f"{reference!r} is not a path to a function", hint="write package.module.function")
    module = _import(module_name, reference)
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise ReferenceNotFound(
                f"{reference!r} was not found: {_owner(found)} has no {part!r}", hint=_near(part, found, module_name)
            )
        found = getattr(found, part)
    return found


def _import(name: str, reference: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise
        raise ReferenceNotFound(
            f"{reference!r} was not found: there is no module {error.name!r}",
            hint="check the spelling, and that the module can be imported from where the program runs",
        ) from error
    except ValueError as error:
        raise ReferenceNotFound(
            f"{reference!r} is not a path to a function: {error}", hint="write package.module.function"
        ) from error


def _owner(found: Any) -> str:
    return f"module {found.__name__!r}" if isinstance(found, ModuleType) else repr(getattr(found, "__name__", found))


def _near(part: str, found: Any, module_name: str) -> str:
    near = difflib.get_close_matches(part, [name for name in dir(found) if not name.startswith("__")], n=3)
    return (
        "did you mean " + " or ".join(f"{module_name}.{name}" for name in near) + "?"
        if near
        else "check the spelling of the name"
    )
