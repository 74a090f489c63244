"""Places that hold settings: the protocol, the environment, and what flat stores of names have in common."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeGuard, runtime_checkable

import attrs

from sinkkit.settings.keys import Path, variable


@runtime_checkable
class Provider(Protocol):
    """A place that holds settings. Three members are enough for one of your own.

    During a run each path is asked for once, whatever the answer; whatever ``get`` raises becomes a ``ConfigError`` that names provider and path.
    Members that a provider may have as well: ``names`` (``Local``), ``opened`` (``Opens``), ``note`` (text that messages add to its name, such as
    `` (no such directory)``), ``for_secrets`` (False: secrets found there are warned about), ``private`` (True: all that it holds is secret).
    """

    @property
    def name(self) -> str:
        """How messages call it; an attribute will do."""

    def get(self, path: Path) -> Any:
        """The value at *path*, for example ``("destination", "crm", "api_key")``: text, a typed value or a mapping; None: not there."""

    def spell(self, path: Path) -> str:
        """How *path* is written in this place, for messages."""


@runtime_checkable
class Opens(Protocol):
    """A provider that is read once for each run, or that stands for several."""

    def opened(self) -> Sequence[Provider]:
        """The providers to ask during one run."""


@runtime_checkable
class Local(Protocol):
    """A provider that is cheap to ask and can say which names it holds: it is asked for what a value shadows, and for misspelt names."""

    def names(self, section: Path) -> Iterable[str]:
        """The names that stand directly in *section*."""


class Listed(Provider, Local, Protocol):
    """A provider that is ``Local``, for type checkers."""


def is_local(provider: Provider) -> TypeGuard[Listed]:
    """Whether *provider* is ``Local``; ``isinstance`` says so too, and takes a hundred times as long before Python 3.12."""
    return callable(getattr(provider, "names", None))


def nested(values: Iterable[str], prefix: str, read: Callable[[str], Any]) -> dict[str, Any] | None:
    """The flat names among *values* that begin with *prefix*, as a table: what follows is split at ``__`` and lower case; None if there are none."""
    table: dict[str, Any] = {}
    for name in sorted(value for value in values if value.startswith(prefix)):
        parts = name[len(prefix) :].lower().split("__")
        if not all(parts):
            continue
        inner = table
        for part in parts[:-1]:
            below = inner.get(part)
            if not isinstance(below, dict):
                below = inner[part] = {}
            inner = below
        inner[parts[-1]] = read(name)
    return table or None


@attrs.define(eq=False)
class Environment:
    """Environment variables: upper case, ``__`` between parts.

    Args:
        variables: What to read instead of the process's own environment.
    """

    variables: Mapping[str, str] | None = attrs.field(default=None, repr=False)
    name: str = attrs.field(default="environment", init=False)
    _deep: tuple[str, ...] | None = attrs.field(default=None, init=False, repr=False)
    _every: str | None = attrs.field(default=None, init=False, repr=False)

    def opened(self) -> Sequence[Provider]:
        """One copy of the environment as it is now, so that a run sees one state of it."""
        return (Environment(dict(os.environ) if self.variables is None else self.variables),)

    def get(self, path: Path) -> Any:
        """The variable of that name, or a table of those that continue it."""
        held: Mapping[str, str] = os.environ if self.variables is None else self.variables
        name = variable(path)
        text = held.get(name)
        return text if text is not None else nested(self.deep(), f"{name}__", held.__getitem__)

    def spell(self, path: Path) -> str:
        """The name of the variable."""
        return variable(path)

    def mentions(self, name: str) -> bool:
        """Whether *name* is a whole part, or several, of some variable: only then may a setting of that name, or one inside it, be held."""
        held: Mapping[str, str] = os.environ if self.variables is None else self.variables
        if self._every is None or self.variables is None:
            self._every = "\n".join(f"__{each}__" for each in held)
        return f"__{variable((name,))}__" in self._every

    def names(self, section: Path) -> Iterable[str]:
        """First parts of the variables of *section*, lower case; of all plain variables for the empty section."""
        if not section:
            held: Mapping[str, str] = os.environ if self.variables is None else self.variables
            return [name.lower() for name in held if "__" not in name]
        prefix = f"{variable(section)}__"
        return dict.fromkeys(name[len(prefix) :].partition("__")[0].lower() for name in self.deep() if name.startswith(prefix))

    def deep(self) -> tuple[str, ...]:
        """The names that have parts; remembered only for a copy of the environment, which does not change."""
        if self._deep is not None:
            return self._deep
        held: Mapping[str, str] = os.environ if self.variables is None else self.variables
        found = tuple(name for name in held if "__" in name)
        if self.variables is not None:
            self._deep = found
        return found
