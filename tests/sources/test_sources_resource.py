"""``@resource``: a function that knows its table."""

from __future__ import annotations

import inspect

import attrs
import pyarrow as pa
import pytest

from sinkkit.errors import ConfigError, SignatureError, SourceError
from sinkkit.sources import read, resource


@resource
def contacts():
    yield {"id": 1}


@resource(name="orders", table_name="sales", primary_key="id", write_disposition="merge", columns={"id": {"data_type": "bigint"}})
def make_orders(count, start=0):
    return [{"id": n} for n in range(start, start + count)]


def test_bare_and_with_arguments():
    """The decorated function keeps the original, has a name, and shows the function's own parameters."""
    assert (contacts.name, make_orders.name) == ("contacts", "orders")
    assert list(contacts.function()) == [{"id": 1}]
    assert str(inspect.signature(make_orders)) == "(count, start=0)"


def test_every_reading_gives_fresh_data():
    """A resource, bound or not, can be read again and again."""
    bound = make_orders(2, start=5)
    assert [list(bound), list(bound), list(contacts), list(contacts())] == [
        [{"id": 5}, {"id": 6}],
        [{"id": 5}, {"id": 6}],
        [{"id": 1}],
        [{"id": 1}],
    ]


def test_its_hints_are_the_table_and_the_caller_wins():
    """What the resource says of its table holds where the caller says nothing; columns are completed hint by hint."""
    table = next(read(make_orders(1))).table
    assert (table.name, table.primary_key, table.write_disposition) == ("sales", ("id",), "merge")
    table = next(read(make_orders(1), table_name="t", write_disposition="replace", columns={"id": {"nullable": False}})).table
    assert (table.name, table.primary_key, table.write_disposition) == ("t", ("id",), "replace")
    assert table.columns == {"id": {"data_type": "bigint", "nullable": False}}


def test_a_list_of_resources_is_several_tables():
    """Each resource of a list keeps its own table."""
    assert [(page.table.name, len(page.rows)) for page in read([contacts, make_orders(3)])] == [("contacts", 1), ("sales", 3)]


def test_a_resource_may_give_anything_that_is_data():
    """Arrow tables, single rows and generators come out as rows."""
    assert list(resource(lambda: pa.table({"a": [1, 2]}))) == [{"a": 1}, {"a": 2}]
    assert list(resource(lambda: {"a": 1})) == [{"a": 1}]
    assert next(read(resource(lambda: [1]))).table.name == "rows"


def test_missing_arguments_are_named():
    """A resource that needs arguments says so instead of failing inside."""
    with pytest.raises(SourceError, match="resource 'orders' cannot be read: missing a required argument: 'count'"):
        list(make_orders)
    with pytest.raises(SourceError, match="orders"):
        list(make_orders(1, 2, 3))


def test_what_the_function_raises_is_the_cause():
    """A function that fails before its first row is reported with its own exception."""

    @resource
    def broken():
        raise OSError

    with pytest.raises(SourceError, match="resource 'broken' raised OSError after 0 rows") as caught:
        list(broken)
    assert type(caught.value.__cause__) is OSError


@pytest.mark.parametrize(
    "data",
    [
        lambda: [{"id": 1}, {"id": 2}],
        lambda: ({"id": n} for n in (1, 2)),
        lambda: pa.table({"id": [1, 2]}),
        lambda: pa.table({"id": [1, 2]}).to_pandas(),
        lambda: (attrs.make_class("Contact", ["id"])(n) for n in (1, 2)),
    ],
    ids=["list", "generator", "arrow", "frame", "objects"],
)
def test_data_that_is_there_can_be_one(data):
    """Data and a name make a resource, which knows as much of its table as one that is a function."""
    made = resource(data(), name="contacts", primary_key="id")

    (page,) = read(made)

    assert (page.table.name, page.table.primary_key, made.label) == ("contacts", ("id",), "resource 'contacts'")
    assert list(resource(data(), name="contacts")) == [{"id": 1}, {"id": 2}]


def test_a_generator_has_a_name_and_other_data_needs_one():
    """A resource is never given a name that nobody wrote."""
    assert resource(contacts.function()).name == "contacts"
    with pytest.raises(SignatureError, match="a resource made of a list needs a name"):
        resource([{"id": 1}])


def test_a_function_may_be_given_with_what_is_known():
    """Without the sign of a decorator, as dlt writes it too."""
    made = resource(make_orders.function, name="orders", table_name="sales")

    assert [page.table.name for page in read(made(1))] == ["sales"]


def test_data_is_not_shown():
    """The representation holds no rows."""
    assert "hunter2" not in repr(resource([{"password": "hunter2"}], name="logins"))


@pytest.mark.parametrize("wrong", [5, "contacts", dict, b"rows"])
def test_only_a_function_or_data_can_be_one(wrong):
    """Anything else is a ``SignatureError`` at the decorator."""
    with pytest.raises(SignatureError, match="@resource needs a function"):
        resource(wrong)


def test_wrong_hints_are_refused_at_the_decorator():
    """A disposition that does not exist is a ``ConfigError`` where it is written."""
    with pytest.raises(ConfigError, match="write_disposition 'upsert'"):
        resource(write_disposition="upsert")


def test_arguments_are_not_shown():
    """The representation of a bound resource holds none of its arguments, which may be secrets."""
    assert "hunter2" not in repr(make_orders("hunter2"))
