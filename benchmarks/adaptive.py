"""Adaptive workers against every fixed number, on a real server that answers in 50 ms and refuses more than a few calls at once.

Usage: ``python benchmarks/adaptive.py [--takes 16] [--rows 20000] [--repeat 3]``. Prints figures; asserts nothing.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from typing import Any

import httpx

import sinkkit
from sinkkit.testing import Answer, MisbehavingApi

FIXED = (4, 8, 12, 16, 20, 24, 32)


def seconds(workers: Any, takes: int, rows: int) -> tuple[float, int, int]:
    """How long one run takes, how many of its calls were refused, and how many ran at once at most."""

    def script(_: int, __: Any) -> Answer | None:
        return Answer(429) if api.in_flight > takes else None

    with MisbehavingApi(script, latency=0.05) as api, tempfile.TemporaryDirectory() as folder:
        os.environ["DESTINATION__CRM__HTTP__BASE_URL"] = api.url

        @sinkkit.destination(batch_size=100, workers=workers, retry=sinkkit.Retry(attempts=50))
        def crm(items: list[dict[str, Any]], http: httpx.Client) -> None:
            http.post("/contacts", json=items).raise_for_status()

        pipeline = sinkkit.pipeline("bench", destination=crm, pipelines_dir=folder, progress="off")
        data = [{"id": n} for n in range(rows)]
        started = time.perf_counter()
        pipeline.run(data, table_name="contacts")
        took = time.perf_counter() - started
        return took, sum(request.status == 429 for request in api.requests), api.most_in_flight


def main() -> None:
    """Print a line for each number of workers, and one for adaptive ones."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--takes", type=int, default=16)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    best = float("inf")
    for workers in (*FIXED, "adaptive"):
        runs = [seconds(workers, asked.takes, asked.rows) for _ in range(asked.repeat)]
        took = statistics.median(run[0] for run in runs)
        ratio = f"{took / best:6.2f} x the best fixed" if workers == "adaptive" else ""
        best = min(best, took)
        print(f"{workers!s:>8}: {took:6.2f} s, refused {max(run[1] for run in runs):4}, most at once {max(run[2] for run in runs):3} {ratio}")


if __name__ == "__main__":
    main()
