"""Where values stand in rows, and what tables and columns are called for them: learnt once for each set of keys, never for each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from sinkkit.errors import SchemaError, SourceError
from sinkkit.schema.columns.known import INTERNAL
from sinkkit.schema.encoding.tags import DEPTH
from sinkkit.schema.naming.names import Names

Path = tuple[str, ...]
"""Keys, from the table's name or from its row inwards."""

ID = "_sk_id"
LOAD_ID = "_sk_load_id"
PARENT_ID = "_sk_parent_id"
ROOT_ID = "_sk_root_id"
LIST_IDX = "_sk_list_idx"

VALUE = "value"
"""The column of entries of a list that are no dicts."""


MOST_SHAPES = 2_000
"""Sets of keys that are remembered for one place: rows that all have keys of their own must not fill the memory."""


@attrs.define(eq=False)
class Table:
    """A table that rows go to.

    Attributes:
        name: What it is called at the destination.
        source: The name that it was given, and keys, from that table's rows inwards.
        origin: The same for people, telling lists from dicts.
        parent: The table that its rows belong to; None for one that was given.
        level: How many lists its rows are inside of.
        names: How columns are called.
        columns: Each column, as the destination tells names apart, to the keys that lead to it.
        whole: Columns whose values stay as they are, though they are nested.
        rows: How many rows went to it.
        prefix: What a hint for one of its columns, said of the table that was given, begins with.
    """

    name: str
    source: Path
    origin: str
    parent: str | None
    level: int
    names: Names = attrs.field(repr=False)
    columns: dict[str, Path] = attrs.field(factory=dict, repr=False)
    whole: set[str] = attrs.field(factory=set, repr=False)
    rows: int = 0
    prefix: str = ""

    def column(self, path: Path) -> str:
        """The column for the value at *path* in a row.

        Raises:
            SchemaError: If another path leads to a column of that name; names both.
        """
        name = self.names.column(*path)
        known = self.columns.setdefault(self.names.told_apart(name), path)
        if known != path:
            raise SchemaError(
                f"table {self.name!r}: {shown(known)} and {shown(path)} both become column {name!r}",
                hint="rename one of them, or choose another naming_convention",
            )
        return name

    def reserve(self, *names: str) -> None:
        """Keep columns for what this package adds to rows."""
        for name in names:
            self.columns[self.names.told_apart(self.names.column(name))] = (f"sinkkit's own {name}",)


class Columns(dict[tuple[Any, ...], Path]):
    """The keys of a dict, in order, to the columns of its values; made when keys are seen for the first time."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place

    def __missing__(self, keys: tuple[Any, ...]) -> Path:
        if len(self) >= MOST_SHAPES:
            self.clear()
        self[keys] = names = tuple(self.place.column(key) for key in keys)
        return names


@attrs.define(eq=False)
class Place:
    """Where dicts stand in the rows of a table: at *path*, or as the rows themselves.

    Attributes:
        table: The table of the rows.
        path: Keys from the row inwards.
        depth: How many dicts and lists it is inside of, from the row that was given.
        columns: The columns for each set of keys.
        inner: What is inside, by key.
        lists: Child tables, by key.
    """

    table: Table
    path: Path
    depth: int
    columns: Columns = attrs.field(init=False, repr=False)
    inner: dict[str, Place] = attrs.field(factory=dict, init=False, repr=False)
    lists: dict[str, Place] = attrs.field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Nothing is known of it yet."""
        self.columns = Columns(self)

    def column(self, key: Any) -> str:
        """The column for the value of *key*.

        Raises:
            SourceError: If the key is not a str.
            SchemaError: As ``Table.column``.
        """
        if not isinstance(key, str):
            what = f"the key {key!r} in {shown(self.path)}" if self.path else f"the column name {key!r}"
            raise SourceError(
                f"table {self.table.name!r}: {what} is of type {type(key).__name__}",
                hint="names of columns are str: convert the keys before yielding the row",
            )
        return self.table.column((*self.path, key))

    def inside(self, key: str) -> Place:
        """The place of the dicts that are values of *key*.

        Raises:
            SourceError: If it is too deep.
        """
        if key not in self.inner:
            self.inner[key] = Place(self.table, (*self.path, key), self.deeper(key))
        return self.inner[key]

    def deeper(self, key: str) -> int:
        """The depth of what is in the values of *key*.

        Raises:
            SourceError: If that is beyond the limit.
        """
        if self.depth >= DEPTH:
            raise SourceError(
                f"table {self.table.name!r}: the value at {shown((*self.table.source[1:], *self.path, key))} is nested more than {DEPTH} levels deep",
                hint="keep nested values flatter",
            )
        return self.depth + 1


@attrs.define(eq=False)
class Tables:
    """All tables of a package, by what they are called, with the places of their rows.

    Attributes:
        names: How tables and columns are called.
        reserved: Whether columns are kept for the keys of rows, and tables for what is told of loads.
        places: Each table's name, as the destination tells names apart, to the place of its rows.
        given: The names of tables that were given, to the same.
    """

    names: Names
    reserved: bool
    places: dict[str, Place] = attrs.field(factory=dict, repr=False)
    given: dict[str, Place] = attrs.field(factory=dict, repr=False)

    def __attrs_post_init__(self) -> None:
        """Keep the names of the tables that the package adds."""
        for name in INTERNAL if self.reserved else ():
            self._new(Table(self.names.table(name), (name,), f"sinkkit's own table {name!r}", None, 0, self.names), 0)

    def top(self, name: str) -> Place:
        """The rows of the table that was given as *name*.

        Raises:
            SchemaError: If another table has its name.
        """
        if name not in self.given:
            self.given[name] = self._new(Table(self.names.table(name), (name,), f"table {name!r}", None, 0, self.names), 0)
        return self.given[name]

    def child(self, place: Place, key: str) -> Place:
        """The rows of the table for the lists that are values of *key* at *place*.

        Raises:
            SchemaError: If another table has its name.
            SourceError: If it is too deep.
        """
        if key not in place.lists:
            table = place.table
            source = (*table.source, *place.path, key)
            above = table.origin if table.parent is not None else f"the lists of {table.origin} at"
            origin = f"{above} {shown((*place.path, key))}[]"
            inner = Table(self.names.table(*source), source, origin, table.name, table.level + 1, self.names)
            inner.prefix = f"{table.prefix}{self.names.column(*place.path, key)}{self.names.convention.separator}"
            inner.whole = {column.removeprefix(inner.prefix) for column in self.given[source[0]].table.whole if column.startswith(inner.prefix)}
            place.lists[key] = self._new(inner, place.deeper(key))
        return place.lists[key]

    def _new(self, table: Table, depth: int) -> Place:
        told_apart = self.names.told_apart(table.name)
        known = self.places.get(told_apart)
        if known is not None:
            raise SchemaError(
                f"{known.table.origin} and {table.origin} both become table {table.name!r}",
                hint="rename one of them, or choose another naming_convention",
            )
        if self.reserved:
            table.reserve(*([ID, LOAD_ID] if table.parent is None else [ID, PARENT_ID, ROOT_ID, LIST_IDX]))
        place = self.places[told_apart] = Place(table, (), depth)
        return place


def shown(path: Path) -> str:
    """A path for people: ``'address' → 'city'``."""
    return " → ".join(key if key.startswith("sinkkit's own ") else repr(key) for key in path)


def kept_whole(hints: Mapping[str, Mapping[str, Any]], names: Names) -> set[str]:
    """Columns that are to stay nested, as the user's hints say."""
    return {names.hinted(name) for name, hint in hints.items() if hint.get("data_type") == "json"}
