"""Writing and reading packages: files, names, forms, threads, and nothing half-done."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sinkkit.errors import ConfigError, SchemaError, SourceError
from sinkkit.faults import Point
from sinkkit.package.chunks import ChunkCache
from sinkkit.package.folder import part_of, remove, safe_name, writing
from sinkkit.package.reader import Package
from sinkkit.package.writer import PackageWriter
from sinkkit.schema.items import ItemsKind


class ClockAtEpoch:
    """A clock that stands at the epoch."""

    def now(self):
        return 0.0

    def wall(self):
        return 0.0

    def wait(self, condition, seconds):
        condition.wait(0)


class Stop(Exception):
    """What a crash point raises in these tests."""


def packaged(folder, rows, **settings):
    """Seal a package of *rows*."""
    with PackageWriter(folder, "load", "p", **settings) as writer:
        writer.write_rows("t", rows)
        writer.seal()


def names_in(folder):
    """What is in *folder*, in order."""
    return sorted(path.name for path in Path(folder).iterdir())


def descriptors():
    """How many files this process has open."""
    return len(names_in("/dev/fd"))


def rows_of(count):
    """Rows with a number and a text."""
    return [{"id": number, "name": f"name {number}"} for number in range(count)]


def test_the_manifest_says_what_is_in_the_package(tmp_path):
    """Tables with columns and counts, files with tables and first rows, shape and time of the package."""
    with PackageWriter(
        tmp_path, "load", "nightly", shape={"max_nesting_level": 0}, max_file_rows=2, clock=ClockAtEpoch()
    ) as writer:
        writer.write_rows(
            "a/b", rows_of(3), primary_key=["id"], write_disposition="merge", columns={"name": {"data_type": "date"}}
        )
        writer.write_arrow("empty", pa.table({"x": pa.array([], pa.int8())}))
        sealed = writer.seal()
    manifest = Package.open(tmp_path / "load").manifest

    assert manifest == sealed
    assert (manifest.load_id, manifest.pipeline_name, manifest.rows) == ("load", "nightly", 3)
    assert manifest.created_at == "1970-01-01T00:00:00+00:00"
    assert manifest.shape == {"max_nesting_level": 0}
    assert manifest.tables["a/b"].rows == 3
    assert manifest.tables["empty"].schema["columns"]["x"]["data_type"] == "bigint"
    schema = manifest.tables["a/b"].schema
    assert schema["primary_key"] == ("id",)
    assert schema["write_disposition"] == "merge"
    assert [column["data_type"] for column in schema["columns"].values()] == ["bigint", "date"]
    assert [(file.name, file.rows, file.first_index) for file in manifest.files] == [
        ("a%2Fb.0.jsonl", 2, 0),
        ("a%2Fb.1.jsonl", 1, 2),
    ]
    assert json.loads((tmp_path / "load" / "manifest.json").read_text())["load_id"] == "load"


def test_rows_rest_in_the_form_asked_for(tmp_path):
    """Arrow data rests as Arrow, or in the very form the destination wants, which it can then read by path."""
    table = pa.Table.from_pylist(rows_of(5))
    forms = {("jsonl", False): "arrows", ("jsonl", True): "jsonl", ("parquet", False): "arrows", ("parquet", True): "parquet"}
    for (file_format, exact_files), form in forms.items():
        with PackageWriter(tmp_path, form + file_format, "p", file_format=file_format, exact_files=exact_files) as writer:
            writer.write_arrow("t", table)
            [file] = writer.seal().files
        job = Package.open(tmp_path / (form + file_format)).job(file.name)

        assert file.format == form
        assert job.read(range(1, 4)) == rows_of(5)[1:4]
        assert job.items(ItemsKind.TABLE, range(5)).equals(table)
        assert job.items(ItemsKind.RECORD_BATCH, (0, 4)).to_pylist() == [rows_of(5)[0], rows_of(5)[4]]
        assert job.items(ItemsKind.PATH, range(5)) == job.path
        with pytest.raises(ConfigError, match="4 of the 5 rows"):
            job.items(ItemsKind.PATH, range(4))
    assert pq.read_table(tmp_path / "parquetparquet" / "t.0.parquet").equals(table)
    assert [json.loads(line) for line in (tmp_path / "jsonljsonl" / "t.0.jsonl").read_bytes().splitlines()] == rows_of(5)
    with pa.OSFile(str(tmp_path / "arrowsjsonl" / "t.0.arrows")) as file:
        assert pa.ipc.open_stream(file).read_all().equals(table)


def test_single_rows_share_chunks(tmp_path):
    """Rows that come one by one fill chunks as pages do, and leave memory while more come."""
    with PackageWriter(tmp_path, "load", "p", durability="process") as writer:
        for row in rows_of(60_000):
            writer.write_rows("t", [row])
        assert writer.rows == 60_000
        writer.contents.disk.finish()
        assert sum(path.stat().st_size for path in writer.part.iterdir()) > 1 << 20
        [file] = writer.seal().files

    assert len(file.chunks) == 1 + file.bytes // (1 << 20)
    assert file.chunks[0].length < 2 << 20


def test_many_tables_wait_together(tmp_path):
    """What waits for chunks to fill is bounded for all tables together; no files stay open."""
    before = descriptors()
    with PackageWriter(tmp_path, "load", "p", durability="process") as writer:
        for at in range(100):
            writer.write_rows(f"t{at}", [{"text": "x" * 500_000}] * 2)
            writer.write_rows(f"t{at}", [{"text": ""}] * 31)
            assert writer.contents.buffered <= 33 << 20
        writer.contents.disk.finish()
        assert descriptors() == before
        manifest = writer.seal()

    assert [file.rows for file in manifest.files] == [33] * 100


def test_columns_that_come_later_do_not_scatter_rows(tmp_path):
    """Rows as Arrow stay in few files while nulls become values and whole numbers become fractions."""
    rows = [
        {"a": number if number % 2000 < 1000 else number + 0.5, "b": None if number < 2500 else "x"} for number in range(10_000)
    ]
    with PackageWriter(tmp_path, "load", "p", file_format="parquet") as writer:
        writer.write_rows("t", rows)
        files = writer.seal().files
    package = Package.open(tmp_path / "load")

    assert len(files) <= 3
    assert [row for file in files for row in package.job(file.name).read(range(file.rows))] == rows


def test_arrow_data_of_another_schema_goes_into_another_file(tmp_path):
    """Missing columns and nulls fit into the file; another type begins another file, so that no type changes."""
    pieces = [
        pa.table({"a": [1], "b": ["x"]}),
        pa.table({"b": ["y"]}),
        pa.table({"b": ["z"], "a": pa.nulls(1)}),
        pa.table({"a": [1.5], "b": ["x"]}),
        pa.table({"a": [2.5], "b": ["x"], "c": [1]}),
    ]
    with PackageWriter(tmp_path, "load", "p") as writer:
        for piece in pieces:
            writer.write_arrow("t", piece)
        manifest = writer.seal()
    package = Package.open(tmp_path / "load")

    assert [file.rows for file in manifest.files] == [3, 1, 1]
    first = package.job(manifest.files[0].name).read(range(3))
    assert first == [{"a": 1, "b": "x"}, {"a": None, "b": "y"}, {"a": None, "b": "z"}]
    assert [column["data_type"] for column in manifest.tables["t"].schema["columns"].values()] == ["double", "text", "bigint"]


def test_rows_and_arrow_data_of_one_table_keep_their_order(tmp_path):
    """A table may get both; its row numbers follow the order in which they came."""
    with PackageWriter(tmp_path, "load", "p") as writer:
        writer.write_rows("t", [{"n": 0}, {"n": 1}])
        writer.write_arrow("t", pa.table({"n": [2, 3]}))
        writer.write_rows("t", [{"n": 4}])
        files = writer.seal().files
    package = Package.open(tmp_path / "load")

    assert [(file.format, file.first_index) for file in files] == [("jsonl", 0), ("arrows", 2), ("jsonl", 4)]
    assert [row["n"] for file in files for row in package.job(file.name).read(range(file.rows))] == [0, 1, 2, 3, 4]


def test_chunks_stay_small_when_rows_grow(tmp_path):
    """Rows much larger than those before them do not make a chunk of hundreds of megabytes."""
    rows = [*rows_of(2000), *({"id": number, "name": "x" * 20_000} for number in range(1000)), *rows_of(10)]
    with PackageWriter(tmp_path, "load", "p", durability="process", max_file_bytes=10_000_000) as writer:
        writer.write_rows("t", rows)
        files = writer.seal().files
    package = Package.open(tmp_path / "load")

    assert max(chunk.length for file in files for chunk in file.chunks) < 2 << 20
    assert [row for file in files for row in package.job(file.name).read(range(file.rows))] == rows


def test_any_table_name_makes_a_file_name(tmp_path):
    """Names with slashes, dots, odd characters and great length rest in files of their own beside one another."""
    names = ["../up", ".hidden", "a", "A", "", "naïve 😀", "x" * 5000, "x" * 5001, "nul\x00", "half\ud800"]
    with PackageWriter(tmp_path, "load", "p") as writer:
        for number, name in enumerate(names):
            writer.write_rows(name, [{"n": number}])
        writer.seal()
    package = Package.open(tmp_path / "load")

    assert [(file.table, package.job(file.name).read(range(1))) for file in package.manifest.files] == [
        (name, [{"n": number}]) for number, name in enumerate(names)
    ]
    assert len(list((tmp_path / "load").iterdir())) == len(names) + 1
    assert safe_name(".a/b") == "%2Ea%2Fb"


def test_crash_points_stand_between_the_steps(tmp_path):
    """A fault after a page or before the seal leaves nothing, one after it leaves the whole package."""
    reached = []
    with PackageWriter(tmp_path, "whole", "p", faults=reached.append) as writer:
        writer.write_rows("t", rows_of(1))
        writer.seal()
    assert reached == [Point.PAGE_EXTRACTED, Point.BEFORE_SEAL, Point.AFTER_SEAL]

    def stopping(at):
        def fault(point):
            if point is at:
                raise Stop

        return fault

    for at, left in ((Point.PAGE_EXTRACTED, []), (Point.BEFORE_SEAL, []), (Point.AFTER_SEAL, ["load"])):
        folder = tmp_path / at.name
        with pytest.raises(Stop):
            packaged(folder, rows_of(1), faults=stopping(at))
        assert names_in(folder) == left


def test_before_the_seal_the_package_has_no_name(tmp_path):
    """Until it is sealed a package is a folder of another name, which a start can tell and remove."""
    writer = PackageWriter(tmp_path, "load", "p")
    writer.write_rows("t", rows_of(2000))
    assert names_in(tmp_path) == [".load.part"]
    assert writer.part == part_of(tmp_path, "load")

    remove(writer.part)
    remove(writer.part)
    assert list(tmp_path.iterdir()) == []


def test_after_any_error_nothing_stays(tmp_path):
    """Rows that cannot be kept end the package; it takes no more and leaves no folder."""
    for rows, error in (([{"a": object()}], SourceError), ([{"a": 1}, {"a": "x"}], SchemaError)):
        writer = PackageWriter(tmp_path, "load", "p", file_format="jsonl" if error is SourceError else "parquet")
        writer.write_rows("t", rows)
        with pytest.raises(error, match="table 't', row"):
            writer.seal()
        with pytest.raises(SourceError, match="takes no more rows"):
            writer.write_rows("t", rows_of(1))
        with pytest.raises(SourceError, match="takes no more rows"):
            writer.seal()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_may_not_grow_is_an_error_of_ours(tmp_path):
    """When the system refuses more bytes the error says where and what to do, and nothing stays."""
    script = """
import resource, sys
from pathlib import Path
from sinkkit.errors import SourceError
from sinkkit.package.writer import PackageWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    with PackageWriter(Path(sys.argv[1]), "load", "p") as writer:
        writer.write_rows("t", [{"a": "x" * 1000}] * 5000)
        writer.seal()
except SourceError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True)

    assert done.stdout.startswith("cannot write")
    assert "the file may not grow so large" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_an_error_of_ours(tmp_path):
    """A file in the way, a package that is there already, a full disk: each says where and what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="a file stands where a folder should be"):
        PackageWriter(tmp_path / "file", "load", "p")
    packaged(tmp_path, rows_of(1))
    with pytest.raises(SourceError, match=r"cannot write .*load"):
        packaged(tmp_path, rows_of(2))
    assert names_in(tmp_path) == ["file", "load"]
    with pytest.raises(SourceError, match="hint: the disk is full"), writing(tmp_path):
        raise OSError(28, "No space left on device", str(tmp_path))


def test_threads_read_neighbouring_rows(tmp_path):
    """Sixteen threads read single rows of the same chunks at once, each its own, in memory that stays bounded."""
    with PackageWriter(tmp_path, "load", "p") as writer:
        writer.write_rows("t", [{"id": number, "text": "x" * 2000} for number in range(4000)])
        [file] = writer.seal().files
    package = Package(tmp_path / "load", Package.open(tmp_path / "load").manifest, ChunkCache(limit=2 << 20))
    job = package.job(file.name)

    def read(start):
        return [job.items(ItemsKind.ROWS, range(at, at + 1))[0]["id"] for at in range(start, 4000, 16)]

    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(read, range(16)))
    assert found == [list(range(start, 4000, 16)) for start in range(16)]
    assert package.cache.size <= 2 << 20
    assert len(package.cache.held) <= 2


def test_many_small_files_are_read_without_open_files(tmp_path):
    """A thousand files of twenty rows leave no descriptors open; the reader of a file is the same each time."""
    with PackageWriter(tmp_path, "load", "p", max_file_rows=20, durability="process") as writer:
        writer.write_rows("t", rows_of(20_000))
        files = writer.seal().files
    package = Package.open(tmp_path / "load")
    before = descriptors()

    assert len(files) == 1000
    assert [row for file in files for row in package.job(file.name).read(range(20))] == rows_of(20_000)
    assert descriptors() == before
    assert package.job(files[0].name) is package.job(files[0].name)


def test_a_dict_run_stays_light(tmp_path):
    """Rows of dicts are written and read without pyarrow, cattrs, httpx and asyncio."""
    script = """
import sys
from pathlib import Path
from sinkkit.package.reader import Package
from sinkkit.package.writer import PackageWriter
with PackageWriter(Path(sys.argv[1]), "load", "p") as writer:
    writer.write_rows("t", [{"a": 1}])
    name = writer.seal().files[0].name
assert Package.open(Path(sys.argv[1]) / "load").job(name).read(range(1)) == [{"a": 1}]
print([name for name in ("pyarrow", "cattrs", "httpx", "asyncio", "pandas") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
