"""A package that rests in another form than its destination wants → a second sealed set, before the first call."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from sinkkit.delivery.load import Runtime
from sinkkit.errors import ConfigError
from sinkkit.faults import Point
from sinkkit.journal.records import PackageRecord, PackageState
from sinkkit.package.folder import remove
from sinkkit.package.reader import Package
from sinkkit.runs.extraction import Storage, jobs_of, schemas_of, write_pages, writer_for
from sinkkit.runs.shape import Shape, shape_in
from sinkkit.runs.shaping import shaped, steps_for
from sinkkit.schema.items import ItemsKind
from sinkkit.sources import ArrowPage, Page
from sinkkit.sources.pages import RowsPage, TableHints

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
    if has == shape and not shape.mapping:
        if record.state is PackageState.EXTRACTED:
            runtime.journal.replace(record.load_id, record.folder, jobs_of(package.manifest))
        return package
    if not has.is_raw and not has.same_rows(shape):
        raise ConfigError(
            f"load package {record.load_id} was normalized with {has.told()}, and its destination wants {shape.told()}",
            hint="deliver it with the settings that it was normalized with, or drop it (sinkkit drop) and extract its rows again",
        )
    places = (storage.location.packages, storage.location.normalized)
    target = next(place for place in places if place != package.folder.parent)
    steps = steps_for(shape, record.load_id) if has.is_raw else ()
    with writer_for(target, record.load_id, shape, storage, runtime) as writer:
        write_pages(shaped(_pages(package, as_said=bool(steps)), steps), writer, lambda _: None)
        manifest = writer.seal()
    runtime.journal.replace(record.load_id, f"{target.name}/{record.load_id}", jobs_of(manifest), schemas_of(manifest))
    runtime.faults(Point.AFTER_REPLACE)
    remove(package.folder)
    return Package.open(target / record.load_id)


def _pages(package: Package, *, as_said: bool) -> Iterator[Page]:
    """The rows of a package as pages, file by file, with what is known of their columns, or (*as_said*) only with what the user said of them."""
    for file in package.manifest.files:
        packaged = package.manifest.tables[file.table]
        known = packaged.schema.said()
        table = TableHints(file.table, **{**known, "columns": packaged.hints} if as_said else known)
        job = package.job(file.name)
        for first in range(0, file.rows, ROWS_A_PIECE):
            rows = range(first, min(first + ROWS_A_PIECE, file.rows))
            if file.format == "jsonl":
                yield RowsPage(table, job.read(rows))
            else:
                yield ArrowPage(table, job.items(ItemsKind.TABLE, rows))
