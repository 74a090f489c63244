"""Edited rows for a replay: JSON Lines as ``sinkkit rejected --export`` writes them, or an iterable of the same; each entry names its letter."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import attrs

from sinkkit.errors import ConfigError, PackageCorrupted, SourceError
from sinkkit.rows import Row
from sinkkit.runs.rejected.dead_letters import RejectedRow
from sinkkit.schema.encoding.restore import restore
from sinkkit.sources.json_files import BOM, binary, decoded

EditedRows: TypeAlias = str | os.PathLike[str] | Iterable[Mapping[str, Any] | RejectedRow]
"""The path of a file of JSON Lines, or the entries themselves."""

SHAPE = 'write {"id": "...", "row": {...}}, as `sinkkit rejected PIPELINE --export FILE.jsonl` does; other keys are not looked at'


@attrs.frozen
class EditedRow:
    """A row to send instead of the one that a dead letter holds.

    Attributes:
        place: Where it was given, for errors.
        id: The letter's id.
        row: The row, with values as they were before they were tagged.
        table: The table that was named with it, if one was.
    """

    place: str
    id: str
    row: Row
    table: str | None


def edited_rows(given: EditedRows) -> Iterator[EditedRow]:
    """The entries of *given*, one after another.

    Raises:
        SourceError: If the file cannot be read, or an entry is not one; names the line or the number of the entry.
        ConfigError: If *given* is neither a path nor entries.
    """
    if isinstance(given, str | os.PathLike):
        return (_entry(value, place) for value, place in _lines(Path(given)))
    entries: Any = given
    if not isinstance(entries, Iterable) or isinstance(entries, Mapping | bytes):
        raise ConfigError(f"rows= was given {type(given).__name__}", hint="give the path of a file of JSON Lines, or a list of entries")
    return (_entry(value, f"rows=, entry {number} (counted from 1)") for number, value in enumerate(entries, 1))


def _lines(path: Path) -> Iterator[tuple[Any, str]]:
    try:
        with binary(path) as file:
            for number, line in enumerate(file, 1):
                text = line.removeprefix(BOM).strip()
                if text:
                    yield _value(text, f"{path}, line {number}"), f"{path}, line {number}"
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}", hint="check the path; nothing was sent") from error


def _value(text: bytes, place: str) -> Any:
    try:
        return decoded(text)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{place} is not JSON: {error}", hint=SHAPE) from error


def _entry(value: Any, place: str) -> EditedRow:
    if isinstance(value, RejectedRow):
        return EditedRow(place, value.id, value.row, value.table)
    if not isinstance(value, Mapping):
        raise SourceError(f"{place} is {_kind(value)}, not an object", hint=SHAPE)
    missing = [name for name in ("id", "row") if name not in value]
    if missing:
        raise SourceError(f"{place} has no field {missing[0]!r}", hint=SHAPE)
    letter, row = value["id"], value["row"]
    if not isinstance(letter, str):
        raise SourceError(f"{place} has {_kind(letter)} as its id, not text", hint=SHAPE)
    if not isinstance(row, Mapping):
        raise SourceError(f"{place} has {_kind(row)} as its row, not an object", hint=SHAPE)
    return EditedRow(place, letter, _restored(dict(row), place), value.get("table"))


def _restored(row: Row, place: str) -> Row:
    """The row with tagged values as they were."""
    try:
        found = restore(row)
    except (PackageCorrupted, ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise SourceError(
            f"{place} has a value that cannot be understood: {error}", hint='a value such as a date is written {"$sk": "date", "v": "2026-11-20"}'
        ) from error
    if not isinstance(found, dict):
        raise SourceError(f"{place} has {_kind(found)} as its row, not an object", hint=SHAPE)
    return found


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__
