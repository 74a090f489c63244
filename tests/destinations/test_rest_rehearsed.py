"""The REST destination in a dry run: its requests are shown as they would be made."""

from __future__ import annotations

import pytest

from sinkkit.destinations import rest
from sinkkit.runs.extracting.extraction import TableArguments
from sinkkit.runs.extracting.taking import Intake
from sinkkit.runs.requests.rehearsal import rehearse

PEOPLE = [{"id": 1, "mail": "a@example.com"}, {"id": 2, "mail": "b@example.com"}]


@pytest.mark.parametrize(
    ("settings", "requests"),
    [
        ({"path": "/contacts"}, [("POST", "/contacts", '[{"id":1,"mail":"a@example.com"},{"id":2,"mail":"b@example.com"}]')]),
        (
            {"path": "/contacts/{id}", "method": "PUT", "batch_size": 1},
            [("PUT", "/contacts/1", None), ("PUT", "/contacts/2", None)],
        ),
    ],
    ids=["a batch a request", "a row a request"],
)
def test_requests_of_rest_are_shown(settings, requests):
    """Method, URL and body come from the settings; nothing is sent to the port, where nobody listens."""
    destination = rest(base_url="http://127.0.0.1:9/v1", **settings)

    found = rehearse(destination, PEOPLE, Intake.of(TableArguments("people"), None, None), pipeline="p", batches=5)

    made = [request for batch in found.batches for request in batch.requests]
    assert [batch.stopped for batch in found.batches] == [None] * len(found.batches)
    assert [(request.method, request.url) for request in made] == [(method, f"http://127.0.0.1:9/v1{path}") for method, path, _ in requests]
    assert [request.body for request, (*_, body) in zip(made, requests, strict=True) if body is not None] == [body for *_, body in requests if body]
