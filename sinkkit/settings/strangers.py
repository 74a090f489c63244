"""Keys in a destination's sections that nobody asks for, as misspelt ones are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from sinkkit.errors import ConfigError
from sinkkit.settings.keys import Path, nearest, variable
from sinkkit.settings.lookup import Lookup
from sinkkit.settings.providers.provider import is_local
from sinkkit.settings.providers.toml_files import TomlFile
from sinkkit.settings.values.kinds import bare, fields, is_collection, is_mapping, is_record, members, record_in_secret
from sinkkit.settings.values.typed import unpacked


def strangers(lookup: Lookup, kinds: Mapping[str, Any]) -> Iterator[str]:
    """A message for each key in the destination's own sections that is not in *kinds*, with a suggestion; those inside tables with fixed fields too.

    Args:
        lookup: Where to look; providers that are costly to ask are left out.
        kinds: The settings that there are, and their types.
    """
    own = [section for section in lookup.sections if section[-2:] == ("destination", lookup.destination)]
    for name, kind in kinds.items():
        given = lookup.providers[0].get((name,))
        for inner, guess in () if given is None else in_value(given, kind):
            yield f"argument {name}: {inner} inside it: no such setting{guess}"
    for provider in lookup.providers[1:]:
        if is_local(provider):
            for section in own:
                if isinstance(provider, TomlFile) and provider.table:
                    yield from no_tables(provider, section)
                yield from in_table(provider, section, kinds)


def in_table(provider: Any, section: Path, kinds: Mapping[str, Any]) -> Iterator[str]:
    """The same for one table of one provider."""
    spelled: dict[str, str] = {}
    # A file is read letter by letter; in the other places a key may stand in any case, with hyphens or without.
    exact = isinstance(provider, TomlFile)
    for key in provider.names(section):
        if key not in kinds and not exact and not spelled:
            spelled = {variable((name,)): name for name in kinds}
        name = key if key in kinds else spelled.get(variable((key,)))
        if name is not None:
            yield from below(provider, (*section, key), kinds[name])
        else:
            yield f"{provider.spell((*section, key))} in {provider.name}: no such setting{guessed(key, kinds)}"


def below(provider: Any, path: Path, kind: Any) -> Iterator[str]:
    """The same for what a provider holds at *path* and below it, where a value of *kind* is asked for."""
    if not has_fields(kind):
        return
    fixed = fixed_fields(kind)
    if fixed:
        yield from in_table(provider, path, fixed)
    else:
        free = held_in(kind, 0, is_mapping)
        for key in provider.names(path):
            yield from below(provider, (*path, key), free)
    value = provider.get(path)
    if not isinstance(value, Mapping):
        for inner, guess in in_value(value, kind):
            yield f"{provider.spell(path)} in {provider.name}: {inner} inside it: no such setting{guess}"


def in_value(value: Any, kind: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Where inside *value*, a table, a list or one of them as JSON, a key stands that no field of *kind* takes, and what may be meant by it."""
    if not has_fields(kind):
        return
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            value = unpacked(value, dict, show=False)
        except ConfigError:  # reading the value tells of that
            return
    if isinstance(value, Mapping):
        fixed = fixed_fields(kind)
        for key, inner in value.items():
            if fixed and key not in fixed:
                yield f"{at}{key}", guessed(str(key), fixed)
            else:
                yield from in_value(inner, fixed[key] if fixed else held_in(kind, 0, is_mapping), f"{at}{key}.")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from in_value(inner, held_in(kind, index, is_collection), f"{at.removesuffix('.')}[{index}].")


def guessed(key: str, known: Mapping[str, Any]) -> str:
    """What a message adds about the key that may be meant by *key*."""
    close = nearest(key, known)
    return f"; did you mean {close}?" if close else ""


def variants(kind: Any) -> list[Any]:
    """The types that a value of *kind* may have, a class in a ``Secret`` as the class."""
    inside = record_in_secret(kind)
    return [bare(member) for member in members(kind if inside is None else inside)]


def fixed_fields(kind: Any) -> dict[str, Any]:
    """The keys and types of a table that can have no others; empty for anything else."""
    kinds = variants(kind)
    if any(is_mapping(one) for one in kinds):
        return {}
    return {field.key: field.kind for one in kinds if is_record(one) for field in fields(one)}


def held_in(kind: Any, index: int, container: Any) -> Any:
    """The type of what a table with free keys, or a list at *index*, holds; *container* is the question which of the two. None: unknown."""
    found = next((one for one in variants(kind) if container(one)), None)
    inner = get_args(found)
    if not inner:
        return None
    if container is is_mapping:
        return inner[-1]
    positional = get_origin(found) is tuple and Ellipsis not in inner
    return inner[index] if positional and index < len(inner) else inner[0]


def has_fields(kind: Any) -> bool:
    """Whether a value of *kind* is, or holds, a table with fixed fields."""
    return any(
        is_record(one) or ((is_mapping(one) or is_collection(one)) and any(has_fields(inner) for inner in get_args(one)))
        for one in variants(kind)
    )


def no_tables(file: TomlFile, section: Path) -> Iterator[str]:
    """A message if a value stands where *section*, or one above it, should be a table of settings."""
    for cut in range(1, len(section) + 1):
        value = file.get(section[:cut])
        if value is not None and not isinstance(value, Mapping):
            yield f"{file.spell(section[:cut])} in {file.name}: no table of settings; did you mean [{file.spell(section)}]?"
