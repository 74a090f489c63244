"""The step of the chain that names tables and columns and takes nested values apart; loaded only where a destination wants that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from sinkkit.runs.extracting.shape import Shape
from sinkkit.schema.naming.names import Names
from sinkkit.schema.nesting.places import Table, Tables, kept_whole
from sinkkit.schema.nesting.unnesting import Unnester
from sinkkit.sources import ArrowPage, Page
from sinkkit.sources.pages import Columns, RowsPage, TableHints


@attrs.define(eq=False)
class Normalizer:
    """Names tables and columns by a convention, makes columns of dicts and child tables of lists, and gives rows keys."""

    names: Names
    unnester: Unnester

    @classmethod
    def of(cls, shape: Shape, load_id: str) -> Normalizer:
        """The one for *shape*."""
        tables = Tables(shape.names, reserved=not shape.skip_internal)
        return cls(shape.names, Unnester(tables, shape.max_nesting_level, load_id))

    def __call__(self, page: Page) -> Iterator[Page]:
        """The flat pages of *page*, parents first."""
        given, unnester = page.table, self.unnester
        top = unnester.tables.top(given.name).table
        top.whole |= kept_whole(given.columns, self.names)
        said = self._said(given, top)
        merged_on = said.primary_key if said.write_disposition == "merge" else ()
        if isinstance(page, ArrowPage):
            from sinkkit.schema.nesting.arrow_unnesting import unnest_arrow

            found = unnest_arrow(unnester, given.name, page.data, merged_on)
        else:
            found = unnester.page(given.name, page.rows, merged_on)
        make = ArrowPage if isinstance(page, ArrowPage) else RowsPage
        for hints, (_, flat) in zip(hints_of(said, [table for table, _ in found]), found, strict=True):
            yield make(hints, flat)

    def _said(self, given: TableHints, table: Table) -> TableHints:
        """What was said of a table that was given, for its names at the destination; hints for columns of child tables are among it."""
        columns: Columns = {self.names.hinted(name): hint for name, hint in given.columns.items()}
        key = tuple(map(self.names.hinted, given.primary_key))
        merge_key = tuple(map(self.names.hinted, given.merge_key))
        return TableHints(table.name, columns, key, given.write_disposition, merge_key, given.schema_contract)


def hints_of(said: TableHints, tables: Sequence[Table]) -> list[TableHints]:
    """What is known of each of *tables*, the first of which was given, and what is said of it and its children is *said*.

    A hint for a column goes to the table that has the column: the one with the longest prefix that fits. Children go the way of the table they are from.
    """
    columns: list[dict[str, Any]] = [{} for _ in tables]
    prefixes = sorted(((table.prefix, at) for at, table in enumerate(tables)), key=lambda one: -len(one[0]))
    for name, hint in said.columns.items():
        prefix, at = next((prefix, at) for prefix, at in prefixes if name.startswith(prefix))
        columns[at][name.removeprefix(prefix)] = hint
    first = attrs.evolve(said, columns=columns[0])
    return [
        first,
        *(
            TableHints(
                table.name,
                some,
                write_disposition=said.write_disposition,
                schema_contract=said.schema_contract,
                parent=table.parent,
                level=table.level,
            )
            for table, some in zip(tables[1:], columns[1:], strict=True)
        ),
    ]
