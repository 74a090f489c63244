"""Packages that move: what arrives is what was there, what was begun stays, and a file that is not what was exported is refused."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sinkkit
from sinkkit.errors import ConfigError, DeliveryFailed, PackageCorrupted, PendingPackages, SinkkitError

VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes() | st.decimals() | st.uuids()
ROWS = st.lists(st.dictionaries(st.text(max_size=5), VALUES | st.lists(VALUES, max_size=3), max_size=4), min_size=1, max_size=20)


@pytest.fixture
def exported(make, rows, tmp_path):
    """A package of 30 rows, exported; its file."""
    pipeline = make("here")
    pipeline.extract(rows(30), table_name="t")
    pipeline.packages.export(tmp_path / "out.tar")
    return tmp_path / "out.tar"


@given(rows=ROWS, ending=st.sampled_from([".tar", ".tar.gz", ".tgz", ".tar.zst", ".TAR.ZST"]))
def test_rows_arrive_as_they_were(rows, ending, tmp_path_factory):
    """Whatever the rows and the packing, the pipeline that takes a package over delivers the rows that were extracted."""
    folder = tmp_path_factory.mktemp("moved")
    got = []
    sink = sinkkit.destination(name="crm", batch_size=7, workers=1, durability="process")(lambda items: got.append(list(items)))
    here, there = (sinkkit.pipeline(name, sink, pipelines_dir=folder, progress="off") for name in ("here", "there"))
    here.extract(rows, table_name="t")
    here.packages.export(folder / f"out{ending}")
    there.packages.import_file(folder / f"out{ending}")
    there.resume()

    assert repr([row for batch in got for row in batch]) == repr(rows)
    assert (here.pending, there.pending) == ((), ())


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_every_form_of_a_package_moves(file_format, rows, tmp_path):
    """Arrow data, several tables and files, and a package that was normalized for its destination, arrive in the form they had."""
    seen = []

    @sinkkit.destination(batch_size=0, loader_file_format=file_format, workers=1)
    def crm(path: Path, table):
        seen.append((table["name"], path.suffix))

    here = sinkkit.pipeline("here", crm, progress="off", max_file_rows=40)
    here.extract([sinkkit.resource(name="a")(lambda: rows(100)), sinkkit.resource(name="b")(lambda: pa.Table.from_pylist(rows(10)))])
    here.normalize()
    here.packages.export(tmp_path / "out.tar")
    there = sinkkit.pipeline("there", crm, progress="off")
    there.packages.import_file(tmp_path / "out.tar")
    states = [package.state for package in there.pending]
    info = there.load()

    assert {name: counts.delivered for name, counts in info.tables.items()} == {"a": 100, "b": 10}
    assert sorted(seen) == [("a", f".{file_format}")] * 3 + [("b", f".{file_format}")]
    assert states == ["normalized"]


def test_what_is_known_of_it_moves(make, rows, tmp_path):
    """Load id, run, source and times come along, and both pipelines say where it went and where it is from."""
    here, there = make("here"), make("there")
    sealed = here.extract(rows(5), table_name="t", run_id="monday").loads[0]
    gone = here.packages.export(str(tmp_path / "out.tar"))
    come = there.packages.import_file(str(tmp_path / "out.tar"))
    done = there.load().loads[0]

    assert (gone.state, gone.handed_over_to, gone.handed_over, gone.tables) == ("handed_over", str(tmp_path / "out.tar"), {"t": 5}, {})
    for load in (come, done):
        assert (load.load_id, load.run_id, load.source, load.extracted_at, load.sealed_at, load.imported_from) == (
            sealed.load_id, "monday", "list", sealed.extracted_at, sealed.sealed_at, "here",
        )  # fmt: skip
    assert come.imported_at >= gone.handed_over_at
    assert done.total.delivered == 5
    assert [line["handed_over"] for line in here.loads().to_pylist()] == [5]


def test_it_counts_nowhere_here(make, memory, rows, tmp_path):
    """Handed over, it is not pending, cannot be loaded or dropped, does not stand in the way of new data, and its run's name is taken."""
    pipeline = make()
    pipeline.extract(rows(5), run_id="monday")
    load = pipeline.packages.export(tmp_path / "out.tar")
    named = pipeline.run(rows(5), run_id="monday")
    loaded = pipeline.load()
    new = pipeline.run(rows(3, first=100), on_pending="fail")
    with pytest.raises(ConfigError, match="no pending load package"):
        pipeline.drop(load.load_id, force=True)

    assert (named.total.extracted, loaded.load_ids, new.data_taken) == (0, (), True)
    assert "5 rows handed over in" in str(named)
    assert memory.rows == rows(3, first=100)
    assert [one.load_id for one in pipeline.state().handed_over] == [load.load_id]


def test_what_was_begun_stays(make, memory, rows, tmp_path):
    """A package of which a batch was cut, one that is finished, and one that was dropped, are not handed over, and nothing is written."""
    pipeline = make()
    memory.failing += [None, sinkkit.Halt("no")]
    with pytest.raises(DeliveryFailed):
        pipeline.run(rows(30))
    with pytest.raises(ConfigError, match="was begun"):
        pipeline.packages.export(tmp_path / "out.tar")
    done = pipeline.resume().load_ids[0]
    pipeline.extract(rows(5))
    (dropped,) = pipeline.drop(force=True)
    for load_id in (done, dropped):
        with pytest.raises(ConfigError, match="nothing left to hand over"):
            pipeline.packages.export(tmp_path / "out.tar", load_id)

    assert list(tmp_path.glob("*out*")) == []
    assert len(memory.rows) == 30


def test_replays_stay(make, memory, rows, tmp_path):
    """Rejected rows that are being sent again belong to this pipeline's list, and stay."""
    memory.failing.append(sinkkit.Reject("no"))
    make(options={"on_reject": "keep"}).run(rows(5))
    memory.down()
    with pytest.raises(DeliveryFailed):
        make().replay()
    (replay,) = make().pending
    with pytest.raises(ConfigError, match="has rejected rows of this pipeline"):
        make().packages.export(tmp_path / "out.tar", replay.load_id)
    with pytest.raises(ConfigError, match="no load package is pending"):
        make().packages.export(tmp_path / "out.tar")


def test_which_package_is_meant(make, rows, tmp_path):
    """The only one that is pending need not be named; of several, one must be; ids that are not known are refused."""
    pipeline = make()
    with pytest.raises(ConfigError, match="no load package is pending"):
        pipeline.packages.export(tmp_path / "out.tar")
    first, second = (pipeline.extract(rows(count)).load_ids[0] for count in (1, 2))
    with pytest.raises(ConfigError, match="2 load packages are pending"):
        pipeline.packages.export(tmp_path / "out.tar")
    with pytest.raises(ConfigError, match="has no load package 'x'"):
        pipeline.packages.export(tmp_path / "out.tar", "x")
    pipeline.packages.export(tmp_path / "out.tar", second)

    assert [package.load_id for package in pipeline.pending] == [first]


def test_one_file_after_another(make, rows, tmp_path):
    """With the file of the last export carried away, the same command exports what is pending now; a file that is there is never replaced."""
    pipeline = make()
    pipeline.extract(rows(1), run_id="monday")
    monday = pipeline.packages.export(tmp_path / "out.tar").load_id
    pipeline.extract(rows(2), run_id="tuesday")
    with pytest.raises(ConfigError, match="is there already"):
        pipeline.packages.export(tmp_path / "out.tar")
    (tmp_path / "out.tar").rename(tmp_path / "carried.tar")
    tuesday = pipeline.packages.export(tmp_path / "out.tar").load_id
    with pytest.raises(ConfigError, match=f"has load package {tuesday}"):
        pipeline.packages.export(tmp_path / "out.tar", monday)

    assert [make("a").packages.import_file(tmp_path / name).load_id for name in ("carried.tar", "out.tar")] == [monday, tuesday]


def test_a_lost_or_damaged_file_is_written_again(make, rows, tmp_path):
    """The same export writes the same bytes again if the file was lost or damaged, and leaves a good one alone."""
    pipeline, path = make(), tmp_path / "out.tar.zst"
    pipeline.extract(rows(500))
    load = pipeline.packages.export(path)
    first = path.read_bytes()
    before = path.stat().st_mtime_ns
    pipeline.packages.export(path)
    untouched = path.stat().st_mtime_ns == before
    for harm in (path.unlink, lambda: path.write_bytes(first[:-10])):
        harm()
        again = pipeline.packages.export(path, load.load_id)
        assert (path.read_bytes(), again.handed_over_at) == (first, load.handed_over_at)

    assert untouched


def test_its_files_stay_until_it_is_pruned(make, rows, exported):
    """What was handed over can be written again until it is pruned; then it is forgotten, and its files are gone."""
    pipeline = make("here")
    pipeline.run(rows(3))
    exported.unlink()
    load_id = pipeline.packages.export(exported).load_id
    pipeline.prune(older_than=0)
    with pytest.raises(ConfigError, match="has no load package"):
        pipeline.packages.export(exported, load_id)

    assert list((Path(pipeline.folder) / "packages").iterdir()) == []


def test_a_file_is_imported_once_into_a_pipeline(make, memory, exported):
    """A load id that a pipeline knows is refused, whatever became of it, also by the pipeline that it comes from."""
    there = make("there")
    there.packages.import_file(exported)
    with pytest.raises(ConfigError, match="is pending in it"):
        there.packages.import_file(exported)
    there.load()
    with pytest.raises(ConfigError, match="was delivered by it"):
        there.packages.import_file(exported)
    with pytest.raises(ConfigError, match="was handed over by it"):
        make("here").packages.import_file(exported)

    assert len(memory.rows) == 30


def test_it_moves_on(make, memory, exported, rows, tmp_path):
    """A package that was taken over and not begun can be handed over again."""
    make("there").packages.import_file(exported)
    make("there").packages.export(tmp_path / "on.tar.gz")
    last = make("beyond")
    last.packages.import_file(tmp_path / "on.tar.gz")
    info = last.load()

    assert memory.rows == rows(30)
    assert info.loads[0].imported_from == "there"


def test_a_bound_package_stays_bound(make, memory, rows, tmp_path):
    """A package that is for a destination already goes to that one alone, wherever it is."""
    here = make("here")
    memory.down()
    here.extract(rows(5))
    here.packages.export(tmp_path / "a.tar")
    there = make("there")
    there.packages.import_file(tmp_path / "a.tar")
    with pytest.raises(PendingPackages):
        there.run(rows(1), on_pending="fail")
    memory.up()
    there.load()

    assert memory.rows == rows(5)


@pytest.mark.parametrize("name", ["out", "out.zip", ".tar", "out.tar.bz2"])
def test_endings(make, rows, tmp_path, name):
    """A name whose ending does not say how to write it is refused, and the package stays."""
    pipeline = make()
    pipeline.extract(rows(1))
    with pytest.raises(ConfigError, match="no ending"):
        pipeline.packages.export(tmp_path / name)

    assert len(pipeline.pending) == 1


def test_a_file_that_cannot_be_written(make, rows, tmp_path):
    """A folder that is not there is an error of ours, and the package stays."""
    pipeline = make()
    pipeline.extract(rows(1))
    with pytest.raises(SinkkitError, match="No such file"):
        pipeline.packages.export(tmp_path / "nowhere" / "out.tar")

    assert len(pipeline.pending) == 1


def test_a_damaged_package_is_not_handed_over(make, rows, tmp_path):
    """What is not intact stays, and is not written to a file."""
    pipeline = make()
    load_id = pipeline.extract(rows(100), table_name="t").load_ids[0]
    (path,) = (Path(pipeline.folder) / "packages" / load_id).glob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b"42", b"43", 1))
    with pytest.raises(PackageCorrupted, match="checksum is wrong"):
        pipeline.packages.export(tmp_path / "out.tar")

    assert list(tmp_path.glob("*out*")) == []
    assert len(pipeline.pending) == 1


def test_rows_refused_by_a_contract_go_along(make, memory, tmp_path):
    """Rows that were refused when the package was normalized are rejected where it is now, with their reasons, and are replayed there alone."""
    here, there = make("here"), make("there")
    here.run([{"id": 0}], table_name="people")
    here.extract([{"id": 1}, {"id": 2, "new": True}, {"id": 3}], table_name="people", schema_contract={"columns": "discard_row"})
    here.normalize()
    before = [letter.row for letter in here.rejected()]
    gone = here.packages.export(tmp_path / "out.tar")
    first = (tmp_path / "out.tar").read_bytes()
    (tmp_path / "out.tar").unlink()
    here.packages.export(tmp_path / "out.tar", gone.load_id)
    come = there.packages.import_file(tmp_path / "out.tar")
    left = [list(here.rejected()), here.replay().load_ids]
    info = there.load()
    letters = [(letter.row, letter.reason) for letter in there.rejected()]
    there.replay()

    assert before == [{"id": 2, "new": True}]
    assert left == [[], ()]
    assert (tmp_path / "out.tar").read_bytes() == first
    assert (sum(gone.handed_over.values()), come.total.extracted, come.total.rejected, come.total.pending) == (3, 3, 1, 2)
    assert (info.total.delivered, info.total.rejected) == (2, 1)
    assert letters == [({"id": 2, "new": True}, "column 'new' is not known (schema contract: columns discard_row)")]
    assert [row["id"] for row in memory.rows] == [0, 1, 3, 2]
    assert (list(there.rejected()), there.pending) == ([], ())


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_what_is_known_of_tables_grows_with_it(make, rows, tmp_path, file_format):
    """A pipeline that takes a package over knows its tables from then on, as one that extracted it does, and the load tells the version."""
    here, there = (make(name, options={"loader_file_format": file_format}) for name in ("here", "there"))
    here.extract(rows(5), table_name="t")
    here.normalize()
    here.packages.export(tmp_path / "out.tar")
    there.packages.import_file(tmp_path / "out.tar")
    done = there.load().loads[0]
    second = there.run(rows(5), table_name="t").loads[0]
    other = there.run([{"n": 1, "new": "x"}], table_name="t").loads[0]

    assert done.schema_version is not None
    assert (second.schema_hash, second.schema_version) == (done.schema_hash, done.schema_version)
    assert other.schema_hash != done.schema_hash
    assert there.loads().column("schema_hash").to_pylist() == [done.schema_hash, done.schema_hash, other.schema_hash]
