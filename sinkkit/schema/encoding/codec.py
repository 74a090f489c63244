r"""Rows as JSON Lines and back, with every value as it was (law L1), a chunk at a time.

Whether a chunk needs more than plain JSON is decided once for each column, from the types seen in it; only the columns that do
are touched in Python, the others are written and read by msgspec. Proofs rather than guesses:

* a column of str, int, bool and None needs nothing: msgspec writes and reads ints of any size exactly, and raises for
  text with lone surrogates;
* a column of floats is looked at only if its sum is not finite and ``null`` was written somewhere, as NaN and infinities are written so;
* a column of lists and dicts is written, read again and compared. Equality alone proves it: what msgspec writes for another type
  (a tuple as a list, a UUID as text) is not equal to it, or is its base value (an ``IntEnum`` member). Nesting is bounded
  apart from that, because how deep a reader may go depends on its stack;
* every other column is tagged, see ``sinkkit.schema.encoding.tags``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from math import isfinite
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sinkkit.errors import PackageCorrupted, SourceError
from sinkkit.rows import Row
from sinkkit.schema.shapes import Kinds, Shapes

if TYPE_CHECKING:
    from sinkkit.schema.encoding.tags import NotKeptError

PLAIN: frozenset[type] = frozenset({str, int, bool, float, type(None)})
NESTED: frozenset[type] = frozenset({list, dict})
MARK = b'"$sk"'
LONGEST_INT_DIGITS = 4300
"""Most digits msgspec reads, and Python's own limit for decimal text unless a program lifts it."""

Taggers = dict[str, Callable[[Any], Any]]


ENCODER: Final = msgspec.json.Encoder()
DECODER: Final = msgspec.json.Decoder()
"""The one writer and the one reader of JSON; safe to share between threads."""


def encode(rows: list[Row], shapes: Shapes, *, table: str, first_row: int) -> bytes:
    """*rows* as JSON Lines; as ``encode_marked``, which also tells whether any value is tagged."""
    return encode_marked(rows, shapes, table=table, first_row=first_row)[0]


def encode_marked(rows: list[Row], shapes: Shapes, *, table: str, first_row: int) -> tuple[bytes, bool]:
    r"""*rows* as JSON Lines, each line with its ``\n``, and whether any of them may hold a tagged value.

    Args:
        rows: The rows; they are not changed.
        shapes: What ``shapes_of(rows)`` gave.
        table: The rows' table, for errors.
        first_row: The number of the first of the rows in its table, counted from 0, for errors.

    Raises:
        SourceError: If a value cannot be restored as it was; names table, row and column.
    """
    kinds = shapes.kinds
    if not all(type(name) is str for name in kinds):
        rows = with_plain_names(rows, table=table, first_row=first_row)
    elif "$sk" not in kinds:
        taggers = taggers_for(rows, kinds)
        try:
            lines = ENCODER.encode_lines(tagged(rows, taggers) if taggers else rows)
            again = taggers_for_floats(rows, kinds, taggers, lines)
            return (ENCODER.encode_lines(tagged(rows, taggers | again)), True) if again else (lines, bool(taggers))
        except (TypeError, ValueError, RecursionError):
            # Some value is out of the ordinary; value by value it is tagged, or named in an error.
            pass
    return encode_slowly(rows, table=table, first_row=first_row), True


def decode(lines: Sequence[bytes], *, tagged: bool | None = None) -> list[Row]:
    """The rows of *lines*, new objects at each call; as ``decode_text``, for lines without their ends."""
    return decode_text(b"\n".join(lines), tagged=tagged)


def decode_text(text: bytes | memoryview, *, tagged: bool | None = None) -> list[Row]:
    """The rows of *text*, new objects at each call.

    Args:
        text: Lines that ``encode`` wrote.
        tagged: Whether any of them may hold a tagged value, if that is known.

    Raises:
        PackageCorrupted: If a line is not what ``encode`` writes.
    """
    try:
        rows: list[Row] = DECODER.decode_lines(text)
    except ValueError as error:
        raise PackageCorrupted(f"a line of a load package is not JSON: {error}", hint="drop the package and run again") from error
    if MARK in bytes(text) if tagged is None else tagged:
        from sinkkit.schema.encoding.restore import restore_rows

        restore_rows(rows)
    return rows


def taggers_for(rows: list[Row], kinds: Kinds) -> Taggers:
    """What to apply to which column, for the types in *kinds*; columns not named are plain JSON but for NaN and infinities."""
    taggers: Taggers = {}
    for name, of in kinds.items():
        if of <= PLAIN and not (int in of and sys.get_int_max_str_digits() not in range(1, LONGEST_INT_DIGITS + 1)):
            continue
        from sinkkit.schema.encoding.tags import SCALARS, TAGGERS, tag

        others = of - {type(None)}
        if others <= PLAIN | NESTED and not others <= PLAIN and is_plain_json([row[name] for row in rows if name in row]):
            continue
        only = next(iter(others))
        taggers[name] = TAGGERS[only] if len(others) == 1 and only in SCALARS else tag  # type: ignore[assignment]  # depth has a default
    return taggers


def taggers_for_floats(rows: list[Row], kinds: Kinds, done: Taggers, lines: bytes) -> Taggers:
    """What to apply to columns with NaN or infinities, which were written as null in *lines*."""
    names = [name for name, of in kinds.items() if float in of and name not in done]
    names = [name for name in names if kinds[name] != {float} or not is_finite(rows, name)]
    if not names or b"null" not in lines:
        return {}
    from sinkkit.schema.encoding.tags import tag

    return {name: tag for name in names if any(type(value := row.get(name)) is float and not isfinite(value) for row in rows)}


def is_finite(rows: list[Row], name: str) -> bool:
    """Whether column *name*, of floats alone, is in all *rows* and certainly without NaN and infinities; their sum is one of these as soon as one of them is."""
    try:
        return isfinite(sum(map(itemgetter(name), rows)))
    except KeyError:
        return False


def is_plain_json(values: list[Any]) -> bool:
    """Whether *values* come back equal, and are not nested too deeply; may say no to what is, never yes to what is not."""
    from sinkkit.schema.encoding.tags import DEPTH

    try:
        text = ENCODER.encode_lines(values)
        if MARK in text or DECODER.decode_lines(text) != values:
            return False
    except (TypeError, ValueError, RecursionError):
        return False
    if text.count(b"[") + text.count(b"{") <= DEPTH:
        return True
    lines = text.split(b"\n")[:-1]
    if max(map(len, lines)) <= 2 * DEPTH:  # each level opens and closes
        return True
    return all(line.count(b"[") + line.count(b"{") <= DEPTH or not is_deep(values[at]) for at, line in enumerate(lines))


def is_deep(value: Any) -> bool:
    """Whether lists and dicts are nested in *value* beyond the limit."""
    from sinkkit.schema.encoding.tags import DEPTH

    level = [value]
    for _ in range(DEPTH + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, list | dict)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def tagged(rows: list[Row], taggers: Taggers) -> list[Row]:
    """Copies of *rows* with *taggers* applied to their columns; None stays None."""
    columns = list(taggers.items())
    copies = []
    for row in rows:
        copy = dict(row)
        for name, tagger in columns:
            value = copy.get(name)
            if value is not None:
                copy[name] = tagger(value)
        copies.append(copy)
    return copies


def with_plain_names(rows: list[Row], *, table: str, first_row: int) -> list[Row]:
    """Copies of *rows* whose column names are of type str itself.

    Raises:
        SourceError: If a column name is not a str.
    """
    for index, row in enumerate(rows):
        for name in row:
            if not isinstance(name, str):
                raise SourceError(
                    f"table {table!r}, row {first_row + index} (counted from 0): "
                    f"the column name {name!r} is of type {type(name).__name__}",
                    hint="names of columns are str: convert the keys before yielding the row",
                )
    return [{str.__str__(name): value for name, value in row.items()} for row in rows]


def encode_slowly(rows: list[Row], *, table: str, first_row: int) -> bytes:
    """Like ``encode``, looking at each value."""
    from sinkkit.schema.encoding.tags import NotKeptError, tag_dict

    copies = []
    for index, row in enumerate(rows):
        try:
            copies.append(tag_dict(row, -1))  # a row is not a level of nesting
        except (NotKeptError, RecursionError) as error:
            raise not_kept(row, error, table=table, number=first_row + index) from error
    return ENCODER.encode_lines(copies)


def not_kept(row: Row, error: NotKeptError | RecursionError, *, table: str, number: int) -> SourceError:
    """The error for a row with a value that cannot be kept, naming its place."""
    from sinkkit.schema.encoding.tags import deeper_error, place_of

    found = deeper_error() if isinstance(error, RecursionError) else error
    column, path = place_of(row, found)
    return SourceError(
        f"table {table!r}, row {number} (counted from 0), column {column!r}: the value{path} {found.reason}", hint=found.hint
    )
