"""The load packages of a pipeline: to look into, and to move to another pipeline."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import attrs

from sinkkit.clock import Clock
from sinkkit.errors import ConfigError
from sinkkit.journal.protocol import Journal
from sinkkit.runs.accounts.lineage import Load
from sinkkit.runs.accounts.report import loads_of
from sinkkit.runs.accounts.state import OPEN, reading
from sinkkit.runs.location import Location
from sinkkit.runs.session import Session

if TYPE_CHECKING:
    from sinkkit.runs.packages.inspecting import PackageShown


@attrs.frozen
class Packages:
    """Made by ``Pipeline.packages``; looking needs no ownership of the pipeline, moving does."""

    pipeline_name: str
    location: Location = attrs.field(repr=False)
    clock: Clock = attrs.field(repr=False)
    session: Callable[[], AbstractContextManager[Session]] = attrs.field(repr=False)

    def load(self, load_id: str) -> Load:
        """What the journal knows of the load *load_id*.

        Raises:
            ConfigError: If it does not know it.
        """
        with reading(self.location, self.clock) as journal:
            return self._load(journal, load_id)

    def show(self, load_id: str | None = None) -> PackageShown:
        """What is in the package *load_id*, or in the only one that is pending; all its files are read and checked.

        Raises:
            ConfigError: If there is no such package, or it is not known which is meant.
            PackageCorrupted: If it has no manifest that can be believed, or a file is missing or cut off.
        """
        from sinkkit.runs.packages.inspecting import only_pending, shown

        with reading(self.location, self.clock) as journal:
            if journal is None:
                raise ConfigError(f"pipeline {self.pipeline_name!r} was never run", hint="check its name, and pipelines_dir")
            if load_id is None:
                load_id = only_pending([record.load_id for record in journal.packages() if record.state in OPEN], self.pipeline_name)
            return shown(journal, self.location, self._load(journal, load_id))

    def export(self, to: str | os.PathLike[str], load_id: str | None = None) -> Load:
        """Hand the package *load_id*, or the only one that is pending, over in the file *to*; it is not pending here any more.

        Only a package of which nothing was sent can go. The same export, given again, writes the same file again.

        Args:
            to: The file: ``.tar``, ``.tar.gz``, ``.tgz``, ``.tar.zst`` or ``.tzst``. It must not be there yet.
            load_id: The package.

        Raises:
            ConfigError: If there is no such package, it was begun, was handed over in another file, or the file is there. Nothing was changed.
            PackageCorrupted: If the package is not what was written. Nothing was changed.
            SinkkitError: If the file cannot be written; the message says whether the package was handed over.
        """
        from sinkkit.runs.packages.handing import export_package

        with self.session() as session:
            return export_package(session, load_id, to)

    def import_file(self, path: str | os.PathLike[str]) -> Load:
        """Take over the package in the file *path*; it is pending here then, under its own load id.

        Raises:
            ConfigError: If there is no such file, or this pipeline knows its package already.
            PackageCorrupted: If it is not what was exported. Nothing was taken.
            SinkkitError: If it cannot be read, or the package cannot be written. Nothing was taken.
        """
        from sinkkit.runs.packages.handing import import_package

        with self.session() as session:
            return import_package(session, path)

    def _load(self, journal: Journal | None, load_id: str) -> Load:
        found = () if journal is None else loads_of(journal, self.pipeline_name, [load_id])
        if not found:
            hint = f"see `sinkkit status {self.pipeline_name}`; what was pruned is forgotten"
            raise ConfigError(f"pipeline {self.pipeline_name!r} knows no load package {load_id!r}", hint=hint)
        return found[0]
