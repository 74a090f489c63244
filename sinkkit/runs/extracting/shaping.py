"""The chain from pages to the package: what turns pages as they were given into pages as the destination wants them.

``page → Mapper → Normalizer (names, nesting) → PackageWriter``. A step is called for each page in order and gives pages, of other tables too; a step after the
normalizer sees tables and columns by the names that they have at the destination. Where rows stay as they are, there is no step and no cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Protocol

from sinkkit.runs.extracting.shape import Shape
from sinkkit.sources import Page


class Step(Protocol):
    """One step of the chain."""

    def __call__(self, page: Page) -> Iterable[Page]:
        """What becomes of *page*; its rows may be the user's own and are not changed."""


def steps_for(shape: Shape, load_id: str) -> tuple[Step, ...]:
    """The steps that bring pages of the load *load_id* into *shape*; none if rows stay as they are."""
    steps: list[Step] = []
    if shape.mapping:
        from sinkkit.runs.extracting.mapper import Mapper

        steps.append(Mapper(shape.mapping, rests_as_arrow=shape.loader_file_format == "parquet"))
    if not shape.is_raw:
        from sinkkit.runs.extracting.normalizer import Normalizer

        steps.append(Normalizer.of(shape, load_id))
    return tuple(steps)


def shaped(pages: Iterator[Page], steps: Sequence[Step]) -> Iterator[Page]:
    """*pages* after all *steps*, read no earlier than they are asked for."""
    for step in steps:
        pages = chain.from_iterable(map(step, pages))
    return pages
