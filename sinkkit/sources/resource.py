"""``@resource``: a function as a source that knows its table."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Generic, ParamSpec, overload

import attrs

from sinkkit.errors import SignatureError, SourceError
from sinkkit.rows import Row
from sinkkit.sources.pages import Columns, PartialHints, RowsPage, checked_name

P = ParamSpec("P")


@attrs.frozen(kw_only=True)
class Resource(Generic[P]):
    """A function that gives data, with what is known of its table; made by ``resource``.

    Every run calls the function anew, so the same resource can be read again and gives fresh data.

    Attributes:
        function: The function as it was written.
        name: Its own name, or the one given.
    """

    function: Callable[P, Any]
    name: str
    table: PartialHints = attrs.field(repr=False)
    bound: Callable[[], Any] | None = attrs.field(default=None, repr=False)  # arguments may hold secrets

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


@overload
def resource(function: Callable[P, Any], /) -> Resource[P]: ...


@overload
def resource(
    *,
    name: str | None = None,
    columns: Columns | None = None,
    primary_key: str | Sequence[str] | None = None,
    write_disposition: str | None = None,
    table_name: str | None = None,
) -> Callable[[Callable[P, Any]], Resource[P]]: ...


def resource(
    function: Callable[P, Any] | None = None,
    /,
    *,
    name: str | None = None,
    columns: Columns | None = None,
    primary_key: str | Sequence[str] | None = None,
    write_disposition: str | None = None,
    table_name: str | None = None,
) -> Resource[P] | Callable[[Callable[P, Any]], Resource[P]]:
    """Make a function that gives data a source that knows its table; use it bare or with keyword arguments.

    Args:
        function: A function, generator function, async function or async generator function that gives any data.
        name: Default: the function's name.
        columns: Column name to hints.
        primary_key: One column name or several.
        write_disposition: ``append`` (default), ``replace`` or ``merge``.
        table_name: Default: *name*.

    Raises:
        SignatureError: If what is decorated cannot be called, or is a class.
        ConfigError: If a hint cannot be meant.
    """
    table = PartialHints(table_name=table_name, columns=columns, primary_key=primary_key, write_disposition=write_disposition)

    def decorate(function: Any) -> Resource[P]:
        if not callable(function) or isinstance(function, type):
            raise SignatureError(
                f"@resource needs a function, not {type(function).__name__} {getattr(function, '__name__', '')}".rstrip(),
                hint="write `@sinkkit.resource` above a function that yields rows; options go by keyword: `@sinkkit.resource(name=...)`",
            )
        written = getattr(function, "__name__", type(function).__name__)
        own = checked_name(name) or (written if written.isidentifier() else "rows")  # a lambda has no name
        return Resource(function=function, name=own, table=table)

    return decorate if function is None else decorate(function)
