"""One request and its answer: how much of it is read, and for how long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import attrs
import httpx

from sinkkit.destinations.http_api.answers import SHOWN
from sinkkit.destinations.http_api.requests import Request
from sinkkit.errors import CallFailed

REASON_BYTES = 16 * 1024
"""How much is read of an answer of which only its beginning counts, as a reason."""

FRAMING = ("content-encoding", "content-length", "transfer-encoding")
"""Headers that speak of the body as it travelled."""


@attrs.frozen
class Said:
    """An answer: its status and headers, and its body as far as it was read."""

    status: int
    headers: httpx.Headers
    body: bytes
    request: httpx.Request

    @property
    def text(self) -> str:
        """The body as text."""
        return self._response().text

    def raise_for_status(self) -> None:
        """Raise ``httpx.HTTPStatusError`` unless the status is a success; of a 4xx or 5xx, with the beginning of what the API said."""
        response = self._response()
        if response.is_error:
            said = f"HTTP {self.status}: {response.text.strip()[:SHOWN]}".removesuffix(": ")
            raise httpx.HTTPStatusError(said, request=self.request, response=response)
        response.raise_for_status()

    def _response(self) -> httpx.Response:
        """The answer as httpx has it once it is read."""
        headers = [(name, value) for name, value in self.headers.multi_items() if name.lower() not in FRAMING]
        return httpx.Response(self.status, headers=headers, content=self.body, request=self.request)


def exchange(
    http: httpx.Client,
    request: Request,
    *,
    most_bytes: int,
    most_seconds: float,
    wanted: Callable[[int], bool],
    now: Callable[[], float] = time.monotonic,
) -> Said:
    """Send *request* and read its answer.

    Args:
        http: The client.
        request: The request.
        most_bytes: How much is read of an answer that is *wanted*.
        most_seconds: How long reading may take.
        wanted: Whether the body counts, by status; of others only the beginning is read.
        now: A clock.

    Raises:
        httpx.HTTPError: If the connection cannot be made or breaks, or the answer takes too long.
        CallFailed: If an answer that is wanted is longer.
    """
    sent: dict[str, Any] = {"content": request.body} if request.body else {}
    with http.stream(request.method, request.url, headers=dict(request.headers), **sent) as response:
        counts = wanted(response.status_code)
        most = most_bytes if counts else REASON_BYTES
        parts, size, until, complete = [], 0, now() + most_seconds, True
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > most:
                complete = False
                break
            if now() > until:
                raise httpx.ReadTimeout(f"the answer was not complete after {most_seconds:g} s", request=response.request)
    if not complete and counts:
        raise CallFailed(
            f"the answer is longer than {most_bytes:,} bytes: it was not read, and nothing is known of the rows",
            hint="raise answer.most_bytes if such answers are right, or lower batch_size",
        )
    body = b"".join(parts)[:most]
    return Said(response.status_code, response.headers, body, response.request)
