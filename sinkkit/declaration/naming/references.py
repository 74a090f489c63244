"""From a dotted path to what it names."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType
from typing import Any

from sinkkit.declaration.naming.importing import failure, load_module
from sinkkit.errors import ReferenceNotFound

WRITE = "write package.module.function or package.module:function"

MOST_NEAR = 3
"""How many names that look like the one asked for a hint repeats."""

ALIKE = 0.65
"""How alike names must be, as difflib counts, to be taken for misspellings: below it, short words of other meanings turn up."""


def is_path(reference: str) -> bool:
    """Whether *reference* looks like ``package.module.name`` or ``package.module:name``."""
    return "." in reference or ":" in reference


def find(reference: str) -> Any:
    """The object at ``package.module.name``, ``package.module.Class.name`` or ``package.module:name``.

    Raises:
        ReferenceNotFound: If there is no such module or name; it says what was tried, in order, and what looks like it.
        ConfigError: If the module is there and fails when it is imported; its own error is the cause.
    """
    tried: list[str] = []
    cause: ModuleNotFoundError | None = None
    for name, attributes in _readings(reference):
        try:
            module = load_module(name, reference)
        except ModuleNotFoundError as error:
            tried.append(f"there is no module {error.name!r}")
            cause = cause or error
            continue
        return _inside(module, name, attributes, reference, tried)
    lost = str(getattr(cause, "name", "") or "")
    hint = "check the spelling, and that the module can be imported from where the program runs"
    near = near_names(lost.rpartition(".")[2], _siblings(lost))
    if near:
        above = lost.rpartition(".")[0]
        hint = f"{_asked([reference.replace(lost, f'{above}.{name}'.lstrip('.'), 1) for name in near])} {hint}"
    raise ReferenceNotFound(_told(reference, tried), hint=hint) from cause


def near_names(name: str, names: Iterable[str]) -> list[str]:
    """Those of *names* that look most like *name* misspelt, in any case of letters; nearest first."""
    folded: dict[str, str] = {}
    for other in names:
        if other != name:
            folded.setdefault(other.lower(), other)
    return [folded[close] for close in difflib.get_close_matches(name.lower(), folded, n=MOST_NEAR, cutoff=ALIKE)]


def _readings(reference: str) -> Iterator[tuple[str, Sequence[str]]]:
    """Each way to read *reference* as a module and names inside it, the longest module first."""
    module, colon, inside = reference.partition(":")
    parts, names = module.split("."), inside.split(".") if colon else []
    odd = any(not part or part != part.strip() or "/" in part or "\0" in part for part in [*parts, *names])
    if odd or not (colon or len(parts) > 1):
        raise ReferenceNotFound(f"{reference!r} is not a path to a function", hint=WRITE)
    if colon:
        yield module, names
        return
    for cut in range(len(parts) - 1, 0, -1):
        yield ".".join(parts[:cut]), parts[cut:]


def _inside(module: ModuleType, name: str, attributes: Sequence[str], reference: str, tried: list[str]) -> Any:
    """What the names *attributes*, one after another, are in *module*, which was imported as *name*."""
    found: Any = module
    for at, part in enumerate(attributes):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            below = _submodule(found, part, reference)
            if below is not None:
                found = below
                continue
            tried.append(f"{_owner(found, name)} has no {part!r}{_file(found)}")
            before = reference[: len(reference) - len(".".join(attributes[at:]))]
            near = near_names(part, (other for other in dir(found) if not other.startswith("_")))
            after = reference[len(before) + len(part) :]
            hint = _asked([f"{before}{other}{after}" for other in near]) if near else "check the spelling of the name"
            if getattr(getattr(found, "__spec__", None), "_initializing", False):
                hint = f"the module is still being imported, by itself or in a circle: start the pipeline below {part!r}, and under `if __name__ == '__main__':`"
            raise ReferenceNotFound(_told(reference, tried), hint=hint) from error
        except (Exception, SystemExit) as error:  # a module that makes its names on demand
            raise failure(name, reference, error) from error
    return found


def _submodule(found: Any, part: str, reference: str) -> ModuleType | None:
    """The module *part* in a package, which is no attribute of it before it was imported."""
    if not isinstance(found, ModuleType) or not hasattr(found, "__path__"):
        return None
    try:
        return load_module(f"{found.__name__}.{part}", reference)
    except ModuleNotFoundError:  # told as a missing name
        return None


def _told(reference: str, tried: Sequence[str]) -> str:
    steps = list(dict.fromkeys(tried))
    if len(steps) == 1:
        return f"{reference!r} was not found: {steps[0]}"
    return f"{reference!r} was not found; tried, in this order:" + "".join(f"\n  {step}" for step in steps)


def _asked(guesses: Sequence[str]) -> str:
    return "did you mean " + " or ".join(guesses) + "?"


def _owner(found: Any, name: str) -> str:
    return f"module {name!r}" if isinstance(found, ModuleType) else repr(getattr(found, "__name__", None) or type(found).__name__)


def _file(found: Any) -> str:
    file = getattr(found, "__file__", None) if isinstance(found, ModuleType) else None
    return f" ({file})" if file else ""


def _siblings(name: str) -> list[str]:
    """Modules beside the one *name*, which is not there."""
    import pkgutil  # an error is being written: nothing else needs it

    above = sys.modules.get(name.rpartition(".")[0])
    if "." in name and above is None:
        return []
    beside = pkgutil.iter_modules(getattr(above, "__path__", []) if above else None)
    return [found.name for found in beside if not found.name.startswith("_")]
