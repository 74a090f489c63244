"""The last step from pages to the package: rows meet what is known of their tables, and what is known grows with the load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import attrs

from sinkkit.journal.protocol import Journal
from sinkkit.journal.records import NewSchema, SchemaVersion
from sinkkit.package.manifest import PackagedTable
from sinkkit.package.writer import PackageWriter
from sinkkit.rows import Row
from sinkkit.runs.extracting.shape import Shape, own_tables
from sinkkit.schema.columns.contract import EVERYTHING, Contract
from sinkkit.schema.columns.evolution import Evolution, Refused, RefusedRows
from sinkkit.schema.columns.known import INTERNAL, grown, hash_of, tables_in, text_of, types_in
from sinkkit.schema.naming.names import Names
from sinkkit.schema.nesting.places import ID, PARENT_ID
from sinkkit.schema.shapes import shapes_of
from sinkkit.sources import ArrowPage, Page
from sinkkit.sources.pages import RowsPage, TableHints


@attrs.frozen
class RefusedPage:
    """Rows of a table that its contract refuses, each with the reason."""

    table: TableHints
    rows: list[Row]
    reasons: list[str]


@attrs.define(eq=False)
class Evolver:
    """What is known of all tables of a pipeline's dataset while a load of it is taken.

    Attributes:
        dataset: The dataset's name; empty if it has none.
        version: What was known before the load.
        shape: How its rows rest.
        enforcing: Whether contracts hold; they do once for each load.
    """

    dataset: str
    version: SchemaVersion | None
    shape: Shape
    enforcing: bool = True
    tables: dict[str, Evolution] = attrs.field(factory=dict, init=False)
    _known: dict[str, dict[str, Any]] = attrs.field(init=False)
    _without: dict[str, set[Any]] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        """Read what is known."""
        self._known = tables_in(None if self.version is None else self.version.schema)

    @classmethod
    def of(cls, journal: Journal, dataset: str, shape: Shape, *, enforcing: bool = True) -> Evolver:
        """One for the next load of *dataset* into *shape*."""
        return cls(dataset, journal.known_schema(dataset), shape, enforcing)

    def evolved(self, pages: Iterator[Page]) -> Iterator[Page | RefusedPage]:
        """*pages* with the rows that are kept, and those that are not.

        Raises:
            SchemaError: If rows do not fit a frozen contract.
        """
        for page in pages:
            table = page.table
            contract = table.schema_contract if self.enforcing else None
            if (contract is None or contract == EVERYTHING) and self.shape.is_raw:
                yield page
            elif isinstance(page, ArrowPage):
                yield from self._arrow(page, self._evolution(table, contract))
            else:
                yield from self._rows(page, self._evolution(table, contract))

    def _evolution(self, table: TableHints, contract: Contract | None) -> Evolution:
        if table.name not in self.tables:
            self.tables[table.name] = Evolution.of(
                table.name,
                contract,
                None if self.shape.is_raw else partial(variant, self.shape.names),
                known=types_in(self._known.get(table.name)),
                hints=table.columns,
            )
        return self.tables[table.name]

    def _rows(self, page: RowsPage, evolution: Evolution) -> Iterator[Page | RefusedPage]:
        rows, orphans = self._orphans(page)
        shapes = shapes_of(rows)
        kept, refused = evolution.take(rows, shapes)
        yield RowsPage(page.table, kept, shapes if kept is rows else None)
        yield from self._out(page.table, orphans + refused)

    def _out(self, table: TableHints, refused: list[Refused]) -> Iterator[RefusedPage]:
        """Rows of a page that are refused, whose keys are remembered for the pages of child tables that follow."""
        if table.parent is None:
            self._without.clear()
        if refused:
            key = self.shape.names.column(ID)
            self._without[table.name] = {found.row[key] for found in refused if key in found.row}
            yield RefusedPage(table, [found.row for found in refused], [found.reason for found in refused])

    def _gone(self, table: TableHints) -> set[Any]:
        """The keys of rows of its parent, in the latest page, that were refused."""
        return set() if table.parent is None else self._without.get(table.parent, set())

    def _orphans(self, page: RowsPage) -> tuple[list[Row], list[Refused]]:
        """The rows of *page* whose parents are kept, and those whose parents were refused, as far as rows have keys."""
        gone, key = self._gone(page.table), self.shape.names.column(PARENT_ID)
        if not gone:
            return page.rows, []
        return (
            [row for row in page.rows if row.get(key) not in gone],
            [Refused(row, _reason(page.table)) for row in page.rows if row.get(key) in gone],
        )

    def _arrow(self, page: ArrowPage, evolution: Evolution) -> Iterator[Page | RefusedPage]:
        from sinkkit.schema.arrow import rows_of

        data, orphans = self._arrow_orphans(page)
        kept, refused = evolution.take_arrow(data)
        yield ArrowPage(page.table, kept)
        out: list[Refused] = []
        for found in orphans + refused:
            out += [Refused(row, found.reason) for row in rows_of(found.data, table=page.table.name)]
        yield from self._out(page.table, out)

    def _arrow_orphans(self, page: ArrowPage) -> tuple[Any, list[RefusedRows]]:
        """As ``_orphans``, for Arrow data."""
        import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
        from pyarrow import compute

        data = page.data if isinstance(page.data, pa.Table) else pa.Table.from_batches([page.data])
        gone, key = self._gone(page.table), self.shape.names.column(PARENT_ID)
        if not gone or key not in data.column_names:
            return data, []
        lost = compute.is_in(data.column(key), pa.array(list(gone), data.schema.field(key).type))
        return data.filter(compute.invert(lost)), [RefusedRows(data.filter(lost), _reason(page.table))]

    def schema(self, tables: Mapping[str, PackagedTable], at: float) -> NewSchema:
        """What is known once a load has *tables*."""
        own = own_tables(self.shape, self.shape.names)
        loaded = {
            name: (table.schema, table.types)
            for name, table in tables.items()
            if name not in own and (name in self._known or not self._refused(table))
        }
        text = text_of(grown(self._known, loaded))
        return NewSchema(dataset=self.dataset, hash=hash_of(text), schema=text, at=at)

    def _refused(self, table: PackagedTable) -> bool:
        """Whether a table that is not known was not let in."""
        contract = table.schema.get("schema_contract") or {}
        return self.enforcing and contract.get("tables", "evolve") != "evolve"


def _reason(table: TableHints) -> str:
    return f"the row of table {table.parent!r} that it belongs to was refused"


def variant(names: Names, column: str, data_type: str) -> str:
    """The column for values of *data_type* that *column* does not hold."""
    return names.column(column, f"v_{data_type}")


def evolved(pages: Iterator[Page], evolver: Evolver | None) -> Iterator[Page | RefusedPage]:
    """*pages* as *evolver* lets them through; all of them, if there is none."""
    return pages if evolver is None else evolver.evolved(pages)


def write_internal_tables(writer: PackageWriter, evolver: Evolver | None, load_id: str, at: float) -> None:
    """Add the tables ``_sk_version`` (if the load brings a new version of what is known) and ``_sk_loads`` to a package whose rows are all written.

    Nothing is added where the destination wants no tables of sinkkit's own.

    Args:
        writer: The package's writer.
        evolver: What is known; None while that is not settled.
        load_id: The load.
        at: When it is, in seconds since the epoch.

    Raises:
        SourceError: If waiting rows cannot be kept, or the files cannot be written.
    """
    if evolver is None or evolver.shape.skip_internal:
        return
    writer.encode_waiting()
    schema, known = evolver.schema(writer.contents.described(), at), evolver.version
    moment = datetime.fromtimestamp(at, UTC)
    names = evolver.shape.names
    version = {"version": 1 if known is None else known.version + 1, "hash": schema.hash, "inserted_at": moment, "schema": schema.schema}
    load = {"load_id": load_id, "schema_hash": schema.hash, "inserted_at": moment, "status": 0}
    for table, row in zip(INTERNAL, (version, load), strict=True):
        if row is load or known is None or known.hash != schema.hash:
            writer.write_rows(names.table(table), [{names.column(name): value for name, value in row.items()}])
