"""Names and nesting as a user meets them: tables, keys and columns that a destination gets."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pytest

import sinkkit

USERS = [
    {
        "Id": 1,
        "fullName": "Ann",
        "address": {"City": "Oslo", "geo": {"lat": 59.9}},
        "pets": [{"name": "Rex", "toys": ["ball", "bone"]}, {"name": "Tom", "toys": []}],
    },
    {"Id": 2, "fullName": "Bob", "address": None, "pets": [{"name": "Kit"}]},
]


@pytest.fixture
def deliver(tmp_path):
    """Delivers rows with some settings; gives the rows of each table, and the tables, in the order in which they came."""

    def run(rows=USERS, table_name="users", **settings):
        hints = {key: settings.pop(key) for key in ("primary_key", "write_disposition", "columns") if key in settings}
        got, tables = {}, {}

        @sinkkit.destination(workers=1, **settings)
        def sink(items, table):
            got.setdefault(table["name"], []).extend(items)
            tables[table["name"]] = table

        pipeline = sinkkit.pipeline("nested", destination=sink, pipelines_dir=tmp_path, dev_mode=True, progress="off")
        run.info = pipeline.run(rows, table_name=table_name, **hints)
        run.tables = tables
        return got

    return run


def test_at_level_0_rows_stay_as_they_are(deliver):
    """Nothing is renamed or taken out."""
    assert deliver(max_nesting_level=0) == {"users": USERS}


def test_at_level_1_pets_become_a_table(deliver):
    """Dicts are columns, the lists of a user rows of ``users__pets``, what is in these lists stays json; an empty list stays where it is."""
    assert deliver(max_nesting_level=1, naming_convention="snake_case") == {
        "users": [
            {"id": 1, "full_name": "Ann", "address__city": "Oslo", "address__geo__lat": 59.9},
            {"id": 2, "full_name": "Bob", "address": None},
        ],
        "users__pets": [{"name": "Rex", "toys": ["ball", "bone"]}, {"name": "Tom", "toys": []}, {"name": "Kit"}],
    }
    assert {name: (table["parent"], table["level"]) for name, table in deliver.tables.items()} == {
        "users": (None, 0),
        "users__pets": ("users", 1),
    }
    assert {name: table.delivered for name, table in deliver.info.tables.items()} == {"users": 2, "users__pets": 3}


@pytest.mark.parametrize("level", [2, None])
def test_at_level_2_toys_become_a_table_too(deliver, level):
    """Entries that are no dicts are in the column ``value``."""
    got = deliver(max_nesting_level=level)

    assert list(got) == ["users", "users__pets", "users__pets__toys"]
    assert got["users__pets"] == [{"name": "Rex"}, {"name": "Tom", "toys": []}, {"name": "Kit"}]
    assert got["users__pets__toys"] == [{"value": "ball"}, {"value": "bone"}]


def test_rows_get_keys_when_they_are_asked_for(deliver):
    """A child's ``_sk_parent_id`` is its parent's ``_sk_id``, its ``_sk_root_id`` that of the row it came in, and it knows its place in the list."""
    got = deliver(max_nesting_level=2, skip_internal_columns_and_tables=False)

    users, pets, toys = got["users"], got["users__pets"], got["users__pets__toys"]
    (load_id,) = deliver.info.load_ids
    assert [user["_sk_load_id"] for user in users] == [load_id] * 2
    assert [(pet["_sk_parent_id"], pet["_sk_root_id"], pet["_sk_list_idx"]) for pet in pets] == [
        (users[0]["_sk_id"], users[0]["_sk_id"], 0),
        (users[0]["_sk_id"], users[0]["_sk_id"], 1),
        (users[1]["_sk_id"], users[1]["_sk_id"], 0),
    ]
    assert [(toy["_sk_parent_id"], toy["_sk_root_id"], toy["_sk_list_idx"]) for toy in toys] == [
        (pets[0]["_sk_id"], users[0]["_sk_id"], 0),
        (pets[0]["_sk_id"], users[0]["_sk_id"], 1),
    ]
    every = [row["_sk_id"] for rows in (users, pets, toys) for row in rows]
    assert sorted(set(every)) == sorted(every)


@pytest.mark.parametrize("level", [0, 1, None])
def test_values_keep_their_types_wherever_they_go(deliver, level):
    """What plain JSON has no form for arrives as it was: in a column of a dict, in a child table, and below the last level."""
    odd = {
        "not": Decimal("NaN"),
        "long": 10**400,
        "first": datetime(1, 1, 1),  # noqa: DTZ001  # a naive one stays naive
        "last": datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        "leap": "2016-12-31T23:59:60Z",
        "key": UUID(int=7),
        "pair": (1, 2),
        "raw": b"\0",
        "inf": float("-inf"),
    }
    got = deliver([{"a": odd, "l": [odd, {"b": odd, "l": [odd["last"], odd["long"]]}]}], max_nesting_level=level)

    arrived = [repr(value) for rows in got.values() for row in rows for value in leaves(row)]
    assert sorted(arrived) == sorted(repr(value) for value in [*odd.values()] * 3 + [odd["last"], odd["long"]])


def leaves(value):
    """Every value in *value* that is neither a dict nor a list."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return [value] if inside is None else [leaf for one in inside for leaf in leaves(one)]


def test_arrow_rows_of_which_nothing_is_left_are_rows_without_columns(deliver):
    """As those of dicts are: each is counted and sent, however many there are."""
    got = deliver(pa.table({"tags": [["a", "b"]] * 1500}), "posts", max_nesting_level=1)

    assert got["posts"] == [{}] * 1500
    assert got["posts__tags"] == [{"value": "a"}, {"value": "b"}] * 1500
