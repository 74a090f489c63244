"""Law L3: after SIGKILL at any instant and a resume, nothing is lost and only what was in flight is repeated, under its key.

Real processes are killed here, at every named point and at some random instants; `make crash` does it 200 times.
"""

from __future__ import annotations

import random

import attrs
import pytest
from campaign import campaign, run
from oracle import Oracle
from victim import Plan

from sinkkit.faults import OF_RUN, Point

SLOW = Plan(rows=120, mode="slow", batch=10, workers=3, file_rows=50)
FAST = Plan(rows=3_000, mode="fast", batch=2, workers=3, file_rows=1_000)
QUICK = Plan(rows=2_000, mode="quick", batch=2, workers=2)
TYPED = attrs.evolve(SLOW, bad=7)
TYPED_FAST = attrs.evolve(FAST, bad=7)
EXTRACTING = [Point.PAGE_EXTRACTED, Point.BEFORE_SEAL, Point.AFTER_SEAL]


@pytest.mark.parametrize("point", OF_RUN, ids=[point.name for point in OF_RUN])
def test_killed_at_every_point(tmp_path, point):
    """Killed at a named point and run again, the pipeline delivers every row, repeats only what was in flight, and says so."""
    oracle, at_points, _ = campaign(tmp_path, SLOW, 1, random.Random(1), points=[(point, 1)])

    assert at_points == 1
    assert oracle.violations == []


@pytest.mark.parametrize("plan", [FAST, QUICK], ids=["fast", "quick"])
@pytest.mark.parametrize("point", [Point.AFTER_CLAIM, Point.AFTER_CALL, Point.AFTER_SETTLE], ids=str)
def test_killed_between_fast_calls(tmp_path, point, plan):
    """Where calls are faster than the journal, no more than the calls of 5 ms a worker are repeated."""
    oracle, at_points, _ = campaign(tmp_path, plan, 1, random.Random(1), points=[(point, 12 if plan is QUICK else 4)])

    assert at_points == 1
    assert oracle.violations == []


@pytest.mark.parametrize("plan", [TYPED, TYPED_FAST], ids=["slow", "fast"])
@pytest.mark.parametrize("point", [Point.BEFORE_CLAIM, Point.AFTER_CLAIM, Point.AFTER_CALL, Point.AFTER_SETTLE], ids=str)
def test_killed_with_typed_rows(tmp_path, plan, point):
    """Where rows do not fit their class, a kill loses and repeats no more than elsewhere, and they are never sent."""
    oracle, at_points, _ = campaign(tmp_path, plan, 3, random.Random(1), points=[(point, nth) for nth in (1, 3, 7)])

    assert at_points == 3
    assert oracle.violations == []


def test_killed_again_and_again(tmp_path):
    """Killed at one point after another, the same package comes to its end with the same keys."""
    points = [(point, 1) for point in (Point.AFTER_REGISTER, Point.AFTER_CLAIM, Point.AFTER_CALL, Point.AFTER_CALL, Point.AFTER_SETTLE)]
    oracle, at_points, repeated = campaign(tmp_path, SLOW, 5, random.Random(1), points=[*points, (Point.BEFORE_COMPLETE, 1)])

    assert at_points == 6
    assert repeated >= 10
    assert oracle.violations == []


@pytest.mark.parametrize("mode", ["slow", "quick", "mixed", "flaky"])
def test_killed_at_random(tmp_path, mode):
    """Killed at instants nobody chose, also while calls fail and are retried, the law holds."""
    plan = attrs.evolve({"mixed": FAST, "quick": QUICK}.get(mode, SLOW), mode=mode)
    oracle, _, _ = campaign(tmp_path, plan, 2, random.Random(), longest=0.3)

    assert oracle.violations == []


@pytest.mark.parametrize("point", EXTRACTING, ids=[point.name for point in EXTRACTING])
def test_killed_while_extracting(tmp_path, point):
    """Killed before its package was registered, a run has sent nothing, and the next one removes what was half written."""
    plan = attrs.evolve(SLOW, point=str(point), nth=2 if point is Point.PAGE_EXTRACTED else 1)
    oracle = Oracle(tmp_path, SLOW)
    ended = run(tmp_path, plan)
    left = [path.name for path in (tmp_path / "p" / "packages").iterdir()]
    oracle.after_kill()

    assert ended.killed
    assert len(left) == 1
    assert oracle.arrived() == []
    second = run(tmp_path, attrs.evolve(SLOW, point=str(Point.AFTER_REGISTER)))
    assert second.killed
    assert len([path.name for path in (tmp_path / "p" / "packages").iterdir() if path.name in left]) == 0
    assert oracle.violations == []
