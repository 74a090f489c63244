"""Arrow data → flat Arrow data of a table and of its child tables, column by column, each value in the type that it had.

As for rows, with what Arrow data cannot tell apart: a null struct is a struct of nulls, and a null list gives no rows, as an empty one. Maps stay as
they are. Data without structs and lists keeps its memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from sinkkit.schema.arrow import plain_table
from sinkkit.schema.nesting import keys
from sinkkit.schema.nesting.places import ID, LIST_IDX, LOAD_ID, PARENT_ID, ROOT_ID, VALUE, Place, Table
from sinkkit.schema.nesting.unnesting import Unnester

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types


@attrs.frozen
class Ids:
    """The keys of rows, and those of the rows they all come from, as Arrow arrays."""

    own: Any
    root: Any


@attrs.define
class Flat:
    """Columns without anything that can be taken out, and the columns of lists that were."""

    columns: dict[str, Any] = attrs.field(factory=dict)
    lists: list[tuple[Place, Any]] = attrs.field(factory=list)


def unnest_arrow(unnester: Unnester, name: str, data: pa.Table | pa.RecordBatch, merged_on: Sequence[str] = ()) -> list[tuple[Table, Any]]:
    """The flat data of a page of the table that was given as *name*, and of its children, parents first; as ``Unnester.page``.

    Raises:
        SourceError: If values are nested too deeply.
        SchemaError: If two columns or tables become one.
    """
    import pyarrow as pa

    tables, place = unnester.tables, unnester.tables.top(name)
    table = place.table
    given = data.schema.names
    if not tables.reserved and not (unnester.levels != 0 and any(map(pa.types.is_nested, data.schema.types))):
        table.rows += data.num_rows
        return [(table, data.rename_columns([place.column(column) for column in given]))]
    if any(map(pa.types.is_nested, data.schema.types)):  # Arrow cannot take entries of views or dictionaries out of lists; the package keeps neither
        data = plain_table(pa.Table.from_batches([data]) if isinstance(data, pa.RecordBatch) else data, table=name)
    flat = _flat(unnester, place, {column: data.column(at) for at, column in enumerate(given)})
    ids = None
    if tables.reserved:
        values = [flat.columns[column].to_pylist() if column in flat.columns else [None] * data.num_rows for column in merged_on]
        own = keys.numbered(unnester.load_id, table.name, table.rows, data.num_rows)
        if merged_on:
            own = keys.from_key(table.name, zip(*values, strict=True))
        ids = Ids(pa.array(own, pa.string()), pa.array(own, pa.string()))
        flat.columns[table.names.column(ID)] = ids.own
        flat.columns[table.names.column(LOAD_ID)] = pa.array([unnester.load_id] * data.num_rows, pa.string())
    table.rows += data.num_rows
    found = [(table, _as_table(flat, data.num_rows))]
    for inner, column in flat.lists:
        found += _children(unnester, inner, column, ids)
    return found


def _children(unnester: Unnester, place: Place, column: Any, parents: Ids | None) -> Iterator[tuple[Table, Any]]:
    """The flat data of the entries of the lists in *column*, and of their children."""
    import pyarrow as pa
    from pyarrow import compute

    table = place.table
    lists = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    owned = compute.indices_nonzero(lists.is_valid())
    lists = lists.filter(lists.is_valid()) if lists.null_count else lists  # a null list may have entries, which are none
    entries = compute.list_flatten(lists)
    owners = compute.list_parent_indices(lists)
    inside = dict(zip([field.name for field in entries.type], entries.flatten(), strict=True)) if _is_record(entries.type) else {VALUE: entries}
    flat = _flat(unnester, place, inside)
    ids = None
    if parents is not None:
        lengths = compute.list_value_length(lists).cast(pa.int64())
        starts = compute.subtract(compute.cumulative_sum(lengths), lengths)
        places = compute.subtract(pa.array(range(len(entries)), pa.int64()), starts.take(owners))
        rows = owned.take(owners)
        above = parents.own.take(rows)
        ids = Ids(pa.array(keys.of_children(table.name, above.to_pylist(), places.to_pylist()), pa.string()), parents.root.take(rows))
        columns = (ids.own, above, ids.root, places)
        flat.columns |= {table.names.column(name): values for name, values in zip((ID, PARENT_ID, ROOT_ID, LIST_IDX), columns, strict=True)}
    table.rows += len(entries)
    yield table, _as_table(flat, len(entries))
    for inner, one in flat.lists:
        yield from _children(unnester, inner, one, ids)


def _flat(unnester: Unnester, place: Place, columns: dict[str, Any]) -> Flat:
    """*columns*, which stand at *place*, with those of structs in place of the structs, and lists taken out."""
    flat = Flat()
    for key, column in columns.items():
        _take(unnester, place, key, column, flat)
    return flat


def _take(unnester: Unnester, place: Place, key: str, column: Any, into: Flat) -> None:
    table, name = place.table, place.column(key)
    nests = unnester.levels != 0 and name not in table.whole
    if nests and _is_record(column.type):
        for field, part in zip(column.type, column.flatten(), strict=True):
            _take(unnester, place.inside(key), field.name, part, into)
    elif nests and _is_list(column.type) and (unnester.levels is None or table.level < unnester.levels):
        into.lists.append((unnester.tables.child(place, key), column))
    else:
        into.columns[name] = column


def _is_record(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_struct(kind) and kind.num_fields)


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _as_table(flat: Flat, rows: int) -> pa.Table:
    """The columns as a table; without any, one that knows its number of rows."""
    import pyarrow as pa

    return pa.table(flat.columns) if flat.columns else pa.table({"": pa.nulls(rows)}).select([])
