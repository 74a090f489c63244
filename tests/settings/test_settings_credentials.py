"""Credentials: read from one piece, written again, masked when shown."""

from __future__ import annotations

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.errors import ConfigError
from sinkkit.settings.credentials import ApiKey, BasicAuth, BearerToken, ConnectionString, OAuth2ClientCredentials
from sinkkit.settings.providers.toml_files import TomlFile
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.secret import Secret
from sinkkit.settings.wanted import Wanted

TEXT = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(["%", "%40", "a@b", "a/b", "a:b", "a b", "p+q", "ü%ü", "#?&="])
ANY = st.none() | TEXT
HOSTS = st.none() | st.sampled_from(["db", "db.example.com", "10.0.0.1", "::1", "fe80::1", "fe80::1%eb0", "höst"])
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=5)
QUERIES = st.dictionaries(NAMES, TEXT | st.lists(TEXT, min_size=2, max_size=3).map(tuple), max_size=3)


@given(
    username=ANY,
    password=st.none() | TEXT.map(Secret),
    host=HOSTS,
    port=st.none() | st.integers(0, 65535),
    database=ANY,
    query=QUERIES,
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
        "a://ann:hunter22%ff@h",
        "a://h/d?x=hunter22%ff",
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
        BasicAuth("a:b", "abcd")


@given(TEXT.filter(lambda text: ":" not in text), TEXT)
def test_basic_auth_round_trip(username, password):
    """What the header holds is what was given."""
    kind, _, pair = BasicAuth(username, password).headers()["Authorization"].partition(" ")

    assert kind == "Basic"
    assert b64decode(pair).decode() == f"{username}:{password}"


@pytest.mark.parametrize(
    "make",
    [
        lambda text: ConnectionString("a", password=f"hunter22{text}"),
        lambda text: ConnectionString("a", username=f"hunter22{text}"),
        lambda text: ConnectionString("a", query={"x": f"hunter22{text}"}),
        lambda text: BasicAuth("a", f"hunter22{text}"),
        lambda text: ApiKey(f"hunter22{text}"),
        lambda text: BearerToken(f"hunter22{text}"),
        lambda text: OAuth2ClientCredentials("a", f"hunter22{text}", "https://login.example.com"),
    ],
)
def test_half_a_character_is_refused(make):
    """A lone surrogate, as bytes that are no UTF-8 become in the environment, is refused, and the text around it is not repeated."""
    with pytest.raises(ConfigError, match="cannot be written") as caught:
        make("\ud800")

    assert "hunter" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("text", ["hunter22\n", " hunter22", "hunter\r\nX: 1", "hünter22"])
@pytest.mark.parametrize("kind", [ApiKey, BearerToken])
def test_what_a_header_cannot_carry_is_refused(kind, text):
    """A key with a line break, such as the end of a file, is refused where it comes in, not by the client in the middle of a run."""
    with pytest.raises(ConfigError, match="header cannot carry") as caught:
        kind(text)

    assert "nter22" not in str(caught.value)
    assert "line break" in caught.value.hint
    assert ApiKey(text, location="query").params() == {"X-API-Key": text}


@pytest.mark.parametrize(
    "make",
    [
        lambda: ConnectionString("a b"),
        lambda: ConnectionString(5),
        lambda: ConnectionString("a", username=5),
        lambda: ConnectionString("a", password=5),
        lambda: ConnectionString("a", port="x"),
        lambda: ConnectionString("a", port=True),
        lambda: ConnectionString("a", port=-1),
        lambda: ConnectionString("a", query={"x": 1}),
        lambda: ConnectionString("a", query="x=1"),
        lambda: ApiKey("abcd", location="cookie"),
        lambda: BearerToken(None),
        lambda: OAuth2ClientCredentials("a", "abcd", "login"),
    ],
)
def test_impossible_parts_are_refused(make):
    """What cannot be a part of credentials is an error of ours with a hint."""
    with pytest.raises(ConfigError) as caught:
        make()

    assert caught.value.hint is not None


def test_parts_are_taken_as_people_write_them():
    """A port as text, an address in brackets, a list of one: the same as without."""
    assert ConnectionString("a", host="[::1]", port="5432", query={"x": ["1"]}) == ConnectionString("a", host="::1", port=5432, query={"x": "1"})
    assert ConnectionString.parse("a://h?x=1&x=2").query == {"x": ("1", "2")}
    assert ConnectionString.parse("a://h/") == ConnectionString("a", host="h") == ConnectionString("a", host="h", database="")


def test_a_password_inside_a_parameter_is_masked():
    """ODBC keeps the password inside one parameter."""
    whole = ConnectionString("mssql+pyodbc", query={"odbc_connect": "DRIVER={x};UID=ann;PWD=hunter22", "a": ("1", "2")})

    assert "hunter" not in f"{whole} {whole!r}"
    assert ConnectionString.parse(whole.reveal()) == whole


def test_a_wrong_url_of_tokens_is_called_by_its_name():
    """Whether it is found in the settings or given in code, the message says which field is no URL, and where it stands."""
    found = {"c": {"client_id": "me", "client_secret": "abcdefgh", "token_url": "login.example.com"}}
    file = TomlFile("the file", {"destination": {"crm": found}}, "", for_secrets=True)
    with pytest.raises(ConfigError) as caught:
        Resolver("crm", providers=[file]).resolve([Wanted("c", OAuth2ClientCredentials)])

    assert "c.token_url (destination.crm.c.token_url in the file): expected a URL with scheme and host" in str(caught.value)
    with pytest.raises(ConfigError, match="token_url: no absolute URL"):
        OAuth2ClientCredentials("me", "abcdefgh", "login.example.com")


@pytest.mark.parametrize("name", ["X-Clé", "X Key", "X-Key:", "", "X\nKey"])
def test_a_key_goes_only_into_a_header_that_can_be(name):
    """A name that no header can have is refused before anything is sent; a parameter may have any."""
    with pytest.raises(ConfigError, match="the name is no name of a header"):
        ApiKey("abcdefgh", name=name)
    assert ApiKey("abcdefgh", name=name, location="query").params() == {name: "abcdefgh"}
