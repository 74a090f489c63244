"""Rows of a package as objects: looked at before their batch is claimed, handed out with its call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from sinkkit.delivery.plan import Flight
from sinkkit.errors import SchemaError
from sinkkit.package.reader import Package
from sinkkit.schema.typed.structurer import Structurer


@attrs.define(eq=False)
class TypedRows:
    """Reads the rows of *package* as objects; used from any number of threads.

    Args:
        clean: Takes secrets out of reasons.
    """

    package: Package
    structurer: Structurer
    clean: Callable[[str], str]
    _made: dict[tuple[str, int], list[Any]] = attrs.field(factory=dict, init=False)

    def fit(self, flight: Flight) -> Mapping[int, str]:
        """Position to reason of rows that do not fit; the objects of the others are kept for the call, which is next.

        Raises:
            PackageCorrupted: If the package is not what was written.
        """
        job, rows = flight.job.name, flight.rows
        made, refused = self.structurer(self.package.job(job).read(rows), self.clean)
        if made:
            first = next(row for position, row in enumerate(rows) if position not in refused)
            self._made[job, first] = made
        return refused

    def __call__(self, job: str, rows: Sequence[int]) -> list[Any]:
        """The objects of *rows*: those that were made when they were looked at, once; then new ones.

        Raises:
            PackageCorrupted: If the package is not what was written.
            SchemaError: If one does not fit, as when the class was changed since the batch was sent.
        """
        made = self._made.pop((job, rows[0]), None)
        if made is not None and len(made) == len(rows):
            return made
        reader = self.package.job(job)
        made, refused = self.structurer(reader.read(rows), self.clean)
        for position, reason in refused.items():
            raise SchemaError(
                f"table {reader.file.table!r}, row {rows[position]} of file {job!r}: {reason}",
                hint="let the class of the rows take it, as it did when the batch was sent",
            )
        return made
