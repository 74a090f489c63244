"""Keys in a destination's sections that nobody asks for, as misspelt ones are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sinkkit.settings.keys import Path, nearest, variable
from sinkkit.settings.kinds import bare, fields, is_mapping, is_record, members, record_in_secret
from sinkkit.settings.lookup import Lookup
from sinkkit.settings.providers import Local
from sinkkit.settings.toml_files import TomlFile


def strangers(lookup: Lookup, kinds: Mapping[str, Any]) -> Iterator[str]:
    """A message for each key in the destination's own sections that is not in *kinds*, with a suggestion; those inside tables with fixed fields too.

    Args:
        lookup: Where to look; providers that are costly to ask are left out.
        kinds: The settings that there are, and their types.
    """
    own = [section for section in lookup.sections if section[-2:] == ("destination", lookup.destination)]
    for provider in lookup.providers[1:]:
        if isinstance(provider, Local):
            for section in own:
                if isinstance(provider, TomlFile) and provider.table:
                    yield from no_tables(provider, section)
                yield from in_table(provider, section, kinds)


def in_table(provider: Any, section: Path, kinds: Mapping[str, Any]) -> Iterator[str]:
    """The same for one table of one provider."""
    spelled: dict[str, str] = {}
    for key in provider.names(section):
        if key not in kinds and not spelled:
            spelled = {variable((name,)): name for name in kinds}
        name = key if key in kinds else spelled.get(variable((key,)))
        if name is not None:
            below = fixed_fields(kinds[name])
            if below:
                yield from in_table(provider, (*section, key), below)
            continue
        close = nearest(key, kinds)
        guess = f"; did you mean {close}?" if close else ""
        yield f"{provider.spell((*section, key))} in {provider.name}: no such setting{guess}"


def fixed_fields(kind: Any) -> dict[str, Any]:
    """The keys and types of a table that can have no others; empty for anything else."""
    inside = record_in_secret(kind)
    kinds = [bare(member) for member in members(kind if inside is None else inside)]
    if any(is_mapping(one) for one in kinds):
        return {}
    return {field.key: field.kind for one in kinds if is_record(one) for field in fields(one)}


def no_tables(file: TomlFile, section: Path) -> Iterator[str]:
    """A message if a value stands where *section*, or one above it, should be a table of settings."""
    for cut in range(1, len(section) + 1):
        value = file.get(section[:cut])
        if value is not None and not isinstance(value, Mapping):
            yield f"{file.spell(section[:cut])} in {file.name}: no table of settings; did you mean [{file.spell(section)}]?"
