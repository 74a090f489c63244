"""Where credentials may go: to the host of ``base_url`` and to no other, neither by a redirect nor because a function names another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from sinkkit.settings.keys import is_harmless, is_sensitive

BEGAN_AT = "sinkkit.began_at"
"""Among a request's extensions, where it was first sent: httpx hands them on when it follows a redirect."""

KEPT = frozenset({"content-length", "transfer-encoding", "date", "idempotency-key", "if-match", "if-none-match"})
"""Headers that go along with a redirect to another host, beside those known to be harmless: they belong to the request and prove nothing."""

PLAIN, ENCRYPTED = (b"http", None), (b"https", None)
"""Scheme and port of the usual two; httpx gives None for the usual port."""


@attrs.frozen
class Origin:
    """Scheme, host and port of a URL (RFC 6454)."""

    scheme: bytes
    host: bytes
    port: int | None

    @classmethod
    def of(cls, url: Any) -> Origin:
        """That of an ``httpx.URL``."""
        return cls(url.raw_scheme, url.raw_host, url.port)

    def covers(self, url: Any) -> bool:
        """Whether *url* is of this origin, or of the same host by ``https`` where this one is plain, both at their usual ports."""
        if url.raw_host != self.host:
            return False
        other = (url.raw_scheme, url.port)
        return other == (self.scheme, self.port) or ((self.scheme, self.port) == PLAIN and other == ENCRYPTED)


@attrs.frozen
class Private:
    """What of a client's headers and parameters may be a credential, by lower-case name and by name."""

    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    params: Mapping[str, str] = attrs.field(factory=dict, repr=False)

    @classmethod
    def among(cls, headers: Mapping[str, str], params: Mapping[str, str]) -> Private:
        """Those that are not known to be harmless."""
        return cls(
            {name.lower(): value for name, value in headers.items() if is_sensitive(f"http.headers.{name}")},
            {name: value for name, value in params.items() if is_sensitive(f"http.params.{name}")},
        )

    def take_off(self, request: Any) -> None:
        """Remove them from a *request* to another host; what the function itself put on it stays."""
        for name, value in self.headers.items():
            if request.headers.get(name) == value:
                del request.headers[name]
        for name, value in self.params.items():
            if request.url.params.get_list(name) == [value]:
                request.url = request.url.copy_remove_param(name)


def take_off_all(request: Any) -> None:
    """Remove from a *request* that follows a redirect to another host whatever may be a credential, whoever put it on."""
    for name in list(request.headers):
        if not is_harmless(name) and name.lower() not in KEPT:
            del request.headers[name]
