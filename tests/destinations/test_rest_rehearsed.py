"""The destination in a dry run: requests of rows that go out by themselves are shown too, and rows that none can be made for."""

from __future__ import annotations

from sinkkit.destinations import rest
from sinkkit.runs.extraction import TableArguments
from sinkkit.runs.rehearsal import rehearse
from sinkkit.runs.taking import Intake


def test_requests_of_single_rows_are_shown():
    """A batch whose rows need a request each shows them all; a row that cannot be sent shows why."""
    destination = rest(base_url="http://127.0.0.1:9", path="/c/{id}", send="row", method="PUT", row={"m": "{m}"})
    rows = [{"id": 1, "m": "a"}, {"id": "..", "m": "b"}, {"id": 3, "m": "c"}]
    found = rehearse(destination, rows, Intake.of(TableArguments("people"), None, None), pipeline="p", batches=5)

    assert [list(batch.rejected) for batch in found.batches] == [[1], [], []]
    assert [(request.method, request.url, request.body) for batch in found.batches for request in batch.requests] == [
        ("PUT", "http://127.0.0.1:9/c/1", '{"m":"a"}'),
        ("PUT", "http://127.0.0.1:9/c/3", '{"m":"c"}'),
    ]
