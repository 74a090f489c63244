"""What the journal tells of every load: where it came from, what became of it and when, until it is pruned."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sinkkit
from sinkkit.errors import DeliveryFailed
from sinkkit.testing import FakeClock

TIMES = ["extracted_at", "sealed_at", "first_call_at", "completed_at"]


def told(pipeline):
    """The table of all loads, as dicts."""
    table = pipeline.loads()
    table.validate(full=True)
    return table.to_pylist()


def test_a_load_from_its_source_to_its_end(make, rows):
    """Pipeline, run, source, counts and times of a run are in its report and in the table, and go into JSON."""

    @sinkkit.resource
    def contacts():
        yield from rows(25)

    pipeline = make()
    info = pipeline.run(contacts, run_id="monday")
    (load,) = info.loads
    (line,) = told(pipeline)

    assert (load.load_id, load.pipeline_name, load.run_id, load.state) == (*info.load_ids, "p", "monday", "completed")
    assert (load.source, load.destination_name, load.replay) == ("resource contacts", "crm", False)
    assert load.tables == info.tables
    moments = [getattr(load, name) for name in TIMES]
    assert moments == sorted(moments)
    assert load.extract_seconds + load.delivery_seconds <= (load.completed_at - load.extracted_at).total_seconds()
    assert [line[name] for name in ("load_id", "source", "delivered", "pending")] == [load.load_id, "resource contacts", 25, 0]
    assert [line[name] for name in TIMES] == moments
    assert [(table["table"], table["delivered"]) for table in line["tables"]] == [("contacts", 25)]
    assert json.loads(json.dumps(info.asdict()))["loads"][0]["source"] == "resource contacts"
    assert pickle.loads(pickle.dumps(info)).loads == info.loads


def test_it_is_told_in_steps(make, rows):
    """What has not happened yet has no time, and the first of several tries to deliver is the first call."""
    pipeline = make()
    first = pipeline.extract(rows(5), table_name="t")
    (extracted,) = first.loads
    pipeline.normalize()
    assert [getattr(extracted, name) is None for name in TIMES] == [False, False, True, True]
    assert (extracted.state, extracted.delivery_seconds, extracted.total.pending) == ("extracted", None, 5)


def test_an_interrupted_load_keeps_the_time_of_its_first_call(make, memory, rows):
    """Delivered by a later run, a load took as long as from its first call, in the earlier one, to its end."""
    pipeline = make()
    pipeline.clock = FakeClock()
    memory.down()
    with pytest.raises(DeliveryFailed) as caught:
        pipeline.run(rows(5))
    memory.up()
    pipeline.clock.advance(3600)
    (before,), (after,) = caught.value.info.loads, pipeline.resume().loads

    assert after.first_call_at == before.first_call_at
    assert before.completed_at is None
    assert after.delivery_seconds >= 3600


def test_it_stays_until_it_is_pruned(make, rows):
    """Files and batches of a load go when it is finished; what is known of it stays, and goes with prune."""
    pipeline = make()
    for number in range(3):
        pipeline.run(rows(number + 1), table_name=f"t{number}")
    kept = told(pipeline)
    pipeline.prune(older_than=0)

    assert [line["tables"][0]["table"] for line in kept] == ["t0", "t1", "t2"]
    assert [line["delivered"] for line in kept] == [1, 2, 3]
    assert told(pipeline) == []


def test_dropped_and_replayed_loads(make, memory, rows):
    """A load that was given up says when, and one of rejected rows says so."""
    pipeline = make()
    pipeline.extract(rows(4))
    pipeline.drop(force=True)
    memory.failing.append(sinkkit.Reject("no"))
    with pytest.raises(DeliveryFailed):
        make(options={"on_reject": "keep", "max_rejected": 1}).run(rows(5))
    make(options={"on_reject": "keep"}).resume()
    make().replay()
    dropped, refused, replayed = told(pipeline)

    assert (dropped["state"], dropped["dropped_at"] is None, dropped["completed_at"]) == ("dropped", False, None)
    assert (refused["source"], refused["rejected"]) == ("list", 5)
    assert (replayed["source"], replayed["replay"], replayed["delivered"]) == ("rejected rows", True, 5)


def test_a_pipeline_without_a_run_has_no_loads(make):
    """The table of a pipeline that was never run is empty, with the same columns."""
    table = make().loads()

    assert (table.num_rows, table.schema.field("load_id").type) == (0, pa.string())


def test_no_secret_is_told_of_a_source(make, monkeypatch, rows):
    """A secret that stands in a file's name is masked where the journal keeps the source."""
    monkeypatch.setenv("DESTINATION__CRM__API_KEY", "sesame-open-123")

    @sinkkit.destination(name="crm")
    def crm(items, api_key: sinkkit.Secret):
        pass

    Path("sesame-open-123.jsonl").write_text('{"id": 1}\n')
    pipeline = sinkkit.pipeline("p", crm, progress="off")
    info = pipeline.run(sinkkit.sources.files("sesame-open-123.jsonl"), table_name="t")

    assert "sesame" not in json.dumps(info.asdict())


@given(sizes=st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=3), min_size=1, max_size=4))
def test_the_table_adds_up(sizes, tmp_path_factory):
    """Counts of the tables of a load add up to the load's own, and those of all loads to what was given."""
    sink = sinkkit.destination(name="crm", batch_size=7, durability="process")(lambda items: None)
    pipeline = sinkkit.pipeline("p", sink, pipelines_dir=tmp_path_factory.mktemp("state"), progress="off")

    def resources(counts):
        return [sinkkit.resource(name=f"t{number}")(lambda count=count: [{"n": n} for n in range(count)]) for number, count in enumerate(counts)]

    for counts in sizes:
        pipeline.run(resources(counts))
    lines = told(pipeline)

    assert [sorted((table["table"], table["delivered"]) for table in line["tables"]) for line in lines] == [
        [(f"t{number}", count) for number, count in enumerate(counts)] for counts in sizes
    ]
    assert [line["delivered"] for line in lines] == [sum(counts) for counts in sizes]
