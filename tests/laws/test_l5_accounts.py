"""Law L5: extracted = delivered + rejected + pending + unknown, at every instant, from the journal alone."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripts import STEPS, Scripted, destination_of
from world import finish, world

import sinkkit
from sinkkit.errors import DeliveryFailed, SinkkitError
from sinkkit.faults import OF_RUN, Point
from sinkkit.testing import FailAt


def wrong(counts):
    """Those of *counts* that do not add up."""
    return [one for one in counts if one.extracted != one.delivered + one.rejected + one.pending + one.unknown or min(attrs_of(one)) < 0]


def attrs_of(count):
    """The numbers of one table."""
    return [count.extracted, count.delivered, count.rejected, count.pending, count.unknown, count.resent]


@given(
    count=st.integers(1, 40),
    script=st.lists(STEPS, max_size=12),
    size=st.integers(1, 9),
    workers=st.sampled_from([1, 4]),
    on_reject=st.sampled_from(["halt", "keep", "bisect"]),
    on_unknown=st.sampled_from(["resend", "hold"]),
)
def test_they_add_up_at_every_instant(*, count, script, size, workers, on_reject, on_unknown):
    """At every crash point of every run, another reader of the journal finds each row in exactly one place."""
    sink = destination_of(Scripted(script), workers=workers, on_reject=on_reject, on_unknown=on_unknown, batch_size=size)
    seen = []
    with world() as here:

        def look(point):
            if point not in {Point.PAGE_EXTRACTED, Point.BEFORE_SEAL}:
                seen.extend(here.counts())

        pipeline = here.pipeline(sink, faults=look, max_file_rows=11)
        with suppress(DeliveryFailed):
            pipeline.run([{"id": i} for i in range(count)], table_name="t")
        for _ in range(4):
            with suppress(DeliveryFailed):
                pipeline.resume()

        assert len(seen) > 0
        assert wrong(seen) == []
        assert [one.extracted for one in seen if one.extracted != count] == []
        assert len(here.counts()) == 1


@given(
    count=st.integers(1, 30),
    script=st.lists(STEPS, max_size=6),
    size=st.integers(1, 9),
    point=st.sampled_from([point for point in OF_RUN if point not in {Point.PAGE_EXTRACTED, Point.BEFORE_SEAL}]),
    nth=st.integers(1, 4),
)
def test_they_add_up_after_a_failure_anywhere(count, script, size, point, nth):
    """When something fails at any point between two durable steps, the accounts add up, and resuming delivers the rest."""
    scripted = Scripted(script)
    sink = destination_of(scripted, batch_size=size, workers=3, on_reject="keep")
    rows = [{"id": i} for i in range(count)]
    with world() as here:
        with suppress(SinkkitError):
            here.pipeline(sink, faults=FailAt(point, nth)).run(rows, table_name="t")
        after = here.counts()
        finish(lambda: here.pipeline(sink).run(rows, table_name="t"), lambda _: here.pipeline(sink).resume())
        end = here.counts()
        got = scripted.delivered + [letter.row["id"] for letter in here.pipeline(sink).rejected()]

        assert wrong(after + end) == []
        assert [row for row in range(count) if row not in got] == []
        assert [one.extracted - one.delivered - one.rejected for one in end] == [0] * len(end)


def test_each_table_has_its_own_accounts():
    """Rows of two tables are counted apart, while open and after the package was finished."""
    scripted = Scripted(["ok", "halt"])
    sink = destination_of(scripted, batch_size=2, workers=1)

    @sinkkit.resource(name="users")
    def users():
        yield from ({"id": i} for i in range(4))

    @sinkkit.resource(name="orders")
    def orders():
        yield from ({"id": 10 + i} for i in range(3))

    with world() as here:
        pipeline = here.pipeline(sink)
        with pytest.raises(DeliveryFailed) as failed:
            pipeline.run([users, orders])
        halfway = failed.value.info.tables
        end = pipeline.resume().tables

        assert {name: attrs_of(counts) for name, counts in halfway.items()} == {"users": [4, 2, 0, 2, 0, 0], "orders": [3, 0, 0, 3, 0, 0]}
        assert {name: attrs_of(counts) for name, counts in end.items()} == {"users": [4, 4, 0, 0, 0, 0], "orders": [3, 3, 0, 0, 0, 0]}


def test_a_dropped_package_keeps_its_accounts():
    """Rows that were given up stay counted as pending or unknown; they are never called delivered."""
    sink = destination_of(Scripted(["ok", "bug"]), batch_size=2, workers=1)
    with world() as here:
        pipeline = here.pipeline(sink)
        with pytest.raises(DeliveryFailed):
            pipeline.run([{"id": i} for i in range(6)], table_name="t")
        pipeline.drop(force=True)

        assert [attrs_of(one) for one in here.counts()] == [[6, 2, 0, 2, 2, 0]]
        assert pipeline.pending == ()
