"""What data is, in words: its kind and name, and nothing that is in it."""

from __future__ import annotations

import io
from functools import partial

import pyarrow as pa
import pytest

import sinkkit
from sinkkit.sources import files, json_lines
from sinkkit.sources.described import LONGEST, described


@sinkkit.resource
def contacts(api_key="sesame"):
    """A resource."""
    yield {"id": 1}


def people():
    """A generator function."""
    yield {"id": 1}


async def orders():
    """An asynchronous one."""
    yield {"id": 1}


async def page():
    """A coroutine."""
    return []


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (contacts, "resource contacts"),
        (contacts(api_key="sesame"), "resource contacts"),
        (files("data/*.csv", "more.csv"), "files data/*.csv, more.csv"),
        (json_lines(io.BytesIO(), "people"), "'people'"),
        (people, "function people"),
        (people(), "generator people"),
        (orders(), "generator orders"),
        (partial(people), "function people"),
        ((row for row in []), "generator"),
        (lambda: [1], "function"),
        ([{"password": "sesame"}], "list"),
        ((1, 2), "tuple"),
        ({"password": "sesame"}, "dict"),
        ([], "list"),
        (iter([]), "list_iterator"),
        (pa.table({"a": ["sesame"]}), "pyarrow.Table"),
        ([contacts, people, files("a.csv")], "resource contacts, function people, files a.csv"),
        ([people] * 7, "function people, " * 4 + "function people and 2 more"),
        ([{"id": 1}, people], "list"),
    ],
)
def test_data_in_words(data, told):
    """Each kind of data is told by its kind and its name."""
    assert told in described(data)
    assert "sesame" not in described(data)


def test_a_coroutine_is_named():
    """A coroutine is told by its name, and is not begun."""
    coroutine = page()
    told = described(coroutine)
    coroutine.close()

    assert told == "coroutine page"


def test_it_has_an_end():
    """A thousand patterns do not make a thousand names."""
    assert len(described(files(*(f"{number:0100}.csv" for number in range(1000))))) == LONGEST
