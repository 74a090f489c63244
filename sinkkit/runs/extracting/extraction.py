"""Data → a sealed load package, registered in the journal; or nothing at all."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import attrs

from sinkkit.delivery.load import Runtime
from sinkkit.events import Observer, PackageSealed, RowsExtracted
from sinkkit.faults import Point
from sinkkit.journal.records import JobRecord, PackageRecord, PackageState
from sinkkit.package.manifest import Manifest
from sinkkit.package.writer import PackageWriter
from sinkkit.runs.extracting.evolving import Evolver, RefusedPage, evolved, write_internal_tables
from sinkkit.runs.extracting.refusals import Refusals
from sinkkit.runs.extracting.shape import Shape
from sinkkit.runs.extracting.shaping import shaped, steps_for
from sinkkit.runs.location import Location
from sinkkit.sources import ArrowPage, Page, read
from sinkkit.sources.quota import Quota


@attrs.frozen(kw_only=True)
class Storage:
    """Where packages are written, and how large their files get (rows, bytes)."""

    location: Location
    pipeline_name: str
    max_file_rows: int
    max_file_bytes: int
    durability: str = "full"
    dataset: str = ""
    """The name of the dataset whose tables the rows are of, if it has one."""


@attrs.frozen
class TableArguments:
    """What the caller says about the table of the data."""

    table_name: str | None = None
    columns: Any = None
    primary_key: Any = None
    write_disposition: str | None = None
    merge_key: Any = None
    schema_contract: Any = None


def extract(
    data: Any,
    table: TableArguments,
    shape: Shape,
    storage: Storage,
    runtime: Runtime,
    *,
    run_name: str | None,
    state: PackageState,
    source: str | None = None,
    quota: Quota | None = None,
) -> PackageRecord | None:
    """Take all of *data*, which *source* names in words, or what *quota* wants of it, into a new package.

    Returns its record, or None if there were no rows.

    Raises:
        SourceError: If the data cannot be read or kept; nothing of it stays.
        ConfigError: If what is said of the table is impossible.
    """
    begun_at = runtime.clock.wall()
    load_id = new_load_id(begun_at)
    pages = read(data, **attrs.asdict(table, recurse=False), quota=quota)
    evolver = Evolver.of(runtime.journal, storage.dataset, shape) if state is PackageState.NORMALIZED else None
    shape = attrs.evolve(shape, enforced=evolver is not None)
    with closing(Refusals()) as refusals, writer_for(storage.location.packages, load_id, shape, storage, runtime) as writer:
        write_pages(evolved(shaped(pages, steps_for(shape, load_id)), evolver), writer, runtime.observe, refusals)
        if writer.rows == 0:
            return None
        write_internal_tables(writer, evolver, load_id, begun_at)
        manifest = writer.seal()
        at = runtime.clock.wall()
        record = PackageRecord(
            load_id=load_id,
            folder=f"{storage.location.packages.name}/{load_id}",
            state=state,
            run_name=run_name,
            destination=None,
            created_at=at,
            source=source,
            begun_at=begun_at,
        )
        letters = refusals.letters(writer.folder, at)
        schema = None if evolver is None else evolver.schema(manifest.tables, at)
        runtime.journal.register(record, jobs_of(manifest), schemas_of(manifest), rejected=letters, schema=schema)
    runtime.faults(Point.AFTER_REGISTER)
    runtime.observe(PackageSealed(load_id=load_id, rows=manifest.rows))
    return record


def new_load_id(wall: float) -> str:
    """A name for a package, unique in the world and sorted by time: milliseconds since the epoch and 64 random bits."""
    return f"{int(wall * 1000):013d}-{secrets.token_hex(8)}"


def writer_for(
    parent: Any, load_id: str, shape: Shape, storage: Storage, runtime: Runtime, *, json_text: bool = True
) -> PackageWriter:
    """A writer of a package in the folder *parent*; without *json_text*, rows that come to rest as Arrow have it already where they need it."""
    return PackageWriter(
        parent,
        load_id,
        storage.pipeline_name,
        file_format="parquet" if shape.loader_file_format == "parquet" else "jsonl",
        exact_files=shape.exact_files,
        max_file_rows=storage.max_file_rows,
        max_file_bytes=storage.max_file_bytes,
        durability="process" if storage.durability == "process" else "full",
        json_text=json_text,
        shape=shape.asdict(),
        clock=runtime.clock,
        faults=runtime.faults,
    )


def write_pages(pages: Iterator[Page | RefusedPage], writer: PackageWriter, observe: Observer, refusals: Refusals) -> None:
    """Write every page, in order, and tell *observe* of its rows; *refusals* keeps why some are refused."""
    for page in pages:
        table = page.table
        if isinstance(page, ArrowPage):
            writer.write_arrow(table.name, page.data, **table.said())
            rows = page.data.num_rows
        elif isinstance(page, RefusedPage):
            refusals.write(writer, table.name, page.rows, page.reasons)
            rows = len(page.rows)
        else:
            writer.write_rows(table.name, page.rows, shapes=page.shapes, **table.said())
            rows = len(page.rows)
        observe(RowsExtracted(table=table.name, rows=rows))


def schemas_of(manifest: Manifest) -> dict[str, str]:
    """Table name to its schema as text, as the journal keeps it while rows may come back as dead letters."""
    return {name: json.dumps(table.schema, default=str) for name, table in manifest.tables.items()}


def jobs_of(manifest: Manifest) -> list[JobRecord]:
    """The jobs of a package, as the journal keeps them."""
    return [
        JobRecord(
            id=0,
            load_id=manifest.load_id,
            name=file.name,
            table=file.table,
            row_count=file.rows,
            first_index=file.first_index,
            refused=file.refused,
        )
        for file in manifest.files
    ]
