"""A package that rests in another form than its destination wants → a second sealed set, before the first call."""

from __future__ import annotations

from sinkkit.delivery.load import Runtime
from sinkkit.faults import Point
from sinkkit.journal.records import PackageRecord, PackageState
from sinkkit.package.folder import remove
from sinkkit.package.reader import Package
from sinkkit.package.writer import PackageWriter
from sinkkit.runs.extraction import Shape, Storage, jobs_of, writer_for
from sinkkit.schema.items import ItemsKind

ROWS_A_PIECE = 10_000
"""Rows that are held at once while a package is written again."""


def normalize(record: PackageRecord, package: Package, shape: Shape, storage: Storage, runtime: Runtime) -> Package:
    """Bring *package*, that of *record*, into *shape* and mark it normalized; one that is in it already stays as it is.

    Returns:
        The package as it rests now.

    Raises:
        PackageCorrupted: If the package is not what was written.
        SchemaError: If its rows do not fit the new form; the package stays as it was.
    """
    if Shape(**package.manifest.shape) == shape:
        if record.state is PackageState.EXTRACTED:
            runtime.journal.replace(record.load_id, record.folder, jobs_of(package.manifest))
        return package
    places = (storage.location.packages, storage.location.normalized)
    target = next(place for place in places if place != package.folder.parent)
    with writer_for(target, record.load_id, shape, storage, runtime) as writer:
        _write_again(package, writer)
        manifest = writer.seal()
    runtime.journal.replace(record.load_id, f"{target.name}/{record.load_id}", jobs_of(manifest))
    runtime.faults(Point.AFTER_REPLACE)
    remove(package.folder)
    return Package.open(target / record.load_id)


def _write_again(package: Package, writer: PackageWriter) -> None:
    for file in package.manifest.files:
        schema = package.manifest.tables[file.table].schema
        job = package.job(file.name)
        for first in range(0, file.rows, ROWS_A_PIECE):
            rows = range(first, min(first + ROWS_A_PIECE, file.rows))
            hints = {
                "columns": schema["columns"],
                "primary_key": schema["primary_key"],
                "write_disposition": schema["write_disposition"],
            }
            if file.format == "jsonl":
                writer.write_rows(file.table, job.read(rows), **hints)
            else:
                writer.write_arrow(file.table, job.items(ItemsKind.TABLE, rows), **hints)
