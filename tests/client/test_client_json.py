"""How the injected client writes JSON, and what it refuses to write."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sinkkit
from sinkkit import Reject
from sinkkit.declaration.client.json_body import to_json
from sinkkit.testing import MisbehavingApi


@pytest.fixture
def api(monkeypatch):
    """A server to which destinations called ``crm`` send."""
    with MisbehavingApi() as running:
        monkeypatch.setenv("DESTINATION__CRM__HTTP__BASE_URL", f"{running.url}/v2")
        yield running


def run(destination, rows=None):
    """One run; the report."""
    pipeline = sinkkit.pipeline("p", destination=destination, progress="off")
    return pipeline.run(rows or [{"a": number} for number in range(4)], table_name="t")


VALUES = {
    "when": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    "day": date(2026, 1, 2),
    "at": time(3, 4, 5),
    "wait": timedelta(seconds=90),
    "price": Decimal("19.90"),
    "id": UUID(int=7),
    "big": 2**80,
    "name": "Zoë",
    "none": None,
    "tags": ["a", None],
}


def test_json_is_written_with_dates_as_iso_and_decimals_as_text(api):
    """Whatever a row may hold and JSON has a form for arrives as text or number."""

    @sinkkit.destination
    def crm(items, table, http: httpx.Client):
        http.post("/", json=items).raise_for_status()

    run(crm, [VALUES])

    assert json.loads(api.requests[0].body) == [
        {
            "when": "2026-01-02T03:04:05.000006+00:00",
            "day": "2026-01-02",
            "at": "03:04:05",
            "wait": 90.0,
            "price": "19.90",
            "id": str(UUID(int=7)),
            "big": 2**80,
            "name": "Zoë",
            "none": None,
            "tags": ["a", None],
        }
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(JSON)
def test_json_of_plain_values_is_that_of_the_standard_library(value):
    """What is written reads back as what was given, lone surrogates and whole numbers of any size included."""
    assert json.loads(to_json(value)) == value


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (math.nan, "$[0].v"),
        (math.inf, "$[0].v"),
        ([1, {"x": -math.inf}], "$[0].v[1].x"),
        (Decimal("NaN"), "JSON"),
        (b"x", "JSON"),
    ],
)
def test_what_json_cannot_hold_is_refused(api, value, where):
    """NaN is not sent as null: the row is refused with its place, and nothing of the batch was sent."""

    @sinkkit.destination(on_reject="bisect", workers=1)
    def crm(items, table, http: httpx.Client):
        http.post("/", json=items).raise_for_status()

    pipeline = sinkkit.pipeline("p", destination=crm, progress="off")
    info = pipeline.run([{"v": 1}, {"v": value}, {"v": 3}], table_name="t")

    [refused] = pipeline.rejected()
    assert api.received == [{"v": 1}, {"v": 3}]
    assert [info.total.delivered, refused.index] == [2, 1]
    assert where in refused.reason
    with pytest.raises(Reject):
        to_json([{"v": value}])
