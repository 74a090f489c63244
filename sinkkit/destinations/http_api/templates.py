"""Texts with ``{field}`` in them, and tables of such texts: read once, then filled from each row.

``{a.b}`` is what stands at that place of the row. A text that is one placeholder and nothing else gives the value as it
is; in any other text it is written as text. ``{row}`` is the whole row, ``{*}`` those of its fields that no other
template names. ``{a:json}``, ``{a:base64}`` and ``{a:text}`` give the value as text of that form. ``{{`` and ``}}`` stand for braces.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import attrs

from sinkkit import to_json
from sinkkit.destinations.http_api.places import MISSING, find
from sinkkit.errors import ConfigError, Reject

PARTS = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")

WHOLE_ROW, THE_REST = "row", "*"
"""Placeholders for the whole row, and for the fields that no other template names."""

TEXTUAL = (str, int, float, Decimal, UUID, date, time)
"""What can stand inside a text; a date is written as ISO 8601, ``True`` as ``true``."""

FORMS = ("text", "json", "base64")
"""What may stand behind a colon: the value is written as text, in this form."""

Fill: TypeAlias = Callable[[Mapping[str, Any]], Any]


class CannotFill(Exception):
    """A row that does not have what a template needs; its text is the reason for which the row is rejected."""


@attrs.frozen
class Template:
    """One text, read.

    Attributes:
        text: As it was written.
        parts: Texts, and at every second place the name of a field.
        forms: The form of each field, one of ``FORMS``; empty: as it is.
    """

    text: str
    parts: tuple[str, ...]
    forms: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The fields it names."""
        return self.parts[1::2]

    @property
    def alone(self) -> str | None:
        """The field, where the text is one placeholder and nothing else."""
        return self.parts[1] if len(self.parts) == len(("", "field", "")) and not (self.parts[0] or self.parts[2]) else None

    def written(self, row: Mapping[str, Any]) -> str:
        """The text for *row*.

        Raises:
            CannotFill: If a field is missing, null, or nothing that can be written as text.
        """
        if len(self.parts) == 1:
            return self.parts[0]
        return "".join(text_at(row, part, self.forms[at // 2]) if at % 2 else part for at, part in enumerate(self.parts))


def read(text: str, where: str) -> Template:
    """The template that *text*, found at *where*, writes.

    Raises:
        ConfigError: If braces do not belong together.
    """
    parts, forms, at = [""], [], 0
    for found in PARTS.finditer(text):
        parts[-1] += text[at : found.start()]
        at = found.end()
        if found[0] in ("{{", "}}"):
            parts[-1] += found[0][0]
        elif found[1] is None or not found[1].strip():
            raise ConfigError(f"{where} has a brace that opens or closes nothing: {text!r}", hint="write {field}, or {{ and }} for braces themselves")
        else:
            name, colon, form = (part.strip() for part in found[1].rpartition(":"))
            known = bool(colon and name) and form in FORMS
            parts += [name if known else found[1].strip(), ""]
            forms.append(form if known else "")
    parts[-1] += text[at:]
    return Template(text, tuple(parts), tuple(forms))


def text_at(row: Mapping[str, Any], name: str, form: str) -> str:
    """The field *name* of *row* as text, in *form*.

    Raises:
        CannotFill: If it is missing, null, or nothing that can be written as text.
    """
    value = row if form and name == WHOLE_ROW else find(row, name)
    if value is MISSING or value is None:
        raise CannotFill(f"the field {name!r} is {'missing' if value is MISSING else 'null'}")
    return formed(value, form, name)


def formed(value: Any, form: str, name: str) -> str:
    """*value*, that of the field *name*, as text in *form*; base64 is that of bytes, of a text in UTF-8, or of the JSON of anything else.

    Raises:
        CannotFill: If it has no such form.
    """
    if form not in ("json", "base64"):
        return as_text(value, name)
    try:
        if form == "json":
            return to_json(value).decode()
        plain = value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else to_json(value)
    except Reject as error:
        raise CannotFill(error.message) from None
    return base64.b64encode(plain).decode()


def as_text(value: Any, name: str) -> str:
    """*value*, that of the field *name*, as text.

    Raises:
        CannotFill: If it is a list, a table, bytes or the like.
    """
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, TEXTUAL):
        raise CannotFill(f"the field {name!r} is a {type(value).__name__}, which cannot be written into a text")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def templates_in(data: Any, where: str) -> Iterator[Template]:
    """Every template in a table or list of them.

    Raises:
        ConfigError: As for ``read``.
    """
    if isinstance(data, str):
        yield read(data, where)
    elif isinstance(data, Mapping):
        for key, value in data.items():
            yield from templates_in(value, f"{where}.{key}")
    elif isinstance(data, list | tuple):
        for index, value in enumerate(data):
            yield from templates_in(value, f"{where}[{index}]")


def filler(data: Any, where: str, taken: frozenset[str], *, drop_nulls: bool) -> Fill:
    """What makes of a row the table, list or value that *data* describes.

    Args:
        data: Tables and lists of templates and constants.
        where: How messages call it.
        taken: Fields that ``{*}`` leaves out.
        drop_nulls: Whether keys whose value is null, or whose field is missing, are left out; else such fields are null.
    """
    if isinstance(data, str):
        return _value(read(data, where), taken, drop_nulls=drop_nulls)
    if isinstance(data, Mapping):
        below = {str(key): filler(value, f"{where}.{key}", taken, drop_nulls=drop_nulls) for key, value in data.items()}
        if drop_nulls:
            return lambda row: {key: value for key, fill in below.items() if (value := fill(row)) is not None}
        return lambda row: {key: fill(row) for key, fill in below.items()}
    if isinstance(data, list | tuple):
        items = [filler(value, f"{where}[{index}]", taken, drop_nulls=drop_nulls) for index, value in enumerate(data)]
        return lambda row: [fill(row) for fill in items]
    return lambda _: data


def _value(template: Template, taken: frozenset[str], *, drop_nulls: bool) -> Fill:
    alone = template.alone
    if alone is None:
        return template.written
    [form] = template.forms
    fill = _plain(alone, taken, drop_nulls=drop_nulls)
    return fill if not form else lambda row: None if (value := fill(row)) is None else formed(value, form, alone)


def _plain(alone: str, taken: frozenset[str], *, drop_nulls: bool) -> Fill:
    if alone in (WHOLE_ROW, THE_REST):
        left_out = taken if alone == THE_REST else frozenset()
        return lambda row: {name: value for name, value in row.items() if name not in left_out and not (drop_nulls and value is None)}
    return lambda row: None if (value := find(row, alone)) is MISSING else value
