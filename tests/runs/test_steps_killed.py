"""The three steps in processes of their own, each killed at every point of it and done again: no row is lost, none is sent twice that need not be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from steps_victim import ROWS, arrived, pipeline

from sinkkit.faults import OF_DELIVERY, OF_EXTRACT, OF_NORMALIZE, Point
from sinkkit.testing import kill_after

VICTIM = Path(__file__).with_name("steps_victim.py")
STEPS = ("extract", "normalize", "load")
KILLS = [
    *[("extract", point) for point in OF_EXTRACT],
    *[("normalize", point) for point in OF_NORMALIZE],
    *[("load", point) for point in OF_DELIVERY],
]


def step(folder, name):
    """Do one step in a process of its own."""
    done = subprocess.run([sys.executable, VICTIM, folder, name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def killed(folder, name, point, nth=1):
    """Do one step in a process that kills itself."""
    ended = kill_after([sys.executable, VICTIM, folder, name, str(point), str(nth)], limit=120.0)
    assert ended.killed, ended.output


def check(folder):
    """Every row arrived; what arrived twice has one key; nothing is pending and no file of a package is left."""
    keys = {}
    for call in arrived(folder):
        for one in call["rows"]:
            keys.setdefault(one, []).append(call["key"])
    twice = [one for one, used in keys.items() if len(used) > 1]
    assert sorted(keys) == list(range(ROWS))
    assert [one for one in twice if len(set(keys[one])) > 1] == []
    assert len(twice) <= 6  # what two workers had in flight
    assert pipeline(folder).pending == ()
    left = [path for place in ("packages", "normalized") for path in (folder / "p" / place).glob("*")]
    assert left == []
    return twice


@pytest.mark.parametrize(("name", "point"), KILLS, ids=[f"{name}-{point.name}" for name, point in KILLS])
def test_a_step_killed_at_any_point_is_done_again(tmp_path, name, point):
    """The same step, started again by another process, does what is left; the steps after it find all rows."""
    for earlier in STEPS[: STEPS.index(name)]:
        step(tmp_path, earlier)
    killed(tmp_path, name, point)
    calls = len(arrived(tmp_path))
    for later in STEPS[STEPS.index(name) :]:
        step(tmp_path, later)
    twice = check(tmp_path)

    assert calls == 0 or name == "load"
    assert twice == [] or point in {Point.AFTER_CLAIM, Point.AFTER_CALL, Point.AFTER_SETTLE}
    assert [run.status for run in pipeline(tmp_path).state().runs if run.ended_at is not None] == ["completed"] * 3


@pytest.mark.parametrize("point", OF_NORMALIZE, ids=[point.name for point in OF_NORMALIZE])
def test_a_load_that_has_to_normalize_is_killed_in_the_middle_of_that(tmp_path, point):
    """Where nobody has normalized, load does it; killed there, no call was made, and the next load does it all."""
    step(tmp_path, "extract")
    killed(tmp_path, "load", point)
    calls = arrived(tmp_path)
    states = [package.state for package in pipeline(tmp_path).pending]
    step(tmp_path, "load")

    assert calls == []
    assert states == ["normalized" if point is Point.AFTER_REPLACE else "extracted"]
    assert check(tmp_path) == []


def test_each_step_killed_once_and_again(tmp_path):
    """Kills in every step, one after another, and more than one in a step, add up to no more than each alone."""
    for point in OF_EXTRACT:
        if point is not Point.AFTER_REGISTER:
            killed(tmp_path, "extract", point)
    step(tmp_path, "extract")
    killed(tmp_path, "normalize", Point.PAGE_EXTRACTED)
    killed(tmp_path, "normalize", Point.AFTER_SEAL)
    step(tmp_path, "normalize")
    killed(tmp_path, "load", Point.BEFORE_CLAIM)
    killed(tmp_path, "load", Point.AFTER_SETTLE, 2)
    killed(tmp_path, "load", Point.BEFORE_COMPLETE)
    step(tmp_path, "load")

    check(tmp_path)


def test_a_step_done_twice_changes_nothing(tmp_path):
    """A second extract of the same run, a second normalize and a second load find nothing to do."""
    for name in STEPS:
        step(tmp_path, name)
        step(tmp_path, name)

    assert check(tmp_path) == []
