"""The laws L2, L3 and L5 where rows are objects and some do not fit: they leave their batch in the commit that claims it."""

from __future__ import annotations

from contextlib import suppress

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripts import STEPS, Scripted, destination_of
from world import finish, world

import sinkkit
from sinkkit.errors import DeliveryFailed, SinkkitError
from sinkkit.faults import Point
from sinkkit.testing import FailAt

SIZES = st.integers(1, 9)
POINTS = [point for point in Point if point not in {Point.PAGE_EXTRACTED, Point.BEFORE_SEAL}]


@attrs.define
class Contact:
    """A row: text as its name does not fit."""

    id: int
    number: int


def typed(scripted, **options):
    """*scripted* as a destination whose rows are objects."""

    @sinkkit.destination(name="crm", durability="process", **options)
    def crm(items: list[Contact], batch: sinkkit.Batch):
        return scripted([{"id": item.id} for item in items], batch)

    return crm


def rows_of(count, bad):
    """*count* rows, of which those in *bad* do not fit."""
    return [{"id": n, "number": "x" if n in bad else n} for n in range(count)]


def wrong(counts):
    """Those of *counts* that do not add up."""
    return [one for one in counts if one.extracted != one.delivered + one.rejected + one.pending + one.unknown]


@given(
    count=st.integers(1, 40),
    bad=st.sets(st.integers(0, 39)),
    script=st.lists(STEPS, max_size=14),
    size=SIZES,
    later=st.lists(SIZES, min_size=1, max_size=4),
    workers=st.sampled_from([1, 2, 5]),
    order_by=st.sampled_from([None, None, "id"]),
    on_reject=st.sampled_from(["halt", "keep", "bisect"]),
)
def test_each_row_succeeds_once(*, count, bad, script, size, later, workers, order_by, on_reject):
    """Over any errors, resumes and batch sizes, a row that fits is in one call that succeeded or one dead letter; one that does not is never sent."""
    scripted = Scripted(script)
    sink = typed(scripted, workers=workers, on_reject=on_reject, order_by=order_by)
    with world() as here:
        infos = finish(
            lambda: here.pipeline(sink, batch_size=size, max_file_rows=7).run(rows_of(count, bad), table_name="t"),
            lambda number: here.pipeline(sink, batch_size=later[number % len(later)]).resume(),
        )
        letters = [letter.row["id"] for letter in here.pipeline(sink).rejected()]
        total, sent = infos[-1].total, [row for _, ids in scripted.keys for row in ids]

        assert sorted(scripted.delivered + letters) == list(range(count))
        assert [row for row in sent if row in bad] == []
        assert [row for row in range(count) if row in bad and row not in letters] == []
        assert (total.delivered, total.rejected, total.pending, total.unknown) == (len(scripted.delivered), len(letters), 0, 0)
        assert sum(info.calls for info in infos) == len(scripted.keys)
        seen = dict(scripted.keys)
        assert [ids for key, ids in scripted.keys if seen[key] != ids] == []


@given(
    count=st.integers(1, 30),
    bad=st.sets(st.integers(0, 29)),
    script=st.lists(STEPS, max_size=6),
    size=SIZES,
    order_by=st.sampled_from([None, "id"]),
    point=st.sampled_from(POINTS),
    nth=st.integers(1, 4),
)
def test_a_failure_anywhere_is_resumed(*, count, bad, script, size, order_by, point, nth):
    """Broken off at any point between two writes of the journal, the accounts add up, and the next runs deliver the rest."""
    scripted = Scripted(script)
    sink = typed(scripted, batch_size=size, workers=3, on_reject="keep", order_by=order_by)
    rows = rows_of(count, bad)
    with world() as here:
        with suppress(SinkkitError):
            here.pipeline(sink, faults=FailAt(point, nth)).run(rows, table_name="t", run_id="only")
        after = here.counts()
        finish(lambda: here.pipeline(sink).run(rows, table_name="t", run_id="only"), lambda _: here.pipeline(sink).resume())
        end = here.counts()
        letters = [letter.row["id"] for letter in here.pipeline(sink).rejected()]

        assert wrong(after + end) == []
        assert sorted(set(scripted.delivered + letters)) == list(range(count))
        assert [one for one in letters if letters.count(one) > 1] == []
        assert [row for row in scripted.delivered if row in bad] == []


@given(count=st.integers(1, 40), bad=st.sets(st.integers(0, 39)), script=st.lists(STEPS, max_size=10), size=SIZES, workers=st.sampled_from([1, 4]))
def test_the_accounts_add_up_at_every_instant(count, bad, script, size, workers):
    """At every crash point, another reader of the journal finds each row in exactly one place."""
    sink = typed(Scripted(script), workers=workers, batch_size=size)
    seen = []
    with world() as here:
        pipeline = here.pipeline(sink, faults=lambda point: seen.extend(here.counts() if point in POINTS else ()), max_file_rows=11)
        with suppress(DeliveryFailed):
            pipeline.run(rows_of(count, bad), table_name="t")
        with suppress(DeliveryFailed):
            pipeline.resume()

        assert wrong(seen) == []
        assert [one.extracted for one in seen if one.extracted != count] == []


@pytest.mark.parametrize("first", ["typed", "plain"])
def test_a_class_may_be_added_and_taken_away(first):
    """A package begun with dicts is finished with objects, and the other way round; rows settled before stay as they are."""
    scripted, counts = Scripted(["ok", "halt"]), []
    sinks = {"typed": typed(scripted, batch_size=3, workers=1), "plain": destination_of(scripted, batch_size=3, workers=1)}
    second = "plain" if first == "typed" else "typed"
    with world() as here:
        with suppress(DeliveryFailed):
            here.pipeline(sinks[first]).run(rows_of(12, {1, 10}), table_name="t")
        counts += here.counts()
        info = here.pipeline(sinks[second]).resume()

        assert wrong([*counts, info.total]) == []
        assert info.total.rejected == 1
        assert info.total.delivered == 11
