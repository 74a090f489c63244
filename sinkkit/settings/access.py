"""``sinkkit.config`` and ``sinkkit.secrets``: marks for a function's parameters, and reading single keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sinkkit.errors import ConfigError
from sinkkit.settings.keys import Path, is_system_name, nearest, variable
from sinkkit.settings.providers.provider import Environment, Provider, is_local
from sinkkit.settings.providers.registry import opened, registered
from sinkkit.settings.secret import Secret
from sinkkit.settings.wanted import MISSING, Sentinel


def read(key: str) -> Any:
    """The value at the dotted *key* from the first provider that holds it, as it is there.

    Raises:
        ConfigError: If no provider holds it; the message names every place, in order.
    """
    path = parts(key)
    providers = opened()
    value = found(path, providers)
    if value is not MISSING:
        return value
    places = "".join(f"\n    {provider.spell(path)} in {provider.name}{noted(provider, path)}" for provider in providers)
    names = [name for provider in providers if is_local(provider) for name in provider.names(path[:-1])]
    close = nearest(path[-1], names)
    hint = f"did you mean {'.'.join((*path[:-1], close))}?" if close else "set it in one of these places"
    raise ConfigError(f"there is no setting {key}; it was looked for in this order:{places}", hint=hint)


def parts(key: Any) -> Path:
    """The dotted *key* as its parts.

    Raises:
        ConfigError: If it is no text.
    """
    if not isinstance(key, str):
        raise ConfigError(
            f"a key of the settings is text, and {type(key).__name__} was given", hint='write for example "destination.crm.url"'
        )
    return tuple(key.split("."))


def noted(provider: Provider, path: Path) -> str:
    """What messages add to the place of *path* in a provider."""
    if isinstance(provider, Environment) and is_system_name(variable(path)):
        return " (left out: systems set it for themselves)"
    return str(getattr(provider, "note", ""))


def nearby(key: str) -> tuple[Any, str] | None:
    """What the first provider that lists its names holds at the dotted *key*, and where; None if none does.

    Other providers may be far away, or locked, and are not asked.

    Raises:
        ConfigError: If a place cannot be read.
    """
    path = parts(key)
    for provider in opened():
        value = found(path, (provider,)) if is_local(provider) else MISSING
        if value is not MISSING:
            return value, f"{provider.spell(path)} in {provider.name}"
    return None


def listing(what: str) -> ConfigError:
    """The error for iterating over *what*: places that may be far away know single keys only."""
    return ConfigError(f"{what} cannot be listed", hint=f'read single keys, as in {what}["destination.crm.url"]')


def found(path: Path, providers: Sequence[Provider]) -> Any:
    """The value at *path* from the first of *providers* that holds it, or ``MISSING``; a name of the system's own is no setting."""
    own = is_system_name(variable(path))
    asked = (provider for provider in providers if not (own and isinstance(provider, Environment)))
    return next((value for provider in asked if (value := provider.get(path)) is not None), MISSING)


def read_or(key: str, default: Any) -> Any:
    """The value at the dotted *key*, or *default*."""
    value = found(parts(key), opened())
    return default if value is MISSING else value


def told(key: str, value: Any, *, secret: bool) -> Any:
    """*value*, after every run was told to mask it if it is *secret*, or what in it is by its name, its type or as a password in a URL."""
    from sinkkit.settings.learning import learn  # what reads no key need not load it
    from sinkkit.settings.redact import EVERYWHERE

    learn(EVERYWHERE, key, value, secret=secret)
    return value


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
        return told(key, read(key), secret=False)

    def get(self, key: str, default: Any = None) -> Any:
        """The value at the dotted *key*, or *default* if no provider holds it; an unreadable file still raises ``ConfigError``."""
        value = read_or(key, MISSING)
        return default if value is MISSING else told(key, value, secret=False)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and read_or(key, MISSING) is not MISSING

    def __iter__(self) -> Iterator[str]:
        raise listing("sinkkit.config")

    def __repr__(self) -> str:
        return "sinkkit.config"


class Secrets:
    """Secrets outside of a destination. ``sinkkit.secrets`` is the one instance."""

    @property
    def value(self) -> Any:
        """Marks a parameter as a secret to be injected, as its default or its annotation."""
        return Sentinel.SECRET

    def __getitem__(self, key: str) -> Secret[Any]:
        return Secret(told(key, read(key), secret=True))

    def get(self, key: str, default: Any = None) -> Any:
        """The ``Secret`` at the dotted *key*, or *default* as it is if no provider holds it."""
        value = read_or(key, MISSING)
        return default if value is MISSING else Secret(told(key, value, secret=True))

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and read_or(key, MISSING) is not MISSING

    def __iter__(self) -> Iterator[str]:
        raise listing("sinkkit.secrets")

    def __repr__(self) -> str:
        return "sinkkit.secrets"


config = Config()
secrets = Secrets()
