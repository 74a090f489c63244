"""Packages of earlier runs come first: on_pending, run_id, resume and drop."""

from __future__ import annotations

import pickle

import pytest

import sinkkit
from sinkkit import Halt, Outcome
from sinkkit.errors import ConfigError, DeliveryFailed, PendingPackages, RetryLater


def fail(pipeline, memory, data, **how):
    """A run that leaves all rows pending; what it raised."""
    memory.down()
    with pytest.raises(DeliveryFailed) as failed:
        pipeline.run(data, **how)
    memory.up()
    return failed.value


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_the_same_script_run_again_resumes_and_repeats_nothing(make, memory, rows, file_format):
    """After a failure at any call, running again sends what is left, and says that the data given was not taken."""
    for position in range(5):
        memory.rows.clear()
        memory.failing[:] = [None] * position + [Halt("stop")]
        with pytest.raises(DeliveryFailed) as failed:
            make(f"p{position}", options={"loader_file_format": file_format}).run(rows(50))
        again = make(f"p{position}", options={"loader_file_format": file_format}).run(rows(50))

        assert failed.value.info.total.delivered == 10 * position
        assert failed.value.info.data_taken
        assert memory.rows == rows(50)
        assert [again.data_taken, again.total.delivered, again.total.resent] == [False, 50, 0]
        assert "NOT taken" in str(again)
        with pytest.raises(PendingPackages, match="did not take the data given"):
            again.raise_if_data_not_taken()


def test_the_run_after_that_takes_new_data(make, memory, rows):
    """Once nothing is pending, data is taken as ever."""
    pipeline = make()
    fail(pipeline, memory, rows(5))

    pipeline.run(rows(5, first=100))
    info = pipeline.run(rows(5, first=100))

    assert info.data_taken
    info.raise_if_data_not_taken()
    assert memory.rows == rows(5) + rows(5, first=100)


def test_not_taking_data_is_told_to_observers(make, memory, rows):
    """A warning says it, beside the report."""
    events = []
    fail(make(), memory, rows(5))

    sinkkit.pipeline("p", destination=make().destination, progress=events.append).run(rows(5))

    assert [event.message for event in events if isinstance(event, sinkkit.events.Warned)] == [
        "pipeline 'p' finished rows of an earlier run and did NOT take the data given; if it is other data than that run had, run again to send it"
    ]


def test_data_is_not_touched_while_rows_are_pending(make, memory, rows):
    """A generator that is not taken is not even begun, whether finishing works or fails."""
    taken = []

    def data():
        taken.append(1)
        yield from rows(5)

    fail(make(), memory, rows(5))
    failed = fail(make(), memory, data())
    make().run(data())

    assert not failed.info.data_taken
    assert "NOT taken" in str(failed.info)
    assert taken == []


def test_continue_finishes_and_goes_on(make, memory, rows):
    """Both packages are in the report."""
    fail(make(), memory, rows(5))

    info = make().run(rows(5, first=100), on_pending="continue")

    assert memory.rows == rows(5) + rows(5, first=100)
    assert [info.data_taken, len(info.load_ids), info.total.delivered] == [True, 2, 10]


@pytest.mark.parametrize("run_id", [None, "today"])
def test_fail_raises_before_anything_is_sent(make, memory, rows, run_id):
    """The error says how many packages are there and what to do."""
    fail(make(), memory, rows(5))
    calls = len(memory.calls)

    with pytest.raises(PendingPackages, match="not finished: 1") as refused:
        make().run(rows(5), on_pending="fail", run_id=run_id)

    assert "resume()" in refused.value.hint
    assert len(memory.calls) == calls


def test_an_unknown_way_is_refused(make, rows):
    """on_pending is one of three words."""
    with pytest.raises(ConfigError, match="on_pending='ignore' is not possible"):
        make().run(rows(1), on_pending="ignore")


def test_a_run_without_data_finishes_what_is_pending(make, memory, rows):
    """Nothing was given, so nothing was left out."""
    fail(make(), memory, rows(5))

    info = make().run()

    assert [info.data_taken, info.total.delivered] == [True, 5]


def test_a_named_run_that_failed_is_finished_under_its_name(make, memory, rows):
    """Its data was taken the first time, so nothing is extracted again, and the report does not complain."""
    fail(make(), memory, rows(5), run_id="monday")

    info = make().run(rows(5), run_id="monday")

    assert [info.data_taken, info.run_id, info.total.delivered] == [True, "monday", 5]
    assert memory.rows == rows(5)


def test_a_completed_name_sends_nothing_and_returns_its_report(make, memory, rows):
    """Also from another pipeline object, and also if it was resumed without its name."""
    first = make().run(rows(5), run_id="monday")
    again = make().run(rows(5), run_id="monday")
    fail(make(), memory, rows(5, first=10), run_id="tuesday")
    make().resume()
    tuesday = make().run(rows(5, first=10), run_id="tuesday")

    assert memory.rows == rows(5) + rows(5, first=10)
    assert [again.load_ids, again.tables, again.calls] == [first.load_ids, first.tables, first.calls]
    assert [tuesday.run_id, tuesday.total.delivered] == ["tuesday", 5]


def test_another_name_finishes_what_is_pending_and_takes_its_data(make, memory, rows):
    """A new name is a new run."""
    fail(make(), memory, rows(5), run_id="monday")

    info = make().run(rows(5, first=10), run_id="tuesday")

    assert memory.rows == rows(5) + rows(5, first=10)
    assert info.data_taken


def test_if_finishing_fails_the_other_name_s_data_was_not_taken(make, memory, rows):
    """The next run of that name takes it."""
    fail(make(), memory, rows(5), run_id="monday")
    failed = fail(make(), memory, rows(5, first=10), run_id="tuesday")

    info = make().run(rows(5, first=10), run_id="tuesday")

    assert not failed.info.data_taken
    assert info.data_taken
    assert memory.rows == rows(5) + rows(5, first=10)


def test_a_name_whose_rows_were_dropped_is_not_completed(make, memory, rows):
    """Giving rows up is no delivery: the same name takes its data again."""
    fail(make(), memory, rows(5), run_id="monday")
    make().drop(force=True)

    info = make().run(rows(5), run_id="monday")

    assert info.total.delivered == 5
    assert memory.rows == rows(5)


def test_a_name_without_rows_is_completed(make, memory, rows):
    """A day without data is done; a run that was given no data at all is not a run of that name."""
    make().run(run_id="monday")
    make().run([], run_id="sunday")
    make().run(rows(5), run_id="sunday")
    make().run(rows(5), run_id="monday")

    assert memory.rows == rows(5)


def test_rejected_rows_count_as_done_for_a_name(make, rows):
    """A name whose rows are delivered or rejected is completed."""
    sent = []

    @sinkkit.destination
    def crm(items, table):
        sent.append(items)
        return Outcome(rejected={0: "bad"})

    for _ in range(2):
        info = sinkkit.pipeline("p", destination=crm, progress="off").run(rows(3), run_id="monday")

    assert len(sent) == 1
    assert [info.total.delivered, info.total.rejected] == [2, 1]


def on_hold(sent):
    """A destination whose first call times out and whose batches of unknown fate are held."""

    @sinkkit.destination(on_unknown="hold")
    def crm(items, table):
        sent.extend(items)
        if len(sent) == len(items):
            raise TimeoutError

    return crm


def test_a_package_on_hold_does_not_stop_new_data(rows):
    """Its rows stay unknown, and the next run takes its data; the same name does not send them again."""
    sent = []
    pipeline = sinkkit.pipeline("p", destination=on_hold(sent), progress="off")
    with pytest.raises(DeliveryFailed) as failed:
        pipeline.run(rows(3), run_id="monday")
    info = pipeline.run(rows(3, first=10), run_id="tuesday")
    with pytest.raises(DeliveryFailed) as again:
        pipeline.run(rows(3), run_id="monday")

    assert failed.value.info.total.unknown == again.value.info.total.unknown == 3
    assert [info.data_taken, info.total.delivered] == [True, 3]
    assert sent == rows(3) + rows(3, first=10)
    assert [package.total.unknown for package in pipeline.pending] == [3]


def test_dropping_refuses_rows_that_are_not_settled(make, memory, rows):
    """They are dropped by force, with their files, and are never sent."""
    pipeline = make()
    fail(pipeline, memory, rows(5))
    [package] = pipeline.pending

    with pytest.raises(PendingPackages, match="5 rows of pipeline 'p' are neither delivered nor rejected") as refused:
        pipeline.drop(package.load_id)
    assert "force=True" in refused.value.hint
    with pytest.raises(ConfigError, match="has no pending load package 'nope'"):
        pipeline.drop("nope")
    assert pipeline.drop(force=True) == (package.load_id,)
    assert pipeline.pending == ()
    assert pipeline.run(rows(2, first=7)).data_taken
    assert memory.rows == rows(2, first=7)


def test_the_failure_carries_report_and_cause(make, memory, rows):
    """It prints what is open, why and what to do, and survives pickling with its report."""
    error = fail(make(), memory, rows(25))
    copy = pickle.loads(pickle.dumps(error))

    assert "25 rows pending" in str(error)
    assert "down for maintenance" in str(error)
    assert isinstance(error.__cause__, RetryLater)
    assert copy.info == error.info
    assert [str(copy), copy.hint] == [str(error), error.hint]


def test_a_package_belongs_to_one_destination(make, memory, rows):
    """Loading it to another, as after the function was renamed, names both; the first one still can."""
    fail(make(), memory, rows(5))

    with pytest.raises(ConfigError, match="bound to destination 'crm' and cannot be loaded to 'hubspot'") as refused:
        make(destination_name="hubspot").run(rows(5))
    assert "finish it with destination 'crm'" in refused.value.hint
    assert make().resume().total.delivered == 5
    assert make(destination_name="hubspot").run(rows(5)).data_taken
