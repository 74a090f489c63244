"""What a function gets in a call: items in the form it asks for, fresh at every attempt, and the batch they belong to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import sinkkit
from sinkkit import Batch, Retry
from sinkkit.errors import DeliveryFailed

ROWS = [{"id": number, "name": f"n{number}", "score": None if number % 2 else 0.5} for number in range(7)]


def list_of(value):
    """Rows of whatever a function got."""
    if isinstance(value, pd.DataFrame):
        return value.astype(object).where(value.notna(), None).to_dict("records")
    if isinstance(value, pl.DataFrame):
        return value.to_dicts()
    return value if isinstance(value, list) else value.to_pylist()


def as_rows(items: list[dict], table): ...
def as_iterable(items: Iterable[dict], table): ...
def as_table(items: pa.Table, table): ...
def as_batch(items: pa.RecordBatch, table): ...
def as_pandas(items: pd.DataFrame, table): ...
def as_polars(items: pl.DataFrame, table): ...


@pytest.mark.parametrize("data", ["dicts", "arrow"])
@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (as_rows, list),
        (as_iterable, list),
        (as_table, pa.Table),
        (as_batch, pa.RecordBatch),
        (as_pandas, pd.DataFrame),
        (as_polars, pl.DataFrame),
    ],
)
def test_items_come_in_the_form_asked_for(function, kind, file_format, data):
    """Whatever the rows were and however they rest."""
    got = []

    def crm(items, table):
        got.append(items)

    crm.__annotations__ = function.__annotations__
    destination = sinkkit.destination(batch_size=4, workers=1, loader_file_format=file_format)(crm)
    sinkkit.pipeline("p", destination=destination, progress="off").run(ROWS if data == "dicts" else pa.Table.from_pylist(ROWS))

    assert [type(items) for items in got] == [kind, kind]
    assert [row for items in got for row in list_of(items)] == ROWS


@pytest.mark.parametrize("annotation", [Path, str])
def test_a_path_is_given_as_it_was_asked_for(annotation):
    """As a Path or as text."""
    got = []

    def crm(items, table):
        got.append(items)

    crm.__annotations__ = {"items": annotation}
    sinkkit.pipeline("p", destination=sinkkit.destination(batch_size=0)(crm), progress="off").run(ROWS)

    assert [isinstance(items, annotation) for items in got] == [True]


def test_every_attempt_gets_fresh_items():
    """A function may change what it got; the next attempt, and batch.items, see the rows as they were given."""
    seen = []

    @sinkkit.destination(retry=Retry(attempts=3, first_wait=0, longest_wait=0))
    def crm(items, table, batch: Batch):
        seen.append((list(items), batch.attempt, batch.key))
        items[0]["id"] = -1
        items.clear()
        assert batch.items == ROWS
        if batch.attempt < 3:
            raise ConnectionRefusedError

    info = sinkkit.pipeline("p", destination=crm, progress="off").run([dict(row) for row in ROWS])

    assert [rows == [{**ROWS[0], "id": -1}, *ROWS[1:]] for rows, _, _ in seen] == [True] * 3
    assert [attempt for _, attempt, _ in seen] == [1, 2, 3]
    assert len({key for _, _, key in seen}) == 1
    assert info.retries == 2


def test_a_batch_says_what_it_is():
    """Its package, pipeline, table, job, rows and key; the attempt counts on after a restart, under the same key."""
    seen = []

    @sinkkit.destination(batch_size=3, workers=1, retry=Retry(attempts=1))
    def crm(items, table, batch):
        seen.append(batch)
        if len(seen) == 2:
            raise TimeoutError

    pipeline = sinkkit.pipeline("p", destination=crm, progress="off")
    with pytest.raises(DeliveryFailed) as failed:
        pipeline.run(ROWS, table_name="people")
    pipeline.resume()

    first, lost, again, last = seen
    [load_id] = failed.value.info.load_ids
    assert [first.load_id, first.pipeline_name, first.table_name] == [load_id, "p", "people"]
    assert [list(one.rows) for one in seen] == [[0, 1, 2], [3, 4, 5], [3, 4, 5], [6]]
    assert [lost.key == again.key, lost.attempt, again.attempt, last.attempt] == [True, 1, 2, 1]
    assert len({one.key for one in seen}) == 3
