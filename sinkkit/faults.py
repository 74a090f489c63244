"""Named crash points: places where a test may kill or fail the process; idle in production."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Point(StrEnum):
    """A place between two durable steps, named by what has just happened or is about to."""

    PAGE_EXTRACTED = "a page of rows was taken from the source"
    BEFORE_SEAL = "all rows are written, the package has no name yet"
    AFTER_SEAL = "the package has its name, the journal does not know it"
    AFTER_REGISTER = "the journal knows the package"
    BEFORE_CLAIM = "batches are chosen, the journal does not know"
    AFTER_CLAIM = "batches are in flight in the journal, no call was made"
    AFTER_CALL = "the destination answered, the journal does not know"
    AFTER_SETTLE = "the journal knows the answer"
    BEFORE_COMPLETE = "all batches are settled, the package is open"
    AFTER_COMPLETE = "the package is completed, its files are still there"
    AFTER_REPLACE = "the journal knows the files of another form, the former ones are still there"
    BEFORE_HANDOVER = "a package is in its file but for the seal, the journal does not know"
    AFTER_HANDOVER = "the journal has handed the package over, its file has no seal"
    AFTER_EXPORT = "the sealed file has its name"


OF_EXTRACT = (Point.PAGE_EXTRACTED, Point.BEFORE_SEAL, Point.AFTER_SEAL, Point.AFTER_REGISTER)
"""Those that every extraction comes by."""

OF_NORMALIZE = (Point.PAGE_EXTRACTED, Point.BEFORE_SEAL, Point.AFTER_SEAL, Point.AFTER_REPLACE)
"""Those that writing a package again in another form comes by."""

OF_DELIVERY = (
    Point.BEFORE_CLAIM,
    Point.AFTER_CLAIM,
    Point.AFTER_CALL,
    Point.AFTER_SETTLE,
    Point.BEFORE_COMPLETE,
    Point.AFTER_COMPLETE,
)
"""Those that every delivery comes by."""

OF_EXPORT = (Point.BEFORE_HANDOVER, Point.AFTER_HANDOVER, Point.AFTER_EXPORT)
"""Those that every export comes by."""

OF_IMPORT = (Point.BEFORE_SEAL, Point.AFTER_SEAL, Point.AFTER_REGISTER)
"""Those that every import comes by."""

OF_RUN = (*OF_EXTRACT, *OF_DELIVERY)
"""Those that every run with new data comes by."""


Faults = Callable[[Point], None]
"""Called with each point as it is reached."""


def idle(point: Point) -> None:
    """Let every point pass: the production behaviour."""
