"""The life of a batch. docs/explanation/batch-states.md draws the same table."""

from __future__ import annotations

from enum import IntEnum


class State(IntEnum):
    """Where a batch stands; the numbers are those in the journal's file and never change."""

    PLANNED = 0
    IN_FLIGHT = 1
    SETTLED = 2
    UNKNOWN = 3
    SPLIT = 4
    HELD = 5


MOVES: dict[State, frozenset[State]] = {
    State.PLANNED: frozenset({State.IN_FLIGHT, State.SETTLED}),
    State.IN_FLIGHT: frozenset({State.SETTLED, State.PLANNED, State.UNKNOWN, State.SPLIT, State.HELD}),
    State.UNKNOWN: frozenset({State.IN_FLIGHT, State.SETTLED, State.PLANNED, State.UNKNOWN, State.HELD}),
    State.HELD: frozenset({State.SETTLED, State.PLANNED}),
    State.SETTLED: frozenset(),
    State.SPLIT: frozenset(),
}
"""Each state and those that a batch may go to from it."""

OPEN = frozenset({State.PLANNED, State.IN_FLIGHT, State.UNKNOWN, State.HELD})
"""States in which rows still wait for something."""


def sources_of(target: State) -> tuple[State, ...]:
    """The states from which a batch may move to *target*, in order."""
    return tuple(state for state, targets in MOVES.items() if target in targets)
