"""Laws L2 and L5 over replays: each row is delivered once or on the list, whatever the destination does and however often rows are replayed."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st
from scripts import STEPS, Scripted, destination_of
from world import world

from sinkkit.errors import DeliveryFailed

LATER = st.lists(st.sampled_from(["replay", "replay one", "resume", "run", "drop"]), max_size=6)


def wrong(counts):
    """Those of *counts* that do not add up."""
    return [one for one in counts if one.extracted != one.delivered + one.rejected + one.pending + one.unknown]


def do(what, pipeline, rows):
    """One thing that users do; failures are part of it."""
    with suppress(DeliveryFailed):
        if what == "replay":
            pipeline.replay()
        elif what == "replay one":
            pipeline.replay(ids=[letter.id for letter in pipeline.rejected()][:1])
        elif what == "resume":
            pipeline.resume()
        elif what == "run":
            pipeline.run(rows, table_name="t", run_id="only")
        else:
            for package in pipeline.pending:
                if package.replay and not package.total.unknown:
                    pipeline.drop(package.load_id, force=True)


@given(
    count=st.integers(1, 25),
    script=st.lists(STEPS, max_size=20),
    later=LATER,
    size=st.integers(1, 7),
    workers=st.sampled_from([1, 4]),
    on_reject=st.sampled_from(["keep", "bisect"]),
)
def test_each_row_is_delivered_once_or_on_the_list(*, count, script, later, size, workers, on_reject):
    """After any sequence of failures, replays, drops and resumes each row is in one call that succeeded, or among the rejected, or both never."""
    scripted = Scripted(script)
    sink = destination_of(scripted, workers=workers, on_reject=on_reject, batch_size=size)
    rows = [{"id": number} for number in range(count)]
    with world() as here:
        pipeline = here.pipeline(sink, max_file_rows=11)
        for what in ["run", *later]:
            do(what, pipeline, rows)
            assert wrong(here.counts()) == []
            listed = [letter.row["id"] for letter in pipeline.rejected()]
            assert sorted(set(listed)) == sorted(listed)
            assert [one for one in listed if one in scripted.delivered and not waits(pipeline, one)] == []
        scripted.script = []
        for what in ("run", "resume", "replay", "replay"):
            do(what, pipeline, rows)

        assert sorted(scripted.delivered) == list(range(count))
        assert (list(pipeline.rejected()), pipeline.pending) == ([], ())
        assert wrong(here.counts()) == []


def waits(pipeline, row):
    """Whether a replay that is not finished has the row, so that its delivery may not be known yet."""
    return any(letter.replay for letter in pipeline.rejected() if letter.row["id"] == row)
