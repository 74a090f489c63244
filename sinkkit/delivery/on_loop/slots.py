"""Coroutines side by side on one event loop: each slot does a worker's work, and waits without holding a thread."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any

import attrs

from sinkkit.declaration.sink import LoopSink
from sinkkit.delivery.dispatcher import Dispatcher
from sinkkit.delivery.grants import Grant
from sinkkit.delivery.on_loop.beside_loop import Flusher, Lobby
from sinkkit.delivery.on_loop.loop_call import LoopCaller
from sinkkit.delivery.plan import Flight
from sinkkit.delivery.verdict import Verdict
from sinkkit.delivery.worker import Worker
from sinkkit.errors import CallFailed
from sinkkit.journal.protocol import Journal

BLOCKED_SECONDS = 1.0
"""A loop that does nothing for so long, where all its calls have outlived their timeout, is blocked by one of them."""


class Crew:
    """The slots of one load: tasks on the loop of its sink.

    Args:
        sink: What is called.
        dispatcher: What the slots ask for work.
        journal: What they write.
    """

    def __init__(self, sink: LoopSink, dispatcher: Dispatcher, journal: Journal) -> None:
        self.sink = sink
        self.loop: Any = sink.loop.loop
        self.dispatcher = dispatcher
        self.flusher = Flusher(self.loop, journal)
        self.lobby = Lobby(self.loop, dispatcher)
        self.closing = False
        self._tasks: set[Any] = set()

    def launch(self, worker: Worker, name: str, ended: Callable[[], None]) -> None:
        """Let a slot of its own do the work of *worker*; *ended* is called at its end."""
        slot = Slot(worker, LoopCaller(self.sink, worker.caller), self, ended)
        self.loop.call_soon_threadsafe(self._begin, slot, name)

    def blocked(self) -> bool:
        """Whether something keeps the loop from turning; waits for up to ``BLOCKED_SECONDS``."""
        turned = threading.Event()
        self.loop.call_soon_threadsafe(turned.set)
        return not turned.wait(BLOCKED_SECONDS)

    def close(self) -> None:
        """Cancel the slots that are left, with the calls they wait for, and end the threads beside the loop."""
        self.closing = True
        self.dispatcher.halt(None)
        self.flusher.close()
        self.lobby.close()
        self.loop.call_soon_threadsafe(self._cancel)

    def _begin(self, slot: Slot, name: str) -> None:
        task = self.loop.create_task(slot.work(), name=name, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()


@attrs.frozen(eq=False)
class Slot:
    """Does the work of *worker* as a task."""

    worker: Worker
    caller: LoopCaller
    crew: Crew
    ended: Callable[[], None]

    async def work(self) -> None:
        """Until nothing is left or the run halts; as in a thread, what goes wrong outside a call halts the run."""
        from asyncio import CancelledError

        try:
            await self._work()
        except CancelledError as error:
            if not self.crew.closing:
                cause = CallFailed("a task of sinkkit was cancelled", hint="let the function cancel only tasks that it started itself")
                cause.__cause__ = error
                self.worker.dispatcher.break_off(cause)
        except BaseException as error:  # noqa: BLE001  # a task has nobody to raise to: the run halts with it as its cause
            self.worker.dispatcher.break_off(error)
        finally:
            self.crew.lobby.pass_on()
            self.ended()

    async def _work(self) -> None:
        lobby, flush, steps = self.crew.lobby, self.crew.flusher.flush, self.worker.steps()
        verdict: Verdict | None = None
        asking = False
        while True:
            try:
                step = steps.send(verdict)
            except StopIteration:
                return
            verdict = None
            if isinstance(step, Grant):
                await lobby.wait(step)
                asking = True
                continue
            if asking:  # there is work: perhaps for the next in line too
                lobby.pass_on()
                asking = False
            if isinstance(step, Flight):
                verdict = await self._call(step)
            else:
                await flush(step)

    async def _call(self, flight: Flight) -> Verdict:
        """The verdict of a call, which is a task of its own: its context, its cancelling, its timeout touch no other."""
        from asyncio import CancelledError, wait

        task = self.crew.loop.create_task(self._called(flight))
        try:
            verdict: Verdict = await task
        except CancelledError as error:
            while not task.done():  # the slot itself was cancelled, and its call does not give in
                if self.crew.closing:
                    raise
                await wait([task])
            if self.crew.closing:
                raise
            verdict = self.worker.caller.failed(error) if task.cancelled() else task.result()
        self.worker.called()
        return verdict

    async def _called(self, flight: Flight) -> Verdict:
        begin = self.worker.beginning(flight)
        if self.worker.dispatcher.probes(flight):
            begin()
            return await self.caller.probe(flight)
        verdict = await self.caller.deliver(flight, begin)
        begin()
        return verdict
