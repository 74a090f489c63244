"""The mapping of a destination as config says it: a table in its section, joined key by key from all places, or a list of columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sinkkit.errors import ConfigError
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.values.tables import overlaid
from sinkkit.settings.wanted import MISSING

NAME = "mapping"


def configured_mapping(resolver: Resolver, *, cheap: bool = False) -> Any:
    """What config says under ``mapping``, the most specific place first, or ``MISSING``.

    Its texts are names of columns: unlike those of other tables, none is taken for a secret because of the name it stands beside.

    Args:
        resolver: Reads the destination's section.
        cheap: Leave out places that are costly to ask.

    Raises:
        ConfigError: If a place cannot be read, or holds what is no mapping.
    """
    resolver.know(NAME, dict)
    tables: list[Mapping[str, Any]] = []
    for hit in resolver.lookup.hits((NAME,), stated=True, tables=True, cheap=cheap):
        said = unpacked(hit.raw, hit.place)
        if not isinstance(said, Mapping):
            if tables:
                raise ConfigError(f"mapping is a table of fields, and in another place ({hit.place}) it is none", hint="write it in one way")
            return said
        tables.append(said)
    return overlaid(tables) if tables else MISSING


def unpacked(raw: Any, place: str) -> Any:
    """*raw*, or what it says if it is text in JSON, as in the environment; *place* is where it stands.

    Raises:
        ConfigError: If it is other text.
    """
    if not isinstance(raw, str):
        return raw
    import json

    try:
        return json.loads(raw)
    except ValueError:
        raise ConfigError(f"mapping ({place}) is text, and no JSON", hint='write it as [destination.NAME.mapping], or as JSON: {"email": "mail"}') from None
