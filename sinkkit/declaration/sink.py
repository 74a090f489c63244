"""The one protocol that the delivery engine knows; functions, REST and SQL destinations implement it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, cast

from sinkkit.declaration.coroutines import LoopThread
from sinkkit.rows import Batch, Outcome, TableSchema


class Sink(Protocol):
    """A destination opened for one load package."""

    def prepare(self, tables: Sequence[TableSchema]) -> None:
        """Create or alter what the tables need; safe to repeat."""

    def deliver(self, batch: Batch) -> Outcome:
        """Send one batch in one call; what it raises is sorted by the delivery room."""

    def probe(self, batch: Batch) -> Outcome | None:
        """Answer whether a batch of unknown fate arrived: what became of it, or None if it did not."""

    def complete(self) -> None:
        """The whole package is settled; safe to repeat."""

    def close(self) -> None:
        """Release what was opened."""


class LoopSink(Sink, Protocol):
    """A sink whose calls are coroutines that run side by side on one event loop."""

    @property
    def loop(self) -> LoopThread:
        """Where they run."""

    async def deliver_on_loop(self, batch: Batch) -> Outcome:
        """``deliver``, awaited on the loop."""

    async def probe_on_loop(self, batch: Batch) -> Outcome | None:
        """``probe``, awaited on the loop."""


def on_loop(sink: Any) -> LoopSink | None:
    """*sink*, if its calls are coroutines."""
    return cast("LoopSink", sink) if getattr(sink, "coroutine", False) else None
