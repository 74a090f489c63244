"""What is known of the tables of a pipeline from its loads so far: grown with each load, kept as text, told apart by a hash of that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from sinkkit.rows import TableSchema
from sinkkit.schema.columns.columns import SIZES, Column, Columns
from sinkkit.schema.columns.measures import AWARE, NAIVE, Measure

FORMAT = 1
COMPUTED = ("name", "data_type", "nullable", "primary_key", "types", *SIZES)
"""What is worked out anew with each load; everything else is a hint and stays until another takes its place."""

INTERNAL = ("_sk_version", "_sk_loads")
"""Tables that tell of the schema and are no part of it."""

Tables = Mapping[str, Mapping[str, Any]]
"""Table name to what is known of it."""


def tables_in(text: str | None) -> dict[str, dict[str, Any]]:
    """The tables of a schema's text; none for None."""
    return {} if text is None else dict(json.loads(text)["tables"])


def text_of(tables: Tables) -> str:
    """The text of a schema: JSON in which the order of tables, columns and hints does not matter."""
    return json.dumps({"format": FORMAT, "tables": tables}, sort_keys=True, default=str)


def hash_of(text: str) -> str:
    """The hash that tells a schema's text from others: SHA-256, in hexadecimal."""
    return sha256(text.encode()).hexdigest()


def types_in(table: Mapping[str, Any] | None) -> dict[str, frozenset[str]] | None:
    """Column name to the data types of its values, of a table in a schema; None for a table that is not known."""
    if table is None:
        return None
    return {name: frozenset(column.get("types", (column["data_type"],))) for name, column in table["columns"].items()}


def grown(known: Tables, loaded: Mapping[str, tuple[TableSchema, Mapping[str, Sequence[str]]]]) -> dict[str, dict[str, Any]]:
    """What is known after a load.

    Args:
        known: What was known before.
        loaded: The tables of the load: schema, and the data types of columns where they are not just the one in the schema.
    """
    found = {name: dict(table) for name, table in known.items()}
    for name, (schema, types) in loaded.items():
        if name not in INTERNAL:
            found[name] = _table(found.get(name), schema, types)
    return found


def _table(known: Mapping[str, Any] | None, schema: TableSchema, types: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    new = {name: {**column, "types": [*types.get(name, (column["data_type"],))]} for name, column in schema["columns"].items()}
    columns = new if known is None else _columns(known["columns"], new)
    return {**schema, "columns": {name: _entry(column) for name, column in columns.items()}}


def _columns(before: Tables, after: Tables) -> dict[str, dict[str, Any]]:
    """Columns that were known together with those of a load."""
    merged = Columns(1, {name: _column(entry) for name, entry in before.items()}).merge(
        Columns(1, {name: _column(entry) for name, entry in after.items()})
    )
    found = {}
    for name, column in merged.seen.items():
        old, new = before.get(name, {}), after.get(name, {})
        hints = {hint: value for hint, value in {**old, **new}.items() if hint not in COMPUTED}
        found[name] = {**column.described(), **hints, "name": name, "types": sorted(column.types), "primary_key": {**old, **new}["primary_key"]}
    return found


def _entry(column: Mapping[str, Any]) -> dict[str, Any]:
    """A column as it is kept: its types only where they say more than its data type."""
    types = sorted({*column["types"]})
    return {key: value for key, value in column.items() if key != "types"} | ({} if types == [column["data_type"]] else {"types": types})


def _column(entry: Mapping[str, Any]) -> Column:
    """What an entry says of a column's values."""
    types = frozenset(entry.get("types", (entry["data_type"],)))
    scale = entry.get("scale", 0)
    zones = {True: AWARE, False: NAIVE, None: NAIVE | AWARE}[entry.get("timezone")] if "timestamp" in types else 0
    timed = not types.isdisjoint({"timestamp", "time"})
    measure = Measure(
        whole=0 if timed else max(0, entry.get("precision", 0) - scale),
        scale=scale,
        fraction=entry.get("precision") if timed else None,
        zones=zones,
    )
    return Column(types, entry["nullable"], measure)
