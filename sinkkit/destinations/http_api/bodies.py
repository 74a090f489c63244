"""Rows as the body of a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from sinkkit import to_json
from sinkkit.destinations.http_api.places import put
from sinkkit.destinations.http_api.settings import Endpoint
from sinkkit.destinations.http_api.templates import Fill, filler

CONTENT_TYPES = {"json": "application/json", "jsonl": "application/x-ndjson"}

Encode: TypeAlias = Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any]], bytes]
"""Takes shaped rows and the first row as it was given, for what stands beside them; gives the body."""


def row_maker(endpoint: Endpoint, taken: frozenset[str], control: str) -> Fill:
    """What makes of a row what the body holds of it; *taken*: fields that ``{*}`` leaves out; *control*: one that is no data."""
    if endpoint.row:
        return filler(endpoint.row, "row", taken, drop_nulls=endpoint.drop_nulls)
    if endpoint.drop_nulls:
        return lambda row: {name: value for name, value in row.items() if value is not None and name != control}
    if control:
        return lambda row: {name: value for name, value in row.items() if name != control}
    return lambda row: row


def encoder(endpoint: Endpoint) -> Encode:
    """What makes the body of rows; it raises ``Reject`` for a value that has no JSON."""
    if endpoint.format == "jsonl":
        return lambda rows, _: b"".join(to_json(row) + b"\n" for row in rows)
    one = endpoint.send == "row"
    if not endpoint.rows_at:
        beside = filler(endpoint.body, "body", frozenset(), drop_nulls=endpoint.drop_nulls) if endpoint.body else None
        if one:
            return lambda rows, first: to_json({**rows[0], **beside(first)} if beside else rows[0])
        return lambda rows, _: to_json(rows)
    around = filler(endpoint.body, "body", frozenset(), drop_nulls=False)
    return lambda rows, first: to_json(put(around(first), endpoint.rows_at, rows[0] if one else rows))
