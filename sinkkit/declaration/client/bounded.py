"""Answers of bounded size: a server that sends without end fills no memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import httpx

from sinkkit.errors import CallFailed


class BoundedResponse(httpx.Response):
    """A response that gives at most ``most`` bytes of body, decoded; the text of a failure is cut there, that of a success is an error.

    Raises:
        CallFailed: When more is read of the answer to a request that succeeded: its rows arrived, and what was said of them cannot be read.
    """

    most: int
    looked_at: int = 0
    beginning: bytes | None = None
    size: int = 0
    told: Callable[[bytes | None, int], None] | None = None

    def when_closed(self, tell: Callable[[bytes | None, int], None], looked_at: int) -> None:
        """Call *tell* once when this is closed, with the beginning of what was read, *looked_at* bytes at most, and how much was read."""
        self.told, self.looked_at = tell, looked_at

    def close(self) -> None:
        """Give the connection back."""
        super().close()
        self._tell()

    async def aclose(self) -> None:
        """Give the connection back, for coroutines."""
        await super().aclose()
        self._tell()

    def _tell(self) -> None:
        if self.told is not None:
            tell, self.told = self.told, None
            tell(self.beginning, self.size)

    def _note(self, chunk: bytes) -> None:
        if self.told is not None:
            self.beginning = ((self.beginning or b"") + chunk)[: self.looked_at]
            self.size += len(chunk)

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The body in pieces."""
        left = self.most
        for chunk in super().iter_bytes(chunk_size):
            self._note(chunk)
            left -= len(chunk)
            if left < 0:
                self.close()
                self.refuse()
                yield chunk[:left]
                return
            yield chunk

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """The body in pieces, for coroutines."""
        left = self.most
        async for chunk in super().aiter_bytes(chunk_size):
            self._note(chunk)
            left -= len(chunk)
            if left < 0:
                await self.aclose()
                self.refuse()
                yield chunk[:left]
                return
            yield chunk

    def refuse(self) -> None:
        """Raise, unless the answer is a failure, of which the beginning says enough."""
        if not self.is_error:
            url = self.request.url.copy_with(query=None)
            raise CallFailed(
                f"the answer to {self.request.method} {url} (HTTP {self.status_code}) is larger than {self.most} bytes; the rest was not read",
                hint="if such answers are to be expected, raise max_response_bytes in [destination.NAME.http]",
            )
