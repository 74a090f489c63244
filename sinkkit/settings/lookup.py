"""Asking the providers in order, section by section, each place once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from sinkkit.errors import ConfigError, SinkkitError
from sinkkit.settings.keys import Path, is_system_name, nearest, variable
from sinkkit.settings.providers.provider import Environment, Provider, is_local
from sinkkit.settings.providers.toml_files import TomlFile

MOST_SPELLED = 12
"""Keys of one provider that an error lists."""

MOST_WRITTEN = 3
"""Keys below one of a table that stands nowhere as such, which an error lists."""


def inside(value: Any, path: Path) -> Any:
    """What stands at *path* in mappings and in objects of attrs classes; None: nothing."""
    for part in path:
        if isinstance(value, Mapping):
            value = value.get(part)
        elif attrs.has(type(value)):
            value = next((getattr(value, a.name) for a in attrs.fields(type(value)) if part in {a.alias, a.name}), None)
        else:
            return None
    return value


def written(provider: Provider, path: Path, raw: Any) -> str:
    """How the provider writes what it holds at *path*: of a table in a place that has no tables, as the environment is, the keys that make it."""
    if not isinstance(raw, Mapping) or isinstance(provider, TomlFile) or not is_local(provider):
        return provider.spell(path)
    keys = [provider.spell(path + end) for end in ends(raw)]
    return ", ".join([*keys[:MOST_WRITTEN], *(["..."] if len(keys) > MOST_WRITTEN else [])]) or provider.spell(path)


def ends(table: Mapping[str, Any]) -> Iterator[Path]:
    """The paths in nested tables at which something else than a table stands."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from ((key, *end) for end in ends(value))
        else:
            yield (key,)


@attrs.frozen(eq=False)
class Arguments:
    """What the caller gave: a provider that stands before all others."""

    values: Mapping[str, Any] = attrs.field(repr=False)
    name: str = attrs.field(default="argument", init=False)

    def get(self, path: Path) -> Any:
        """The argument, or what it holds at *path*."""
        return inside(self.values, path)

    def spell(self, path: Path) -> str:
        """The argument's name."""
        return f"{'.'.join(path)}="

    def names(self, section: Path) -> list[str]:
        """The arguments given."""
        return [] if section else list(self.values)

    def mentions(self, name: str) -> bool:
        """Whether the caller gave *name*."""
        return name in self.values


@attrs.frozen
class Hit:
    """A place that holds a value.

    Attributes:
        index: Which of the providers.
        provider: Its name.
        section: The section in which it stands.
        place: The exact key and where it is written.
        raw: The value as it is there.
        for_secrets: Whether secrets may rest there.
        private: Whether it is a place for secrets alone.
    """

    index: int
    provider: str
    section: Path
    place: str
    raw: Any = attrs.field(repr=False)
    for_secrets: bool
    private: bool


def may_hold(provider: Provider, name: str) -> bool:
    """Whether the setting *name*, or one inside it, may stand in *provider*; a class made from one of ours may read otherwise than it."""
    able = (Arguments, Environment, TomlFile)
    return not (isinstance(provider, able) and type(provider) in able) or provider.mentions(name)


@attrs.define(eq=False)
class Lookup:
    """Where the settings of one destination are looked for.

    Attributes:
        destination: Its name.
        sections: Most specific first.
        providers: First wins; arguments are the first of them.
    """

    destination: str
    sections: Sequence[Path]
    providers: Sequence[Provider]
    _asked: dict[tuple[int, Path], Any] = attrs.field(factory=dict, init=False, repr=False)
    _natives: dict[tuple[int, Path, Path], Any] = attrs.field(factory=dict, init=False, repr=False)
    _holders: dict[str, Sequence[tuple[int, Provider]]] = attrs.field(factory=dict, init=False, repr=False)

    def ask(self, index: int, path: Path) -> Any:
        """What the provider holds at *path*, None for nothing; asked once.

        Raises:
            ConfigError: If the provider fails.
        """
        try:
            return self._asked[index, path]
        except KeyError:
            value = self._asked[index, path] = self.fetched(index, path)
            return value

    def fetched(self, index: int, path: Path) -> Any:
        """What the provider holds at *path*, asked now."""
        provider = self.providers[index]
        try:
            return provider.get(path)
        except SinkkitError:
            raise
        except Exception as error:
            what = f"the settings provider {provider.name} failed on {provider.spell(path)}: {type(error).__name__}"
            raise ConfigError(what, hint="its own error is shown above") from error

    def holders(self, name: str) -> Sequence[tuple[int, Provider]]:
        """The providers, by index, in which the setting *name*, or one inside it, may stand: all but those that can rule it out at once."""
        found = self._holders.get(name)
        if found is None:
            found = self._holders[name] = [(i, one) for i, one in enumerate(self.providers) if may_hold(one, name)]
        return found

    def places(self, path: Path, providers: Iterable[tuple[int, Provider]], *, stated: bool) -> Iterator[tuple[int, Provider, Path]]:
        """Provider and section of every place where the setting at *path* may stand, in order.

        Args:
            path: The setting's name and, inside a table, the keys below it.
            providers: Those to look in, by index.
            stated: The function states a default: the environment's form without a section does not count.
        """
        for index, provider in providers:
            if index == 0:
                yield index, provider, ()
                continue
            plain = isinstance(provider, Environment)
            for section in self.sections:
                if section or not plain or not (stated or is_system_name(variable(path))):
                    yield index, provider, section

    def hits(self, path: Path, *, stated: bool, tables: bool = False, cheap: bool = False) -> Iterator[Hit]:
        """Every place that holds a value, first wins.

        Args:
            path: As for ``places``.
            stated: As for ``places``.
            tables: Whether a table can be a value.
            cheap: Leave out providers that are costly to ask.
        """
        for index, provider, section in self.places(path, self.holders(path[0]), stated=stated):
            if cheap and not is_local(provider):
                continue
            raw, at = self.ask(index, section + path), path
            if raw is None and self._natives:
                raw, at = self.native(index, section, path)
            if raw is None or (isinstance(raw, Mapping) and not self.is_value(section, path, tables)):
                continue
            place = provider.spell(section + at) if index == 0 else f"{written(provider, section + at, raw)} in {provider.name}"
            private = (isinstance(provider, TomlFile) and provider.for_secrets) or getattr(provider, "private", False)
            yield Hit(index, provider.name, section, place, raw, getattr(provider, "for_secrets", True), private)

    def is_value(self, section: Path, path: Path, tables: bool) -> bool:
        """Whether a table found there is meant as the setting, rather than as a section that happens to bear its name."""
        whole = section + path
        if any(other[: len(whole)] == whole for other in self.sections):
            return False
        return tables or len(path) > 1 or section[-2:] == ("destination", self.destination)

    def native(self, index: int, section: Path, path: Path) -> tuple[Any, Path]:
        """What a value given in one piece above *path* holds of it, and where that stands."""
        for cut in range(len(path) - 1, 0, -1):
            parts = self._natives.get((index, section, path[:cut]))
            value = inside(parts, path[cut:])
            if value is not None and value != {}:
                return value, path[:cut]
        return None, path

    def keep_native(self, hit: Hit, path: Path, parts: Any) -> None:
        """Remember what the value of *hit*, given in one piece, holds."""
        self._natives[hit.index, hit.section, path] = parts

    def tried(self, path: Path, *, stated: bool) -> list[str]:
        """Every place where *path* was looked for, a line for each provider."""
        keys: dict[int, list[str]] = {}
        for index, provider, section in self.places(path, enumerate(self.providers), stated=stated):
            keys.setdefault(index, []).append(provider.spell(section + path))
        lines = []
        for index, spelled in keys.items():
            provider = self.providers[index]
            lines.append(f"{provider.name}{getattr(provider, 'note', '')}: {', '.join(list(dict.fromkeys(spelled))[:MOST_SPELLED])}")
        return lines

    def similar(self, path: Path) -> str | None:
        """The place of a key that looks like *path* misspelt, in any section or provider."""
        for provider in self.providers:
            if not is_local(provider):
                continue
            for section in self.sections if provider is not self.providers[0] else ((),):
                parent = section + path[:-1]
                close = nearest(path[-1], provider.names(parent))
                if close and not (isinstance(provider, Environment) and not section and is_system_name(close.upper())):
                    return f"{provider.spell((*parent, close))} in {provider.name}"
            other = nearest(self.destination, provider.names(("destination",)))
            if other and provider.get(("destination", other, *path)) is not None:
                return f"{provider.spell(('destination', other, *path))} in {provider.name}"
        return None
