"""Law L10: rows of one key succeed in the order given, whatever fails and is retried; keys do not wait for each other."""

from __future__ import annotations

from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripts import STEPS, Scripted, destination_of
from world import finish, world

import sinkkit
from sinkkit import Retry, RetryLater
from sinkkit.clock import SystemClock
from sinkkit.delivery.choosing.chooser import LOOK_AHEAD_ROWS
from sinkkit.errors import ConfigError, DeliveryFailed

SECONDS = 20.0
SIZES = st.integers(1, 9)
KEYS = st.sampled_from([0, 1, 2, None, float("nan"), "a", 1.0, True]) | st.just([1])


def in_order(delivered, keys):
    """The rows delivered, by key, as lists in the order in which they succeeded."""
    lanes: dict[str, list[int]] = {}
    for row in delivered:
        key = keys[row]
        lanes.setdefault(repr(float(key)) if isinstance(key, int | float) else repr(key), []).append(row)
    return list(lanes.values())


@given(
    keys=st.lists(KEYS, min_size=1, max_size=40),
    script=st.lists(STEPS, max_size=14),
    sizes=st.lists(SIZES, min_size=2, max_size=4),
    limits=st.lists(st.sampled_from([None, 1, 40, 400]), min_size=2, max_size=2),
    workers=st.sampled_from([1, 2, 5]),
    file_rows=st.sampled_from([3, 7, 1000]),
    on_reject=st.sampled_from(["halt", "keep", "bisect"]),
)
def test_rows_of_a_key_succeed_in_the_order_given(*, keys, script, sizes, limits, workers, file_rows, on_reject):
    """Over any errors, partial answers, refusals, resumes and changes of the batch's limits, no row overtakes another of its key, and none is lost or twice."""
    scripted = Scripted(script)
    sink = destination_of(scripted, workers=workers, on_reject=on_reject, order_by="key")
    rows = [{"id": i, "key": key} for i, key in enumerate(keys)]
    with world() as here:

        def pipeline(number):
            return here.pipeline(
                sink, batch_size=sizes[number % len(sizes)], batch_bytes=limits[number % 2], max_file_rows=file_rows
            )

        finish(lambda: pipeline(0).run(rows, table_name="t"), lambda number: pipeline(number + 1).resume())
        letters = [letter.row["id"] for letter in pipeline(0).rejected()]

        assert sorted(scripted.delivered + letters) == list(range(len(keys)))
        assert [lane for lane in in_order(scripted.delivered, keys) if lane != sorted(lane)] == []
        assert [ids for _, ids in scripted.keys if len(in_order(ids, keys)) < len(ids)] == []


@given(
    keys=st.lists(KEYS, min_size=1, max_size=30),
    script=st.lists(STEPS, max_size=10),
    size=SIZES,
    orders=st.lists(st.sampled_from([None, "key"]), min_size=2, max_size=4),
)
def test_an_order_can_come_and_go(keys, script, size, orders):
    """A package that was begun with an order can be finished without one, and the other way round: no row is lost or twice."""
    scripted = Scripted(script)
    sink = destination_of(scripted, workers=3, on_reject="keep")
    rows = [{"id": i, "key": key} for i, key in enumerate(keys)]
    with world() as here:

        def pipeline(number):
            return here.pipeline(sink, batch_size=size, order_by=orders[number % len(orders)], max_file_rows=11)

        finish(lambda: pipeline(0).run(rows, table_name="t"), lambda number: pipeline(number + 1).resume())
        letters = [letter.row["id"] for letter in pipeline(0).rejected()]

        assert sorted(scripted.delivered + letters) == list(range(len(keys)))


@given(keys=st.lists(KEYS, min_size=1, max_size=30), script=st.lists(STEPS, max_size=10), size=SIZES)
def test_one_worker_and_an_order_are_total_order(keys, script, size):
    """With one worker and an order, no call is made for rows before those of an earlier call, and no batch leaves one out."""
    scripted = Scripted([step for step in script if step != "bug"])
    sink = destination_of(scripted, workers=1, on_reject="keep", order_by="key")
    rows = [{"id": i, "key": key} for i, key in enumerate(keys)]
    with world() as here:
        finish(
            lambda: here.pipeline(sink, batch_size=size, max_file_rows=8).run(rows, table_name="t"),
            lambda _: here.pipeline(sink, batch_size=size).resume(),
        )
        firsts = [ids[0] for _, ids in scripted.keys]

        assert firsts == sorted(firsts)


def test_a_key_that_fails_parks_and_the_others_go_on():
    """While one key fails again and again, all rows of the other keys are delivered; its own rows come after it, in order."""
    got, failures = [], []

    @sinkkit.destination(batch_size=1, workers=2, order_by="key", retry=Retry(attempts=60, first_wait=1.0))
    def sink(items):
        (row,) = items
        if row["id"] == 0 and len(got) < 90:
            failures.append(row["id"])
            raise RetryLater("busy")
        got.append((row["key"], row["id"]))

    with world() as here:
        info = here.pipeline(sink).run([{"id": n, "key": n % 10} for n in range(100)], table_name="t")

    assert info.total.delivered == 100
    assert [row for key, row in got if key == 0] == list(range(0, 100, 10))
    assert [row for key, row in got[:90] if key == 0] == []
    assert failures


def test_a_rejected_row_releases_its_key():
    """After a row is a dead letter, the next row of its key is sent."""

    @sinkkit.destination(batch_size=3, order_by="key")
    def sink(items):
        return sinkkit.Outcome(rejected={i: "no" for i, row in enumerate(items) if row["id"] % 2 == 0})

    with world() as here:
        info = here.pipeline(sink).run([{"id": n, "key": n % 3} for n in range(12)], table_name="t")

    assert (info.total.delivered, info.total.rejected) == (6, 6)


@pytest.mark.parametrize("loader_file_format", ["jsonl", "parquet"])
def test_keys_are_followed_across_files(loader_file_format):
    """Rows of one key in different files, also of Arrow data, keep their order; other keys of the later file do not wait."""
    held, order = Event(), []

    @sinkkit.destination(batch_size=2, workers=4, order_by="key", loader_file_format=loader_file_format)
    def sink(items):
        rows = items if isinstance(items, list) else items.to_pylist()
        if rows[0]["id"] == 0:
            assert held.wait(SECONDS)
        order.extend(row["id"] for row in rows)
        if len(order) >= 7:
            held.set()

    # a row in ten is of the key that is held up by its first row
    rows = [{"id": n, "key": "slow" if n % 10 == 0 else f"k{n}"} for n in range(20)]
    with world(SystemClock()) as here:
        here.pipeline(sink, max_file_rows=4).run(rows, table_name="t")

    assert order.index(0) < order.index(10)
    assert sorted(order) == list(range(20))
    assert max(order[:7]) >= 4


def test_keys_do_not_wait_within_the_look_ahead():
    """A row behind nearly as many rows of a key that is stuck as are looked ahead is delivered while that key is stuck."""
    done, stuck = [], Event()

    @sinkkit.destination(batch_size=1, workers=2, order_by="key")
    def sink(items):
        if items[0]["key"] == "stuck" and not stuck.is_set():
            assert stuck.wait(SECONDS)
            raise sinkkit.Halt("enough")
        done.extend(row["id"] for row in items)
        stuck.set()

    rows = [{"id": n, "key": "stuck"} for n in range(LOOK_AHEAD_ROWS - 10)] + [{"id": -1, "key": "other"}]
    with world(SystemClock()) as here, pytest.raises(DeliveryFailed):
        here.pipeline(sink).run(rows, table_name="t")

    assert done == [-1]


def test_a_column_that_no_row_has_is_refused_before_the_first_call():
    """A misspelt column is an error that names the table and the nearest column; nothing is sent."""
    calls = []

    @sinkkit.destination(order_by="custmer_id")
    def sink(items):
        calls.append(items)

    with world() as here, pytest.raises(ConfigError, match=r"custmer_id.*'orders'") as refused:
        here.pipeline(sink).run([{"customer_id": 1}], table_name="orders")

    assert refused.value.hint == "did you mean 'customer_id'?"
    assert calls == []
