"""Time that passes only in the simulation, for coroutines of which one runs at a time: a seed decides the order of everything."""

from __future__ import annotations

import heapq
from itertools import count
from types import coroutine

import attrs

from sinkkit.testing.clock import START


class KilledError(BaseException):
    """The process is gone: raised wherever something of it would go on."""


class StuckError(Exception):
    """Nothing will ever happen any more, or the same thing again and again."""


LEAST = 1e-9
"""Seconds below which a wait would be lost among the digits of a clock."""

MOST_EVENTS = 30_000
"""More than that at one instant, and time stands still."""


@attrs.define(eq=False)
class Task:
    """A coroutine; *naps* tells its waits apart, *listens* says whether a notification ends the one it is in."""

    work: object
    naps: int = 0
    listens: bool = False


@coroutine
def _rest():
    """Give the turn back to the hub."""
    yield


class Hub:
    """What happens when: a heap of events; *chance* puts those of the same time in order.

    Attributes:
        now: Seconds since the simulation began.
        current: The task whose turn it is; None while an event happens.
        dying: Whether the process is being killed.
        after_each: Called after every event, if it is set.
    """

    def __init__(self, chance):
        self.now = 0.0
        self.current = None
        self.dying = False
        self.after_each = None
        self._chance = chance
        self._since = 0
        self._events = []
        self._number = count()
        self._tasks = []

    @property
    def alive(self):
        """Whether any task has work."""
        return bool(self._tasks)

    def at(self, when, action, *, outlives=False):
        """Let *action* happen at *when*; after a kill it does so only if it *outlives* the process."""
        heapq.heappush(self._events, (when, self._chance.random(), next(self._number), outlives, action))

    def spawn(self, work, after=0.0):
        """Begin the coroutine *work*, *after* so many seconds."""
        task = Task(work)
        self._tasks.append(task)
        self._wake(task, self.now + after)

    async def pass_time(self, seconds, *, listens=False):
        """Let time pass for the task whose turn it is, None: for ever; if it *listens*, ``notify`` ends that."""
        if self.dying:
            raise KilledError
        task = self.current
        task.listens = listens
        if seconds is not None:
            self._wake(task, self.now + (max(seconds, LEAST) if seconds > 0 else 0.0))
        await _rest()
        if self.dying:
            raise KilledError

    def notify(self):
        """End the waits of all that listen."""
        for task in self._tasks:
            if task.listens:
                task.listens = False
                self._wake(task, self.now)

    def run(self):
        """Let things happen until all work has ended or the process is killed; afterwards nothing of it is left.

        Raises:
            StuckError: If work has not ended and never will.
        """
        try:
            while self._tasks and not self.dying:
                if not self._events:
                    raise StuckError
                self._step()
        finally:
            self._unwind()

    def settle_down(self):
        """Let everything happen that outlived its process."""
        while self._events:
            self._step()

    def _wake(self, task, when):
        nap = task.naps

        def wake():
            if task.naps == nap and task in self._tasks:
                self._go_on(task)

        self.at(when, wake)

    def _go_on(self, task):
        task.naps += 1
        self.current = task
        try:
            task.work.send(None)
        except (StopIteration, KilledError):
            self._tasks.remove(task)
        finally:
            self.current = None

    def _step(self):
        when, _, _, _, action = heapq.heappop(self._events)
        self._since = 0 if when > self.now else self._since + 1
        if self._since > MOST_EVENTS:
            raise StuckError
        self.now = max(self.now, when)
        action()
        if self.after_each is not None:
            self.after_each()

    def _unwind(self):
        """Kill what is left: each task ends where it stands, without another step of its own."""
        self.dying = True
        for task in list(self._tasks):
            if task.naps == 0:
                task.work.close()
                self._tasks.remove(task)
            while task in self._tasks:
                self._go_on(task)
        self.dying = False
        self.after_each = None
        self._events = [event for event in self._events if event[3]]
        heapq.heapify(self._events)


@attrs.frozen
class VirtualClock:
    """The clock of one process: its monotonic time *began* anywhere, its wall time goes on from process to process."""

    hub: Hub
    began: float

    def now(self):
        """Seconds on a clock of this process."""
        return self.hub.now - self.began

    def wall(self):
        """Seconds since the epoch."""
        return self.hub.now + START

    def wait(self, condition, seconds):
        """Nobody waits on a condition here: the steps of a worker are carried out by the simulation."""
        raise AssertionError
