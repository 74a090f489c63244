"""Row numbers as the journal keeps them, back to numbers."""

from __future__ import annotations


def numbers_of(first_row: int, row_count: int, ranges: str | None) -> range | tuple[int, ...]:
    """The rows of a batch within its job: *row_count* from *first_row* on, or those that *ranges* (``0-4,7``) names."""
    if ranges is None:
        return range(first_row, first_row + row_count)
    found: list[int] = []
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return tuple(found)
