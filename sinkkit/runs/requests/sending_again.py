"""One request of a run, made again: its batch goes through the destination once more, and the accounts stay as they are."""

from __future__ import annotations

from functools import partial
from typing import Any

import attrs

from sinkkit.clock import Clock
from sinkkit.declaration.destination import as_destination
from sinkkit.declaration.opening import make_ready
from sinkkit.delivery.failures import describe
from sinkkit.errors import ConfigError
from sinkkit.events import Event
from sinkkit.faults import idle
from sinkkit.journal.ranges import numbers_of
from sinkkit.journal.records import PackageRecord
from sinkkit.package.reader import Package
from sinkkit.rows import ALL_DELIVERED, Batch, Outcome
from sinkkit.runs.accounts.state import OPEN
from sinkkit.runs.extracting.extraction import Storage
from sinkkit.runs.loading.delivering import check_binding, reader_for
from sinkkit.runs.location import Location
from sinkkit.runs.requests.request_store import KeptRequest
from sinkkit.runs.session import Session, Surroundings, opened
from sinkkit.runs.tuning import MAX_FILE_BYTES, MAX_FILE_ROWS


@attrs.frozen(kw_only=True)
class SentAgain:
    """What a destination said to a batch that was sent again.

    Attributes:
        request: The request that was named.
        row_count: Rows of the batch.
        outcome: What the function answered; None if it raised.
        error: What it raised, secrets masked; None if it answered.
    """

    request: KeptRequest
    row_count: int
    outcome: Outcome | None = None
    error: str | None = None


def send_again(location: Location, request: KeptRequest, destination: Any, clock: Clock) -> SentAgain:
    """Send the batch of *request* again, whole, once and under the same key; the journal's accounts do not change.

    What was kept of the request itself is cut and masked, so it cannot be sent: the destination makes it anew from the batch's rows.

    Raises:
        ConfigError: If its batch is not known, is still to be delivered, is gone, or went to another destination.
        PipelineLocked: If another process runs the pipeline.
    """
    name = location.folder.name
    if request.load_id is None or request.job is None or request.rows is None:
        raise ConfigError(f"request {request.id} was not made for a batch", hint="requests of probes and of the function's own making cannot be sent again")
    ready = make_ready(as_destination(destination), name)
    storage = Storage(location=location, pipeline_name=name, max_file_rows=MAX_FILE_ROWS, max_file_bytes=MAX_FILE_BYTES)
    around = Surroundings(clock=clock, observe=_silent, faults=idle, drain=0.0, keep_packages=KEPT)
    with opened(storage, around, ready=ready, run_name=None) as session:
        session.status = "sent again"
        record = package_of(session, request)
        check_binding(record, ready.name)
        return through(session, request, Package.open(location.folder / record.folder))


KEPT = 1 << 62
"""Packages that stay: looking at old ones removes none."""


def package_of(session: Session, request: KeptRequest) -> PackageRecord:
    """The package that the rows of *request* rest in.

    Raises:
        ConfigError: If it is gone, or not finished.
    """
    name = session.storage.pipeline_name
    record = next((record for record in session.runtime.journal.packages() if record.load_id == request.load_id), None)
    if record is not None and record.state in OPEN:
        raise ConfigError(
            f"the load package of request {request.id} is not finished: what became of its rows is still open",
            hint=f"`sinkkit resume {name}` sends what is pending, under the same keys",
        )
    if record is None or not (session.storage.location.folder / record.folder).exists():
        raise ConfigError(
            f"the rows of request {request.id} are gone: load package {request.load_id} is finished, and its files were removed",
            hint=f"to keep the files of finished packages, set keep_packages, for example [{name}] keep_packages = 3 in config.toml",
        )
    return record


def through(session: Session, request: KeptRequest, package: Package) -> SentAgain:
    """Send the batch of *request* from *package* through the destination."""
    ready = session.ready
    if ready is None or request.job is None:
        raise ConfigError("there is no destination to send to", hint="name one")
    rows = numbers_of(0, 0, request.rows)
    batch = Batch(
        request.load_id or "",
        session.storage.pipeline_name,
        request.table or "",
        request.job,
        rows,
        request.key or "",
        (request.attempt or 0) + 1,
        partial(reader_for(package, ready), request.job, rows),
    )
    sink = ready.open([table.schema for table in package.manifest.tables.values()])
    try:
        outcome = sink.deliver(batch)
    except Exception as error:  # noqa: BLE001  # whatever the function raises is what the user asked to see
        return SentAgain(request=request, row_count=len(rows), error=describe(error, ready.resolver.redactor.text))
    finally:
        sink.close()
    return SentAgain(request=request, row_count=len(rows), outcome=outcome)


def said(found: SentAgain) -> str:
    """What became of the rows, for people."""
    outcome = found.outcome
    if outcome is None:
        return f"it failed: {found.error}"
    if outcome is ALL_DELIVERED or not (outcome.rejected or outcome.retry):
        return "all were delivered"
    refused = f"{len(outcome.rejected)} rejected (the first: {next(iter(outcome.rejected.values()))})" if outcome.rejected else ""
    return ", ".join(filter(None, (refused, f"{len(outcome.retry)} not taken" if outcome.retry else "")))


def _silent(_: Event) -> None:
    """Observers hear nothing of it."""
