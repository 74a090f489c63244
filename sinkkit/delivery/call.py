"""One call to a destination: the batch handed over, what came back turned into a verdict; nothing escapes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import attrs

from sinkkit.clock import Clock
from sinkkit.declaration.sink import Sink
from sinkkit.delivery.decide import checked
from sinkkit.delivery.failures import describe, sort
from sinkkit.delivery.plan import Flight
from sinkkit.delivery.verdict import PLAIN, Fate, Verdict
from sinkkit.rows import ALL_DELIVERED, Batch, Outcome

Read = Callable[[str, Any], Any]
"""Job name and row numbers to the items a destination asked for; fresh objects at every call."""


@attrs.frozen(kw_only=True)
class Caller:
    """Calls one opened sink.

    Attributes:
        sink: What is called.
        read: Where rows come from.
        pipeline_name: Told to the function in its batch.
        idempotent: Whether requests carry the batch's key.
        wrote: Whether the last call from this thread changed the destination before it failed.
        clean: What takes secrets out of texts, and out of errors.
    """

    sink: Sink
    read: Read
    pipeline_name: str
    clock: Clock
    idempotent: bool
    wrote: Callable[[], bool]
    clean_text: Callable[[str], str]
    clean_error: Callable[[BaseException], BaseException]

    def batch(self, flight: Flight) -> Batch:
        """What the function is told of *flight*."""
        job = flight.job
        read = partial(self.read, job.name, flight.rows)
        return Batch(job.load_id, self.pipeline_name, job.table, job.name, flight.rows, flight.key, flight.attempts, read)

    def deliver(self, flight: Flight) -> Verdict:
        """Send *flight* in one call."""
        try:
            outcome = self.sink.deliver(self.batch(flight))
            if outcome is ALL_DELIVERED:
                return PLAIN
            return self._answered(outcome, flight)
        except BaseException as error:  # noqa: BLE001  # whatever a function raises decides the fate of its batch: it is kept in the verdict
            return self._failed(error)

    def probe(self, flight: Flight) -> Verdict:
        """Ask whether *flight*, whose fate is unknown, arrived."""
        try:
            outcome = self.sink.probe(self.batch(flight))
            if outcome is None:
                return Verdict(fate=Fate.NOT_THERE)
            return self._answered(outcome, flight)
        except BaseException as error:  # noqa: BLE001  # a probe that fails leaves the batch unknown: its error is kept in the verdict
            return Verdict(fate=Fate.UNPROBED, error=self.clean_error(error), reason=self.clean_text(describe(error)))

    def _answered(self, outcome: Outcome, flight: Flight) -> Verdict:
        outcome = checked(outcome, len(flight.rows))
        if outcome.rejected:
            reasons = {index: self.clean_text(str(reason)) for index, reason in outcome.rejected.items()}
            outcome = attrs.evolve(outcome, rejected=reasons)
        return Verdict(fate=Fate.ANSWERED, outcome=outcome)

    def _failed(self, error: BaseException) -> Verdict:
        verdict = sort(error, wall=self.clock.wall(), idempotent=self.idempotent, wrote_before=self.wrote())
        return attrs.evolve(verdict, error=self.clean_error(error), reason=self.clean_text(verdict.reason))
