"""Giving up what is pending: the rows are never sent, those of a replay go back to the list of rejected rows."""

from __future__ import annotations

from sinkkit.errors import ConfigError
from sinkkit.runs.loading.delivering import clean_up
from sinkkit.runs.session import Session


def drop(session: Session, load_id: str | None, *, force: bool) -> tuple[str, ...]:
    """Give up one open load package or all, with their files; returns the load ids.

    Raises:
        PendingPackages: If rows are not settled and *force* was not given.
        ConfigError: If there is no such package.
    """
    journal = session.runtime.journal
    found = [record for record in session.open_packages() if load_id in {None, record.load_id}]
    if load_id is not None and not found:
        raise ConfigError(
            f"pipeline {session.storage.pipeline_name!r} has no pending load package {load_id!r}", hint="see pipeline.pending"
        )
    if not force:
        session.refuse_unsettled(found)
    session.status = "dropped"
    session.load_ids += [record.load_id for record in found]
    for record in found:
        journal.drop(record.load_id, session.runtime.clock.wall())
    clean_up(session.storage.location.folder, session.around.keep_packages, session.runtime.journal.packages())
    return tuple(record.load_id for record in found)
