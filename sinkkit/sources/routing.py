"""Rows of one piece of data into the tables that each of them names, in order within each table."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

import attrs

from sinkkit.errors import ConfigError, SourceError
from sinkkit.rows import Row
from sinkkit.sources.pages import ArrowPage, Page, RowsPage, TableHints, checked_name


@attrs.define(eq=False)
class Router:
    """Sends the rows of a resource to their tables.

    Attributes:
        route: What gives the name of a row's table.
        label: What errors call the resource.
    """

    route: Callable[[Row], str]
    label: str
    _tables: dict[str, TableHints] = attrs.field(factory=dict, init=False)
    _seen: int = attrs.field(default=0, init=False)

    def pages(self, pages: Iterator[Page]) -> Iterator[Page]:
        """*pages*, each as one page for each table that its rows name.

        Raises:
            SourceError: If the table of a row cannot be told; names the row.
        """
        try:
            for page in pages:
                yield from self._arrow(page) if isinstance(page, ArrowPage) else self._rows(page)
        finally:
            if isinstance(pages, Generator):
                pages.close()

    def _rows(self, page: RowsPage) -> Iterator[Page]:
        parts: dict[str, list[Row]] = {}
        for row in page.rows:
            parts.setdefault(self._name(row), []).append(row)
        for name, rows in parts.items():
            yield RowsPage(self._table(name, page.table), rows)

    def _arrow(self, page: ArrowPage) -> Iterator[Page]:
        parts: dict[str, list[int]] = {}
        for at, row in enumerate(page.data.to_pylist()):
            parts.setdefault(self._name(row), []).append(at)
        for name, rows in parts.items():
            yield ArrowPage(self._table(name, page.table), page.data if len(parts) == 1 else page.data.take(rows))

    def _name(self, row: Row) -> str:
        number, self._seen = self._seen, self._seen + 1
        try:
            name: Any = self.route(row)
        except Exception as error:
            raise SourceError(
                f"table_name of {self.label} raised {type(error).__name__} for row {number} (counted from 0)",
                hint="nothing was sent; let it give a name for each row, for example a default",
            ) from error
        if type(name) is str and name in self._tables:
            return name
        try:
            checked = checked_name(name)
        except ConfigError:
            checked = None
        if checked is None:
            raise SourceError(
                f"table_name of {self.label} gave {shown(name)} for row {number} (counted from 0), which cannot be the name of a table",
                hint="nothing was sent; let it give text for each row",
            )
        return checked

    def _table(self, name: str, given: TableHints) -> TableHints:
        if name not in self._tables:
            self._tables[name] = attrs.evolve(given, name=name)
        return self._tables[name]


def shown(name: Any) -> str:
    """What was given as a name, for people."""
    return repr(name) if name is None or isinstance(name, str) else f"a value of type {type(name).__name__}"
