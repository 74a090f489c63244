"""``limit``: only the first rows are taken, and the source is left alone after them."""

from __future__ import annotations

import pyarrow as pa
import pytest

import sinkkit
from sinkkit.errors import ConfigError
from sinkkit.sources import read
from sinkkit.sources.quota import Quota


class Counted:
    """A source of endless rows that knows how many were asked for, and whether it was closed."""

    def __init__(self):
        self.given, self.closed = 0, False

    def rows(self):
        try:
            while True:
                self.given += 1
                yield {"n": self.given}
        finally:
            self.closed = True

    async def slowly(self):
        try:
            while True:
                self.given += 1
                yield {"n": self.given}
        finally:
            self.closed = True


@pytest.mark.parametrize("way", ["rows", "slowly"])
def test_an_endless_source_is_asked_for_one_row_more_and_closed(make, memory, way):
    """To know whether there are more, one more row is taken and no other; the report says that there are."""
    source = Counted()

    info = make().run(getattr(source, way)(), limit=25)

    assert [row["n"] for row in memory.rows] == list(range(1, 26))
    assert (source.given, source.closed) == (26, True)
    assert (info.total.delivered, info.more_left, info.asdict()["more_left"]) == (25, True, True)
    assert "more rows than the limit" in str(info)


@pytest.mark.parametrize("limit", [10, 11, 5000])
def test_nothing_is_said_of_more_rows_where_there_are_none(make, memory, rows, limit):
    """A source with no more rows than the limit is taken whole."""
    info = make().run(iter(rows(10)), limit=limit)

    assert (info.total.delivered, info.more_left) == (10, False)
    assert "limit" not in str(info)


@pytest.mark.parametrize(
    "data",
    [
        lambda rows: rows,
        iter,
        lambda rows: iter([rows[:7], rows[7:]]),
        pa.Table.from_pylist,
        lambda rows: pa.Table.from_pylist(rows).to_reader(max_chunksize=4),
        lambda rows: [sinkkit.resource(lambda: rows[:7]), sinkkit.resource(lambda: rows[7:])],
    ],
    ids=["list", "iterator", "pages", "table", "reader", "resources"],
)
@pytest.mark.parametrize("limit", [1, 6, 7, 8, 19])
def test_any_data_can_be_limited(data, limit):
    """The first rows of all tables together are taken, however they are given."""
    rows = [{"n": number} for number in range(20)]
    quota = Quota(limit)

    found = [row for page in read(data(rows), quota=quota) for row in (page.rows if hasattr(page, "rows") else page.data.to_pylist())]

    assert found == rows[:limit]
    assert quota.more


def test_extract_can_be_limited(make, rows):
    """A step takes a part as a run does."""
    pipeline = make()

    info = pipeline.extract(rows(10), limit=3)

    assert (info.total.pending, info.more_left) == (3, True)
    assert pipeline.load().total.delivered == 3


@pytest.mark.parametrize("limit", [0, -1, 1.5, "10", True])
def test_a_limit_that_is_no_number_of_rows_is_refused(make, rows, limit):
    """Nothing is taken or sent."""
    with pytest.raises(ConfigError, match=r"limit="):
        make().run(rows(3), limit=limit)


def test_a_part_does_not_bear_the_name_of_the_whole(make, rows):
    """A run's name says that its data was taken; with a limit it was not."""
    with pytest.raises(ConfigError, match="do not go together"):
        make().run(rows(3), limit=1, run_id="monday")
