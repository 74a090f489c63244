"""What delivery asks of a package before it chooses the rows of a batch: values of the ordering column, and sizes."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Sequence

from sinkkit.declaration.client.json_body import to_json
from sinkkit.delivery.choosing.chooser import Facts
from sinkkit.errors import ConfigError, Reject
from sinkkit.package.reader import Package
from sinkkit.rows import Row
from sinkkit.schema.items import ItemsKind


def look_of(package: Package, kind: ItemsKind) -> Callable[[str, Sequence[int], str | None, bool], Facts]:
    """Job name, rows, the ordering column or None, and whether sizes count, to the facts of these rows, which are sent as *kind*."""

    def look(name: str, rows: Sequence[int], column: str | None, sized: bool) -> Facts:
        from sinkkit.package.facts import column_of, sizes_of

        job = package.job(name)
        keys = None if column is None else column_of(job, rows, column)
        encode = as_sent if kind is ItemsKind.ROWS or job.file.format == "jsonl" else None
        return Facts(keys, sizes_of(job, rows, encode) if sized else None)

    return look


def as_sent(row: Row) -> bytes:
    """A row as the injected client sends it; one that has no such form as near to it as can be: sending it will tell what is wrong."""
    try:
        return to_json(row)
    except Reject:
        return repr(row).encode(errors="replace")


def check_order(package: Package, column: str | None, own: Collection[str] = ()) -> None:
    """Refuse an ordering column that a table of the package does not have: its rows would all be of one key, one call at a time.

    Child tables need not have it: their rows follow those of their parents, in no order. Nor need sinkkit's *own* tables.

    Raises:
        ConfigError: Naming table and column, with the nearest name there is.
    """
    if column is None:
        return
    for table in package.manifest.tables.values():
        columns = list(table.schema["columns"])
        if table.rows and columns and column not in columns and table.schema.name not in own and not table.schema.get("level", 0):
            near = difflib.get_close_matches(column, columns, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"its columns are {', '.join(columns) or 'none'}"
            raise ConfigError(f"order_by={column!r}: table {table.schema.name!r} has no such column", hint=hint)
