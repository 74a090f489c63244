"""Single settings of the injected client: one reader for each, whose errors begin with a verb and repeat no value, which may hold a password."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any

from sinkkit.declaration.client import tls
from sinkkit.declaration.client.timeouts import STEPS, seconds
from sinkkit.errors import ConfigError
from sinkkit.settings.secret import Secret
from sinkkit.settings.values import units
from sinkkit.settings.values.texts import check_header_name

WORDS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def plain(value: Any) -> Any:
    """*value*, out of its ``Secret`` if it is in one."""
    return value.reveal() if isinstance(value, Secret) else value


def table(value: Any) -> Mapping[str, Any] | None:
    """*value* as a table: one as it is, or text that writes one as JSON; None if it is neither."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return value if isinstance(value, Mapping) else None


def _base_url(value: Any) -> str:
    import httpx

    try:
        url = httpx.URL(str(value).strip())
    except (httpx.InvalidURL, UnicodeError):
        url = httpx.URL("")
    if url.scheme not in {"http", "https"} or not url.host:
        raise ConfigError(
            "is not a URL with a host", hint='write for example base_url = "https://api.example.com/v2"'
        )
    return str(url)


def _texts(name: str, value: Any) -> dict[str, str]:
    found = table(value)
    if found is not None:
        found = {key: plain(one) for key, one in found.items()}
    if found is None or not all(isinstance(one, str | int | float) for one in found.values()):
        raise ConfigError(
            "is not a table of texts", hint=f'write [destination.NAME.http.{name}] and lines such as X-Team = "crm"'
        )
    return {str(key): str(one) for key, one in found.items()}


def _truth(value: Any) -> bool:
    known = WORDS.get(str(value).strip().lower())
    if known is None:
        raise ConfigError("is neither true nor false", hint="write true or false")
    return known


def _http2(value: Any) -> bool:
    wanted = _truth(value)
    if wanted and find_spec("h2") is None:
        raise ConfigError("needs the package h2", hint="install it with `pip install 'sinkkit[http2]'`, or leave http2 out")
    return wanted


def _verify(value: Any) -> bool | ssl.SSLContext:
    known = WORDS.get(str(value).strip().lower())
    return tls.authorities(str(value)) if known is None else known


def _proxy(value: Any) -> str:
    import httpx

    try:
        proxy = httpx.Proxy(str(value))
    except (ValueError, httpx.InvalidURL):
        raise ConfigError(
            "is not the URL of a proxy", hint='write for example proxy = "http://proxy.example.com:3128"'
        ) from None
    if proxy.url.scheme.startswith("socks") and find_spec("socksio") is None:
        raise ConfigError("needs the package socksio", hint="install it with `pip install 'httpx[socks]'`")
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigError("is not a text", hint="put it in quotes")
    return value


def _count(least: int, value: Any) -> int:
    digits = str(value).strip()
    if isinstance(value, bool) or not digits.isascii() or not digits.isdecimal() or int(digits) < least:
        raise ConfigError(f"is not a whole number of {least} or more", hint="write for example 4")
    return int(digits)


def _size(value: Any) -> int:
    try:
        size = 0 if isinstance(value, bool) else int(units.size(str(value)))
    except ConfigError:
        size = 0
    if size < 1:
        raise ConfigError("is not a number of bytes above 0", hint='write for example max_response_bytes = "64MiB"')
    return size


def _header_name(value: Any) -> str:
    check_header_name(str(value), "that")
    return str(value)


def _certificate(value: Any) -> Any:
    return tls.checked_certificate({"path": _text(value)})


READERS: Mapping[str, Callable[[Any], Any]] = {
    "base_url": _base_url,
    "headers": partial(_texts, "headers"),
    "params": partial(_texts, "params"),
    "timeout": seconds,
    "verify": _verify,
    "cert": _certificate,
    "proxy": _proxy,
    "http2": _http2,
    "trust_env": _truth,
    "limits": lambda _: _no_table(),
    "connect_retries": partial(_count, 0),
    "max_response_bytes": _size,
    "request_id_header": _header_name,
    "record": partial(_count, 0),
}
"""What the section may say, and how each is read; those with a line below may be tables too."""

TABLES: Mapping[str, Mapping[str, Callable[[Any], Any]]] = {
    "timeout": dict.fromkeys((*STEPS, "total"), seconds),
    "cert": {"path": _text, "key": _text, "password": str},
    "limits": {
        "max_connections": partial(_count, 1),
        "max_keepalive_connections": partial(_count, 0),
        "keepalive_expiry": seconds,
    },
}
"""Settings that are tables, and how each key is read."""


def _no_table() -> Any:
    raise ConfigError("is not a table", hint="write [destination.NAME.http.limits] and lines such as max_connections = 20")
