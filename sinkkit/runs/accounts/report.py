"""What a run says of itself: counts from the journal, for people and programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs

from sinkkit.errors import DeliveryFailed, PendingPackages
from sinkkit.journal.protocol import Journal
from sinkkit.journal.records import Counts
from sinkkit.runs.accounts.lineage import Load, load_of


@attrs.frozen(kw_only=True)
class LoadInfo:
    """The report of a run.

    Attributes:
        pipeline_name: The pipeline.
        run_id: The run's name, if it was given one.
        destination_name: Where rows went; None if nothing was to be sent.
        load_ids: The load packages concerned.
        tables: Table name to its counts over these packages' whole life; ``extracted`` is the sum of ``delivered``,
            ``rejected``, ``pending`` and ``unknown``, and ``resent`` rows were sent again after an unknown fate.
        calls: Calls made in this run.
        retries: Calls that were not the first for their rows.
        metrics: Numbers that the function returned, summed.
        started_at: When the run began, UTC.
        elapsed: How long it took, in seconds.
        data_taken: Whether the data given was extracted; False where pending rows were finished instead.
        more_left: Whether the data had more rows than the run's ``limit`` let it take.
        held: Rows of unknown fate that wait for somebody to say whether they arrived; they are counted as ``unknown``.
        loads: What the journal knows of each of the load packages: source, counts, times.
    """

    pipeline_name: str
    run_id: str | None = None
    destination_name: str | None = None
    load_ids: tuple[str, ...] = ()
    tables: Mapping[str, Counts] = attrs.field(factory=dict)
    calls: int = 0
    retries: int = 0
    metrics: Mapping[str, Any] = attrs.field(factory=dict)
    started_at: datetime
    elapsed: float = 0.0
    data_taken: bool = True
    more_left: bool = False
    held: int = 0
    loads: tuple[Load, ...] = ()

    @property
    def total(self) -> Counts:
        """The counts of all tables together."""
        return sum(self.tables.values(), Counts())

    @property
    def has_rejected(self) -> bool:
        """Whether rows were refused and kept as dead letters."""
        return self.total.rejected > 0

    @property
    def complete(self) -> bool:
        """Whether nothing is pending or unknown."""
        return self.total.settled

    def raise_on_rejected(self) -> None:
        """Raise ``DeliveryFailed`` if rows were rejected."""
        if self.has_rejected:
            raise DeliveryFailed(
                f"{self.total.rejected:,} rows of pipeline {self.pipeline_name!r} were rejected",
                info=self,
                hint=f"see `sinkkit rejected {self.pipeline_name}` or pipeline.rejected()",
            )

    def raise_if_data_not_taken(self) -> None:
        """Raise ``PendingPackages`` if pending rows were finished instead of extracting the data given."""
        if not self.data_taken:
            raise PendingPackages(
                f"pipeline {self.pipeline_name!r} finished rows of an earlier run and did not take the data given",
                hint="if it was that run's data, you are done; if other data, run again; name runs with run_id to have this decided",
            )

    def asdict(self) -> dict[str, Any]:
        """The report as plain values that JSON can hold."""
        return {
            "pipeline_name": self.pipeline_name,
            "run_id": self.run_id,
            "destination_name": self.destination_name,
            "load_ids": list(self.load_ids),
            "tables": {name: attrs.asdict(counts) for name, counts in self.tables.items()},
            "calls": self.calls,
            "retries": self.retries,
            "metrics": dict(self.metrics),
            "started_at": self.started_at.isoformat(),
            "elapsed": self.elapsed,
            "data_taken": self.data_taken,
            "more_left": self.more_left,
            "held": self.held,
            "loads": [load.asdict() for load in self.loads],
        }

    def __str__(self) -> str:
        return describe(self)


def describe(info: LoadInfo) -> str:
    """The report for people: one line on the whole, one a table, one on anything to know."""
    to = f" → {info.destination_name}" if info.destination_name else ""
    lines = [f"{info.pipeline_name}{to}: {_words(info.total)} in {info.elapsed:.2f} s"]
    if info.calls:
        lines[0] += f", {_many(info.calls, 'call')}" + (f", {info.retries:,} of them retries" if info.retries else "")
    if len(info.tables) > 1:
        lines += [f"  {name}: {_words(counts)}" for name, counts in info.tables.items()]
    if info.metrics:
        lines.append("  " + ", ".join(f"{name} {value:,}" for name, value in info.metrics.items()))
    if info.total.resent:
        lines.append(f"  {_many(info.total.resent, 'row')} of unknown fate sent again under the same key")
    if info.total.pending or info.total.unknown:
        undelivered = f"not everything was delivered: run again, or `sinkkit resume {info.pipeline_name}`"
        if info.held == info.total.pending + info.total.unknown:
            undelivered = f"{_many(info.held, 'row')} on hold: say whether they arrived with `sinkkit resolve {info.pipeline_name}`"
        unsent = f"extracted and not sent yet: pipeline.load(), or `sinkkit load {info.pipeline_name}`"
        lines.append("  " + (undelivered if info.destination_name else unsent))
    for load in info.loads:
        if load.handed_over_at is not None:
            rows = _many(sum(load.handed_over.values()), "row")
            lines.append(f"  {rows} handed over in {load.handed_over_to} ({load.handed_over_at:%Y-%m-%d %H:%M:%S} UTC)")
    return "\n".join([*lines, *_of_data(info)])


def _of_data(info: LoadInfo) -> list[str]:
    """What is to be known of the data that was given."""
    lines = []
    if info.more_left:
        lines.append("  the data had more rows than the limit of this run; they were not taken")
    if not info.data_taken:
        earlier = "were finished" if info.complete else "come first"
        lines.append(f"  rows of an earlier run {earlier}; the data given was NOT taken")
        lines.append("  if it was the data of that run, you are done; if it was other data, run again (run_id tells the two apart)")
    return lines


def _words(counts: Counts) -> str:
    parts = [f"{_many(counts.delivered, 'row')} delivered"]
    parts += [f"{getattr(counts, name):,} {name}" for name in ("rejected", "pending", "unknown") if getattr(counts, name)]
    return ", ".join(parts)


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def info_of(
    journal: Journal, pipeline_name: str, run: int, *, load_ids: list[str], data_taken: bool, more_left: bool = False, now: float
) -> LoadInfo:
    """The report of run number *run* over the packages *load_ids*, all counts from the journal; *now* in seconds since the epoch."""
    record = journal.run(run)
    loads = loads_of(journal, pipeline_name, load_ids)
    tables = tables_of(loads)
    held = journal.held() if any(counts.unknown for counts in tables.values()) else []
    return LoadInfo(
        pipeline_name=pipeline_name,
        run_id=record.name,
        destination_name=record.destination,
        load_ids=tuple(load_ids),
        tables=tables,
        calls=record.calls,
        retries=record.retries,
        metrics=record.metrics,
        started_at=datetime.fromtimestamp(record.started_at, UTC),
        elapsed=max(0.0, (record.ended_at or now) - record.started_at),
        data_taken=data_taken,
        more_left=more_left,
        held=sum(found.batch.row_count for found in held if found.load_id in load_ids),
        loads=loads,
    )


def loads_of(journal: Journal, pipeline_name: str, load_ids: Sequence[str] | None = None) -> tuple[Load, ...]:
    """All that is known of every load, oldest first, or of those with these ids, in their order."""
    return tuple(load_of(record, pipeline_name) for record in journal.loads(load_ids))


def tables_of(loads: Sequence[Load]) -> dict[str, Counts]:
    """The counts of each table over several loads."""
    tables: dict[str, Counts] = {}
    for load in loads:
        for name, counts in load.tables.items():
            tables[name] = tables.get(name, Counts()) + counts
    return tables
