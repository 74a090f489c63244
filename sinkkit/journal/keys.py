"""Idempotency keys: what a batch is called towards its destination, made from its rows alone."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from sinkkit.journal.ranges import to_text

KEY_VERSION = 1
"""Counts changes of how keys are made; it is part of what they hash, so that old and new never meet."""

UNWRITTEN_VERSION = 1
"""The version of the keys of batches that are kept without one; it stays when the other changes."""


def key_of(load_id: str, job: str, rows: Sequence[int], version: int = KEY_VERSION) -> str:
    """The idempotency key of a batch: 32 hexadecimal digits from its package, job and rows, as *version* makes them."""
    text = f"{rows.start}-{rows.stop - 1}" if type(rows) is range and len(rows) > 1 else to_text(rows)
    return blake2b(f"{version}|{load_id}|{job}|{text}".encode(), digest_size=16).hexdigest()
