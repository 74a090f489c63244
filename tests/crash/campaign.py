# ruff: noqa: T201  # a program for people: it prints
"""Kill real processes at random instants and at every named point, resume them until they are done, and count what arrived.

Usage: ``python tests/crash/campaign.py --kills 200 --seed 1``. Exits with 1 if a row was lost, or repeated without need.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

import attrs
from oracle import MANY, Oracle
from victim import Plan

from sinkkit.faults import OF_RUN
from sinkkit.testing import kill_after

VICTIM = Path(__file__).with_name("victim.py")
MODES = {
    "slow": {"rows": 600, "batch": 10, "workers": 4},
    "fast": {"rows": 40_000, "batch": 2, "workers": 4, "file_rows": 15_000},
    "mixed": {"rows": 8_000, "batch": 2, "workers": 4, "file_rows": 3_000},
    "flaky": {"rows": 400, "batch": 10, "workers": 4},
    "quick": {"rows": 8_000, "batch": 4, "workers": 2, "mode": "quick"},
    "typed": {"rows": 600, "batch": 10, "workers": 4, "mode": "slow", "bad": 7},
    "typed fast": {"rows": 8_000, "batch": 2, "workers": 4, "mode": "fast", "bad": 7, "file_rows": 3_000},
    "one worker": {"rows": 200, "batch": 10, "workers": 1, "mode": "slow"},
    "extracting": {"rows": 1_000, "batch": 50, "workers": 2, "page_seconds": 0.01, "mode": "fast"},
}
KILLS_A_PIPELINE = 4
LONGEST_SECONDS = {"slow": 0.5, "fast": 0.4, "quick": 0.4, "mixed": 0.3, "typed": 0.5, "typed fast": 0.3, "flaky": 0.4, "one worker": 0.6, "extracting": 0.4}


@attrs.define
class Figures:
    """Sums over the pipelines of one mode."""

    pipelines: int = 0
    kills: int = 0
    at_points: int = 0
    extracting: int = 0
    rows: int = 0
    repeated: int = 0
    unsettled: int = 0
    longest: float = 0.0
    violations: list[str] = attrs.field(factory=list)


def run(folder, plan, *, seconds=None):
    """One run of the victim; killed by itself, after *seconds*, or not at all."""
    command = [sys.executable, str(VICTIM), str(folder), json.dumps(attrs.asdict(plan))]
    if seconds is None:
        return kill_after(command, limit=120.0)
    return kill_after(command, seconds=start_seconds() + seconds, limit=120.0)


@cache
def start_seconds():
    """How long this machine takes to start the victim, so that random kills fall into its work."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import sinkkit.runs.pipeline, sinkkit.testing"], check=True)
    return time.monotonic() - began


def campaign(folder, plan, kills, chance, *, points=None, longest=0.5):
    """One pipeline, killed *kills* times where *chance* says (or at *points*, each with its count), then left to finish.

    A random instant is at most *longest* seconds after the start of its work.

    Returns:
        The oracle, how many of the kills were at points, and how many rows were repeated.
    """
    oracle = Oracle(folder, plan)
    at_points = 0
    planned = list(points or [])
    for _ in range(4 * kills + 8):
        if len(oracle.kills) >= kills and not planned:
            break
        point, nth = planned.pop(0) if planned else draw(chance)
        if point is None:
            ended = run(folder, plan, seconds=chance.uniform(0.0, longest))
        else:
            ended = run(folder, attrs.evolve(plan, point=str(point), nth=nth))
        if ended.killed:
            at_points += point is not None
            oracle.after_kill()
        elif ended.returncode == 0:  # it was done before the moment came
            return oracle, at_points, oracle.in_the_end(json.loads(ended.output.splitlines()[-1]))
        elif ended.returncode != 1:
            oracle.violations.append(f"the run ended with {ended.returncode}:\n{ended.output[-2000:]}")
            return oracle, at_points, 0
    return oracle, at_points, finish(oracle)


def finish(oracle):
    """Let the pipeline finish, and check the end."""
    for _ in range(10):
        ended = run(oracle.folder, oracle.plan)
        if ended.returncode == 0:
            return oracle.in_the_end(json.loads(ended.output.splitlines()[-1]))
    oracle.violations.append(f"it does not come to an end:\n{ended.output[-2000:]}")
    return 0


def draw(chance):
    """A point and how often it is to be reached, or a random instant."""
    if chance.random() < 0.5:
        return None, 0
    return chance.choice(OF_RUN), chance.choice([1, 1, 2, 3, 7])


def main():
    """Run the campaign and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    asked = parser.parse_args()
    seed = random.randrange(1 << 30) if asked.seed is None else asked.seed
    chance = random.Random(seed)
    figures = {mode: Figures() for mode in MODES}
    began = time.monotonic()
    while sum(one.kills for one in figures.values()) < asked.kills:
        mode = min(figures, key=lambda name: figures[name].kills)
        left = asked.kills - sum(one.kills for one in figures.values())
        add(figures[mode], mode, min(KILLS_A_PIPELINE, left), chance)
        print(".", end="", flush=True)
    print(table(figures))
    violations = [f"{mode}: {text}" for mode, one in figures.items() for text in one.violations]
    print(f"\nseed {seed}, {time.monotonic() - began:.0f} s, violations: {len(violations)}")
    print("\n".join(violations[:MANY]))
    return 1 if violations else 0


def add(sums, mode, kills, chance):
    """One more pipeline of *mode*, added to its figures."""
    plan = Plan(**{"mode": mode, **MODES[mode]})
    with tempfile.TemporaryDirectory() as folder:
        oracle, at_points, repeated = campaign(Path(folder), plan, kills, chance, longest=LONGEST_SECONDS[mode])
    sums.pipelines += 1
    sums.kills += len(oracle.kills)
    sums.at_points += at_points
    sums.extracting += sum(kill.extracting for kill in oracle.kills)
    sums.rows += plan.rows
    sums.repeated += repeated
    sums.unsettled += sum(kill.unsettled for kill in oracle.kills)
    sums.longest = max([sums.longest, *(kill.longest for kill in oracle.kills)])
    sums.violations += oracle.violations


def table(figures):
    """The figures for people."""
    head = ["calls are", "pipelines", "kills", "at points", "while extracting", "rows", "repeated", "calls unsettled", "oldest, ms", "violations"]
    lines = [
        [mode, one.pipelines, one.kills, one.at_points, one.extracting, one.rows, one.repeated, one.unsettled, f"{one.longest * 1000:.1f}", len(one.violations)]
        for mode, one in figures.items()
    ]
    total = ["all", *(sum(line[i] for line in lines) for i in range(1, 8)), max(line[8] for line in lines), sum(line[9] for line in lines)]
    cells = [[str(cell) for cell in line] for line in [head, *lines, total]]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    return "\n" + "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


if __name__ == "__main__":
    sys.exit(main())
