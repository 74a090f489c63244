"""Credentials: read from one piece, written again, masked when shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.errors import ConfigError
from sinkkit.settings.credentials import ApiKey, BasicAuth, BearerToken, ConnectionString, OAuth2ClientCredentials
from sinkkit.settings.secret import Secret

ANY = st.none() | st.text(max_size=12)
HOSTS = st.none() | st.sampled_from(["db", "db.example.com", "10.0.0.1", "::1", "fe80::1"])


@given(
    username=ANY,
    password=st.none() | st.text(max_size=12).map(Secret),
    host=HOSTS,
    port=st.none() | st.integers(0, 65535),
    database=ANY,
    query=st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=5), max_size=3),
)
def test_connection_string_round_trip(*, username, password, host, port, database, query):
    """Whatever the parts hold, the URL written from them is read back as the same parts."""
    whole = ConnectionString("postgresql+psycopg", username, password, host, port if host else None, database, query)

    assert ConnectionString.parse(whole.reveal()) == whole


def test_connection_string_is_masked():
    """Neither ``str`` nor ``repr`` shows the password or a sensitive parameter."""
    whole = ConnectionString.parse("mysql://ann:hunter22@db:3306/sales?sslpassword=hunter33&charset=utf8")

    assert str(whole) == "mysql://ann:***@db:3306/sales?sslpassword=***&charset=utf8"
    assert "hunter" not in repr(whole)


@pytest.mark.parametrize(
    "text",
    [
        "hunter22",
        "//ann:hunter22@db",
        "a://b:hunter22@h:x1/d",
        "a://[hunter22/d",
        "a b://ann:hunter22@h",
        "a://h/d?x=hunter22&x=1",
    ],
)
def test_malformed_connection_string_is_refused_without_being_shown(text):
    """What is no connection string is refused with a hint, and not repeated, since it may hold a password."""
    with pytest.raises(ConfigError, match="connection string") as caught:
        ConnectionString.parse(text)

    assert "hunter" not in str(caught.value)
    assert caught.value.hint is not None


def test_port_is_checked():
    """A port beyond 65535 is refused."""
    with pytest.raises(ConfigError, match="65536"):
        ConnectionString("a", port=65536)


@pytest.mark.parametrize(
    ("kind", "text", "parts"),
    [
        (ApiKey, "abcd", {"key": Secret("abcd")}),
        (BearerToken, "abcd", {"token": Secret("abcd")}),
        (BasicAuth, "ann:ab:cd", {"username": "ann", "password": Secret("ab:cd")}),
        (BasicAuth, "ann", {"username": "ann"}),
        (OAuth2ClientCredentials, "me:abcd", {"client_id": "me", "client_secret": Secret("abcd")}),
    ],
)
def test_one_piece_is_read_into_its_fields(kind, text, parts):
    """Each kind reads its common form in one piece and leaves out what that does not hold."""
    assert kind.parts(text) == parts


def test_what_is_sent_is_in_clear():
    """Headers, parameters and forms hold the real values; the objects do not show them."""
    token = OAuth2ClientCredentials("me", "abcd", "https://login.example.com/token", scope="a b")

    assert BasicAuth("Aladdin", "open sesame").headers() == {"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}
    assert BearerToken("abcd").headers() == {"Authorization": "Bearer abcd"}
    assert ApiKey("abcd").headers() == {"X-API-Key": "abcd"}
    assert ApiKey("abcd", "k", "query").params() == {"k": "abcd"}
    assert [ApiKey("abcd").params(), ApiKey("abcd", "k", "query").headers()] == [{}, {}]
    assert token.form() == {"grant_type": "client_credentials", "client_id": "me", "client_secret": "abcd", "scope": "a b"}
    assert "abcd" not in f"{token} {BasicAuth('a', 'abcd')!r} {ApiKey('abcd')} {BearerToken('abcd')}"


def test_basic_auth_refuses_a_colon_in_the_user_name():
    """The header could not be told apart from another user's."""
    with pytest.raises(ConfigError, match="colon"):
        BasicAuth("a:b", "abcd").headers()
