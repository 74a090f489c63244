"""The chain from pages to the package: what turns pages as they were given into pages as the destination wants them.

``page → Mapper → Normalizer (names, nesting) → PackageWriter``. A step is called for each page in order and gives pages, of other tables too; a step after the
normalizer sees tables and columns by the names that they have at the destination. Where rows stay as they are, there is no step and no cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Protocol

import attrs

from sinkkit.runs.mapper import Mapper
from sinkkit.runs.shape import Shape
from sinkkit.schema.naming.names import Names
from sinkkit.schema.nesting.places import Table, Tables, kept_whole
from sinkkit.schema.nesting.unnesting import Unnester
from sinkkit.sources import ArrowPage, Page
from sinkkit.sources.pages import Columns, RowsPage, TableHints


class Step(Protocol):
    """One step of the chain."""

    def __call__(self, page: Page) -> Iterable[Page]:
        """What becomes of *page*; its rows may be the user's own and are not changed."""


def steps_for(shape: Shape, load_id: str) -> tuple[Step, ...]:
    """The steps that bring pages of the load *load_id* into *shape*; none if rows stay as they are."""
    mapper = (Mapper(shape.mapping, rests_as_arrow=shape.loader_file_format == "parquet"),) if shape.mapping else ()
    return mapper if shape.is_raw else (*mapper, Normalizer.of(shape, load_id))


def shaped(pages: Iterator[Page], steps: Sequence[Step]) -> Iterator[Page]:
    """*pages* after all *steps*, read no earlier than they are asked for."""
    for step in steps:
        pages = chain.from_iterable(map(step, pages))
    return pages


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
        given = page.table
        table = self.unnester.tables.top(given.name).table
        hints = self._hints(given, table)
        table.whole |= kept_whole(given.columns, self.names)
        merged_on = hints.primary_key if hints.write_disposition == "merge" else ()
        if isinstance(page, ArrowPage):
            from sinkkit.schema.nesting.arrow_unnesting import unnest_arrow

            for found, data in unnest_arrow(self.unnester, given.name, page.data, merged_on):
                yield ArrowPage(hints if found is table else self._child(found, hints), data)
            return
        for found, rows in self.unnester.page(given.name, page.rows, merged_on):
            yield RowsPage(hints if found is table else self._child(found, hints), rows)

    def _hints(self, given: TableHints, table: Table) -> TableHints:
        """What was said of a table, for its names at the destination."""
        columns: Columns = {self.names.hinted(name): hint for name, hint in given.columns.items()}
        key = tuple(map(self.names.hinted, given.primary_key))
        merge_key = tuple(map(self.names.hinted, given.merge_key))
        return TableHints(table.name, columns, key, given.write_disposition, merge_key, given.schema_contract)

    def _child(self, table: Table, top: TableHints) -> TableHints:
        """What is known of a child table: it goes the way of the table it comes from."""
        return TableHints(
            table.name,
            write_disposition=top.write_disposition,
            schema_contract=top.schema_contract,
            parent=table.parent,
            level=table.level,
        )
