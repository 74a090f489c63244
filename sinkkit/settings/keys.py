"""Where a setting is looked for: sections, how they are written in the environment, and names that are not ours to take."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
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

SENSITIVE = re.compile(r"passw|secret|token|api_?key|authoriz|credential|cookie|private_?key", re.IGNORECASE)
"""Names whose values are masked even where nothing declares them secret."""


def sections(destination: str, pipeline: str | None) -> tuple[Path, ...]:
    """The sections in which a setting of *destination* may stand, most specific first; ``()`` is the top of a file."""
    own: tuple[Path, ...] = (("destination", destination), ("destination",), ())
    return (*((pipeline, *section) for section in own), *own) if pipeline else own


@lru_cache(maxsize=2048)
def variable(path: Path) -> str:
    """The environment variable for *path*: upper case, ``__`` between parts, ``_`` for what a shell cannot have in a name."""
    return "__".join(re.sub(r"\W", "_", part).upper() for part in path)


def is_system_name(name: str) -> bool:
    """Whether *name* is an environment variable that systems set themselves."""
    return name in SYSTEM_NAMES or name.startswith(SYSTEM_PREFIXES)


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of *names* that looks most like a misspelling of *name*, if any does."""
    import difflib  # an error is being written: nothing else needs it

    others: Collection[str] = sorted({other for other in names if other != name})
    return next(iter(difflib.get_close_matches(name, others, n=1, cutoff=0.75)), None)
