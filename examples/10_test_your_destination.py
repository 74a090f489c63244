"""How a destination is tested: the function alone, then against a real server that misbehaves.

It prints::

    the function alone: 1 request with 2 rows
    against a bad day: 50 delivered, 10 sent again, all there: True
"""

import os

import httpx

import sinkkit
from sinkkit import Retry
from sinkkit.testing import Answer, Drop, MisbehavingApi, TooMany


@sinkkit.destination(batch_size=10, idempotency_header="Idempotency-Key")
def crm(items: list[dict], http: httpx.Client) -> None:
    http.post("/contacts", json=items).raise_for_status()


def test_the_function_alone() -> None:
    with MisbehavingApi() as server, httpx.Client(base_url=server.url) as http:
        crm.function([{"id": 1}, {"id": 2}], http=http)
    print(f"the function alone: {len(server.requests)} request with {len(server.received)} rows")


def test_against_a_bad_day() -> None:
    with MisbehavingApi([TooMany(retry_after=0.1), Answer(503), Drop.before, Drop.after], honours_keys=True) as server:
        os.environ["DESTINATION__CRM__HTTP__BASE_URL"] = server.url  # with pytest: monkeypatch.setenv
        pipeline = sinkkit.pipeline("test", destination=crm(workers=1, retry=Retry(first_wait=0.05)), dev_mode=True)
        info = pipeline.run([{"id": n} for n in range(50)], table_name="contacts")
    there = sorted(row["id"] for row in server.received) == list(range(50))
    print(f"against a bad day: {info.total.delivered} delivered, {info.total.resent} sent again, all there: {there}")


if __name__ == "__main__":
    test_the_function_alone()
    test_against_a_bad_day()
