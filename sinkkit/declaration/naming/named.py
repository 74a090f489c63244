"""From a destination's name to what it is: by its ``destination_type``, among those that come with sinkkit, or as a plug-in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sinkkit.declaration.naming.references import find, is_path, near_names
from sinkkit.errors import ConfigError, ReferenceNotFound
from sinkkit.settings.providers.provider import is_local
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.wanted import MISSING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

BUILT_IN: Mapping[str, str] = {"rest": "sinkkit.destinations.rest"}
"""Names of the destinations that come with sinkkit, and their dotted paths."""

GROUP = "sinkkit.destinations"
"""The entry-point group of plug-ins: a name, and the dotted path of a function, a factory, a destination or a sink."""


def find_named(name: str, pipeline: str | None) -> Any:
    """What the settings of *pipeline* say *name* is, else what comes with sinkkit or with a plug-in under that name.

    Raises:
        ReferenceNotFound: If there is none; it says what was tried, in order, and which names look like it.
        ConfigError: If what was found fails when it is imported, or the settings cannot be read.
    """
    resolver = Resolver(name, pipeline)
    reference = resolver.peek("destination_type", str)
    if reference is MISSING:
        found = _shipped(name)
        if found is MISSING:
            raise _unknown(name, pipeline, resolver)
        return found
    place = next(hit.place for hit in resolver.lookup.hits(("destination_type",), stated=True))
    try:
        return find_type(str(reference))
    except ConfigError as error:
        raise type(error)(f"destination_type of {name!r} ({place}): {error.message}", hint=error.hint) from error.__cause__


def find_type(reference: str) -> Any:
    """What *reference*, a dotted path or the name of a built-in or a plug-in, names. What is raised is as for ``find_named``."""
    if is_path(reference):
        return find(reference)
    found = _shipped(reference)
    if found is MISSING:
        near = near_names(reference, [*BUILT_IN, *plug_ins()])
        hint = "write the dotted path of a function, or the name of a destination that comes with sinkkit or with a plug-in"
        raise ReferenceNotFound(
            f"there is no destination_type {reference!r}; tried, in this order:{_shipped_tried()}",
            hint=f"did you mean {' or '.join(near)}? {hint}" if near else hint,
        )
    return found


def plug_ins() -> dict[str, list[EntryPoint]]:
    """Name to the entry points that bear it: one each, unless distributions contradict each other."""
    from importlib.metadata import entry_points  # slow to import, and needed only for names that the settings do not explain

    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        others = found.setdefault(point.name, [])
        if point.value not in [other.value for other in others]:
            others.append(point)
    return found


def _shipped(name: str) -> Any:
    """The built-in or else the plug-in called *name*; ``MISSING`` if there is neither."""
    if name in BUILT_IN:
        return find(BUILT_IN[name])
    points = plug_ins().get(name, [])
    if len(points) > 1:
        owners = ", ".join(f"{_owner(point)} ({point.value})" for point in points)
        raise ConfigError(
            f"{len(points)} plug-ins call a destination {name!r}: {owners}",
            hint="remove one of them, or name the one you mean by its dotted path",
        )
    return _loaded(points[0]) if points else MISSING


def _loaded(point: EntryPoint) -> Any:
    """What a plug-in's entry point names."""
    try:
        return find(point.value.partition("[")[0].strip())
    except ConfigError as error:
        what = f"the plug-in {point.name!r} of {_owner(point)} cannot be used: {error.message}"
        raise ConfigError(what, hint=f"{error.hint}; or tell the plug-in's author") from error.__cause__ or error


def _owner(point: EntryPoint) -> str:
    return "an unknown distribution" if point.dist is None else f"{point.dist.name} {point.dist.version}"


def _shipped_tried() -> str:
    built_in, others = ", ".join(sorted(BUILT_IN)) or "none in this version", ", ".join(sorted(plug_ins())) or "none"
    return f"\n  the destinations that come with sinkkit: {built_in}\n  plug-ins (entry points of the group {GROUP}): {others}"


def _unknown(name: str, pipeline: str | None, resolver: Resolver) -> ReferenceNotFound:
    settings = "".join(f"\n    {line}" for line in resolver.lookup.tried(("destination_type",), stated=True)[1:])
    near = near_names(name, [*_configured(pipeline, resolver), *BUILT_IN, *plug_ins()])
    hint = f"give a function or its dotted path, or set destination_type under [destination.{name}] to the path"
    return ReferenceNotFound(
        f"there is no destination {name!r}; tried, in this order:\n  destination_type in the settings:{settings}{_shipped_tried()}",
        hint=f"did you mean {' or '.join(near)}? Or {hint}" if near else hint,
    )


def _configured(pipeline: str | None, resolver: Resolver) -> list[str]:
    """Names that the settings give a type."""
    sections = [("destination",)] if pipeline is None else [(pipeline, "destination"), ("destination",)]
    return [
        name
        for provider in resolver.lookup.providers[1:]
        if is_local(provider)
        for section in sections
        for name in provider.names(section)
        if provider.get((*section, name, "destination_type")) is not None
    ]
