"""What ``[destination.NAME.http]`` says, read into arguments of an httpx client; every problem is told at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sinkkit.declaration.options import suggestion
from sinkkit.declaration.problems import Problems
from sinkkit.errors import ConfigError
from sinkkit.settings.keys import Path as Keys
from sinkkit.settings.secret import Secret
from sinkkit.settings.values import units
from sinkkit.settings.values.texts import check_header, check_header_name, text_of

DEFAULT_TIMEOUT_SECONDS = 60.0
"""For a destination without ``timeout``: long enough for slow bulk endpoints, short enough to notice a dead one."""

SPARE_CONNECTIONS = 4
"""Connections beyond one a worker, so that a probe or a second request of a call does not wait for another worker's."""


def client_arguments(
    section: Mapping[str, Any], *, timeout: float | None, workers: int, where: Callable[[Keys], str] | None = None
) -> dict[str, Any]:
    """Arguments for ``httpx.Client`` and ``httpx.AsyncClient`` from the settings under ``http``.

    Args:
        section: The settings, by the names of httpx; values may be text.
        timeout: Seconds, the destination's own; goes before that of the section.
        workers: Calls at once.
        where: What tells the exact key and provider of a setting, as ``("http", "timeout")``; None: messages name no place.

    Raises:
        ConfigError: Once, naming each setting that is unknown or impossible, and where it stands. No value is repeated: it may hold a password.
    """
    from importlib.metadata import version

    import httpx

    given = read_section(section, where or (lambda _: ""))
    headers = {"User-Agent": f"sinkkit/{version('sinkkit')}", **given.pop("headers", {})}
    seconds = given.pop("timeout", DEFAULT_TIMEOUT_SECONDS)
    limits = httpx.Limits(max_connections=workers + SPARE_CONNECTIONS, max_keepalive_connections=workers + SPARE_CONNECTIONS)
    return {
        **given,
        "headers": headers,
        "timeout": seconds if timeout is None else timeout,
        "limits": limits,
        "follow_redirects": False,
    }


def read_section(section: Mapping[str, Any], where: Callable[[Keys], str]) -> dict[str, Any]:
    """The settings as values for httpx.

    Args:
        section: As for ``client_arguments``.
        where: As there.

    Raises:
        ConfigError: As there.
    """

    def called(*keys: str) -> str:
        place = where(("http", *keys))
        return f"http.{'.'.join(keys)}{f' ({place})' if place else ''}"

    problems = Problems()
    given: dict[str, Any] = {}
    for name, value in section.items():
        with problems.collecting():
            if name not in READERS:
                place = where(("http", name))
                text = f"the HTTP client has no setting {name!r}{f' ({place})' if place else ''}"
                raise ConfigError(text, hint=suggestion(name, READERS))
            try:
                given[name] = READERS[name](value.reveal() if isinstance(value, Secret) else value)
            except ConfigError as error:
                raise ConfigError(f"{called(name)} {error.message}", hint=error.hint) from error.__cause__
    entries = [(table, *entry) for table in ("headers", "params") for entry in given.get(table, {}).items()]
    for table, name, text in entries:
        with problems.collecting():
            check_entry(table, name, text, called)
    problems.raise_all()
    return given


def check_entry(table: str, name: str, text: str, called: Callable[..., str]) -> None:
    """Refuse a header or parameter that no request can carry.

    Args:
        table: ``headers`` or ``params``.
        name: Its name.
        text: Its value.
        called: How messages call a setting.

    Raises:
        ConfigError: If a name or value holds characters that cannot be sent.
    """
    if table == "headers":
        check_header_name(name, f"a key of {called(table)}")
        check_header(text, called(table, name))
    else:
        text_of(name, f"a key of {called(table)}")
        text_of(text, called(table, name))


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
    import json

    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if isinstance(value, Mapping):
        value = {key: one.reveal() if isinstance(one, Secret) else one for key, one in value.items()}
    plain = isinstance(value, Mapping) and all(isinstance(one, str | int | float) for one in value.values())
    if not isinstance(value, Mapping) or not plain:
        raise ConfigError(
            "is not a table of texts", hint=f'write [destination.NAME.http.{name}] and lines such as X-Team = "crm"'
        )
    return {str(key): str(one) for key, one in value.items()}


def _seconds(value: Any) -> float:
    try:
        seconds = units.seconds(value) if isinstance(value, str) else float(value)
    except (TypeError, ValueError, ConfigError):
        seconds = 0.0
    if not seconds > 0:
        raise ConfigError("is not a number of seconds above 0", hint='write for example timeout = 30, or timeout = "2m"')
    return seconds


WORDS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def _truth(value: Any) -> bool:
    known = WORDS.get(str(value).strip().lower())
    if known is None:
        raise ConfigError("is neither true nor false", hint="write true or false")
    return known


def _http2(value: Any) -> bool:
    wanted = _truth(value)
    if wanted and find_spec("h2") is None:
        raise ConfigError(
            "needs the package h2", hint="install it with `pip install 'httpx[http2]'`, or leave http2 out"
        )
    return wanted


def _verify(value: Any) -> Any:
    known = WORDS.get(str(value).strip().lower())
    if known is not None:
        return known
    if not str(value).strip():  # an empty path would be the current folder
        raise ConfigError("is empty, and neither true nor false nor a file of certificates", hint="write true, or the path of a PEM file")
    import ssl

    path = Path(str(value)).expanduser()
    try:
        folder = path.is_dir()
        return ssl.create_default_context(cafile=None if folder else str(path), capath=str(path) if folder else None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"is neither true nor false nor a file of certificates ({error})",
            hint="write true, or the path of a PEM file",
        ) from error


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


def passwords_in(arguments: Mapping[str, Any]) -> list[str]:
    """Passwords that stand inside URLs of a client's arguments: httpx repeats URLs in its errors."""
    import httpx

    urls = [httpx.URL(arguments[name]) for name in ("base_url", "proxy") if name in arguments]
    return [url.password for url in urls if url.password]


READERS: Mapping[str, Callable[[Any], Any]] = {
    "base_url": _base_url,
    "headers": partial(_texts, "headers"),
    "params": partial(_texts, "params"),
    "timeout": _seconds,
    "verify": _verify,
    "proxy": _proxy,
    "http2": _http2,
    "trust_env": _truth,
}
"""What the section may say, by the names of httpx, and how each is read."""

MEANINGS: Mapping[str, tuple[str, str]] = {
    "base_url": ("a URL", "what paths of requests are put behind"),
    "headers": ("a table of text", "headers of every request; ``User-Agent`` is sinkkit's unless given here"),
    "params": ("a table of text", "parameters that every URL gets"),
    "timeout": ("a duration such as 90s, 5m or 1h30m", "seconds for each step of a request; the destination's own ``timeout`` goes before it; without either, 60"),
    "verify": ("true or false, or a path", "whether certificates are checked; or a PEM file, or a folder of such, to check them with"),
    "proxy": ("a URL", "the proxy for all requests"),
    "http2": ("true or false", "HTTP/2, with the package h2"),
    "trust_env": ("true or false", "whether ``HTTP_PROXY``, ``.netrc`` and the like count"),
}
"""Each of these settings for people: what is written, and what it does."""
