"""Why there is no access token, and what that means for the call that wants one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from sinkkit.declaration.client.retry_after import read_retry_after
from sinkkit.declaration.client.trace import wrote_before_failing
from sinkkit.errors import CallFailed, Halt, RetryLater

BUSY = frozenset({408, 425, 429})
"""Statuses that say nothing of the credentials, beside those of a server that fails (5xx)."""

SERVER_ERROR = 500

OK, REFUSED = range(200, 300), range(400, 500)

HINTS: Mapping[str, str] = {
    "invalid_client": "check client_id, client_secret and client_auth (post or basic)",
    "invalid_grant": "the refresh token has expired, was taken back, or was used up when the server gave a new one: allow access once more",
    "invalid_scope": "check scope",
    "unauthorized_client": "the server does not let this client_id ask in this way",
    "unsupported_grant_type": "the server does not know this way of asking; another type of http.auth may be the right one",
}
"""What to do about the errors of RFC 6749, section 5.2."""

USUAL_HINT = "check token_url and what else stands in [destination.NAME.http.auth]"

LONGEST_TOLD = 300
"""Characters of a server's own words in a message."""


@attrs.frozen
class Failure:
    """Why there is no token.

    Attributes:
        told: What happened, as the end of a sentence.
        hint: What to do.
        halting: Whether trying again is of no use.
        after: Seconds that the server asked to be left alone.
    """

    told: str
    hint: str = USUAL_HINT
    halting: bool = True
    after: float | None = None


class NoToken(Exception):  # it never leaves the client: ``raised`` makes of it what a call may raise
    """There is no token."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.told)
        self.failure = failure


def raised(failure: Failure) -> Exception:
    """What the call raises that wants the token: its own request was not sent, but an earlier one may have changed the destination."""
    import httpx

    message = f"there is no access token: {failure.told}"
    if not wrote_before_failing():
        if failure.halting:
            return Halt(message, hint=failure.hint)
        return RetryLater(message, after=failure.after)
    message += ", and an earlier request of this call had succeeded"
    return CallFailed(message, hint=failure.hint) if failure.halting else httpx.ReadError(message)


def failure_of(status: int, headers: Mapping[str, str], content: bytes, *, asked: str, wall: float) -> Failure | None:
    """Why an answer brought no token; None if its status says that it brought one.

    Args:
        status: Of the answer.
        headers: Of the answer.
        content: Its body.
        asked: The URL that was asked.
        wall: Seconds since the epoch.
    """
    answer = f"{asked} answered HTTP {status}"
    if status in BUSY or status >= SERVER_ERROR:
        return Failure(answer, halting=False, after=read_retry_after(headers.get("retry-after"), wall))
    given = document(content)
    if status in OK and "error" not in given:
        return None
    error, words = str(given.get("error", "")), str(given.get("error_description", ""))[:LONGEST_TOLD]
    said = ": ".join(part for part in (error, words) if part)
    if not said and status in REFUSED:
        said = " ".join(content[:LONGEST_TOLD].decode(errors="replace").split())
    return Failure(f"{answer}, {said}" if said else answer, HINTS.get(error, USUAL_HINT))


def document(content: bytes) -> Mapping[str, Any]:
    """The JSON object in *content*; empty if there is none."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}
