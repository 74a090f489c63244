"""What a command comes back with, and the exit statuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

DONE = 0
NOT_EVERYTHING = 1
"""Rows stayed pending or unknown, or were rejected; or a check found problems; or something unforeseen happened."""

WRONG_USE = 2
LOCKED = 3
DATA_NOT_TAKEN = 4
INTERRUPTED = 130
"""128 + SIGINT, as shells count."""


@attrs.frozen(kw_only=True)
class Answer:
    """What a command found or did; the program shows it for people or as JSON.

    Attributes:
        status: The exit status.
        document: The same for programs, as ``--json`` writes it.
        shown: What people see on standard output: text, or anything that rich can show.
        said: Lines for standard error.
    """

    status: int = DONE
    document: Mapping[str, Any]
    shown: tuple[Any, ...] = ()
    said: tuple[str, ...] = ()
