"""One call to a destination whose function is a coroutine; as in ``call``, nothing escapes."""

from __future__ import annotations

import attrs

from sinkkit.declaration.sink import LoopSink
from sinkkit.delivery.call import Begin, Caller
from sinkkit.delivery.plan import Flight
from sinkkit.delivery.verdict import PLAIN, Verdict
from sinkkit.rows import ALL_DELIVERED


@attrs.frozen
class LoopCaller:
    """Calls one opened sink on its event loop; *caller* knows what answers and errors mean."""

    sink: LoopSink
    caller: Caller

    async def deliver(self, flight: Flight, begin: Begin | None = None) -> Verdict:
        """Send *flight* in one call; *begin* is called once its rows are read. A call that is cancelled may have arrived."""
        try:
            outcome = await self.sink.deliver_on_loop(self.caller.batch(flight, begin))
            return PLAIN if outcome is ALL_DELIVERED else self.caller.answered(outcome, flight)
        except BaseException as error:  # noqa: BLE001  # whatever a function raises decides the fate of its batch: it is kept in the verdict
            return self.caller.failed(error)

    async def probe(self, flight: Flight) -> Verdict:
        """Ask whether *flight*, whose fate is unknown, arrived."""
        try:
            return self.caller.found(await self.sink.probe_on_loop(self.caller.batch(flight)), flight)
        except BaseException as error:  # noqa: BLE001  # a probe that fails leaves the batch unknown: its error is kept in the verdict
            return self.caller.not_found_out(error)
