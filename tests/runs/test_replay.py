"""Rejected rows sent again: which ones, what becomes of them, and what a replay that does not come through leaves behind."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pyarrow as pa
import pytest
from picky import Picky, people

import sinkkit
from sinkkit import Outcome, Reject, RetryLater
from sinkkit.errors import ConfigError, DeliveryFailed, PendingPackages
from sinkkit.runs.rejected.exports import export

QUICK = sinkkit.Retry(attempts=2, first_wait=0.0, longest_wait=0.0)


@pytest.fixture
def picky():
    """A fresh destination."""
    return Picky()


@pytest.fixture
def line(picky, tmp_path):
    """Makes a pipeline to it; options of the destination by keyword."""

    def made(name="p", destination_name="crm", **options):
        def crm(items: list[dict], table, batch):
            return picky(items, table, batch)

        settings = {"batch_size": 4, "workers": 1, "retry": QUICK, **options}
        sink = sinkkit.destination(name=destination_name, **settings)(crm)
        return sinkkit.pipeline(name, destination=sink, pipelines_dir=tmp_path, progress="off")

    return made


def listed(pipeline):
    """The ids of rows on the list, in order."""
    return [letter.row["id"] for letter in pipeline.rejected()]


def counts(info, table="people"):
    """Where the rows are."""
    one = info.tables[table]
    return one.extracted, one.delivered, one.rejected, one.pending, one.unknown


def test_those_delivered_leave_the_list(line, picky):
    """Rows that are accepted at the second go leave the list; the package of the replay has accounts of its own."""
    picky.bad = [2, 5]
    pipeline = line()
    first = pipeline.run(people(*range(8)), table_name="people")
    picky.bad = [5]
    again = pipeline.replay()

    assert picky.calls[2:] == [[2, 5]]
    assert (counts(first), counts(again)) == ((8, 6, 2, 0, 0), (2, 1, 1, 0, 0))
    assert listed(pipeline) == [5]
    assert len(set(picky.keys)) == 3
    assert pipeline.pending == ()


def test_one_rejected_again_stays_one_letter(line, picky):
    """Over any number of replays it keeps its id and place, has its newest reason, and counts every call that was made for it."""
    picky.bad = [3]
    pipeline = line()
    pipeline.run(people(*range(4)), table_name="people")
    (before,) = pipeline.rejected()
    for _ in range(3):
        pipeline.replay()
    (after,) = pipeline.rejected()

    assert (before.attempts, after.attempts) == (1, 4)
    assert after.rejected_at > before.rejected_at
    assert attrs.evolve(after, attempts=1, rejected_at=before.rejected_at) == before
    assert (after.index, after.destination_name, after.replay) == (3, "crm", None)


def test_the_newest_reason_is_kept(line, picky):
    """A row that was named by an outcome and is then refused as a whole batch has the words, class and status of the last refusal."""
    picky.bad = [0]
    pipeline = line(on_reject="keep")
    pipeline.run(people(0), table_name="people")
    picky.broken = Reject("closed account")
    pipeline.replay()
    (letter,) = pipeline.rejected()

    assert (letter.reason, letter.error, letter.attempts) == ("closed account", "Reject", 2)


@pytest.mark.parametrize("workers", [1, 8])
def test_rows_wanted_again_are_followed(line, picky, workers):
    """Rows of a replay that are retried in batches of their own, with gaps, close their letters when these are settled."""
    picky.bad = list(range(12))
    pipeline = line(batch_size=5, workers=workers)
    pipeline.run(people(*range(12)), table_name="people")
    picky.bad, picky.later = [6], [1, 3, 6, 8, 11]
    info = pipeline.replay()

    assert counts(info) == (12, 11, 1, 0, 0)
    assert listed(pipeline) == [6]
    assert sorted(picky.got) == [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11]


def test_chosen_by_table_reason_and_id(line, picky):
    """Only the rows that are asked for are sent; a reason is part of the text, and upper and lower case are told apart."""
    picky.bad = list(range(10))
    pipeline = line(batch_size=1)
    pipeline.run(people(0, 1, 2), table_name="people")
    pipeline.run(people(3, 4, 5, 6), table_name="firms")
    picky.bad, picky.calls = [], []
    wanted = next(letter.id for letter in pipeline.rejected() if letter.row["id"] == 4)
    pipeline.replay("people", reason="e-mail 1")
    pipeline.replay(reason="E-MAIL")
    pipeline.replay(ids=[wanted])
    pipeline.replay("firms")
    sent = list(picky.calls)
    pipeline.replay()

    assert sent == [[1], [4], [3], [5], [6]]
    assert picky.calls[5:] == [[0], [2]]
    assert listed(pipeline) == []


def test_an_unknown_id_sends_nothing(line, picky):
    """It is named with one that looks like it, and no other row is sent either."""
    picky.bad = [0, 1]
    pipeline = line()
    pipeline.run(people(0, 1), table_name="people")
    ids = [letter.id for letter in pipeline.rejected()]

    with pytest.raises(ConfigError, match="no rejected row has the id") as wrong:
        pipeline.replay(ids=[ids[0], ids[1] + "7"])
    with pytest.raises(ConfigError, match="no rejected row of table 'firms' has the id"):
        pipeline.replay("firms", ids=ids)
    with pytest.raises(ConfigError, match="reason and ids were given together"):
        pipeline.replay(reason="bad", ids=ids)
    with pytest.raises(ConfigError, match="7 is no id"):
        pipeline.replay(ids=[7])
    assert ids[1] in wrong.value.hint
    assert (len(picky.calls), pipeline.pending) == (1, ())


def test_nothing_to_replay(line, picky):
    """Without a rejected row that fits there is no package, no call, and a report of zeros."""
    pipeline = line()
    pipeline.run(people(0), table_name="people")
    info = pipeline.replay()

    assert (info.load_ids, info.total.extracted, info.calls) == ((), 0, 0)
    assert (len(picky.calls), pipeline.pending) == (1, ())


def test_a_pending_replay_does_not_stand_in_the_way(line, picky):
    """New data is taken and sent although a replay is not finished; the rows of the replay stay with it, and are finished by ``resume``."""
    picky.bad = [0, 1]
    pipeline = line()
    pipeline.run(people(0, 1), table_name="people")
    picky.bad, picky.broken = [], RetryLater("down")
    with pytest.raises(DeliveryFailed):
        pipeline.replay()
    picky.broken = None
    held_back = [letter.replay for letter in pipeline.rejected()]
    info = pipeline.run(people(7, 8), table_name="people")
    (package,) = pipeline.pending
    named = pipeline.run(people(9), table_name="people", run_id="monday", on_pending="fail")
    resumed = pipeline.resume()

    assert (info.data_taken, counts(info)) == (True, (2, 2, 0, 0, 0))
    assert counts(named) == (1, 1, 0, 0, 0)
    assert (package.replay, package.total.pending, held_back) == (True, 2, [package.load_id] * 2)
    assert counts(resumed) == (2, 2, 0, 0, 0)
    assert picky.got == [7, 8, 9, 0, 1]
    assert listed(pipeline) == []


def test_the_next_replay_finishes_the_one_before(line, picky):
    """Rows that a replay has taken are not taken again: the next one sends them under their keys, then those rejected since."""
    picky.bad = [0, 1]
    pipeline = line()
    pipeline.run(people(0, 1), table_name="people")
    picky.broken = RetryLater("down")
    with pytest.raises(DeliveryFailed):
        pipeline.replay()
    picky.broken, picky.bad = None, [1, 5]
    pipeline.run(people(5), table_name="people")
    picky.calls, first_key = [], picky.keys[1]
    info = pipeline.replay()

    assert picky.calls == [[0, 1], [5]]
    assert picky.keys[-2] == first_key
    assert counts(info) == (3, 1, 2, 0, 0)
    assert listed(pipeline) == [1, 5]
    assert [letter.attempts for letter in pipeline.rejected()] == [4, 2]


def test_dropping_a_replay_gives_its_rows_back(line, picky):
    """Those that were not delivered are on the list again, to be taken by another replay, and the calls made for them are counted."""
    picky.bad = [0, 1, 2, 3, 4]
    pipeline = line(batch_size=1)
    pipeline.run(people(*range(5)), table_name="people")
    picky.bad = []
    deliver = picky.__call__

    def two_only(items, table, batch):
        if len(picky.got) == 2:
            raise RetryLater("down")
        return deliver(items, table, batch)

    stopped = sinkkit.destination(name="crm", batch_size=1, workers=1, retry=QUICK)(two_only)
    with pytest.raises(DeliveryFailed):
        pipeline.replay(destination=stopped)
    with pytest.raises(PendingPackages):
        pipeline.drop()
    pipeline.drop(force=True)
    on_the_list = [(letter.row["id"], letter.replay, letter.attempts) for letter in pipeline.rejected()]
    pipeline.replay()

    assert on_the_list == [(2, None, 3), (3, None, 1), (4, None, 1)]
    assert picky.got == [0, 1, 2, 3, 4]
    assert listed(pipeline) == []


def test_too_many_rejected_halt_a_replay(line, picky):
    """`max_rejected` counts the rows of a replay as those of a run; what is left stays with the replay."""
    picky.bad = list(range(6))
    pipeline = line(batch_size=1)
    pipeline.run(people(*range(6)), table_name="people")
    with pytest.raises(DeliveryFailed, match="max_rejected"):
        line(batch_size=1, max_rejected=1).replay()

    assert [(package.total.rejected, package.total.pending) for package in pipeline.pending] == [(2, 4)]
    assert [letter.replay is None for letter in pipeline.rejected()] == [True, True, False, False, False, False]


def test_values_and_schema_come_back(line, picky):
    """A row that is replayed has the types it was given, and its table the key and the columns; one that replaces is appended to."""
    row = {"id": 1, "price": Decimal("9.90"), "blob": b"\x00\xff", "far": 2**80, "odd": float("inf")}
    picky.bad = [1]
    pipeline = line()
    hints = {"price": {"data_type": "decimal", "precision": 9}}
    pipeline.run([row], table_name="people", primary_key="id", write_disposition="replace", columns=hints)
    picky.bad = []
    pipeline.replay()
    before, after = picky.tables

    assert picky.rows == [row]
    assert (before["write_disposition"], after["write_disposition"]) == ("replace", "append")
    assert {**after, "write_disposition": "replace"} == before


def test_arrow_rows_come_back(tmp_path):
    """Where rows rest as Parquet, those that are rejected and replayed reach the function as an Arrow table again."""
    got = []

    @sinkkit.destination(batch_size=4, loader_file_format="parquet")
    def sink(items: pa.Table):
        got.append(items.to_pylist())
        return Outcome(rejected={1: "no"}) if len(got) == 1 else None

    pipeline = sinkkit.pipeline("p", destination=sink, pipelines_dir=tmp_path, progress="off")
    pipeline.run(pa.table({"id": [1, 2, 3], "name": ["a", None, "c"]}), table_name="people")
    pipeline.replay()

    assert got[1] == [{"id": 2, "name": None}]
    assert list(pipeline.rejected()) == []


def test_another_destination_only_if_it_is_named(line, picky):
    """Rows that one destination refused do not go to another by accident; named for the replay, it gets them."""
    picky.bad = [0]
    line().run(people(0), table_name="people")
    picky.bad = []
    other = line(destination_name="erp")
    with pytest.raises(ConfigError, match="was for destination 'crm', and this replay goes to 'erp'"):
        other.replay()
    assert other.pending == ()
    other.replay(destination=other.destination)

    assert picky.got == [0]


def test_the_list_survives_what_cannot_be_sent(tmp_path):
    """If the rows cannot be brought into the form that the destination wants, nothing is taken and nothing sent."""

    @sinkkit.destination(batch_size=1, workers=1)
    def loose(items: list[dict]):
        return Outcome(rejected={0: "no"})

    @sinkkit.destination(name="loose", batch_size=1, loader_file_format="parquet")
    def strict(items: pa.Table):
        raise Reject("nothing is to arrive here")

    pipeline = sinkkit.pipeline("p", destination=loose, pipelines_dir=tmp_path, progress="off")
    pipeline.run([{"v": 1}, {"v": "text"}, {"v": {"deep": 1}}], table_name="t")
    with pytest.raises(sinkkit.errors.SourceError):
        pipeline.replay(destination=strict)

    assert [letter.replay for letter in pipeline.rejected()] == [None] * 3
    assert pipeline.pending == ()


def test_many_letters_in_portions(line, picky, tmp_path):
    """More rows than are read at once are taken, sent and closed, each once."""
    picky.bad = list(range(2_500))
    pipeline = line(batch_size=500)
    pipeline.run(people(*range(2_500)), table_name="people")
    picky.bad = [7, 1_300]
    pipeline.replay()

    assert len(picky.got) == len(set(picky.got)) == 2_498
    assert listed(pipeline) == [7, 1_300]
    assert export(pipeline.rejected(), tmp_path / "bad.jsonl") == 2
