"""The call goes before config, config before the decorator, and the decorator before the default: for every setting there is."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sinkkit
from sinkkit import RateLimit, Retry
from sinkkit.declaration.opening import make_ready
from sinkkit.declaration.options import OPTION_NAMES, Options
from sinkkit.errors import ConfigError

seconds = st.floats(0.001, 1e6, allow_nan=False)
headers = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True)
limits = st.builds(lambda calls, unit: f"{calls}/{unit}", st.integers(1, 10_000), st.sampled_from(["s", "min", "h"]))
retries = st.builds(
    lambda attempts, wait, longest: Retry(attempts=attempts, first_wait=wait, longest_wait=longest, deadline=longest),
    st.integers(1, 99),
    seconds,
    seconds,
)

VALUES = {
    "batch_size": st.integers(1, 10**6),
    "loader_file_format": st.sampled_from(["jsonl", "parquet"]),
    "naming_convention": st.sampled_from(["direct", "snake_case", "duck_case", "sql_cs_v1", "sql_ci_v1"]),
    "max_nesting_level": st.integers(0, 64),
    "skip_internal_columns_and_tables": st.booleans(),
    "workers": st.integers(1, 64),
    "order_by": st.none(),
    "batch_bytes": st.none(),
    "rate_limit": limits,
    "retry": retries,
    "on_reject": st.sampled_from(["halt", "keep", "bisect"]),
    "max_rejected": st.integers(0, 1000) | st.integers(0, 100).map(lambda share: f"{share}%"),
    "on_unknown": st.sampled_from(["resend", "hold"]),
    "idempotency_header": headers,
    "timeout": seconds,
    "durability": st.sampled_from(["full", "process"]),
    "mapping": st.sampled_from([{"a": "b"}, {"a": "b.c", "*": "keep"}, {"tables": {"t": {"x": "y"}}}]),
}
"""What each setting may be; those with one possible value have that."""


def test_every_setting_has_its_values_here():
    """A new setting is drawn too."""
    assert tuple(VALUES) == OPTION_NAMES


@contextmanager
def environment(name, value):
    """A setting of destination ``crm`` in the environment, as text; nothing where it is not said."""
    parts = attrs.asdict(value) if isinstance(value, Retry) else {"": value}
    variables = {
        f"DESTINATION__CRM__{name.upper()}{'__' if key else ''}{key.upper()}": entry if isinstance(entry, str) else json.dumps(entry)
        for key, entry in parts.items()
        if entry is not None
    }
    os.environ.update(variables)
    try:
        yield
    finally:
        for variable in variables:
            del os.environ[variable]


@pytest.mark.parametrize("name", OPTION_NAMES)
@given(data=st.data())
def test_the_first_that_says_it_wins(name, data):
    """Whatever the three say, and whether they say it: also a value that equals the default, and None in the call."""
    default = getattr(Options(), name)
    none = [st.just(default)] if default is None and name not in {"order_by", "batch_bytes"} else []
    by_decorator, by_config, by_call = (
        data.draw(st.lists(st.one_of(VALUES[name], *more), max_size=1), label=label)
        for label, more in (("decorator", none), ("config", []), ("call", [*none, st.just(default)]))
    )

    @sinkkit.destination(**dict.fromkeys([name] * len(by_decorator), *by_decorator))
    def crm(items, table): ...

    with environment(name, by_config[0] if by_config else None):
        ready = make_ready(crm(**dict.fromkeys([name] * len(by_call), *by_call)), "p")

    said = [*by_call, *[value for value in by_config if value is not None], *by_decorator, default]
    assert getattr(ready.options, name) == getattr(attrs.evolve(Options(), **{name: said[0]}), name)


@given(st.permutations(["call", "config", "decorator"]), st.data())
def test_settings_of_the_function_go_call_config_default(order, data):
    """A function's own settings have no decorator's word: the call, config, its default."""
    said = order[: data.draw(st.integers(0, 3))]

    @sinkkit.destination
    def crm(items, table, region: str = "default"): ...

    with environment("region", "config" if "config" in said else None):
        ready = make_ready(crm(region="call") if "call" in said else crm(), "p")

    expected = next((place for place in ("call", "config") if place in said), "default")
    assert ready.values["region"] == expected


def test_a_limit_is_read_alike_from_all_three(monkeypatch):
    """Text and object mean the same."""
    monkeypatch.setenv("DESTINATION__CRM__RATE_LIMIT", "100/min")
    crm = sinkkit.destination(name="crm", rate_limit=RateLimit(calls=1))(lambda items: None)

    assert make_ready(crm(), None).options.rate_limit == RateLimit(calls=100, per=60.0)
    assert make_ready(crm(rate_limit=None), None).options.rate_limit is None


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("bacth_size", "batch_size"),
        ("regoin", "region"),
        ("destination_nam", "destination_name"),
        ("idempotency_headr", "idempotency_header"),
        ("max_identifer_length", "max_identifier_length"),
        ("capabilites", "capabilities"),
        ("htpp", "http"),
    ],
)
def test_an_unknown_keyword_is_refused_with_the_nearest(wrong, near):
    """Settings of the decorator, of the function, capabilities and names are all looked at, by a factory and by a reference."""
    import httpx

    @sinkkit.destination
    def crm(items, table, http: httpx.Client, region: str = "eu"): ...

    for way in (
        lambda: crm(**{wrong: 1}),
        lambda: crm().configured(None, {wrong: 1}),
        lambda: sinkkit.Destination.from_reference(crm, **{wrong: 1}),
        lambda: sinkkit.Destination.from_reference("destination", destination_callable=crm.function, **{wrong: 1}),
    ):
        with pytest.raises(ConfigError, match=f"has no setting '{wrong}'") as refused:
            way()
        assert refused.value.hint == f"did you mean {near!r}?"


def test_names_are_given_at_the_decorator_by_the_call_and_by_reference():
    """The last that says it wins, and capabilities and settings go along."""
    crm = sinkkit.destination(name="decorated")(lambda items, region="eu": None)
    called = crm(destination_name="called", region="us", batch_size=3, transactions=True)
    referred = sinkkit.Destination.from_reference(called, destination_name="referred", region="ap")

    assert [crm().destination_name, called.destination_name, referred.destination_name] == ["decorated", "called", "referred"]
    assert [referred.settings, referred.options, referred.stated] == [{"region": "ap"}, {"batch_size": 3}, {"transactions": True}]
    assert called.settings == {"region": "us"}
