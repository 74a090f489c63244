"""Access tokens: asked for once for all workers, renewed before they expire, kept as long as they are good."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from sinkkit.clock import Clock
from sinkkit.declaration.client.auth.failed import Failure, NoToken, document, failure_of
from sinkkit.errors import ConfigError
from sinkkit.settings.credentials import OAuth2ClientCredentials, OAuth2RefreshToken
from sinkkit.settings.secret import Secret
from sinkkit.settings.values.texts import check_header

EARLY_SECONDS, EARLY_SHARE = 60.0, 0.1
"""How long before it expires a token is renewed: a minute, and no more than a tenth of its life."""

PATIENCE_SECONDS = 5.0
"""How long a token that is still good is used on after it could not be renewed, before that is tried again."""

Grant = OAuth2ClientCredentials | OAuth2RefreshToken

Post = Callable[[str, Mapping[str, str], Mapping[str, str]], tuple[int, Mapping[str, str], bytes]]
"""Posts a form: URL, form and headers to status, headers and body. Raises ``NoToken`` if there is no answer."""


@attrs.frozen
class Token:
    """An access token.

    Attributes:
        text: The token.
        renew_at: When to ask for the next one, on the clock.
        ends_at: When it is of no more use.
    """

    text: str = attrs.field(repr=False)
    renew_at: float
    ends_at: float


class Rotated:
    """Refresh tokens that took the place of those in config, as long as the process lives: many servers take each one only once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: dict[tuple[str, str, Secret[str]], Secret[str]] = {}

    def latest(self, grant: OAuth2RefreshToken) -> OAuth2RefreshToken:
        """*grant* with the refresh token that is good now."""
        with self._lock:
            return attrs.evolve(grant, refresh_token=self._latest.get(self._key(grant), grant.refresh_token))

    def keep(self, grant: OAuth2RefreshToken, refresh_token: str) -> None:
        """Use *refresh_token* from now on for what config says of *grant*."""
        with self._lock:
            self._latest[self._key(grant)] = Secret(refresh_token)

    @staticmethod
    def _key(grant: OAuth2RefreshToken) -> tuple[str, str, Secret[str]]:
        return grant.token_url, grant.client_id, grant.refresh_token


ROTATED = Rotated()
"""That of this process: a run that follows another one in it goes on with the token that the first was given."""


class Tokens:
    """The tokens of one destination; for any number of threads.

    Args:
        grant: What is shown to get one.
        post: How it is asked for.
        clock: Says when it is time to renew.
        learn: Is told each secret that the server gives.
        rotated: Keeps refresh tokens.
    """

    def __init__(
        self, grant: Grant, post: Post, *, clock: Clock, learn: Callable[[str], None] = lambda _: None, rotated: Rotated = ROTATED
    ) -> None:
        self._grant, self._post, self._clock, self._learn, self._rotated = grant, post, clock, learn, rotated
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._asked = 0
        self._failure: Failure | None = None

    def ready(self) -> Token | None:
        """The token, unless it is time for another one."""
        token = self._token
        return token if token is not None and self._clock.now() < token.renew_at else None

    def get(self) -> Token:
        """The token, asked for if need be; who comes while it is being asked for waits, and shares what comes of it.

        Raises:
            NoToken: If there is none.
        """
        asked = self._asked
        with self._lock:
            token = self.ready()
            if token is not None:
                return token
            if self._failure is not None and self._asked != asked:
                raise NoToken(self._failure)
            try:
                token = self._renewed()
            except NoToken as error:
                self._failure = error.failure
                raise
            finally:
                self._asked += 1
            self._token, self._failure = token, None
            return token

    def refused(self, token: Token) -> None:
        """Forget *token*, which an API did not take, unless it was replaced meanwhile."""
        with self._lock:
            if self._token is token:
                self._token = None

    def rehearsed(self) -> Tokens:
        """Others for requests that shall not be sent, which asks nobody: their token is a mask."""
        return Tokens(self._grant, lambda *_: (200, {}, b'{"access_token": "***"}'), clock=self._clock)

    def _renewed(self) -> Token:
        now, old = self._clock.now(), self._token
        try:
            return self._fetched(now)
        except NoToken as error:
            if error.failure.halting or old is None or self._clock.now() >= old.ends_at:
                raise
            return attrs.evolve(old, renew_at=min(self._clock.now() + PATIENCE_SECONDS, old.ends_at))

    def _fetched(self, now: float) -> Token:
        grant = self._rotated.latest(self._grant) if isinstance(self._grant, OAuth2RefreshToken) else self._grant
        status, headers, content = self._post(grant.token_url, grant.form(), grant.headers())
        failure = failure_of(status, headers, content, asked=grant.token_url, wall=self._clock.wall())
        if failure is not None:
            raise NoToken(failure)
        given = document(content)
        token = self._checked(grant, given)
        refresh = given.get("refresh_token")
        if isinstance(self._grant, OAuth2RefreshToken) and isinstance(refresh, str) and refresh:
            self._learn(refresh)
            self._rotated.keep(self._grant, refresh)
        life = seconds_of(given.get("expires_in"))
        return Token(token, now + life - min(EARLY_SECONDS, life * EARLY_SHARE) if math.isfinite(life) else life, now + life)

    def _checked(self, grant: Grant, given: Mapping[str, Any]) -> str:
        token = given.get("access_token")
        if not isinstance(token, str) or not token:
            raise NoToken(Failure(f"{grant.token_url} answered without an access_token"))
        self._learn(token)
        try:
            check_header(token, "the token")
        except ConfigError:
            raise NoToken(Failure(f"{grant.token_url} gave a token that no header can carry")) from None
        return token


def seconds_of(value: Any) -> float:
    """How long a token lives, from ``expires_in``, which some servers write as text; for ever if it says nothing."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return math.inf
    return seconds if seconds > 0 else math.inf
