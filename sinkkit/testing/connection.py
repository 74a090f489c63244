"""One connection to the misbehaving API: requests in, one at a time, and answers out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias, cast

import attrs

from sinkkit.testing.answers import Answer, Request
from sinkkit.testing.wire import INTERIM, Head, render, split_body, split_head


@attrs.frozen
class Reply:
    """What is done with a request: whether its rows are processed, and the answer; None: the connection is dropped."""

    processes: bool
    answer: Answer | None


Arrive: TypeAlias = Callable[[Head, bytes], tuple[Request, float, Reply]]
Finish: TypeAlias = Callable[[Request, Reply], None]


class Connection(asyncio.Protocol):
    """Reads requests and does what *arrive* says of each; *finish* is told just before the client gets its answer.

    A request whose client has gone is finished all the same, as a server would. The connection is in
    *open_connections* as long as it is open.
    """

    def __init__(self, arrive: Arrive, finish: Finish, open_connections: set[Connection]) -> None:
        self._arrive = arrive
        self._finish = finish
        self._open = open_connections
        self._buffer = bytearray()
        self._head: Head | None = None
        self._busy = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen to the client."""
        self._transport = cast("asyncio.Transport", transport)
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the name and the argument are asyncio's
        """Forget the client, whatever the reason."""
        self._transport = None
        self._open.discard(self)

    def data_received(self, data: bytes) -> None:
        """Take what the client sent."""
        self._buffer += data
        self._read()

    def drop(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _read(self) -> None:
        """Handle the next request if it is complete and the one before it is finished."""
        if self._busy or self._transport is None:
            return
        try:
            if self._head is None:
                self._head = split_head(self._buffer)
                if self._head and self._head.headers.get("expect", "").lower() == "100-continue":
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = split_body(self._head, self._buffer) if self._head else None
        except ValueError as error:
            self._transport.write(render(Answer(400, body={"error": str(error)}), to="", keep_alive=False))
            self._transport.close()
            return
        if self._head is None or body is None:
            return
        head, self._head, self._busy = self._head, None, True
        request, seconds, reply = self._arrive(head, body)
        if seconds > 0:
            asyncio.get_running_loop().call_later(seconds, self._act, head, request, reply)
        else:
            self._act(head, request, reply)

    def _act(self, head: Head, request: Request, reply: Reply) -> None:
        self._busy = False
        self._finish(request, reply)
        if self._transport is None or self._transport.is_closing():
            return
        if reply.answer is None:
            self.drop()
            return
        keep_alive = head.keep_alive and reply.answer.status not in INTERIM  # after an interim answer the client waits for another
        self._transport.write(render(reply.answer, to=head.method, keep_alive=keep_alive))
        if keep_alive:
            self._read()
        else:
            self._transport.close()
