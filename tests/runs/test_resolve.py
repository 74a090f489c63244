"""Rows on hold: seen, settled by hand, sent again; and what runs say of them meanwhile."""

from __future__ import annotations

import pytest

import sinkkit
from sinkkit import Halt
from sinkkit.errors import ConfigError, DeliveryFailed
from sinkkit.events import Warned


class Doubtful:
    """A destination whose answers are lost for some rows; with ``on_unknown="hold"``."""

    def __init__(self):
        self.lost, self.got, self.keys, self.broken, self.completed = [], [], [], None, 0

    def deliver(self, items, batch):
        ids = [row["id"] for row in items]
        self.keys.append((batch.key, batch.attempt))
        if self.broken is not None:
            raise self.broken
        if any(one in self.lost for one in ids):
            raise TimeoutError("no answer")
        self.got += ids


@pytest.fixture
def doubtful():
    """A fresh destination."""
    return Doubtful()


@pytest.fixture
def line(doubtful, tmp_path):
    """Makes a pipeline to it, which holds what is in doubt."""

    def made(name="crm", observe="off", **options):
        def crm(items: list[dict], batch):
            doubtful.deliver(items, batch)

        sink = sinkkit.destination(name=name, batch_size=2, workers=1, on_unknown="hold", **options)(crm)
        return sinkkit.pipeline("p", destination=sink, pipelines_dir=tmp_path, progress=observe)

    return made


def people(*numbers):
    """Rows with these ids."""
    return [{"id": number} for number in numbers]


@pytest.fixture
def holding(doubtful, line):
    """A pipeline of which rows 2, 3, 6 and 7 of eight are on hold."""
    pipeline = line()
    doubtful.lost = [2, 6]
    with pytest.raises(DeliveryFailed) as failed:
        pipeline.run(people(*range(8)), table_name="people")
    doubtful.lost = []
    assert "sinkkit resolve p" in failed.value.hint
    assert (failed.value.info.held, failed.value.info.total.unknown) == (4, 4)
    assert "4 rows on hold" in str(failed.value.info)
    return pipeline


def test_what_is_on_hold_is_seen(holding, doubtful):
    """Each batch is told with its key, table, rows, calls and since when; nothing is locked for it."""
    first, second = holding.held()
    (package,) = holding.pending

    assert [batch.rows for batch in (first, second)] == [people(2, 3), people(6, 7)]
    assert (first.key, first.attempts) == doubtful.keys[1]
    assert (first.table, first.row_count, first.load_id) == ("people", 2, package.load_id)
    assert first.since is not None
    assert second.since >= first.since
    assert (package.held, package.total.unknown) == (4, 4)
    assert first.asdict()["since"] == first.since.isoformat()


def test_those_that_arrived_count_as_delivered(holding, doubtful):
    """They are not sent again, and a package of which nothing is open any more is finished by the next run, which takes its data."""
    first, second = holding.held()
    done = holding.resolve(first.key, arrived=True)
    between = holding.pending[0].total
    holding.resolve([second.key], arrived=True)
    (settled,) = holding.pending
    info = holding.run(people(9), table_name="people")

    assert [batch.key for batch in done] == [first.key]
    assert (between.delivered, between.unknown, settled.total.delivered, settled.state) == (6, 2, 8, "resolved")
    assert (info.data_taken, info.total.delivered) == (True, 9)
    assert doubtful.got == [0, 1, 4, 5, 9]
    assert (holding.pending, holding.held()) == ((), ())


def test_those_that_did_not_arrive_are_sent_under_the_same_key(holding, doubtful):
    """The next run sends them as they were, and they are not counted as resent: nobody doubts any more."""
    keys = [batch.key for batch in holding.held()]
    holding.resolve(None, arrived=False)
    info = holding.resume()

    assert doubtful.keys[4:] == [(keys[0], 2), (keys[1], 2)]
    assert doubtful.got == [0, 1, 4, 5, 2, 3, 6, 7]
    assert (info.total.delivered, info.total.resent, holding.pending) == (8, 0, ())


def test_some_arrived_and_some_did_not(holding, doubtful):
    """Each batch goes its own way."""
    first, second = holding.held()
    holding.resolve(first.key, arrived=False)
    holding.resolve(second.key, arrived=True)
    info = holding.resume()

    assert doubtful.got == [0, 1, 4, 5, 2, 3]
    assert (info.total.delivered, holding.pending) == (8, ())


def test_resuming_does_not_pretend(holding, doubtful, line):
    """With nothing but rows on hold, ``resume`` and a run without data fail and name what is to be done; new data goes on, with a warning."""
    said = []
    for again in (holding.resume, holding.load, holding.run):
        with pytest.raises(DeliveryFailed, match="4 of unknown fate") as failed:
            again()
        assert "sinkkit resolve p" in failed.value.hint
    info = line(observe=said.append).run(people(9), table_name="people")

    assert (info.data_taken, info.total.delivered) == (True, 1)
    assert doubtful.got == [0, 1, 4, 5, 9]
    assert [event.message[:28] for event in said if isinstance(event, Warned)] == ["4 rows of pipeline 'p' are o"]
    assert holding.state().runs[-1].status == "completed"


def test_a_wrong_key_changes_nothing(holding):
    """It is named with one that looks like it, and no other batch is resolved either."""
    first, second = holding.held()
    with pytest.raises(ConfigError, match="no batch on hold with the key") as wrong:
        holding.resolve([second.key, first.key[:-1]], arrived=True)

    assert first.key in wrong.value.hint
    assert [batch.key for batch in holding.held()] == [first.key, second.key]
    assert holding.pending[0].total.delivered == 4


def test_nothing_is_on_hold(line):
    """Then the list is empty, and resolving all resolves none."""
    pipeline = line()
    pipeline.run(people(0), table_name="people")

    assert pipeline.held() == ()
    assert pipeline.resolve(None, arrived=True) == ()


def test_a_named_run_is_finished_by_hand(doubtful, line):
    """A run of the same name then only finishes the package, and is completed."""
    pipeline = line()
    doubtful.lost = [0]
    with pytest.raises(DeliveryFailed):
        pipeline.run(people(0, 1), table_name="people", run_id="monday")
    with pytest.raises(DeliveryFailed, match="2 of unknown fate"):
        pipeline.run(people(0, 1), table_name="people", run_id="monday")
    pipeline.resolve(None, arrived=True)
    info = pipeline.run(people(0, 1), table_name="people", run_id="monday")
    again = pipeline.run(people(0, 1), table_name="people", run_id="monday")

    assert (info.total.delivered, again.total.delivered, len(doubtful.keys)) == (2, 2, 1)
    assert pipeline.pending == ()


def test_what_is_settled_by_hand_does_not_stop_another_destination(holding, line):
    """It waits for a run to its own destination; data for another one goes on."""
    holding.resolve(None, arrived=True)
    info = line("erp").run(people(9), table_name="people")

    assert info.total.delivered == 1
    assert [package.state for package in holding.pending] == ["resolved"]


def test_a_sink_is_told_of_the_end(tmp_path):
    """An object that wants to know when a package is complete is told by the run that finishes it, not by the hand that settled it."""
    told = []

    class Sink:
        """Loses its only answer."""

        def prepare(self, tables):
            """Nothing to do."""

        def deliver(self, batch):
            raise TimeoutError("no answer")

        def probe(self, batch):
            """Not asked."""

        def complete(self):
            told.append("complete")

        def close(self):
            """Nothing to do."""

    sink = sinkkit.destination(name="warehouse", on_unknown="hold")(Sink)
    pipeline = sinkkit.pipeline("p", destination=sink, pipelines_dir=tmp_path, progress="off")
    with pytest.raises(DeliveryFailed):
        pipeline.run(people(0), table_name="people")
    pipeline.resolve(None, arrived=True)
    before = list(told)
    pipeline.resume()

    assert (before, told, pipeline.pending) == ([], ["complete"], ())


def test_a_replay_on_hold(doubtful, tmp_path):
    """Rejected rows whose replay is in doubt leave the list when somebody says that they arrived, and stay on it otherwise."""
    first = True

    def crm(items: list[dict], batch):
        if first:
            return sinkkit.Outcome(rejected=dict.fromkeys(range(len(items)), "no"))
        return doubtful.deliver(items, batch)

    sink = sinkkit.destination(name="crm", batch_size=2, workers=1, on_unknown="hold")(crm)
    pipeline = sinkkit.pipeline("p", destination=sink, pipelines_dir=tmp_path, progress="off")
    pipeline.run(people(*range(4)), table_name="people")
    first, doubtful.lost = False, [0, 2]
    with pytest.raises(DeliveryFailed):
        pipeline.replay()
    one, two = pipeline.held()
    rows = one.rows
    pipeline.resolve(one.key, arrived=True)
    pipeline.resolve(two.key, arrived=False)
    listed = [letter.row["id"] for letter in pipeline.rejected()]
    doubtful.lost = []
    info = pipeline.replay()

    with pytest.raises(ConfigError, match="was finished, and its files are gone"):
        assert one.rows
    assert (rows, listed, doubtful.got) == (people(0, 1), [2, 3], [2, 3])
    assert (info.total.delivered, list(pipeline.rejected()), pipeline.pending) == (4, [], ())


def test_a_halted_run_names_its_cause(doubtful, line):
    """Where rows are on hold and others pending, the hint is about the others."""
    doubtful.lost, pipeline = [0], line()

    def crm(items: list[dict], batch):
        if items[0]["id"] == 2:
            raise Halt("stop", hint="mend it")
        doubtful.deliver(items, batch)

    sink = sinkkit.destination(name="crm", batch_size=2, workers=1, on_unknown="hold")(crm)
    with pytest.raises(DeliveryFailed) as failed:
        pipeline.run(people(*range(4)), table_name="people", destination=sink)

    assert failed.value.hint == "mend it"
    assert (failed.value.info.held, failed.value.info.total.pending) == (2, 2)
    assert "sinkkit resume p" in str(failed.value.info)
