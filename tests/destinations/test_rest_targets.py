"""Where a row's request goes: templates of path, query and headers, and what no row may put there."""

from __future__ import annotations

import datetime as dt
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.destinations import requests_for
from sinkkit.destinations.http_api.requests import planned
from sinkkit.destinations.http_api.settings import RestSettings
from sinkkit.errors import ConfigError

BASE = "https://api.example.com/v2"


def reasons(row, **settings):
    """Why *row* cannot be sent."""
    return list(planned(RestSettings(base_url=BASE, send="row", **settings), [row]).rejected.values())


def url_of(row, **settings):
    """The URL of the one request of *row*."""
    [request] = requests_for([row], base_url=BASE, send="row", **settings)
    return request.url


@pytest.mark.parametrize(
    ("path", "row", "expected"),
    [
        ("/contacts/{id}", {"id": 7}, "/contacts/7"),
        ("contacts/{id}", {"id": "a b"}, "/contacts/a%20b"),
        ("/contacts/{id}", {"id": "a/b?c#d%e"}, "/contacts/a%2Fb%3Fc%23d%25e"),
        ("/contacts/{who.mail}", {"who": {"mail": "é@x.org"}}, "/contacts/%C3%A9%40x.org"),
        ("/contacts/{who.mail}", {"who.mail": "a column whose name has a dot"}, "/contacts/a%20column%20whose%20name%20has%20a%20dot"),
        ("/on/{day}/{flag}", {"day": dt.date(2026, 1, 2), "flag": True}, "/on/2026-01-02/true"),
        ("/{{raw}}/{id}.json", {"id": 1}, "/{raw}/1.json"),
    ],
)
def test_a_value_stays_one_segment(path, row, expected):
    """What a row puts into the path is percent-encoded, so that it is one segment."""
    assert url_of(row, path=path) == BASE + expected


@pytest.mark.parametrize("value", ["..", ".", "../admin", "a/../b", "..\\x", "%2e%2e", "%252e%252e/x", "a%2f..", "", None, [1], {"a": 1}, b"x", "a\r\nb", "a\x00"])
def test_no_value_leads_elsewhere(value):
    """A value that is empty, or that some server may read as the way to another folder, rejects its row with a reason."""
    [reason] = reasons({"id": value}, path="/contacts/{id}/notes")

    assert "'id'" in reason


def test_dots_that_meet_in_a_segment_are_refused():
    """A dot of the template and a dot of the row make no parent folder."""
    assert len(reasons({"id": "."}, path="/contacts/.{id}")) == 1


@given(st.text())
def test_any_text_is_one_segment_or_refused(value):
    """Whatever the text, it comes out of the path as it went in, or its row is rejected."""
    plan = planned(RestSettings(base_url=BASE, path="/contacts/{id}/notes", send="row"), [{"id": value}])
    if plan.rejected:
        assert list(plan.requests) == []
        return
    before, segment, after = urlsplit(plan.requests[0].url).path.rsplit("/", 2)

    assert (before, unquote(segment), after) == ("/v2/contacts", value, "notes")


def test_query_values_are_encoded_and_nulls_left_out():
    """Parameters are encoded; one whose field is null or missing is not sent."""
    url = url_of({"q": "a&b=c d", "n": None}, path="/x", query={"q": "{q}", "n": "{n}", "m": "{m}", "fixed": 1, "mixed": "v{q}"})

    assert url == f"{BASE}/x?q=a%26b%3Dc%20d&fixed=1&mixed=va%26b%3Dc%20d"


@pytest.mark.parametrize("value", [" a", "a ", " ", "a\r\nX-Evil: 1", "a\nb", "a\rb", "a\x00b", "é", "a\x7f"])
def test_a_row_cannot_add_headers(value):
    """A value with a line break or another character that no header carries rejects its row."""
    [reason] = reasons({"team": value}, headers={"X-Team": "{team}"})

    assert "no header can carry" in reason
    assert "X-Team" in reason


def test_headers_come_from_rows():
    """A header is filled from the row, and left out where its field is null."""
    one, two = requests_for([{"t": "a"}, {"t": None}], base_url=BASE, headers={"X-Team": "{t}", "X-Fixed": "f"})

    assert [one.headers, two.headers] == [
        {"Content-Type": "application/json", "X-Team": "a", "X-Fixed": "f"},
        {"Content-Type": "application/json", "X-Fixed": "f"},
    ]


def test_rows_of_one_target_share_a_request():
    """In a batch, rows whose path, query and headers are the same go out together, in their order."""
    requests = requests_for([{"l": 1, "n": 1}, {"l": 2, "n": 2}, {"l": 1, "n": 3}], base_url=BASE, path="/lists/{l}", row={"n": "{n}"})

    assert [(request.url, request.rows, request.body) for request in requests] == [
        (f"{BASE}/lists/1", (0, 2), b'[{"n":1},{"n":3}]'),
        (f"{BASE}/lists/2", (1,), b'[{"n":2}]'),
    ]


@pytest.mark.parametrize(
    "settings",
    [
        {"path": "/a b"},
        {"path": "/a?b=c"},
        {"path": "/a/../b"},
        {"path": "/{id"},
        {"path": "/{}"},
        {"path": "/a\r\nb"},
        {"base_url": "api.example.com"},
        {"base_url": "https://api.example.com/x?key=1"},
        {"method": "PO ST"},
        {"headers": {"X Bad": "1"}},
        {"headers": {"X-Bad": "a\nb"}},
        {"query": {"a": "{"}},
        {"row": {"a": ["{x", 1]}},
        {"rows_at": "a.b", "body": {"a": 1}},
        {"body": {"mode": "upsert"}},
        {"format": "jsonl", "rows_at": "inputs"},
    ],
)
def test_impossible_settings_are_refused(settings):
    """What can be seen to be wrong without a row is a ConfigError with a hint."""
    with pytest.raises(ConfigError) as caught:
        RestSettings(**settings)

    assert caught.value.hint
