"""The events of a run, as the tests of observers tell them."""

from __future__ import annotations

import pytest

from sinkkit.events import (
    CallsSettled,
    CallsStarted,
    DestinationPaused,
    LoadFinished,
    LoadStarted,
    PackageSealed,
    RetryScheduled,
    RowsExtracted,
    RunFinished,
    RunHalting,
    RunStarted,
    Warned,
)

EVENTS = {
    "started": RunStarted(pipeline="nightly", destination="crm"),
    "extracted": RowsExtracted(table="contacts", rows=1_000),
    "sealed": PackageSealed(load_id="l1", rows=1_000),
    "load": LoadStarted(load_id="l1", destination="crm", rows=1_000, settled=100),
    "calls": CallsStarted(in_flight=4),
    "settled": CallsSettled(load_id="l1", table="contacts", calls=2, delivered=190, rejected=10, in_flight=3),
    "retry": RetryScheduled(load_id="l1", table="contacts", rows=100, attempt=2, wait=0.5, reason="503 Busy\x1b[31m\nlater"),
    "pause": DestinationPaused(destination="crm", seconds=30.0, reason="the destination answered 429"),
    "halting": RunHalting(reason="401 Unauthorized"),
    "loaded": LoadFinished(load_id="l1", complete=False),
    "finished": RunFinished(pipeline="nightly", ok=False, summary="190 rows delivered, 800 pending"),
    "warned": Warned(message="rows of an earlier run were finished first"),
}


@pytest.fixture
def events():
    """Each kind of event by a short name, in the order of a run."""
    return EVENTS
