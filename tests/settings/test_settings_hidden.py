"""A wrong value is told with its setting, its place and what was expected, and never with a secret."""

from __future__ import annotations

import json
from datetime import timedelta
from enum import Enum
from typing import Any, Literal
from uuid import UUID

import attrs
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.errors import ConfigError
from sinkkit.settings.credentials import ApiKey, BasicAuth, BearerToken, ConnectionString, OAuth2ClientCredentials
from sinkkit.settings.learning import learn
from sinkkit.settings.providers.provider import Environment
from sinkkit.settings.providers.toml_files import TomlFile
from sinkkit.settings.redact import Redactor
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.secret import Secret
from sinkkit.settings.values.units import Size, Url
from sinkkit.settings.wanted import Wanted

SECRETS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=8, max_size=90).map("§{}".format)


class Region(Enum):
    EUROPE = "eu"


@attrs.frozen
class Login:
    password: Secret[int]
    port: int = 0


KINDS = [
    Secret[int],
    Secret[timedelta],
    Secret[Region],
    Secret[UUID],
    Secret[Login],
    Secret[dict[str, int]],
    Secret[list[int]],
    Secret[int | UUID],
    Secret[Literal["a"]],
    Login,
    ConnectionString,
]


def refused(kind: Any, raw: Any, *, name: str = "value", private: bool = False, environment: bool = False) -> str:
    """What is said of a value that does not fit."""
    if environment:
        provider: Any = Environment({f"DESTINATION__CRM__{name.upper()}": raw})
    else:
        provider = TomlFile("the file", {"destination": {"crm": {name: raw}}}, "", for_secrets=private)
    with pytest.raises(ConfigError) as caught:
        Resolver("crm", None, {}, [provider]).resolve([Wanted(name, kind)])
    return str(caught.value)


@given(SECRETS.filter(lambda text: "\x00" not in text), st.sampled_from(KINDS), st.booleans())
def test_what_is_declared_secret_is_never_repeated(text, kind, environment):
    """No type repeats a secret that it refuses; the setting, the place and what was expected are there."""
    told = refused(kind, text, private=True, environment=environment)

    assert text not in told
    assert "value (DESTINATION__CRM__VALUE in environment): " in told or "value (destination.crm.value in the file): " in told


@given(SECRETS, st.sampled_from([int, list[int], dict[str, int], Size, Region, Url]))
def test_names_speak_for_their_values(text, kind):
    """What stands under a name such as password, or in a file of secrets, is not repeated, whatever its type."""
    assert text not in refused(kind, text, name="password")
    assert text not in refused(kind, text, private=True)
    assert text not in refused(dict[str, int], {"password": text})
    assert text not in refused(list[dict[str, int]], [{"api_key": text}])
    assert text not in refused(Secret[dict[str, int]], {text: "x"}, private=True)


@given(SECRETS.filter(lambda text: not any(mark in text for mark in "/?#@ ") and not any(c.isspace() for c in text)))
def test_a_login_is_not_repeated(text):
    """A password inside a URL, or what looks like one, is not repeated where the URL is refused."""
    for raw in (f"https://ann:{text}@crm.example.com/", f"//ann:{text}@crm.example.com/", f"ann:{text}@crm.example.com"):
        assert text not in refused(int, raw)
        assert text not in refused(list[int], [raw])


@given(SECRETS.filter(str.isprintable))
def test_an_ordinary_value_is_repeated_unless_it_is_long(text):
    """What is no secret is shown as it was found, or with its length."""
    shown = repr(text)
    told = refused(int, text, environment=True) if not any(mark in text for mark in ":=@") else None

    assert told is None or (f"got {shown}" in told) == (len(shown) <= 60)
    assert told is None or (f"got a value of {len(shown)} characters" in told) == (len(shown) > 60)


@attrs.frozen
class Plain:
    password: str
    host: str = "h"


def url_of(text: str) -> str:
    return str(httpx.URL("https://crm.example.com", username="ann", password=text))


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("value", Secret),
        ("value", lambda text: {"deep": [Secret(text)]}),
        ("value", Plain),
        ("value", lambda text: [Plain(text)]),
        ("value", lambda text: {"password": text}),
        ("value", lambda text: [{"api_key": text}]),
        ("value", url_of),
        ("value", lambda text: [url_of(text)]),
        ("value", lambda text: f"DRIVER=x;PWD={text};UID=ann"),
        ("api_token", str),
        ("value", lambda text: ConnectionString("a", "ann", text)),
        ("value", lambda text: ConnectionString("a", query={"sslpassword": text})),
        ("value", ApiKey),
        ("value", BearerToken),
        ("value", lambda text: BasicAuth("ann", text)),
        ("value", lambda text: OAuth2ClientCredentials("me", text, "https://login.example.com")),
    ],
)
@given(text=st.text("abcXYZ059-._~", min_size=5, max_size=30).map("Q{}Q".format))
def test_secrets_are_recognised_in_any_value(name, make, text):
    """The redactor learns a secret wherever it stands in a value: declared, by its name, or as the password of a URL."""
    redactor = Redactor()
    learn(redactor, name, make(text), secret=False)

    assert redactor.text(f"see {text}.") == "see ***."


@given(st.text("abcXYZ059", min_size=5, max_size=20).map("Q{}Q".format))
def test_short_parts_of_a_secret_table_are_no_secrets(text):
    """Of a table that is a secret as a whole, true, false and short numbers are not masked in every text."""
    redactor = Redactor()
    learn(redactor, "account", Secret({"key": text, "port": 443, "tls": True, "limit": None, "id": 123456}), secret=True)

    assert redactor.text(f"True None 443 123456 {text}") == "True None 443 *** ***"


@given(SECRETS)
def test_what_holds_a_known_secret_is_masked_in_another_setting(text):
    """A value that repeats a known secret is not shown, neither as found nor as refused."""
    held = {"token": text, "note": f"see {text}", "size": text}
    file = TomlFile("the file", {"destination": {"crm": held}}, "", for_secrets=False)
    explicit = {"token": text}
    resolver = Resolver("crm", None, explicit, [file])
    found = resolver.resolve([Wanted("token", Secret), Wanted("note", str)]).found

    assert [entry for entry in found if text in entry.shown] == []
    with pytest.raises(ConfigError) as caught:
        resolver.resolve([Wanted("size", int)])
    assert text not in str(caught.value)
    assert json.dumps(text)[1:-1] not in str(caught.value)
