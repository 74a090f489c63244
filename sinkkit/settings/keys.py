"""Where a setting is looked for: sections, how they are written in the environment, and names that are not ours to take."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

Path: TypeAlias = tuple[str, ...]
"""A key as its parts: ``("destination", "crm", "api_key")``."""

SYSTEM_NAMES = frozenset(
    [
        "PATH",
        "HOME",
        "USER",
        "USERNAME",
        "LOGNAME",
        "LANG",
        "LANGUAGE",
        "SHELL",
        "PWD",
        "OLDPWD",
        "TERM",
        "TMPDIR",
        "TEMP",
        "TMP",
        "HOSTNAME",
        "HOSTTYPE",
        "OSTYPE",
        "MACHTYPE",
        "NAME",
        "SHLVL",
        "MAIL",
        "EDITOR",
        "VISUAL",
        "PAGER",
        "DISPLAY",
        "TZ",
        "COLUMNS",
        "LINES",
        "COLORTERM",
        "LS_COLORS",
        "TERM_PROGRAM",
        "UID",
        "EUID",
        "PPID",
        "IFS",
        "PS1",
        "PS2",
        "PS4",
        "CI",
        "MANPATH",
        "INFOPATH",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "VIRTUAL_ENV",
        "PYTHONPATH",
        "PYTHONHOME",
        "SSH_AUTH_SOCK",
        "SSH_CLIENT",
        "SSH_CONNECTION",
        "SSH_TTY",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "ALL_PROXY",
    ]
)
"""Environment variables that operating systems, shells and build services set for their own ends (POSIX.1-2017, XBD chapter 8, and common practice)."""

SYSTEM_PREFIXES = ("LC_", "XDG_")

SENSITIVE = re.compile(r"passw|secret|token(?![_-]ur[il]$)|api[_-]?key|authoriz|credential|cookie|private[_-]?key", re.IGNORECASE)
"""Names whose values are masked even where nothing declares them secret; where tokens are given out is none."""

HEADERS = re.compile(r"(?:.*[_-])?headers", re.IGNORECASE)
"""Names of tables of HTTP headers: an API may carry its key in a header of any name."""

REQUEST_TABLES = ("http.headers", "http.params")
"""Tables of the injected client whose values are masked, but for harmless names."""

HARMLESS = frozenset(
    [
        "accept",
        "accept-charset",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "connection",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-type",
        "dnt",
        "expect",
        "fields",
        "format",
        "from",
        "host",
        "keep-alive",
        "lang",
        "language",
        "limit",
        "locale",
        "origin",
        "page",
        "page-size",
        "per-page",
        "pragma",
        "prefer",
        "sort",
        "te",
        "timezone",
        "user-agent",
        "v",
        "version",
        "x-requested-with",
    ]
)
"""Headers (RFC 9110 and the registry of field names at IANA) and common parameters of requests that carry no secret; lower case, ``-`` for ``_``."""


def sections(destination: str, pipeline: str | None) -> tuple[Path, ...]:
    """The sections in which a setting of *destination* may stand, most specific first; ``()`` is the top of a file."""
    own: tuple[Path, ...] = (("destination", destination), ("destination",), ())
    return (*((pipeline, *section) for section in own), *own) if pipeline else own


@lru_cache(maxsize=2048)
def variable(path: Path) -> str:
    """The environment variable for *path*: upper case, ``__`` between parts, ``_`` for what a shell cannot have in a name."""
    return "__".join(re.sub(r"\W", "_", part).upper() for part in path)


def is_sensitive(name: str) -> bool:
    """Whether the dotted *name* says that its value is secret: by its last part, or as a header or parameter of requests that may carry a key."""
    parts = name.split(".")
    if SENSITIVE.search(parts[-1]):
        return True
    for end in range(1, len(parts)):
        params = parts[max(0, end - 2) : end] == ["http", "params"]
        if params or HEADERS.fullmatch(parts[end - 1]):
            return not is_harmless(".".join(parts[end:]))
    return False


def is_harmless(name: str) -> bool:
    """Whether the header or parameter *name* is known to carry no secret, as versions of an API do not."""
    plain = name.lower().replace("_", "-")
    return plain in HARMLESS or plain.endswith("-version")


def is_request_table(name: str) -> bool:
    """Whether the dotted *name* is that of the injected client's headers or parameters."""
    return any(name == table or name.endswith(f".{table}") for table in REQUEST_TABLES)


def is_system_name(name: str) -> bool:
    """Whether *name* is an environment variable that systems set themselves."""
    return name in SYSTEM_NAMES or name.startswith(SYSTEM_PREFIXES)


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of *names* that looks most like a misspelling of *name*, if any does; capitals and hyphens count for little."""
    import difflib  # an error is being written: nothing else needs it

    others = {other.lower().replace("-", "_"): other for other in sorted({other for other in names if other != name})}
    close = difflib.get_close_matches(name.lower().replace("-", "_"), others, n=1, cutoff=0.75)
    return others[close[0]] if close else None
