"""Rows that lack what the API needs stay here; and a run that an API ended says so with the API's words."""

from __future__ import annotations

import pytest

import sinkkit
from sinkkit.destinations import requests_for
from sinkkit.errors import DeliveryFailed
from sinkkit.testing import Answer, MisbehavingApi

ROWS = [{"id": 1, "to": {"mail": "a"}}, {"id": None, "to": {"mail": "b"}}, {"to": {"mail": "c"}}, {"id": 0, "to": {}}, {"id": 5, "to": {"mail": ""}}]


def test_required_fields():
    """Null, missing and empty are not there; zero and false are. The rows that have all go out as they are."""
    assert [request.rows for request in requests_for(ROWS, path="/x", required=["id"])] == [(0, 3, 4)]
    assert [request.rows for request in requests_for(ROWS, path="/x", required=["id", "to.mail"])] == [(0,)]
    assert requests_for(ROWS[:1], path="/x", required=["id"])[0].body == b'[{"id":1,"to":{"mail":"a"}}]'
    assert requests_for([{"id": False}], path="/x", required=["id"], row={"key": "{id}"})[0].body == b'[{"key":false}]'


def test_a_required_field_that_no_row_has():
    """A name that the table does not know is a slip in the settings: nothing is sent."""
    with MisbehavingApi() as api:
        pipeline = sinkkit.pipeline("p", destination=sinkkit.destinations.rest(base_url=api.url, required=["mail"]))
        with pytest.raises(DeliveryFailed, match="the field 'mail'"):
            pipeline.run([{"email": "x"}], table_name="t")

    assert api.requests == []


@pytest.mark.parametrize("status", [400, 401, 422, 503])
def test_the_words_of_the_api_end_the_run(status):
    """What the API said of a request that it does not take is in the error, for whoever reads it."""
    with MisbehavingApi(lambda number, request: Answer(status, body="the property city does not exist")) as api:
        retry = sinkkit.Retry(attempts=1)
        with pytest.raises(DeliveryFailed) as caught:
            sinkkit.pipeline("p", destination=sinkkit.destinations.rest(base_url=api.url, retry=retry)).run([{"id": 1}], table_name="t")

    assert f"HTTP {status}: the property city does not exist" in str(caught.value)
