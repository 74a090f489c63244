"""A destination on a virtual clock: requests travel, are processed once they land, and answers travel back, or do not."""

from __future__ import annotations

from random import Random

import attrs
import replies
from replies import Reply

from sinkkit import Halt, Outcome
from sinkkit.testing.clock import START

LEAST = 1e-6
"""Seconds between what cannot happen at the same time."""


@attrs.define(eq=False)
class SimulatedApi:
    """The calls of a ``LoopSink``. What goes wrong, and how long everything takes, is drawn from the seed.

    Where faults could contradict each other, the destination tells the truth: it never asks for a row again that it has taken
    under the same key, and what it refuses it does not take.
    """

    case: object
    hub: object
    seen: object
    simulation: object
    chance: Random
    processed: dict[str, Reply] = attrs.field(factory=dict)
    _wrote: dict[object, bool] = attrs.field(factory=dict)

    async def deliver_on_loop(self, batch):
        """One call of the function."""
        batch = self.simulation.defect.batch(batch)
        rows = [item["id"] for item in batch.items]
        self._wrote[self.hub.current] = False
        self.simulation.crew.call_began()
        self.simulation.point()
        call = self.seen.began(batch, rows, self.hub.now, probe=False)
        reply = await self._sent(call, self._fault())
        self._wrote[self.hub.current] = reply.wrote
        self.seen.ended(call, reply, self.hub.now)
        self.simulation.point()
        return self.simulation.defect.reply(reply).give()

    async def probe_on_loop(self, batch):
        """One call of the probe."""
        rows = [item["id"] for item in batch.items]
        call = self.seen.began(batch, rows, self.hub.now, probe=True)
        await self.hub.pass_time(self._takes() + LEAST)
        reply = self._probed(call, self._fault())
        self.seen.ended(call, reply, self.hub.now)
        if reply.said == "not there":
            return None
        return reply.give()

    def wrote(self):
        """Whether an earlier request of the last call of this worker did something."""
        return self._wrote[self.hub.current]

    @property
    def calm(self):
        """Whether faults have ended."""
        return self.hub.now >= self.case.calm_at

    def _fault(self):
        down_from, down_until = self.case.outage
        if down_from <= self.hub.now < down_until:
            return self.chance.choice(["no connection", "no connection", "lost on the way"])
        faulty = not self.calm and self.case.faults and self.chance.random() < self.case.fault_share
        return self.chance.choice(self.case.faults) if faulty else None

    def _takes(self):
        return self.chance.expovariate(1 / self.case.latency) if self.case.latency else 0.0

    def _wall(self):
        return self.hub.now + START

    async def _sent(self, call, fault):
        """What the client of the function gets to see of one call."""
        chance, up, down = self.chance, self._takes(), self._takes() + LEAST
        alone = {
            "no connection": replies.no_connection, "retry later": replies.later, "stop": replies.stop, "bug before": replies.bug,
        }  # fmt: skip
        if fault in alone:
            await self.hub.pass_time(up)
            return alone[fault](chance)
        if fault == "lost on the way":
            await self.hub.pass_time(up + chance.choice([0.0, 1.0, 30.0]))
            return replies.no_answer(chance)
        if fault == "late":
            self._request(call, up + chance.choice([1.0, 20.0, 200.0]), None)
            await self.hub.pass_time(up)
            return replies.no_answer(chance)
        answer = self._request(call, up, fault)
        await self.hub.pass_time(up + down)
        return self._seen_of(answer[0], call, fault)

    def _seen_of(self, answer, call, fault):
        """What the client sees of the destination's *answer*."""
        chance = self.chance
        if fault == "lost answer":
            return replies.no_answer(chance)
        if fault == "failed after":
            return replies.server_error(chance, self._wall())
        if fault == "bug after":
            return replies.bug(chance)
        if fault in {"wrong length", "garbage"} and answer.error is None:
            return replies.wrong_length(chance, len(call.rows)) if fault == "wrong length" else replies.garbage(chance, len(call.rows))
        return answer

    def _request(self, call, takes, fault):
        """Send a request that lands after *takes* seconds; the answer will be in the list returned. It may outlive its sender."""
        answer = []

        def land():
            answer.append(self._process(call.key, call.rows, fault))
            self.simulation.point()

        outlives = "late" in self.case.faults and self.chance.random() < 0.5
        self.hub.at(self.hub.now + takes, land, outlives=outlives)
        return answer

    def _process(self, key, rows, fault):
        """What the destination does with a request that lands, and says of it."""
        overloaded = self._overloaded(fault)
        if overloaded is not None:
            return overloaded
        if self.case.honours_keys and key in self.processed:
            return self.processed[key]
        refused = self._refusal(rows)
        if refused is not None:
            return refused
        if fault == "second request fails" and len(rows) > 1 and not self.case.honours_keys and not self._guilty(rows):
            return self._half(key, rows)
        return self._take(key, rows, fault)

    def _overloaded(self, fault):
        """What it says without a look at the rows; None if it looks at them."""
        if fault == "busy":
            return replies.busy(self.chance)
        if fault == "busy until":
            return replies.busy_until(self.chance, self._wall())
        if fault == "server error":
            return replies.server_error(self.chance, self._wall())
        if fault == "conflict" and self.case.options.idempotency_header is not None:
            return replies.status(409, "absent", "still at it")
        return None

    def _refusal(self, rows):
        """Why a request is not taken at all; None if it is."""
        healed = self.calm and self.case.mended
        limit = self.case.size_limit
        if not healed and ((limit is not None and len(rows) > limit) or any(row in self.case.huge for row in rows)):
            return replies.status(413, "too large", "too much at once")
        guilty = self._guilty(rows)
        if guilty and not self.case.by_row and not healed:
            return replies.refusal(self.chance, f"row {guilty[0]} is wrong")
        return None

    def _guilty(self, rows):
        return [row for row in rows if row in self.case.poison]

    def _take(self, key, rows, fault):
        """Take the rows, but for those that are refused or to be sent again."""
        chance, by_row = self.chance, self.case.by_row
        taken_before = [row for row in rows if key in self.seen.accepted.get(row, [])]
        rejected = {i: f"row {row} is wrong" for i, row in enumerate(rows) if by_row and row in self.case.poison}
        retry = []
        if fault == "send some again":
            retry = [i for i, row in enumerate(rows) if i not in rejected and row not in taken_before and chance.random() < 0.5]
        self.seen.landed(key, [row for i, row in enumerate(rows) if i not in rejected and i not in retry])
        reply = replies.answered(chance, len(rows), rejected, retry)
        if len(retry) < len(rows):  # it cannot know a key again under which it did nothing
            self.processed[key] = reply
        return reply

    def _half(self, key, rows):
        """The first of two requests of one call is done, the second fails: whatever it says, some rows have arrived."""
        self.seen.landed(key, rows[: len(rows) // 2])
        code = self.chance.choice([400, 401, 413, 422, 429, 503])
        return attrs.evolve(replies.status(code, "bug" if code == 401 else "ambiguous"), wrote=True)

    def _probed(self, call, fault):
        """What the probe finds out: what was taken of the batch under its key."""
        if fault == "probe fails":
            return Reply(said="unprobed", error=self.chance.choice([TimeoutError("no answer"), Halt("no")]))
        taken = [i for i, row in enumerate(call.rows) if call.key in self.seen.accepted.get(row, [])]
        processed = self.processed.get(call.key)
        if not taken and processed is None:
            return Reply(said="not there")
        rejected = dict(processed.rejected) if processed is not None else {}
        retry = tuple(i for i in range(len(call.rows)) if i not in taken and i not in rejected)
        return Reply(said="answered", outcome=Outcome(rejected, retry), rejected=rejected, retry=retry)
