"""What was said of a table, for its fields after a mapping: a hint may name a field, or the column that it is taken from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from sinkkit.errors import ConfigError
from sinkkit.schema.mapping.rules import Rule, TableMapping
from sinkkit.sources.pages import TableHints


def mapped_hints(table: TableHints, mapping: TableMapping) -> TableHints:
    """The hints of *table* by the names that its fields have after *mapping*; those for columns that are left out are dropped.

    Raises:
        ConfigError: If a key that rows are merged by is among those.
    """
    fields = {rule.target: rule for rule in mapping.rules}
    taken = {rule.column: rule for rule in reversed(mapping.rules) if rule.column is not None}

    def name_of(column: str) -> str | None:
        if column in fields:
            return column
        if column in taken:
            return taken[column].target
        return column if mapping.keep and column not in mapping.removed else None

    columns: dict[str, Mapping[str, Any]] = {}
    for column, hints in table.columns.items():
        name = name_of(column)
        if name is not None:
            columns[name] = {**columns.get(name, {}), **(hints if column in fields else of_source(hints, taken.get(column)))}
    return attrs.evolve(
        table,
        columns=columns,
        primary_key=key_of(table, "primary_key", name_of),
        merge_key=key_of(table, "merge_key", name_of),
    )


def of_source(hints: Mapping[str, Any], rule: Rule | None) -> Mapping[str, Any]:
    """The hints of a column, for the field that is taken from it: a cast changes its type."""
    if rule is None or rule.cast is None:
        return hints
    return {name: value for name, value in hints.items() if name == "nullable"}


def key_of(table: TableHints, key: str, name_of: Callable[[str], str | None]) -> tuple[str, ...]:
    """A key by the names of its fields; none if one of them is left out.

    Raises:
        ConfigError: If rows are merged by it.
    """
    names: tuple[str, ...] = getattr(table, key)
    found = [name_of(name) for name in names]
    lost = [name for name, field in zip(names, found, strict=True) if field is None]
    if lost and table.write_disposition == "merge":
        raise ConfigError(
            f"table {table.name!r} is merged by the column {lost[0]!r}, which the mapping leaves out",
            hint=f"add a field to the mapping, for example {lost[0]!r}: {lost[0]!r}, or give another {key}",
        )
    return () if lost else tuple(dict.fromkeys(name for name in found if name is not None))
