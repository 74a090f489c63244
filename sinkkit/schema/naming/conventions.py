"""The naming conventions that come with sinkkit; their names and rules are those of dlt 1.31, whose users find their tables again.

Where dlt's own are not idempotent or leave their alphabet, these do not follow: ``snake_case`` and ``sql_*`` take only ASCII digits for digits, and
a name of underscores alone stays one underscore in ``sql_*``. ``direct`` hands names out as they are, and its paths are separated as all others are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

import attrs

SEPARATOR = "__"
"""What stands between the parts of a path: a table and a list in it, a column and a value in it."""

STRANGE = re.compile(r"[^a-zA-Z0-9_]+")
RUNS = re.compile(r"__+")
WORD_BEGINS = re.compile(r"([^_])([A-Z][a-z]+)")
CAPITAL_BEGINS = re.compile(r"([a-z0-9])([A-Z])")

MEANT = str.maketrans("+-*@|", "x_xal")
"""Characters for which ``snake_case`` has letters."""

UNQUOTABLE = str.maketrans('\n\r"', "___")
"""Characters that cannot stand in a quoted name, and what ``duck_case`` puts in their place."""


class NamingConvention(Protocol):
    """What a naming convention of your own has to have: one method; a class is called without arguments first.

    ``max_length`` and ``PATH_SEPARATOR`` are heeded where they are there.
    """

    def normalize_identifier(self, identifier: str) -> str:
        """The name that stands for *identifier*, one part of a path; the same again for what it gave."""


@attrs.frozen
class Convention:
    """A naming convention; two are one if they are called alike.

    Attributes:
        name: What it is called in settings and manifests.
        identifier: A part of a path to what stands for it.
        separator: What stands between the parts.
        max_length: Characters of a whole name, at most; None: what the destination can take.
        reads_paths: Whether the name of a table that holds separators is taken for a path.
    """

    name: str
    identifier: Callable[[str], str] = attrs.field(eq=False, repr=False)
    separator: str = SEPARATOR
    max_length: int | None = None
    reads_paths: bool = attrs.field(default=True, eq=False)


def snake_case(name: str) -> str:
    """Words in lower case with underscores between them: ``userID2`` becomes ``user_id2``, ``Name!`` ``namex``, ``1st`` ``_1st``."""
    text = STRANGE.sub("_", name.strip().translate(MEANT))
    text = CAPITAL_BEGINS.sub(r"\1_\2", WORD_BEGINS.sub(r"\1_\2", text)).lower()
    text = _after_digit(text)
    kept = text.rstrip("_")
    return RUNS.sub("_", kept + "x" * (len(text) - len(kept)))


def duck_case(name: str) -> str:
    """As it is, but for blanks around it, line ends, double quotes and repeated underscores."""
    return RUNS.sub("_", name.strip().translate(UNQUOTABLE))


def sql_cs(name: str) -> str:
    """ASCII letters, digits and single underscores, none at the end, the case as it is."""
    text = RUNS.sub("_", _after_digit(STRANGE.sub("_", name.strip())))
    return text.rstrip("_") or text


def sql_ci(name: str) -> str:
    """As ``sql_cs``, in lower case."""
    return sql_cs(name).lower()


def _after_digit(text: str) -> str:
    return f"_{text}" if text[:1].isdigit() else text


DIRECT = Convention("direct", str.__str__, reads_paths=False)

CONVENTIONS: Mapping[str, Convention] = MappingProxyType({
    "direct": DIRECT,
    "snake_case": Convention("snake_case", snake_case),
    "duck_case": Convention("duck_case", duck_case),
    "sql_cs_v1": Convention("sql_cs_v1", sql_cs),
    "sql_ci_v1": Convention("sql_ci_v1", sql_ci),
})
"""The conventions by their names."""
