"""Settings providers that other distributions bring, by entry point."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sinkkit.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "sinkkit.providers"
"""The entry-point group: the name is what users write, the value a function that takes what they write after the colon, or None."""


def points() -> list[EntryPoint]:
    """All entry points of the group."""
    from importlib.metadata import entry_points  # 20 ms that only a run with plug-ins pays

    return list(entry_points(group=GROUP))


def origin(point: EntryPoint) -> str:
    """The distribution that brings *point*, for messages."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unnamed distribution"


def maker(name: str) -> tuple[Callable[[str | None], Any], str] | None:
    """The function that makes the provider *name*, and how messages call where it comes from; None if no distribution brings one.

    Raises:
        ConfigError: If several distributions bring one of that name, or it cannot be imported.
    """
    found = [point for point in points() if point.name == name]
    if not found:
        return None
    if len(found) > 1:
        brought = " and ".join(f"{point.value} of {origin(point)}" for point in found)
        raise ConfigError(f"there are {len(found)} settings providers {name!r}: {brought}", hint="uninstall all but one")
    point = found[0]
    where = f"{point.value} of {origin(point)}"
    try:
        made = point.load()
    except Exception as error:
        what = f"the settings provider {name!r} ({where}) cannot be imported: {type(error).__name__}: {error}"
        raise ConfigError(what, hint=f"mend or uninstall {origin(point)}, or take {name!r} out of sinkkit.providers") from error
    if not callable(made):
        what = f"the settings provider {name!r} ({where}) is no function but {type(made).__name__}"
        raise ConfigError(what, hint="an entry point names a function or class that takes the text after the colon, or None")
    return made, where
