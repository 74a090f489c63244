"""A server of its own process that takes 50 ms for a call and only so many at once; prints its port.

Usage: ``python benchmarks/limited_server.py TAKES at-once|late``. Beyond TAKES it answers 429: at once, or after 50 ms as well;
calls that wait to be refused count like others.
"""

from __future__ import annotations

import asyncio
import sys

LATENCY_SECONDS = 0.05
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
TOO_MANY = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n"


class LimitedServer:
    """Counts the calls that are under way."""

    def __init__(self, takes: int, *, late: bool) -> None:
        """Take *takes* calls at once; refuse the others *late*, or at once."""
        self.takes, self.late, self.running = takes, late, 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the calls of one connection, one after another."""
        try:
            while True:
                await self._read(reader)
                writer.write(await self._answer())
        except (asyncio.IncompleteReadError, ConnectionError):  # the caller has gone
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length")]
        await reader.readexactly(sum(lengths))

    async def _answer(self) -> bytes:
        self.running += 1
        fits = self.running <= self.takes
        if fits or self.late:
            await asyncio.sleep(LATENCY_SECONDS)
        self.running -= 1
        return OK if fits else TOO_MANY


async def main() -> None:
    """Serve until killed."""
    limited = LimitedServer(int(sys.argv[1]), late=sys.argv[2] == "late")
    server = await asyncio.start_server(limited.connected, "127.0.0.1", 0, backlog=500)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
