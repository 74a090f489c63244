"""A coroutine function is a destination too, fed by an async generator; inside a running event loop as well.

It prints::

    async → crm: 100 rows delivered in 0.21 s, 10 calls
    several calls at once: True
    inside a running loop: 100
"""

import asyncio
import os
from collections.abc import AsyncIterator

import httpx

import sinkkit
from sinkkit.testing import MisbehavingApi


@sinkkit.destination(batch_size=10)
async def crm(items: list[dict], http: httpx.AsyncClient) -> None:
    answer = await http.post("/contacts", json=items)
    answer.raise_for_status()


async def contacts() -> AsyncIterator[dict]:
    for n in range(100):
        await asyncio.sleep(0)
        yield {"id": n}


async def notebook() -> None:
    info = sinkkit.pipeline("async", destination=crm).run(contacts(), table_name="contacts")
    print("inside a running loop:", info.total.delivered)


if __name__ == "__main__":
    with MisbehavingApi(latency=0.2) as server:
        os.environ["DESTINATION__CRM__HTTP__BASE_URL"] = server.url
        print(sinkkit.pipeline("async", destination=crm).run(contacts(), table_name="contacts"))
        print("several calls at once:", server.most_in_flight > 1)
        asyncio.run(notebook())
