"""Rows, values and pages of them, from lists and iterators."""

from __future__ import annotations

import csv
import dataclasses
import io
import sqlite3
import subprocess
import sys
from collections import OrderedDict, namedtuple
from decimal import Decimal
from types import MappingProxyType

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.errors import ConfigError, SourceError
from sinkkit.sources import read


def rows_of(data, **hints):
    return [row for page in read(data, **hints) for row in page.rows]


@attrs.frozen
class Address:
    city: str


@attrs.define
class Person:
    name: str
    address: Address


@dataclasses.dataclass
class Point:
    x: int
    tags: list


class Modelled:
    def model_dump(self):
        return {"id": 7}


Pair = namedtuple("Pair", "left right")  # noqa: PYI024  # the untyped kind is what is tested


ROWS = st.lists(st.dictionaries(st.text(max_size=3), st.integers() | st.none() | st.text(max_size=3), max_size=3), max_size=40)


@given(rows=ROWS, size=st.integers(1, 7))
def test_however_rows_are_handed_over_the_same_rows_come_out(rows, size):
    """A list, a tuple, an iterator, a generator and pages of any size give the same rows in the same order."""
    pages = [rows[start : start + size] for start in range(0, len(rows), size)]
    shapes = [rows, tuple(rows), iter(rows), (row for row in rows), pages, iter(pages), lambda: iter(rows)]
    assert [rows_of(shape) for shape in shapes] == [rows] * len(shapes)


def test_objects_with_fields_become_rows():
    """Attrs, dataclass, named tuple, model and mapping instances become dicts, also where they stand inside each other."""
    people = [Person("Ada", Address("London"))]
    assert rows_of(people) == [{"name": "Ada", "address": {"city": "London"}}]
    assert rows_of([Point(1, [Address("Rome")])]) == [{"x": 1, "tags": [{"city": "Rome"}]}]
    assert rows_of([Pair(1, 2)]) == [{"left": 1, "right": 2}]
    assert rows_of([Modelled()]) == [{"id": 7}]
    assert rows_of([MappingProxyType({"a": 1}), OrderedDict(a=2)]) == [{"a": 1}, {"a": 2}]


def test_one_row_alone_is_data():
    """A single dict, model, named tuple or instance is one row."""
    assert [rows_of(row) for row in ({"a": 1}, Modelled(), Pair(1, 2), Point(1, []))] == [
        [{"a": 1}],
        [{"id": 7}],
        [{"left": 1, "right": 2}],
        [{"x": 1, "tags": []}],
    ]


def test_single_values_become_a_column_named_value():
    """Values that are not rows get the column ``value``, alone or in pages, None among them too."""
    assert rows_of([1, None, Decimal(2)]) == [{"value": 1}, {"value": None}, {"value": Decimal(2)}]
    assert rows_of(iter([["a"], ["b", "c"]])) == [{"value": "a"}, {"value": "b"}, {"value": "c"}]


def test_database_rows_with_names_are_rows():
    """A cursor of ``sqlite3`` gives rows if it names its columns, and a hint if it does not."""
    connection = sqlite3.connect(":memory:")
    with pytest.raises(SourceError, match=r"(?s)row 0 .*tuple.*name its columns"):
        rows_of(connection.execute("select 1 as a"))
    connection.row_factory = sqlite3.Row
    assert rows_of(connection.execute("select 1 as a, 'x' as b")) == [{"a": 1, "b": "x"}]
    connection.close()


def test_a_reader_object_is_iterated_though_it_is_a_dataclass():
    """An instance that can be iterated is a source of rows, not a row."""

    @dataclasses.dataclass
    class Reader:
        size: int

        def __iter__(self):
            return ({"n": n} for n in range(self.size))

    assert rows_of(Reader(2)) == [{"n": 0}, {"n": 1}]


def test_a_page_of_the_user_is_passed_on_and_single_rows_are_put_together():
    """A list that is yielded stays the same object; single rows come in pages of some thousand; a long list is sliced."""
    page = [{"a": 1}, {"a": 2}]
    assert [given_page.rows is page for given_page in read(iter([page]))] == [True]
    assert [len(p.rows) for p in read({"n": n} for n in range(4_500))] == [2_000, 2_000, 500]
    assert [len(p.rows) for p in read([{"n": 1}] * 4_500)] == [2_000, 2_000, 500]


def test_no_more_than_a_page_is_taken_ahead():
    """Asking for the first page of an endless source takes one page of rows from it."""
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield {"n": len(taken)}

    pages = read(endless())
    assert next(pages).rows[-1] == {"n": 2_000}
    assert len(taken) == 2_000
    pages.close()


def test_a_generator_that_gives_the_same_dict_again_loses_nothing():
    """Single rows are taken as they are when yielded, so changing one afterwards does not change the row before."""

    def reuse():
        row = {}
        for n in range(3):
            row["n"] = n
            yield row

    assert rows_of(reuse()) == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_stopping_early_closes_the_generator():
    """Closing the pages runs the generator's own clean-up at once."""
    closed = []

    def source():
        try:
            while True:
                yield [{"a": 1}]
        finally:
            closed.append(True)

    pages = read(source())
    next(pages)
    pages.close()
    assert closed == [True]


@pytest.mark.parametrize("paged", [False, True])
def test_what_the_generator_raises_is_the_cause(paged):
    """The error names generator, exception and rows taken, keeps the exception as its cause, and does not repeat its text."""

    def customers():
        for n in range(5_000):
            yield [{"n": n}] if paged else {"n": n}
        raise ValueError("token=hunter2")

    rows = []
    with pytest.raises(SourceError, match="generator 'customers' raised ValueError after 5000 rows") as caught:
        rows.extend(row for page in read(customers()) for row in page.rows)
    assert (len(rows), type(caught.value.__cause__), "hunter2" in str(caught.value)) == (5_000, ValueError, False)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_being_told_to_stop_is_not_an_error_of_the_source(kind):
    """``KeyboardInterrupt`` and ``SystemExit`` pass through as they are."""

    def stopped():
        yield {"a": 1}
        raise kind

    with pytest.raises(kind):
        rows_of(stopped())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("rows.csv", "files"),
        (b"x", "bytes is not data"),
        (None, "NoneType is not data"),
        (7, "cannot be read: a int"),
        (dict, "the class dict"),
        (csv.reader(io.StringIO("a,b")), "DictReader"),
        ([{"a": 1}, 5], "row 1 of table 'rows' is a single value .int.*before it was a row"),
        ([5, {"a": 1}], "row 1 .*is a row .dict.*before it was a single value"),
        ([{"a": 1}] * 2_500 + [None], "row 2500 "),
        (iter([[{"a": 1}, {"a": 2}], ["x"]]), "row 2 "),
        ([{"a": 1}, object()], "row 1 .*object"),
        ([{"a": 1}, {2: 1}], "row 1 has the key 2, a int"),
        (({"a": 1} if n < 3_000 else {None: n} for n in range(4_000)), "row 3000 has the key None"),
        ([[[1]]], "list inside a page"),
        ([iter([]), 5], "element 1 of the list"),
        (lambda needed: [needed], "cannot be called without arguments"),
        ([{"a": 1}, (row for row in [])], "row 1 .*generator.*yield from"),
    ],
)
def test_what_is_not_rows_is_refused_with_its_place(data, message):
    """Data that cannot be meant is an error that names the row, counted over the whole table, and what was got."""
    with pytest.raises(SourceError, match=f"(?s){message}"):
        rows_of(data)


def test_an_item_whose_own_code_fails_names_its_row():
    """A model that cannot be dumped is an error with the row's number and the model's exception as its cause."""

    class Broken:
        def model_dump(self):
            raise RuntimeError

    with pytest.raises(SourceError, match="row 1, a Broken, could not") as caught:
        rows_of(iter([{"a": 1}, Broken()]))
    assert type(caught.value.__cause__) is RuntimeError


def test_the_table_is_named_after_the_function():
    """A generator gives its table the function's name; a name that is given wins; nameless data is called rows."""

    def contacts():
        yield {"a": 1}

    named = [contacts(), contacts, iter([1]), (n for n in [1]), lambda: [1]]
    assert [next(read(data)).table.name for data in named] == ["contacts", "contacts", "rows", "rows", "rows"]
    assert next(read(contacts(), table_name="people")).table.name == "people"


def test_hints_of_the_caller_are_on_every_page():
    """Columns, key and disposition that are given reach the page's table."""
    page = next(read([{"a": 1}], columns={"a": {"data_type": "bigint"}}, primary_key="a", write_disposition="merge"))
    table = page.table
    assert (table.columns, table.primary_key, table.write_disposition) == ({"a": {"data_type": "bigint"}}, ("a",), "merge")


@pytest.mark.parametrize(
    "hints", [{"write_disposition": "upsert"}, {"primary_key": 5}, {"columns": ["a"]}, {"table_name": " "}, {"table_name": 5}]
)
def test_a_hint_that_cannot_be_meant_is_refused_at_once(hints):
    """A wrong hint is a ``ConfigError`` before data is touched."""
    with pytest.raises(ConfigError):
        read([], **hints)


def test_generators_in_a_list_are_read_one_after_another():
    """A list of generators gives each its own table; rows of one table are numbered through."""

    def first():
        yield {"a": 1}

    def second():
        yield {"b": 1}
        yield 5

    assert [(page.table.name, page.rows) for page in read([first(), first()])] == [("first", [{"a": 1}]), ("first", [{"a": 1}])]
    with pytest.raises(SourceError, match="row 2 of table 't'"):
        list(read([first(), second()], table_name="t"))


def test_no_rows_give_no_page():
    """Empty data of any kind gives nothing."""
    assert [list(read(data)) for data in ([], (), iter([]), [[]], iter([[], []]))] == [[]] * 5


def test_reading_rows_loads_nothing_heavy():
    """Dicts, generators and resources are read without pyarrow, asyncio, msgspec or pandas."""
    script = """
import sys
from sinkkit import sources
@sources.resource
def contacts():
    yield {"a": 1}
assert [len(page.rows) for page in sources.read([contacts, contacts])] == [1, 1]
assert len(list(sources.read([{"a": 1}]))) == 1
print([name for name in ("pyarrow", "asyncio", "msgspec", "orjson", "httpx", "pandas", "cattrs") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
