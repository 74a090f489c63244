"""For any providers, sections and values: the first provider and, in it, the most specific section; told against a plain model."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.errors import ConfigError
from sinkkit.settings.providers.provider import Environment
from sinkkit.settings.providers.toml_files import TomlFile
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.secret import Secret
from sinkkit.settings.wanted import MISSING, Wanted

SECTIONS = [
    ("nightly", "destination", "crm"),
    ("nightly", "destination"),
    ("nightly",),
    ("destination", "crm"),
    ("destination",),
    (),
]
OTHERS = [("destination", "other"), ("weekly", "destination", "crm"), ("crm",)]


@attrs.frozen
class Login:
    user: str
    token: Secret[str]
    size: int = 7


LEAVES = [("url",), ("region",), ("home",), ("login", "user"), ("login", "token"), ("login", "size")]
"""A required setting, one with a stated default, one that bears the name of a variable of the system, and fields of a class."""

STATED = [("region",)]
WANTED = [Wanted("url", str), Wanted("region", str, "eu-default"), Wanted("home", str), Wanted("login", Login)]
DEFAULTS = {("region",): "eu-default", ("login", "size"): 7}


@attrs.frozen
class Remote:
    """A provider that is not asked for what a value shadows."""

    held: dict[tuple[str, ...], Any]
    name: str

    def get(self, path):
        return self.held.get(path)

    def spell(self, path):
        return "/".join(path)


def nested(held):
    whole: dict[str, Any] = {}
    for path, value in held.items():
        inner = whole
        for part in path[:-1]:
            inner = inner.setdefault(part, {})
        inner[path[-1]] = value
    return whole


def made(sort, number, held):
    """A provider of one of four sorts, and how it spells a path."""
    name = f"{sort} {number}"
    if sort == "environment":
        return Environment({"__".join(path).upper(): str(value) for path, value in held.items()}), "environment", lambda path: "__".join(path).upper()
    if sort == "remote":
        return Remote(held, name), name, "/".join
    return TomlFile(name, nested(held), "", for_secrets=sort == "secrets"), name, ".".join


PATHS = st.tuples(st.sampled_from(SECTIONS + OTHERS), st.sampled_from(LEAVES)).map(lambda pair: pair[0] + pair[1])


@st.composite
def held_values(draw):
    """What one provider holds: a value for some paths; numbers for sizes."""
    paths = draw(st.lists(PATHS, unique=True, max_size=12))
    return {path: draw(st.integers(1000, 9999) if path[-1] == "size" else st.text("abcdef", min_size=4, max_size=8)) for path in paths}


SORTS = st.sampled_from(["environment", "secrets", "secrets", "remote"])
EXPLICIT = st.dictionaries(st.sampled_from([("url",), ("region",), ("login", "user")]), st.text("ghijk", min_size=4, max_size=8))


@given(st.lists(st.tuples(SORTS, held_values()), max_size=4), EXPLICIT)
def test_the_value_and_the_report_are_those_of_the_model(places, explicit):
    """Each setting is the argument, else that of the first provider that has it in any section, most specific first, else the default; so says the report."""
    providers = [made(sort, number, held) for number, (sort, held) in enumerate(places)]
    model, shadows = {}, {}
    for leaf in LEAVES:
        found = [(explicit[leaf], f"{'.'.join(leaf)}=", True)] if leaf in explicit else []
        for (sort, held), (_, name, spell) in zip(places, providers, strict=True):
            for section in SECTIONS:
                plain = sort == "environment" and not section
                if section + leaf in held and not (plain and (leaf in STATED or leaf == ("home",))):
                    found.append((held[section + leaf], f"{spell(section + leaf)} in {name}", sort != "remote"))
        if found:
            model[leaf] = found[0]
            shadows[leaf] = [place for _, place, is_cheap in found[1:] if is_cheap and place != found[0][1]]
    missing = [leaf for leaf in LEAVES if leaf not in model and leaf not in DEFAULTS]
    resolver = Resolver("crm", "nightly", nested(explicit), [provider for provider, _, _ in providers])
    if missing:
        with pytest.raises(ConfigError) as caught:
            resolver.resolve(WANTED)
        text = str(caught.value)
        assert [leaf for leaf in LEAVES if f"\n  {'.'.join(leaf)} (" in text] == missing
        assert f"({len(missing)} missing)" in text
        return
    resolved = resolver.resolve(WANTED)
    values = {leaf: model[leaf][0] if leaf in model else DEFAULTS[leaf] for leaf in LEAVES}

    login = Login(values["login", "user"], Secret(values["login", "token"]), int(values["login", "size"]))
    assert resolved.values == {"url": values["url",], "region": values["region",], "home": values["home",], "login": login}
    told = {tuple(entry.name.split(".")): (entry.place, list(entry.shadows)) for entry in resolved.found if entry.provider != "default"}
    assert told == {leaf: (model[leaf][1], shadows[leaf]) for leaf in model}


@given(st.lists(held_values(), min_size=1, max_size=3), st.sampled_from([("region",), ("login", "size")]))
def test_one_setting_at_a_time_is_found_by_the_same_rule(places, leaf):
    """What is asked for alone comes from the same place as what is asked for together."""
    files = [TomlFile(str(number), nested(held), "", for_secrets=True) for number, held in enumerate(places)]
    expected = next((held[section + leaf] for held in places for section in SECTIONS if section + leaf in held), MISSING)
    kind, name = (str, "region") if leaf == ("region",) else (dict[str, Any], "login")
    found = Resolver("crm", "nightly", {}, files).peek(name, kind)

    assert (found if found is MISSING or leaf == ("region",) else found.get("size", MISSING)) == expected


@given(st.lists(held_values(), min_size=1, max_size=3))
def test_a_table_is_joined_key_by_key(places):
    """Each key of a table comes from the first place that has it."""
    files = [TomlFile(str(number), nested(held), "", for_secrets=True) for number, held in enumerate(places)]
    expected: dict[str, Any] = {}
    for held in places:
        for section in SECTIONS:
            for key in ("user", "token", "size"):
                if (*section, "login", key) in held:
                    expected.setdefault(key, held[*section, "login", key])

    assert Resolver("crm", "nightly", {}, files).section("login") == expected
