"""Rows into a package that is there as a whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from sinkkit.clock import Clock, SystemClock
from sinkkit.errors import SchemaError, SourceError
from sinkkit.faults import Faults, Point, idle
from sinkkit.package import manifest as manifests
from sinkkit.package.contents import LONGEST_PIECE, Contents
from sinkkit.package.disk import Disk
from sinkkit.package.folder import fsync, part_of, remove, seal, writing
from sinkkit.package.manifest import Manifest
from sinkkit.rows import Row
from sinkkit.schema.columns.columns import columns_of_arrow
from sinkkit.schema.shapes import Shapes

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types


class PackageWriter:
    """Writes one load package, from one thread.

    Used in a ``with`` statement, it leaves either a sealed package or nothing.

    Args:
        parent: The folder that gets the package as a folder of its own.
        load_id: The package's name; unique in the world.
        pipeline_name: Whose it is.
        file_format: How dict rows rest: ``"jsonl"``, or ``"parquet"`` for Arrow data.
        exact_files: The destination wants the path of files in just that format; otherwise Arrow data rests as Arrow IPC.
        max_file_rows: Most rows a job; small jobs of a table share a file on disk, unless *exact_files*.
        max_file_bytes: A file that has reached it is followed by another one.
        durability: ``"full"`` waits for the disk before the package gets its name, ``"process"`` does not.
        json_text: Whether dict rows that come to rest as Arrow get text in columns that were said to be json.
        shape: The shaping settings, for the manifest.
        clock: Says when the package was begun.
        faults: Called at each crash point.

    Raises:
        SourceError: If the folder cannot be made.
    """

    def __init__(
        self,
        parent: Path,
        load_id: str,
        pipeline_name: str,
        *,
        file_format: Literal["jsonl", "parquet"] = "jsonl",
        exact_files: bool = False,
        max_file_rows: int = 1_000_000_000,
        max_file_bytes: int = 1 << 30,
        durability: Literal["full", "process"] = "full",
        json_text: bool = True,
        shape: Mapping[str, Any] | None = None,
        clock: Clock | None = None,
        faults: Faults = idle,
    ) -> None:
        self.folder = parent / load_id
        self.part = part_of(parent, load_id)
        self.load_id = load_id
        self.pipeline_name = pipeline_name
        self.durable = durability == "full"
        self.shape = dict(shape or {})
        self.created_at = datetime.fromtimestamp((clock or SystemClock()).wall(), UTC).isoformat()
        self.faults = faults
        self.contents = Contents(self.part, file_format, exact_files, max_file_rows, max_file_bytes, Disk(durable=self.durable), json_text)
        self.ended = False
        with writing(self.part):
            self.part.mkdir(parents=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not self.ended:
            self.abort()

    @property
    def rows(self) -> int:
        """Rows given so far, in all tables."""
        return sum(table.rows + len(table.waiting) for tables in (self.contents.tables, self.contents.refused) for table in tables.values())

    def write_rows(
        self,
        table: str,
        rows: Sequence[Row],
        *,
        shapes: Shapes | None = None,
        columns: Mapping[str, Mapping[str, Any]] | None = None,
        primary_key: Sequence[str] = (),
        write_disposition: str = "append",
        merge_key: Sequence[str] = (),
        schema_contract: Mapping[str, str] | None = None,
        parent: str | None = None,
        level: int = 0,
    ) -> None:
        """Add a page of *rows* to *table*; they are kept by reference until a chunk of them is encoded.

        Args:
            table: The table's name.
            rows: Any number of them; none registers the table.
            shapes: What ``shapes_of`` gives for them, if it is known.
            columns: Hints of the user, which win over what is inferred.
            primary_key: Names of columns.
            write_disposition: For the table's schema.
            parent: The table that its rows were lists in.
            level: How many tables are above it.
            merge_key: Names of columns.
            schema_contract: For the table's schema; rows are taken as they are.

        Raises:
            SourceError: If a value cannot be kept, or the files cannot be written. Nothing stays then.
            SchemaError: If rows rest as Arrow and Arrow cannot hold one of them. Nothing stays then.
        """
        if self.ended:
            raise self.refusal()
        opened = self.contents.table(table)
        opened.said(
            columns,
            primary_key=primary_key,
            write_disposition=write_disposition,
            merge_key=merge_key,
            schema_contract=schema_contract,
            parent=parent,
            level=level,
        )
        page = rows if isinstance(rows, list) else list(rows)
        if opened.waiting or len(page) < opened.least:
            opened.waiting += page
            page, shapes = opened.waiting, None
        if len(page) >= opened.least:
            with self.writing():
                opened.waiting = self.contents.encode(opened, page, shapes=shapes)
        self.faults(Point.PAGE_EXTRACTED)

    def write_arrow(
        self,
        table: str,
        data: pa.Table | pa.RecordBatch,
        *,
        columns: Mapping[str, Mapping[str, Any]] | None = None,
        primary_key: Sequence[str] = (),
        write_disposition: str = "append",
        merge_key: Sequence[str] = (),
        schema_contract: Mapping[str, str] | None = None,
        parent: str | None = None,
        level: int = 0,
    ) -> None:
        """Add Arrow *data* to *table*; the other arguments and what is raised are as in ``write_rows``.

        Columns encoded by a dictionary rest as their values.
        """
        from sinkkit.schema.arrow import plain_table, rows_of
        from sinkkit.schema.items import ItemsKind, from_arrow

        with self.writing():
            twice = [name for name in data.schema.names if data.schema.names.count(name) > 1]
            if twice:
                raise SchemaError(f"table {table!r} has two columns {twice[0]!r}", hint="rename one of them")
            opened = self.contents.table(table)
            opened.said(
                columns,
                primary_key=primary_key,
                write_disposition=write_disposition,
                merge_key=merge_key,
                schema_contract=schema_contract,
                parent=parent,
                level=level,
            )
            self.contents.encode_waiting(opened)
            opened.columns = opened.columns.merge(columns_of_arrow(data.schema, data.num_rows))
            whole = plain_table(from_arrow(ItemsKind.TABLE, data), table=table)
            as_lines = self.contents.exact_files or not whole.num_columns  # Arrow files hold no rows without columns
            if as_lines and self.contents.file_format == "jsonl":
                for start in range(0, len(whole), LONGEST_PIECE):
                    piece = whole.slice(start, min(LONGEST_PIECE, len(whole) - start))  # Arrow cuts short only what has columns
                    self.contents.add_lines(opened, rows_of(piece, table=table), infer=False)
            else:
                self.contents.add_arrow(opened, whole)
        self.faults(Point.PAGE_EXTRACTED)

    def write_refused(self, table: str, rows: list[Row]) -> None:
        """Add *rows* of *table*, of which something was said or written before, that its contract refuses; they are counted after all others.

        Raises:
            SourceError: As ``write_rows``.
        """
        with self.writing():
            self.contents.refuse(table, rows)

    def encode_waiting(self) -> None:
        """Encode what waits, so that the columns of every table are known.

        Raises:
            SourceError: If a waiting row cannot be kept, or the files cannot be written. Nothing stays then.
        """
        with self.writing():
            for table in self.contents.tables.values():
                self.contents.encode_waiting(table)

    def seal(self) -> Manifest:
        """Write what waits, wait for the disk and give the package its name; afterwards it never changes.

        Raises:
            SourceError: If a waiting row cannot be kept, or the files cannot be written. Nothing stays then.
        """
        with self.writing():
            self.encode_waiting()
            for table in (*self.contents.tables.values(), *self.contents.refused.values()):
                self.contents.close(table)
            self.contents.disk.finish()
            manifest = Manifest(
                load_id=self.load_id,
                pipeline_name=self.pipeline_name,
                created_at=self.created_at,
                shape=self.shape,
                tables=self.contents.described(),
                files=self.contents.finished(),
            )
            place = self.part / manifests.NAME
            place.write_bytes(manifests.write(manifest))
            if self.durable:
                for path in dict.fromkeys(file.path for file in self.contents.files):
                    fsync(path)
                fsync(place)
        self.faults(Point.BEFORE_SEAL)
        with self.writing():
            seal(self.part, self.folder, durable=self.durable)
        self.ended = True
        self.faults(Point.AFTER_SEAL)
        return manifest

    def abort(self) -> None:
        """Remove what was written.

        Raises:
            SourceError: If the system cannot.
        """
        self.ended = True
        self.contents.tables.clear()
        self.contents.disk.stop()
        remove(self.part)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Errors of the system become ours; after any error nothing stays, and the package takes no more rows."""
        if self.ended:
            raise self.refusal()
        try:
            with writing(self.part):
                yield
        except BaseException:
            self.abort()
            raise

    def refusal(self) -> SourceError:
        """The error for rows that come after the end."""
        return SourceError(f"package {self.load_id} takes no more rows: it was sealed or aborted", hint="begin another one")
