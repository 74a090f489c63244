"""Data in: what earlier runs left is finished first, then data is taken into a package, and delivered if there is a destination."""

from __future__ import annotations

from typing import Any, Self

import attrs

from sinkkit.journal.records import PackageRecord, PackageState
from sinkkit.runs.accounts.history import completed_run
from sinkkit.runs.accounts.report import LoadInfo
from sinkkit.runs.earlier import OnPending, finish_earlier
from sinkkit.runs.extracting.extraction import TableArguments, extract
from sinkkit.runs.extracting.shape import Shape, shape_of
from sinkkit.runs.session import Session
from sinkkit.schema.mapping.reading import Mappings, read_mapping
from sinkkit.sources.described import described
from sinkkit.sources.quota import Quota


@attrs.frozen(kw_only=True)
class Intake:
    """What the caller says of the data.

    Attributes:
        table: The table of its rows.
        mapping: What is done to them, instead of what the destination says; None: what it says.
        quota: How many of them are wanted; None: all.
    """

    table: TableArguments
    mapping: Mappings | None = None
    quota: Quota | None = None

    @classmethod
    def of(cls, table: TableArguments, mapping: Any, limit: int | None) -> Self:
        """From the arguments of ``run`` and ``extract``.

        Raises:
            ConfigError: If one is impossible.
        """
        return cls(
            table=table,
            mapping=None if mapping is None else read_mapping(mapping),
            quota=None if limit is None else Quota(limit),
        )


def take_and_deliver(session: Session, data: Any, intake: Intake, run_id: str | None, on_pending: OnPending) -> LoadInfo:
    """``Pipeline.run``, once the pipeline is owned; arguments and errors are its own."""
    done = completed_run(session, run_id)
    if done is not None:
        return done
    if not finish_earlier(session, run_id=run_id, on_pending=on_pending, has_data=data is not None):
        return session.last_info()
    if data is not None and session.ready is not None:
        record = _take(session, data, intake, shape_of(session.ready), PackageState.NORMALIZED)
        session.deliver([] if record is None else [record])
    return session.last_info()


def take_only(session: Session, data: Any, intake: Intake, run_id: str | None, shape: Shape) -> LoadInfo:
    """``Pipeline.extract``, once the pipeline is owned; arguments and errors are its own."""
    done = completed_run(session, run_id)
    if done is not None:
        return done
    named = [record.load_id for record in session.open_packages() if run_id is not None and record.run_name == run_id]
    session.load_ids += named
    if not named:
        record = _take(session, data, intake, shape, PackageState.EXTRACTED)
        session.load_ids += [] if record is None else [record.load_id]
    return session.info()


def _take(session: Session, data: Any, intake: Intake, shape: Shape, state: PackageState) -> PackageRecord | None:
    if intake.mapping is not None:
        shape = attrs.evolve(shape, mapping=intake.mapping)
    record = extract(
        data,
        intake.table,
        shape,
        session.storage,
        session.runtime,
        run_name=session.run_name,
        state=state,
        source=session.masked(described(data)),
        quota=intake.quota,
    )
    session.more_left = intake.quota is not None and intake.quota.more
    return record
