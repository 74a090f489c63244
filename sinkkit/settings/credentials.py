"""Credentials as values: a database's address and the common ways to prove to an API who is calling.

Each has ``parts(text)``, which reads the form in one piece (a URL, ``user:password``, a bare key) into those fields that it holds;
what it leaves out is taken from the settings. ``str`` and ``repr`` mask what is secret.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, unquote, urlencode

import attrs

from sinkkit.errors import ConfigError
from sinkkit.settings.keys import SENSITIVE
from sinkkit.settings.secret import MASK, Secret

HIGHEST_PORT = 65535


def secret(value: Any) -> Secret[str]:
    """*value* as a secret; plain text is wrapped."""
    return value if isinstance(value, Secret) else Secret(value)


def optional_secret(value: Any) -> Secret[str] | None:
    """*value* as a secret, None as it is."""
    return None if value is None else secret(value)


def filled(value: str | None) -> str | None:
    """*value*, None for empty text: a URL cannot tell them apart."""
    return value or None


def shown_query(query: Mapping[str, str]) -> str:
    """The parameters of a URL with the values of sensitive names masked."""
    return repr({name: MASK if SENSITIVE.search(name) else value for name, value in query.items()})


@attrs.frozen(str=False)
class ConnectionString:
    """The address of a database, with the parts of a SQLAlchemy URL: ``drivername://username:password@host:port/database?query``.

    ``str`` is that URL with ``***`` for the password, ``reveal()`` the URL in clear. A part that is None is not known.

    Raises:
        ConfigError: If the drivername or port cannot be one.
    """

    drivername: str
    username: str | None = attrs.field(default=None, converter=filled)
    password: Secret[str] | None = attrs.field(default=None, converter=optional_secret)
    host: str | None = attrs.field(default=None, converter=filled)
    port: int | None = None
    database: str | None = attrs.field(default=None, converter=filled)
    query: dict[str, str] = attrs.field(factory=dict, repr=shown_query)

    def __attrs_post_init__(self) -> None:
        """Refuse what would make another URL than the parts say."""
        if not self.drivername.replace("+", "a").replace("_", "a").replace("-", "a").replace(".", "a").isalnum():
            raise ConfigError(
                "the drivername of a connection string is a word such as postgresql", hint="write postgresql or mysql+pymysql"
            )
        if self.port is not None and not 0 <= self.port <= HIGHEST_PORT:
            raise ConfigError(
                f"the port {self.port} of a connection string is not possible", hint=f"a port is 0 to {HIGHEST_PORT}"
            )

    @staticmethod
    def parts(text: str) -> dict[str, Any]:
        """The parts that the URL *text* holds.

        The last ``@`` before the path ends the password, so one that was not percent-encoded is understood as far as that is possible.

        Raises:
            ConfigError: If it is no such URL; the message does not repeat it.
        """
        drivername, mark, rest = text.strip().partition("://")
        if not mark or not drivername:
            raise ConfigError("no connection string", hint="write drivername://username:password@host:port/database")
        found: dict[str, Any] = {"drivername": drivername}
        rest, _, query = rest.partition("?")
        if query:
            pairs = parse_qsl(query, keep_blank_values=True)
            found["query"] = dict(pairs)
            if len(found["query"]) < len(pairs):
                raise ConfigError(
                    "no connection string: a parameter stands in it twice", hint="give each parameter after the ? once"
                )
        authority, slash, database = rest.partition("/")
        if slash and database:
            found["database"] = unquote(database)
        login, at, address = authority.rpartition("@")
        if at:
            username, colon, password = login.partition(":")
            found |= {"username": unquote(username)} if username else {}
            found |= {"password": Secret(unquote(password))} if colon else {}
        return found | address_parts(address)

    @classmethod
    def parse(cls, text: str) -> ConnectionString:
        """The connection string that the URL *text* is.

        Raises:
            ConfigError: If it is no such URL; the message does not repeat it.
        """
        return cls(**cls.parts(text))

    def reveal(self) -> str:
        """The URL in clear, every part percent-encoded as it needs."""
        return self.written(None if self.password is None else quote(self.password.reveal(), safe=""), self.query)

    def __str__(self) -> str:
        query = {name: MASK if SENSITIVE.search(name) else value for name, value in self.query.items()}
        return self.written(None if self.password is None else MASK, query)

    def written(self, password: str | None, query: Mapping[str, str]) -> str:
        """The URL with *password*, encoded already, and *query* in place of its own."""
        login = quote(self.username or "", safe="") + ("" if password is None else f":{password}")
        host = f"[{self.host}]" if self.host and ":" in self.host else quote(self.host or "", safe=":")
        port = "" if self.port is None else f":{self.port}"
        at = "@" if self.username is not None or password is not None else ""
        path = "" if self.database is None else f"/{quote(self.database, safe='/:')}"
        tail = f"?{urlencode(query, safe='*')}" if query else ""
        return f"{self.drivername}://{login}{at}{host}{port}{path}{tail}"


def address_parts(address: str) -> dict[str, Any]:
    """Host and port in ``host``, ``host:port``, ``[v6]:port`` or nothing.

    Raises:
        ConfigError: If the port is no number or a bracket is open.
    """
    if address.startswith("["):
        host, closed, port = address[1:].partition("]")
        well = bool(closed) and (not port or port.startswith(":"))
        port = port[1:]
    else:
        host, _, port = address.partition(":")
        well = True
    if not well or (port and not (port.isascii() and port.isdigit())):
        raise ConfigError(
            "no connection string: its host and port cannot be read", hint="percent-encode @, / and : in a password"
        )
    return ({"host": unquote(host)} if host else {}) | ({"port": int(port)} if port else {})


@attrs.frozen
class ApiKey:
    """A key that is sent in a header or in the query of each request.

    Attributes:
        key: The key itself.
        name: The header or parameter that carries it.
        location: ``header`` or ``query``.
    """

    key: Secret[str] = attrs.field(converter=secret)
    name: str = "X-API-Key"
    location: Literal["header", "query"] = "header"

    @staticmethod
    def parts(text: str) -> dict[str, Any]:
        """*text* is the key."""
        return {"key": Secret(text)}

    def headers(self) -> dict[str, str]:
        """The header to send, in clear; none if the key goes into the query."""
        return {self.name: self.key.reveal()} if self.location == "header" else {}

    def params(self) -> dict[str, str]:
        """The query parameter to send, in clear; none if the key goes into a header."""
        return {self.name: self.key.reveal()} if self.location == "query" else {}


@attrs.frozen
class BasicAuth:
    """User name and password of HTTP Basic authentication (RFC 7617)."""

    username: str
    password: Secret[str] = attrs.field(converter=secret)

    @staticmethod
    def parts(text: str) -> dict[str, Any]:
        """*text* is ``username:password``, or the user name alone."""
        username, colon, password = text.partition(":")
        return ({"username": username} if username else {}) | ({"password": Secret(password)} if colon else {})

    def headers(self) -> dict[str, str]:
        """The ``Authorization`` header, in clear.

        Raises:
            ConfigError: If the user name holds a colon, which the header cannot carry.
        """
        if ":" in self.username:
            raise ConfigError(
                "a user name for Basic authentication cannot hold a colon", hint="check the order of user name and password"
            )
        pair = f"{self.username}:{self.password.reveal()}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


@attrs.frozen
class BearerToken:
    """A token that is sent as ``Authorization: Bearer`` (RFC 6750)."""

    token: Secret[str] = attrs.field(converter=secret)

    @staticmethod
    def parts(text: str) -> dict[str, Any]:
        """*text* is the token."""
        return {"token": Secret(text)}

    def headers(self) -> dict[str, str]:
        """The ``Authorization`` header, in clear."""
        return {"Authorization": f"Bearer {self.token.reveal()}"}


@attrs.frozen
class OAuth2ClientCredentials:
    """What a service shows to get an access token for itself (RFC 6749, section 4.4).

    Attributes:
        client_id: The service's name at the authorization server.
        client_secret: Its password there.
        token_url: Where tokens are given out.
        scope: Scopes to ask for, separated by spaces.
        audience: For whom the token is, where the server wants to know.
    """

    client_id: str
    client_secret: Secret[str] = attrs.field(converter=secret)
    token_url: str
    scope: str | None = None
    audience: str | None = None

    @staticmethod
    def parts(text: str) -> dict[str, Any]:
        """There is no form in one piece but ``client_id:client_secret``."""
        client_id, colon, client_secret = text.partition(":")
        return ({"client_id": client_id} if client_id else {}) | ({"client_secret": Secret(client_secret)} if colon else {})

    def form(self) -> dict[str, str]:
        """The form to post to ``token_url``, in clear."""
        given = {"scope": self.scope, "audience": self.audience}
        return {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret.reveal(),
            **{name: value for name, value in given.items() if value is not None},
        }
