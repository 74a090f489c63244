"""Adaptive workers against simulated servers: each file of ``scenarios`` says what the server does and what may be expected."""

from __future__ import annotations

import tomllib
from pathlib import Path
from statistics import mean

import pytest
from simulated import simulate

from sinkkit import Adaptive, Retry

FILES = sorted((Path(__file__).parent / "scenarios").glob("*.toml"))
SEEDS = [1, 2, 3]
ROWS = 100
WINDOW = 0.0501
"""The time of a call on a server that takes 50 ms for it."""


def within(value, bounds):
    """Whether *value* lies between the two *bounds*, themselves included."""
    return bounds[0] <= value <= bounds[1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_scenario_ends_as_expected(path):
    """Time over that of the best fixed number, calls at once, failed calls and time above the server's limit stay within their ranges."""
    scenario = tomllib.loads(path.read_text(encoding="utf-8"))
    server, calls, expect = scenario["server"], scenario["calls"], scenario["expect"]
    best = min(simulate(server, workers, calls, seed=1).seconds for workers in scenario["fixed"])

    for seed in SEEDS:
        seen = simulate(server, "adaptive", calls, seed=seed)
        told = f"seed {seed}, {seen.seconds / best:.3f} x the best, {seen.mean:.1f} at once, {seen.failures} failed, {seen.above:.4f} s above"
        assert (seen.delivered, seen.halted) == (calls * ROWS, None), told
        assert within(seen.seconds / best, expect["ratio"]), told
        assert within(seen.mean, expect["mean"]), told
        assert within(seen.failures, expect["failures"]), told
        assert seen.above <= expect.get("above", 0.0) or "refuses_above" not in server, told


@pytest.mark.parametrize("takes", [4, 8, 16, 24, 32])
@pytest.mark.parametrize("refusal", [0.005, 0.05], ids=["at once", "after a call's time"])
def test_20_000_rows_take_little_more_than_with_the_best_number(takes, refusal):
    """50 ms a call, 20,000 rows in batches of 100, from 4 calls at once: within 1.3 times of the best fixed number of workers."""
    server = {"refuses_above": takes, "refusal": refusal}
    best = min(simulate(server, workers, 200, seed=1).seconds for workers in range(2, takes + 1))

    for seed in SEEDS:
        seen = simulate(server, "adaptive", 200, seed=seed)
        assert seen.seconds <= 1.3 * best
        assert seen.above <= WINDOW


@pytest.mark.parametrize("takes", [4, 8, 16, 24])
@pytest.mark.parametrize("refusal", [0.005, 0.05], ids=["at once", "after a call's time"])
def test_they_do_where_calls_wait_for_the_processor_too(takes, refusal):
    """The same on average where each call takes 0.8 ms of the caller's processor: calls under way are more than those at the server."""
    server = {"refuses_above": takes, "refusal": refusal, "client": 0.0008}
    best = min(mean(simulate(server, workers, 200, seed=seed).seconds for seed in SEEDS) for workers in range(takes - 3, takes + 1))

    seen = [simulate(server, "adaptive", 200, seed=seed) for seed in SEEDS]

    assert mean(each.seconds for each in seen) <= 1.3 * best
    assert max(each.above for each in seen) <= WINDOW + 20 * 0.0008


def test_a_batch_that_is_never_taken_is_not_sent_for_ever():
    """One batch that is always refused at once, whatever runs beside it: its attempts are charged after a few, and the run halts."""
    for seed in SEEDS:
        seen = simulate({"poison": 700}, "adaptive", 1_000, seed=seed, retry=Retry(attempts=5))

        assert seen.halted is not None
        assert seen.failures <= 20
        assert seen.delivered >= 70_000


def test_one_too_many_costs_no_attempt():
    """Refusals that the growing window earns are not charged: two attempts a batch are enough on a server that takes few calls."""
    for seed in SEEDS:
        seen = simulate({"refuses_above": 16}, "adaptive", 1_000, seed=seed, retry=Retry(attempts=2))

        assert (seen.delivered, seen.halted) == (100_000, None)
        assert seen.failures > 5


@pytest.mark.parametrize("seed", SEEDS)
def test_bounds_are_kept(seed):
    """Never more calls than the most; with a least, never a window below it."""
    seen = simulate({"refuses_above": 3}, Adaptive(6, 9), 300, seed=seed, retry=Retry(attempts=1_000))

    assert seen.peak <= 9
    assert [calls for _, calls in seen.windows if not 6 <= calls <= 9] == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_pause_is_one_decrease(seed):
    """A burst of refusals with Retry-After is one fall of the window, and no call starts until the pause is over."""
    seen = simulate({"per_second": 40, "retry_after": 3.0, "latency": 0.2}, "adaptive", 200, seed=seed)
    falls = [after for (_, before), (_, after) in zip(seen.windows, seen.windows[1:], strict=False) if after < before]
    pauses = [later - start for start, later in zip(seen.starts, seen.starts[1:], strict=False) if later - start >= 2.9]

    assert seen.delivered == 20_000
    assert len(falls) <= len(pauses) + 1
