"""What the requests of one call did, and what they carry to be known by: the batch's key, and an id of their own."""

from __future__ import annotations

import contextvars
from typing import Any

import attrs

from sinkkit.rows import Batch

SEE_OTHER = 303
"""The answer to a request that was carried out and whose result is elsewhere (RFC 9110, 15.4.4)."""

MUTATING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"""Methods that change the destination when they succeed (RFC 9110, 9.2.1, lists the others as safe)."""

BESIDE = "sinkkit.beside"
"""Marks, among its extensions, a request that is no part of what the call does, such as one for an access token."""


@attrs.define
class Trace:
    """What the requests of one call did: how many there were, how many may change the destination, whether one did, and what they carry.

    Attributes:
        key: The batch's key.
        attempt: Which try of the batch this is, from 1.
        requests: Requests so far.
        sent: Those among them whose methods change something.
        wrote: Whether one of these succeeded.
        batch: The batch itself, for whoever looks at its requests later.
    """

    key: str
    attempt: int = 1
    requests: int = 0
    sent: int = 0
    wrote: bool = False
    batch: Batch | None = None


CURRENT: contextvars.ContextVar[Trace | None] = contextvars.ContextVar("sinkkit_call", default=None)
"""The call that is running in this thread or task; httpx tells its hooks nothing else by which to know it."""


def wrote_before_failing() -> bool:
    """Whether a request of the call that ran last in this thread had changed the destination."""
    trace = CURRENT.get()
    return trace is not None and trace.wrote


def note_request(request: Any, key_header: str | None, id_header: str | None) -> None:
    """Count a request of the function and put on it what it is known by.

    Args:
        request: As it is about to be sent; sent again after an answer 401 or a redirect it is still the same request.
        key_header: Where the key goes, if anywhere: the batch's own on the first that changes something, derived ones, in order, on further ones.
        id_header: Where the request's own id goes, if anywhere: the key, the attempt, and which request of the call it is.
    """
    trace = CURRENT.get()
    if trace is None:
        return
    trace.requests += 1
    if id_header is not None:
        request.headers[id_header] = f"{trace.key}.{trace.attempt}.{trace.requests}"
    if request.method not in MUTATING:
        return
    trace.sent += 1
    if key_header is not None:
        request.headers[key_header] = trace.key if trace.sent == 1 else f"{trace.key}-{trace.sent}"


def note_response(response: Any) -> None:
    """Remember that a request of this call changed the destination."""
    trace = CURRENT.get()
    if trace is None or response.request.method not in MUTATING or BESIDE in response.request.extensions:
        return
    if response.is_success or response.status_code == SEE_OTHER:
        trace.wrote = True
