"""Law L2: each row is in exactly one call that succeeded, whatever is raised, answered and resumed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from scripts import STEPS, Scripted, destination_of
from world import finish, world

SIZES = st.integers(1, 9)


@given(
    count=st.integers(1, 40),
    script=st.lists(STEPS, max_size=14),
    size=SIZES,
    later=st.lists(SIZES, min_size=1, max_size=4),
    workers=st.sampled_from([1, 2, 5]),
    file_rows=st.sampled_from([3, 7, 1000]),
    on_reject=st.sampled_from(["halt", "keep", "bisect"]),
)
def test_each_row_succeeds_once(*, count, script, size, later, workers, file_rows, on_reject):
    """Each row is in one call that succeeded, or is one dead letter, over any errors, resumes and changes of the batch size."""
    scripted = Scripted(script)
    sink = destination_of(scripted, workers=workers, on_reject=on_reject)
    rows = [{"id": i} for i in range(count)]
    with world() as here:

        def pipeline(batch_size):
            return here.pipeline(sink, batch_size=batch_size, max_file_rows=file_rows)

        infos = finish(
            lambda: pipeline(size).run(rows, table_name="t"), lambda number: pipeline(later[number % len(later)]).resume()
        )
        letters = [letter.row["id"] for letter in pipeline(size).rejected()]
        total = infos[-1].total

        assert sorted(scripted.delivered + letters) == list(range(count))
        assert [row for row in scripted.rejected if row not in letters] == []
        assert (total.extracted, total.delivered, total.rejected) == (count, len(scripted.delivered), len(letters))
        assert (total.pending, total.unknown) == (0, 0)
        assert sum(info.calls for info in infos) == len(scripted.keys)
        assert sum(run.calls for run in pipeline(size).state().runs) == len(scripted.keys)


@given(count=st.integers(1, 30), script=st.lists(STEPS, max_size=12), sizes=st.lists(SIZES, min_size=2, max_size=4))
def test_a_key_stands_for_the_same_rows_for_ever(count, script, sizes):
    """A key always comes with the same rows, in order, and what may have arrived is sent again under its own key."""
    scripted = Scripted(script)
    sink = destination_of(scripted, workers=3, on_reject="keep")
    rows = [{"id": i} for i in range(count)]
    with world() as here:
        infos = finish(
            lambda: here.pipeline(sink, batch_size=sizes[0]).run(rows, table_name="t"),
            lambda number: here.pipeline(sink, batch_size=sizes[number % len(sizes)]).resume(),
        )
        seen = dict(scripted.keys)

        assert [ids for key, ids in scripted.keys if seen[key] != ids] == []
        again = [sum(1 for used, _ in scripted.keys if used == key) for key in scripted.ambiguous]
        assert [times for times in again if times < 2] == []
        doubtful = list(dict.fromkeys(row for key in scripted.ambiguous for row in seen[key]))
        assert infos[-1].total.resent == len(doubtful)


@given(count=st.integers(1, 30), script=st.lists(STEPS, max_size=10), size=SIZES)
def test_one_worker_keeps_the_order(count, script, size):
    """With one worker, no call is made for rows before those of an earlier call, whatever fails, is retried and resumed."""
    scripted = Scripted(script)
    sink = destination_of(scripted, workers=1, on_reject="keep")
    with world() as here:
        finish(
            lambda: here.pipeline(sink, batch_size=size, max_file_rows=8).run([{"id": i} for i in range(count)], table_name="t"),
            lambda _: here.pipeline(sink, batch_size=size).resume(),
        )
        firsts = [ids[0] for _, ids in scripted.keys]

        assert firsts == sorted(firsts)
        assert [ids for _, ids in scripted.keys if ids != sorted(ids)] == []
