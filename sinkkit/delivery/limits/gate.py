"""What calls tell of their destination, and how many may start for it: adaptive window and circuit behind one door."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import attrs

from sinkkit.delivery.limits.adaptive.sign import Sign, sign_of
from sinkkit.delivery.limits.circuit import Circuit, Opened
from sinkkit.delivery.plan import Flight
from sinkkit.delivery.verdict import Fate, Verdict

if TYPE_CHECKING:
    from sinkkit.delivery.limits.adaptive.window import Window  # noqa: TC004  # a fixed number of workers needs none: nothing resolves the annotation


@attrs.define
class Gate:
    """Lets calls through and hears how they ended; the caller holds the lock. *window* is None for a fixed number of workers."""

    circuit: Circuit
    window: Window | None = None

    @property
    def limit(self) -> int | None:
        """Calls at once that the window allows; None without one."""
        return None if self.window is None else self.window.limit

    @property
    def usual(self) -> float:
        """Seconds that calls usually take, where the window knows it; else 0."""
        return 0.0 if self.window is None else self.window.usual

    @property
    def one_by_one(self) -> bool:
        """Whether calls have to be handed out singly, as their number counts now."""
        return self.window is not None or not self.circuit.closed

    def is_open(self) -> bool:
        """Whether one more call may start."""
        return self.circuit.may_start and (self.window is None or self.window.room() > 0)

    def has_room_beside(self, running: int) -> bool:
        """Whether one more call may start beside *running* ones, were these all there are."""
        return self.circuit.may_start and (self.window is None or running < self.window.limit)

    def start(self, flights: Sequence[Flight], now: float) -> None:
        """*flights* are handed out."""
        if self.one_by_one:
            for flight in flights:
                self.circuit.start(flight.id)
                if self.window is not None:
                    self.window.start(flight.id, now)

    def begin(self, flight: Flight, now: float) -> None:
        """The rows of *flight* are read: its call is timed from here on."""
        if self.window is not None:
            self.window.begin(flight.id, now)

    def cancel(self, flight: Flight) -> None:
        """*flight* was handed out and is not called."""
        self.circuit.cancel(flight.id)
        if self.window is not None:
            self.window.cancel(flight.id)

    def went_well(self, flights: Sequence[Flight], now: float) -> None:
        """The calls of *flights* delivered all their rows."""
        if not flights:
            return
        self.circuit.answered()
        if self.window is not None:
            for flight in flights:
                self.window.end(flight.id, len(flight.rows), Sign.WELL, now)

    def ended(
        self, flight: Flight, verdict: Verdict, running: Collection[int], now: float
    ) -> tuple[Verdict, Opened | None]:
        """The call of *flight* ended otherwise, while those of the ids *running* go on.

        Returns:
            The verdict, which says if the call was one too many, and what follows if the circuit opens.
        """
        if self.window is not None:
            soon = self.window.end(flight.id, len(flight.rows), sign_of(verdict), now)
            if soon is not None and verdict.fate is Fate.ABSENT:
                verdict = attrs.evolve(verdict, soon=soon)
        return verdict, self.circuit.ended(flight.id, verdict, running, now)
