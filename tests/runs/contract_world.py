"""What tests of contracts run rows through: a destination that keeps them, and looks into the journal."""

from __future__ import annotations

from pathlib import Path

import sinkkit
from sinkkit.clock import SystemClock
from sinkkit.journal.sqlite import SqliteJournal

FORMS = [{}, {"naming_convention": "snake_case"}, {"loader_file_format": "parquet"}]
"""Settings of destinations that rows rest differently for; the first two keep Python's values."""


class Destination:
    """Keeps every row it gets, by table."""

    def __init__(self, **settings):
        self.rows = {}
        self.tables = {}

        @sinkkit.destination(batch_size=2, workers=1, **settings)
        def kept(items, table):
            self.rows.setdefault(table["name"], []).extend(items if isinstance(items, list) else items.to_pylist())
            self.tables[table["name"]] = table

        self.factory = kept

    def take(self):
        """What came since the last time."""
        rows, self.rows = self.rows, {}
        return rows


def journal_of(pipeline):
    """The journal of a pipeline that is not running."""
    return SqliteJournal(Path(pipeline.folder) / "journal.db", clock=SystemClock())


def numbers(info, table="people"):
    """Rows extracted, delivered and rejected of a table."""
    counts = info.tables[table]
    return (counts.extracted, counts.delivered, counts.rejected)
