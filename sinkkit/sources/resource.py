"""``@resource``: a function, or data that is there, as a source that knows its table, or tells from each row which table it belongs to."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Generic, ParamSpec, TypeAlias, TypedDict, Unpack, overload

import attrs

from sinkkit.errors import ConfigError, SignatureError, SourceError
from sinkkit.rows import Row
from sinkkit.sources.pages import Columns, PartialHints, RowsPage, checked_name

P = ParamSpec("P")

TableName: TypeAlias = str | Callable[[Row], str]
"""The name of a table, or what gives it for each row."""


@attrs.frozen(kw_only=True)
class Resource(Generic[P]):
    """A function that gives data, with what is known of its table; made by ``resource``.

    Every run calls the function anew, so the same resource can be read again and gives fresh data. One that was made of data gives that.

    Attributes:
        function: The function as it was written.
        name: Its own name, or the one given.
        parallelized: Whether it is read side by side with others that are.
        route: What gives the table of each row; None: all are of one table.
    """

    function: Callable[P, Any]
    name: str
    table: PartialHints = attrs.field(repr=False)
    bound: Callable[[], Any] | None = attrs.field(default=None, repr=False)  # arguments may hold secrets
    parallelized: bool = False
    route: Callable[[Row], str] | None = attrs.field(default=None, repr=False)

    @property
    def __wrapped__(self) -> Callable[P, Any]:
        """Lets ``inspect.signature`` and editors see the function's own parameters."""
        return self.function

    @property
    def label(self) -> str:
        """What errors call it."""
        return f"resource {self.name!r}"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Resource[P]:
        """The same resource with these arguments; nothing is called until it is read."""
        return attrs.evolve(self, bound=partial(self.function, *args, **kwargs))

    def with_hints(
        self,
        *,
        table_name: TableName | None = None,
        columns: Columns | None = None,
        primary_key: str | Sequence[str] | None = None,
        write_disposition: str | None = None,
        merge_key: str | Sequence[str] | None = None,
        schema_contract: str | Mapping[str, str] | None = None,
        parallelized: bool | None = None,
    ) -> Resource[P]:
        """The same resource, of which more is known; what is given wins over what it said, and columns are completed hint by hint.

        Args:
            table_name: Its table, or a function that gives it for each row.
            columns: Column name to hints.
            primary_key: One column name or several.
            write_disposition: ``append``, ``replace`` or ``merge``.
            merge_key: One column name or several.
            schema_contract: What becomes of new tables, columns and data types.
            parallelized: Whether it is read side by side with others that are.

        Raises:
            ConfigError: If a hint cannot be meant.
        """
        name, route = named(table_name)
        said = PartialHints(
            table_name=name,
            columns=columns,
            primary_key=primary_key,
            write_disposition=write_disposition,
            merge_key=merge_key,
            schema_contract=schema_contract,
        )
        return attrs.evolve(
            self,
            table=said.over(self.table),
            route=self.route if table_name is None else route,
            parallelized=self.parallelized if parallelized is None else parallelized,
        )

    def hints(self) -> PartialHints:
        """What it says about its table."""
        return self.table.over(PartialHints(table_name=self.name))

    def open(self, hints: PartialHints) -> Any:  # noqa: ARG002  # part of the protocol; a function's data does not depend on them
        """The function itself with its arguments, to be called by the reader.

        Raises:
            SourceError: If the arguments do not fit the function.
        """
        call = self.bound or partial(self.function)
        try:
            inspect.signature(call).bind()
        except (TypeError, ValueError) as error:
            raise SourceError(
                f"{self.label} cannot be read: {error}", hint=f"call it with its arguments: {self.name}(...)"
            ) from error
        return call

    def __iter__(self) -> Iterator[Row]:
        """Its rows as dicts, for a look at them or a test."""
        from sinkkit.sources.reading import read

        for page in read(self):
            yield from page.rows if isinstance(page, RowsPage) else page.data.to_pylist()


def named(table_name: Any) -> tuple[str | None, Callable[[Row], str] | None]:
    """The name of a table, or the function that gives it.

    Raises:
        ConfigError: If it is neither.
    """
    if table_name is None or isinstance(table_name, str):
        return checked_name(table_name), None
    if callable(table_name) and not isinstance(table_name, type):
        return None, table_name
    raise ConfigError(
        f"table_name={table_name!r} names no table", hint='give text, or a function of the row: table_name=lambda row: row["kind"]'
    )


class Said(TypedDict, total=False):
    """What may be said of a resource by keyword; ``resource`` says what it means."""

    name: str | None
    columns: Columns | None
    primary_key: str | Sequence[str] | None
    write_disposition: str | None
    table_name: TableName | None
    merge_key: str | Sequence[str] | None
    schema_contract: str | Mapping[str, str] | None
    parallelized: bool


@overload
def resource(data: Callable[P, Any], /, **said: Unpack[Said]) -> Resource[P]: ...


@overload
def resource(data: Iterable[Any] | AsyncIterable[Any], /, **said: Unpack[Said]) -> Resource[[]]: ...


@overload
def resource(data: None = None, /, **said: Unpack[Said]) -> Callable[[Callable[P, Any]], Resource[P]]: ...


def resource(
    data: Any = None,
    /,
    *,
    name: str | None = None,
    columns: Columns | None = None,
    primary_key: str | Sequence[str] | None = None,
    write_disposition: str | None = None,
    table_name: TableName | None = None,
    merge_key: str | Sequence[str] | None = None,
    schema_contract: str | Mapping[str, str] | None = None,
    parallelized: bool = False,
) -> Any:
    """Make a function that gives data a source that knows its table; use it bare or with keyword arguments, or call it with data.

    Args:
        data: A function, generator function, async function or async generator function that gives any data; or the data itself, such as a
            list, a generator, an Arrow table or a data frame, with its *name*.
        name: Default: the function's name, or the generator's.
        columns: Column name to hints.
        primary_key: One column name or several.
        write_disposition: ``append`` (default), ``replace`` or ``merge``.
        table_name: Default: *name*. A function gets each row and gives the name of its table.
        merge_key: One column name or several.
        schema_contract: What becomes of new tables, columns and data types: one mode or a mapping of these to modes.
        parallelized: Read it in a thread of its own, side by side with others of which this is said, too.

    Raises:
        SignatureError: If what is given is no function and no data, or data without a name.
        ConfigError: If a hint cannot be meant.
    """
    known, route = named(table_name)
    table = PartialHints(
        table_name=known,
        columns=columns,
        primary_key=primary_key,
        write_disposition=write_disposition,
        merge_key=merge_key,
        schema_contract=schema_contract,
    )

    def decorate(given: Any) -> Resource[Any]:
        function = function_of(given)
        own = checked_name(name) or own_name(given)
        return Resource(function=function, name=own, table=table, route=route, parallelized=parallelized)

    return decorate if data is None else decorate(data)


def function_of(given: Any) -> Callable[..., Any]:
    """The function *given*, or one that gives the data that it is.

    Raises:
        SignatureError: If it is neither.
    """
    if callable(given) and not isinstance(given, type):
        return given  # type: ignore[no-any-return]  # what can be called is a function here
    is_data = isinstance(given, Iterable | AsyncIterable) or hasattr(given, "__arrow_c_stream__")
    if not is_data or isinstance(given, type | str | bytes):
        raise SignatureError(
            f"@resource needs a function, not {type(given).__name__} {getattr(given, '__name__', '')}".rstrip(),
            hint="write `@sinkkit.resource` above a function that yields rows, options go by keyword: `@sinkkit.resource(name=...)`; "
            "or give data and its name: `sinkkit.resource(rows, name=...)`",
        )
    return lambda: given


def own_name(given: Any) -> str:
    """What a function or generator is called where it is written.

    Raises:
        SignatureError: If it is other data, which has no name.
    """
    written = getattr(given, "__name__", None)
    if written is None and not callable(given):
        raise SignatureError(f"a resource made of a {type(given).__name__} needs a name", hint="write `sinkkit.resource(rows, name=...)`")
    written = written or type(given).__name__
    return written if written.isidentifier() else "rows"  # a lambda has no name
