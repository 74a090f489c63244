"""CSV files, streamed as record batches.

Every value is text unless the user asks for more: a file cannot say whether ``00123`` is a number, and a guess
made from its first rows breaks on a later one or, worse, changes it. Types that are asked for are made here from the text, so
that a value that does not fit is an error with its place.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]  # pyarrow ships no types
import pyarrow.csv  # type: ignore[import-untyped]  # pyarrow ships no types

from sinkkit.errors import SourceError
from sinkkit.sources.json_files import binary

if TYPE_CHECKING:
    from sinkkit.sources.file_reading import Reading

BLOCK = 4 * 1024 * 1024
"""Bytes parsed at a time; the longest row must fit."""

ARROW_TYPES: Mapping[str, pa.DataType] = {
    "bigint": pa.int64(),
    "double": pa.float64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "decimal": pa.decimal128(38, 9),
}
"""Data type to the Arrow type a text column becomes; ``timestamptz`` is a timestamp whose values have an offset."""

LOOKS = {
    "bigint": r"^(0|-?[1-9][0-9]{0,17})$",
    "double": r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?$",
    "bool": r"^(true|false)$",
    "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "timestamp": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?$",
    "timestamptz": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})$",
}
"""What every value of a column looks like for its type to be inferred, tried in this order; a number with a leading zero is none."""


class QuoteCounter(io.RawIOBase):
    """A binary stream that counts the quotation marks that pass; an odd number means one may never have been closed."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self.stream = stream
        self.quotes = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read at most *size* bytes."""
        data = self.stream.read(size)
        self.quotes += data.count(b'"')
        return data


def csv_batches(path: Path, reading: Reading) -> Iterator[pa.RecordBatch]:
    """The rows of a CSV file; the first line that is not empty names the columns.

    Raises:
        SourceError: If the file is empty, a row has too many or too few values, a quotation mark is never closed, text is not in the encoding,
            or a value does not fit the type asked for; names the file and the row.
    """
    delimiter = reading.delimiter or ("\t" if path.name.lower().removesuffix(".gz").endswith(".tsv") else ",")
    names = header(path, delimiter, reading.encoding)
    with binary(path) as raw:
        stream = QuoteCounter(raw)
        wanted: dict[str, str] | None = None
        first = 0
        for batch in text_batches(stream, names, path, delimiter, reading.encoding):
            if wanted is None:
                wanted = wanted_types(batch, reading)
            yield typed(batch, wanted, reading.columns or (), first, path)
            first += batch.num_rows
        if stream.quotes % 2:
            refuse_open_quote(path, delimiter, reading.encoding)


def text_batches(stream: QuoteCounter, names: list[str], path: Path, delimiter: str, encoding: str) -> Iterator[pa.RecordBatch]:
    """The rows with every column as text."""
    try:
        yield from pyarrow.csv.open_csv(
            stream,
            read_options=pyarrow.csv.ReadOptions(
                block_size=BLOCK, use_threads=False, encoding=encoding
            ),  # threads lose the row's number
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=[""],
            ),
        )
    except pa.ArrowException as error:
        text = str(error)
        row = re.search(r"Row #(\d+): (Expected \d+ columns, got \d+)", text)
        if row:
            raise SourceError(
                f"file '{path}', row {row[1]} (the header is row 1): {row[2].lower()}",
                hint="quote values that hold the delimiter",
            ) from error
        hint = (
            f"is a quotation mark not closed, or a row longer than {BLOCK} bytes?" if "straddl" in text else "is encoding= right?"
        )
        raise SourceError(f"file '{path}' is not CSV: {text}", hint=hint) from error


def records(path: Path, delimiter: str, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """The records of the file with the line on which each begins, read slowly and strictly."""
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as text:
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        line = 1
        try:
            for record in reader:
                yield line, record
                line = reader.line_num + 1
        except UnicodeError as error:
            raise SourceError(
                f"file '{path}' is not text in {encoding}: {error}", hint="say which it is, for example encoding='latin-1'"
            ) from error
        except csv.Error as error:
            raise SourceError(
                f"file '{path}', the row that begins on line {line} is not CSV: {error}", hint="is a quotation mark not closed?"
            ) from error


def header(path: Path, delimiter: str, encoding: str) -> list[str]:
    """The names of the columns.

    Raises:
        SourceError: If there are none, or two are the same.
    """
    names = next((record for _, record in records(path, delimiter, encoding) if record), None)
    if names is None:
        raise SourceError(f"file '{path}' is empty", hint="a CSV file begins with a row that names its columns")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SourceError(f"file '{path}': two columns are named {twice!r}", hint="rename one of them")
    return names


def refuse_open_quote(path: Path, delimiter: str, encoding: str) -> None:
    """Raise if a quotation mark is never closed: everything after it was read as one value."""
    try:
        for _ in records(path, delimiter, encoding):
            pass
    except SourceError as error:
        if "end of data" in error.message or "field limit" in error.message:
            raise


def wanted_types(batch: pa.RecordBatch, reading: Reading) -> dict[str, str]:
    """Column name to data type, for those that shall not stay text: as the user says, or as *batch*, the first, looks."""
    said = {name: hints["data_type"] for name, hints in (reading.columns or {}).items() if "data_type" in hints}
    wanted = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if name in said:
            wanted[name] = "timestamptz" if said[name] == "timestamp" and has_offsets(column) else said[name]
        elif reading.types == "infer" and column.null_count < len(column):
            wanted[name] = next((kind for kind, look in LOOKS.items() if first_unlike(column, look) is None), "text")
    return {name: kind for name, kind in wanted.items() if kind in ARROW_TYPES}


def has_offsets(column: pa.Array) -> bool:
    """Whether the first value of *column* is a time with an offset."""
    value = next((value for value in column.to_pylist() if value is not None), "")
    return re.match(LOOKS["timestamptz"], value) is not None


def first_unlike(column: pa.Array, look: str) -> int | None:
    """The index of the first value that does not match *look*; nulls match."""
    fits = pc.fill_null(pc.match_substring_regex(column, look), fill_value=True)
    index = pc.index(fits, value=False).as_py()
    return None if index < 0 else int(index)


def typed(batch: pa.RecordBatch, wanted: Mapping[str, str], said: Collection[str], first: int, path: Path) -> pa.RecordBatch:
    """*batch*, whose first row has the number *first*, with the columns in *wanted* made what they shall be, those not *said* as guessed.

    Raises:
        SourceError: If a value does not fit, naming it.
    """
    if not wanted:
        return batch
    columns = [
        converted(column, wanted[name], f"file '{path}', column {name!r}", first, guessed=name not in said) if name in wanted else column
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def converted(column: pa.Array, kind: str, where: str, first: int, *, guessed: bool) -> pa.Array:
    """A text column as *kind*; where that was *guessed* from the first rows, every value must look like those."""
    unlike = first_unlike(column, LOOKS[kind]) if guessed else None
    if unlike is not None:
        raise unfit(column, unlike, kind, where, first)
    try:
        return column.cast(ARROW_TYPES[kind])
    except pa.ArrowException as error:
        raise unfit(column, first_refused(column, ARROW_TYPES[kind]), kind, where, first) from error


def unfit(column: pa.Array, index: int, kind: str, where: str, first: int) -> SourceError:
    """The error for the value of *column* at *index*, which is no *kind*."""
    return SourceError(
        f"{where}, row {first + index} (counted from 0 after the header) is {column[index].as_py()!r}, not a {kind}",
        hint='give the column another data_type in columns=, "text" to take it as it is',
    )


def first_refused(column: pa.Array, target: pa.DataType) -> int:
    """The index of the first value of *column* that cannot be cast to *target*."""

    def refused(value: Any) -> bool:
        try:
            value.cast(target)
        except pa.ArrowException:
            return True
        return False

    return next((index for index, value in enumerate(column) if refused(value)), 0)
