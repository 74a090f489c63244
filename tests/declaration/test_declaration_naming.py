"""The name of a destination: text that can head a section of settings and a line of a report, wherever it is given."""

from __future__ import annotations

import sys

import pytest

import sinkkit
from sinkkit.errors import ConfigError


def push(items, table): ...


crm = sinkkit.destination(push)

WAYS = {
    "the decorator": lambda name: sinkkit.destination(name=name)(push),
    "the factory": lambda name: crm(destination_name=name),
    "a reference": lambda name: sinkkit.Destination.from_reference(push, destination_name=name),
    "a path": lambda name: sinkkit.Destination.from_reference("some.path", destination_name=name),
    "a name": lambda name: sinkkit.destination("crm", destination_type="some.path", name=name),
    "a destination": lambda name: sinkkit.Destination.from_reference(crm(batch_size=5), destination_name=name),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", [5, True, b"crm", ["crm"], "", " ", "a\nb", "a\0b", "\ud800"])
def test_what_cannot_be_a_name_is_refused_where_it_is_given(way, name):
    """At the decorator or the call, not when the run has begun."""
    with pytest.raises(ConfigError) as refused:
        WAYS[way](name)

    assert refused.value.message == f"{name!r} cannot name a destination"
    assert "destination_name" in refused.value.hint


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["crm_prod", "crm-prod", "Verkäufe 2026"])
def test_other_names_are_taken(way, name):
    """Letters of any language, digits, signs and spaces will do."""
    made = WAYS[way](name)

    assert (made.name if way == "the decorator" else made.destination_name) == name


def test_no_name_at_all_is_that_of_the_function():
    """None says nothing."""
    assert crm(destination_name=None).destination_name == "push"
    assert sinkkit.destination(name=None)(push).name == "push"


@pytest.mark.parametrize("kind", [5, "", " ", b"some.path"])
def test_a_type_that_is_no_text_is_refused(kind):
    """At the call, as what it is."""
    with pytest.raises(ConfigError) as refused:
        sinkkit.destination("crm", destination_type=kind)

    assert refused.value.message == f"destination_type={kind!r} of 'crm' names nothing"
    assert "dotted path" in refused.value.hint


NAMED = """
import sinkkit
sent = []

def one(items, table):
    sent.append("one")

def two(items, table):
    sent.append("two")

target = sinkkit.destination("target")
ring = sinkkit.destination("company_named.gnir")
gnir = sinkkit.destination("company_named.ring")
"""


@pytest.fixture
def named(tmp_path, monkeypatch):
    """A module with a destination that is only a name, and two that name each other; what was sent."""
    (tmp_path / "company_named.py").write_text(NAMED)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield lambda: sys.modules["company_named"].sent
    sys.modules.pop("company_named", None)


def test_a_path_to_a_name_follows_the_settings_of_each_pipeline(named, monkeypatch):
    """The path is imported once; what the name behind it means is looked up for each run, and not to tell the name."""
    for pipeline in ("one", "two"):
        monkeypatch.setenv(f"{pipeline.upper()}__DESTINATION__TARGET__DESTINATION_TYPE", f"company_named.{pipeline}")
    made = sinkkit.Destination.from_reference("company_named.target")

    assert made.destination_name == "target"
    for pipeline in ("one", "two", "one"):
        sinkkit.pipeline(pipeline, made, progress="off").run([1], table_name="t")
    assert named() == ["one", "two", "one"]


def test_paths_that_name_each_other_are_refused(named):
    """Also where only the name is asked for."""
    made = sinkkit.Destination.from_reference("company_named.ring")

    with pytest.raises(ConfigError, match=r"refers to itself: company_named\.ring → company_named\.gnir → company_named\.ring"):
        made.destination_name  # noqa: B018  # asking is the test
    with pytest.raises(ConfigError, match="refers to itself"):
        made.resolved(None)
