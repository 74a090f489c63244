"""``[destination.NAME.http.auth]``: the type that it names, and the credentials of that type, with every problem told at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from sinkkit.declaration.client.auth.login import Login
from sinkkit.declaration.client.client_settings import Called, naming
from sinkkit.declaration.client.values import plain, table
from sinkkit.declaration.options import suggestion
from sinkkit.declaration.problems import Problems
from sinkkit.errors import ConfigError
from sinkkit.settings.credentials import (
    ApiKey,
    AwsSignature,
    BasicAuth,
    BearerToken,
    HmacSignature,
    OAuth2ClientCredentials,
    OAuth2RefreshToken,
)
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.values.kinds import fields

KINDS: Mapping[str, type] = {
    "api_key": ApiKey,
    "basic": BasicAuth,
    "bearer": BearerToken,
    "digest": BasicAuth,
    "oauth2_client_credentials": OAuth2ClientCredentials,
    "oauth2_refresh_token": OAuth2RefreshToken,
    "aws_sigv4": AwsSignature,
    "hmac": HmacSignature,
}
"""What ``type`` may say, and the class whose fields the other keys are."""

PATH = ("http", "auth")


def kind_of(section: Mapping[str, Any], called: Called) -> str | None:
    """The type of authentication that the settings under ``http`` ask for; None if they ask for none.

    Args:
        section: The settings.
        called: How messages call one.

    Raises:
        ConfigError: If there is none of this type, or it has other keys.
    """
    if "auth" not in section:
        return None
    given = table(plain(section["auth"]))
    if given is None:
        raise ConfigError(
            f"{called('auth')} is not a table", hint='write [destination.NAME.http.auth], a line such as type = "bearer", and what that needs'
        )
    if "type" not in given:
        raise ConfigError(f"{called('auth')} does not say which type it is", hint=f"write type = and one of {', '.join(KINDS)}")
    named = str(plain(given["type"]))
    if named not in KINDS:
        raise ConfigError(f"{called('auth', 'type')} is no type of authentication", hint=suggestion(named, KINDS))
    known = [field.key for field in fields(KINDS[named])]
    problems = Problems()
    for key in given:
        with problems.collecting():
            if key not in {"type", *known}:
                raise ConfigError(f"{called('auth', key)} is no setting of {named}", hint=suggestion(str(key), known))
    problems.raise_all()
    return named


def login_kind(resolver: Resolver) -> type | None:
    """The class whose fields the settings under ``http.auth`` are; None if there are none.

    Raises:
        ConfigError: As ``kind_of``.
    """
    named = kind_of(resolver.section("http"), naming(resolver.place))
    return None if named is None else KINDS[named]


def read_login(resolver: Resolver, section: Mapping[str, Any], called: Called) -> Login | None:
    """The credentials that the settings under ``http`` hold; None if there are none.

    Args:
        resolver: Finds the settings; its redactor learns what is secret.
        section: The settings under ``http``, as the resolver gives them.
        called: How messages call one of them.

    Raises:
        ConfigError: Once, naming all that is missing, malformed or unknown, or that there is no host to send credentials to.
    """
    problems = Problems()
    login: Login | None = None
    with problems.collecting():
        named = kind_of(section, called)
        if named is None:
            return None
        login = Login(named, complete(resolver.at(PATH, KINDS[named]), resolver, called))
    with problems.collecting():
        if "base_url" not in section:
            raise ConfigError(f"{called('auth')} needs http.base_url", hint="credentials are sent to the host of base_url and to no other")
    with problems.collecting():
        if "@" in str(plain(section.get("base_url", ""))).partition("//")[2].partition("/")[0]:
            raise ConfigError(f"{called('base_url')} holds a login beside http.auth", hint="keep one of the two")
    problems.raise_all()
    return login


def complete(credentials: Any, resolver: Resolver, called: Called) -> Any:
    """*credentials*, those for AWS with what the environment has of them."""
    if not isinstance(credentials, AwsSignature):
        return credentials
    try:
        made = credentials.completed(os.environ)
    except ConfigError as error:
        raise ConfigError(f"{called('auth')}: {error.message}", hint=error.hint) from None
    for kept in (made.secret_access_key, made.session_token):
        if kept is not None:
            resolver.redactor.add(kept)
    return made
