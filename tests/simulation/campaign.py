# ruff: noqa: T201  # a program for people: it prints
"""Simulate one seed after another until one is wrong: ``python tests/simulation/campaign.py --seeds 10000``.

``--seed n`` does one alone and prints all that happened. Exits with 1 if a seed broke a law.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from simulation import simulate

PORTION = 100


def portion(first, last):
    """Simulate the seeds from *first* to before *last*: what was wrong, by seed, and sums."""
    wrong, sums = {}, Counter()
    for seed in range(first, last):
        try:
            done = simulate(seed)
        except Exception as error:  # noqa: BLE001  # told with its seed, so that it can be reproduced
            wrong[seed] = [f"the simulation itself failed: {error!r}"]
            continue
        if done.seen.wrong:
            wrong[seed] = done.seen.wrong
        sums.update(figures(done))
    return wrong, sums


def figures(done):
    """What a seed adds to the sums."""
    seen = done.seen
    return {
        "seeds": 1,
        "rows": done.case.rows,
        "calls": sum(seen.calls.values()),
        "rows repeated": len(seen.repeated),
        "rejected": len([how for how in seen.settled.values() if how == "rejected"]),
        "runs": done.runs,
        "processes killed or left": done.kills,
        "virtual hours": done.hub.now / 3600,
    }


def one(seed):
    """Simulate *seed* and tell everything."""
    trace = []
    done = simulate(seed, trace=trace)
    print(f"seed {seed}: {done.case}", *trace, sep="\n")
    print(*(done.seen.wrong or ["nothing was wrong"]), sep="\n")
    return 1 if done.seen.wrong else 0


def many(first, count, jobs):
    """Simulate *count* seeds from *first* in *jobs* processes, printing how far it is."""
    began, wrong, sums = time.monotonic(), {}, Counter()
    edges = [*range(first, first + count, PORTION), first + count]
    with ProcessPoolExecutor(jobs) as pool:
        for found, figured in pool.map(portion, edges[:-1], edges[1:]):
            wrong.update(found)
            sums.update(figured)
            for seed, what in found.items():
                print(f"seed {seed}: {what[0]}\n  again, with all that happened: make simulate SEED={seed}", flush=True)
            print(f"{sums['seeds']:6} seeds, {sums['seeds'] / (time.monotonic() - began):.0f} a second, {len(wrong)} wrong", flush=True)
    print(", ".join(f"{value:,.0f} {name}" for name, value in sums.items()))
    print(f"{len(wrong)} of {count} seeds broke a law" if wrong else f"all {count} seeds kept the laws")
    return 1 if wrong else 0


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, help="one seed, with all that happened")
    parser.add_argument("--seeds", type=int, default=10_000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at the same time")
    given = parser.parse_args()
    return one(given.seed) if given.seed is not None else many(given.first, given.seeds, given.jobs)


if __name__ == "__main__":
    sys.exit(main())
