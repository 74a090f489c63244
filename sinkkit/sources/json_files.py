"""JSON Lines, a chunk at a time, and JSON documents, whole; integers of any size stay integers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import attrs

from sinkkit.errors import SourceError
from sinkkit.rows import Row
from sinkkit.sources.pages import PartialHints

if TYPE_CHECKING:
    from sinkkit.sources.file_reading import Reading

CHUNK = 256 * 1024
"""Bytes read at a time: one to three thousand rows of a usual width."""

BOM = b"\xef\xbb\xbf"
"""What some editors put at the start of UTF-8 text (RFC 8259, section 8.1: may be ignored)."""


def binary(path: Path) -> BinaryIO:
    """*path* opened for reading bytes, unpacked if its name ends in ``.gz``."""
    import gzip

    return cast("BinaryIO", gzip.open(path, "rb")) if path.name.lower().endswith(".gz") else path.open("rb")


def finite(text: str) -> float:
    """The number that *text* is.

    Raises:
        ValueError: If it is too large to be kept.
    """
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is too large")
    return number


def decoded(text: bytes) -> Any:
    """The JSON value in *text*; NaN and Infinity are understood, since Python writes them.

    Raises:
        ValueError: If it is not JSON in UTF-8.
    """
    import json

    return json.loads(text.decode(), parse_float=finite)


@attrs.frozen
class JsonLines:
    """JSON Lines from an open binary stream, such as standard input; it can be read once.

    Attributes:
        stream: What is read.
        name: The table's name, and what errors call the stream.
    """

    stream: BinaryIO
    name: str = "rows"

    @property
    def label(self) -> str:
        """What errors call it."""
        return f"stream {self.name!r}"

    def hints(self) -> PartialHints:
        """The table's name."""
        return PartialHints(table_name=self.name)

    def open(self, hints: PartialHints) -> Iterator[list[Row]]:  # noqa: ARG002  # part of the protocol
        """Its rows, in pages.

        Raises:
            SourceError: While iterating, if a line is not a JSON object.
        """
        return pages_of_lines(self.stream, self.label)


def line_rows(path: Path, reading: Reading) -> Iterator[list[Row]]:  # noqa: ARG001  # all readers are called alike
    """The rows of a file of JSON Lines, in pages.

    Raises:
        SourceError: If a line is not a JSON object; names file and line.
    """
    with binary(path) as stream:
        yield from pages_of_lines(stream, f"file '{path}'")


def pages_of_lines(stream: BinaryIO, label: str) -> Iterator[list[Row]]:
    """The rows of a stream of JSON Lines; *label* is what errors call it.

    Raises:
        SourceError: If a line is not a JSON object.
    """
    import msgspec

    decoder = msgspec.json.Decoder()
    line = 1
    while chunk := stream.read(CHUNK):
        chunk += stream.readline()
        text = chunk.removeprefix(BOM) if line == 1 else chunk
        lines = text.count(b"\n") + (not text.endswith(b"\n"))
        try:
            rows = decoder.decode_lines(text)
        except (ValueError, RecursionError):
            rows = []
        if len(rows) != lines or set(map(type, rows)) != {dict}:
            rows = list(one_by_one(text, line, label))
        line += lines
        yield rows


def one_by_one(text: bytes, first: int, label: str) -> Iterator[Row]:
    """The rows in *text*, whose first line has the number *first*: slowly, to know the line that is broken."""
    for number, line in enumerate(text.split(b"\n"), start=first):
        if not line.strip():
            continue
        try:
            row = decoded(line)
        except (ValueError, RecursionError) as error:
            raise SourceError(
                f"{label}, line {number} is not JSON: {error}",
                hint="JSON Lines holds one object on each line; was the file cut short?",
            ) from error
        if type(row) is not dict:
            raise SourceError(
                f"{label}, line {number} is a {type(row).__name__}, not an object", hint="write one object on each line"
            )
        yield row


def document_rows(path: Path, reading: Reading) -> Iterator[list[Row]]:
    """The rows of a JSON document, in one page: the document is read whole.

    Raises:
        SourceError: If it is not JSON, or no list of objects stands where *reading* says; names the file.
    """
    import msgspec

    with binary(path) as stream:
        text = stream.read().removeprefix(BOM)
    try:
        document = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        try:
            document = decoded(text)
        except (ValueError, RecursionError) as error:
            raise SourceError(
                f"file '{path}' is not JSON: {error}", hint="a file of one object a line is named .jsonl"
            ) from error
    rows = at_path(document, reading.at, path)
    if not isinstance(rows, list):
        raise SourceError(
            f"file '{path}' holds {described(rows)}{place(reading.at)}, not a list of rows", hint=where_rows_are(document)
        )
    for number, row in enumerate(rows):
        if type(row) is not dict:
            raise SourceError(f"file '{path}', element {number}{place(reading.at)} is {described(row)}, not an object")
    yield rows


def at_path(document: Any, at: str | None, path: Path) -> Any:
    """What stands in *document* at the dotted path *at*."""
    value = document
    for part in at.split(".") if at else ():
        if not isinstance(value, dict) or part not in value:
            raise SourceError(f"file '{path}' has no {part!r} on the way to at={at!r}", hint=where_rows_are(document))
        value = value[part]
    return value


def place(at: str | None) -> str:
    """Where in the document, for an error."""
    return f" at {at!r}" if at else ""


def described(value: Any) -> str:
    """What kind of JSON value it is, in the words of JSON."""
    words = {dict: "an object", list: "a list", str: "text", type(None): "null", bool: "a truth value"}
    return words.get(type(value), "a number")


def where_rows_are(document: Any) -> str:
    """What to write to get at the lists of objects in *document*."""
    found = [f'at="{name}"' for name in row_lists(document)]
    return f"the lists of objects in it: {', '.join(found)}" if found else "there is no list of objects in it"


def row_lists(value: Any, prefix: str = "", depth: int = 3) -> Iterator[str]:
    """The dotted paths of the lists of objects in *value*, down to *depth* keys."""
    for key, inner in value.items() if isinstance(value, dict) and depth else ():
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):
            yield f"{prefix}{key}"
        yield from row_lists(inner, f"{prefix}{key}.", depth - 1)
