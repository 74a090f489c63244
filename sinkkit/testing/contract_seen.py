"""All that was seen of one run of a destination under test, and what every run is held to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from sinkkit.declaration.options import Options
from sinkkit.errors import DeliveryFailed
from sinkkit.runs.accounts.report import LoadInfo
from sinkkit.runs.pipeline import Pipeline
from sinkkit.runs.rejected.dead_letters import RejectedRow
from sinkkit.testing.answers import Request
from sinkkit.testing.api import MisbehavingApi
from sinkkit.testing.contract_hooks import Hooks, PromiseBroken, number_of

KEY_HEADER = "Idempotency-Key"
"""Where a key is looked for unless the destination names another header."""


@attrs.frozen(kw_only=True)
class Sent:
    """A request that carried rows: which, under which key, when it was read, and whether the API carried it out."""

    numbers: Sequence[int]
    key: str | None
    at: float
    processed: bool


@attrs.frozen(kw_only=True)
class Seen:
    """What one run came to.

    Attributes:
        info: Its report.
        failure: What it raised, if rows stayed open.
        options: The settings of the decorator that were in force.
        letters: The dead letters.
        requests: Every request that the API got.
        sent: Those that carried rows.
        rows: The rows that arrived, in order.
        numbers: Which they are.
    """

    info: LoadInfo
    failure: DeliveryFailed | None
    options: Options
    letters: Sequence[RejectedRow]
    requests: Sequence[Request]
    sent: Sequence[Sent]
    rows: Sequence[Any]
    numbers: Sequence[int]

    @property
    def cause(self) -> BaseException | None:
        """Why the run halted."""
        return None if self.failure is None else self.failure.__cause__ or self.failure

    @property
    def twice(self) -> list[int]:
        """The numbers of rows that arrived more than once."""
        seen: set[int] = set()
        return sorted({number for number in self.numbers if number in seen or seen.add(number)})  # type: ignore[func-returns-value]  # add() gives None, which is false

    def missing(self, count: int) -> list[int]:
        """The numbers below *count* of rows that did not arrive."""
        return sorted(set(range(count)).difference(self.numbers))


def seen(hooks: Hooks, api: MisbehavingApi, options: Options, pipeline: Pipeline, ended: LoadInfo | DeliveryFailed) -> Seen:
    """What there is to see after a run that *ended* so."""
    header = (options.idempotency_header or KEY_HEADER).lower()
    arrived = list(hooks.received(api))
    return Seen(
        info=ended.info if isinstance(ended, DeliveryFailed) else ended,
        failure=ended if isinstance(ended, DeliveryFailed) else None,
        options=options,
        letters=list(pipeline.rejected()),
        requests=api.requests,
        sent=[
            Sent(
                numbers=[number_of(hooks, row) for row in request.rows],
                key=hooks.key(request) or request.headers.get(header),
                at=request.arrived,
                processed=request.processed,
            )
            for request in api.requests
            if hooks.delivers(request)
        ],
        rows=arrived,
        numbers=[number_of(hooks, row) for row in arrived],
    )


def must_deliver(result: Seen, count: int, when: str) -> None:
    """Hold *result* to what is promised of every run in the end: all rows delivered, and there.

    Raises:
        PromiseBroken: If rows are open, or were reported delivered and did not arrive.
    """
    if result.failure is not None:
        raise PromiseBroken(
            f"{when}, the run did not deliver everything: {result.failure.message}\n"
            "  likely: the function fails on rows or answers that are good, or raises what is no error of an HTTP library"
        ) from result.cause
    lost = result.missing(count)
    if lost:
        raise PromiseBroken(
            f"{when}, the run reported {result.info.total.delivered} rows delivered, and {len(lost)} never arrived: rows {few(lost)}\n"
            "  likely: the function leaves some of its rows out, keeps them for a later call, or swallows an error"
        )


def few(numbers: Sequence[int]) -> str:
    """Some of *numbers*, for people."""
    shown = ", ".join(str(number) for number in numbers[:8])
    return f"{shown}, ..." if len(numbers) > 8 else shown or "none"  # noqa: PLR2004  # as many as were shown
