"""One call to a destination: the batch handed over, what came back turned into a verdict; nothing escapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import attrs

from sinkkit.clock import Clock
from sinkkit.declaration.sink import Sink
from sinkkit.delivery.answers import checked
from sinkkit.delivery.failures import describe, note_of, sort
from sinkkit.delivery.plan import Flight
from sinkkit.delivery.verdict import PLAIN, Fate, Verdict
from sinkkit.errors import CallFailed
from sinkkit.rows import ALL_DELIVERED, Batch, Number, Outcome

Read = Callable[[str, Any], Any]
"""Job name and row numbers to the items a destination asked for; fresh objects at every call."""

Note = Callable[[Flight, str | None], None]
"""Takes what is to be remembered of a batch that is being called; it is durable when this returns."""

Begin = Callable[[], None]
"""Told that a call's rows are read and its function is about to see them: the moment that limits count."""


@attrs.frozen(kw_only=True)
class Caller:
    """Calls one opened sink.

    Attributes:
        sink: What is called.
        read: Where rows come from.
        pipeline_name: Told to the function in its batch.
        idempotent: Whether requests carry the batch's key.
        wrote: Whether the last call from this thread changed the destination before it failed.
        clean_text: Takes secrets out of texts.
        clean_error: Takes secrets out of errors.
        whole_files: Whether each batch is a file that can only be sent as a whole.
        note: Keeps what a function wants remembered of its batch.
    """

    sink: Sink
    read: Read
    pipeline_name: str
    clock: Clock
    idempotent: bool
    wrote: Callable[[], bool]
    clean_text: Callable[[str], str]
    clean_error: Callable[[BaseException], BaseException]
    whole_files: bool = False
    note: Note | None = None

    def batch(self, flight: Flight, begin: Begin | None = None) -> Batch:
        """What the function is told of *flight*; *begin* is called whenever its rows have been read."""
        job = flight.job
        read: Callable[[], Any] = partial(self.read, job.name, flight.rows)
        if begin is not None:
            read = partial(_read_and_begin, read, begin)
        remember = None if self.note is None else partial(self._remember, self.note, flight)
        return Batch(job.load_id, self.pipeline_name, job.table, job.name, flight.rows, flight.its_key, flight.attempts, read, flight.note, remember)

    def _remember(self, keep: Note, flight: Flight, note: str | None) -> None:
        if note is not None and self.clean_text(note) != note:
            raise CallFailed("a note holds a secret, and notes are kept on disk", hint="remember the id of a job, not how it is reached")
        keep(flight, note)

    def deliver(self, flight: Flight, begin: Begin | None = None) -> Verdict:
        """Send *flight* in one call; *begin* is called once its rows are read, just before the function sees them."""
        try:
            outcome = self.sink.deliver(self.batch(flight, begin))
            if outcome is ALL_DELIVERED:
                return PLAIN
            return self.answered(outcome, flight)
        except BaseException as error:  # noqa: BLE001  # whatever a function raises decides the fate of its batch: it is kept in the verdict
            return self.failed(error)

    def probe(self, flight: Flight) -> Verdict:
        """Ask whether *flight*, whose fate is unknown, arrived."""
        try:
            return self.found(self.sink.probe(self.batch(flight)), flight)
        except BaseException as error:  # noqa: BLE001  # a probe that fails leaves the batch unknown: its error is kept in the verdict
            return self.not_found_out(error)

    def found(self, outcome: Outcome | None, flight: Flight) -> Verdict:
        """What a probe's answer means: None that the batch did not arrive."""
        return Verdict(fate=Fate.NOT_THERE) if outcome is None else self.answered(outcome, flight)

    def not_found_out(self, error: BaseException) -> Verdict:
        """What it means that a probe raised *error*."""
        return Verdict(fate=Fate.UNPROBED, error=self.clean_error(error), reason=describe(error, self.clean_text))

    def answered(self, outcome: Outcome, flight: Flight) -> Verdict:
        """What the function's answer means.

        Raises:
            CallFailed: If it cannot be true of *flight*.
        """
        outcome = checked(outcome, len(flight.rows), whole_file=self.whole_files)
        if outcome.rejected or outcome.receipts or outcome.metrics:
            outcome = attrs.evolve(
                outcome,
                metrics=self._named(outcome.metrics),
                rejected={index: self.clean_text(str(reason)) for index, reason in outcome.rejected.items()},
                receipts={index: self.clean_text(str(receipt)) for index, receipt in outcome.receipts.items()},
            )
        return Verdict(fate=Fate.ANSWERED, outcome=outcome)

    def _named(self, metrics: Mapping[str, Number]) -> dict[str, Number]:
        """Numbers under names without secrets; those whose names have become one are summed."""
        named: dict[str, Number] = {}
        for name, number in metrics.items():
            clean = self.clean_text(name)
            named[clean] = named[clean] + number if clean in named else number
        return named

    def failed(self, error: BaseException) -> Verdict:
        """What it means that the function raised *error*, in the thread and context of its call."""
        try:
            verdict = sort(
                error, wall=self.clock.wall(), idempotent=self.idempotent, wrote_before=self.wrote(), clean=self.clean_text
            )
        except Exception as second:  # noqa: BLE001  # an error of the user's that breaks when it is looked at: told as what it is
            verdict = Verdict(fate=Fate.BUG, error=second, reason=f"{type(error).__name__}, which cannot be read: {type(second).__name__}")
        kept = None if verdict.error is None else self.clean_error(verdict.error)
        note = None if kept is None else note_of(error, verdict, self.clean_text)
        if kept is not None and note is not None and note not in getattr(kept, "__notes__", ()):
            kept.add_note(note)
        return attrs.evolve(verdict, error=kept)


def _read_and_begin(read: Callable[[], Any], begin: Begin) -> Any:
    items = read()
    begin()
    return items
