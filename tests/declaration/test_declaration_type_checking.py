"""Annotations that only type checkers import are looked up by name and, where that fails, named in the error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import sinkkit
from sinkkit.declaration.signature import Role
from sinkkit.errors import SignatureError
from sinkkit.schema.items import ItemsKind

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from httpx import AsyncClient, Client
    from nowhere.at_all import Unknown

    from sinkkit import Batch, ConnectionString, Secret, TableSchema
    from sinkkit.rows import Row


def tables(items: pa.Table, table): ...
def batches(items: pa.RecordBatch, table): ...
def pandas_frames(items: pd.DataFrame, table): ...
def polars_frames(items: pl.DataFrame, table): ...
def rows(items: list[Row], table): ...


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (tables, ItemsKind.TABLE),
        (batches, ItemsKind.RECORD_BATCH),
        (pandas_frames, ItemsKind.PANDAS),
        (polars_frames, ItemsKind.POLARS),
        (rows, ItemsKind.ROWS),
    ],
)
def test_items_are_known_by_name(function, kind):
    """What items hold is clear without importing the package."""
    assert sinkkit.destination(function).signature.items is kind


def test_clients_batch_and_table_are_known_by_name():
    """The role of a parameter needs no import either."""

    def push(items, schema: TableSchema, batch: Batch, http: Client, *, loop: AsyncClient): ...

    signature = sinkkit.destination(push).signature

    assert signature.takes_table
    assert [p.role for p in signature.parameters] == [Role.BATCH, Role.CLIENT, Role.ASYNC_CLIENT]


def test_types_of_settings_are_imported_for_them():
    """A setting has to be made of text, so its type is needed."""

    def push(items, table, key: Secret, since: datetime, *, wait: timedelta | None = None, db: ConnectionString):
        """Take one of each."""

    found = {one.name: one for one in sinkkit.destination(push).signature.settings}

    assert [found["key"].type, found["key"].secret] == [sinkkit.Secret, True]
    assert found["since"].type.__name__ == "datetime"
    assert found["db"].type is sinkkit.ConnectionString


def test_what_cannot_be_found_is_named():
    """The error names parameter and annotation, and says where to import it."""

    def push(items, table, when: Unknown): ...

    def pull(items: Unknown, table): ...

    with pytest.raises(SignatureError, match=r"push\(\) parameter 'when' is annotated 'Unknown'") as refused:
        sinkkit.destination(push)
    assert "TYPE_CHECKING" in refused.value.hint
    with pytest.raises(SignatureError, match=r"pull\(\) asks for items as Unknown"):
        sinkkit.destination(pull)


def test_a_local_that_is_assigned_later_is_no_obstacle():
    """A function may refer to a local variable that gets its value only after the decorator has read the signature."""

    @sinkkit.destination
    def push(items: list[dict], http: Client):
        return later

    later = None

    assert push.function([], None) is later
