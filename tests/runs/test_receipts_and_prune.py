"""Receipts are read until they are pruned; pruning forgets what is old and touches nothing that is open."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

import sinkkit
from sinkkit import Outcome
from sinkkit.errors import ConfigError, DeliveryFailed
from sinkkit.runs.accounts.pruning import limit_of
from sinkkit.testing import FakeClock

START = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


class Crm:
    """Gives receipts, refuses what it is told to, and is down while it is told to be."""

    def __init__(self):
        self.bad, self.down = [], False

    def __call__(self, items, table):
        if self.down:
            raise sinkkit.Halt("down")
        bad = {place: "no" for place, row in enumerate(items) if row["id"] in self.bad}
        receipts = {place: f"{table['name']}-{row['id']}" for place, row in enumerate(items) if place not in bad and row["id"] is not None}
        return Outcome(rejected=bad, receipts=receipts)


@pytest.fixture
def crm():
    """A fresh destination."""
    return Crm()


@pytest.fixture
def clock():
    """A clock that the test moves."""
    return FakeClock(wall=START)


@pytest.fixture
def pipeline(crm, clock, tmp_path):
    """A pipeline to it, on the test's clock."""

    def sink(items: list[dict], table):
        return crm(items, table)

    made = sinkkit.pipeline("p", destination=sinkkit.destination(name="crm", batch_size=2, workers=1)(sink), pipelines_dir=tmp_path, progress="off")
    made.clock = clock
    return made


def people(*numbers):
    """Rows with these ids."""
    return [{"id": number} for number in numbers]


def test_receipts_are_kept_by_row(pipeline, crm, clock):
    """Each receipt stands beside its package, table, row number and time, for finished packages as for others."""
    crm.bad = [1]
    info = pipeline.run(people(0, 1, 2), table_name="people")
    clock.advance(3600)
    pipeline.run(people(7), table_name="firms")
    found = pipeline.receipts()
    people_only = pipeline.receipts("people")

    assert found.column_names == ["load_id", "table", "index", "receipt", "delivered_at"]
    assert [(row["table"], row["index"], row["receipt"]) for row in found.to_pylist()] == [("people", 0, "people-0"), ("people", 2, "people-2"), ("firms", 0, "firms-7")]
    assert people_only.column("load_id").to_pylist() == list(info.load_ids) * 2
    assert found.column("delivered_at").to_pylist()[2] - found.column("delivered_at").to_pylist()[0] == timedelta(hours=1)


def test_no_receipts_are_a_table_too(pipeline, crm):
    """Before the first run, and with none for the table, there is an empty table with all its columns."""
    before = pipeline.receipts()
    pipeline.run(people(None), table_name="people")

    assert (before.num_rows, pipeline.receipts().num_rows) == (0, 0)
    assert before.schema == pipeline.receipts("people").schema
    assert str(before.schema.field("delivered_at").type) == "timestamp[us, tz=UTC]"


def test_a_replayed_row_is_receipted_where_it_first_stood(pipeline, crm):
    """The receipt of a row that was delivered by a replay names the row's own package and number."""
    crm.bad = [1, 2]
    info = pipeline.run(people(0, 1, 2), table_name="people")
    crm.bad = [1]
    pipeline.replay()

    assert [(row["load_id"], row["index"], row["receipt"]) for row in pipeline.receipts().to_pylist()] == [
        (info.load_ids[0], 0, "people-0"),
        (info.load_ids[0], 2, "people-2"),
    ]


def test_more_receipts_than_are_read_at_once(pipeline):
    """Each is in the table once, in order."""
    pipeline.run(people(*range(20_050)), table_name="people", destination=pipeline.destination.configured(None, {"batch_size": 5_000}))
    found = pipeline.receipts()

    assert found.column("index").to_pylist() == list(range(20_050))


def test_what_is_old_is_forgotten(pipeline, clock):
    """Runs, receipts and finished packages that ended before the moment go; younger ones and the dead letters stay."""
    pipeline.keep_packages = 10
    for _ in range(3):
        pipeline.run(people(0, 1), table_name="people")
        clock.advance(86_400)
    tried = pipeline.prune("2026-01-03", dry_run=True)
    kept = len(pipeline.state().runs)
    done = pipeline.prune("2026-01-03")
    again = pipeline.prune("2026-01-03")

    assert (tried.runs, tried.receipts, tried.packages, tried.rejected) == (2, 4, 2, 0)
    assert (done.runs, done.receipts, done.packages, done.rejected, kept) == (2, 4, 2, 0, 3)
    assert (again.runs, again.receipts, again.packages) == (0, 0, 0)
    assert str(tried) == "2 runs, 4 receipts and 2 finished load packages would be removed (before 2026-01-03 00:00:00 UTC)"
    assert pipeline.receipts().num_rows == 2
    assert len(list((Path(pipeline.folder) / "packages").iterdir())) == 1
    assert [run.status for run in pipeline.state().runs] == ["completed", "pruned", "pruned"]
    assert str(again) == "nothing removed (before 2026-01-03 00:00:00 UTC)"


def test_dead_letters_only_if_asked(pipeline, crm, clock):
    """They stay, with what a replay needs to know of their package, unless they are named; those of an open replay stay in any case."""
    crm.bad = [0, 1]
    pipeline.run(people(0, 1), table_name="people", primary_key="id")
    clock.advance(10)
    first = pipeline.prune(older_than=0)
    crm.down = True
    (one, _) = [letter.id for letter in pipeline.rejected()]
    with pytest.raises(DeliveryFailed):
        pipeline.replay(ids=one)
    clock.advance(10)
    tried = pipeline.prune(older_than=5, rejected=True, dry_run=True)
    second = pipeline.prune(older_than=5, rejected=True)
    crm.down, crm.bad = False, []
    pipeline.replay()
    clock.advance(10)
    third = pipeline.prune(older_than=0, rejected=True)

    assert (first.rejected, first.packages, first.runs) == (0, 0, 1)
    assert (tried.rejected, second.rejected, second.packages) == (1, 1, 0)
    assert (third.rejected, third.packages) == (0, 2)
    assert list(pipeline.rejected()) == []


def test_nothing_open_is_touched(pipeline, crm, clock):
    """A package that is pending keeps its rows, receipts and runs, however old, and is resumed afterwards."""
    crm.bad = [1]

    def half(items: list[dict], table):
        if items[0]["id"] == 2:
            raise sinkkit.Halt("down")
        return crm(items, table)

    with pytest.raises(DeliveryFailed):
        pipeline.run(people(0, 1, 2), table_name="people", destination=sinkkit.destination(name="crm", batch_size=2, workers=1)(half))
    before = pipeline.state()
    clock.advance(1e8)
    done = pipeline.prune(older_than="1d")
    after = pipeline.state()
    info = pipeline.resume()

    assert (done.runs, done.receipts, done.packages) == (0, 0, 0)
    assert (after.pending, after.runs[0]) == (before.pending, before.runs[0])
    assert (info.total.delivered, info.total.rejected, pipeline.receipts().num_rows) == (2, 1, 2)


def test_the_file_shrinks_where_that_pays(pipeline):
    """After much was removed the journal's file is written anew, and everything that stays is still there."""
    big = pipeline.destination.configured(None, {"batch_size": 10_000})
    pipeline.run(people(*range(60_000)), table_name="people", destination=big)
    path = Path(pipeline.folder) / "journal.db"
    before = path.stat().st_size
    pipeline.clock.advance(10)
    pipeline.run(people(0), table_name="people")
    done = pipeline.prune(older_than=5)

    assert done.receipts == 60_000
    assert done.bytes_freed > 1_000_000
    assert path.stat().st_size < before / 4
    assert pipeline.receipts().num_rows == 1
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()


@pytest.mark.parametrize(
    ("before", "older_than", "expected"),
    [
        (None, None, datetime(2025, 12, 2, tzinfo=UTC)),
        ("2026-11-20", None, datetime(2026, 11, 20, tzinfo=UTC)),
        (date(2026, 11, 20), None, datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T01:00:00+01:00", None, datetime(2026, 11, 20, tzinfo=UTC)),
        (datetime(2026, 11, 20), None, datetime(2026, 11, 20, tzinfo=UTC)),  # noqa: DTZ001  # a moment without a zone is what is tried
        (None, "12h", datetime(2025, 12, 31, 12, tzinfo=UTC)),
        (None, 3600, datetime(2025, 12, 31, 23, tzinfo=UTC)),
        (None, timedelta(days=1), datetime(2025, 12, 31, tzinfo=UTC)),
    ],
)
def test_ages_and_dates(clock, before, older_than, expected):
    """A day, a moment, a duration as text or number: each says before when things are old."""
    assert limit_of(before, older_than, clock) == expected


@pytest.mark.parametrize(
    ("before", "older_than"),
    [("yesterday", None), (7, None), (None, "long"), (None, "30"), (None, "1.5"), (None, -1), (None, True), (None, timedelta(days=-1)), ("2026-01-01", "1d"), (None, 1e14), (None, float("nan"))],
)
def test_impossible_ages_and_dates(pipeline, before, older_than):
    """What is neither is refused with what to write, and nothing is removed."""
    with pytest.raises(ConfigError) as refused:
        pipeline.prune(before, older_than=older_than)
    assert refused.value.hint


def test_a_forgotten_name_is_new(pipeline, clock):
    """A run whose package and name were pruned is no longer known as completed; until then it is."""
    for _ in range(2):
        info = pipeline.run(people(0), table_name="people", run_id="monday")
    clock.advance(100)
    pipeline.prune(older_than=200)
    known = pipeline.run(people(0), table_name="people", run_id="monday")
    pipeline.prune(older_than=0)
    clock.advance(1)
    pipeline.prune(older_than=0)
    anew = pipeline.run(people(0), table_name="people", run_id="monday")

    assert known.load_ids == info.load_ids
    assert anew.load_ids != info.load_ids
