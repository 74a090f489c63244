"""What a mapping says, as values; and what it makes of one row, which is what every faster way has to agree with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from sinkkit.rows import Row
from sinkkit.schema.mapping.casts import cast_to
from sinkkit.schema.mapping.paths import ABSENT, Parts, Unmappable, follow, shown
from sinkkit.schema.mapping.templates import Template


@attrs.frozen(kw_only=True)
class Rule:
    """How one field comes about. Exactly one of *parts*, *template*, *fields* says from what, or else it is *const*.

    Attributes:
        target: The field's name.
        parts: The column or path it is taken from.
        template: The text it is put together as.
        fields: The rules of the fields inside it.
        const: What it is in every row.
        default: What it is where its source is null or missing; ``ABSENT``: nothing is.
        cast: The type it is brought into; None: it stays as it is.
        drop_null: Whether it is left out where it is null or missing.
        optional: Whether it is left out where it is missing.
    """

    target: str
    parts: Parts = ()
    template: Template | None = None
    fields: tuple[Rule, ...] = ()
    const: Any = None
    default: Any = ABSENT
    cast: str | None = None
    drop_null: bool = False
    optional: bool = False
    convert: Callable[[Any], Any] | None = attrs.field(init=False, repr=False, eq=False)

    @convert.default
    def _convert(self) -> Callable[[Any], Any] | None:
        return None if self.cast is None else cast_to(self.cast)

    @property
    def droppable(self) -> bool:
        """Whether a row may lack the field."""
        return self.drop_null or self.optional

    @property
    def is_const(self) -> bool:
        """Whether it is the same in every row."""
        return not self.parts and self.template is None and not self.fields

    @property
    def column(self) -> str | None:
        """The column that it takes as a whole, if it does."""
        return self.parts[0] if len(self.parts) == 1 else None

    def of(self, row: Row) -> Any:
        """The field's value in *row*, or ``ABSENT`` if the row is to lack it.

        Raises:
            Unmappable: If it has none.
        """
        value = self._source(row)
        if value is ABSENT or value is None:
            value = value if self.default is ABSENT else self.default
        if value is ABSENT:
            if self.droppable:
                return ABSENT
            missing = self._missing(row)
            raise Unmappable(f"the row has no {shown(missing)!r}", missing=missing)
        if self.convert is not None and value is not self.default and not self.is_const:
            value = self.convert(value)
        return ABSENT if value is None and self.drop_null else value

    def _source(self, row: Row) -> Any:
        if self.parts:
            return follow(row, self.parts)
        if self.template is not None:
            return self.template.fill(row)
        return made(self.fields, row) if self.fields else self.const

    def _missing(self, row: Row) -> Parts:
        """The path at which the row has nothing."""
        if self.template is None:
            return self.parts
        return next(f.parts for f in self.template.fields if f.parts and f.instead is None and follow(row, f.parts) is ABSENT)


@attrs.frozen(kw_only=True)
class TableMapping:
    """What becomes of the rows of a table.

    Attributes:
        rules: The fields, in order.
        keep: Whether columns that no rule takes as a whole are kept, before the fields.
        dropped: Columns that are not kept.
        said: The mapping as it was given, for the manifest.
    """

    rules: tuple[Rule, ...]
    keep: bool = False
    dropped: tuple[str, ...] = ()
    said: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)

    @property
    def removed(self) -> tuple[str, ...]:
        """Columns that do not stay under their own name: dropped, renamed, or defined by a rule that may leave them out."""
        targets = {rule.target for rule in self.rules}
        renamed = (rule.column for rule in self.rules if rule.column is not None and rule.column not in targets)
        left_out = (rule.target for rule in self.rules if rule.droppable)
        return tuple(dict.fromkeys((*self.dropped, *renamed, *left_out)))

    @property
    def drops(self) -> bool:
        """Whether rows may lack fields because of a value in them."""
        return any(rule.drop_null for rule in self.rules)

    def of(self, row: Row) -> Row:
        """*row*, mapped; what a rule raises names no field."""
        removed = self.removed
        kept = {name: value for name, value in row.items() if name not in removed} if self.keep else {}
        return {**kept, **made(self.rules, row)}


def made(rules: tuple[Rule, ...], row: Row) -> Row:
    """The fields of *rules* in *row*.

    Raises:
        Unmappable: If one has no value.
    """
    fields = {}
    for rule in rules:
        value = rule.of(row)
        if value is not ABSENT:
            fields[rule.target] = value
    return fields
