"""The address of a database as a value: read from a URL, written as one, completed from the settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias
from urllib.parse import parse_qs, quote, unquote, urlencode

import attrs

from sinkkit.errors import ConfigError
from sinkkit.settings.keys import SENSITIVE
from sinkkit.settings.secret import MASK, Secret
from sinkkit.settings.values.texts import secret, text_of

HIGHEST_PORT = 65535

Query: TypeAlias = dict[str, str | tuple[str, ...]]
"""The parameters of a URL: one that stands in it several times has a tuple."""

PASSWORD = re.compile(r"\b(?:pwd|password)\s*=", re.IGNORECASE)
"""A password inside a parameter, as ``odbc_connect`` has it."""


def optional_secret(value: Any) -> Secret[str] | None:
    """*value* as a secret, None as it is."""
    return None if value is None else secret(value)


def filled(value: Any) -> str | None:
    """*value*, None for empty text: a URL cannot tell them apart."""
    return None if value is None else text_of(value, "a part of a connection string") or None


def host_of(value: Any) -> str | None:
    """The host; the brackets that a URL has around an IPv6 address are not part of it."""
    host = filled(value)
    return host[1:-1] or None if host and host.startswith("[") and host.endswith("]") else host


def port_of(value: Any) -> int | None:
    """The port, from a number or its digits.

    Raises:
        ConfigError: If it is none.
    """
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        port: int | None = value
    else:
        port = int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,5}", value) else -1
    if port is not None and not 0 <= port <= HIGHEST_PORT:
        shown = f" {port}" if port >= 0 else ""
        raise ConfigError(f"the port{shown} of a connection string is not possible", hint=f"a port is 0 to {HIGHEST_PORT}")
    return port


def query_of(value: Any) -> Query:
    """The parameters; several values of one as a tuple, and a single one as text: a URL cannot tell one value from a list of one."""
    if not isinstance(value, Mapping):
        raise ConfigError("the query of a connection string is a table", hint='give for example {"sslmode": "require"}')
    found: Query = {}
    for name, given in value.items():
        what = "a parameter of a connection string"
        several = tuple(text_of(one, what) for one in given) if isinstance(given, list | tuple) else (text_of(given, what),)
        if several:
            found[text_of(name, what)] = several[0] if len(several) == 1 else several
    return found


def masked_query(query: Query) -> Query:
    """*query* with ``***`` for the values of sensitive names, and for those with a password inside."""
    return {
        name: MASK if SENSITIVE.search(name) or PASSWORD.search(" ".join([value] if isinstance(value, str) else value)) else value
        for name, value in query.items()
    }


def shown_query(query: Query) -> str:
    """The parameters of a URL for people."""
    return repr(masked_query(query))


@attrs.frozen(str=False)
class ConnectionString:
    """The address of a database, with the parts of a SQLAlchemy URL: ``drivername://username:password@host:port/database?query``.

    ``str`` is that URL with ``***`` for the password, ``reveal()`` the URL in clear. A part that is None is not known.

    Attributes:
        drivername: The kind of database and its driver: ``postgresql``, ``mysql+pymysql``.
        username: Who signs in.
        password: With what.
        host: Name or address of the server, IPv6 without brackets.
        port: 0 to 65535.
        database: Name or path of the database.
        query: Parameters after the ``?``; one that stands there several times has a list.

    Raises:
        ConfigError: If a part cannot be one.
    """

    drivername: str
    username: str | None = attrs.field(default=None, converter=filled)
    password: Secret[str] | None = attrs.field(default=None, converter=optional_secret)
    host: str | None = attrs.field(default=None, converter=host_of)
    port: int | None = attrs.field(default=None, converter=port_of)
    database: str | None = attrs.field(default=None, converter=filled)
    query: Query = attrs.field(factory=dict, converter=query_of, repr=shown_query)

    def __attrs_post_init__(self) -> None:
        """Refuse what would make another URL than the parts say."""
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_+.-]*", text_of(self.drivername, "the drivername of a connection string")):
            raise ConfigError(
                "the drivername of a connection string is a word such as postgresql", hint="write postgresql or mysql+pymysql"
            )

    @staticmethod
    def parts(text: str) -> dict[str, Any]:
        """The parts that the URL *text* holds.

        The last ``@`` before the path ends the password, so one that was not percent-encoded is understood as far as that is possible.

        Raises:
            ConfigError: If it is no such URL; the message does not repeat it.
        """
        drivername, mark, rest = text_of(text, "a connection string").strip().partition("://")
        if not mark or not drivername:
            raise ConfigError("no connection string", hint="write drivername://username:password@host:port/database")
        found: dict[str, Any] = {"drivername": drivername}
        rest, _, query = rest.partition("?")
        if query:
            try:
                several = parse_qs(query, keep_blank_values=True, errors="strict")
            except UnicodeDecodeError:
                decoded(query)  # says what is wrong
                raise
            found["query"] = {name: values[0] if len(values) == 1 else tuple(values) for name, values in several.items()}
        authority, slash, database = rest.partition("/")
        if slash and database:
            found["database"] = decoded(database)
        login, at, address = authority.rpartition("@")
        if at:
            username, colon, password = login.partition(":")
            found |= {"username": decoded(username)} if username else {}
            found |= {"password": Secret(decoded(password))} if colon else {}
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
        return self.written(None if self.password is None else MASK, masked_query(self.query))

    def written(self, password: str | None, query: Query) -> str:
        """The URL with *password*, encoded already, and *query* in place of its own."""
        login = quote(self.username or "", safe="") + ("" if password is None else f":{password}")
        host = quote(self.host or "", safe=":")
        host = f"[{host}]" if ":" in host else host
        port = "" if self.port is None else f":{self.port}"
        at = "@" if self.username is not None or password is not None else ""
        path = "" if self.database is None else f"/{quote(self.database, safe='/:')}"
        tail = f"?{urlencode(query, doseq=True, safe='*')}" if query else ""
        return f"{self.drivername}://{login}{at}{host}{port}{path}{tail}"


def decoded(text: str) -> str:
    """*text* without percent-encoding.

    Raises:
        ConfigError: If it holds encoded bytes that are no UTF-8.
    """
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        what = "no connection string: a percent-encoded character of it is no UTF-8"
        raise ConfigError(what, hint="encode it as UTF-8, as urllib.parse.quote does") from None


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
    return ({"host": decoded(host)} if host else {}) | ({"port": int(port)} if port else {})
