"""A replay that is killed at any point: no row is lost, a row that arrives twice has one key, and the list says what is true.

Real processes are killed here, as in the tests of law L3.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from replay_victim import ROWS, arrived, people, pipeline

from sinkkit.faults import OF_RUN, Point
from sinkkit.testing import kill_after

VICTIM = Path(__file__).with_name("replay_victim.py")
ODD = [number for number in range(ROWS) if number % 2]
NEW = list(range(1_000, 1_008))


@pytest.fixture
def folder(tmp_path):
    """A folder with a pipeline of which every other row was rejected."""
    pipeline(tmp_path, refuse=True).run(people(0, ROWS), table_name="people")
    return tmp_path


def killed(folder, point, nth=1, what="replay"):
    """Replay, or run with new data, in a process that kills itself; and check what it left."""
    ended = kill_after([sys.executable, VICTIM, folder, what, str(point), str(nth)], limit=120.0)
    assert ended.killed, ended.output
    listed = letters(folder)
    assert [one for one in ODD if one not in listed and one not in rows(folder)] == []  # what is neither is lost
    for package in pipeline(folder).pending:
        total = package.total
        assert total.extracted == total.delivered + total.rejected + total.pending + total.unknown
        if package.replay:
            assert len(listed) == total.rejected + total.pending + total.unknown


def letters(folder):
    """The ids of rows on the list."""
    return [letter.row["id"] for letter in pipeline(folder).rejected()]


def rows(folder):
    """The ids of rows that arrived, in order."""
    return [one for call in arrived(folder) for one in call["rows"]]


def repeated(folder):
    """Rows that arrived more than once, under more than one key or at all."""
    keys = {}
    for call in arrived(folder):
        for one in call["rows"]:
            keys.setdefault(one, []).append(call["key"])
    twice = [one for one, used in keys.items() if len(used) > 1]
    return [one for one in twice if len(set(keys[one])) > 1], twice


@pytest.mark.parametrize("point", OF_RUN, ids=[point.name for point in OF_RUN])
def test_killed_at_every_point_and_replayed(folder, point):
    """The next replay goes on where the killed one stopped; only what was in flight arrives twice, and the list is empty in the end."""
    killed(folder, point)
    before = rows(folder)
    known = letters(folder)
    pipeline(folder).replay()
    again = pipeline(folder).replay()
    other_keys, twice = repeated(folder)

    assert sorted(set(rows(folder))) == list(range(ROWS))
    assert other_keys == []
    assert [one for one in twice if one not in known or one not in before] == []
    assert len(twice) <= 4
    assert (letters(folder), pipeline(folder).pending, again.load_ids) == ([], (), ())


@pytest.mark.parametrize("point", [Point.AFTER_REGISTER, Point.AFTER_CLAIM, Point.AFTER_CALL], ids=str)
def test_killed_then_new_data_then_resumed(folder, point):
    """Between the kill and the resume a run with new data takes that data and sends none of the replay's rows."""
    killed(folder, point)
    before = len(arrived(folder))
    info = pipeline(folder).run(people(1_000, 8), table_name="people")
    between = [one for call in arrived(folder)[before:] for one in call["rows"]]
    listed = letters(folder)
    resumed = pipeline(folder).resume()

    assert (info.data_taken, sorted(between)) == (True, NEW)
    assert len(listed) == len(ODD)
    assert resumed.total.delivered == len(ODD)
    assert (repeated(folder)[0], letters(folder), pipeline(folder).pending) == ([], [], ())


def test_killed_again_and_again(folder):
    """Killed at one point after another, a replay that is then given up leaves only what was not delivered, and another one sends that."""
    killed(folder, Point.AFTER_REGISTER)
    killed(folder, Point.AFTER_SETTLE, 2)
    killed(folder, Point.AFTER_CALL, 3)
    killed(folder, Point.BEFORE_CLAIM)
    delivered = len(ODD) - len(letters(folder))
    pipeline(folder).drop(force=True)
    free = [letter.replay for letter in pipeline(folder).rejected()]
    info = pipeline(folder).replay()

    assert 0 < delivered < len(ODD)
    assert free == [None] * (len(ODD) - delivered)
    assert info.total.delivered == len(free)
    assert sorted(set(rows(folder))) == list(range(ROWS))
    assert letters(folder) == []


def test_a_run_killed_beside_a_pending_replay(folder):
    """Both packages are known apart: a run finishes its own and leaves the replay, a replay finishes its own and leaves the run's."""
    killed(folder, Point.AFTER_REGISTER)
    killed(folder, Point.AFTER_REGISTER, what="run")
    kinds = [package.replay for package in pipeline(folder).pending]
    finished = pipeline(folder).run(people(2_000, 4), table_name="people")
    left = [package.replay for package in pipeline(folder).pending]
    pipeline(folder).replay()

    assert (kinds, left, finished.data_taken) == ([True, False], [True], False)
    assert sorted(rows(folder)) == [*range(ROWS), *NEW]
    assert (letters(folder), pipeline(folder).pending) == ([], ())


def test_rejected_again_after_a_kill(folder):
    """Rows that a resumed replay refuses stay on the list as one letter each, with all the calls made for them."""
    killed(folder, Point.AFTER_CLAIM)
    made = pipeline(folder, bad=(3, 5))
    info = made.replay()
    found = {letter.row["id"]: letter.attempts for letter in made.rejected()}

    assert info.total.rejected == 2
    assert list(found) == [3, 5]
    assert [count in {2, 3} for count in found.values()] == [True, True]
