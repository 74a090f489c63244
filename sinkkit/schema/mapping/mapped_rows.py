"""A mapping applied to dict rows, a chunk at a time.

The rules become the source of one comprehension, compiled once: a rename costs what it would cost to write it by hand. Where it stumbles,
the rows are looked at one by one in the plain way of ``rules``, which finds the row and the field to name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from sinkkit.errors import SourceError
from sinkkit.rows import Row
from sinkkit.schema.mapping.paths import ABSENT, Unmappable, shown
from sinkkit.schema.mapping.rules import Rule, TableMapping


@attrs.define
class Source:
    """Source text that is being put together, and the objects that it names."""

    named: dict[str, Any] = attrs.field(factory=dict)

    def name(self, value: Any) -> str:
        """A name by which the text reaches *value*."""
        name = f"v{len(self.named)}"
        self.named[name] = value
        return name

    def rows(self, mapping: TableMapping) -> str:
        """A function of a list of rows."""
        entries = list(map(self.entry, mapping.rules))
        removed = mapping.removed if mapping.keep else ()
        if not removed:
            return f"lambda rows: [{{{', '.join(['**r', *entries] if mapping.keep else entries)}}} for r in rows]"
        assigns = any("(w := " in entry for entry in entries)  # which Python allows in no part that a comprehension iterates over
        if assigns or any(rule.target in removed for rule in mapping.rules):
            kept = f"**{{k: v for k, v in r.items() if k not in {self.name(frozenset(removed))}}}"
            return f"lambda rows: [{{{', '.join([kept, *entries])}}} for r in rows]"
        popped = "".join(f"m.pop({name!r}, 0), " for name in removed)
        return f"lambda rows: [m for r in rows for m in [{{{', '.join(['**r', *entries])}}}] if ({popped}1)]"

    def entry(self, rule: Rule) -> str:
        """The entry of a rule in a display of a dict."""
        if rule.droppable:
            return f"**({{}} if (w := {self.name(rule.of)}(r)) is {self.name(ABSENT)} else {{{rule.target!r}: w}})"
        return f"{rule.target!r}: {self.value(rule)}"

    def value(self, rule: Rule) -> str:
        """The value of a rule that has one in every row."""
        if rule.fields:
            return f"{{{', '.join(map(self.entry, rule.fields))}}}"
        if rule.is_const:
            return self.name(rule.const)
        if rule.column is None or (rule.default is not ABSENT and rule.cast is not None):
            return f"{self.name(rule.of)}(r)"
        if rule.default is not ABSENT:
            return f"({self.name(rule.default)} if (w := r.get({rule.column!r})) is None else w)"
        taken = f"r[{rule.column!r}]"
        return taken if rule.convert is None else f"{self.name(rule.convert)}({taken})"


def compiled(mapping: TableMapping) -> Callable[[list[Row]], list[Row]]:
    """The mapping as one function; names of the user stand in its source as literals only.

    It raises ``KeyError`` or ``Unmappable`` for a row that it cannot map.
    """
    source = Source()
    text = source.rows(mapping)
    made: Callable[[list[Row]], list[Row]] = eval(text, {"__builtins__": {}, **source.named})  # noqa: S307  # the text is ours; names in it are literals made by repr
    return made


def map_rows(mapping: TableMapping, apply: Callable[[list[Row]], list[Row]], rows: list[Row], *, table: str, first_row: int) -> list[Row]:
    """*rows*, mapped; they themselves are not changed.

    Args:
        mapping: The rules.
        apply: The same, compiled.
        rows: The rows.
        table: Their table, for errors.
        first_row: The number of the first of them in its table, counted from 0, for errors.

    Raises:
        SourceError: If a row cannot be mapped; it names table, row and field.
    """
    try:
        return apply(rows)
    except (KeyError, Unmappable):
        return [one_by_one(mapping, row, f"table {table!r}, row {first_row + index} (counted from 0)") for index, row in enumerate(rows)]


def one_by_one(mapping: TableMapping, row: Row, where: str) -> Row:
    """One row in the plain way, to find what is wrong with it; *where* is what errors call it.

    Raises:
        SourceError: As ``map_rows``.
    """
    for rule in mapping.rules:
        check(rule, row, where, rule.target)
    return mapping.of(row)


def check(rule: Rule, row: Row, where: str, field: str) -> None:
    """Raise for the first field of *rule* that has no value in *row*."""
    for inner in rule.fields:
        check(inner, row, where, f"{field}.{inner.target}")
    try:
        rule.of(row)
    except Unmappable as error:
        raise refusal(error, f"{where}, field {field!r} of the mapping") from None


def refusal(error: Unmappable, where: str) -> SourceError:
    """The error that users get."""
    hint = "mend the row, or give the field another rule"
    if error.missing is not None:
        hint = 'give the field a default, or leave it out where it is missing with "optional": true'
        if len(error.missing) > 1:
            hint += f'; if {shown(error.missing)} is the name of a column, write {{"from": ["{shown(error.missing)}"]}}'
    return SourceError(f"{where}: {error.reason}", hint=hint)
