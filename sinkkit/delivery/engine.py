"""The workers around the decisions: start workers as they are needed, stop them as they are told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import attrs

from sinkkit.clock import Clock
from sinkkit.delivery.dispatcher import Dispatcher
from sinkkit.delivery.worker import CLAIM_SECONDS, Worker
from sinkkit.errors import CallFailed

POLL_SECONDS = 0.002
"""How often to look whether another worker would help, while one could be started."""

EAGER_LOOKS = 20
"""After so many looks without a new worker it is looked as seldom as otherwise: each look takes the interpreter from a call."""

IDLE_SECONDS = 0.005
"""How often to look for signals, for claims that are stuck behind a long call, and for hung calls otherwise."""

WAITING_SHARE = 0.5
"""A process that computes for less than this share of the time is waiting in its calls: one more worker helps."""

LOOKS_BEFORE_GROWING = 2
"""How often in a row that has to be seen, where calls are not known to take long: threads that compute only take the interpreter from each other."""

LONG_CALL_SECONDS = 0.05
"""A call that runs for longer is taken to wait, whatever it computes."""

HUNG_GRACE_SECONDS = 1.0
"""How far a call may outlive its timeout before its worker counts as hung: clients count theirs from a later moment."""


class Stop(Protocol):
    """Whether somebody asked the run to end."""

    def asked(self) -> BaseException | None:
        """Why no new call shall start; None while nobody asked."""

    def urgent(self) -> bool:
        """Whether running calls shall not be waited for either."""


Launch: TypeAlias = Callable[[Worker, str, Callable[[], None]], None]
"""Lets a worker do its work, as a thread or task of the name given, and calls what it is given at the end of it."""


def in_thread(worker: Worker, name: str, ended: Callable[[], None]) -> None:
    """Let a thread of its own do a worker's work."""

    def run() -> None:
        worker.work()
        ended()

    threading.Thread(target=run, name=name, daemon=True).start()


def never() -> bool:
    """Threads do not block each other."""
    return False


@attrs.frozen
class Spent:
    """What workers spent in claims that have ended: calls, seconds, how many of these on a processor, and how often their threads waited."""

    calls: int = 0
    calling: float = 0.0
    computing: float = 0.0
    waits: int = 0

    @classmethod
    def by(cls, workers: Sequence[Worker]) -> Spent:
        """What *workers* spent so far."""
        return cls(*(sum(getattr(worker, field.name) for worker in workers) for field in attrs.fields(cls)))

    def since(self, before: Spent) -> Spent:
        """What was spent since *before*."""
        return Spent(self.calls - before.calls, self.calling - before.calling, self.computing - before.computing, self.waits - before.waits)

    @property
    def mostly_waiting(self) -> bool:
        """Whether calls wait for most of their time: they compute little of it, and not for want of a processor, which takes no wait."""
        return self.calling > 0 and self.computing / self.calling < WAITING_SHARE and self.waits >= self.calls


@attrs.define
class Engine:
    """Drives one load with workers: threads, or slots of an event loop.

    Args:
        most: Workers at most.
        timeout: Seconds a call may take; a thread cannot be stopped, so it is only noticed.
        drain: Seconds that running calls get after a signal.
        launch: Lets a worker do its work.
        blocked: Whether no worker gets on, though slots may be free: something holds the one thread that they share.
    """

    dispatcher: Dispatcher
    new_worker: Callable[[], Worker]
    most: int
    timeout: float | None
    drain: float
    clock: Clock
    stop: Stop
    launch: Launch = in_thread
    blocked: Callable[[], bool] = never
    _workers: list[Worker] = attrs.field(factory=list, init=False)
    _ended: threading.Semaphore = attrs.field(factory=lambda: threading.Semaphore(0), init=False)
    _asked_at: float | None = attrs.field(default=None, init=False)
    _seen: Spent = attrs.field(factory=Spent, init=False)
    _helpful: int = attrs.field(default=0, init=False)
    _looks: int = attrs.field(default=0, init=False)
    _ended_count: int = attrs.field(default=0, init=False)

    def run(self) -> None:
        """Return when every worker has ended, or when those that have not are given up."""
        try:
            self._supervise()
        except BaseException as error:
            self.dispatcher.break_off(error)
            self.dispatcher.abandon()
            raise

    def _supervise(self) -> None:
        self._start()
        wall, cpu = time.perf_counter(), time.process_time()
        while self._ended_count < len(self._workers):
            growing = len(self._workers) < self._useful
            if self._ended.acquire(timeout=POLL_SECONDS if growing and self._looks < EAGER_LOOKS else IDLE_SECONDS):
                self._ended_count += 1
                continue
            if self._give_up():
                self.dispatcher.abandon()
                return
            self._relieve()
            now, used = time.perf_counter(), time.process_time()
            helpful = growing and self._would_help(now - wall, (used - cpu) / (now - wall))
            self._helpful = self._helpful + 1 if helpful else 0
            self._looks = self._looks + 1 if growing else 0
            if self._helpful >= (1 if self.dispatcher.gate.usual > CLAIM_SECONDS else LOOKS_BEFORE_GROWING):
                self._grow()
                self._helpful = self._looks = 0
            wall, cpu = now, used

    @property
    def _useful(self) -> int:
        """Workers that may find a call to make: no more than there may be, and than may call at once for now."""
        limit = self.dispatcher.gate.limit
        return self.most if limit is None else min(self.most, limit)

    def _start(self) -> None:
        worker = self.new_worker()
        self.launch(worker, f"sinkkit-{len(self._workers) + 1}", self._ended.release)
        self._workers.append(worker)

    def _relieve(self) -> None:
        """Settle what workers have finished that now wait in a call, so that a crash repeats no more than the calls that run."""
        long_ago = self.clock.now() - CLAIM_SECONDS
        for worker in self._workers:
            since = worker.busy_since
            if since is not None and since < long_ago:
                worker.relieve()

    def _would_help(self, window: float, computing: float) -> bool:
        """Whether one more worker would find something to do while those that run wait in their calls.

        Args:
            window: Seconds since the last look.
            computing: The share of them that the process was on a processor.
        """
        before, self._seen = self._seen, Spent.by(self._workers)
        ended = self._seen.since(before)
        if not self.dispatcher.wants_workers():
            return False
        now = self.clock.now()
        running = [now - since for since in [worker.busy_since for worker in self._workers] if since is not None]
        if len(running) == len(self._workers) and (min(running) > LONG_CALL_SECONDS or self.dispatcher.gate.usual > CLAIM_SECONDS):
            return True
        if computing > WAITING_SHARE:
            return False
        return ended.mostly_waiting or (len(running) == len(self._workers) and min(running) >= window)

    def _grow(self) -> None:
        """As many workers again as there are, up to the limit."""
        try:
            for _ in range(min(len(self._workers), self._useful - len(self._workers))):
                self._start()
        except RuntimeError:  # the system gives no more threads: those that run are enough
            self.most = len(self._workers)

    def _give_up(self) -> bool:
        cause = self.stop.asked()
        if cause is not None:
            if self._asked_at is None:
                self._asked_at = time.monotonic()
                self.dispatcher.halt(cause)
            return self.stop.urgent() or time.monotonic() - self._asked_at > self.drain
        return self._all_hung()

    def _all_hung(self) -> bool:
        """Whether every call that runs has outlived its timeout and nothing else can be done meanwhile."""
        if self.timeout is None:
            return False
        limit = self.clock.now() - self.timeout - HUNG_GRACE_SECONDS
        running = [worker.busy_since for worker in self._workers if worker.busy_since is not None]
        if not running or any(since > limit for since in running):
            return False
        if not self.blocked() and self.dispatcher.goes_on(len(running), self.most):
            return False
        self.dispatcher.halt(
            CallFailed(
                f"{len(running)} calls are still running after their timeout of {self.timeout:g} s",
                hint="set a timeout in the client that the function uses; whether these batches arrived is unknown",
            )
        )
        return True
