"""A journal in the folder of the test."""

from __future__ import annotations

import pytest

from sinkkit.clock import SystemClock
from sinkkit.journal.sqlite import SqliteJournal


@pytest.fixture
def journal(tmp_path):
    """An empty journal with one run under way."""
    made = SqliteJournal(tmp_path / "journal.db", clock=SystemClock(), durability="process")
    made.start_run(None, "crm", 1.0)
    yield made
    made.close()
