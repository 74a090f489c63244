"""The injected HTTP client: one a destination, shared by its workers, with what config says and each batch's key."""

from __future__ import annotations

import contextvars
from collections.abc import Mapping
from typing import Any

import attrs

from sinkkit.errors import CallFailed, Reject

SEE_OTHER = 303
"""The answer to a request that was carried out and whose result is elsewhere (RFC 9110, 15.4.4)."""

MUTATING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"""Methods that change the destination when they succeed (RFC 9110, 9.2.1, lists the others as safe)."""


@attrs.define
class Trace:
    """What the requests of one call did: how many changed the destination so far, and the key they carry."""

    key: str
    sent: int = 0
    wrote: bool = False


CURRENT: contextvars.ContextVar[Trace | None] = contextvars.ContextVar("sinkkit_call", default=None)
"""The call that is running in this thread or task; httpx tells its hooks nothing else by which to know it."""


def wrote_before_failing() -> bool:
    """Whether a request of the call that ran last in this thread had changed the destination."""
    trace = CURRENT.get()
    return trace is not None and trace.wrote


def open_client(arguments: Mapping[str, Any], header: str | None) -> Any:
    """An ``httpx.Client`` that encodes ``json=`` with orjson and carries the batch's key in *header*."""
    import httpx

    class Client(httpx.Client):
        """httpx's own, but for how ``json=`` becomes bytes."""

        def build_request(self, method: str, url: Any, **given: Any) -> httpx.Request:
            return super().build_request(method, url, **encoded(given, self.headers))

    def before(request: httpx.Request) -> None:
        note_request(request, header)

    def after(response: httpx.Response) -> None:
        note_response(response)

    return Client(**arguments, event_hooks={"request": [before], "response": [after]})


def open_async_client(arguments: Mapping[str, Any], header: str | None) -> Any:
    """The same for coroutines."""
    import httpx

    class AsyncClient(httpx.AsyncClient):
        """httpx's own, but for how ``json=`` becomes bytes."""

        def build_request(self, method: str, url: Any, **given: Any) -> httpx.Request:
            return super().build_request(method, url, **encoded(given, self.headers))

    async def before(request: httpx.Request) -> None:
        note_request(request, header)

    async def after(response: httpx.Response) -> None:
        note_response(response)

    return AsyncClient(**arguments, event_hooks={"request": [before], "response": [after]})


def note_request(request: Any, header: str | None) -> None:
    """Put the key on a request: the batch's own on the first, derived ones, in order, on further ones."""
    trace = CURRENT.get()
    if trace is None or request.method not in MUTATING:
        return
    trace.sent += 1
    if header is not None:
        request.headers[header] = trace.key if trace.sent == 1 else f"{trace.key}-{trace.sent}"


def note_response(response: Any) -> None:
    """Remember that a request of this call changed the destination."""
    trace = CURRENT.get()
    if trace is not None and response.request.method in MUTATING and (response.is_success or response.status_code == SEE_OTHER):
        trace.wrote = True


def encoded(given: dict[str, Any], usual: Mapping[str, str]) -> dict[str, Any]:
    """Arguments of a request with ``json=`` turned into bytes and their content type, unless *usual*, the client's own headers, has one."""
    data = given.get("json")
    if data is None or given.get("content") is not None:
        return given
    import httpx

    headers = httpx.Headers(given.get("headers"))
    if "Content-Type" not in usual:
        headers.setdefault("Content-Type", "application/json")
    return {**given, "json": None, "content": _judged(data), "headers": headers}


def _judged(data: Any) -> bytes:
    """The JSON of *data*; where an earlier request of this call has changed the destination, a refusal says nothing of these rows."""
    try:
        return to_json(data)
    except Reject as error:
        if wrote_before_failing():
            raise CallFailed(f"{error.message}, and an earlier request of this call had succeeded", hint=error.hint) from error
        raise


def to_json(data: Any) -> bytes:
    """JSON for an API: dates as ISO 8601, ``Decimal`` and ``UUID`` as text.

    Raises:
        Reject: If a value has no JSON, such as NaN; nothing was sent. The reason names its place.
    """
    import orjson

    try:
        text = orjson.dumps(data, default=_as_text, option=orjson.OPT_NON_STR_KEYS)
    except TypeError as error:
        return _big_json(data, error)
    if b"null" in text:
        _refuse_nan(data, "$")
    return text


def _as_text(value: Any) -> Any:
    from datetime import timedelta
    from decimal import Decimal

    if isinstance(value, Decimal):
        if not value.is_finite():
            raise TypeError(f"{value} has no JSON form")
        return str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, set | frozenset):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _big_json(data: Any, error: TypeError) -> bytes:
    """What orjson cannot write: whole numbers beyond 64 bits, with the standard library."""
    import json
    from datetime import date, time
    from uuid import UUID

    def text(value: Any) -> Any:
        if isinstance(value, date | time):
            return value.isoformat()
        return str(value) if isinstance(value, UUID) else _as_text(value)

    try:
        return json.dumps(data, default=text, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as second:
        raise Reject(
            f"these rows have no JSON form: {second}", hint="convert the value in the function before sending it"
        ) from error


def _refuse_nan(data: Any, where: str) -> None:
    """Raise for the first float that JSON has no text for; orjson would have written null."""
    if isinstance(data, float):
        if data != data or data in {float("inf"), float("-inf")}:  # noqa: PLR0124  # NaN alone differs from itself
            raise Reject(f"{data} at {where} has no JSON form", hint="replace it in the function, for example by None")
    elif isinstance(data, Mapping):
        for name, value in data.items():
            _refuse_nan(value, f"{where}.{name}")
    elif isinstance(data, list | tuple):
        for index, value in enumerate(data):
            _refuse_nan(value, f"{where}[{index}]")
