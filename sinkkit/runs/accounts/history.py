"""Runs that have a name: whether one was completed, and its report."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sinkkit.journal.records import PackageRecord, PackageState, RunRecord
from sinkkit.runs.accounts.report import LoadInfo, loads_of, tables_of
from sinkkit.runs.accounts.state import OPEN
from sinkkit.runs.session import Session

DONE = frozenset({PackageState.COMPLETED, PackageState.HANDED_OVER})
"""States of packages whose rows must not be extracted again."""


def completed_run(session: Session, run_id: str | None) -> LoadInfo | None:
    """The report of the run named *run_id* if nothing of it is pending or unknown; None if it has no name or has not been completed.

    A run whose data had no rows is complete without a package; one whose packages were handed over has nothing left to do here; one whose
    packages were dropped is not complete.
    """
    if run_id is None:
        return None
    packages = [record for record in session.runtime.journal.packages() if record.run_name == run_id]
    runs = [run for run in session.runtime.journal.runs() if run.name == run_id and run.id != session.run]
    if packages:
        finished = any(p.state in DONE for p in packages) and not any(p.state in OPEN for p in packages)
    else:
        finished = any(run.status == "completed" for run in runs)
    if not finished:
        return None
    return _report(session, run_id, runs, packages)


def _report(session: Session, run_id: str, runs: list[RunRecord], packages: list[PackageRecord]) -> LoadInfo:
    load_ids = [record.load_id for record in packages]
    loads = loads_of(session.runtime.journal, session.storage.pipeline_name, load_ids)
    metrics: dict[str, Any] = {}
    for run in runs:
        for name, value in run.metrics.items():
            metrics[name] = metrics.get(name, 0) + value
    started = min((run.started_at for run in runs), default=session.runtime.clock.wall())
    ended = max((run.ended_at for run in runs if run.ended_at is not None), default=started)
    known = [run.destination for run in runs] + [record.destination for record in packages]
    destinations = [name for name in known if name is not None]
    return LoadInfo(
        pipeline_name=session.storage.pipeline_name,
        run_id=run_id,
        destination_name=destinations[-1] if destinations else None,
        load_ids=tuple(load_ids),
        tables=tables_of(loads),
        calls=sum(run.calls for run in runs),
        retries=sum(run.retries for run in runs),
        metrics=metrics,
        started_at=datetime.fromtimestamp(started, UTC),
        elapsed=ended - started,
        loads=loads,
    )
