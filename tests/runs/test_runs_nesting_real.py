"""A real nested file at every level: no value is lost, and counts agree with those that the standard library makes of the file."""

from __future__ import annotations

import json
from collections import Counter

import pytest

import sinkkit

ID = ("_sk_id", "_sk_load_id", "_sk_parent_id", "_sk_root_id", "_sk_list_idx")


@pytest.fixture
def document(shared_data):
    """A week of earthquakes, as GeoJSON."""
    return json.loads((shared_data / "earthquakes.json").read_text())


@pytest.fixture
def deliver(tmp_path):
    """Delivers rows at some level; gives the rows of each table."""

    def run(rows, **settings):
        got = {}

        @sinkkit.destination(batch_size=500, workers=1, naming_convention="snake_case", **settings)
        def sink(items, table):
            got.setdefault(table["name"], []).extend(items)

        pipeline = sinkkit.pipeline("quakes", destination=sink, pipelines_dir=tmp_path, dev_mode=True, progress="off")
        run.info = pipeline.run(rows, table_name="features")
        return got

    return run


def leaves(value):
    """Every value in *value* that is neither a dict nor a list, and every empty one of these, however deep."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return [repr(value)] if not inside else [leaf for one in inside for leaf in leaves(one)]


def lists_above(value, levels):
    """How many entries lists in *value* have, down to so many levels of lists."""
    if isinstance(value, dict):
        return sum(lists_above(one, levels) for one in value.values())
    return len(value) + sum(lists_above(one, levels - 1) for one in value) if isinstance(value, list) and levels else 0


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_every_value_of_every_earthquake_arrives(document, deliver, level):
    """The values of all rows are those of the file, each as often; entries of lists are rows of their own, as many as there are in the file."""
    features = document["features"]
    got = deliver(features, max_nesting_level=level)

    assert Counter(leaf for rows in got.values() for row in rows for leaf in leaves(row)) == Counter(leaves(features))
    assert {name: len(rows) for name, rows in got.items()} == {
        "features": 1707,
        **({"features__geometry__coordinates": 3 * 1707} if level else {}),
    }
    assert deliver.info.total.delivered == sum(1 + lists_above(feature, level) for feature in features)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_the_whole_file_as_one_row(document, deliver, level):
    """Features and their coordinates, level by level."""
    got = deliver([document], max_nesting_level=level)

    assert Counter(leaf for rows in got.values() for row in rows for leaf in leaves(row)) == Counter(leaves(document))
    assert deliver.info.total.delivered == 1 + lists_above(document, level)
    assert len(got["features__features"]) == 1707


def test_earthquakes_are_put_together_by_their_keys(document, deliver):
    """Each point finds its feature, in the order of the list, among 1,707."""
    got = deliver(document["features"], max_nesting_level=1, skip_internal_columns_and_tables=False)
    points = {}
    for row in got["features__geometry__coordinates"]:
        points.setdefault(row["_sk_parent_id"], []).append((row["_sk_list_idx"], row["value"]))

    joined = [(row["id"], [value for _, value in sorted(points[row["_sk_id"]])]) for row in got["features"]]
    assert joined == [(feature["id"], feature["geometry"]["coordinates"]) for feature in document["features"]]
    assert sorted({name for rows in got.values() for name in rows[0] if name in ID}) == sorted(ID)
