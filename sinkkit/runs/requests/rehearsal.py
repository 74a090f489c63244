"""A dry run: everything that a run does before its first call, and the calls without what they would send; nothing of it stays."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import attrs

from sinkkit.clock import SystemClock
from sinkkit.declaration.client.exchanges import SHOWN_BYTES, Exchange, Shown, Watch, shown
from sinkkit.declaration.destination import as_destination
from sinkkit.declaration.opening import Ready, make_ready
from sinkkit.declaration.sink import Sink
from sinkkit.declaration.sink_object import Form
from sinkkit.errors import DeliveryFailed
from sinkkit.events import Event
from sinkkit.faults import idle
from sinkkit.rows import ALL_DELIVERED, Batch, Outcome, Retry, TableSchema
from sinkkit.runs.extracting.extraction import Storage
from sinkkit.runs.extracting.taking import Intake, take_and_deliver
from sinkkit.runs.location import Location
from sinkkit.runs.session import Surroundings, opened
from sinkkit.runs.tuning import MAX_FILE_BYTES, MAX_FILE_ROWS
from sinkkit.sources.quota import Quota

REASONS = 5
"""Refused rows whose reasons are told."""

FILE_ROWS = 1_000
"""Rows of a rehearsed file where the destination takes whole ones and nobody said how many rows are wanted."""


@attrs.frozen(kw_only=True)
class RehearsedBatch:
    """A batch as it would be handed over.

    Attributes:
        table: Its table.
        key: Its idempotency key; a run that sends makes another, as its package has another name.
        row_count: How many rows it has.
        requests: What the function would send; None: it was not called, as it has no injected client.
        items: What it would be called with, if it was not called.
        stopped: What the function raised, as it may when the answer of a rehearsal says nothing.
        rejected: Why rows would be rejected, by their index.
    """

    table: str
    key: str
    row_count: int
    requests: tuple[Shown, ...] | None
    items: Any
    stopped: str | None = None
    rejected: Mapping[int, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Rehearsal:
    """What a run would send.

    Attributes:
        destination: The destination's name.
        batches: The first batches.
        more: Whether there is more to send.
        refused: How many of the rows taken are in no batch, as what their function asks for, or a contract, refuses them.
        reasons: Why the first of these are refused, with table and row.
        clean: Takes secrets out of texts.
    """

    destination: str
    batches: tuple[RehearsedBatch, ...]
    more: bool
    refused: int
    reasons: tuple[str, ...]
    clean: Callable[[str], str] = attrs.field(repr=False, eq=False)


@attrs.define(eq=False)
class RehearsingSink:
    """Implements ``Sink``: lets a function make its requests, or only looks at what it would be called with.

    Attributes:
        inner: The real sink, with a client that sends nothing; None: it is not called.
        exchanges: Where that client notes requests.
        wanted: How many batches to look at.
        clean: Takes secrets out of texts.
    """

    inner: Sink | None
    exchanges: list[Exchange]
    wanted: int
    clean: Callable[[str], str]
    seen: list[RehearsedBatch]
    more: bool = False

    def prepare(self, tables: Sequence[TableSchema]) -> None:
        """Nothing is prepared."""

    def deliver(self, batch: Batch) -> Outcome:
        """Look at *batch*; whatever the function makes of it, the next one is looked at, too, and rows that it would send in calls of their own."""
        if len(self.seen) >= self.wanted:
            self.more = True
            return ALL_DELIVERED
        self.exchanges.clear()
        stopped, items, outcome = None, None, ALL_DELIVERED
        if self.inner is None:
            items = held(batch.items)
        else:
            try:
                outcome = self.inner.deliver(batch)
            except Exception as error:  # noqa: BLE001  # the function's own, told to the user with the batch
                stopped = self.clean(f"{type(error).__name__}: {error}")
        requests = None if self.inner is None else tuple(shown(exchange, self.clean) for exchange in self.exchanges)
        rejected = {index: self.clean(str(reason)) for index, reason in outcome.rejected.items()}
        if requests or rejected or not outcome.unsent:
            self.seen.append(
                RehearsedBatch(
                    table=batch.table_name,
                    key=batch.key,
                    row_count=len(batch.rows) - sum(map(len, outcome.unsent)),
                    requests=requests,
                    items=items,
                    stopped=stopped,
                    rejected=rejected,
                )
            )
        return Outcome(unsent=outcome.unsent) if outcome.unsent else ALL_DELIVERED

    def probe(self, batch: Batch) -> Outcome | None:  # noqa: ARG002  # as the protocol has it
        """Nothing was sent that could have arrived."""
        return None

    def complete(self) -> None:
        """Nothing is completed."""

    def close(self) -> None:
        """Close the real one."""
        if self.inner is not None:
            self.inner.close()


def rehearse(destination: Any, data: Any, intake: Intake, *, pipeline: str, batches: int) -> Rehearsal:
    """What a run of *pipeline* with *data* would send first: *batches* batches of it.

    A function with an injected client is called with one that sends nothing and answers 200 with an empty JSON object; others are
    not called. Settings have to be there as for a run. Everything is written to a folder that is removed at the end.

    Raises:
        ConfigError: As a run raises it.
        SourceError: As a run raises it.
    """
    ready = make_ready(as_destination(destination), pipeline)
    exchanges: list[Exchange] = []
    seen: list[RehearsedBatch] = []
    sinks: list[RehearsingSink] = []
    calls = ready.client is not None and ready.declared.form is Form.FUNCTION
    plan = ready.client.rehearsed(Watch(exchanges.append)) if calls and ready.client is not None else ready.client

    def open_sink(tables: Sequence[TableSchema]) -> Sink:
        inner = attrs.evolve(ready, client=plan).open(tables) if calls else None
        sinks.append(RehearsingSink(inner, exchanges, batches, ready.resolver.redactor.text, seen))
        return sinks[-1]

    size = ready.options.batch_size
    wanted = batches * size if size else FILE_ROWS
    most = wanted if intake.quota is None else min(wanted, intake.quota.most)
    intake = attrs.evolve(intake, quota=Quota(most))
    with tempfile.TemporaryDirectory(prefix="sinkkit-") as folder:
        storage = Storage(
            location=Location(Path(folder) / "rehearsal"),
            pipeline_name=pipeline,
            max_file_rows=MAX_FILE_ROWS,
            max_file_bytes=MAX_FILE_BYTES,
            durability="process",
        )
        around = Surroundings(clock=SystemClock(), observe=_silent, faults=idle, drain=0.0, keep_packages=0)
        with opened(storage, around, ready=_calm(ready, open_sink), run_name=None) as session:
            with suppress(DeliveryFailed):  # so many rows are refused that a run would halt; they are told of below
                take_and_deliver(session, data, intake, None, "finish")
            letters = list(islice(session.runtime.journal.rejected(), REASONS))
            refused, more = session.runtime.journal.rejected_count(), session.more_left or any(sink.more for sink in sinks)
    return Rehearsal(
        destination=ready.name,
        batches=tuple(seen),
        more=more,
        refused=refused,
        reasons=tuple(f"table {letter.table!r}, row {letter.index} (counted from 0): {letter.reason}" for letter in letters),
        clean=ready.resolver.redactor.text,
    )


def _calm(ready: Ready, open_sink: Callable[[Sequence[TableSchema]], Sink]) -> Ready:
    """*ready* with one call at a time and nothing that waits or gives up."""
    options = attrs.evolve(
        ready.options, workers=1, retry=Retry(attempts=1), rate_limit=None, max_rejected=None, on_unknown="resend", durability="process"
    )
    return attrs.evolve(ready, options=options, opener=open_sink)


def held(items: Any) -> Any:
    """*items*; of a file, which is about to be removed, the beginning."""
    if not isinstance(items, Path):
        return items
    with items.open("rb") as file:
        beginning = file.read(SHOWN_BYTES)
    return beginning.decode("utf-8", "replace") if items.suffix == ".jsonl" else f"a {items.suffix.removeprefix('.')} file"


def _silent(_: Event) -> None:
    """Observers hear nothing of a rehearsal."""
