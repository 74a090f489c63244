"""A load package laid open: its tables, its files and whether they are intact, and where the rows of each job are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from sinkkit.errors import ConfigError, PackageCorrupted
from sinkkit.journal.protocol import Journal
from sinkkit.journal.records import JobCounts
from sinkkit.package.manifest import JobFile
from sinkkit.package.reader import Package
from sinkkit.rows import TableSchema
from sinkkit.runs.accounts.lineage import Load
from sinkkit.runs.location import Location


@attrs.frozen(kw_only=True)
class JobShown:
    """A job: a file of a package.

    Attributes:
        name: Its name.
        table: The table of its rows.
        format: ``jsonl``, ``arrows`` or ``parquet``.
        place: The file on disk that it is in.
        bytes: Its length.
        counts: Where its rows are; None if the package is finished or was handed over.
        problem: Why its checksum does not hold; None if it does.
    """

    name: str
    table: str
    format: str
    place: str
    bytes: int
    rows: int
    counts: JobCounts | None
    problem: str | None

    @property
    def intact(self) -> bool:
        """Whether the file is what was written."""
        return self.problem is None


@attrs.frozen(kw_only=True)
class PackageShown:
    """What is in a load package.

    Attributes:
        load: What the journal knows of it.
        folder: Where its files are; None if they were removed, which leaves it without tables and jobs.
        shape: The settings that decided on its form.
        tables: Table name to its schema.
        rows: Table name to its rows.
        jobs: Its files.
    """

    load: Load
    folder: str | None
    shape: Mapping[str, Any] = attrs.field(factory=dict)
    tables: Mapping[str, TableSchema] = attrs.field(factory=dict)
    rows: Mapping[str, int] = attrs.field(factory=dict)
    jobs: tuple[JobShown, ...] = ()

    @property
    def intact(self) -> bool:
        """Whether every file is what was written."""
        return all(job.intact for job in self.jobs)

    def asdict(self) -> dict[str, Any]:
        """The same as plain values that JSON can hold."""
        return {
            "load": self.load.asdict(),
            "folder": self.folder,
            "intact": self.intact,
            "shape": dict(self.shape),
            "tables": {name: {**table, "rows": self.rows[name]} for name, table in self.tables.items()},
            "jobs": [attrs.asdict(job) for job in self.jobs],
        }


def shown(journal: Journal, location: Location, load: Load) -> PackageShown:
    """What is in the package of *load*; all of its files are read, to see whether they are intact.

    Raises:
        PackageCorrupted: If it has no manifest that can be believed, or a file is missing or cut off.
    """
    (record,) = (package for package in journal.packages() if package.load_id == load.load_id)
    folder = location.folder / record.folder
    if not folder.exists() and load.state in {"completed", "dropped"}:
        return PackageShown(load=load, folder=None)
    package = Package.open(folder)
    counts = {one.name: one for one in journal.job_counts(load.load_id)}
    return PackageShown(
        load=load,
        folder=str(folder),
        shape=package.manifest.shape,
        tables={name: table.schema for name, table in package.manifest.tables.items()},
        rows={name: table.rows for name, table in package.manifest.tables.items()},
        jobs=tuple(_job(package, file, counts.get(file.name)) for file in package.manifest.files),
    )


def _job(package: Package, file: JobFile, counts: JobCounts | None) -> JobShown:
    try:
        package.job(file.name).check()
        problem = None
    except PackageCorrupted as error:
        problem = error.message
    return JobShown(
        name=file.name, table=file.table, format=file.format, place=file.place, bytes=file.bytes, rows=file.rows, counts=counts, problem=problem
    )


def only_pending(load_ids: list[str], pipeline_name: str) -> str:
    """The load id of the only package that is pending.

    Raises:
        ConfigError: If there are several, or none.
    """
    if len(load_ids) != 1:
        which = f"{len(load_ids)} load packages are pending: {', '.join(load_ids)}" if load_ids else "no load package is pending"
        hint = f"name one with --load or load_id=; `sinkkit status {pipeline_name}` has those that are pending"
        raise ConfigError(f"pipeline {pipeline_name!r}: it was not said which load package is meant, and {which}", hint=hint)
    return load_ids[0]
