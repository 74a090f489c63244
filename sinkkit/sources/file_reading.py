"""How files are to be read, whatever their format."""

from __future__ import annotations

import codecs
from typing import Any, Literal, TypeAlias

import attrs

from sinkkit.errors import ConfigError
from sinkkit.schema.columns.hints import checked_hints
from sinkkit.sources.pages import Columns

Types: TypeAlias = Literal["text", "infer"]


@attrs.frozen(kw_only=True)
class Reading:
    """How files are to be read, as ``files`` documents it."""

    at: str | None = None
    types: Types = attrs.field(default="text")
    columns: Columns | None = attrs.field(default=None, converter=checked_hints)
    delimiter: str | None = attrs.field(default=None)
    encoding: str = attrs.field(default="utf-8")

    @types.validator
    def known(self, _: object, types: Any) -> None:
        """Refuse a word that means nothing."""
        if types not in ("text", "infer"):
            raise ConfigError(
                f"files(types={types!r}) is not possible", hint='types is "text" or "infer"; for single columns, use columns='
            )

    @delimiter.validator
    def one_character(self, _: object, delimiter: Any) -> None:
        """Refuse what cannot stand between values."""
        if delimiter is not None and (not isinstance(delimiter, str) or len(delimiter.encode()) != 1):
            raise ConfigError(
                f"files(delimiter={delimiter!r}) is not possible", hint="it is one ASCII character, for example ';'"
            )

    @encoding.validator
    def has_codec(self, _: object, encoding: str) -> None:
        """Refuse an encoding that Python does not know."""
        try:
            codecs.lookup(encoding)
        except LookupError as error:
            raise ConfigError(
                f"files(encoding={encoding!r}): there is no such encoding", hint="for example 'utf-8' or 'latin-1'"
            ) from error
