"""How rows rest in a load package: what a destination's settings say of files, names and nesting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from sinkkit.declaration.destination import Destination
from sinkkit.declaration.mapped import configured_mapping
from sinkkit.declaration.naming.convention import is_known
from sinkkit.declaration.opening import Ready, names_of
from sinkkit.schema.columns.known import INTERNAL
from sinkkit.schema.items import ItemsKind
from sinkkit.schema.mapping.reading import Mappings, read_mapping
from sinkkit.schema.naming.conventions import Convention
from sinkkit.schema.naming.names import AS_GIVEN, Names
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.wanted import MISSING


@attrs.frozen(kw_only=True)
class Shape:
    """How rows rest; two shapes are equal if rows rest alike in both.

    Attributes:
        loader_file_format: The form of rows that were dicts.
        exact_files: Whether every file is of just that form.
        names: What tables and columns are called.
        max_nesting_level: Levels of lists that are tables of their own; None: all.
        skip_internal: Whether rows come without the keys that this package gives them.
        enforced: Whether schema contracts were asked about the rows, as is done once.
        mapping: What is done to rows before everything else; None: it is not known yet.
        mapped: What was done to the rows of a package; None: it was not known yet.
    """

    loader_file_format: str = "jsonl"
    exact_files: bool = False
    names: Names = AS_GIVEN
    max_nesting_level: int | None = 0
    skip_internal: bool = True
    enforced: bool = attrs.field(default=False, eq=False)
    mapping: Mappings | None = attrs.field(default=None, eq=False)
    mapped: Mapping[str, Any] | None = attrs.field(default=None, eq=False)

    @property
    def is_raw(self) -> bool:
        """Whether rows, tables and columns are as they were given."""
        return self.names.changes_nothing and self.max_nesting_level == 0 and self.skip_internal

    @property
    def raw(self) -> Shape:
        """The same files with rows as they were given."""
        return Shape(loader_file_format=self.loader_file_format, exact_files=self.exact_files)

    def same_rows(self, other: Shape) -> bool:
        """Whether rows, tables and columns are the same in both, however they rest."""
        return attrs.evolve(self.raw, names=self.names, max_nesting_level=self.max_nesting_level, skip_internal=self.skip_internal) == attrs.evolve(
            self.raw, names=other.names, max_nesting_level=other.max_nesting_level, skip_internal=other.skip_internal
        )

    def asdict(self) -> dict[str, Any]:
        """For the manifest."""
        convention = self.names.convention
        return {
            "loader_file_format": self.loader_file_format,
            "exact_files": self.exact_files,
            "names": {
                **attrs.asdict(self.names, recurse=False),
                "convention": {"name": convention.name, "separator": convention.separator, "max_length": convention.max_length},
            },
            "max_nesting_level": self.max_nesting_level,
            "skip_internal": self.skip_internal,
            "enforced": self.enforced,
            "mapping": self.mapping.said() if self.mapping is not None else self.mapped,
        }

    def told(self) -> str:
        """What it does to rows, for people."""
        return (
            f"naming_convention={self.names.convention.name!r}, max_nesting_level={self.max_nesting_level}, "
            f"skip_internal_columns_and_tables={self.skip_internal}"
        )


def shape_in(manifest: Mapping[str, Any]) -> Shape:
    """The shape that a manifest tells of; its convention is known by name alone."""
    known = dict(manifest)
    names, mapped = known.pop("names", None), known.pop("mapping", {})
    if names is None:
        return Shape(**known, mapped=mapped)
    convention = Convention(identifier=str.__str__, **names["convention"])
    return Shape(**known, mapped=mapped, names=Names(**{**names, "convention": convention}))


def own_tables(shape: Shape, names: Names) -> frozenset[str]:
    """What sinkkit's own tables are called in a package of *shape* under the convention *names*; none where they are not delivered."""
    return frozenset() if shape.skip_internal else frozenset(map(names.table, INTERNAL))


def shape_of(ready: Ready) -> Shape:
    """The form in which rows have to rest for a destination."""
    options = ready.options
    return Shape(
        loader_file_format=options.loader_file_format,
        exact_files=ready.kind is ItemsKind.PATH,
        names=ready.names,
        max_nesting_level=options.max_nesting_level,
        skip_internal=options.skip_internal_columns_and_tables,
        mapping=options.mapping or Mappings(),
    )


def known_shape(destination: Destination | None, pipeline: str | None = None) -> Shape:
    """What is known of how *destination* wants its rows, without importing anything or asking what may be far away, else defaults.

    A mapping is known where names are: it comes before them, and what was named cannot be mapped any more.
    """
    if destination is None:
        return Shape()
    options, declared = destination.known_options, destination.known
    whole_files = options.batch_size == 0 or (declared is not None and declared.signature.items is ItemsKind.PATH)
    files = Shape(loader_file_format=options.loader_file_format, exact_files=whole_files)
    if declared is None or not is_known(options.naming_convention):
        return files
    mapping = options.mapping
    if "mapping" not in destination.options:
        said = configured_mapping(Resolver(destination.destination_name, pipeline), cheap=True)
        mapping = mapping if said is MISSING else read_mapping(said)
    return attrs.evolve(
        files,
        names=names_of(options, destination.known_capabilities),
        max_nesting_level=options.max_nesting_level,
        skip_internal=options.skip_internal_columns_and_tables,
        mapping=mapping or Mappings(),
    )
