"""Credentials as httpx takes them: each puts itself on requests to its own host, and on no other."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from hashlib import sha256
from typing import Any

import httpx

from sinkkit.clock import Clock
from sinkkit.declaration.client.auth.body_hmac import hmac_headers
from sinkkit.declaration.client.auth.failed import NoToken, raised
from sinkkit.declaration.client.auth.login import Login
from sinkkit.declaration.client.auth.sigv4 import Signed, signing_headers
from sinkkit.declaration.client.auth.tokens import Token, Tokens
from sinkkit.declaration.client.origin import Origin
from sinkkit.declaration.coroutines import in_daemon
from sinkkit.settings.credentials import ApiKey, AwsSignature, HmacSignature

UNAUTHORIZED = 401

Flow = Generator[httpx.Request, httpx.Response, None]

Sign = Callable[[httpx.Request], Mapping[str, str]]
"""What signs a request whose body was read: the headers to add."""


class FixedAuth(httpx.Auth):
    """The same headers or parameters on every request."""

    def __init__(self, home: Origin, headers: Mapping[str, str], params: Mapping[str, str]) -> None:
        self.home, self.headers, self.params = home, headers, params

    def auth_flow(self, request: httpx.Request) -> Flow:
        """Put them on *request*."""
        if self.home.covers(request.url):
            request.headers.update(self.headers)
            if self.params:
                request.url = request.url.copy_merge_params(self.params)
        yield request


class DigestAuth(httpx.DigestAuth):
    """User name and password without showing the password (RFC 7616)."""

    def __init__(self, home: Origin, username: str, password: str) -> None:
        super().__init__(username, password)
        self.home = home

    def auth_flow(self, request: httpx.Request) -> Flow:
        """Answer the server's challenge."""
        if self.home.covers(request.url):
            yield from super().auth_flow(request)
        else:
            yield request


class SigningAuth(httpx.Auth):
    """A signature of each request, body included."""

    requires_request_body = True

    def __init__(self, home: Origin, sign: Sign) -> None:
        self.home, self.sign = home, sign

    def auth_flow(self, request: httpx.Request) -> Flow:
        """Sign *request*."""
        if self.home.covers(request.url):
            request.headers.update(self.sign(request))
        yield request


class TokenAuth(httpx.Auth):
    """A token that is asked for, and asked for once more if the API does not take it."""

    def __init__(self, home: Origin, tokens: Tokens) -> None:
        self.home, self.tokens = home, tokens

    def sync_auth_flow(self, request: httpx.Request) -> Flow:
        """Show the token; in threads."""
        if not self.home.covers(request.url):
            yield request
            return
        token = self._shown(request, self._token())
        response = yield request
        if self._refused(token, request, response):
            self._shown(request, self._token())
            yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Show the token; in coroutines, which wait for one beside the loop."""
        if not self.home.covers(request.url):
            yield request
            return
        token = self._shown(request, await self._token_beside())
        response = yield request
        if self._refused(token, request, response):
            self._shown(request, await self._token_beside())
            yield request

    def _token(self) -> Token:
        try:
            return self.tokens.ready() or self.tokens.get()
        except NoToken as error:
            raise raised(error.failure) from error

    async def _token_beside(self) -> Token:
        try:
            token = self.tokens.ready()
            return token if token is not None else await in_daemon(self.tokens.get)
        except NoToken as error:
            raise raised(error.failure) from error

    @staticmethod
    def _shown(request: httpx.Request, token: Token) -> Token:
        request.headers["Authorization"] = f"Bearer {token.text}"
        return token

    def _refused(self, token: Token, request: httpx.Request, response: httpx.Response) -> bool:
        """Whether another token is worth a try, which needs a body that can be sent again."""
        if response.status_code != UNAUTHORIZED or not self.home.covers(response.request.url):
            return False
        self.tokens.refused(token)
        return isinstance(request.stream, httpx.ByteStream)


def auth_for(login: Login, home: Origin, clock: Clock, tokens: Tokens | None) -> httpx.Auth:
    """What httpx is given for *login*.

    Args:
        login: The credentials.
        home: Where they may go.
        clock: Says when a request is signed.
        tokens: Those of the destination, if the login is for such.
    """
    given: Any = login.credentials
    if tokens is not None:
        return TokenAuth(home, tokens)
    if login.type == "digest":
        return DigestAuth(home, given.username, given.password.reveal())
    if isinstance(given, AwsSignature):
        return SigningAuth(home, lambda request: aws_headers(given, request, clock.wall()))
    if isinstance(given, HmacSignature):
        return SigningAuth(home, lambda request: hmac_headers(given, request.method, request.url.raw_path.decode(), request.content, clock.wall()))
    return FixedAuth(home, given.headers(), given.params() if isinstance(given, ApiKey) else {})


def aws_headers(keys: AwsSignature, request: httpx.Request, wall: float) -> dict[str, str]:
    """The headers that sign *request*; a space in its query is written as AWS reads it, not as ``+``."""
    if b"+" in request.url.query:
        request.url = request.url.copy_with(query=request.url.query.replace(b"+", b"%20"))
    path, _, query = request.url.raw_path.decode().partition("?")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return signing_headers(keys, Signed(request.method, path, query, headers, sha256(request.content).hexdigest()), wall)
