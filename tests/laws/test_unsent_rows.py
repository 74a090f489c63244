"""Laws L2, L5 and L10 where calls send some of their rows only, and where destinations work on a batch for a while."""

from __future__ import annotations

import threading

import attrs
from hypothesis import given
from hypothesis import strategies as st
from world import finish, world

import sinkkit
from sinkkit import Outcome, Retry, RetryLater, StillRunning

FATES = st.lists(st.sampled_from(["ok", "ok", "busy", "lost", "running", "reject", "again"]), max_size=25)


@attrs.define
class Divider:
    """A function that sends the rows of one group a call, and does with each sending call what the next fate says."""

    fates: list
    groups: int
    delivered: list = attrs.field(factory=list)
    rejected: list = attrs.field(factory=list)
    settled: list = attrs.field(factory=list)
    notes: dict = attrs.field(factory=dict)
    lock: object = attrs.field(factory=threading.Lock)

    def __call__(self, items, batch):
        """Send, or divide."""
        groups = {}
        for index, row in enumerate(items):
            groups.setdefault(row["n"] % self.groups, []).append(index)
        if len(groups) > 1:
            return Outcome(unsent=groups.values())
        with self.lock:
            fate = self.fates.pop(0) if self.fates else "ok"
            if batch.note is not None and batch.key not in self.notes:
                raise AssertionError("a note of another batch")
            return self._do(fate, [row["n"] for row in items], batch)

    def _do(self, fate, rows, batch):
        if fate == "busy":
            raise RetryLater("busy")
        if fate == "running":
            self.notes[batch.key] = "job"
            batch.remember("job")
            raise StillRunning("running", after=1)
        if fate == "lost":
            raise TimeoutError("no answer")
        self.settled += rows[1:] if fate == "again" and len(rows) > 1 else rows
        if fate == "reject":
            self.rejected.append(rows[0])
            self.delivered += rows[1:]
            return Outcome(rejected={0: "no"})
        if fate == "again" and len(rows) > 1:
            self.delivered += rows[1:]
            return Outcome(retry={0}, retry_after=0)
        self.delivered += rows
        return None


@given(count=st.integers(1, 40), size=st.integers(1, 9), groups=st.integers(1, 4), fates=FATES, ordered=st.booleans())
def test_every_row_is_settled_once(count, size, groups, fates, ordered):
    """However batches are divided, retried, and worked on, each row is delivered or rejected once, and the counts add up."""
    divider = Divider(list(fates), groups)

    def sink(items, batch: sinkkit.Batch):
        return divider(items, batch)

    settings = {"batch_size": size, "workers": 3, "retry": Retry(attempts=3, first_wait=0.1)} | ({"order_by": "key"} if ordered else {})
    with world() as place:
        pipeline = place.pipeline(sinkkit.destination(sink), **settings)
        rows = [{"n": n, "key": n % 5} for n in range(count)]
        infos = finish(lambda: pipeline.run(rows, table_name="t"), lambda _: pipeline.resume())

    of_key = [[n for n in divider.settled if n % 5 == key] for key in range(5)]
    assert not ordered or of_key == [sorted(numbers) for numbers in of_key]
    total = infos[-1].tables["t"]
    assert sorted(divider.delivered + divider.rejected) == list(range(count))
    assert (total.extracted, total.delivered, total.rejected, total.pending, total.unknown) == (count, len(divider.delivered), len(divider.rejected), 0, 0)


@given(count=st.integers(2, 30), size=st.integers(2, 9), groups=st.integers(2, 4))
def test_replays_are_divided_too(count, size, groups):
    """Rejected rows that are sent again go out by group, and each leaves the list once it is delivered."""
    divider = Divider([], groups)
    healthy = [False]

    def sink(items, batch: sinkkit.Batch):
        return divider(items, batch) if healthy[0] else Outcome(rejected=dict.fromkeys(range(len(items)), "no"))

    with world() as place:
        pipeline = place.pipeline(sinkkit.destination(sink), batch_size=size)
        pipeline.run([{"n": n} for n in range(count)], table_name="t")
        healthy[0] = True
        info = pipeline.replay()
        left = list(pipeline.rejected())

    assert (sorted(divider.delivered), left, info.tables["t"].delivered) == (list(range(count)), [], count)
