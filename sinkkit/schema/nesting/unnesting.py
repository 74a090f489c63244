"""Rows → flat rows of a table and of its child tables, a page at a time.

What comes back when parents and children are joined is what was given, but for one thing: an entry ``{"value": x}`` of a list is the same row as
the entry ``x``. Empty dicts and lists stay where they are, as values; a list inside a list is a child of a child; entries of any kind may be mixed.
Tuples, sets and what is hinted as ``json`` stay as they are, and so does what is below the last level.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import Any

import attrs

from sinkkit.errors import SchemaError, SourceError
from sinkkit.rows import Row
from sinkkit.schema.nesting import keys
from sinkkit.schema.nesting.cycles import refuse_cycles
from sinkkit.schema.nesting.places import ID, LIST_IDX, LOAD_ID, PARENT_ID, ROOT_ID, VALUE, Place, Table, Tables
from sinkkit.schema.shapes import shapes_of

LOOKED_AT = 8
"""From this depth on, and each time as many levels deeper, values are looked through for ones that contain themselves."""


@attrs.frozen
class Lists:
    """Lists of one place in a page of rows: the place of their entries, the rows they belong to, and they themselves."""

    place: Place
    owners: list[int]
    values: list[list[Any]]


@attrs.frozen
class Ids:
    """The keys of a page of rows, and those of the rows they all come from."""

    own: list[str]
    root: list[str]


@attrs.define(eq=False)
class Unnester:
    """Takes pages of rows apart.

    Attributes:
        tables: The tables of the package.
        levels: Levels of lists that become tables, None: all; 0: rows stay as they are, but for names.
        load_id: The load package.
    """

    tables: Tables
    levels: int | None
    load_id: str

    def page(self, name: str, rows: list[Row], merged_on: Sequence[str] = ()) -> list[tuple[Table, list[Row]]]:
        """The flat rows of a page of the table that was given as *name*, and of its children, parents first.

        Args:
            name: The table.
            rows: Its rows, which are not changed.
            merged_on: Columns, by their names at the destination, that make a row's key in every load; none: each row is a new one.

        Raises:
            SourceError: If a key is not text, or a value is nested too deeply or contains itself.
            SchemaError: If two columns or tables become one.
        """
        place = self.tables.top(name)
        try:
            return self._taken_apart(place, rows, merged_on)
        except (SourceError, SchemaError):
            self._fail(place, rows, merged_on)
            raise

    def _fail(self, place: Place, rows: list[Row], merged_on: Sequence[str]) -> None:
        """Raise the error of the first of *rows* that has one, with its number."""
        first = place.table.rows
        for number, row in enumerate(rows, first):
            try:
                self._taken_apart(place, [row], merged_on)
            except (SourceError, SchemaError) as error:
                message = error.message.replace(f"table {place.table.name!r}: ", "", 1)
                said = f"table {place.table.name!r}, row {number} (counted from 0): {message}"
                raise type(error)(said, hint=error.hint) from None

    def _taken_apart(self, place: Place, rows: list[Row], merged_on: Sequence[str]) -> list[tuple[Table, list[Row]]]:
        lists: list[Lists] = []
        table = place.table
        flat = self._flat(rows, place, range(len(rows)), lists)
        ids = None
        if self.tables.reserved:
            own = keys.numbered(self.load_id, table.name, table.rows, len(rows))
            if merged_on:
                own = keys.from_key(table.name, ([row.get(column) for column in merged_on] for row in flat))
            ids = Ids(own, own)
            _put(flat, {table.names.column(ID): own, table.names.column(LOAD_ID): repeat(self.load_id)})
        found = [(table, flat), *chain.from_iterable(self._children(one, ids) for one in lists)]
        table.rows += len(rows)
        return found

    def _children(self, lists: Lists, parents: Ids | None) -> Iterator[tuple[Table, list[Row]]]:
        place, table = lists.place, lists.place.table
        entries = [entry if isinstance(entry, dict) and entry else {VALUE: entry} for entry in chain.from_iterable(lists.values)]
        inner: list[Lists] = []
        flat = self._flat(entries, place, range(len(entries)), inner)
        ids = None
        if parents is not None:
            owners = [owner for owner, value in zip(lists.owners, lists.values, strict=True) for _ in value]
            places = [index for value in lists.values for index in range(len(value))]
            above = [parents.own[owner] for owner in owners]
            ids = Ids(keys.of_children(table.name, above, places), [parents.root[owner] for owner in owners])
            names = [table.names.column(name) for name in (ID, PARENT_ID, ROOT_ID, LIST_IDX)]
            _put(flat, dict(zip(names, (ids.own, above, ids.root, places), strict=True)))
        table.rows += len(flat)
        yield table, flat
        for one in inner:
            yield from self._children(one, ids)

    def _flat(self, rows: Sequence[Row], place: Place, owners: Sequence[int], lists: list[Lists]) -> list[Row]:
        """*rows* at *place* as new dicts without anything nested that can be taken out; lists that were taken out go to *lists*.

        Args:
            rows: Dicts, not changed.
            place: Where they stand.
            owners: For each of them, the number of the row of the page that it is, or is inside of.
            lists: Gets the lists taken out.
        """
        columns = place.columns
        flat = [dict(zip(columns[tuple(row)], row.values(), strict=True)) for row in rows]
        if self.levels == 0 or not rows:
            return flat
        table = place.table
        may_list = self.levels is None or table.level < self.levels
        for key in nested_keys(rows):
            column = place.column(key)
            if column in table.whole:
                continue
            dicts_at = [at for at, row in enumerate(rows) if isinstance(value := row.get(key), dict) and value]
            lists_at = [at for at, row in enumerate(rows) if isinstance(value := row.get(key), list) and value] if may_list else []
            if (dicts_at or lists_at) and place.depth and place.depth % LOOKED_AT == 0:
                refuse_cycles([rows[at][key] for at in (*dicts_at, *lists_at)], (*table.source[1:], *place.path, key), table.name)
            if dicts_at:
                inside = [rows[at][key] for at in dicts_at]
                for at, values in zip(dicts_at, self._flat(inside, place.inside(key), [owners[at] for at in dicts_at], lists), strict=True):
                    row = flat[at]
                    del row[column]
                    row.update(values)
            if lists_at:
                lists.append(Lists(self.tables.child(place, key), [owners[at] for at in lists_at], [rows[at][key] for at in lists_at]))
                for at in lists_at:
                    del flat[at][column]
        return flat


def nested_keys(rows: Sequence[Row]) -> list[str]:
    """Keys of *rows* that have a list or a dict as a value, in the order in which they appear."""
    nested = {key for key, kind in shapes_of(rows) if issubclass(kind, list | dict)}
    every = rows[0] if nested and nested <= rows[0].keys() else chain.from_iterable(rows)
    return [key for key in dict.fromkeys(every) if key in nested] if nested else []


def _put(rows: list[Row], columns: dict[str, Any]) -> None:
    """Add *columns*, each with a value for each row, to *rows*."""
    names = list(columns)
    for row, values in zip(rows, zip(*columns.values(), strict=False), strict=True):
        row.update(zip(names, values, strict=True))
