"""Tables as settings: read from JSON, laid over each other, and where a key of one stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from sinkkit.settings.keys import Path
from sinkkit.settings.learning import held_in
from sinkkit.settings.lookup import Hit, Lookup
from sinkkit.settings.questions import Question
from sinkkit.settings.secret import Secret
from sinkkit.settings.values.kinds import ANYTHING, is_mapping, is_record, is_secret, kept_in, members
from sinkkit.settings.values.texts import JsonText
from sinkkit.settings.values.typed import refusal, unpacked


def key_place(lookup: Lookup, inner: Question, hit: Hit) -> Hit:
    """The place of one key of a table; that of the whole if the table was written in one piece."""
    if hit.index == 0 or not isinstance(hit.raw, Mapping):
        return hit
    provider = lookup.providers[hit.index]
    return attrs.evolve(hit, place=f"{provider.spell(hit.section + inner.path)} in {provider.name}")


def place_of(lookup: Lookup, path: Path) -> str:
    """The exact key and provider of what is used at *path*, a key of a table or of a table inside it; empty if it stands nowhere."""
    for hit in lookup.hits(path[:1], stated=True, tables=True):
        held, place, apart = hit.raw, hit.place, hit.index > 0
        for depth, part in enumerate(path[1:], 2):
            held = held.reveal() if isinstance(held, Secret) else held
            if isinstance(held, str):  # its keys have no places of their own
                held, apart = held_in(held), False
            if not isinstance(held, Mapping) or part not in held:
                break
            held = held[part]
            if apart:
                provider = lookup.providers[hit.index]
                place = f"{provider.spell(hit.section + path[:depth])} in {provider.name}"
        else:
            return place
    return ""


def as_written(raw: Any, kind: Any) -> Any:
    """The text of *raw* if it was written as JSON and *kind* is text, a secret one or not; else *raw* as it is."""
    if not isinstance(raw, JsonText) or any(is_mapping(member) or is_record(member) for member in members(kind)):
        return raw
    kept = [kept_in(member) if is_secret(member) else member for member in members(kind) if member not in ANYTHING]
    return raw.text if any(inner in (str, bytes, *ANYTHING) for inner in kept) else raw


def as_table(raw: Any, kind: Any) -> Mapping[str, Any]:
    """*raw*, a table or its JSON, or a ``Secret`` of such.

    Raises:
        ConfigError: If it is neither.
    """
    table = unpacked(raw.reveal() if isinstance(raw, Secret) else raw, dict, show=False)
    if not isinstance(table, Mapping):
        raise refusal(kind, raw, show=False)
    return table


def overlaid(tables: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The tables as one, the first wins, key by key at every depth."""
    result: dict[str, Any] = {}
    for table in tables:
        for key, value in table.items():
            if key not in result:
                result[key] = overlaid([value]) if isinstance(value, Mapping) else value
            elif isinstance(result[key], dict) and isinstance(value, Mapping):
                result[key] = overlaid([result[key], value])
    return result
