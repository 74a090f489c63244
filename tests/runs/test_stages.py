"""Parents before children: whatever fails or is killed, no row is sent before all rows of the tables above its own are settled."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stages_victim import TABLES, USERS, arrived, pipeline

import sinkkit
from sinkkit import Reject, RetryLater
from sinkkit.errors import ConfigError, DeliveryFailed
from sinkkit.faults import OF_NORMALIZE, OF_RUN
from sinkkit.testing import kill_after

VICTIM = Path(__file__).with_name("stages_victim.py")
ROWS = {"users": 8, "users__pets": 8, "users__pets__toys": 16}


def ids(calls):
    """The keys of the rows that arrived, in order."""
    return [row["_sk_id"] for call in calls for row in call["rows"]]


def of_data(info):
    """The counts of tables that are not sinkkit's own."""
    return {name: info.tables[name] for name in TABLES}


def assert_parents_first(calls):
    """Each row came after its parent, and after every row of the tables above."""
    seen = []
    for call in calls:
        for row in call["rows"]:
            assert row.get("_sk_parent_id") in [None, *seen]
        seen += ids([call])
    levels = [TABLES.index(call["table"]) for call in calls]
    assert levels == sorted(levels)


@pytest.mark.parametrize("point", OF_RUN, ids=[point.name for point in OF_RUN])
@pytest.mark.parametrize("nth", [1, 7])
def test_killed_at_every_point_and_run_again(tmp_path, point, nth):
    """Every row arrives after its parents; only calls that were in flight are made twice, with the same rows under the same key."""
    ended = kill_after([sys.executable, VICTIM, tmp_path, "run", str(point), str(nth)], limit=120.0)
    assert ended.killed or (nth > 1 and ended.returncode == 0), ended.output
    if ended.killed:
        pipeline(tmp_path).resume()
        if not arrived(tmp_path):
            pipeline(tmp_path).run(USERS, table_name="users")
    calls = arrived(tmp_path)
    once = {call["key"]: call for call in calls}

    assert_parents_first(list(once.values()))
    assert all(once[call["key"]] == call for call in calls)
    assert len(calls) - len(once) <= 2
    assert [sum(len(call["rows"]) for call in once.values() if call["table"] == table) for table in TABLES] == list(ROWS.values())


@settings(max_examples=15)
@given(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 4), st.integers(1, 9))
def test_whatever_fails_parents_come_first(tmp_path_factory, failures, workers, batch_size):
    """Calls fail here and there, halt the run and are resumed: each row arrives once, parents first."""
    folder, made, left = tmp_path_factory.mktemp("stages"), 0, sorted(set(failures))

    def act(table, items):
        nonlocal made
        made += 1
        if left and made > left[0]:
            left.pop(0)
            raise RetryLater("busy") if made % 2 else sinkkit.Halt("no more")

    line = pipeline(folder, act=act, workers=workers, batch_size=batch_size, retry=sinkkit.Retry(attempts=2, first_wait=0.0))
    for _ in range(20):
        try:
            line.run(USERS, table_name="users")
            break
        except DeliveryFailed:
            pass

    calls = arrived(folder)
    assert_parents_first(calls)
    assert len(ids(calls)) == len(set(ids(calls))) == sum(ROWS.values())


def test_a_stage_that_halts_keeps_its_children_pending(tmp_path):
    """What is below is not touched, and counted as pending."""

    def act(table, items):
        if table == "users__pets":
            raise sinkkit.Halt("no pets today")

    with pytest.raises(DeliveryFailed) as failed:
        pipeline(tmp_path, act=act).run(USERS, table_name="users")

    counts = of_data(failed.value.info)
    assert {name: count.delivered for name, count in counts.items()} == {"users": 8, "users__pets": 0, "users__pets__toys": 0}
    assert {name: count.pending for name, count in counts.items()} == {"users": 0, "users__pets": 8, "users__pets__toys": 16}


def test_children_wait_for_parents_on_hold(tmp_path):
    """A user of unknown fate keeps pets back until somebody says what became of it; the error says that this is what they wait for."""

    def act(table, items):
        if table == "users":
            raise TimeoutError("no answer")

    hold = {"on_unknown": "hold", "batch_size": 8}
    with pytest.raises(DeliveryFailed):
        pipeline(tmp_path, act=act, retry=sinkkit.Retry(attempts=1), **hold).run(USERS, table_name="users")
    with pytest.raises(DeliveryFailed, match="rows of table 'users' are on hold, and the rows of other tables wait") as failed:
        pipeline(tmp_path, **hold).resume()
    assert "resolve" in failed.value.hint
    assert arrived(tmp_path) == []

    pipeline(tmp_path, **hold).resolve(None, arrived=True)
    pipeline(tmp_path, **hold).resume()
    assert [call["table"] for call in arrived(tmp_path)] == ["users__pets", "users__pets__toys", "users__pets__toys"]


def test_dead_letters_are_counted_over_all_stages(tmp_path):
    """``max_rejected`` is one number for the whole package: two users and one pet are more than two."""

    def act(table, items):
        if table == "users" and items[0]["id"] in {0, 1}:
            raise Reject("no such user")
        if table == "users__pets" and items[0]["of"] == 5:
            raise Reject("no such pet")

    with pytest.raises(DeliveryFailed, match="max_rejected"):
        pipeline(tmp_path, act=act, batch_size=1, workers=1, on_reject="keep", max_rejected=2).run(USERS, table_name="users")

    rejected = [(letter.table, letter.row.get("id", letter.row.get("of"))) for letter in pipeline(tmp_path).rejected()]
    assert rejected == [("users", 0), ("users", 1), ("users__pets", 5)]


def test_refusals_of_children_do_not_say_that_the_request_is_wrong(tmp_path):
    """A run that has delivered parents has delivered something, so any number of its children may be refused."""

    def act(table, items):
        if table == "users__pets":
            raise Reject("no pets")

    info = pipeline(tmp_path, act=act, batch_size=1, on_reject="keep").run(USERS, table_name="users")

    assert {name: count.rejected for name, count in of_data(info).items()} == {"users": 0, "users__pets": 8, "users__pets__toys": 0}


def test_rejected_children_are_replayed_as_they_were(tmp_path):
    """A dead letter of a child table has its row with its keys; a replay sends just that, to the same table."""

    def act(table, items):
        if table == "users__pets" and items[0]["of"] == 3:
            raise Reject("no such pet")

    pipeline(tmp_path, act=act, batch_size=1, on_reject="keep").run(USERS, table_name="users")
    (letter,) = pipeline(tmp_path).rejected()
    pipeline(tmp_path).replay()
    last = arrived(tmp_path)[-1]

    assert (letter.table, letter.row["of"], letter.index) == ("users__pets", 3, 3)
    assert (last["table"], last["rows"]) == ("users__pets", [letter.row])
    assert list(pipeline(tmp_path).rejected()) == []


def test_order_by_needs_its_column_in_tables_that_were_given_alone(tmp_path):
    """Child tables without it are sent in batches, after their parents; a table without parents has to have it."""
    pipeline(tmp_path, order_by="id", batch_size=8).run(USERS, table_name="users")

    assert [(call["table"], len(call["rows"])) for call in arrived(tmp_path)] == [
        ("users", 8),
        ("users__pets", 8),
        ("users__pets__toys", 8),
        ("users__pets__toys", 8),
    ]
    with pytest.raises(ConfigError, match="no such column"):
        pipeline(tmp_path, order_by="of").run(USERS, table_name="users")


@pytest.mark.parametrize("point", OF_NORMALIZE, ids=[point.name for point in OF_NORMALIZE])
def test_killed_while_an_extracted_load_is_taken_apart(tmp_path, point):
    """The next ``load`` takes it apart again: every row arrives once, parents first, with the keys that the load gives it anywhere."""
    one, other = tmp_path / "one", tmp_path / "other"
    pipeline(one).extract(USERS, table_name="users")
    shutil.copytree(one, other)
    ended = kill_after([sys.executable, VICTIM, one, "load", str(point), "1"], limit=120.0)
    for folder in (one, other):
        pipeline(folder).load()

    assert ended.killed
    assert_parents_first(arrived(one))
    assert sorted(ids(arrived(one))) == sorted(ids(arrived(other)))
    assert len(ids(arrived(one))) == sum(ROWS.values())
