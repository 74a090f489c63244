"""A row that stands for any row: each field that the settings name holds a mark in the place of a value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

MARK = re.compile(r"sinkkit-field-(?P<name>[0-9a-f]*)-end")


def mark(name: str) -> str:
    """What stands for the value of the field *name*: text that survives wherever a value is put."""
    return f"sinkkit-field-{name.encode().hex()}-end"


def marked_row(names: Iterable[str]) -> dict[str, Any]:
    """A row with a mark for each of *names*, which are dotted paths."""
    row: dict[str, Any] = {}
    for name in sorted(names):
        *above, last = name.split(".")
        inner = row
        for part in above:
            held = inner.get(part)
            inner[part] = inner = held if isinstance(held, dict) else {}
        inner.setdefault(last, mark(name))
    return row


def unmarked(text: str) -> str:
    """*text* with ``{field}`` in the place of each mark."""
    return MARK.sub(lambda found: f"{{{bytes.fromhex(found['name']).decode()}}}", unquote(text))


def is_marked(value: Any) -> bool:
    """Whether *value* is, or holds, a mark."""
    if isinstance(value, str):
        return MARK.search(value) is not None
    if isinstance(value, dict):
        return any(is_marked(inner) for inner in value.values())
    return isinstance(value, list) and any(is_marked(inner) for inner in value)
