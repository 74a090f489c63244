"""A limit for a request as a whole: httpx knows limits for each step, and a byte now and then would keep a request going for ever.

Every connection of a client is made through a ``Timed...Backend``, which shortens the time that each step gets to what is left of the whole. The
deadline is kept in a context variable: a thread or task waits for its own request only.
"""

from __future__ import annotations

import contextvars
from typing import Any

import httpcore

from sinkkit.clock import Clock, SystemClock

CLOCK: Clock = SystemClock()
"""The sockets' own time limits are measured by it."""

PIECE_BYTES = 1 << 16
"""A longer body is handed over in pieces of this size, each within what is left of the time."""

DEADLINE: contextvars.ContextVar[float | None] = contextvars.ContextVar("sinkkit_deadline", default=None)
"""When the request that is running in this thread or task must have been answered, on the clock above."""

TOO_LATE = "the request as a whole took longer than its timeout"


def begin(seconds: float | None) -> None:
    """Give the request that now begins *seconds* as a whole; None: no limit."""
    DEADLINE.set(None if seconds is None else CLOCK.now() + seconds)


def left(timeout: float | None, late: type[Exception]) -> float | None:
    """What a step that may take *timeout* seconds may take now.

    Raises:
        httpcore.TimeoutException: The one that is *late*, if nothing is left of the whole.
    """
    deadline = DEADLINE.get()
    if deadline is None:
        return timeout
    seconds = deadline - CLOCK.now()
    if seconds <= 0:
        raise late(TOO_LATE)
    return seconds if timeout is None or seconds < timeout else timeout


class TimedStream(httpcore.NetworkStream):
    """A connection whose steps end with the whole."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self.stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has arrived."""
        return self.stream.read(max_bytes, left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of *buffer*."""
        for start in range(0, len(buffer), PIECE_BYTES):
            self.stream.write(buffer[start : start + PIECE_BYTES], left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """End the connection."""
        self.stream.close()

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> httpcore.NetworkStream:
        """The same connection, encrypted."""
        return TimedStream(self.stream.start_tls(ssl_context, server_hostname, left(timeout, httpcore.ConnectTimeout)))

    def get_extra_info(self, info: str) -> Any:
        """What the connection knows of itself."""
        return self.stream.get_extra_info(info)


class TimedBackend(httpcore.NetworkBackend):
    """Makes such connections."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self.backend = backend

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, local_address: str | None = None, socket_options: Any = None) -> httpcore.NetworkStream:
        """A connection to *host*."""
        return TimedStream(self.backend.connect_tcp(host, port, left(timeout, httpcore.ConnectTimeout), local_address, socket_options))

    def sleep(self, seconds: float) -> None:
        """Wait before another try to connect."""
        self.backend.sleep(left(seconds, httpcore.ConnectTimeout) or 0)


class TimedAsyncStream(httpcore.AsyncNetworkStream):
    """A connection of coroutines whose steps end with the whole."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self.stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  # httpcore's signature
        """What has arrived."""
        return await self.stream.read(max_bytes, left(timeout, httpcore.ReadTimeout))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109  # httpcore's signature
        """Send all of *buffer*."""
        for start in range(0, len(buffer), PIECE_BYTES):
            await self.stream.write(buffer[start : start + PIECE_BYTES], left(timeout, httpcore.WriteTimeout))

    async def aclose(self) -> None:
        """End the connection."""
        await self.stream.aclose()

    async def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> httpcore.AsyncNetworkStream:  # noqa: ASYNC109  # httpcore's signature
        """The same connection, encrypted."""
        return TimedAsyncStream(await self.stream.start_tls(ssl_context, server_hostname, left(timeout, httpcore.ConnectTimeout)))

    def get_extra_info(self, info: str) -> Any:
        """What the connection knows of itself."""
        return self.stream.get_extra_info(info)


class TimedAsyncBackend(httpcore.AsyncNetworkBackend):
    """Makes such connections."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self.backend = backend

    async def connect_tcp(self, host: str, port: int, timeout: float | None = None, local_address: str | None = None, socket_options: Any = None) -> httpcore.AsyncNetworkStream:  # noqa: ASYNC109  # httpcore's signature
        """A connection to *host*."""
        return TimedAsyncStream(await self.backend.connect_tcp(host, port, left(timeout, httpcore.ConnectTimeout), local_address, socket_options))

    async def sleep(self, seconds: float) -> None:
        """Wait before another try to connect."""
        await self.backend.sleep(left(seconds, httpcore.ConnectTimeout) or 0)
