"""``sinkkit.config`` and ``sinkkit.secrets``: marks for a function's parameters, and reading single keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sinkkit.errors import ConfigError
from sinkkit.settings.keys import Path, is_system_name, nearest, variable
from sinkkit.settings.providers import Environment, Local, Provider
from sinkkit.settings.registry import opened, registered
from sinkkit.settings.secret import Secret
from sinkkit.settings.wanted import MISSING, Sentinel


def read(key: str) -> Any:
    """The value at the dotted *key* from the first provider that holds it, as it is there.

    Raises:
        ConfigError: If no provider holds it; the message names every place, in order.
    """
    path: Path = tuple(key.split("."))
    providers = opened()
    value = found(path, providers)
    if value is not MISSING:
        return value
    places = "".join(f"\n    {provider.spell(path)} in {provider.name}{getattr(provider, 'note', '')}" for provider in providers)
    names = [name for provider in providers if isinstance(provider, Local) for name in provider.names(path[:-1])]
    close = nearest(path[-1], names)
    hint = f"did you mean {'.'.join((*path[:-1], close))}?" if close else "set it in one of these places"
    raise ConfigError(f"there is no setting {key}; it was looked for in this order:{places}", hint=hint)


def found(path: Path, providers: Sequence[Provider]) -> Any:
    """The value at *path* from the first of *providers* that holds it, or ``MISSING``; a name of the system's own is no setting."""
    own = is_system_name(variable(path))
    asked = (provider for provider in providers if not (own and isinstance(provider, Environment)))
    return next((value for provider in asked if (value := provider.get(path)) is not None), MISSING)


def read_or(key: str, default: Any) -> Any:
    """The value at the dotted *key*, or *default*."""
    value = found(tuple(key.split(".")), opened())
    return default if value is MISSING else value


class Config:
    """Settings outside of a destination, and the list of providers. ``sinkkit.config`` is the one instance."""

    @property
    def value(self) -> Any:
        """Marks a parameter as a setting to be injected, as its default or its annotation."""
        return Sentinel.CONFIG

    @property
    def providers(self) -> list[Provider]:
        """The providers, first wins; append or insert your own."""
        return registered

    def __getitem__(self, key: str) -> Any:
        return read(key)

    def get(self, key: str, default: Any = None) -> Any:
        """The value at the dotted *key*, or *default* if no provider holds it; an unreadable file still raises ``ConfigError``."""
        return read_or(key, default)

    def __repr__(self) -> str:
        return "sinkkit.config"


class Secrets:
    """Secrets outside of a destination. ``sinkkit.secrets`` is the one instance."""

    @property
    def value(self) -> Any:
        """Marks a parameter as a secret to be injected, as its default or its annotation."""
        return Sentinel.SECRET

    def __getitem__(self, key: str) -> Secret[Any]:
        return Secret(read(key))

    def get(self, key: str, default: Any = None) -> Any:
        """The ``Secret`` at the dotted *key*, or *default* as it is if no provider holds it."""
        value = read_or(key, MISSING)
        return default if value is MISSING else Secret(value)

    def __repr__(self) -> str:
        return "sinkkit.secrets"


config = Config()
secrets = Secrets()
