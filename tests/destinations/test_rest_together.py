"""Settings of the destination beside those of any destination and of its client."""

from __future__ import annotations

import pytest

import sinkkit
from sinkkit.destinations import rest
from sinkkit.errors import ConfigError
from sinkkit.testing import Answer, MisbehavingApi

HERE = "https://api.example.com/v2"
JOB = {"status_path": "/j/{@job}", "create": {"path": "/j"}}


def run(**settings):
    """A run whose rows must not be taken."""

    def rows():
        raise AssertionError("a row was taken")
        yield

    sinkkit.pipeline("p", destination=rest(**settings)).run(rows(), table_name="t")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "base_url is missing"),
        ({"path": "/x"}, "base_url is missing"),
        ({"base_url": HERE, "http": {"base_url": "https://other.example.com"}}, "not the same"),
        ({"base_url": HERE, "path": "/j/{@job}", "job": JOB, "idempotency_header": "Key"}, "idempotency_header"),
    ],
)
def test_what_does_not_go_together(settings, message):
    """Nowhere to send to, two places, or a key for two requests are told before a row is taken."""
    with pytest.raises(ConfigError, match=message) as caught:
        run(**settings)

    assert caught.value.hint


def test_credentials_go_to_the_base_url_of_the_destination():
    """With a base_url of its own, the client logs in there; to another host, for deletes say, no credentials go."""
    with MisbehavingApi() as home, MisbehavingApi([Answer(204)]) as other:
        delete = {"base_url": other.url, "path": "/c/{id}"}
        login = {"auth": {"type": "bearer", "token": "a-token-of-many-letters"}}
        destination = rest(base_url=home.url, path="/c", operation_field="gone", delete=delete, http=login)
        info = sinkkit.pipeline("p", destination=destination).run([{"id": 1}, {"id": 2, "gone": True}], table_name="t")

    assert info.tables["t"].delivered == 2
    assert home.requests[0].headers["authorization"] == "Bearer a-token-of-many-letters"
    assert "authorization" not in other.requests[0].headers
