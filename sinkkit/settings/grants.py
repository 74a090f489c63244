"""What is shown at an authorization server to get an access token (RFC 6749)."""

from __future__ import annotations

import base64
from typing import Any, Literal
from urllib.parse import quote_plus

import attrs

from sinkkit.errors import ConfigError
from sinkkit.settings.secret import Secret
from sinkkit.settings.values import units
from sinkkit.settings.values.texts import secret, text_of

ClientAuth = Literal["post", "basic"]
"""How a client shows its name and password: in the form, or by Basic authentication (RFC 6749, section 2.3.1)."""


def absolute(text: str) -> units.Url:
    """*text* if it is an absolute URL.

    Raises:
        ConfigError: If it is not; the message names the field.
    """
    try:
        return units.url(text_of(text, "token_url"))
    except ConfigError as error:
        raise ConfigError(f"token_url: {error.message}", hint=error.hint) from None


def perhaps_secret(value: Any) -> Secret[str] | None:
    """*value* as a secret, if there is one."""
    return None if value is None else secret(value)


def client_login(client_id: str, client_secret: Secret[str] | None, how: str) -> tuple[dict[str, str], dict[str, str]]:
    """What of a form and of its headers shows who the client is, in clear; one without a password has a name only.

    Raises:
        ConfigError: If there is no such way.
    """
    if how not in {"post", "basic"}:
        raise ConfigError(f"client_auth {how!r} is not possible", hint='write "post" or "basic"')
    if client_secret is None:
        return {"client_id": client_id}, {}
    if how == "post":
        return {"client_id": client_id, "client_secret": client_secret.reveal()}, {}
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret.reveal())}"
    return {}, {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


@attrs.frozen
class OAuth2ClientCredentials:
    """What a service shows to get an access token for itself (RFC 6749, section 4.4).

    Attributes:
        client_id: The service's name at the authorization server.
        client_secret: Its password there.
        token_url: The URL where tokens are given out.
        scope: Scopes to ask for, separated by spaces.
        audience: For whom the token is, where the server wants to know.
        client_auth: Whether name and password go into the form (``post``) or into a header (``basic``).
        extra: Further fields of the form, such as ``resource`` or ``account_id``.

    Raises:
        ConfigError: If ``token_url`` is no URL.
    """

    client_id: str
    client_secret: Secret[str] = attrs.field(converter=secret)
    token_url: units.Url = attrs.field(converter=absolute)
    scope: str | None = None
    audience: str | None = None
    client_auth: ClientAuth = "post"
    extra: dict[str, str] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Refuse an unknown way to show name and password."""
        client_login(self.client_id, self.client_secret, self.client_auth)

    @staticmethod
    def parts(text: str) -> dict[str, Any]:
        """There is no form in one piece but ``client_id:client_secret``."""
        client_id, colon, client_secret = text.partition(":")
        return ({"client_id": client_id} if client_id else {}) | ({"client_secret": Secret(client_secret)} if colon else {})

    def form(self) -> dict[str, str]:
        """The form to post to ``token_url``, in clear."""
        login, _ = client_login(self.client_id, self.client_secret, self.client_auth)
        return {"grant_type": "client_credentials", **login, **present(scope=self.scope, audience=self.audience), **self.extra}

    def headers(self) -> dict[str, str]:
        """Headers to post it with, in clear."""
        return client_login(self.client_id, self.client_secret, self.client_auth)[1]


@attrs.frozen
class OAuth2RefreshToken:
    """What a service shows to act for somebody who has allowed it once (RFC 6749, section 6).

    Attributes:
        client_id: The service's name at the authorization server.
        refresh_token: What the server gave when access was allowed.
        token_url: The URL where tokens are given out.
        client_secret: The service's password there, if it has one.
        scope: Scopes to ask for, separated by spaces; fewer than were allowed, or as many.
        client_auth: Whether name and password go into the form (``post``) or into a header (``basic``).
        extra: Further fields of the form.

    Raises:
        ConfigError: If ``token_url`` is no URL.
    """

    client_id: str
    refresh_token: Secret[str] = attrs.field(converter=secret)
    token_url: units.Url = attrs.field(converter=absolute)
    client_secret: Secret[str] | None = attrs.field(default=None, converter=perhaps_secret)
    scope: str | None = None
    client_auth: ClientAuth = "post"
    extra: dict[str, str] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Refuse an unknown way to show name and password."""
        client_login(self.client_id, self.client_secret, self.client_auth)

    def form(self) -> dict[str, str]:
        """The form to post to ``token_url``, in clear."""
        login, _ = client_login(self.client_id, self.client_secret, self.client_auth)
        return {"grant_type": "refresh_token", "refresh_token": self.refresh_token.reveal(), **login, **present(scope=self.scope), **self.extra}

    def headers(self) -> dict[str, str]:
        """Headers to post it with, in clear."""
        return client_login(self.client_id, self.client_secret, self.client_auth)[1]


def present(**given: str | None) -> dict[str, str]:
    """Those of *given* that there are."""
    return {name: value for name, value in given.items() if value is not None}
