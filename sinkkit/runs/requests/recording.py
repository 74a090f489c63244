"""Requests of a run, kept for ``sinkkit inspect``: noted where they are made, written by a thread of their own."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import attrs

from sinkkit.declaration.client.exchanges import Exchange, Watch, shown
from sinkkit.declaration.opening import Ready
from sinkkit.errors import JournalError
from sinkkit.events import Observer, Warned
from sinkkit.journal.ranges import to_text
from sinkkit.rows import Batch
from sinkkit.runs.requests.request_store import FAILURES_KEPT, KeptRequest, keep

SECONDS_BETWEEN = 1.0
"""How often what was noted is written: a kill loses no more than that."""

SHARE = 50
"""How many times longer than the writing took of a processor a recorder waits at least, so that it takes no more than 2 % of one."""

LONGEST_PAUSE = 5.0
"""Seconds that a recorder waits at most: it shall not lose much to a kill, however slow the machine."""


@attrs.define(eq=False)
class Recorder:
    """Keeps the last requests of one run to one destination.

    Attributes:
        path: The file.
        run: The number of the run.
        destination: The destination's name.
        successes: How many requests that succeeded are kept; failures always are.
        clean: Takes secrets out of texts.
        observe: Told once if the file cannot be written: the run goes on without.
    """

    path: Path
    run: int
    destination: str
    successes: int
    clean: Callable[[str], str]
    observe: Observer
    _succeeded: deque[Exchange] = attrs.field(init=False)
    _failed: deque[Exchange] = attrs.field(factory=lambda: deque(maxlen=FAILURES_KEPT), init=False)
    _noted: Event = attrs.field(factory=Event, init=False)
    _over: Event = attrs.field(factory=Event, init=False)
    _thread: Thread | None = attrs.field(default=None, init=False)
    _broken: bool = attrs.field(default=False, init=False)

    @_succeeded.default
    def _empty(self) -> deque[Exchange]:
        return deque(maxlen=self.successes)

    def watch(self) -> Watch:
        """What the client tells of its requests."""
        return Watch(self.note, every=self.successes > 0)

    def note(self, exchange: Exchange) -> None:
        """Remember *exchange*; the last so many are written a little later."""
        (self._failed if exchange.failed else self._succeeded).append(exchange)
        if not self._noted.is_set():
            self._noted.set()

    def start(self) -> None:
        """Begin to write what is noted."""
        self._thread = Thread(target=self._write_now_and_then, name="sinkkit-requests", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what is left."""
        self._over.set()
        self._noted.set()
        if self._thread is not None:
            self._thread.join()
        self.write()

    def _write_now_and_then(self) -> None:
        pause = SECONDS_BETWEEN
        while self._noted.wait() and not self._over.wait(pause):
            self._noted.clear()
            began = time.thread_time()
            self.write()
            pause = min(LONGEST_PAUSE, max(SECONDS_BETWEEN, SHARE * (time.thread_time() - began)))

    def write(self) -> None:
        """Write what was noted since the last time."""
        found = sorted((*taken(self._succeeded), *taken(self._failed)), key=lambda exchange: exchange.at)
        if self._broken or not found:
            return
        try:
            keep(self.path, [self._kept(exchange) for exchange in found], self.successes)
        except JournalError as error:
            self._broken = True
            self.observe(Warned(message=f"{error.message}; the run goes on, and its requests are not kept"))

    def _kept(self, exchange: Exchange) -> KeptRequest:
        text, batch = shown(exchange, self.clean), exchange.batch
        return KeptRequest(
            destination=self.destination,
            run=self.run,
            method=text.method,
            url=text.url,
            headers=text.headers,
            body=text.body,
            body_bytes=text.size,
            body_cut=text.cut,
            status=text.status,
            answer_headers=text.answer_headers,
            answer=text.answer,
            answer_bytes=text.answer_size,
            answer_cut=text.answer_cut,
            error=text.error,
            at=text.at,
            seconds=text.seconds,
            **({} if batch is None else place_of(batch)),
        )


def place_of(batch: Batch) -> dict[str, Any]:
    """What is needed to find the rows of *batch* again."""
    return {
        "load_id": batch.load_id,
        "table": batch.table_name,
        "job": batch.job,
        "rows": to_text(batch.rows),
        "key": batch.key,
        "attempt": batch.attempt,
    }


def taken(line: deque[Exchange]) -> list[Exchange]:
    """All of *line*, which is empty afterwards; others may add to it meanwhile."""
    found = []
    while line:
        found.append(line.popleft())
    return found


@contextmanager
def recording(ready: Ready | None, path: Path, run: int, observe: Observer) -> Iterator[Ready | None]:
    """*ready* with a client whose requests are kept in the file at *path* while the block runs; as it is if it has no client."""
    if ready is None or ready.client is None or ready.client.watch is not None:
        yield ready
        return
    recorder = Recorder(path, run, ready.name, ready.client.record, ready.resolver.redactor.text, observe)
    recorder.start()
    try:
        yield attrs.evolve(ready, client=attrs.evolve(ready.client, watch=recorder.watch()))
    finally:
        recorder.close()
