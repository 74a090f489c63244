"""A real HTTP server on loopback that misbehaves as told and remembers every request.

::

    with MisbehavingApi([TooMany(retry_after=1), Drop.after, None]) as api:
        httpx.post(f"{api.url}/contacts", json=[{"id": 1}])
        assert api.received == [{"id": 1}]
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from threading import Condition, Thread
from types import TracebackType
from typing import Any, Self, TypeAlias

from sinkkit.clock import Clock, SystemClock
from sinkkit.errors import ConfigError, SinkkitError
from sinkkit.testing.answers import Answer, Drop, Fault, Request, Script, Slow, TooMany, checked, policy_of, random_faults
from sinkkit.testing.connection import Connection, Reply
from sinkkit.testing.wire import Head, rows_in

ReadRows: TypeAlias = Callable[[Mapping[str, str], bytes], list[Any]]
"""Takes headers (lower-case names) and body, gives the rows in it; raises ValueError for a body that it cannot read."""


class MisbehavingApi:
    """An HTTP API of your own on 127.0.0.1 that spoils requests by a script and records all of them; a context manager.

    It answers any method and path with 200 unless the script says otherwise. One thread serves all connections;
    what it has recorded can be read from any thread, while it serves and after it was closed.

    Args:
        script: Faults for the first requests in order (None: process and answer 200), after which all is well; or a
            function ``(number, request) -> fault or None``, called in the server's thread; or ``random_faults(...)``.
        latency: Seconds every request takes at least.
        seed: Without a script: spoil requests at random, repeatably, as ``random_faults(seed)``.
        honours_keys: Whether a key that was processed before is answered 200 and its rows are not received again.
        key_header: The header with the idempotency key.
        read_rows: How rows are found in a body; by default JSON arrays, objects and JSON Lines, also compressed.
        clock: Says when requests arrive.

    Raises:
        ConfigError: If the script holds what is no fault, or both *script* and *seed* are given.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        latency: float = 0.0,
        seed: int | None = None,
        honours_keys: bool = False,
        key_header: str = "Idempotency-Key",
        read_rows: ReadRows = rows_in,
        clock: Clock | None = None,
    ) -> None:
        if script is not None and seed is not None:
            raise ConfigError("MisbehavingApi got both script= and seed=", hint="give script=random_faults(seed, ...)")
        self._policy = policy_of(script if seed is None else random_faults(seed))
        self._latency = latency
        self._honours_keys = honours_keys
        self._key_header = key_header.lower()
        self._read_rows = read_rows
        self._clock = clock or SystemClock()
        self._changed = Condition()
        self._requests: list[Request] = []
        self._received: list[Any] = []
        self._keys: set[str] = set()
        self._in_flight = 0
        self._most_in_flight = 0
        self._failure: Exception | None = None
        self._thread: Thread | None = None
        self._stop: Callable[[], None] | None = None
        self._port: int | None = None

    @property
    def url(self) -> str:
        """Where it listens, as ``http://127.0.0.1:PORT``; still known after it was closed, when nothing listens there.

        Raises:
            SinkkitError: If it was never started.
        """
        if self._port is None:
            raise SinkkitError("the API was not started, so it has no url", hint="use it as a context manager, or call start()")
        return f"http://127.0.0.1:{self._port}"

    @property
    def requests(self) -> list[Request]:
        """Every request read so far, in order."""
        with self._changed:
            return list(self._requests)

    @property
    def received(self) -> list[Any]:
        """The rows of all requests that were processed, in the order in which they were."""
        with self._changed:
            return list(self._received)

    @property
    def in_flight(self) -> int:
        """Requests that were read and are neither answered nor dropped."""
        with self._changed:
            return self._in_flight

    @property
    def most_in_flight(self) -> int:
        """The highest *in_flight* there was."""
        with self._changed:
            return self._most_in_flight

    def wait_until(self, test: Callable[[MisbehavingApi], bool], seconds: float = 10.0) -> None:
        """Wait until *test*, asked again after every change, is true of this API.

        Raises:
            SinkkitError: If it is not after *seconds* of real time.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: test(self), seconds):
                seen = f"{len(self._requests)} requests, {len(self._received)} rows received, {self._in_flight} in flight"
                raise SinkkitError(f"what was waited for did not happen in {seconds:g} s: {seen}", hint="look at api.requests")

    def start(self) -> Self:
        """Listen on a free port; the same one as before if it was closed.

        Raises:
            OSError: If it cannot listen.
        """
        if self._thread is None:
            ready: Future[tuple[int, Callable[[], None]]] = Future()
            self._thread = Thread(target=self._run, args=(ready,), name="misbehaving-api", daemon=True)
            self._thread.start()
            try:
                self._port, self._stop = ready.result()
            except BaseException:
                self._thread = None
                raise
        return self

    def close(self) -> None:
        """Stop listening and cut all connections, as a server that went down; what was recorded stays."""
        if self._thread is not None and self._stop is not None:
            self._stop()
            self._thread.join()
            self._thread = self._stop = None
            with self._changed:
                self._in_flight = 0

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close it, and raise what the script's function raised, if it did and nothing else is being raised."""
        self.close()
        if self._failure is not None and error is None:
            raise self._failure

    def _run(self, ready: Future[tuple[int, Callable[[], None]]]) -> None:
        try:
            asyncio.run(self._serve(ready))
        except Exception as error:
            if ready.done():
                raise
            ready.set_exception(error)

    async def _serve(self, ready: Future[tuple[int, Callable[[], None]]]) -> None:
        loop = asyncio.get_running_loop()
        stopped = asyncio.Event()

        def stop() -> None:
            loop.call_soon_threadsafe(stopped.set)

        open_connections: set[Connection] = set()
        server = await loop.create_server(
            lambda: Connection(self._arrive, self._finish, open_connections), "127.0.0.1", self._port or 0, backlog=1024
        )
        ready.set_result((server.sockets[0].getsockname()[1], stop))
        await stopped.wait()
        server.close()
        while open_connections:
            for connection in list(open_connections):
                connection.drop()
            await asyncio.sleep(0)

    def _arrive(self, head: Head, body: bytes) -> tuple[Request, float, Reply]:
        """Record a request; (it, seconds until it is finished, what is to be done with it then)."""
        problem: Exception | None = None
        rows: list[Any] = []
        try:
            rows = self._read_rows(head.headers, body)
        except ValueError as error:
            problem = error
        with self._changed:
            number = len(self._requests)
            request = Request(
                number=number,
                method=head.method,
                path=head.path,
                headers=head.headers,
                body=body,
                rows=rows,
                key=head.headers.get(self._key_header),
                arrived=self._clock.now(),
            )
            self._requests.append(request)
            self._in_flight += 1
            self._most_in_flight = max(self._most_in_flight, self._in_flight)
            self._changed.notify_all()
        fault = self._decide(request) or (Answer(400, body={"error": str(problem)}) if problem else None)
        delay, fault = (fault.seconds, fault.then) if isinstance(fault, Slow) else (0.0, fault)
        return request, self._latency + delay, reply_to(fault)

    def _decide(self, request: Request) -> Fault | None:
        try:
            return checked(self._policy(request.number, request), f"what the script's function returned for request {request.number}")
        except Exception as error:  # noqa: BLE001 - raised again at the end of the with block; meanwhile the client needs an answer
            self._failure = self._failure or error
            return Answer(500, body={"error": f"the script of MisbehavingApi failed: {error}"})

    def _finish(self, request: Request, reply: Reply) -> None:
        """Record what becomes of *request* just before the client can know it."""
        with self._changed:
            request.status = reply.answer.status if reply.answer else None
            if reply.processes:
                request.repeated = self._honours_keys and request.key in self._keys
                request.processed = not request.repeated
            if request.processed:
                self._received += request.rows
                if request.key is not None:
                    self._keys.add(request.key)
            self._in_flight -= 1
            self._changed.notify_all()


def reply_to(fault: Answer | Drop | TooMany | None) -> Reply:
    """What *fault* means for a request: whether its rows are processed, and the answer, None: drop the connection."""
    if isinstance(fault, Drop):
        return Reply(fault is Drop.after, None)
    answer = fault.answer() if isinstance(fault, TooMany) else fault or Answer()
    return Reply(answer.processes, answer)
