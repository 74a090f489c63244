"""Where the rows of each load came from, what became of them and when: from the journal, until it is pruned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import attrs

from sinkkit.journal.records import Counts, LoadRecord, PackageState

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

TIMES = ("extracted_at", "sealed_at", "first_call_at", "completed_at", "dropped_at", "handed_over_at", "imported_at")


@attrs.frozen(kw_only=True)
class Load:
    """A load: a package of rows, from where it was extracted to where it went.

    Attributes:
        load_id: Its name, unique in the world.
        pipeline_name: The pipeline that has it.
        run_id: The name of the run that extracted it, if it had one.
        state: ``extracted``, ``normalized``, ``resolved`` (its last rows were settled by hand), ``completed``, ``dropped`` or ``handed_over``.
        source: What its data was, in words: ``files data/*.csv``, ``resource contacts``, ``list``; None if that was not kept.
        destination_name: The destination that it is bound to, if a call for it was made.
        replay: Whether its rows are rejected ones that were sent again.
        schema_version: The number of the version of what was known of the pipeline's tables once it was there; None before it is normalized.
        schema_hash: The hash of that version.
        tables: Table name to its counts; without those handed over.
        handed_over: Table name to rows that were handed over to another pipeline.
        handed_over_to: The file that they were handed over in.
        imported_from: The pipeline that extracted it, if it was imported.
        extracted_at: When its extraction began, UTC; so all times.
        sealed_at: When all of its rows were in the package.
        first_call_at: When its destination was opened for its first call; a pause that the destination asked for comes after it.
        completed_at: When nothing of it was left to send.
        dropped_at: When it was given up.
        handed_over_at: When it was handed over.
        imported_at: When it was imported.
    """

    load_id: str
    pipeline_name: str
    run_id: str | None
    state: str
    source: str | None
    destination_name: str | None
    replay: bool
    schema_version: int | None
    schema_hash: str | None
    tables: Mapping[str, Counts]
    handed_over: Mapping[str, int]
    handed_over_to: str | None
    imported_from: str | None
    extracted_at: datetime | None
    sealed_at: datetime
    first_call_at: datetime | None
    completed_at: datetime | None
    dropped_at: datetime | None
    handed_over_at: datetime | None
    imported_at: datetime | None

    @property
    def extract_seconds(self) -> float | None:
        """From the beginning of its extraction until it was sealed; None if that was not kept."""
        return _between(self.extracted_at, self.sealed_at)

    @property
    def delivery_seconds(self) -> float | None:
        """From its first call until it was completed, with all interruptions; None if it was not."""
        return _between(self.first_call_at, self.completed_at)

    @property
    def total(self) -> Counts:
        """The counts of all tables together."""
        return sum(self.tables.values(), Counts())

    def asdict(self) -> dict[str, Any]:
        """The same as plain values that JSON can hold."""
        values = {field.name: getattr(self, field.name) for field in attrs.fields(Load)}
        values |= {name: values[name] and values[name].isoformat() for name in TIMES}
        values |= {"extract_seconds": self.extract_seconds, "delivery_seconds": self.delivery_seconds}
        return {**values, "tables": {name: attrs.asdict(counts) for name, counts in self.tables.items()}, "handed_over": dict(self.handed_over)}


def _between(first: datetime | None, last: datetime | None) -> float | None:
    return None if first is None or last is None else max(0.0, (last - first).total_seconds())


def load_of(record: LoadRecord, pipeline_name: str) -> Load:
    """A load as users see it."""
    package = record.package

    def ended(state: PackageState) -> datetime | None:
        return _moment(package.completed_at) if package.state is state else None

    return Load(
        load_id=package.load_id,
        pipeline_name=pipeline_name,
        run_id=package.run_name,
        state=str(package.state),
        source=package.source,
        destination_name=package.destination,
        replay=package.replay,
        schema_version=record.schema_version,
        schema_hash=record.schema_hash,
        tables=record.tables,
        handed_over=record.handed_over,
        handed_over_to=package.handed_to,
        imported_from=package.imported_from,
        extracted_at=_moment(package.begun_at),
        sealed_at=datetime.fromtimestamp(package.created_at, UTC),
        first_call_at=_moment(package.first_call_at),
        completed_at=ended(PackageState.COMPLETED),
        dropped_at=ended(PackageState.DROPPED),
        handed_over_at=ended(PackageState.HANDED_OVER),
        imported_at=_moment(package.imported_at),
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def loads_table(loads: Iterable[Load]) -> pa.Table:
    """*loads* as an Arrow table: a row a load, its counts in all, and ``tables`` with those of each table."""
    import pyarrow as pa

    counts = [field.name for field in attrs.fields(Counts)]
    numbers = pa.struct([("table", pa.string()), *((name, pa.int64()) for name in counts), ("handed_over", pa.int64())])
    texts = ("load_id", "pipeline_name", "run_id", "state", "source", "destination_name", "handed_over_to", "imported_from")
    schema = pa.schema(
        [
            *((name, pa.string()) for name in texts),
            ("replay", pa.bool_()),
            ("schema_version", pa.int64()),
            ("schema_hash", pa.string()),
            *((name, pa.int64()) for name in counts),
            ("handed_over", pa.int64()),
            ("tables", pa.list_(numbers)),
            *((name, pa.timestamp("us", "UTC")) for name in TIMES),
            ("extract_seconds", pa.float64()),
            ("delivery_seconds", pa.float64()),
        ]
    )
    return pa.Table.from_pylist([_row(load) for load in loads], schema=schema)


def _row(load: Load) -> dict[str, Any]:
    names = [*load.tables, *(name for name in load.handed_over if name not in load.tables)]
    tables = [
        {"table": name, **attrs.asdict(load.tables.get(name, Counts())), "handed_over": load.handed_over.get(name, 0)} for name in names
    ]
    values = {field.name: getattr(load, field.name) for field in attrs.fields(Load)}
    values |= {"extract_seconds": load.extract_seconds, "delivery_seconds": load.delivery_seconds}
    return {**values, **attrs.asdict(load.total), "handed_over": sum(load.handed_over.values()), "tables": tables}
