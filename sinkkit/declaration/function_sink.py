"""A decorated function as a ``Sink``: its arguments filled in once, its answers read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from sinkkit.declaration.answers import read_answer
from sinkkit.declaration.client.trace import CURRENT, Trace
from sinkkit.declaration.coroutines import LoopThread, within
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
        by_position: Names of those that are passed by position, in order.
        tables: Table name to table.
        text_path: Whether a path is wanted as text.
        probe_function: What answers for batches of unknown fate, with its own arguments.
        traced: Whether a client was injected, whose requests are to be known by their batch.
        loop: Runs what of all this is a coroutine.
        coroutine: Whether the function is one, whose calls then run side by side on the loop.
        probe_coroutine: Whether the probe is one.
        timeout: Seconds a coroutine may take.
        clients: What to close in the end.
    """

    function: Callable[..., Any]
    takes_table: bool
    batch_name: str | None
    arguments: Mapping[str, Any]
    tables: Mapping[str, TableSchema]
    by_position: Sequence[str] = ()
    text_path: bool = False
    table_name: str | None = None
    probe_function: Callable[..., Any] | None = None
    probe_arguments: Mapping[str, Any] = attrs.field(factory=dict)
    traced: bool = False
    loop: LoopThread | None = None
    coroutine: bool = False
    probe_coroutine: bool = False
    timeout: float | None = None
    clients: Sequence[Any] = ()

    def prepare(self, tables: Sequence[TableSchema]) -> None:
        """A function needs no preparation."""

    def deliver(self, batch: Batch) -> Outcome:
        """Call the function once; what it raises passes through."""
        return read_answer(self._waited_for(self._call(batch)))

    async def deliver_on_loop(self, batch: Batch) -> Outcome:
        """The same on the event loop; the coroutine is cancelled when it takes longer than its timeout."""
        return read_answer(await self._awaited(self._call(batch)))

    def _call(self, batch: Batch) -> Any:
        """What the function gives back, which is something to wait for if it is a coroutine."""
        items = str(batch.items) if self.text_path else batch.items
        positional: tuple[Any, ...] = (items, self.tables[batch.table_name]) if self.takes_table else (items,)
        arguments = self.arguments
        if self.batch_name is not None:
            arguments = {**arguments, self.batch_name: batch}
        if self.table_name is not None:
            arguments = {**arguments, self.table_name: self.tables[batch.table_name]}
        if self.by_position:
            positional += tuple(arguments[name] for name in self.by_position)
            arguments = {name: value for name, value in arguments.items() if name not in self.by_position}
        if self.traced:
            CURRENT.set(Trace(batch.key, batch.attempt, batch=batch))
        return self.function(*positional, **arguments)

    def _waited_for(self, answer: Any) -> Any:
        if self.loop is None or not hasattr(answer, "__await__"):
            return answer
        return self.loop.call(answer, self.timeout)

    async def _awaited(self, answer: Any) -> Any:
        if not hasattr(answer, "__await__"):
            return answer
        return await answer if self.timeout is None else await within(answer, self.timeout)

    def probe(self, batch: Batch) -> Outcome | None:
        """Ask the registered probe; None means that the batch did not arrive."""
        answer = self._waited_for(self._ask(batch))
        return None if answer is None else read_answer(answer)

    async def probe_on_loop(self, batch: Batch) -> Outcome | None:
        """The same on the event loop, or beside it if the probe is no coroutine and may block."""
        if self.probe_coroutine or self.loop is None:
            answer = await self._awaited(self._ask(batch))
        else:
            answer = await self._awaited(await self.loop.in_thread(partial(self._ask, batch)))
        return None if answer is None else read_answer(answer)

    def _ask(self, batch: Batch) -> Any:
        if self.probe_function is None:
            raise ConfigError("there is no probe for this destination", hint="register one with @name.probe")
        CURRENT.set(None)  # what a probe asks is no part of a call: it bears no key
        return self.probe_function(batch, **self.probe_arguments)

    def complete(self) -> None:
        """A function has nothing to finish."""

    def close(self) -> None:
        """Close the injected clients and the event loop."""
        for client in self.clients:
            if not hasattr(client, "aclose"):
                client.close()
        if self.loop is not None:
            self.loop.close([client.aclose for client in self.clients if hasattr(client, "aclose")])
