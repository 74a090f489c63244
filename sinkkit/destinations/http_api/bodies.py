"""Rows as the body of a request, in any of the formats."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import urlencode

from sinkkit import to_json
from sinkkit.destinations.http_api.places import MISSING, find, put
from sinkkit.destinations.http_api.settings import Endpoint, File
from sinkkit.destinations.http_api.templates import TEXTUAL, CannotFill, Fill, as_text, filler, read

CONTENT_TYPES = {
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "form": "application/x-www-form-urlencoded",
    "text": "text/plain; charset=utf-8",
}

FIXED_TIME = 0
"""The time in a gzip frame: the same rows give the same bytes."""

Shaped: TypeAlias = Sequence[Any]
Encode: TypeAlias = Callable[[Shaped, Mapping[str, Any]], tuple[bytes, str]]
"""Takes shaped rows and the first row as it was given, for what stands beside them; gives the body and its content type."""


def row_maker(endpoint: Endpoint, taken: frozenset[str], control: str) -> Fill | None:
    """What makes of a row what the body holds of it; None: the row itself. *taken*: fields that ``{*}`` leaves out; *control*: one that is no data."""
    if endpoint.format == "text":
        return read(endpoint.text, "text").written
    if endpoint.row or endpoint.lines:
        return filler(endpoint.row or endpoint.lines, "row", taken, drop_nulls=endpoint.drop_nulls)
    if endpoint.drop_nulls:
        return lambda row: {name: value for name, value in row.items() if value is not None and name != control}
    if control:
        return lambda row: {name: value for name, value in row.items() if name != control}
    return None


def demanding(fields: Sequence[str], shape: Fill | None) -> Fill | None:
    """*shape* for rows that have all *fields*; it raises ``CannotFill`` for others."""
    if not fields:
        return shape

    def fill(row: Mapping[str, Any]) -> Any:
        for name in fields:
            value = find(row, name)
            if value is MISSING or value is None or value == "":
                what = "missing" if value is MISSING else "null" if value is None else "empty"
                raise CannotFill(f"the field {name!r} is required, and {what}")
        return row if shape is None else shape(row)

    return fill


def encoder(endpoint: Endpoint) -> Encode:
    """What makes the body of rows; it raises ``Reject`` for a value that cannot be written, ``CannotFill`` for one that is missing."""
    encode = PLAIN[endpoint.format](endpoint)
    if endpoint.compression == "none":
        return encode

    def compressed(rows: Shaped, first: Mapping[str, Any]) -> tuple[bytes, str]:
        body, kind = encode(rows, first)
        return gzip.compress(body, mtime=FIXED_TIME), kind

    return compressed


def _json(endpoint: Endpoint) -> Encode:
    one, kind = endpoint.send == "row", CONTENT_TYPES["json"]
    beside = filler(endpoint.body, "body", frozenset(), drop_nulls=endpoint.drop_nulls)
    place = endpoint.rows_at
    if place:
        return lambda rows, first: (to_json(put(beside(first), place, rows[0] if one else rows)), kind)
    if one and endpoint.body:
        return lambda rows, first: (to_json({**rows[0], **beside(first)}), kind)
    return lambda rows, _: (to_json(rows[0] if one else rows), kind)


def _lines(endpoint: Endpoint) -> Encode:
    kind, several = CONTENT_TYPES["jsonl"], bool(endpoint.lines)
    return lambda rows, _: (json_lines([line for row in rows for line in row] if several else rows), kind)


def json_lines(rows: Shaped) -> bytes:
    """*rows* as JSON Lines."""
    return b"".join(to_json(row) + b"\n" for row in rows)


def _csv(_: Endpoint) -> Encode:
    return lambda rows, _: (csv_of(rows), CONTENT_TYPES["csv"])


def csv_of(rows: Shaped) -> bytes:
    """*rows* as CSV (RFC 4180): a header with every field, in the order in which they come; null and missing are empty, lists and tables JSON."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([_cell(name, row.get(name)) for name in names] for row in rows)
    return text.getvalue().encode()


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    return as_text(value, name) if isinstance(value, TEXTUAL) else to_json(value).decode()


def _form(_: Endpoint) -> Encode:
    return lambda rows, _: (urlencode([pair for name, value in rows[0].items() for pair in pairs_of(name, value)]).encode(), CONTENT_TYPES["form"])


def pairs_of(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """The pairs of a form that *value* becomes: inner keys and numbers stand in brackets, as ``items[0][price]``; null is left out."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from pairs_of(f"{name}[{key}]", inner)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from pairs_of(f"{name}[{index}]", inner)
    elif value is not None:
        yield name, as_text(value, name)


def _multipart(endpoint: Endpoint) -> Encode:
    file = endpoint.file
    fields = {name: read(str(value), f"file.fields.{name}") for name, value in file.fields.items()}
    return lambda rows, first: multipart_of(file, rows, {name: template.written(first) for name, template in fields.items()})


def multipart_of(file: File, rows: Shaped, fields: Mapping[str, str]) -> tuple[bytes, str]:
    """*rows* as a file in a multipart form (RFC 7578), and its content type; the boundary is made of what it must not occur in."""
    content = csv_of(rows) if file.format == "csv" else json_lines(rows) if file.format == "jsonl" else to_json(rows)
    parts = [(f'form-data; name="{name}"', "", value.encode()) for name, value in fields.items()]
    parts.append((f'form-data; name="{file.field}"; filename="{file.name}"', CONTENT_TYPES[file.format], content))
    boundary = hashlib.sha256(b"\0".join(body for _, _, body in parts)).hexdigest()
    frame = b""
    for disposition, kind, body in parts:
        head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\n" + (f"Content-Type: {kind}\r\n" if kind else "")
        frame += head.encode() + b"\r\n" + body + b"\r\n"
    return frame + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def _text(_: Endpoint) -> Encode:
    return lambda rows, _: ("".join(rows).encode(), CONTENT_TYPES["text"])


def _none(_: Endpoint) -> Encode:
    return lambda *_: (b"", "")


PLAIN: Mapping[str, Callable[[Endpoint], Encode]] = {
    "json": _json,
    "jsonl": _lines,
    "csv": _csv,
    "form": _form,
    "multipart": _multipart,
    "text": _text,
    "none": _none,
}
"""Format to what makes its encoder."""
