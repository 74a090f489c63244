"""Workers as the simulation drives them: it carries out their steps, and looks after their claims as the supervisor does."""

from __future__ import annotations

import attrs
from virtual_time import KilledError

from sinkkit.delivery.grants import Grant
from sinkkit.delivery.on_loop.loop_call import LoopCaller
from sinkkit.delivery.plan import Flight
from sinkkit.delivery.worker import CLAIM_SECONDS


@attrs.define(eq=False)
class Crew:
    """The workers of one process."""

    hub: object
    api: object
    journal: object
    chance: object
    workers: list
    _looking: bool = False

    async def work(self, worker):
        """Carry out the steps of *worker*; as in the product, what goes wrong outside a call halts the run."""
        try:
            await self._work(worker)
        except KilledError:
            raise
        except BaseException as error:  # noqa: BLE001  # the run ends with it, and the simulation tells
            worker.dispatcher.break_off(error)

    async def _work(self, worker):
        caller, steps, verdict = LoopCaller(self.api, worker.caller), worker.steps(), None
        while True:
            try:
                step = steps.send(verdict)
            except StopIteration:
                return
            verdict = None
            if isinstance(step, Flight):
                verdict = await self._call(worker, caller, step)
            elif isinstance(step, Grant):
                if worker.dispatcher.changes == step.changes:
                    await self.hub.pass_time(step.seconds, listens=True)
            else:
                await self.journal.flushed(step)

    async def _call(self, worker, caller, flight):
        begin = worker.beginning(flight)
        if worker.dispatcher.probes(flight):
            begin()
            verdict = await caller.probe(flight)
        else:
            verdict = await caller.deliver(flight, begin)
            begin()
        worker.called()
        return verdict

    def call_began(self):
        """The product's supervisor settles what a worker has done while its next call takes long; here it looks once it may have to."""
        if not self._looking and any(worker._claim or worker._done for worker in self.workers):
            self._looking = True
            self.hub.at(self.hub.now + CLAIM_SECONDS * (1 + self.chance.random()), lambda: self.hub.spawn(self._look()))

    async def _look(self):
        for worker in self.workers:
            since = worker.busy_since
            if since is not None and since < worker.clock.now() - CLAIM_SECONDS:
                worker.relieve()
        self._looking = False
        self.call_began()
