"""Credentials as values: the common ways to prove to an API who is calling, and the address of a database.

Each has ``parts(text)``, which reads the form in one piece (a URL, ``user:password``, a bare key) into those fields that it holds;
what it leaves out is taken from the settings. ``str`` and ``repr`` mask what is secret.
"""

from __future__ import annotations

import base64
from typing import Any, Literal

import attrs

from sinkkit.errors import ConfigError
from sinkkit.settings.connection_string import ConnectionString
from sinkkit.settings.grants import OAuth2ClientCredentials, OAuth2RefreshToken
from sinkkit.settings.secret import Secret
from sinkkit.settings.signatures import AwsSignature, HmacSignature
from sinkkit.settings.values.texts import check_header, check_header_name, secret, text_of

__all__ = [
    "ApiKey",
    "AwsSignature",
    "BasicAuth",
    "BearerToken",
    "ConnectionString",
    "HmacSignature",
    "OAuth2ClientCredentials",
    "OAuth2RefreshToken",
]


@attrs.frozen
class ApiKey:
    """A key that is sent in a header or in the query of each request.

    Attributes:
        key: The key itself.
        name: The header or parameter that carries it.
        location: Where it is sent.

    Raises:
        ConfigError: If a header cannot carry it.
    """

    key: Secret[str] = attrs.field(converter=secret)
    name: str = "X-API-Key"
    location: Literal["header", "query"] = "header"

    def __attrs_post_init__(self) -> None:
        """Refuse what could not be sent."""
        if self.location not in {"header", "query"}:
            raise ConfigError(f"the location {self.location!r} of an API key is not possible", hint='write "header" or "query"')
        if self.location == "header":
            check_header_name(text_of(self.name, "the name"), "the name")
            check_header(self.key.reveal(), "the key")

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
    """User name and password of HTTP Basic authentication (RFC 7617).

    Attributes:
        username: Who calls; without a colon.
        password: With what.

    Raises:
        ConfigError: If the user name holds a colon, which the header cannot carry.
    """

    username: str
    password: Secret[str] = attrs.field(converter=secret)

    def __attrs_post_init__(self) -> None:
        """Refuse what another user could be taken for."""
        if ":" in text_of(self.username, "a user name"):
            raise ConfigError(
                "a user name for Basic authentication cannot hold a colon", hint="check the order of user name and password"
            )

    @staticmethod
    def parts(text: str) -> dict[str, Any]:
        """*text* is ``username:password``, or the user name alone."""
        username, colon, password = text.partition(":")
        return ({"username": username} if username else {}) | ({"password": Secret(password)} if colon else {})

    def headers(self) -> dict[str, str]:
        """The ``Authorization`` header, in clear."""
        pair = f"{self.username}:{self.password.reveal()}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


@attrs.frozen
class BearerToken:
    """A token that is sent as ``Authorization: Bearer`` (RFC 6750).

    Attributes:
        token: The token itself, without the word Bearer.

    Raises:
        ConfigError: If a header cannot carry it, or it brings the word Bearer.
    """

    token: Secret[str] = attrs.field(converter=secret)

    def __attrs_post_init__(self) -> None:
        """Refuse what could not be sent."""
        check_header(self.token.reveal(), "the token")
        if self.token.reveal().lower().startswith("bearer "):
            raise ConfigError("the token begins with the word Bearer, which is sent before it", hint="leave out that word and the space")

    @staticmethod
    def parts(text: str) -> dict[str, Any]:
        """*text* is the token."""
        return {"token": Secret(text)}

    def headers(self) -> dict[str, str]:
        """The ``Authorization`` header, in clear."""
        return {"Authorization": f"Bearer {self.token.reveal()}"}
