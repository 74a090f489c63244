"""``spec=``: fields of a class as settings, by name to the function, as a whole to a parameter of that class, checked in any case."""

from __future__ import annotations

import dataclasses
import functools
import os
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sinkkit
from sinkkit import ConnectionString, Reject, Secret
from sinkkit.errors import ConfigError, DeliveryFailed, SignatureError


def tags():
    """A default that is made anew for each object."""
    return ["made"]


@attrs.frozen
class CrmSettings:
    """Every sort of field."""

    api_key: Secret
    url: str
    region: str = "eu"
    pages: int = attrs.field(default=3, validator=attrs.validators.ge(1))
    tags: list[str] = attrs.field(factory=tags)
    _inner: int = 1
    derived: str = attrs.field(init=False, default="derived")


@dataclasses.dataclass
class Plain:
    """The same idea without attrs."""

    url: str
    limit: int = 10
    names: list[str] = dataclasses.field(default_factory=list)


def run(destination):
    """One run of three rows; the report."""
    return sinkkit.pipeline("p", destination=destination, progress="off", dev_mode=True).run([1, 2, 3], table_name="t")


def test_fields_are_settings_by_name_and_as_a_whole(monkeypatch):
    """Values are typed, defaults are the class's, and the object is whole."""
    seen = []

    @sinkkit.destination(spec=CrmSettings)
    def crm(items, table, url, api_key: Secret, settings: CrmSettings, *, tags, pages=sinkkit.config.value):
        seen.append((url, api_key.reveal(), tags, pages, settings))

    monkeypatch.setenv("DESTINATION__CRM__URL", "https://example.com")
    monkeypatch.setenv("DESTINATION__CRM__API_KEY", "sesame-open")
    monkeypatch.setenv("DESTINATION__CRM__PAGES", "7")

    run(crm)

    whole = CrmSettings(api_key=Secret("sesame-open"), url="https://example.com", pages=7)
    assert seen == [("https://example.com", "sesame-open", ["made"], 7, whole)]


def test_a_dataclass_will_do(monkeypatch):
    """Its defaults and factories count too."""
    seen = []

    @sinkkit.destination(spec=Plain)
    def crm(items, names, limit, whole: Plain):
        seen.append((names, limit, whole))

    monkeypatch.setenv("DESTINATION__CRM__URL", "x")

    run(crm)
    run(crm(names=["a"], limit=2))

    assert seen == [([], 10, Plain("x")), (["a"], 2, Plain("x", 2, ["a"]))]


def test_fields_that_no_parameter_takes_are_checked_all_the_same():
    """A missing or malformed one ends the run before a row is taken, together with all others."""
    taken = []

    def rows():
        taken.append(1)
        yield {"a": 1}

    @sinkkit.destination(spec=CrmSettings)
    def crm(items, table, other: str): ...

    with pytest.raises(ConfigError) as refused:
        sinkkit.pipeline("p", crm(pages="many"), progress="off").run(rows())

    for part in ("api_key (text that is a secret) is missing", "url", "other", "pages (pages=)", "DESTINATION__CRM__API_KEY"):
        assert part in refused.value.message
    assert taken == []


def test_what_the_class_refuses_is_told_without_secrets():
    """A validator's error is the cause; the secret that its text holds is masked."""

    @attrs.define
    class Strict:
        api_key: Secret = attrs.field()
        pages: int = 3

        @api_key.validator
        def _check(self, attribute, value):
            if not value.reveal().startswith("key-"):
                raise ValueError(f"{value.reveal()!r} is no key")

    @sinkkit.destination(spec=Strict)
    def crm(items, table): ...

    with pytest.raises(ConfigError, match=r"Strict refuses them: ValueError: '\*\*\*' is no key") as refused:
        run(crm(api_key="sesame-open"))
    assert "sesame-open" not in str(refused.value.__cause__)


def test_arguments_of_the_factory_are_known_and_others_are_not():
    """Fields are keywords of the call; an unknown one is refused with the nearest field."""

    @sinkkit.destination(spec=CrmSettings)
    def crm(items, table): ...

    assert crm(api_key="sesame-open", url="x", inner=3).settings == {"api_key": "sesame-open", "url": "x", "inner": 3}
    with pytest.raises(ConfigError, match="has no setting 'regoin'") as refused:
        crm(regoin="us")
    assert refused.value.hint == "did you mean 'region'?"
    with pytest.raises(ConfigError, match="has no setting 'derived'"):
        crm(derived="x")


def test_a_probe_gets_them_too():
    """By name and as a whole."""

    @sinkkit.destination(spec=CrmSettings, on_unknown="probe")
    def crm(items, table): ...

    @crm.probe
    def arrived(batch, url, whole: CrmSettings, more: int = 1): ...

    assert [(p.name, str(p.role)) for p in crm.declared.probe_parameters] == [("url", "setting"), ("whole", "spec"), ("more", "setting")]
    run(crm(url="x", api_key="sesame-open"))


def wrong_type(items, table, pages: str): ...
def wrong_default(items, table, region: str = "us"): ...
def default_for_required(items, table, url: str = "x"): ...
def default_for_made(items, table, tags=("a",)): ...


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (wrong_type, "parameter 'pages' is str, and int in the spec"),
        (wrong_default, "parameter 'region' has the default 'us', and another in the spec"),
        (default_for_required, "parameter 'url' has the default 'x', and none in the spec"),
        (default_for_made, "parameter 'tags' has the default ('a',), and another in the spec"),
    ],
)
def test_function_and_spec_may_not_contradict_each_other(function, message):
    """A type and a default stand in one place, or are the same in both."""
    with pytest.raises(SignatureError) as refused:
        sinkkit.destination(spec=CrmSettings)(function)
    assert message in refused.value.message


def test_the_same_in_both_places_is_no_contradiction():
    """Types and defaults may be repeated; a parameter may be marked as a secret."""

    @sinkkit.destination(spec=CrmSettings)
    def crm(items, table, url: str = sinkkit.secrets.value, region: str = "eu", pages: int = 3, *, api_key: Any): ...

    wanted = {one.name: one for one in crm.signature.settings}
    assert list(wanted) == ["url", "region", "pages", "api_key", "tags", "inner"]
    assert [name for name, one in wanted.items() if one.is_secret] == ["url", "api_key"]


class NoFields:
    """A class that declares nothing."""


@attrs.define
class Reserved:
    """A field that every destination has already."""

    batch_size: int = 3


@attrs.define
class Unreadable:
    """An annotation that means nothing."""

    name: "Nowhere"  # noqa: F821  # that it cannot be found is the point


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (NoFields, "spec=NoFields is no attrs class and no dataclass"),
        (dict, "spec=dict is no attrs class"),
        (3, "spec=3 is no attrs class"),
        (Plain("x"), "is no attrs class"),
        (functools.partial(Plain), "is no attrs class"),
        (Reserved, "the field 'batch_size', which is a setting of every destination"),
        (Unreadable, "annotations of Unreadable cannot be read"),
    ],
)
def test_what_is_no_class_of_settings_is_refused_at_the_decorator(spec, message):
    """As a mistake of the declaration, before anything runs."""
    with pytest.raises(SignatureError) as refused:

        @sinkkit.destination(spec=spec)
        def crm(items, table): ...

    assert message in refused.value.message
    assert refused.value.hint


def test_a_reference_takes_a_spec_for_a_plain_function():
    """A function that is not decorated gets one by reference; a decorated one has its own."""
    seen = []

    def push(items, limit):
        seen.append(limit)

    run(sinkkit.Destination.from_reference("destination", destination_callable=push, spec=Plain, url="x", limit=5))

    assert seen == [5]
    with pytest.raises(ConfigError, match="is decorated, and spec= was given beside it"):
        sinkkit.Destination.from_reference("destination", destination_callable=sinkkit.destination(push), spec=Plain)
    with pytest.raises(SignatureError, match="no attrs class"):
        sinkkit.Destination.from_reference("some.path", spec=NoFields)


def test_credentials_inside_a_spec_are_filled_part_by_part(monkeypatch):
    """A field may be a class of its own."""
    seen = []

    @attrs.define
    class Warehouse:
        credentials: ConnectionString
        schema: str = "public"

    @sinkkit.destination(spec=Warehouse)
    def load(items, table, where: Warehouse):
        seen.append((str(where.credentials.host), where.credentials.password.reveal(), where.schema))

    monkeypatch.setenv("DESTINATION__LOAD__CREDENTIALS", "postgresql://loader@localhost/app")
    monkeypatch.setenv("DESTINATION__LOAD__CREDENTIALS__PASSWORD", "hunter2-and-more")

    run(load)

    assert seen == [("localhost", "hunter2-and-more", "public")]


@given(
    st.fixed_dictionaries(
        {"url": st.text(min_size=1)},
        optional={"region": st.text(), "pages": st.integers(min_value=1), "tags": st.lists(st.text()), "inner": st.integers()},
    )
)
def test_the_object_is_what_the_class_makes_of_the_values(values):
    """For any values, given ones win and the others are the class's own defaults."""
    seen = []

    @sinkkit.destination(spec=CrmSettings)
    def crm(items, table, region, whole: CrmSettings):
        seen.append((region, whole))

    from sinkkit.declaration.opening import make_ready

    ready = make_ready(crm(api_key="sesame-open", **values), "p")
    expected = CrmSettings(api_key=Secret("sesame-open"), **values)

    assert ready.values["whole"] == expected
    assert [ready.values[name] for name in ("url", "region", "pages", "tags")] == [
        expected.url, expected.region, expected.pages, expected.tags,
    ]  # fmt: skip


def test_a_secret_that_the_class_makes_is_masked_and_the_class_s_name_is_not(monkeypatch):
    """The secret is known to be one before the first call; the name of the class is a word like any other."""
    monkeypatch.setenv("TOK", "made-token-1")

    @attrs.define
    class Crm:
        token: Secret = attrs.field(factory=lambda: Secret(os.environ["TOK"]))

    @attrs.define
    class Contacts:
        token: Secret = attrs.field(factory=lambda: Secret(os.environ["TOK"]))

    for kind in (Crm, Contacts):

        @sinkkit.destination(spec=kind)
        def push(items, table, token: Secret, kind=kind.__name__):
            raise Reject(f"{kind} refused {token.reveal()}")

        with pytest.raises(DeliveryFailed) as failed:
            run(push)
        assert f"{kind.__name__} refused ***" in str(failed.value)
        assert "made-token-1" not in str(failed.value)


def test_a_short_secret_that_the_class_makes_is_refused():
    """As one from any other place: it could not be masked."""

    @attrs.define
    class Crm:
        token: Secret = attrs.field(factory=lambda: Secret("abc"))

    with pytest.raises(ConfigError, match=r"token \(made by Crm\): a secret of fewer than 4 characters") as refused:
        run(sinkkit.destination(spec=Crm)(lambda items, table: None))
    assert "abc" not in str(refused.value)


def test_a_class_that_cannot_make_its_own_default_is_told_as_that():
    """Without a setting to blame, the message names the class and what it raised."""

    @attrs.define
    class Crm:
        token: Secret = attrs.field(factory=lambda: Secret({}["TOK"]))

    with pytest.raises(ConfigError, match="Crm cannot be made of its defaults: KeyError: 'TOK'"):
        run(sinkkit.destination(spec=Crm)(lambda items, table: None))
