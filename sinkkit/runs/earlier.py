"""Packages of earlier runs come first: the rules of ``on_pending`` and ``run_id``."""

from __future__ import annotations

from typing import Literal

from sinkkit.errors import ConfigError
from sinkkit.events import Warned
from sinkkit.runs.loading.delivering import check_binding
from sinkkit.runs.session import Session

OnPending = Literal["finish", "continue", "fail"]


def check_on_pending(given: str) -> None:
    """Raise ``ConfigError`` for what is not one of the three ways."""
    if given not in {"finish", "continue", "fail"}:
        raise ConfigError(f"on_pending={given!r} is not possible", hint="write 'finish', 'continue' or 'fail'")


def check_run_id(given: object, limit: int | None = None) -> None:
    """Raise ``ConfigError`` for a run's name that is no text: two runs of the same name have to be known as such; nor may a part of the data bear the name of the whole."""
    if given is not None and (not isinstance(given, str) or not given.strip()):
        raise ConfigError(f"run_id={given!r} cannot name a run", hint='give text, for example run_id=str(day) or run_id="2026-11-20"')
    if given is not None and limit is not None:
        raise ConfigError(
            f"run_id={given!r} and limit={limit!r} do not go together: a later run of that name would take no more rows",
            hint="leave out one of them, or give the part a name of its own in its own pipeline",
        )


def finish_earlier(session: Session, *, run_id: str | None, on_pending: OnPending, has_data: bool) -> bool:
    """Deliver what earlier runs left pending; whether new data may follow.

    Replays and packages on hold do not stand in the way of new data; without any, replays are finished too, and rows on hold are
    what the run fails for. Packages whose last rows were settled by hand are finished on the way.

    The report's ``data_taken`` is False while that work goes on, and stays so if it fails or if the data has to wait for
    the next run; the data of a run that *run_id* names was taken by the earlier run of that name.

    Raises:
        PendingPackages: With ``on_pending="fail"``, if there are any.
        ConfigError: If one is bound to another destination; nothing was sent.
        DeliveryFailed: If rows stay pending or unknown.
    """
    if not session.open_packages():
        return True
    pending = session.pending() if has_data else session.deliverable()
    settled = session.resolved() if has_data else []
    for record in pending:
        check_binding(record, session.ready.name if session.ready else "")
    if on_pending == "fail":
        session.refuse_pending(session.pending())
    named = [] if run_id is None else [record for record in session.open_packages() if record.run_name == run_id]
    session.data_taken = bool(named) or not has_data
    session.deliver(settled + pending)
    if not has_data:
        session.report_on(session.on_hold())
    if named:
        session.report_on(named)
        return False
    if pending and run_id is None and on_pending == "finish":
        if has_data:
            name = session.storage.pipeline_name
            session.around.observe(
                Warned(message=f"pipeline {name!r} finished rows of an earlier run and did NOT take the data given; "
                    "if it is other data than that run had, run again to send it")
            )
        return False
    session.data_taken = True
    session.warn_of_holds()
    return True
