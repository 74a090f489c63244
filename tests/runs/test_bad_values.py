"""Bad input, case by case, as it is and as Arrow: delivered faithfully, or refused with row, column and reason, and nothing sent."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import attrs
import pytest

import sinkkit
from sinkkit.errors import SinkkitError

KEPT = "kept"
"""Of a row that has to arrive as it was given."""


def nested(levels):
    """Dicts inside each other."""
    value = top = {}
    for _ in range(levels - 1):
        value["d"] = value = {}
    return top


def lists(levels):
    """Lists inside each other, with a number inside."""
    value = 1
    for _ in range(levels):
        value = [value]
    return value


def circle(kind):
    """A value that contains itself."""
    value = kind()
    value.append(value) if kind is list else value.update(me=value)
    return value


LATE = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=timezone(timedelta(hours=-14)))
CASES = {
    "a number as key": ({2: 1}, "row 1 has the key 2", "row 1 has the key 2"),
    "None as key": ({None: 1}, "row 1 has the key None", "row 1 has the key None"),
    "bytes as key": ({b"a": 1}, "row 1 has the key b'a'", "row 1 has the key b'a'"),
    "a number as key inside": ({"a": {1: 2}}, KEPT, "row 1 (counted from 0), column 'a'"),
    "a tuple as key inside": ({"a": {(1, 2): 3}}, KEPT, "row 1 (counted from 0), column 'a'"),
    "an empty name": ({"": 1}, KEPT, KEPT),
    "a blank name": ({" ": 1}, KEPT, KEPT),
    "a name of 10,000 characters": ({"n" * 10_000: 1}, KEPT, KEPT),
    "5,000 columns": ({f"c{n}": n for n in range(5_000)}, KEPT, KEPT),
    "64 levels": ({"a": nested(64)}, KEPT, KEPT),
    "63 lists": ({"a": lists(63)}, KEPT, KEPT),
    "64 lists": ({"a": lists(64)}, KEPT, "column 'a' cannot become an Arrow column: its value is nested more than 64 levels deep"),
    "101 levels": ({"a": nested(102)}, "column 'a': the value is nested more than 100 levels deep", "nested more than 64 levels deep"),
    "a dict in itself": ({"a": circle(dict)}, "row 1 (counted from 0), column 'a': the value is nested more than 100", "or contains itself"),
    "a list in itself": ({"a": circle(list)}, "row 1 (counted from 0), column 'a': the value is nested more than 100", "or contains itself"),
    "a row in itself": (circle(dict), "row 1 (counted from 0), column 'me'", "row 1 (counted from 0), column 'me'"),
    "NUL": ({"a\0b": "x\0y"}, KEPT, KEPT),
    "half a character": ({"a": "x\ud800y"}, KEPT, "row 1 (counted from 0), column 'a'"),
    "half a character in a name": ({"a\udfff": 1}, KEPT, "the column name 'a\\udfff' holds half a character"),
    "400 digits": ({"a": 10**400}, KEPT, "row 1 (counted from 0), column 'a'"),
    "400 digits below zero": ({"a": -(10**400)}, KEPT, "row 1 (counted from 0), column 'a'"),
    "5,000 digits": ({"a": 10**5000}, KEPT, "row 1 (counted from 0), column 'a'"),
    "Decimal NaN": ({"a": Decimal("NaN")}, KEPT, "row 1 (counted from 0), column 'a'"),
    "Decimal infinity": ({"a": Decimal("-Infinity")}, KEPT, "row 1 (counted from 0), column 'a'"),
    "NaN and infinity": ({"a": math.nan, "b": -math.inf}, KEPT, KEPT),
    "the year 1": ({"a": datetime(1, 1, 1, tzinfo=UTC), "b": date(1, 1, 1)}, KEPT, KEPT),
    "the year 9999": ({"a": datetime(9999, 12, 31, tzinfo=UTC), "b": date(9999, 12, 31)}, KEPT, KEPT),
    "the last moment in the west": ({"a": LATE}, KEPT, "row 1 (counted from 0), column 'a'"),
    "a leap second as text": ({"a": "2016-12-31T23:59:60Z"}, KEPT, KEPT),
    "a list of all sorts": ({"a": [1, "x", None, {"b": [2.5]}]}, KEPT, "row 1 (counted from 0), column 'a'"),
    "an object": ({"a": object()}, "row 1 (counted from 0), column 'a': the value is of type object", "row 1 (counted from 0), column 'a'"),
    "the mark of our own tags": ({"$sk": "int", "a": {"$sk": "int", "v": "x"}}, KEPT, KEPT),
}


def alike(got, given):
    """Whether values are equal, or NaN; not all can be shown, and not all are equal to themselves."""
    return got == given or repr(got) == repr(given)


def told(rests, case):
    """What happens to a case in a format."""
    row, as_lines, as_arrow = case
    return row, as_lines if rests == "jsonl" else as_arrow


@pytest.mark.parametrize("rests", ["jsonl", "parquet"])
@pytest.mark.parametrize("name", CASES)
def test_bad_values_are_kept_or_named(tmp_path, name, rests):
    """A row after a good one arrives as it was given, types included, or the error names it and nothing at all is sent."""
    row, said = told(rests, CASES[name])
    got = []

    @sinkkit.destination(workers=1, loader_file_format=rests)
    def sink(items: list[dict]):
        got.extend(items)

    first = dict.fromkeys(row) if rests == "parquet" and all(isinstance(key, str) for key in row) else {"z": 1}
    pipeline = sinkkit.pipeline("p", destination=sink, progress="off", pipelines_dir=tmp_path)
    if said == KEPT:
        assert pipeline.run([first, row], table_name="t").total.delivered == 2
        assert alike(got, [first, row])
        return
    with pytest.raises(SinkkitError) as refused:
        pipeline.run([first, row], table_name="t")
    assert said in str(refused.value)
    assert refused.value.hint
    assert (got, pipeline.pending) == ([], ())


@attrs.define
class Anything:
    """A row whose values are taken as they are."""

    a: object


@pytest.mark.parametrize("name", [name for name, (row, said, _) in CASES.items() if said == KEPT and "a" in row])
def test_bad_values_reach_objects(tmp_path, name):
    """The same values reach a field that takes everything, equal and of the same type."""
    row = CASES[name][0]
    got = []

    @sinkkit.destination
    def sink(items: list[Anything]):
        got.extend(item.a for item in items)

    sinkkit.pipeline("p", destination=sink, progress="off", pipelines_dir=tmp_path).run([row], table_name="t")

    assert alike(got, [row["a"]])


@pytest.mark.parametrize("name", ["n" * 10_000, "a/b", "..", "a\0b", "ä" * 300, "CON "])
def test_any_text_names_a_table(tmp_path, name):
    """Names of tables may be long and hold what file names cannot."""
    got = []

    @sinkkit.destination
    def sink(items, table):
        got.append((table["name"], items))

    sinkkit.pipeline("p", destination=sink, progress="off", pipelines_dir=tmp_path).run([{"a": 1}], table_name=name)

    assert got == [(name, [{"a": 1}])]
