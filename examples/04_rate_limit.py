"""A limit that you know, and a pause that the destination asks for.

It prints::

    limited → api: 40 rows delivered in 0.51 s, 9 calls, 1 of them retries
    never more than 5 calls in 0.2 s: True
    the pause of 0.3 s was kept: True
"""

import os
from itertools import pairwise

import httpx

import sinkkit
from sinkkit import RateLimit
from sinkkit.testing import MisbehavingApi, TooMany


@sinkkit.destination(batch_size=5, rate_limit=RateLimit(calls=5, per=0.2))
def api(items: list[dict], http: httpx.Client) -> None:
    http.post("/rows", json=items).raise_for_status()


if __name__ == "__main__":
    with MisbehavingApi([None, None, TooMany(retry_after=0.3)]) as server:
        os.environ["DESTINATION__API__HTTP__BASE_URL"] = server.url
        pipeline = sinkkit.pipeline("limited", destination=api)
        print(pipeline.run([{"id": n} for n in range(40)], table_name="rows"))

    times = [request.arrived for request in server.requests]
    print("never more than 5 calls in 0.2 s:", all(later - first > 0.19 for first, later in zip(times, times[5:], strict=False)))  # noqa: PLR2004  # seconds
    paused = max(later - first for first, later in pairwise(times))
    print("the pause of 0.3 s was kept:", paused > 0.25)  # noqa: PLR2004  # seconds, as the server's clock saw them
