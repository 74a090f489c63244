"""The ``rest`` destination against a bare pool of threads and against a function, at a real server in a process of its own.

Usage: ``python benchmarks/rest.py [--latency 0.05] [--rows 40000] [--batch 100] [--repeat 3] [--answers]``.
With ``--answers`` the server says of each row what became of it, and the destination reads that. Prints figures; asserts nothing
but that all rows arrived. Wall time means little on a busy machine: the time on the processor is printed beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import httpx

import sinkkit

WORKERS = 16


async def serve(latency: float, *, answers: bool) -> None:
    """Answer every request after *latency* seconds; say on standard output where."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
                body = await reader.readexactly(length)
                rows = body.count(b'"id":')
                answer = json.dumps({"results": [{"status": 200}] * rows}).encode() if answers else b"{}"
                if latency:
                    await asyncio.sleep(latency)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer))
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=1 << 24)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@attrs.frozen(kw_only=True)
class Work:
    """What is sent, where, and in batches of how many rows; whether the server says what became of each."""

    url: str
    rows: int
    size: int
    answers: bool

    def data(self) -> Iterator[list[dict[str, Any]]]:
        """Rows in pages, made as they are asked for."""
        for start in range(0, self.rows, 1000):
            yield [{"id": i, "qty": i % 100, "price": i * 0.25, "name": f"name_{i}", "active": i % 2 == 0} for i in range(start, min(self.rows, start + 1000))]

    def bare(self) -> int:
        """A pool of threads that posts slices, with nothing around it; how many rows were sent."""
        client = httpx.Client(limits=httpx.Limits(max_connections=WORKERS, max_keepalive_connections=WORKERS))

        def post(items: list[dict[str, Any]]) -> int:
            response = client.post(self.url, json=items).raise_for_status()
            if self.answers:
                response.json()
            return len(items)

        batches = (page[start : start + self.size] for page in self.data() for start in range(0, len(page), self.size))
        with client, ThreadPoolExecutor(WORKERS) as pool:
            return sum(pool.map(post, batches))

    def through(self, destination: sinkkit.Destination) -> int:
        """A pipeline to *destination*; how many rows were delivered."""
        with tempfile.TemporaryDirectory() as folder:
            pipeline = sinkkit.pipeline("bench", destination=destination, pipelines_dir=folder, progress="off")
            return int(pipeline.run(self.data(), table_name="t").tables["t"].delivered)

    def rest(self) -> int:
        """The ``rest`` destination."""
        read: Mapping[str, Any] = {"answer": {"results": {"at": "results", "status_at": "status"}}} if self.answers else {}
        return self.through(sinkkit.destinations.rest(base_url=self.url, path="/rows", batch_size=self.size, workers=WORKERS, **read))

    def function(self) -> int:
        """A decorated function with the injected client."""

        @sinkkit.destination(batch_size=self.size, workers=WORKERS, name="bench")
        def post(items: list[dict[str, Any]], http: httpx.Client) -> None:
            response = http.post("/rows", json=items).raise_for_status()
            if self.answers:
                response.json()

        return self.through(post(http={"base_url": self.url}))


def measured(send: Callable[[], int], rows: int) -> tuple[float, float]:
    """Seconds of wall time and on the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    arrived = send()
    if arrived != rows:
        raise SystemExit(f"{arrived} of {rows} rows arrived")
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Run each way in turn and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--answers", action="store_true")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(given.latency, answers=given.answers))
        return
    command = [sys.executable, __file__, "--serve", "--latency", str(given.latency), *(["--answers"] if given.answers else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        port = int(server.stdout.readline()) if server.stdout else 0
        work = Work(url=f"http://127.0.0.1:{port}", rows=given.rows, size=given.batch, answers=given.answers)
        ways = {"a bare pool": work.bare, "a function": work.function, "rest": work.rest}
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for _ in range(given.repeat):
            for name, send in ways.items():
                times[name].append(measured(send, given.rows))
        server.kill()
    floor = [statistics.median(each) for each in zip(*times["a bare pool"], strict=True)]
    for name, found in times.items():
        wall, cpu = (statistics.median(each) for each in zip(*found, strict=True))
        print(f"{name:12} {wall:7.2f} s ({wall / floor[0]:4.2f} x)   {cpu:7.2f} s on the processor ({cpu / floor[1]:4.2f} x)")


if __name__ == "__main__":
    main()
