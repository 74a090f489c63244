"""A package that rests in another form than its destination wants → a second sealed set, before the first call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import attrs

from sinkkit.delivery.load import Runtime
from sinkkit.errors import ConfigError
from sinkkit.faults import Point
from sinkkit.journal.records import PackageRecord, PackageState
from sinkkit.package.folder import remove
from sinkkit.package.manifest import JobFile
from sinkkit.package.reader import Package
from sinkkit.package.writer import PackageWriter
from sinkkit.runs.extracting.evolving import Evolver, evolved, write_internal_tables
from sinkkit.runs.extracting.extraction import Storage, jobs_of, schemas_of, write_pages, writer_for
from sinkkit.runs.extracting.refusals import Refusals
from sinkkit.runs.extracting.shape import Shape, shape_in
from sinkkit.runs.extracting.shaping import shaped, steps_for
from sinkkit.schema.columns.contract import EVERYTHING, checked_contract
from sinkkit.schema.items import ItemsKind
from sinkkit.sources import ArrowPage, Page
from sinkkit.sources.pages import Columns, RowsPage, TableHints

ROWS_A_PIECE = 10_000
"""Rows that are held at once while a package is written again."""


def normalize(record: PackageRecord, package: Package, shape: Shape, storage: Storage, runtime: Runtime) -> Package:
    """Bring *package*, that of *record*, into *shape* and mark it normalized; one that is in it already stays as it is.

    Returns:
        The package as it rests now.

    Raises:
        PackageCorrupted: If the package is not what was written.
        SchemaError: If its rows do not fit the new form; the package stays as it was.
        ConfigError: If its rows were normalized in another way; the package stays as it was.
    """
    has = shape_in(package.manifest.shape)
    if has.mapped is not None:  # rows are mapped once
        shape = attrs.evolve(shape, mapping=None, mapped=has.mapped)
    if record.replay:  # dead letters are found by table and number, and are sent as they were
        shape = attrs.evolve(shape, names=has.names, max_nesting_level=has.max_nesting_level, skip_internal=has.skip_internal)
    shape = attrs.evolve(shape, enforced=True)
    fresh = record.state is PackageState.EXTRACTED
    enforcing = fresh and not has.enforced
    fits = has == shape and not shape.mapping
    if fits and not fresh:
        return package
    evolver = Evolver.of(runtime.journal, storage.dataset, shape, enforcing=enforcing)
    if fits and not (enforcing and _has_contract(package)):
        schema = evolver.schema(package.manifest.tables, runtime.clock.wall())
        runtime.journal.replace(record.load_id, record.folder, jobs_of(package.manifest), schema=schema)
        return package
    if not has.is_raw and not has.same_rows(shape):
        raise ConfigError(
            f"load package {record.load_id} was normalized with {has.told()}, and its destination wants {shape.told()}",
            hint="deliver it with the settings that it was normalized with, or drop it (sinkkit drop) and extract its rows again",
        )
    places = (storage.location.packages, storage.location.normalized)
    target = next(place for place in places if place != package.folder.parent)
    steps = steps_for(shape, record.load_id) if has.is_raw else ()
    new = fresh or bool(steps)
    with closing(Refusals()) as refusals, writer_for(target, record.load_id, shape, storage, runtime) as writer:
        pages = shaped(_pages(package, as_said=new), steps)
        write_pages(evolved(pages, evolver if new else None), writer, lambda _: None, refusals)
        _write_refused(package, writer)
        at = runtime.clock.wall()
        write_internal_tables(writer, evolver if new else None, record.load_id, at)
        manifest = writer.seal()
        runtime.journal.replace(
            record.load_id,
            f"{target.name}/{record.load_id}",
            jobs_of(manifest),
            schemas_of(manifest),
            rejected=refusals.letters(writer.folder, at),
            schema=evolver.schema(manifest.tables, at) if new else None,
        )
    runtime.faults(Point.AFTER_REPLACE)
    remove(package.folder)
    return Package.open(target / record.load_id)


def _has_contract(package: Package) -> bool:
    """Whether the user said of any table that not everything is to be taken as it comes."""
    contracts = (checked_contract(table.schema.get("schema_contract")) for table in package.manifest.tables.values())
    return any(contract not in {None, EVERYTHING} for contract in contracts)


def _files(package: Package, *, refused: bool) -> list[JobFile]:
    return [file for file in package.manifest.files if file.refused == refused]


def _write_refused(package: Package, writer: PackageWriter) -> None:
    """Take over the rows that contracts refused when the package was written; their dead letters are on the list already."""
    for file in _files(package, refused=True):
        job = package.job(file.name)
        for first in range(0, file.rows, ROWS_A_PIECE):
            writer.write_rows(file.table, [], **package.manifest.tables[file.table].schema.said())
            writer.write_refused(file.table, job.read(range(first, min(first + ROWS_A_PIECE, file.rows))))


def _without_seen_json(known: Columns, said: Columns) -> Columns:
    """*known* without what would make text of values that were only seen to be json, and not said to be."""
    return {
        name: hint if hint.get("data_type") != "json" or "data_type" in said.get(name, {}) else {k: v for k, v in hint.items() if k != "data_type"}
        for name, hint in known.items()
    }


def _pages(package: Package, *, as_said: bool) -> Iterator[Page]:
    """The rows of a package as pages, file by file, with what is known of their columns, or (*as_said*) only with what the user said of them."""
    for file in _files(package, refused=False):
        packaged = package.manifest.tables[file.table]
        known = packaged.schema.said()
        columns = packaged.hints if as_said else _without_seen_json(known["columns"], packaged.hints)
        table = TableHints(file.table, **{**known, "columns": columns})
        job = package.job(file.name)
        for first in range(0, file.rows, ROWS_A_PIECE):
            rows = range(first, min(first + ROWS_A_PIECE, file.rows))
            if file.format == "jsonl":
                yield RowsPage(table, job.read(rows))
            else:
                yield ArrowPage(table, job.items(ItemsKind.TABLE, rows))
