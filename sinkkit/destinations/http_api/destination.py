"""The destination itself: a function like any other, that sends the requests made elsewhere and hands back what was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import httpx

import sinkkit
from sinkkit import Batch, Outcome, TableSchema
from sinkkit.destinations.http_api.answers import outcome_of, refuse_as_a_whole, speaks_of_rows
from sinkkit.destinations.http_api.exchange import Said, exchange
from sinkkit.destinations.http_api.jobs import Errand
from sinkkit.destinations.http_api.requests import Request, endpoints_of, planned
from sinkkit.destinations.http_api.settings import Endpoint, RestSettings
from sinkkit.destinations.http_api.statuses import SUCCESSFUL, judge, seconds_asked
from sinkkit.errors import Halt

REASON_CHARACTERS = 2048
"""How much of an answer is kept as a reason, as for any destination."""


@sinkkit.destination(batch_size=100, spec=RestSettings)
def rest(items: list[dict[str, Any]], table: TableSchema, settings: RestSettings, http: httpx.Client, batch: Batch) -> Outcome | None:
    """Send rows to an HTTP API as the settings say; see docs/reference/rest.md.

    A batch is one request. Rows that need others, for another endpoint or another path, go out in calls of their own.
    """
    refuse_unknown(endpoints_of(settings, table.name).names, table["columns"])
    plan = planned(settings, items, table.name)
    if plan.rejected or len(plan.requests) > 1:
        return Outcome(rejected=plan.rejected, unsent=[request.rows for request in plan.requests])
    [request] = plan.requests
    endpoint = settings.delete if request.operation == "delete" and settings.delete else settings
    if endpoint.job is None:
        return unless_plain(deliver(request, items, endpoint, http))

    def check(said: Said) -> None:
        if not settled_by_status(said, endpoint):
            said.raise_for_status()

    return unless_plain(Errand(request=request, items=items, endpoint=endpoint, job=endpoint.job, batch=batch, http=http, check=check).run())


def unless_plain(outcome: Outcome) -> Outcome | None:
    """*outcome*, or None where it says no more than that every row was delivered: nothing is kept of such a call."""
    return outcome if outcome.rejected or outcome.retry or outcome.receipts else None


def refuse_unknown(names: Iterable[str], columns: Mapping[str, Any]) -> None:
    """Refuse a template that names a field which no row of the table can have.

    Raises:
        Halt: If there is one; nothing was sent.
    """
    for name in sorted(names):
        first = name.partition(".")[0]
        if name not in columns and first not in columns:
            raise Halt(f"the settings name the field {name!r}, and the table has none", hint=f"its fields are: {', '.join(columns)}")


def deliver(request: Request, items: list[dict[str, Any]], endpoint: Endpoint, http: httpx.Client) -> Outcome:
    """Send *request*, which holds all *items*, and read what became of them; what is no success is raised."""
    answer, statuses = endpoint.answer, endpoint.statuses

    def wanted(status: int) -> bool:
        return answer.is_read and (status in SUCCESSFUL or status in statuses.read)

    said = exchange(http, request, most_bytes=answer.most_bytes, most_seconds=answer.most_seconds, wanted=wanted)
    if settled_by_status(said, endpoint):
        return Outcome()
    if not wanted(said.status):
        if said.status not in SUCCESSFUL:
            said.raise_for_status()
        return Outcome()
    failed = said.status not in SUCCESSFUL
    if failed and answer.results is not None and not speaks_of_rows(said.body, answer):
        refuse_as_a_whole(said.body, answer, statuses, seconds_asked(said.headers))
        said.raise_for_status()  # the same status is also that of requests which are refused as a whole
    outcome = outcome_of(said.body, items, answer, statuses, seconds_asked(said.headers))
    if failed and answer.results is None and not outcome.rejected and not outcome.retry:
        said.raise_for_status()  # no error that names rows does not mean that there was none
    return outcome


def settled_by_status(said: Said, endpoint: Endpoint) -> bool:
    """Whether the status alone says that all is well; what the settings call otherwise is raised, as ``judge`` does."""
    if not endpoint.statuses.name(said.status):
        return False
    return judge(said.status, said.text[:REASON_CHARACTERS], seconds_asked(said.headers), endpoint.statuses)
