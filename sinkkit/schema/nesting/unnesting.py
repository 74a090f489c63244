"""Rows → flat rows of a table and of its child tables, a page at a time.

What comes back when parents and children are joined is what was given, but for one thing: an entry ``{"value": x}`` of a list is the same row as
the entry ``x``. Empty dicts and lists stay where they are, as values; a list inside a list is a child of a child; entries of any kind may be mixed.
Tuples, sets and what is hinted as ``json`` stay as they are, and so does what is below the last level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from operator import itemgetter
from typing import Any

import attrs

from sinkkit.errors import SchemaError, SourceError
from sinkkit.rows import Row
from sinkkit.schema.nesting import keys
from sinkkit.schema.nesting.cycles import refuse_cycles
from sinkkit.schema.nesting.places import ID, LIST_IDX, LOAD_ID, PARENT_ID, ROOT_ID, VALUE, Place, Table, Tables
from sinkkit.schema.shapes import Shapes, shapes_of, uniform

LOOKED_AT = 8
"""From this depth on, and each time as many levels deeper, values are looked through for ones that contain themselves."""


@attrs.frozen
class Values:
    """Values of one place in a page of rows, or lists of such, and for each the number of the row that it is, or is inside of."""

    place: Place
    all: Sequence[Any]
    owners: Sequence[int]

    def some(self, place: Place, at: Sequence[int]) -> Values:
        """Those at the positions *at*, which stand at *place*."""
        return Values(place, [self.all[one] for one in at], [self.owners[one] for one in at])


@attrs.frozen
class Ids:
    """The keys of a page of rows, and those of the rows they all come from."""

    own: list[str]
    root: list[str]


@attrs.define
class Parts:
    """Flat rows while they are put together: columns with a value for each row, what differs from row to row, and lists taken out."""

    lists: list[Values] = attrs.field(factory=list)
    columns: dict[str, Iterable[Any]] = attrs.field(factory=dict)
    late: list[list[Row]] = attrs.field(factory=list)

    def rows(self, count: int) -> list[Row]:
        """The rows, which are so many."""
        names = tuple(self.columns)
        every = zip(*self.columns.values(), strict=False)
        rows = [dict(zip(names, values)) for values in every] if names else [{} for _ in range(count)]  # noqa: B905  # as many names as values; being strict takes a quarter longer
        for more in self.late:
            for row, values in zip(rows, more, strict=True):
                row.update(values)
        return rows


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
        table = place.table
        flat, lists = self._flat(Values(place, rows, range(len(rows))))
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

    def _children(self, lists: Values, parents: Ids | None) -> Iterator[tuple[Table, list[Row]]]:
        place, table = lists.place, lists.place.table
        entries = list(chain.from_iterable(lists.all))
        if set(map(type, entries)) != {dict} or not all(entries):
            entries = [entry if isinstance(entry, dict) and entry else {VALUE: entry} for entry in entries]
        flat, inner = self._flat(Values(place, entries, range(len(entries))))
        ids = None
        if parents is not None:
            owners = [owner for owner, value in zip(lists.owners, lists.all, strict=True) for _ in value]
            places = [index for value in lists.all for index in range(len(value))]
            above = [parents.own[owner] for owner in owners]
            ids = Ids(keys.of_children(table.name, above, places), [parents.root[owner] for owner in owners])
            names = [table.names.column(name) for name in (ID, PARENT_ID, ROOT_ID, LIST_IDX)]
            _put(flat, dict(zip(names, (ids.own, above, ids.root, places), strict=True)))
        table.rows += len(flat)
        yield table, flat
        for one in inner:
            yield from self._children(one, ids)

    def _flat(self, dicts: Values) -> tuple[list[Row], list[Values]]:
        """New dicts without anything nested that can be taken out, and the lists that were."""
        rows, parts = dicts.all, Parts()
        shapes = uniform(rows) if rows else None
        if shapes is not None:
            self._columns(dicts, shapes, parts)
            return parts.rows(len(rows)), parts.lists
        place = dicts.place
        columns = place.columns
        flat = [dict(zip(columns[tuple(row)], row.values())) for row in rows]  # noqa: B905  # as above
        for key in nested_keys(rows) if self.levels != 0 else ():
            column = place.column(key)
            if column not in place.table.whole:
                having = [at for at, row in enumerate(rows) if key in row]
                inside = [rows[at][key] for at in having]
                late = self._late(Values(place, inside, [dicts.owners[at] for at in having]), key, parts)
                for at, values in zip(having, late, strict=True):
                    row = flat[at]
                    del row[column]
                    row.update(values)
        return flat, parts.lists

    def _columns(self, dicts: Values, shapes: Shapes, into: Parts) -> None:
        """As ``_flat`` for dicts that all have the keys of the first, column by column."""
        place, rows = dicts.place, dicts.all
        takes = list | dict if self._may_list(place) else dict
        nested = {key for key, kind in shapes.pairs if issubclass(kind, takes)} if self.levels != 0 else set()
        keys_of = tuple(rows[0])
        for key, column in zip(keys_of, place.columns[keys_of], strict=True):
            if key not in nested or column in place.table.whole:
                into.columns[column] = map(itemgetter(key), rows)
                continue
            values = Values(place, list(map(itemgetter(key), rows)), dicts.owners)
            kinds = shapes.kinds[key]
            inner = uniform(values.all) if kinds == {dict} and all(values.all) else None
            if inner is not None:
                self._look(values.all, place, key)
                self._columns(Values(place.inside(key), values.all, dicts.owners), inner, into)
            elif kinds == {list} and all(values.all) and self._may_list(place):
                self._look(values.all, place, key)
                into.lists.append(Values(self.tables.child(place, key), values.all, dicts.owners))
            else:
                into.late.append(self._late(values, key, into))

    def _may_list(self, place: Place) -> bool:
        return self.levels is None or place.table.level < self.levels

    def _late(self, values: Values, key: str, into: Parts) -> list[Row]:
        """What stands, for each of *values*, those of *key* at their place and of any kind, in the flat row."""
        place = values.place
        column, may_list = place.column(key), self._may_list(place)
        late: list[Row] = []
        dicts_at, lists_at = [], []
        for at, value in enumerate(values.all):
            if isinstance(value, dict) and value:
                dicts_at.append(at)
            elif may_list and isinstance(value, list) and value:
                lists_at.append(at)
            else:
                late.append({column: value})
                continue
            late.append({})
        self._look([values.all[at] for at in (*dicts_at, *lists_at)], place, key)
        if dicts_at:
            flat, lists = self._flat(values.some(place.inside(key), dicts_at))
            into.lists += lists
            for at, row in zip(dicts_at, flat, strict=True):
                late[at] = row
        if lists_at:
            into.lists.append(values.some(self.tables.child(place, key), lists_at))
        return late

    def _look(self, values: Sequence[Any], place: Place, key: str) -> None:
        """Look through *values*, which are those of *key*, for circles, now and then as it gets deeper."""
        if place.depth and place.depth % LOOKED_AT == 0:
            refuse_cycles(values, (*place.table.source[1:], *place.path, key), place.table.name)


def nested_keys(rows: Sequence[Row]) -> list[str]:
    """Keys of *rows* that have a list or a dict as a value, in the order in which they appear."""
    nested = {key for key, kind in shapes_of(rows).pairs if issubclass(kind, list | dict)}
    every = rows[0] if nested and nested <= rows[0].keys() else chain.from_iterable(rows)
    return [key for key in dict.fromkeys(every) if key in nested] if nested else []


def _put(rows: list[Row], columns: dict[str, Any]) -> None:
    """Add *columns*, each with a value for each row, to *rows*."""
    names = list(columns)
    for row, values in zip(rows, zip(*columns.values(), strict=False), strict=True):
        row.update(zip(names, values, strict=True))
