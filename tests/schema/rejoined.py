"""Flat rows joined by their keys into the rows that they came from: the other way round, written on its own."""

from __future__ import annotations

INTERNAL = ["_sk_id", "_sk_load_id", "_sk_parent_id", "_sk_root_id", "_sk_list_idx"]


def rejoined(tables, top):
    """The rows of the table *top* of *tables* (name to flat rows with keys), put together by keys and the names of tables and columns alone."""
    return [with_children(row, top, tables) for row in tables[top]]


def with_children(row, table, tables):
    """A row with the values of its columns, and of its child tables, where they stood."""
    whole = {}
    for name, value in row.items():
        if name not in INTERNAL:
            put(whole, name.split("__"), value)
    for name, rows in tables.items():
        if name.startswith(f"{table}__"):
            mine = [child for child in rows if child["_sk_parent_id"] == row["_sk_id"]]
            assert [child["_sk_list_idx"] for child in mine] == list(range(len(mine)))
            if mine:
                put(whole, name[len(table) + 2 :].split("__"), [entry(with_children(child, name, tables)) for child in mine])
    return whole


def put(row, path, value):
    """Set the value at *path* in nested dicts."""
    for key in path[:-1]:
        row = row.setdefault(key, {})
    row[path[-1]] = value


def entry(row):
    """An entry of a list: what is alone in the column ``value`` was no dict, or counts as none."""
    return row["value"] if list(row) == ["value"] and not (isinstance(row["value"], dict) and row["value"]) else row


def canonical(row, levels, level=0):
    """A row as it comes back: ``{"value": x}`` in a list that becomes a table is ``x``."""
    return {key: value_of(value, levels, level) for key, value in row.items()}


def value_of(value, levels, level):
    """The same for a value of a row inside so many lists."""
    if isinstance(value, dict):
        return canonical(value, levels, level)
    if isinstance(value, list) and (levels is None or level < levels):
        return [entry(canonical(one, levels, level + 1)) if isinstance(one, dict) else value_of(one, levels, level + 1) for one in value]
    return value
