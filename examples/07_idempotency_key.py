"""When an answer is lost, the same rows go again under the same key, so that the destination can tell.

The server stores the first batch and hangs up without a word. Nobody can know then whether it arrived.

It prints::

    keys → crm: 30 rows delivered in 0.31 s, 4 calls, 1 of them retries
      10 rows of unknown fate sent again under the same key
    the server got 4 batches under 3 keys, and stored 30 rows
"""

import os

import httpx

import sinkkit
from sinkkit.testing import Drop, MisbehavingApi


@sinkkit.destination(batch_size=10, workers=1, idempotency_header="Idempotency-Key")
def crm(items: list[dict], http: httpx.Client) -> None:
    http.post("/contacts", json=items).raise_for_status()


if __name__ == "__main__":
    with MisbehavingApi([Drop.after], honours_keys=True) as server:
        os.environ["DESTINATION__CRM__HTTP__BASE_URL"] = server.url
        pipeline = sinkkit.pipeline("keys", destination=crm)
        print(pipeline.run([{"id": n} for n in range(30)], table_name="contacts"))

    keys = {request.key for request in server.requests}
    print(f"the server got {len(server.requests)} batches under {len(keys)} keys, and stored {len(server.received)} rows")
