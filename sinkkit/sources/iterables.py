"""Items of any kind, as pages: lists are passed on or sliced, single rows are put together."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, islice
from typing import Any, NoReturn

import attrs

from sinkkit.errors import SourceError
from sinkkit.rows import Row
from sinkkit.sources.arrow import record_batches
from sinkkit.sources.kinds import Kind, as_row, kind_of
from sinkkit.sources.pages import ROWS_A_PAGE, ArrowPage, Page, RowsPage, TableHints
from sinkkit.sources.quota import Quota
from sinkkit.sources.routing import Router

KEYS_SEEN = 16
"""Rows at the head of a list whose keys are looked at here; to look at all would cost more than everything else in this
room. The others are looked at where columns are inferred, which visits every key anyway."""


@attrs.define
class Stream:
    """One way through one piece of data.

    Attributes:
        table: The table its rows belong to.
        label: What errors call the data.
        before: Rows the table had before this data.
        taken: Rows taken from this data so far.
        kind: What its items are, once known: all of them are of one kind.
        quota: How many rows are wanted; None: all.
        router: What sends its rows to the tables they name; None: all are of one.
    """

    table: TableHints
    label: str
    before: int = 0
    taken: int = 0
    kind: Kind | None = None
    quota: Quota | None = None
    router: Router | None = None

    @property
    def next_page(self) -> int:
        """Single rows to take at a time."""
        return ROWS_A_PAGE if self.quota is None else self.quota.next_page

    @property
    def row(self) -> int:
        """The number of the next row, counted over the whole table from 0."""
        return self.before + self.taken

    def rows(self, rows: list[Row], keys_seen: int) -> RowsPage:
        """*rows* as a page, counted, after a look at the keys of the first *keys_seen*."""
        if not all(isinstance(key, str) for key in set().union(*rows[:keys_seen])):
            refuse_key(rows, self.row)
        self.taken += len(rows)
        return RowsPage(self.table, rows)

    def settle(self, kind: Kind, item: Any) -> None:
        """Refuse *item*, the next one, if it is of another kind than those before it."""
        if kind is Kind.OTHER:
            raise SourceError(
                f"row {self.row} of table {self.table.name!r} is a {type(item).__name__}, {kind.value}", hint=hint_for(item)
            )
        self.kind = self.kind or kind
        if kind is not self.kind:
            raise SourceError(
                f"row {self.row} of table {self.table.name!r} is {kind.value} ({type(item).__name__}), and what came before it was {self.kind.value}",
                hint="give rows, values or Arrow data, not some of each",
            )


def refuse_key(rows: Sequence[dict[Any, Any]], first: int) -> NoReturn:
    """Name the first key in *rows* that is not text; *first* is the number of the first row."""
    number, key = next((first + index, key) for index, row in enumerate(rows) for key in row if not isinstance(key, str))
    raise SourceError(
        f"row {number} has the key {key!r}, a {type(key).__name__}", hint="the keys of a row are column names: give them as str"
    )


def hint_for(item: Any) -> str:
    """What to do instead of giving *item* as a row."""
    if isinstance(item, tuple):
        return "name its columns, for example dict(zip(names, row)); to give several rows at once, give a list"
    if isinstance(item, Iterable):
        return "give the rows themselves (yield from ...), or a list of them as a page"
    return "give dicts, attrs or dataclass instances, or single values"


def list_pages(items: Sequence[Any], stream: Stream) -> Iterator[Page]:
    """The pages of a list or tuple that is there already."""
    for start in range(0, len(items), ROWS_A_PAGE):
        yield from chunk_pages(items[start : start + ROWS_A_PAGE], stream, KEYS_SEEN)


def item_pages(data: Iterable[Any], stream: Stream) -> Iterator[Page]:
    """The pages of what can be iterated once; a generator is closed when reading stops.

    Raises:
        SourceError: Naming the rows taken so far, with the exception that *data* raised as its cause.
            Its text is not repeated, since it may hold a secret. A ``SourceError`` is passed on as it is.
    """
    iterator: Iterator[Any] | None = None
    try:
        failure: Exception | None = None
        chunk: list[Any] = [None]
        while chunk and failure is None:
            chunk = []
            try:
                iterator = iter(data) if iterator is None else iterator
                fill(chunk, iterator, stream)
            except Exception as error:  # noqa: BLE001  # raised again below, after the rows before it
                failure = error
            yield from chunk_pages(chunk, stream, ROWS_A_PAGE)
        if failure is not None:
            blame(failure, stream.label, stream.taken)
    finally:
        if inspect.isgenerator(iterator):
            iterator.close()


def blame(error: Exception, label: str, rows: int) -> NoReturn:
    """Raise *error*, which the data called *label* raised after *rows* rows, as an error of ours."""
    if isinstance(error, SourceError):
        raise error
    raise SourceError(
        f"{label} raised {type(error).__name__} after {rows} rows",
        hint="nothing was sent; the exception itself is the cause of this one",
    ) from error


def fill(chunk: list[Any], iterator: Iterator[Any], stream: Stream) -> None:
    """Put items of *iterator* into *chunk*: single ones until it is a page, or a page that comes as one.

    Rows are copied as they come, since a generator may give the same object again with other values.
    """
    number = stream.row
    for item in islice(iterator, stream.next_page):
        if type(item) is dict:
            chunk.append(item.copy())
            continue
        kind = kind_of(type(item))
        chunk.append(as_row(item, number + len(chunk)) if kind is Kind.ROW else item)
        if kind in (Kind.PAGE, Kind.ARROW):
            return


def chunk_pages(chunk: Sequence[Any], stream: Stream, keys_seen: int, *, inside: bool = False) -> Iterator[Page]:
    """The pages of items that are in memory: rows, values, Arrow data, and unless it is *inside* a page itself, lists of them.

    A list of plain rows is passed on as it is.
    """
    if set(map(type, chunk)) == {dict} and stream.kind in (None, Kind.ROW):
        stream.kind = Kind.ROW
        yield stream.rows(chunk if isinstance(chunk, list) else list(chunk), keys_seen)
        return
    for kind, group in groupby(chunk, key=lambda item: kind_of(type(item))):
        if kind is Kind.PAGE and inside:
            raise SourceError(
                f"row {stream.row} of table {stream.table.name!r} is a list inside a page", hint="a page is a list of rows"
            )
        if kind is Kind.PAGE:
            yield from chain.from_iterable(chunk_pages(page, stream, KEYS_SEEN, inside=True) for page in group)
        elif kind is Kind.ARROW:
            yield from chain.from_iterable(arrow_pages(data, stream) for data in group)
        else:
            items = list(group)
            stream.settle(kind, items[0])
            yield stream.rows([as_row(item, stream.row + index) for index, item in enumerate(items)], keys_seen)


def arrow_pages(data: Any, stream: Stream) -> Iterator[Page]:
    """The pages of Arrow data.

    Raises:
        SourceError: If it is not a table, or its owner raises while it is read.
    """
    stream.settle(Kind.ARROW, data)
    try:
        for batch in record_batches(data):
            stream.taken += batch.num_rows
            yield ArrowPage(stream.table, batch)
    except Exception as error:  # noqa: BLE001  # raised again as an error of ours
        blame(error, stream.label, stream.taken)
