"""A decorated function as a ``Sink``: its arguments filled in once, its answers read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from sinkkit.declaration.answers import read_answer
from sinkkit.declaration.coroutines import LoopThread
from sinkkit.declaration.http import CURRENT, Trace
from sinkkit.errors import ConfigError
from sinkkit.rows import Batch, Outcome, TableSchema


@attrs.frozen(kw_only=True)
class FunctionSink:
    """Implements ``Sink`` for one function.

    Attributes:
        function: What is called, with items first.
        takes_table: Whether the table is its second argument.
        batch_name: The parameter that gets the batch, if one does.
        table_name: The parameter after the first two that gets the table, if one does.
        arguments: All other arguments, by name.
        tables: Table name to table.
        text_path: Whether a path is wanted as text.
        probe_function: What answers for batches of unknown fate, with its own arguments.
        traced: Whether a client was injected, whose requests are to be known by their batch.
        loop: Runs the function if it is a coroutine function.
        timeout: Seconds a coroutine may take.
        clients: What to close in the end.
    """

    function: Callable[..., Any]
    takes_table: bool
    batch_name: str | None
    arguments: Mapping[str, Any]
    tables: Mapping[str, TableSchema]
    text_path: bool = False
    table_name: str | None = None
    probe_function: Callable[..., Any] | None = None
    probe_arguments: Mapping[str, Any] = attrs.field(factory=dict)
    traced: bool = False
    loop: LoopThread | None = None
    timeout: float | None = None
    clients: Sequence[Any] = ()

    def prepare(self, tables: Sequence[TableSchema]) -> None:
        """A function needs no preparation."""

    def deliver(self, batch: Batch) -> Outcome:
        """Call the function once; what it raises passes through."""
        items = str(batch.items) if self.text_path else batch.items
        positional = (items, self.tables[batch.table_name]) if self.takes_table else (items,)
        arguments = self.arguments
        if self.batch_name is not None:
            arguments = {**arguments, self.batch_name: batch}
        if self.table_name is not None:
            arguments = {**arguments, self.table_name: self.tables[batch.table_name]}
        if self.traced:
            CURRENT.set(Trace(batch.key))
        answer = self.function(*positional, **arguments)
        if self.loop is not None and hasattr(answer, "__await__"):
            answer = self.loop.call(answer, self.timeout)
        return read_answer(answer)

    def probe(self, batch: Batch) -> Outcome | None:
        """Ask the registered probe; None means that the batch did not arrive."""
        if self.probe_function is None:
            raise ConfigError("there is no probe for this destination", hint="register one with @name.probe")
        CURRENT.set(None)  # what a probe asks is no part of a call: it bears no key
        answer = self.probe_function(batch, **self.probe_arguments)
        if self.loop is not None and hasattr(answer, "__await__"):
            answer = self.loop.call(answer, self.timeout)
        return None if answer is None else read_answer(answer)

    def complete(self) -> None:
        """A function has nothing to finish."""

    def close(self) -> None:
        """Close the injected clients and the event loop."""
        for client in self.clients:
            if not hasattr(client, "aclose"):
                client.close()
        if self.loop is not None:
            self.loop.close([client.aclose for client in self.clients if hasattr(client, "aclose")])
