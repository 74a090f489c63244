"""A transport for requests that shall not be sent: it answers each with 200 and an empty JSON object."""

from __future__ import annotations

import httpx

from sinkkit.declaration.client.trace import BESIDE


class RehearsalTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Opens no connection; a request for an access token gets one that is worth nothing."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a thread."""
        request.read()
        return answer_to(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a task."""
        await request.aread()
        return answer_to(request)


def answer_to(request: httpx.Request) -> httpx.Response:
    """What a rehearsed request is answered with."""
    if BESIDE in request.extensions:
        return httpx.Response(200, json={"access_token": "rehearsed", "token_type": "Bearer", "expires_in": 3600}, request=request)
    return httpx.Response(200, json={}, request=request)
