"""What a source gives: pages of rows or of Arrow data, each with what is known of its table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import attrs

from sinkkit.errors import ConfigError
from sinkkit.rows import Row
from sinkkit.schema.columns.contract import Contract, checked_contract
from sinkkit.schema.columns.hints import checked_hints, checked_key, flagged, merged
from sinkkit.schema.shapes import Shapes

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types  # noqa: TC004  # heavy, and attrs does not evaluate annotations

ROWS_A_PAGE = 2_000
"""Rows in a page that is put together here: enough to make the cost of a page vanish, few enough to be held."""

ARROW_ROWS_A_PAGE = 100_000
"""Most rows in a page of Arrow data; larger batches are sliced, which copies nothing."""

DISPOSITIONS = ("append", "replace", "merge")

Columns: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Column name to hints such as ``{"data_type": "bigint"}``."""


@attrs.frozen
class TableHints:
    """What is known of a table before any row of it was looked at.

    *parent* and *level* are those of ``TableSchema``; a *schema_contract* of None takes everything as it comes.
    """

    name: str
    columns: Columns = attrs.field(factory=dict)
    primary_key: tuple[str, ...] = ()
    write_disposition: str = "append"
    merge_key: tuple[str, ...] = ()
    schema_contract: Contract | None = attrs.field(default=None, converter=checked_contract)
    parent: str | None = None
    level: int = 0

    def said(self) -> dict[str, Any]:
        """What was said of the table, as the writer of a package takes it beside its rows."""
        return {
            "columns": self.columns,
            "primary_key": self.primary_key,
            "write_disposition": self.write_disposition,
            "merge_key": self.merge_key,
            "schema_contract": None if self.schema_contract is None else self.schema_contract.asdict(),
            "parent": self.parent,
            "level": self.level,
        }


@attrs.frozen
class RowsPage:
    """Some rows of a table. The list may be the user's own: do not change it, and be done with it before the next page is asked for.

    *shapes* is what ``shapes_of`` gives for the rows, if somebody has looked already.
    """

    table: TableHints
    rows: list[Row]
    shapes: Shapes | None = attrs.field(default=None, eq=False, repr=False)


@attrs.frozen
class ArrowPage:
    """Some rows of a table as Arrow data."""

    table: TableHints
    data: pa.RecordBatch | pa.Table


Page: TypeAlias = RowsPage | ArrowPage


def checked_name(name: Any) -> str | None:
    """*name* if it can be a table's name, or None for not given.

    Raises:
        ConfigError: If it is anything but None or text with something in it.
    """
    if name is None or (isinstance(name, str) and name.strip() and not any("\ud800" <= letter <= "\udfff" for letter in name)):
        return name
    raise ConfigError(f"{name!r} cannot be the name of a table", hint='give text, for example table_name="contacts"')


def checked_merge_key(key: Any) -> tuple[str, ...] | None:
    """*key*, as ``checked_key`` has it."""
    return checked_key(key, "merge_key")


def checked_disposition(disposition: Any) -> str | None:
    """*disposition* if there is such a one, or None for not given.

    Raises:
        ConfigError: If there is none of that name.
    """
    if disposition is None or disposition in DISPOSITIONS:
        return str(disposition) if disposition else None
    raise ConfigError(f"there is no write_disposition {disposition!r}", hint=f"it is one of {', '.join(DISPOSITIONS)}")


@attrs.frozen(kw_only=True)
class PartialHints:
    """What the caller, or a source, says about a table; None where it says nothing.

    Raises:
        ConfigError: At once, if something said cannot be meant.
    """

    table_name: str | None = attrs.field(default=None, converter=checked_name)
    columns: Columns | None = attrs.field(default=None, converter=checked_hints)
    primary_key: tuple[str, ...] | None = attrs.field(default=None, converter=checked_key)
    write_disposition: str | None = attrs.field(default=None, converter=checked_disposition)
    merge_key: tuple[str, ...] | None = attrs.field(default=None, converter=checked_merge_key)
    schema_contract: Contract | None = attrs.field(default=None, converter=checked_contract)

    def over(self, lower: PartialHints) -> PartialHints:
        """These hints, completed by *lower* where they say nothing; columns are completed hint by hint."""
        return PartialHints(
            table_name=self.table_name or lower.table_name,
            columns=merged(lower.columns or {}, self.columns or {}) or None,
            primary_key=lower.primary_key if self.primary_key is None else self.primary_key,
            write_disposition=self.write_disposition or lower.write_disposition,
            merge_key=lower.merge_key if self.merge_key is None else self.merge_key,
            schema_contract=lower.schema_contract if self.schema_contract is None else self.schema_contract,
        )

    def filled(self, name: str) -> TableHints:
        """The table's hints, with *name* where no name was given; keys are those named, else the columns that have the hint."""
        columns = self.columns or {}
        return TableHints(
            name=self.table_name or name,
            columns=columns,
            primary_key=flagged(columns, "primary_key") if self.primary_key is None else self.primary_key,
            write_disposition=self.write_disposition or "append",
            merge_key=flagged(columns, "merge_key") if self.merge_key is None else self.merge_key,
            schema_contract=self.schema_contract,
        )


@runtime_checkable
class Source(Protocol):
    """Data that knows its table: files, resources, and whatever else comes later."""

    @property
    def label(self) -> str:
        """What errors call it, for example ``file 'airports.csv'``."""

    def hints(self) -> PartialHints:
        """What it says about its table; the name is always given."""

    def open(self, hints: PartialHints) -> Any:
        """Its data, fresh: anything that can be read; *hints* are those that hold, the caller's included."""


@runtime_checkable
class Structured(Source, Protocol):
    """A source that may be read side by side with others, and may be of several tables."""

    @property
    def parallelized(self) -> bool:
        """Whether it is read side by side with others that are."""

    @property
    def route(self) -> Callable[[Row], str] | None:
        """What gives the table of each row; None: all are of one table."""
