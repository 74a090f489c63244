"""The one entry point: whatever the user calls data, as pages."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from os import PathLike
from types import AsyncGeneratorType, FunctionType, GeneratorType, MethodType
from typing import Any

import attrs

from sinkkit.errors import SourceError
from sinkkit.sources.iterables import Stream, arrow_pages, blame, item_pages, list_pages
from sinkkit.sources.kinds import Kind, converter_of, is_arrow, kind_of
from sinkkit.sources.pages import Columns, Page, PartialHints, Source, Structured
from sinkkit.sources.quota import Quota
from sinkkit.sources.routing import Router
from sinkkit.sources.side_by_side import side_by_side

CALLABLES = (FunctionType, MethodType, partial)


def read(
    data: Any,
    *,
    table_name: str | None = None,
    columns: Columns | None = None,
    primary_key: str | Sequence[str] | None = None,
    write_disposition: str | None = None,
    merge_key: str | Sequence[str] | None = None,
    schema_contract: str | Mapping[str, str] | None = None,
    quota: Quota | None = None,
) -> Iterator[Page]:
    """The rows of *data*, a page at a time; what the caller says of the table wins over what a resource says.

    Args:
        data: Rows (mappings, attrs, dataclass and pydantic instances, named tuples) or single values, which become
            ``{"value": ...}``: one row, a list, an iterator, an async iterator, pages (lists) of them; anything with
            ``__arrow_c_stream__``, also as pages; a function that gives any of these; ``files(...)``; a ``resource``; or a list of those.
        table_name: Default: the name of the resource, generator function or file, else ``"rows"``.
        columns: Column name to hints.
        primary_key: One column name or several.
        write_disposition: ``append`` (default), ``replace`` or ``merge``.
        merge_key: One column name or several.
        schema_contract: What becomes of new tables, columns and data types: one mode or a mapping of these to modes.
        quota: How many rows are wanted; None: all.

    Returns:
        An iterator of ``RowsPage`` and ``ArrowPage``. No more than about one page is held, and data is touched only when the
        first is asked for. Data without rows gives no page. Close the iterator to stop early: it closes the user's generator.

    Raises:
        ConfigError: At once, if a hint cannot be meant.
        SourceError: While iterating: the data cannot be read; rows are numbered over the whole table from 0.
            What the user's own code raised is the cause; ``KeyboardInterrupt`` and ``SystemExit`` pass through.
    """
    given = PartialHints(
        table_name=table_name,
        columns=columns,
        primary_key=primary_key,
        write_disposition=write_disposition,
        merge_key=merge_key,
        schema_contract=schema_contract,
    )
    return all_pages(data, given) if quota is None else quota.pages(all_pages(data, given, quota))


def all_pages(data: Any, given: PartialHints, quota: Quota | None = None) -> Iterator[Page]:
    """The pages of every table in *data*, taken no further than *quota* needs."""
    counts: Counter[str] = Counter()
    beside: dict[Any, list[Beside]] = {}
    for stream, items in streams_in(data, given, "rows", None):
        if isinstance(items, Beside):
            beside.setdefault(items.place, []).append(items)
            continue
        yield from counted_pages(stream, items, counts, quota)
    if beside:
        yield from side_by_side([partial(pages_of, pieces, counts, quota) for pieces in beside.values()])


@attrs.frozen
class Beside:
    """A source that is read side by side with others; those with the same *place*, which are of one table, one after another."""

    place: Any
    streams: Callable[[], Iterator[tuple[Stream, Any]]]


def pages_of(pieces: Sequence[Beside], counts: Counter[str], quota: Quota | None) -> Iterator[Page]:
    """The pages of *pieces*, one after another."""
    for piece in pieces:
        for stream, items in piece.streams():
            yield from counted_pages(stream, items, counts, quota)


def counted_pages(stream: Stream, items: Any, counts: Counter[str], quota: Quota | None) -> Iterator[Page]:
    """The pages of one piece of data that holds rows; *counts* has the rows of each table before and after it."""
    stream.before, stream.quota = counts[stream.table.name], quota
    pages = stream_pages(items, stream)
    yield from pages if stream.router is None else stream.router.pages(pages)
    counts[stream.table.name] += stream.taken


def streams_in(data: Any, given: PartialHints, name: str, label: str | None) -> Iterator[tuple[Stream, Any]]:
    """Open *data* down to what holds rows: each such piece with its table.

    Args:
        data: What the user gave.
        given: The hints that hold for it.
        name: The table's name if nothing better is found.
        label: What errors call it, if something around it said so.
    """
    kind = type(data)
    own = name_of(data)
    name, label = own or name, label or (f"generator {own!r}" if own else f"the {kind.__name__} given as data")
    if is_arrow(kind):
        yield Stream(given.filled(name), label), data
    elif isinstance(data, Source):
        wanted = given.over(data.hints())
        streams = partial(source_streams, data, given, wanted, name)
        if isinstance(data, Structured) and data.parallelized:
            place = id(data) if routed(data, given) else wanted.filled(name).name
            yield Stream(wanted.filled(name), data.label), Beside(place, streams)
        else:
            yield from streams()
    elif isinstance(data, CALLABLES):
        yield from streams_in(called(data, label), given, name, label)
    elif inspect.iscoroutine(data):
        yield from streams_in(outcome_of(data, label), given, name, label)
    elif isinstance(data, list | tuple) and data and converter_of(kind) is None and holds_sources(data):
        for element in data:
            yield from streams_in(element, given, name, None)
    else:
        yield Stream(given.filled(name), label), data


def source_streams(data: Source, given: PartialHints, wanted: PartialHints, name: str) -> Iterator[tuple[Stream, Any]]:
    """A source opened down to what holds rows, which go to the tables they name unless the caller named one."""
    router = routed(data, given)
    for stream, items in streams_in(data.open(wanted), wanted, name, data.label):
        stream.router = router or stream.router
        yield stream, items


def routed(data: Source, given: PartialHints) -> Router | None:
    """What sends the rows of *data* to the tables they name; None if they are all of one."""
    if not isinstance(data, Structured) or data.route is None or given.table_name is not None:
        return None
    return Router(data.route, data.label)


def stream_pages(data: Any, stream: Stream) -> Iterator[Page]:
    """The pages of one piece of data that holds rows."""
    kind = type(data)
    refuse_no_data(data)
    if is_arrow(kind):
        return arrow_pages(data, stream)
    if is_one_row(data):
        return list_pages([data], stream)
    if isinstance(data, list | tuple):
        return list_pages(data, stream)
    if isinstance(data, AsyncIterable):
        from sinkkit.sources.coroutines import drive

        return item_pages(drive(data, lambda: stream.next_page), stream)
    if isinstance(data, Iterable) or hasattr(kind, "__getitem__"):
        return item_pages(data, stream)
    raise SourceError(
        f"{stream.label} cannot be read: a {kind.__name__} is neither rows nor something to iterate",
        hint="give a list or generator of dicts, an Arrow table or frame, sinkkit.sources.files(...) or a resource",
    )


def is_one_row(data: Any) -> bool:
    """Whether *data* is itself a row; an object that can be iterated and is no mapping or tuple is a reader of rows instead."""
    kind = type(data)
    if isinstance(data, Mapping) or hasattr(kind, "model_dump") or hasattr(kind, "_asdict"):
        return True
    return kind_of(kind) is Kind.ROW and not hasattr(kind, "__iter__") and not hasattr(kind, "__aiter__")


def refuse_no_data(data: Any) -> None:
    """Refuse what can be iterated and is surely not meant as rows."""
    kind = type(data)
    if isinstance(data, str | PathLike):
        raise SourceError(f"{data!r} is not data", hint="to read a file, give sinkkit.sources.files(path)")
    if data is None or isinstance(data, bytes | bytearray | memoryview):
        raise SourceError(f"{kind.__name__} is not data", hint="give rows; to read a file, give sinkkit.sources.files(path)")
    if isinstance(data, type):
        raise SourceError(f"the class {data.__name__} is not data", hint=f"give an instance: {data.__name__}(...)")
    if (kind.__module__, kind.__name__) == ("_csv", "reader"):
        raise SourceError(
            "csv.reader gives lists without column names", hint="use csv.DictReader, or sinkkit.sources.files(path)"
        )


def name_of(data: Any) -> str | None:
    """The name of the function behind *data*, if it is one or a generator, and can be a table's name."""
    if isinstance(data, partial):
        return name_of(data.func)
    if isinstance(data, (GeneratorType, AsyncGeneratorType, *CALLABLES)):
        name = str(getattr(data, "__name__", ""))
        return name if name.isidentifier() else None  # not "<lambda>" and "<genexpr>"
    return None


def holds_sources(data: Sequence[Any]) -> bool:
    """Whether *data* is a list of things to read one after another, judged by its first element.

    Raises:
        SourceError: If the first is one and another is not.
    """
    if not is_source(data[0]):
        return False
    for index, element in enumerate(data):
        if not is_source(element):
            raise SourceError(
                f"element {index} of the list given as data is a {type(element).__name__}, and those before it are sources",
                hint="give a list of rows, or a list of generators, frames, files and resources",
            )
    return True


def is_source(item: Any) -> bool:
    """Whether *item*, in a list, is read on its own."""
    iterators = (Iterator, AsyncIterable, *CALLABLES)
    return is_arrow(type(item)) or isinstance(item, iterators) or inspect.iscoroutine(item) or isinstance(item, Source)


def called(function: Callable[..., Any], label: str) -> Any:
    """What *function* gives when called without arguments.

    Raises:
        SourceError: If it needs arguments, or raises.
    """
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        raise SourceError(
            f"{label} cannot be called without arguments: {error}", hint="call it yourself and give what it returns"
        ) from error
    return outcome_of(function, label)


def outcome_of(work: Callable[[], Any] | Awaitable[Any], label: str) -> Any:
    """What a function returns or a coroutine gives.

    Raises:
        SourceError: If it raises.
    """
    try:
        if callable(work):
            return work()
        from sinkkit.sources.coroutines import awaited

        return awaited(work)
    except Exception as error:  # noqa: BLE001  # raised again as an error of ours
        blame(error, label, 0)
