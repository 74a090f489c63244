"""Adaptive workers against fixed numbers, on a server of its own process that answers in 50 ms and refuses more than so many calls at once.

Usage: ``python benchmarks/adaptive.py [--takes 8 16 32] [--refuses at-once late] [--calls 200] [--repeat 9]``. Fixed numbers and
adaptive workers take turns; prints medians and asserts nothing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx

import sinkkit

ROWS_A_CALL = 100
SERVER = Path(__file__).with_name("limited_server.py")


@contextmanager
def limited_server(takes: int, refuses: str) -> Iterator[str]:
    """The address of a server that takes so many calls at once."""
    with subprocess.Popen([sys.executable, str(SERVER), str(takes), refuses], stdout=subprocess.PIPE, text=True) as process:
        try:
            port = next(iter(process.stdout or ())).strip()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def run(url: str, workers: Any, calls: int) -> tuple[float, int]:
    """How long one run takes, in seconds, and how many of its calls were refused."""
    refused = 0

    @sinkkit.destination(batch_size=ROWS_A_CALL, workers=workers, retry=sinkkit.Retry(attempts=50))
    def crm(items: list[dict[str, Any]], http: httpx.Client) -> None:
        nonlocal refused
        answer = http.post(url, json=items)
        refused += answer.status_code == httpx.codes.TOO_MANY_REQUESTS
        answer.raise_for_status()

    with tempfile.TemporaryDirectory() as folder:
        pipeline = sinkkit.pipeline("bench", destination=crm, pipelines_dir=folder, progress="off")
        started = time.perf_counter()
        pipeline.run([{"id": n} for n in range(calls * ROWS_A_CALL)], table_name="contacts")
        return time.perf_counter() - started, refused


def compare(takes: int, refuses: str, calls: int, repeat: int) -> str:
    """One line: seconds of the fixed numbers and of adaptive workers, and their ratio to the best."""
    fixed = [takes * 3 // 4, takes]
    seen: dict[Any, list[tuple[float, int]]] = {workers: [] for workers in (*fixed, "adaptive")}
    with limited_server(takes, refuses) as url:
        for _ in range(repeat):
            for workers, runs in seen.items():
                runs.append(run(url, workers, calls))
    took = {workers: median(seconds for seconds, _ in runs) for workers, runs in seen.items()}
    refused = median(number for _, number in seen["adaptive"])
    figures = ", ".join(f"{workers}: {seconds:.3f} s" for workers, seconds in took.items())
    return f"takes {takes}, refuses {refuses}: {figures}; {took['adaptive'] / min(took[each] for each in fixed):.2f} x the best fixed, {refused:g} refused"


def main() -> None:
    """Print a line for each server."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--takes", type=int, nargs="+", default=[8, 16, 32])
    parser.add_argument("--refuses", nargs="+", default=["at-once", "late"], choices=["at-once", "late"])
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=9)
    asked = parser.parse_args()
    for refuses in asked.refuses:
        for takes in asked.takes:
            print(compare(takes, refuses, asked.calls, asked.repeat), flush=True)


if __name__ == "__main__":
    main()
