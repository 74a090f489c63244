"""What a request of the injected client carries: an id of its own, and the whole of its query."""

from __future__ import annotations

import httpx
import pytest

import sinkkit
from sinkkit import Retry
from sinkkit.testing import MisbehavingApi

QUICK = Retry(attempts=3, first_wait=0.001, longest_wait=0.002)


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


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_requests_carry_an_id_if_config_names_a_header(api, monkeypatch, kind):
    """The key of the batch, the attempt, and which request of the call it is; by default there is none."""
    monkeypatch.setenv("DESTINATION__CRM__HTTP__REQUEST_ID_HEADER", "X-Request-Id")
    tried = []

    @sinkkit.destination(retry=QUICK)
    def crm(items, table, http: httpx.Client, batch: sinkkit.Batch):
        http.get("/about")
        http.post("/a", json=items)
        tried.append(batch.key)
        if len(tried) == 1:
            raise TimeoutError

    @sinkkit.destination(name="crm", retry=QUICK)
    async def crm_async(items, table, http: httpx.AsyncClient, batch: sinkkit.Batch):
        await http.get("/about")
        await http.post("/a", json=items)
        tried.append(batch.key)
        if len(tried) == 1:
            raise TimeoutError

    run(crm if kind == "sync" else crm_async)

    ids = [request.headers["x-request-id"] for request in api.requests]
    assert ids == [f"{tried[0]}.{attempt}.{number}" for attempt in (1, 2) for number in (1, 2)]


def test_the_query_of_a_url_stays_beside_the_parameters_of_config(api, monkeypatch):
    """The library would drop it; what the function gives goes before what config gives."""
    monkeypatch.setenv("DESTINATION__CRM__HTTP__PARAMS", '{"team": "x", "page": "1"}')

    @sinkkit.destination
    def crm(items, table, http: httpx.Client):
        http.post("/a?own=2&page=7", json=items)
        http.post("/b", json=items)

    run(crm)

    assert [request.path for request in api.requests] == ["/v2/a?team=x&page=7&own=2", "/v2/b?team=x&page=1"]
