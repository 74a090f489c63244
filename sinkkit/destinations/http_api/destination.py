"""The destination itself: a function like any other, that sends the requests made elsewhere and hands back what was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

import sinkkit
from sinkkit.destinations.http_api.requests import Request, planned
from sinkkit.destinations.http_api.settings import RestSettings
from sinkkit.destinations.http_api.statuses import judge, seconds_asked
from sinkkit.errors import CallFailed

if TYPE_CHECKING:
    from sinkkit import Outcome

REASON_CHARACTERS = 2048
"""How much of an answer is kept as a reason, as for any destination."""


@sinkkit.destination(batch_size=100, spec=RestSettings)
def rest(items: list[dict[str, Any]], settings: RestSettings, http: httpx.Client) -> Outcome | None:
    """Send rows to an HTTP API as the settings say; see docs/reference/rest.md."""
    plan = planned(settings, items)
    if len(plan.requests) > 1:
        raise CallFailed(f"these {len(items)} rows need {len(plan.requests)} requests, and one is sent for a batch", hint="set batch_size = 1")
    for request in plan.requests:
        send(request, settings, http)
    return sinkkit.Outcome(rejected=plan.rejected) if plan.rejected else None


def send(request: Request, settings: RestSettings, http: httpx.Client) -> None:
    """Send *request*; what is no success is raised."""
    answer = http.request(request.method, request.url, headers=dict(request.headers), content=request.body)
    if not judge(answer.status_code, answer.text[:REASON_CHARACTERS], seconds_asked(answer.headers), settings.statuses):
        answer.raise_for_status()
