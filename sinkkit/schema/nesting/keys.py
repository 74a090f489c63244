"""Keys of rows: the same each time that the same rows of a load are normalized, so that a killed run makes no others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

BYTES = 12
"""Bytes of a key: among 10 billion rows, two of one key are as likely as one in a billion."""


def numbered(load_id: str, table: str, first: int, count: int) -> list[str]:
    """Keys of *count* rows of *table*, of which the first has the number *first* in its load."""
    begin = f"{load_id}\0{table}\0"
    return [_hash(f"{begin}{number}") for number in range(first, first + count)]


def from_key(table: str, values: Iterable[Sequence[Any]]) -> list[str]:
    """Keys of rows of *table*, made of the *values* of each in the columns of its primary key: the same in every load."""
    return [_hash(f"{table}\0{list(some)!r}") for some in values]


def of_children(table: str, parents: Sequence[str], places: Sequence[int]) -> list[str]:
    """Keys of rows of the child *table*, each at a place in a list of the row with its parent's key."""
    return [_hash(f"{parent}\0{table}\0{place}") for parent, place in zip(parents, places, strict=True)]


def _hash(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=BYTES).hexdigest()
