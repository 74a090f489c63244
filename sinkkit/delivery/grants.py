"""What workers and the dispatcher say to each other: calls that ended, batches to call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from sinkkit.delivery.plan import Flight
from sinkkit.delivery.verdict import Verdict
from sinkkit.events import Event


@attrs.frozen
class Answered:
    """A call that ended: its batch, its verdict, and the encoded rows that may have to be kept, by position."""

    flight: Flight
    verdict: Verdict
    letters: dict[int, bytes] = attrs.field(factory=dict)


@attrs.frozen
class Fitted:
    """A batch whose rows were looked at before it is claimed.

    Attributes:
        refused: Position to reason of rows that are not to be sent.
        letters: The same rows encoded, by position.
        error: Why its rows could not be read; None: they could.
    """

    flight: Flight
    refused: Mapping[int, str] = attrs.field(factory=dict)
    letters: Mapping[int, bytes] = attrs.field(factory=dict)
    error: BaseException | None = None


@attrs.define
class Finished:
    """What a worker has to say since it last spoke to the dispatcher.

    Attributes:
        plain: Batches of which every row was delivered, in the order of their calls.
        answered: Batches with any other verdict.
        unused: Batches that were claimed and not called.
    """

    plain: Sequence[Flight] = ()
    answered: Sequence[Answered] = ()
    unused: Sequence[Flight] = ()

    def __bool__(self) -> bool:
        return bool(self.plain or self.answered or self.unused)


NOTHING = Finished()

@attrs.frozen
class Grant:
    """What a worker does next.

    Attributes:
        ticket: To flush before anything else; None if nothing was written.
        flights: Batches to call, in order.
        seconds: How long to wait where there are none; None: until something changes.
        over: Whether this worker's work has ended.
        events: What happened, to be told once the ticket is durable.
        changes: What the dispatcher had counted then; a wait ends at once if it has counted more since.
    """

    ticket: int | None = None
    flights: Sequence[Flight] = ()
    seconds: float | None = None
    over: bool = False
    events: Sequence[Event] = ()
    changes: int = 0
