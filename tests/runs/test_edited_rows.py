"""Rejected rows that are edited before they are sent again: from a file, from Python, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sinkkit
from sinkkit import Outcome
from sinkkit.errors import ConfigError, SourceError
from sinkkit.runs.rejected.edited import edited_rows
from sinkkit.runs.rejected.exports import export

VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**2100), 2**2100)
    | st.floats()
    | st.text(st.characters(codec=None), max_size=8)
    | st.decimals(allow_nan=False)
    | st.binary(max_size=8)
    | st.uuids()
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=5, minutes=30)), ZoneInfo("Europe/Berlin")]))
)
NESTED = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.just("$sk"), inner, max_size=3), max_leaves=6)


class Refusing:
    """A destination that refuses every row while it is told to, and keeps the rows and keys of all others."""

    def __init__(self):
        self.refuse, self.rows, self.keys = True, [], []

    def __call__(self, items, batch):
        if self.refuse:
            return Outcome(rejected=dict.fromkeys(range(len(items)), "no"))
        self.rows += items
        self.keys.append(batch.key)
        return None


def made(folder, refusing):
    """A pipeline to it."""

    def crm(items: list[dict], batch):
        return refusing(items, batch)

    sink = sinkkit.destination(name="crm", batch_size=10, workers=1, durability="process")(crm)
    return sinkkit.pipeline("p", destination=sink, pipelines_dir=folder, progress="off")


@pytest.fixture
def refusing():
    """A fresh destination."""
    return Refusing()


@pytest.fixture
def pipeline(tmp_path, refusing):
    """A pipeline with three rejected rows; from now on rows are accepted."""
    pipeline = made(tmp_path, refusing)
    pipeline.run([{"id": n, "when": date(2026, 1, n + 1)} for n in range(3)], table_name="people")
    refusing.refuse = False
    return pipeline


def ids(pipeline):
    """The ids of the letters."""
    return [letter.id for letter in pipeline.rejected()]


def same(one, other):
    """Equal, with types, and NaN equal to itself."""
    return repr(one) == repr(other)


@given(st.lists(st.dictionaries(st.text(max_size=4), NESTED, max_size=4), min_size=1, max_size=4))
def test_an_export_comes_back_as_it_was(tmp_path_factory, rows):
    """Rows exported as JSON Lines and replayed from there reach the function with the values that they were given with."""
    folder, refusing = tmp_path_factory.mktemp("edited"), Refusing()
    pipeline = made(folder, refusing)
    pipeline.run(rows, table_name="t")
    given_back = [letter.row for letter in pipeline.rejected()]
    export(pipeline.rejected(), folder / "bad.jsonl")
    refusing.refuse = False
    pipeline.replay(rows=folder / "bad.jsonl")

    assert same(refusing.rows, given_back)
    assert list(pipeline.rejected()) == []


def test_edited_in_a_file(pipeline, refusing, tmp_path):
    """The rows in the file take the place of those kept, in its order; blank lines and a mark at its start do not matter."""
    path = tmp_path / "bad.jsonl"
    export(pipeline.rejected(), path)
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    entries[2]["row"]["id"] = 20
    lines = [json.dumps(entries[2]), "", json.dumps({"id": entries[0]["id"], "row": {"id": "zero"}})]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    info = pipeline.replay(rows=str(path))

    assert refusing.rows == [{"id": 20, "when": date(2026, 1, 3)}, {"id": "zero"}]
    assert (info.total.delivered, [letter.row["id"] for letter in pipeline.rejected()]) == (2, [1])


def test_edited_in_python(pipeline, refusing):
    """Entries and letters with other rows are taken alike, from a generator too."""
    first, second, third = pipeline.rejected()
    plain = {"id": second.id, "row": {**second.row, "when": {"$sk": "date", "v": "2030-12-31"}}, "note": "not looked at"}
    pipeline.replay(rows=(entry for entry in [attrs.evolve(third, row={"id": 30}), plain, {"id": first.id, "row": {"id": Decimal("0.10")}}]))

    assert refusing.rows == [{"id": 30}, {"id": 1, "when": date(2030, 12, 31)}, {"id": Decimal("0.10")}]


def test_an_edit_is_kept_until_it_is_delivered(pipeline, refusing):
    """An edited row that is refused again, or whose replay is given up, is on the list as it was edited, under its id."""
    (one, two, _), before = ids(pipeline), len(refusing.keys)
    refusing.refuse = True
    pipeline.replay(rows=[{"id": one, "row": {"id": "edited", "at": datetime(2026, 1, 1, tzinfo=UTC)}}, {"id": two, "row": {"uuid": UUID(int=7)}}])
    letters = {letter.id: letter for letter in pipeline.rejected()}

    assert letters[one].row == {"id": "edited", "at": datetime(2026, 1, 1, tzinfo=UTC)}
    assert letters[two].row == {"uuid": UUID(int=7)}
    assert ([letter.attempts for letter in letters.values()], before) == ([2, 2, 1], 0)
    assert list(letters) == sorted(letters)


def test_the_same_edit_twice_gets_another_key(pipeline, refusing):
    """Each replay is a load package of its own: the destination can tell the edited row from the one before by its key."""
    (one, *_) = ids(pipeline)
    refusing.refuse = True
    pipeline.replay(rows=[{"id": one, "row": {"id": 1}}])
    refusing.refuse = False
    pipeline.replay(rows=[{"id": one, "row": {"id": 1}}])
    pipeline.replay()

    assert len(refusing.keys) == len(set(refusing.keys)) == 2


@pytest.mark.parametrize(
    ("line", "error", "says"),
    [
        ("no json", SourceError, "is not JSON"),
        ("[1]", SourceError, "is list, not an object"),
        ('{"row": {}}', SourceError, "has no field 'id'"),
        ('{"id": "x"}', SourceError, "has no field 'row'"),
        ('{"id": 7, "row": {}}', SourceError, "has int as its id, not text"),
        ('{"id": "ID", "row": [1]}', SourceError, "has list as its row, not an object"),
        ('{"id": "ID", "row": null}', SourceError, "has null as its row, not an object"),
        ('{"id": "ID", "row": {"a": {"$sk": "decimal", "v": "x"}}}', SourceError, "has a value that cannot be understood"),
        ('{"id": "ID", "row": {"a": {"$sk": "nonsense", "v": "x"}}}', SourceError, "has a value that cannot be understood"),
        ('{"id": "ID", "row": {"$sk": "date", "v": "2026-01-01"}}', SourceError, "has date as its row, not an object"),
        ('{"id": "IDX", "row": {}}', ConfigError, "no rejected row has the id"),
        ('{"id": "FIRST", "row": {}}', ConfigError, "a second time, after .*line 1"),
        ('{"id": "ID", "row": {}, "table": "firms"}', ConfigError, "names table 'firms'"),
        (b"\xff", SourceError, "is not JSON"),
    ],
)
def test_what_is_wrong_is_named_by_its_line(*, pipeline, refusing, tmp_path, line, error, says):
    """One entry that cannot be used sends nothing of the file; its line is named."""
    first, second, _ = ids(pipeline)
    text = line if isinstance(line, bytes) else line.replace("ID", second).replace("FIRST", first).encode()
    path = tmp_path / "bad.jsonl"
    path.write_bytes(json.dumps({"id": first, "row": {"id": 0}}).encode() + b"\n\n" + text + b"\n")
    with pytest.raises(error, match=says) as wrong:
        pipeline.replay(rows=path)

    assert "bad.jsonl, line 3" in str(wrong.value)
    assert wrong.value.hint
    assert (refusing.rows, pipeline.pending, len(ids(pipeline))) == ([], (), 3)


def test_entries_of_python_are_named_by_number(pipeline, refusing):
    """An entry that is not one is named by its place; what is no list of entries, and a file that is not there, are refused."""
    first, *_ = ids(pipeline)
    with pytest.raises(SourceError, match=r"rows=, entry 2 \(counted from 1\) is int, not an object"):
        pipeline.replay(rows=[{"id": first, "row": {}}, 7])
    with pytest.raises(ConfigError, match="rows= was given int"):
        pipeline.replay(rows=7)
    with pytest.raises(ConfigError, match="rows= was given dict"):
        pipeline.replay(rows={"id": first, "row": {}})
    with pytest.raises(SourceError, match=r"nowhere\.jsonl cannot be read: No such file"):
        pipeline.replay(rows="nowhere.jsonl")
    with pytest.raises(SourceError, match="column 'a'"):
        pipeline.replay(rows=[{"id": first, "row": {"a": object()}}])

    assert (refusing.rows, pipeline.pending, len(ids(pipeline))) == ([], (), 3)


def test_a_row_that_is_on_its_way_cannot_be_edited(pipeline, refusing):
    """While a replay that was not finished has the row, an edit of it is refused with the way out."""
    first, *_ = ids(pipeline)

    def down(items):
        raise sinkkit.Halt("down")

    with pytest.raises(sinkkit.errors.DeliveryFailed):
        pipeline.replay(ids=first, destination=sinkkit.destination(name="crm")(down))
    with pytest.raises(ConfigError, match="is sending again as it was") as wrong:
        pipeline.replay(rows=[{"id": first, "row": {}}])

    assert "pipeline.resume()" in wrong.value.hint
    assert refusing.rows == []


def test_a_time_of_day_is_restored():
    """Entries of a file are read lazily, with tagged values as they were."""
    (entry,) = edited_rows([{"id": "a", "row": {"at": {"$sk": "time", "v": "08:30:00"}}}])

    assert (entry.id, entry.row, entry.table) == ("a", {"at": time(8, 30)}, None)
