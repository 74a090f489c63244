"""Settings that are classes: filled field by field, in one piece, completed, refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from sinkkit.errors import ConfigError
from sinkkit.rows import Retry
from sinkkit.settings.access import secrets
from sinkkit.settings.credentials import BasicAuth, BearerToken, ConnectionString
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.secret import Secret
from sinkkit.settings.wanted import Wanted


def one(wanted: Wanted, **options: Any) -> Any:
    return Resolver("crm", "nightly", **options).resolve([wanted]).values[wanted.name]


@attrs.frozen
class Login:
    user: str
    token: Secret[str]
    pause: timedelta = timedelta(seconds=1)


def test_class_is_completed_field_by_field(write, monkeypatch):
    """Each field of a class comes from the first place that has it, and each is told with its own place."""
    write('[destination.crm.login]\nuser = "ann"\npause = "2m"')
    monkeypatch.setenv("DESTINATION__CRM__LOGIN__TOKEN", "abcdefgh")
    resolved = Resolver("crm").resolve([Wanted("login", Login)])

    assert resolved.values["login"] == Login("ann", Secret("abcdefgh"), timedelta(minutes=2))
    assert [(found.name, found.shown, found.provider) for found in resolved.found] == [
        ("login.user", "ann", ".sinkkit/config.toml"),
        ("login.token", "***", "environment"),
        ("login.pause", "0:02:00", ".sinkkit/config.toml"),
    ]


def test_missing_fields_are_named_each(write):
    """A class found in part names every field that lacks; one not found at all names every required field."""
    write('[destination.crm.login]\npause = "2m"')
    with pytest.raises(ConfigError, match=r"(?s)login\.user .*login\.token "):
        one(Wanted("login", Login))
    with pytest.raises(ConfigError, match=r"(?s)other\.user .*other\.token "):
        one(Wanted("other", Login))


@pytest.mark.parametrize(
    "given",
    [
        "postgresql://ann@/sales",
        {"drivername": "postgresql", "username": "ann", "database": "sales"},
        ConnectionString.parse("postgresql://ann@/sales"),
    ],
)
def test_partial_credentials_are_completed(write, given):
    """Credentials given as text, mapping or object take what they lack from the providers, and keep what they have."""
    write('[destination.crm.credentials]\nhost = "db"\nport = 5433\nusername = "other"')
    write('[destination.crm.credentials]\npassword = "p@ss/word"', "secrets.toml")
    resolver = Resolver("crm", explicit={"credentials": given})
    found = resolver.resolve([Wanted("credentials", ConnectionString)]).values["credentials"]

    assert found.reveal() == "postgresql://ann:p%40ss%2Fword@db:5433/sales"
    assert resolver.redactor.text("p%40ss/word and p@ss%2fword") == "*** and ***"


def test_union_of_credentials_takes_the_one_that_fits(write):
    """Of several classes the first whose fields are all there is used."""
    write('[destination.crm.auth]\nusername = "ann"\npassword = "abcdefgh"', "secrets.toml")

    assert one(Wanted("auth", BearerToken | BasicAuth)) == BasicAuth("ann", "abcdefgh")


def test_union_of_a_class_and_text_takes_either():
    """What no class of a union can be is taken by its other members."""
    wanted = Wanted("credentials", ConnectionString | str)

    assert one(wanted, explicit={"credentials": "mysql://db"}) == ConnectionString("mysql", host="db")
    assert one(wanted, explicit={"credentials": "profile"}) == "profile"


def test_class_without_required_fields_is_made_of_its_defaults():
    """A required class all of whose fields have defaults needs nothing."""
    assert one(Wanted("retry", Retry)) == Retry()


@attrs.frozen
class Strict:
    size: int = attrs.field(validator=attrs.validators.lt(10))


def test_a_class_that_refuses_its_values_is_told_with_their_places(write):
    """What a class's own validator says stands in the error, with the place of the values."""
    write("[destination.crm.strict]\nsize = 50")
    with pytest.raises(
        ConfigError, match=r"strict \(destination\.crm\.strict\.size in \.sinkkit/config\.toml\): Strict refuses .*must be < 10"
    ):
        one(Wanted("strict", Strict))


@attrs.frozen
class Account:
    _token: Secret[str]
    owner: str = "nobody"


SECRET_FORMS = [
    {"user": "ann", "token": "abcdefgh"},
    Login("ann", Secret("abcdefgh")),
    Secret(Login("ann", Secret("abcdefgh"))),
    '{"user": "ann", "token": "abcdefgh"}',
]


@pytest.mark.parametrize("given", SECRET_FORMS, ids=["mapping", "object", "secret", "JSON"])
@pytest.mark.parametrize("kind", [Secret[Login], Secret[Login] | None])
def test_a_class_may_be_a_secret_as_a_whole(kind, given):
    """``Secret[Login]`` is made from a mapping, an object or its JSON; short fields that are no secrets by themselves are no obstacle."""
    resolver = Resolver("crm", explicit={"login": given})
    resolved = resolver.resolve([Wanted("login", kind)])

    assert resolved.values["login"] == Secret(Login("ann", Secret("abcdefgh")))
    assert [found.shown for found in resolved.found if found.shown != "***"] == []
    assert resolver.redactor.text("ann has abcdefgh") == "ann has ***"


def test_a_secret_class_is_completed_from_the_providers(write, monkeypatch):
    """``Secret[ConnectionString]`` takes what it lacks from other places, and names the fields that stand nowhere."""
    write('[destination.crm]\ncredentials = "postgresql://ann@db/sales"')
    monkeypatch.setenv("DESTINATION__CRM__CREDENTIALS__PASSWORD", "abcdefgh")

    assert one(Wanted("credentials", Secret[ConnectionString])).reveal().reveal() == "postgresql://ann:abcdefgh@db/sales"
    with pytest.raises(ConfigError, match=r"(?s)login\.user \(text\) is missing.*login\.token \(text that is a secret\) is missing"):
        one(Wanted("login", Secret[Login]))


def test_a_marked_class_masks_what_it_declares_secret(monkeypatch):
    """With ``secrets.value`` the object is given as it is, and of its fields those that its class declares are masked elsewhere."""
    monkeypatch.setenv("DESTINATION__CRM__CREDENTIALS", "postgresql://ann:abcdefgh@db:5433/sales")
    resolver = Resolver("crm")
    found = resolver.resolve([Wanted("credentials", ConnectionString, secrets.value)])

    assert found.values["credentials"] == ConnectionString("postgresql", "ann", "abcdefgh", "db", 5433, "sales")
    assert [entry.shown for entry in found.found] == ["***"] * 6
    assert resolver.redactor.text("postgresql ann abcdefgh 5433") == "postgresql ann *** 5433"


@pytest.mark.parametrize("given", [{"token": "abcdefgh"}, Account("abcdefgh"), Account(Secret("abcdefgh"))], ids=["mapping", "text", "secret"])
def test_a_private_attribute_is_a_field_like_others(given):
    """A field ``_token`` is given as ``token``, and its secret is known."""
    resolver = Resolver("crm", explicit={"account": given})
    account = resolver.resolve([Wanted("account", Account | None)]).values["account"]

    assert account.owner == "nobody"
    if isinstance(account._token, Secret):
        assert resolver.redactor.text("see abcdefgh") == "see ***"


def test_a_class_that_is_optional_can_be_left_out(monkeypatch):
    """The text ``none`` stands for no object where None is allowed."""
    monkeypatch.setenv("DESTINATION__CRM__LOGIN", "none")

    assert one(Wanted("login", Login | None, Login("ann", "abcdefgh"))) is None
    with pytest.raises(ConfigError, match="expected a table"):
        one(Wanted("login", Login))
