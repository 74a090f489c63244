"""The names of one destination: a convention, what lengths it takes and what it does to cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import attrs

from sinkkit.errors import SchemaError
from sinkkit.schema.naming.conventions import DIRECT, Convention
from sinkkit.schema.naming.shortening import shortened

FOLDS: Mapping[str, Callable[[str], str]] = MappingProxyType({"preserve": str, "lower": str.lower, "upper": str.upper})


@attrs.frozen
class Names:
    """How tables and columns are called.

    Attributes:
        convention: The convention.
        table_limit: Characters of the name of a table, at most; None: any number.
        column_limit: The same for columns.
        fold: What the destination does to the case of names: ``preserve``, ``lower``, ``upper``.
        case_sensitive: Whether names that differ in case alone are two names.
    """

    convention: Convention = DIRECT
    table_limit: int | None = None
    column_limit: int | None = None
    fold: str = "preserve"
    case_sensitive: bool = True

    @property
    def changes_nothing(self) -> bool:
        """Whether every name is handed out as it is, and names that differ are never one."""
        return self == AS_GIVEN

    def column(self, *path: str) -> str:
        """The column for the value at *path*, keys from the row inwards.

        Raises:
            SchemaError: If nothing is left of a key, or a convention of the user's own fails.
        """
        return self._name(path, self.column_limit)

    def table(self, name: str, *path: str) -> str:
        """The table for the lists at *path*, keys from the table *name* inwards; without a path that of *name* itself.

        Raises:
            SchemaError: As ``column``.
        """
        separator = self.convention.separator
        parts = [part for part in name.split(separator) if part.strip()] if self.convention.reads_paths else []
        return self._name((*(parts or [name]), *path), self.table_limit)

    def hinted(self, name: str) -> str:
        """The column that a hint for *name* speaks of: its own, or that of a path written with separators."""
        parts = [part for part in name.split(self.convention.separator) if part.strip()] if self.convention.reads_paths else []
        return self.column(*(parts or [name]))

    def told_apart(self, name: str) -> str:
        """The same for all names that the destination takes for one."""
        return name if self.case_sensitive else name.casefold()

    def _name(self, path: tuple[str, ...], limit: int | None) -> str:
        name = self.convention.separator.join(map(self._part, path))
        source = path[0].strip() if len(path) == 1 else name
        fold = FOLDS[self.fold]
        return fold(shortened(fold(name), source, _least(limit, self.convention.max_length)))

    def _part(self, part: str) -> str:
        try:
            name: object = self.convention.identifier(str.__str__(part))
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise SchemaError(f"naming convention {self.convention.name!r} fails for the name {part!r}: {error}", hint="mend the convention") from error
        if not isinstance(name, str) or (not name and self.convention != DIRECT):
            raise SchemaError(
                f"the name {part!r} becomes {name!r} by naming convention {self.convention.name!r}",
                hint='give it a name, or keep names as they are with naming_convention="direct"',
            )
        return name


def _least(one: int | None, other: int | None) -> int | None:
    return min((limit for limit in (one, other) if limit is not None), default=None)


AS_GIVEN = Names()
"""Names are handed out as they are."""
