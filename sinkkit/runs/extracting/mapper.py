"""The first step of the chain: rows as they were given → rows with the fields that the mapping names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from sinkkit.rows import Row
from sinkkit.runs.extracting.mapped_hints import mapped_hints
from sinkkit.schema.mapping.mapped_rows import compiled, map_rows
from sinkkit.schema.mapping.reading import Mappings
from sinkkit.schema.mapping.rules import TableMapping
from sinkkit.sources import ArrowPage, Page
from sinkkit.sources.pages import RowsPage


@attrs.frozen
class TableMapper:
    """The mapping of one table while its pages pass.

    Attributes:
        mapping: The rules.
        apply: The same, compiled.
        types: Types of its fields in Arrow data so far.
    """

    mapping: TableMapping
    apply: Callable[[list[Row]], list[Row]]
    types: dict[str, Any] = attrs.field(factory=dict)


@attrs.define(eq=False)
class Mapper:
    """Maps pages; those of tables without a mapping pass as they are.

    Attributes:
        mappings: The rules of all tables.
        rests_as_arrow: Whether rows rest as Arrow data, in which a field that is left out is null; elsewhere Arrow data
            of which fields are left out becomes rows.
    """

    mappings: Mappings
    rests_as_arrow: bool
    _tables: dict[str, TableMapper | None] = attrs.field(factory=dict, init=False)
    _rows: Counter[str] = attrs.field(factory=Counter, init=False)

    def __call__(self, page: Page) -> Iterator[Page]:
        """*page*, mapped.

        Raises:
            SourceError: If a row cannot be mapped; it names table, row and field.
            ConfigError: If a key that rows are merged by is left out.
        """
        name = page.table.name
        if name not in self._tables:
            mapping = self.mappings.of_table(name)
            self._tables[name] = None if mapping is None else TableMapper(mapping, compiled(mapping))
        table = self._tables[name]
        if table is None:
            yield page
            return
        page = attrs.evolve(page, table=mapped_hints(page.table, table.mapping))
        if isinstance(page, ArrowPage):
            yield self._columns(page, table)
        else:
            yield self._mapped(page, table)

    def _mapped(self, page: RowsPage, table: TableMapper) -> RowsPage:
        name = page.table.name
        rows = map_rows(table.mapping, table.apply, page.rows, table=name, first_row=self._rows[name])
        self._rows[name] += len(rows)
        return RowsPage(page.table, rows)

    def _columns(self, page: ArrowPage, table: TableMapper) -> Page:
        from sinkkit.schema.arrow import rows_of
        from sinkkit.schema.mapping.mapped_arrow import map_arrow

        name = page.table.name
        if table.mapping.drops and not self.rests_as_arrow:
            return self._mapped(RowsPage(page.table, rows_of(page.data, table=name)), table)
        data = map_arrow(table.mapping, page.data, table=name, first_row=self._rows[name], types=table.types)
        self._rows[name] += len(data)
        return ArrowPage(page.table, data)
