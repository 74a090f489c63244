"""Row numbers as text and back: how the journal keeps a batch whose rows do not follow one after the other."""

from __future__ import annotations

from collections.abc import Sequence


def numbers_of(first_row: int, row_count: int, ranges: str | None) -> range | tuple[int, ...]:
    """The rows of a batch within its job: *row_count* from *first_row* on, or those that *ranges* (``0-4,7``) names."""
    if ranges is None:
        return range(first_row, first_row + row_count)
    found: list[int] = []
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return tuple(found)


def is_run(rows: Sequence[int]) -> bool:
    """Whether the rows, in order, follow each other without a gap."""
    return isinstance(rows, range) or rows[-1] - rows[0] + 1 == len(rows)


def compact(rows: Sequence[int]) -> Sequence[int]:
    """The same rows, as a range where they follow each other."""
    return range(rows[0], rows[-1] + 1) if is_run(rows) else tuple(rows)


def to_text(rows: Sequence[int]) -> str:
    """``0-4,7,9-10`` for the rows 0 to 4, 7, 9 and 10, which are in order."""
    if isinstance(rows, range):
        return f"{rows[0]}-{rows[-1]}" if len(rows) > 1 else str(rows[0])
    parts: list[list[int]] = []
    for row in rows:
        if parts and row == parts[-1][1] + 1:
            parts[-1][1] = row
        else:
            parts.append([row, row])
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in parts)
