"""Texts with fields in them: ``{first} {last}``."""

from __future__ import annotations

import string
from typing import Any

import attrs

from sinkkit.errors import ConfigError
from sinkkit.schema.mapping.casts import cast_to
from sinkkit.schema.mapping.paths import ABSENT, Parts, Unmappable, follow, read_path, shown

HINT = 'write "{first} {last}"; "{last|unknown}" says what stands for a null, {{ and }} are braces'

as_text = cast_to("text")


@attrs.frozen
class Field:
    """A place in a template.

    Attributes:
        before: The text before it.
        parts: What it takes; empty: nothing, the template ends with *before*.
        spec: How it is formatted, as in Python's ``format``; empty: as ``cast="text"`` does.
        instead: What stands for a null or for what is missing; None: nothing does.
    """

    before: str
    parts: Parts = ()
    spec: str = ""
    instead: str | None = None


@attrs.frozen
class Template:
    """A text with fields in it.

    Attributes:
        text: As it was written.
        fields: Its pieces.
    """

    text: str
    fields: tuple[Field, ...]

    def fill(self, row: Any) -> Any:
        """The text for *row*; null if a field is, ``ABSENT`` if one is missing, unless something stands for it.

        Raises:
            Unmappable: If a value cannot be put into it.
        """
        pieces: list[str] = []
        gone: list[Any] = []
        for field in self.fields:
            pieces.append(field.before)
            value = follow(row, field.parts) if field.parts else ""
            if value is ABSENT or value is None:
                pieces.append(field.instead or "")
                gone += [] if field.instead is not None else [value]
            elif type(value) is str and not field.spec:
                pieces.append(value)
            elif field.parts:
                pieces.append(formatted(value, field))
        if gone:
            return ABSENT if ABSENT in gone else None
        return "".join(pieces)


def formatted(value: Any, field: Field) -> str:
    """*value* as text in the way of *field*.

    Raises:
        Unmappable: If it has no such form.
    """
    try:
        return format(value, field.spec) if field.spec else str(as_text(value))
    except Unmappable as error:
        raise Unmappable(f"{shown(field.parts)!r}: {error.reason}") from None
    except (TypeError, ValueError):
        reason = f"the value of {shown(field.parts)!r}, of type {type(value).__name__}, cannot be formatted as {field.spec!r}"
        raise Unmappable(reason) from None


def read_template(given: Any, where: str) -> Template:
    """A template from its text.

    Args:
        given: What the user wrote.
        where: What errors call it.

    Raises:
        ConfigError: If it is none.
    """
    if not isinstance(given, str):
        raise ConfigError(f"{where} has a template that is a {type(given).__name__}", hint=HINT)
    try:
        pieces = list(string.Formatter().parse(given))
    except ValueError as error:
        raise ConfigError(f"{where} has the template {given!r}, which cannot be read: {error}", hint=HINT) from None
    fields = []
    for before, name, spec, conversion in pieces:
        if conversion or "{" in (spec or ""):
            raise ConfigError(f"{where} has the template {given!r}: a field is a path and at most a format", hint=HINT)
        path, bar, instead = (name or "").partition("|")
        parts = () if name is None else read_path(path, where)
        fields.append(Field(before, parts, spec or "", instead if bar else None))
    return Template(given, tuple(fields))
