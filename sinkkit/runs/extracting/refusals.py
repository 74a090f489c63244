"""Rows that schema contracts refuse: into the package beside the others, and onto the list of rejected rows with their reasons."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import attrs

from sinkkit.journal.letters import PORTION
from sinkkit.journal.records import RejectedRecord
from sinkkit.package.reader import Package
from sinkkit.package.writer import PackageWriter
from sinkkit.rows import Row
from sinkkit.schema.encoding.codec import encode
from sinkkit.schema.shapes import shapes_of

HELD_BYTES = 1 << 20
"""Bytes of reasons of a table that are held in memory; more of them go to a file that has no name and ends with the process."""


@attrs.define(eq=False)
class Refusals:
    """The reasons for which rows of a package are refused, by table and in the order of the rows, until the journal has them."""

    reasons: dict[str, IO[str]] = attrs.field(factory=dict)

    def write(self, writer: PackageWriter, table: str, rows: list[Row], reasons: Sequence[str]) -> None:
        """Put *rows* of *table* into the package, each with one of *reasons*.

        Raises:
            SourceError: If a value cannot be kept, or the files cannot be written. Nothing of the package stays then.
        """
        writer.write_refused(table, rows)
        if table not in self.reasons:
            from tempfile import SpooledTemporaryFile

            self.reasons[table] = SpooledTemporaryFile(HELD_BYTES, "w+", encoding="utf-8")  # noqa: SIM115  # closed by ``close``
        self.reasons[table].writelines(f"{json.dumps(reason)}\n" for reason in reasons)

    def letters(self, folder: Path, at: float) -> Iterator[RejectedRecord]:
        """A dead letter for each row that was refused, read from the sealed package in *folder*; *at* is when, in seconds since the epoch."""
        if not self.reasons:
            return
        package = Package.open(folder)
        for spool in self.reasons.values():
            spool.seek(0)
        for file in package.manifest.files:
            if file.refused:
                job = package.job(file.name)
                for first in range(0, file.rows, PORTION):
                    rows = job.read(range(first, min(first + PORTION, file.rows)))
                    lines = encode(rows, shapes_of(rows), table=file.table, first_row=file.first_index + first).split(b"\n")
                    for number, line in enumerate(lines[:-1], first):
                        yield RejectedRecord(
                            id=f"{package.manifest.load_id}/{file.name}/{number}",
                            load_id=package.manifest.load_id,
                            table=file.table,
                            index=file.first_index + number,
                            row=line,
                            reason=json.loads(self.reasons[file.table].readline()),
                            error=None,
                            status=None,
                            attempts=0,
                            rejected_at=at,
                        )

    def close(self) -> None:
        """Let go of the reasons."""
        for spool in self.reasons.values():
            spool.close()
