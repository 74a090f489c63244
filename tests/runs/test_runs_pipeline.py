"""What a pipeline does: run, extract, normalize, load, and what it says of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import sinkkit
from sinkkit import Outcome
from sinkkit.errors import ConfigError, DeliveryFailed, PipelineLocked
from sinkkit.sources import files


def folders(pipeline, name="packages"):
    """Names of the load packages on disk."""
    place = Path(pipeline.folder) / name
    return sorted(entry.name for entry in place.iterdir()) if place.exists() else []


def test_a_report_says_what_happened(make, memory, rows):
    """Counts by table, calls, times; as values that JSON can hold, and for people."""
    info = make().run(rows(25), table_name="contacts")

    assert [info.pipeline_name, info.destination_name, info.calls, info.retries] == ["p", "crm", 3, 0]
    assert [info.tables["contacts"].extracted, info.tables["contacts"].delivered] == [25, 25]
    assert [info.data_taken, info.has_rejected, len(info.load_ids)] == [True, False, 1]
    assert isinstance(info.started_at, datetime)
    assert info.elapsed > 0
    assert json.loads(json.dumps(info.asdict()))["tables"]["contacts"]["delivered"] == 25
    assert str(info).startswith("p → crm: 25 rows delivered in ")
    info.raise_on_rejected()


def test_no_rows_at_all_is_a_run_that_did_nothing(make, memory):
    """An empty list, generator, file list or table leaves no package and makes no call."""

    def nothing():
        yield from ()

    for data in ([], iter(()), pa.table({"a": pa.array([], pa.int64())}), nothing):
        info = make().run(data)

        assert [info.total.extracted, info.calls, info.load_ids, info.data_taken] == [0, 0, (), True]
    assert memory.calls == []
    assert folders(make()) == []


def test_several_tables_at_once(make, rows):
    """Each keeps its name, its columns and its counts."""
    seen = {}

    @sinkkit.destination
    def crm(items, table):
        seen.setdefault(table["name"], []).extend(items)
        assert list(table["columns"]) == (["n"] if table["name"] == "numbers" else ["name"])

    @sinkkit.resource(primary_key="n", write_disposition="merge")
    def numbers():
        yield from rows(12)

    @sinkkit.resource(table_name="people")
    def load_people():
        return [{"name": "Ada"}]

    info = sinkkit.pipeline("p", destination=crm, progress="off").run([numbers, load_people, numbers])

    assert seen["people"] == [{"name": "Ada"}]
    assert sorted(row["n"] for row in seen["numbers"]) == sorted(2 * list(range(12)))
    assert {name: counts.delivered for name, counts in info.tables.items()} == {"numbers": 24, "people": 1}
    assert "  people: 1 row delivered" in str(info)


def test_rejected_rows_are_kept_and_reported(rows):
    """The run returns; the rows, with reason and place, can be read, as an Arrow table too."""

    @sinkkit.destination(batch_size=2, workers=1)
    def crm(items, table):
        return Outcome(rejected={1: f"bad {items[1]['n']}"})

    pipeline = sinkkit.pipeline("p", destination=crm, progress="off")
    info = pipeline.run(rows(4), table_name="t")

    assert info.has_rejected
    assert "2 rejected" in str(info)
    with pytest.raises(DeliveryFailed, match="2 rows of pipeline 'p' were rejected"):
        info.raise_on_rejected()
    assert [(one.table, one.index, one.row, one.reason) for one in pipeline.rejected("t")] == [
        ("t", 1, {"n": 1}, "bad 1"),
        ("t", 3, {"n": 3}, "bad 3"),
    ]
    assert all(one.rejected_at.utcoffset() == timedelta(0) for one in pipeline.rejected())
    assert pipeline.rejected().to_arrow().column("reason").to_pylist() == ["bad 1", "bad 3"]
    assert list(pipeline.rejected("other")) == []


def test_finished_packages_are_removed_but_for_those_to_keep(make, rows):
    """Of five runs, none stays by default, and the newest where some are to be kept."""
    for _ in range(5):
        make().run(rows(3))
    assert folders(make()) == []
    for keep, left in ((4, 1), (4, 2), (4, 3), (4, 4), (4, 4), (1, 1)):
        make("kept", keep_packages=keep).run(rows(3))
        assert len(folders(make("kept"))) == left


def test_dev_mode_starts_from_nothing(make, memory, rows):
    """What another run left pending, or rejected, is forgotten."""
    memory.down()
    with pytest.raises(DeliveryFailed):
        make().run(rows(5))
    memory.up()

    info = make(dev_mode=True).run(rows(2))

    assert [info.data_taken, info.total.delivered] == [True, 2]
    assert memory.rows == rows(2)
    assert make().pending == ()


def test_attaching_needs_a_pipeline_that_exists(make, memory, rows):
    """An unknown name is named with the folder that was looked in."""
    with pytest.raises(ConfigError, match=r"there is no pipeline 'p' in .*pipelines"):
        sinkkit.attach("p")
    memory.down()
    with pytest.raises(DeliveryFailed):
        make().run(rows(5))
    memory.up()

    attached = sinkkit.attach("p", destination=make().destination, progress="off")

    assert [package.total.pending for package in attached.pending] == [5]
    assert attached.resume().total.delivered == 5


def test_a_second_pipeline_object_goes_on_where_the_first_stopped(make, memory, rows):
    """State is in the folder, not in the object."""
    make().extract(rows(5))

    assert make().resume().total.delivered == 5
    assert make().resume().total.delivered == 0


def test_pipelines_have_a_folder_each(make, memory, rows, tmp_path):
    """pipelines_dir, or the environment, says where."""
    make(pipelines_dir=tmp_path / "mine").run(rows(1))

    assert (tmp_path / "mine" / "p" / "journal.db").exists()


def test_a_run_in_another_thread_works(make, memory, rows):
    """Signals are left alone there, and the rows arrive."""
    reports = []
    thread = threading.Thread(target=lambda: reports.append(make().run(rows(5))))
    thread.start()
    thread.join()

    assert reports[0].total.delivered == 5


def test_one_run_at_a_time_in_a_process(make, rows):
    """A run from inside a run is refused, and looking at the pipeline meanwhile does not give its lock away."""
    seen = []

    @sinkkit.destination
    def crm(items, table):
        for look in (make().state, lambda: make().pending):
            look()
        seen.append(make().state().owner)
        with pytest.raises(PipelineLocked, match="in use by this process already"):
            make().run(rows(1))
        other = "import sinkkit; sinkkit.pipeline('p', progress='off').extract([1])"
        seen.append(subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=False).stderr)

    sinkkit.pipeline("p", destination=crm, progress="off").run(rows(1))

    assert seen[0] == f"process {os.getpid()} (this one)"
    assert f"PipelineLocked: pipeline 'p' is owned by process {os.getpid()}" in seen[1]
    assert make().state().owner is None


def test_a_pipeline_used_after_a_fork_is_refused(make, rows):
    """The child is told to make one of its own; it may still look."""
    pipeline = make()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover  # another process
        try:
            pipeline.run(rows(1))
        except PipelineLocked as error:
            os.write(writer, f"{error} {pipeline.pending}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader) as said:
        text = said.read()

    assert f"was made in process {os.getpid()} and is used in its fork {child}" in text
    assert "call sinkkit.pipeline(...) in the process that uses it" in text


def test_files_and_resources_go_through_a_run(make, memory, shared_data):
    """All airports of the CSV file, and those of one state through a resource that reads the same file."""
    airports = files(shared_data / "airports.csv")

    @sinkkit.resource
    def alaskan():
        for page in sinkkit.sources.read(airports):
            yield page.data.filter(pc.equal(page.data["state"], "AK"))

    info = make(options={"batch_size": 500}).run(airports)
    lines = (shared_data / "airports.csv").read_text().splitlines()[1:]

    assert info.tables["airports"].delivered == len(memory.rows) == len(lines)
    assert make().run(alaskan).tables["alaskan"].delivered == sum(row["state"] == "AK" for row in memory.rows) // 2


LIGHT = """
import sys
import sinkkit
@sinkkit.destination
def crm(items, table, region: str = "eu"):
    assert items == [{"a": 1}]
sinkkit.pipeline("light", destination=crm, progress="off").run([{"a": 1}])
print([name for name in ("pyarrow", "cattrs", "httpx", "asyncio", "numpy", "pandas", "rich") if name in sys.modules])
"""


def test_a_run_of_one_dict_is_light():
    """Nothing heavy is imported for plain rows."""
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("inside", [False, True])
def test_a_coroutine_function_delivers(inside, rows):
    """Also when the run itself is called inside a running event loop, as in a notebook."""
    import asyncio

    got = []

    @sinkkit.destination(batch_size=2)
    async def crm(items, table):
        await asyncio.sleep(0)
        got.extend(items)

    def go():
        return sinkkit.pipeline("p", destination=crm, progress="off").run(rows(7))

    async def notebook():
        return go()

    info = asyncio.run(notebook()) if inside else go()

    assert info.total.delivered == 7
    assert sorted(row["n"] for row in got) == list(range(7))


def test_a_coroutine_that_takes_too_long_is_cancelled(rows):
    """It is ambiguous, as any timeout; the run ends."""
    import asyncio

    ended = []

    @sinkkit.destination(timeout=0.05, retry=sinkkit.Retry(attempts=1))
    async def crm(items, table):
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    with pytest.raises(DeliveryFailed) as failed:
        sinkkit.pipeline("p", destination=crm, progress="off").run(rows(1))
    assert failed.value.info.total.unknown == 1
    assert isinstance(failed.value.__cause__, TimeoutError)
    assert ended == [True]
