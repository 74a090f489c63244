"""Data in: what earlier runs left is finished first, then data is taken into a package, and delivered if there is a destination."""

from __future__ import annotations

from typing import Any

from sinkkit.journal.records import PackageState
from sinkkit.runs.earlier import OnPending, finish_earlier
from sinkkit.runs.extraction import TableArguments, extract
from sinkkit.runs.history import completed_run
from sinkkit.runs.report import LoadInfo
from sinkkit.runs.session import Session
from sinkkit.runs.shape import Shape, shape_of
from sinkkit.sources.described import described


def take_and_deliver(session: Session, data: Any, table: TableArguments, run_id: str | None, on_pending: OnPending) -> LoadInfo:
    """``Pipeline.run``, once the pipeline is owned; arguments and errors are its own."""
    done = completed_run(session, run_id)
    if done is not None:
        return done
    if not finish_earlier(session, run_id=run_id, on_pending=on_pending, has_data=data is not None):
        return session.info()
    if data is not None and session.ready is not None:
        _take(session, data, table, shape_of(session.ready), PackageState.NORMALIZED)
        new = [record for record in session.pending() if record.load_id not in session.load_ids]
        session.deliver(new)
    return session.info()


def take_only(session: Session, data: Any, table: TableArguments, run_id: str | None, shape: Shape) -> LoadInfo:
    """``Pipeline.extract``, once the pipeline is owned; arguments and errors are its own."""
    done = completed_run(session, run_id)
    if done is not None:
        return done
    named = [record.load_id for record in session.open_packages() if run_id is not None and record.run_name == run_id]
    session.load_ids += named
    if not named:
        _take(session, data, table, shape, PackageState.EXTRACTED)
    return session.info()


def _take(session: Session, data: Any, table: TableArguments, shape: Shape, state: PackageState) -> None:
    source = session.masked(described(data))
    load_id = extract(data, table, shape, session.storage, session.runtime, run_name=session.run_name, state=state, source=source)
    if load_id is not None and session.ready is None:
        session.load_ids.append(load_id)
