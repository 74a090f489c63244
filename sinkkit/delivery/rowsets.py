"""Row numbers as text: how the journal keeps a batch that does not follow one row after the other."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

KEY_VERSION = 1
"""Counts changes of how keys are made; it is part of what they hash, so that old and new never meet."""


def is_run(rows: Sequence[int]) -> bool:
    """Whether the rows, in order, follow each other without a gap."""
    return isinstance(rows, range) or rows[-1] - rows[0] + 1 == len(rows)


def to_text(rows: Sequence[int]) -> str:
    """``0-4,7,9-10`` for the rows 0 to 4, 7, 9 and 10, which are in order; ``journal.ranges`` reads it."""
    if isinstance(rows, range):
        return f"{rows[0]}-{rows[-1]}" if len(rows) > 1 else str(rows[0])
    parts: list[list[int]] = []
    for row in rows:
        if parts and row == parts[-1][1] + 1:
            parts[-1][1] = row
        else:
            parts.append([row, row])
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in parts)


def compact(rows: Sequence[int]) -> Sequence[int]:
    """The same rows, as a range where they follow each other."""
    return range(rows[0], rows[-1] + 1) if is_run(rows) else tuple(rows)


def key_of(load_id: str, job: str, rows: Sequence[int]) -> str:
    """The idempotency key of a batch: 32 hexadecimal digits from its package, job and rows."""
    text = f"{rows.start}-{rows.stop - 1}" if type(rows) is range and len(rows) > 1 else to_text(rows)
    return blake2b(f"{KEY_VERSION}|{load_id}|{job}|{text}".encode(), digest_size=16).hexdigest()
