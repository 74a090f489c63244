"""Packages out: bind, normalize if need be, open the destination, deliver, complete, clean up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from sinkkit.declaration.client.trace import wrote_before_failing
from sinkkit.declaration.opening import Ready
from sinkkit.delivery.call import Caller, Read
from sinkkit.delivery.limits.limiter import Limits
from sinkkit.delivery.load import Load, Runtime, deliver
from sinkkit.delivery.plan import Flight
from sinkkit.errors import ConfigError
from sinkkit.events import LoadFinished, LoadStarted
from sinkkit.faults import Point
from sinkkit.journal.records import Counts, PackageRecord, PackageState
from sinkkit.package.folder import remove
from sinkkit.package.reader import Package
from sinkkit.rows import TableSchema
from sinkkit.runs.extracting.extraction import Storage
from sinkkit.runs.extracting.normalization import normalize
from sinkkit.runs.extracting.shape import own_tables, shape_in, shape_of
from sinkkit.runs.loading.lookahead import check_order, look_of
from sinkkit.runs.loading.stages import Stage, held_above, stages_of
from sinkkit.runs.loading.typed_rows import TypedRows
from sinkkit.runs.location import entries
from sinkkit.schema.encoding.codec import encode
from sinkkit.schema.items import ItemsKind
from sinkkit.schema.shapes import shapes_of


@attrs.frozen(kw_only=True)
class Delivery:
    """One run's deliveries: to one destination, under one set of limits."""

    ready: Ready
    storage: Storage
    run: int
    drain: float
    keep_packages: int
    limiter: Limits | None


def deliver_package(record: PackageRecord, delivery: Delivery, runtime: Runtime) -> tuple[BaseException | None, bool]:
    """Deliver what is open of one package; returns why it halted, or None, and whether nothing of it is left open.

    Raises:
        ConfigError: If the package is bound to another destination.
        PackageCorrupted: If its files are not what was written.
        JournalError: If the journal cannot be written.
    """
    check_binding(record, delivery.ready.name)
    package = _in_shape(record, delivery, runtime)
    total = _total(runtime, record.load_id)
    settled = total.delivered + total.rejected
    runtime.observe(LoadStarted(load_id=record.load_id, destination=delivery.ready.name, rows=total.extracted, settled=settled))
    halted, complete = _deliver(record, package, delivery, runtime)
    if complete:
        runtime.faults(Point.BEFORE_COMPLETE)
        runtime.journal.complete(record.load_id, runtime.clock.wall())
        runtime.faults(Point.AFTER_COMPLETE)
        clean_up(delivery.storage.location.folder, delivery.keep_packages, runtime.journal.packages())
    runtime.observe(LoadFinished(load_id=record.load_id, complete=complete))
    return halted, complete


def check_binding(record: PackageRecord, name: str) -> None:
    """Raise ``ConfigError`` if a package's rows went, or were to go, to another destination."""
    if record.destination not in {None, name}:
        raise ConfigError(
            f"load package {record.load_id} is bound to destination {record.destination!r} and cannot be loaded to {name!r}",
            hint=f"finish it with destination {record.destination!r} (a renamed function: destination_name={record.destination!r}), "
            "or give its rows up with pipeline.drop(load_id, force=True)",
        )


def _in_shape(record: PackageRecord, delivery: Delivery, runtime: Runtime) -> Package:
    """The package in the form the destination wants; one that was started stays in the form it has, as its batches count its rows."""
    package = Package.open(delivery.storage.location.folder / record.folder)
    if runtime.journal.begun(record.load_id):
        _check_begun(record, package, delivery)
        return package
    return normalize(record, package, shape_of(delivery.ready), delivery.storage, runtime)


def _check_begun(record: PackageRecord, package: Package, delivery: Delivery) -> None:
    """Refuse whole files of a package of which parts may have been sent already."""
    if delivery.ready.kind is ItemsKind.PATH and not shape_in(package.manifest.shape).exact_files:
        raise ConfigError(
            f"load package {record.load_id} was begun in batches and cannot be finished as whole files",
            hint="finish it with the batch_size it was begun with, or give its rows up with pipeline.drop(load_id, force=True)",
        )


def _deliver(
    record: PackageRecord, package: Package, delivery: Delivery, runtime: Runtime
) -> tuple[BaseException | None, bool]:
    """Why the delivery halted, or None; and whether nothing of the package is left open."""
    tables = _tables_of(package)
    own = own_tables(shape_in(package.manifest.shape), delivery.ready.names)
    check_order(package, delivery.ready.options.order_by, own)
    sink = delivery.ready.open(tables)
    read = reader_for(package, delivery.ready)
    try:
        runtime.journal.bind(record.load_id, delivery.ready.name, runtime.clock.wall())
        load = Load(
            load_id=record.load_id,
            run=delivery.run,
            destination=delivery.ready.name,
            options=delivery.ready.options,
            caller=_caller(sink, read, delivery, runtime),
            keep=_keeper(package),
            look=look_of(package, delivery.ready.kind),
            limiter=delivery.limiter,
            drain=delivery.drain,
            fit=read.fit if isinstance(read, TypedRows) else None,
        )
        halted = _in_stages(load, stages_of(tables, load.options.order_by, own), runtime)
        complete = halted is None and _total(runtime, record.load_id).settled
        if complete:
            sink.complete()
        return halted, complete
    finally:
        sink.close()


def _tables_of(package: Package) -> list[TableSchema]:
    """The tables that a destination has to do with: not those of which a schema contract refuses every row."""
    files = package.manifest.files
    refused = {file.table for file in files if file.refused} - {file.table for file in files if not file.refused}
    return [table.schema for name, table in package.manifest.tables.items() if name not in refused]


def _in_stages(load: Load, stages: Sequence[Stage], runtime: Runtime) -> BaseException | None:
    """Deliver the tables of one stage after another, each once all before it are settled; returns why that halted, or None."""
    if len(stages) == 1:
        return deliver(load, runtime)
    before = _total(runtime, load.load_id).delivered
    for stage in stages:
        options = load.options if stage.in_order else attrs.evolve(load.options, order_by=None)
        delivered = _total(runtime, load.load_id).delivered - before
        halted = deliver(attrs.evolve(load, options=options, tables=stage.tables, delivered=delivered), runtime)
        if halted is not None or not stage.settled(runtime.journal.counts(load.load_id)):
            return halted or (None if stage is stages[-1] else held_above(stage, load.load_id, runtime.journal))
    return None


def _total(runtime: Runtime, load_id: str) -> Counts:
    return sum(runtime.journal.counts(load_id).values(), Counts())


def reader_for(package: Package, ready: Ready) -> Read:
    """Job name and row numbers to the items that a destination asked for: objects, or what its kind says."""
    if ready.structurer is None:
        return reader_of(package, ready.kind)
    return TypedRows(package, ready.structurer, ready.resolver.redactor.text)


def _caller(sink: Any, read: Read, delivery: Delivery, runtime: Runtime) -> Caller:
    ready = delivery.ready
    redactor = ready.resolver.redactor
    return Caller(
        sink=sink,
        read=read,
        pipeline_name=delivery.storage.pipeline_name,
        clock=runtime.clock,
        idempotent=ready.options.idempotency_header is not None,
        wrote=wrote_before_failing if ready.client is not None else _never,
        clean_text=redactor.text,
        clean_error=redactor.error,
        whole_files=ready.kind is ItemsKind.PATH,
    )


def _never() -> bool:
    return False


def reader_of(package: Package, kind: ItemsKind) -> Callable[[str, Sequence[int]], Any]:
    """Job name and row numbers to the items of *kind*."""

    def items(job: str, rows: Sequence[int]) -> Any:
        return package.job(job).items(kind, rows)

    def dicts(job: str, rows: Sequence[int]) -> Any:
        return package.job(job).read(rows)

    return dicts if kind is ItemsKind.ROWS else items


def _keeper(package: Package) -> Callable[[Flight, int], bytes]:
    """Encodes one row of a batch, for its dead letter."""

    def keep(flight: Flight, position: int) -> bytes:
        number = flight.rows[position]
        rows = package.job(flight.job.name).items(ItemsKind.ROWS, range(number, number + 1))
        return encode(rows, shapes_of(rows), table=flight.job.table, first_row=flight.job.first_index + number).rstrip(b"\n")

    return keep


def clean_up(folder: Path, keep: int, packages: Sequence[PackageRecord]) -> None:
    """Remove the files of those *packages*, all that the journal knows, that are finished, but for the newest *keep*; a killed run leaves some behind."""
    finished = [r for r in packages if r.state in {PackageState.COMPLETED, PackageState.DROPPED}]
    doomed = {folder / record.folder for record in finished[: max(0, len(finished) - keep)]}
    for place in sorted({path.parent for path in doomed}):
        for found in entries(place):
            if found in doomed:
                remove(found)


def remove_unregistered(storage: Storage, packages: Sequence[PackageRecord]) -> None:
    """Remove what none of *packages*, all that the journal knows, refers to: the remains of an extraction or normalization that was killed."""
    known = {storage.location.folder / record.folder for record in packages}
    for place in (storage.location.packages, storage.location.normalized):
        for found in entries(place):
            if found not in known:
                remove(found)
