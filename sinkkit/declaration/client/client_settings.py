"""What ``[destination.NAME.http]`` says, read into the plan of a client; every problem is told at once."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from sinkkit.declaration.client.origin import Origin, Private
from sinkkit.declaration.client.plan import MOST_RESPONSE_BYTES, ClientPlan
from sinkkit.declaration.client.timeouts import limits_of
from sinkkit.declaration.client.tls import UnverifiedServerWarning, checked_certificate, context_for
from sinkkit.declaration.client.values import READERS, TABLES, plain, table
from sinkkit.declaration.options import suggestion
from sinkkit.declaration.problems import Problems
from sinkkit.errors import ConfigError
from sinkkit.settings.keys import Path as Keys
from sinkkit.settings.values.texts import check_header, check_header_name, text_of

SPARE_CONNECTIONS = 4
"""Connections beyond one a worker, so that a probe or a second request of a call does not wait for another worker's."""

HANDED_ON = ("base_url", "params", "proxy", "http2", "trust_env")
"""Settings that httpx takes as they are."""

Called = Callable[..., str]
"""How messages call a setting, given its key and those inside it: its name and where it stands."""


def client_plan(
    section: Mapping[str, Any], *, timeout: float | None, workers: int, where: Callable[[Keys], str] | None = None
) -> ClientPlan:
    """The plan of a client from the settings under ``http``.

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

    called = naming(where or (lambda _: ""))
    given = read_section(section, called)
    if given.get("verify") is False:
        warnings.warn(
            UnverifiedServerWarning(
                f"{called('verify')} is false: any server is believed to be the right one, and gets what is sent to it; "
                "for a server with a certificate of your own, give the path of the PEM file that it can be checked with"
            ),
            stacklevel=2,
        )
    headers, params = one_of_each(given.get("headers", {})), given.get("params", {})
    steps, whole = limits_of(given.get("timeout"), timeout)
    pool = {"max_connections": workers + SPARE_CONNECTIONS, "max_keepalive_connections": workers + SPARE_CONNECTIONS, **given.get("limits", {})}
    arguments = {
        **{name: given[name] for name in HANDED_ON if name in given},
        "headers": {"User-Agent": f"sinkkit/{version('sinkkit')}", **headers},
        "verify": context_for(given.get("verify", True), given.get("cert"), trust_env=given.get("trust_env", True)),
        "timeout": httpx.Timeout(**steps),
        "limits": httpx.Limits(**pool),
        "follow_redirects": False,
    }
    urls = [httpx.URL(given[name]) for name in ("base_url", "proxy") if name in given]
    return ClientPlan(
        arguments=arguments,
        whole=whole,
        connect_retries=given.get("connect_retries", 0),
        max_response_bytes=given.get("max_response_bytes", MOST_RESPONSE_BYTES),
        id_header=given.get("request_id_header"),
        record=given.get("record", 0),
        home=Origin.of(httpx.URL(given["base_url"])) if "base_url" in given else None,
        private=Private.among(headers, params),
        passwords=tuple(url.password for url in urls if url.password),
    )


def one_of_each(headers: Mapping[str, str]) -> dict[str, str]:
    """*headers*, each once: ``AUTHORIZATION`` of the environment is the ``Authorization`` of a file, and ``X_TEAM`` its ``X-Team``.

    The first value counts, which is that of the most specific place, under the last spelling, which is that of a file.
    """
    spelt = {name.lower().replace("_", "-"): name for name in headers}
    values: dict[str, str] = {}
    for name, value in headers.items():
        values.setdefault(spelt[name.lower().replace("_", "-")], value)
    return values


def naming(where: Callable[[Keys], str]) -> Called:
    """How messages call a setting: by its name with dots, and where it stands if *where* knows."""

    def called(*keys: str) -> str:
        place = where(("http", *keys))
        return f"http.{'.'.join(keys)}{f' ({place})' if place else ''}"

    return called


def read_section(section: Mapping[str, Any], called: Called) -> dict[str, Any]:
    """The settings as values.

    Args:
        section: As for ``client_plan``.
        called: How messages call a setting.

    Raises:
        ConfigError: As there.
    """
    problems = Problems()
    given: dict[str, Any] = {}
    for name, value in section.items():
        if name == "auth":  # whose keys depend on its type: see the room of that name
            continue
        with problems.collecting():
            if name not in READERS:
                raise ConfigError(_unknown(name, called), hint=suggestion(name, [*READERS, "auth"]))
            found = table(plain(value)) if name in TABLES else None
            given[name] = _read(READERS[name], plain(value), called, name) if found is None else _table(name, found, called)
    entries = [(kind, *entry) for kind in ("headers", "params") for entry in given.get(kind, {}).items()]
    for kind, name, text in entries:
        with problems.collecting():
            check_entry(kind, name, text, called)
    problems.raise_all()
    return given


def _unknown(name: str, called: Called) -> str:
    place = called(name).removeprefix(f"http.{name}")
    return f"the HTTP client has no setting {name!r}{place}"


def _read(reader: Callable[[Any], Any], value: Any, called: Called, *keys: str) -> Any:
    try:
        return reader(value)
    except ConfigError as error:
        raise ConfigError(f"{called(*keys)} {error.message}", hint=error.hint) from error.__cause__


def _table(name: str, found: Mapping[str, Any], called: Called) -> dict[str, Any]:
    """A setting that is a table, each key read."""
    problems = Problems()
    values: dict[str, Any] = {}
    for key, value in found.items():
        with problems.collecting():
            if key not in TABLES[name]:
                raise ConfigError(f"{called(name, key)} is no setting", hint=suggestion(str(key), TABLES[name]))
            values[key] = _read(TABLES[name][key], plain(value), called, name, key)
    problems.raise_all()
    if name == "cert":
        _read(checked_certificate, values, called, name)
    return values


def check_entry(kind: str, name: str, text: str, called: Called) -> None:
    """Refuse a header or parameter that no request can carry.

    Args:
        kind: ``headers`` or ``params``.
        name: Its name.
        text: Its value.
        called: How messages call a setting.

    Raises:
        ConfigError: If a name or value holds characters that cannot be sent.
    """
    if kind == "headers":
        check_header_name(name, f"a key of {called(kind)}")
        check_header(text, called(kind, name))
    else:
        text_of(name, f"a key of {called(kind)}")
        text_of(text, called(kind, name))


MEANINGS: Mapping[str, tuple[str, str]] = {
    "base_url": ("a URL", "what paths of requests are put behind; credentials go to its host alone"),
    "headers": ("a table of text", "headers of every request; ``User-Agent`` is sinkkit's unless given here"),
    "params": ("a table of text", "parameters that every URL gets"),
    "timeout": (
        "a duration such as 90s, 5m or 1h30m, or a table",
        "seconds for a request as a whole and each of its steps, or ``connect``, ``read``, ``write``, ``pool`` and ``total``; the destination's own goes before a number and cuts down a table; else 60",
    ),
    "verify": (
        "true or false, or a path",
        "whether certificates are checked; or a PEM file, or a folder of such, to check them with; ``false`` is warned of",
    ),
    "cert": ("a path, or a table", "the client's own certificate, a PEM file; as a table ``path``, ``key`` and ``password``"),
    "proxy": ("a URL", "the proxy for all requests"),
    "http2": ("true or false", "HTTP/2, with the extra ``http2``"),
    "trust_env": ("true or false", "whether ``HTTP_PROXY``, ``NO_PROXY``, ``SSL_CERT_FILE`` and the like count"),
    "limits": (
        "a table",
        "``max_connections`` and ``max_keepalive_connections``, by default four more than there are workers, and ``keepalive_expiry`` in seconds, 5",
    ),
    "connect_retries": ("a whole number", "further tries to connect, within the same call; 0: the destination's ``retry`` sees to it"),
    "max_response_bytes": ("a size such as 64MiB", "bytes of an answer that are read, decoded; 64 MiB. A larger one ends the run, unless it tells of a failure"),
    "request_id_header": ("text", "a header such as ``X-Request-Id`` that gets an id of each request: the batch's key, the attempt, and which request of the call it is"),
    "record": ("a whole number", "how many of the last requests that succeeded are kept, with their answers, for ``sinkkit inspect``; 0. The last 100 that failed always are"),
}
"""Each of these settings for people: what is written, and what it does."""
