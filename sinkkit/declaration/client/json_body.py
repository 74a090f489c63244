"""``json=`` of the injected client: rows as the JSON that APIs take, and a refusal, with its place, of what has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sinkkit.declaration.client.trace import wrote_before_failing
from sinkkit.errors import CallFailed, Reject


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
