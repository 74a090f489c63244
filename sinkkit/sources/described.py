"""What data is, in words, for the records of a load: its kind and name, never what is in it."""

from __future__ import annotations

import inspect
from functools import partial
from types import AsyncGeneratorType, FunctionType, GeneratorType, MethodType
from typing import Any

from sinkkit.sources.files import FileSource
from sinkkit.sources.grouping import Group
from sinkkit.sources.pages import Source
from sinkkit.sources.resource import Resource

MOST_NAMED = 5
"""Sources of a list that are named; the rest is counted."""

LONGEST = 500
"""Characters of a description."""


def described(data: Any) -> str:
    """What *data* is: ``files data/*.csv``, ``resource contacts``, ``generator contacts``, ``pyarrow.Table``, ``list``.

    Nothing is read or called, and no value and no argument is told, as both may be secret.
    """
    text = _described(data)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 4]} ..."


def _described(data: Any) -> str:
    if isinstance(data, Resource):
        return f"resource {data.name}"
    if isinstance(data, Group):
        return f"source {data.name}"
    if isinstance(data, FileSource):
        return f"files {', '.join(data.patterns)}"
    if isinstance(data, Source):
        return str(data.label)
    if isinstance(data, list | tuple) and data and all(isinstance(one, (Source, *NAMED)) for one in data):
        more = f" and {len(data) - MOST_NAMED} more" if len(data) > MOST_NAMED else ""
        return ", ".join(_described(one) for one in data[:MOST_NAMED]) + more
    return _named(data) or _kind(type(data))


NAMED: tuple[type, ...] = (GeneratorType, AsyncGeneratorType, FunctionType, MethodType, partial)


def _named(data: Any) -> str | None:
    """The kind and name of what runs code of the user's; None if *data* does not."""
    if isinstance(data, partial):
        return _named(data.func)
    kinds = {GeneratorType: "generator", AsyncGeneratorType: "generator", FunctionType: "function", MethodType: "function"}
    word = "coroutine" if inspect.iscoroutine(data) else next((word for kind, word in kinds.items() if isinstance(data, kind)), None)
    if word is None:
        return None
    name = str(getattr(data, "__name__", ""))
    return f"{word} {name}" if name.isidentifier() else word  # not "<lambda>" and "<genexpr>"


def _kind(kind: type) -> str:
    """A class, as its users call it."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"
