"""What users write on the command line, as values: DESTINATION, SOURCE and ``--set``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

import sinkkit
from sinkkit.declaration.declared import Declared
from sinkkit.declaration.factory import DestinationFactory
from sinkkit.declaration.naming.references import find, is_path
from sinkkit.declaration.options import OPTION_NAMES, suggestion
from sinkkit.errors import ConfigError, ReferenceNotFound, SourceError
from sinkkit.sources.files import FORMATS, files, json_lines

WILD = frozenset("*?[")


@attrs.define
class GivenSettings:
    """What ``--set`` said: a provider of settings that stands before all others and speaks for the one destination of a command.

    Attributes:
        values: Keys to text, nested where a key has dots.
        destination: That destination's name, once it is known: in the section of all destinations a table may bear its own name there.
    """

    values: Mapping[str, Any] = attrs.field(repr=False)
    name: str = "the command line"
    destination: str | None = None

    def get(self, path: tuple[str, ...]) -> Any:
        """The text at *path*, in the destination's own section alone."""
        if len(path) < 3 or path[0] != "destination":  # noqa: PLR2004  # the section, the destination's name, the key
            return None
        if self.destination is not None and path[1] != self.destination:
            return None
        found: Any = self.values
        for part in path[2:]:
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    def spell(self, path: tuple[str, ...]) -> str:
        """The option, as it is typed."""
        own = path[2:] if path[:1] == ("destination",) and len(path) > 2 else path[-1:]  # noqa: PLR2004  # as in get
        return f"--set {'.'.join(own)}"

    def names(self, section: tuple[str, ...]) -> list[str]:
        """The keys that were given."""
        return list(self.values) if len(section) == 2 and section[0] == "destination" else []  # noqa: PLR2004  # as in get


@contextmanager
def given_settings(pairs: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """``key=value`` texts, in force as settings while the block runs.

    Raises:
        ConfigError: If one has no ``=``, or a key is given twice.
    """
    values = _nested(pairs)
    if not values:
        yield values
        return
    provider = GivenSettings(values)
    sinkkit.config.providers.insert(0, provider)
    try:
        yield values
    finally:
        sinkkit.config.providers.remove(provider)


def _nested(pairs: Iterable[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        parts = key.strip().split(".")
        if not equals or not all(parts):
            what = f"--set {key}= names no setting" if equals else "--set was given a text without '='"  # which may be a secret
            raise ConfigError(what, hint="write --set key=value, for example --set batch_size=50")
        inner = values
        for part in parts[:-1]:
            inner = inner.setdefault(part, {})
            if not isinstance(inner, dict):
                raise ConfigError(f"--set gives {key!r} and a setting above it", hint="give one of the two")
        if parts[-1] in inner:
            raise ConfigError(f"--set gives {key!r} twice", hint="give it once")
        inner[parts[-1]] = text
    return values


def destination_of(reference: str, settings: Mapping[str, Any], pipeline: str | None) -> sinkkit.Destination:
    """The destination that *reference* names, imported.

    Args:
        reference: As it is typed.
        settings: Those of ``--set``.
        pipeline: The pipeline in whose section its ``destination_type`` may stand; None: the one called as the destination.

    Raises:
        ReferenceNotFound: If there is none.
        ConfigError: If it has no such setting as one of *settings*.
    """
    if reference.endswith(".py") or ".py:" in reference or "/" in reference:
        path, _, name = reference.partition(":")
        module = path.removesuffix(".py").strip("./").replace("/", ".")
        raise ReferenceNotFound(
            f"{reference!r} is a file, and a destination is named by its dotted path",
            hint=f"write {module}.{name or 'FUNCTION'}; modules are looked for in the current folder first",
        )
    made = sinkkit.Destination.from_reference(reference)
    for provider in sinkkit.config.providers:
        if isinstance(provider, GivenSettings):
            provider.destination = made.destination_name
    known = known_settings(made.resolved(pipeline or made.destination_name).declared)
    for key in settings:
        if key not in known:
            raise ConfigError(f"destination {made.destination_name!r} has no setting {key!r} (--set {key})", hint=suggestion(key, known))
    return made


def known_settings(declared: Declared) -> tuple[str, ...]:
    """Every key that may stand in the section of a destination of what was *declared*."""
    parameters = (*declared.signature.parameters, *declared.probe_parameters)
    own = [parameter.name for parameter in parameters if parameter.wanted is not None]
    client = ["http"] if declared.client_roles() else []
    return tuple(dict.fromkeys([*own, *client, *OPTION_NAMES, "destination_type"]))


def source_of(source: str, at: str | None) -> Any:
    """The data that SOURCE names: standard input, files, or what stands at a dotted path.

    Raises:
        SourceError: If nothing can be meant.
        ReferenceNotFound: If nothing stands at the path.
    """
    if source == "-":
        if at is not None:
            raise ConfigError("--at is for JSON documents, and standard input is read as JSON Lines", hint="leave --at out")
        if sys.stdin.isatty():
            sys.stderr.write("reading JSON Lines from the terminal; end with Ctrl-D\n")
        return json_lines(sys.stdin.buffer, "standard_input")
    if _is_file(source):
        return files(source, at=at)
    if not is_path(source):
        raise SourceError(
            f"no file is named {source!r}",
            hint=f"looked from {Path.cwd()}; give a file, a glob in quotes, - for JSON Lines on standard input, or the dotted path of a resource",
        )
    if at is not None:
        raise ConfigError(f"--at is for JSON documents, and {source!r} is none", hint="leave --at out")
    try:
        found = find(source)
    except ReferenceNotFound as error:
        raise ReferenceNotFound(f"there is no file {source!r}; read as a dotted path: {error.message}", hint=error.hint) from error.__cause__
    if isinstance(found, DestinationFactory | sinkkit.Destination):
        raise SourceError(f"{source!r} is a destination, not a source", hint="write `sinkkit run DESTINATION SOURCE`, in this order")
    return found


def _is_file(source: str) -> bool:
    names = Path(source.lower().removesuffix(".gz"))
    looks = "/" in source or os.sep in source or source.startswith("~") or bool(WILD & set(source))
    return looks or Path(source).exists() or names.suffix in FORMATS
