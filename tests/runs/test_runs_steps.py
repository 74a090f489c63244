"""Extract, normalize and load as steps, and the forms in which rows rest between them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sinkkit
from sinkkit.errors import ConfigError


def test_the_steps_one_by_one(make, memory, rows):
    """Extracting and normalizing send nothing; loading delivers all that is pending."""
    pipeline = make()
    pipeline.extract(rows(5), table_name="a", run_id="monday")
    pipeline.extract(rows(5, first=5), table_name="b")
    assert [(package.state, package.run_id, package.total.pending) for package in pipeline.pending] == [
        ("extracted", "monday", 5),
        ("extracted", None, 5),
    ]
    normalized = pipeline.normalize()
    assert str(normalized).endswith("extracted and not sent yet: pipeline.load(), or `sinkkit load p`")
    assert [package.state for package in pipeline.pending] == ["normalized", "normalized"]
    assert memory.calls == []
    info = pipeline.load(workers=1)

    assert memory.rows == rows(10)
    assert list(info.tables) == ["a", "b"]
    assert info.load_ids == normalized.load_ids
    assert pipeline.pending == ()


def test_workers_can_be_given_to_a_load(rows):
    """They take the place of the destination's setting, for this load."""
    threads = []

    @sinkkit.destination(batch_size=1, workers=8)
    def crm(items, table):
        threads.append(threading.current_thread().name)

    pipeline = sinkkit.pipeline("p", destination=crm, progress="off")
    pipeline.extract(rows(20))
    pipeline.load(workers=1)

    assert len(dict.fromkeys(threads)) == 1
    with pytest.raises(ConfigError, match="workers=0"):
        pipeline.load(workers=0)


def test_extracting_needs_no_destination_and_no_settings(make, memory, rows):
    """The destination is given when rows are loaded; without one, that is said."""
    bare = sinkkit.pipeline("p", progress="off")
    bare.extract(rows(5))
    bare.normalize()

    with pytest.raises(ConfigError, match="pipeline 'p' has no destination"):
        bare.load()
    assert bare.load(make().destination).total.delivered == 5
    assert memory.rows == rows(5)


def test_the_first_two_steps_do_not_look_at_the_destination(rows):
    """Named by a path that cannot be imported here, and with settings that cannot be read here, rows are taken and normalized; load says what is missing."""
    pipeline = sinkkit.pipeline("p", "not_installed_here.sinks.crm", progress="off")
    Path(".sinkkit").mkdir()
    Path(".sinkkit/config.toml").write_text("[destination.crm]\nbatch_size = 'many'\n")
    pipeline.extract(rows(5))
    pipeline.normalize()

    assert [package.total.pending for package in pipeline.pending] == [5]
    with pytest.raises(ConfigError, match="not_installed_here"):
        pipeline.load()


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
@pytest.mark.parametrize("given", ["dicts", "arrow"])
def test_rows_extracted_without_settings_are_brought_into_the_form_wanted(file_format, given, rows):
    """A destination that turns out to want whole files of a format gets them, before its first call."""
    seen = []

    @sinkkit.destination(batch_size=0, loader_file_format=file_format)
    def crm(path: Path, table):
        text = path.read_bytes()
        seen.append(pq.read_table(path).to_pylist() if text[:4] == b"PAR1" else [json.loads(line) for line in text.splitlines()])
        assert path.suffix == f".{file_format}"

    pipeline = sinkkit.pipeline("p", progress="off")
    pipeline.extract(rows(30) if given == "dicts" else pa.Table.from_pylist(rows(30)), table_name="t")
    info = pipeline.load(crm)

    assert seen == [rows(30)]
    assert [info.calls, info.total.delivered] == [1, 30]


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_paths_of_whole_files(file_format, rows):
    """With batch_size=0 a call is made for each file; files are cut at max_file_rows."""
    seen = []

    @sinkkit.destination(batch_size=0, loader_file_format=file_format, workers=1)
    def crm(path, table):
        seen.append(
            (
                isinstance(path, Path),
                path.suffix,
                pq.read_table(path).num_rows if path.suffix == ".parquet" else len(path.read_text().splitlines()),
            )
        )

    sinkkit.pipeline("p", destination=crm, progress="off", max_file_rows=4).run(rows(10))

    assert seen == [(True, f".{file_format}", size) for size in (4, 4, 2)]


def test_dict_rows_at_rest_as_parquet_reach_a_function_that_wants_tables(rows):
    """Without an annotation, parquet gives Arrow tables, cut into batches."""
    seen = []

    @sinkkit.destination(batch_size=4, loader_file_format="parquet", workers=1)
    def crm(items, table):
        seen.append(items.to_pylist())

    sinkkit.pipeline("p", destination=crm, progress="off").run(rows(10))

    assert [len(batch) for batch in seen] == [4, 4, 2]
    assert [row for batch in seen for row in batch] == rows(10)


def test_a_coroutine_that_blocks_its_loop_does_not_block_the_end():
    """A call that never comes back is given up after its timeout; the run ends with its batch unknown."""
    done = subprocess.run([sys.executable, "-c", BLOCKING], capture_output=True, text=True, check=False, timeout=60)

    assert done.stdout.strip() == "1 unknown", done.stderr


BLOCKING = """
import threading
import httpx
import sinkkit

@sinkkit.destination(timeout=0.1, retry=sinkkit.Retry(attempts=1))
async def crm(items, table, http: httpx.AsyncClient):
    threading.Event().wait(60)

try:
    sinkkit.pipeline("p", destination=crm, progress="off").run([1])
except sinkkit.errors.DeliveryFailed as error:
    print(error.info.total.unknown, "unknown")
"""
