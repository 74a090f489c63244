"""Which providers are asked, in which order, and further ones that the settings themselves name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from sinkkit.errors import ConfigError
from sinkkit.settings.keys import nearest
from sinkkit.settings.providers import Environment, Opens, Provider
from sinkkit.settings.toml_files import CONFIG, SECRETS, TomlFiles

GROUP = "sinkkit.providers"
"""The entry-point group of providers; also the key that names those to use."""

registered: Final[list[Provider]] = [Environment(), TomlFiles(SECRETS), TomlFiles(CONFIG)]
"""The providers of this process, first wins; ``sinkkit.config.providers`` is this list."""


def directory(argument: str | None) -> Provider:
    """A directory of files; *argument* is its path."""
    from sinkkit.settings.directory import DOCKER, Directory

    return Directory(argument or DOCKER)


SHIPPED: dict[str, Callable[[str | None], Provider]] = {"directory": directory}
"""Name in the key ``sinkkit.providers`` to a function that makes the provider from what stands after the colon."""


def opened(providers: Sequence[Provider] | None = None) -> list[Provider]:
    """The providers to ask during one run.

    Args:
        providers: Those to open; None: the registered ones, then those that the key ``sinkkit.providers`` names, as in
            ``[sinkkit] providers = ["directory:/run/secrets"]`` or ``SINKKIT__PROVIDERS``.

    Raises:
        ConfigError: If a file cannot be read or a name means nothing.
    """
    found = [one for provider in (registered if providers is None else providers) for one in unfolded(provider)]
    if providers is None:
        for provider in found:
            names = provider.get(("sinkkit", "providers"))
            if names is not None:
                return found + [one for name in listed(names, provider) for one in unfolded(made(name))]
    return found


def unfolded(provider: Provider) -> Sequence[Provider]:
    """The provider itself, or those it opens for a run."""
    return provider.opened() if isinstance(provider, Opens) else (provider,)


def listed(names: Any, provider: Provider) -> list[str]:
    """*names* as a list: text is split at commas.

    Raises:
        ConfigError: If it is neither text nor a list of text.
    """
    given = names.split(",") if isinstance(names, str) else names
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        key = provider.spell(("sinkkit", "providers"))
        raise ConfigError(f"{key} in {provider.name} is no list of names", hint='write providers = ["directory:/run/secrets"]')
    return [name.strip() for name in given if name.strip()]


def made(reference: str) -> Provider:
    """The provider that *reference*, ``name`` or ``name:argument``, means: one that is shipped, or an entry point.

    Raises:
        ConfigError: If there is none of that name, or what the entry point makes is no provider.
    """
    name, _, argument = reference.partition(":")
    make = SHIPPED.get(name)
    if make is None:
        from importlib.metadata import entry_points

        points = {point.name: point for point in entry_points(group=GROUP)}
        if name not in points:
            known = [*SHIPPED, *points]
            close = nearest(name, known)
            hint = f"did you mean {close}?" if close else f"known are: {', '.join(known)}"
            raise ConfigError(f"there is no settings provider {name!r}", hint=hint)
        make = points[name].load()
    provider = make(argument or None)
    if not isinstance(provider, Provider):
        raise ConfigError(f"what {name!r} makes is no settings provider", hint="it needs a name, get(path) and spell(path)")
    return provider
