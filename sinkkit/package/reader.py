"""Rows out of a sealed package, from any number of threads, checked before they are handed out."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import attrs

from sinkkit.errors import ConfigError, PackageCorrupted
from sinkkit.package import manifest as manifests
from sinkkit.package.chunks import ChunkCache, read_chunk
from sinkkit.package.lines import Lines
from sinkkit.package.manifest import GONE, Chunk, JobFile, Manifest
from sinkkit.rows import Row
from sinkkit.schema.items import ItemsKind, from_arrow, from_rows

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types


@attrs.define(eq=False)
class Package:
    """A sealed package; holds no files open.

    Attributes:
        folder: Where it is.
        manifest: What is in it.
    """

    folder: Path
    manifest: Manifest
    cache: ChunkCache = attrs.field(factory=ChunkCache, repr=False)
    files: dict[str, JobFile] = attrs.field(factory=dict, init=False, repr=False)
    readers: dict[str, JobReader] = attrs.field(factory=dict, init=False, repr=False)
    places: dict[str, Path] = attrs.field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Index the files."""
        self.files = {file.name: file for file in self.manifest.files}

    @classmethod
    def open(cls, folder: Path) -> Package:
        """The package in *folder*: its manifest and the length of each file are checked, contents as they are read.

        Raises:
            PackageCorrupted: If the manifest is not what was written, or a file is missing or of another length; names it.
        """
        manifest = manifests.read(folder / manifests.NAME)
        with os.scandir(folder) as entries:
            sizes = {entry.name: entry.stat().st_size for entry in entries}
        written: dict[str, int] = {}
        for file in manifest.files:
            written[file.place] = max(written.get(file.place, 0), file.start + file.bytes)
        for name, length in written.items():
            if name not in sizes:
                raise PackageCorrupted(f"{folder / name} is missing", hint=GONE)
            if sizes[name] != length:
                raise PackageCorrupted(f"{folder / name} has {sizes[name]} bytes, {length} were written", hint=GONE)
        return cls(folder, manifest)

    def job(self, name: str) -> JobReader:
        """The reader of the file called *name*; the same one at each call.

        Raises:
            PackageCorrupted: If the package has no such file.
        """
        reader = self.readers.get(name)
        if reader is None:
            if name not in self.files:
                raise PackageCorrupted(f"package {self.folder} has no file {name!r}", hint=GONE)
            file = self.files[name]
            place = self.places.get(file.place) or self.places.setdefault(file.place, self.folder / file.place)
            reader = self.readers.setdefault(name, JobReader(place, file, self.cache))
        return reader


@attrs.define(eq=False)
class JobReader:
    """Rows of one file of a package; used from any number of threads.

    Attributes:
        place: The file; unlike ``path`` it says nothing about what is in it.
        file: What the manifest says of it.
    """

    place: Path
    file: JobFile
    cache: ChunkCache = attrs.field(repr=False)
    chunks: list[Chunk] = attrs.field(init=False, repr=False)
    starts: list[int] = attrs.field(init=False, repr=False)
    intact: bool = attrs.field(default=False, init=False)
    schema: Any = attrs.field(default=None, init=False, repr=False)
    lock: Lock = attrs.field(factory=Lock, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Find the chunks that hold rows."""
        self.chunks = [chunk for chunk in self.file.chunks if chunk.rows]
        self.starts = [chunk.first_row for chunk in self.chunks]

    @property
    def rows(self) -> int:
        """How many rows the file holds."""
        return self.file.rows

    @property
    def path(self) -> Path:
        """The file's path, once all of it was checked.

        Raises:
            PackageCorrupted: If a part of it is not what was written.
        """
        self.check()
        return self.place

    def check(self) -> None:
        """Check the whole file, the first time.

        Raises:
            PackageCorrupted: If a part of it is not what was written; names the place.
        """
        with self.lock:
            if not self.intact:
                for chunk in self.file.chunks:
                    read_chunk(self.place, chunk)
                self.intact = True

    def read(self, rows: Sequence[int]) -> list[Row]:
        """*rows* as dicts, new objects at each call.

        Args:
            rows: Row numbers within the file: a range, or in ascending order.

        Raises:
            PackageCorrupted: If a chunk concerned is not what was written.
            SchemaError: If the rows rest as Arrow data and Python cannot hold a value exactly.
        """
        if self.file.format == "jsonl":
            latest = self.cache.latest
            if latest.holds(self.file, rows):
                return latest.run(rows.start - latest.first, rows.stop - latest.first)  # type: ignore[attr-defined]  # what it holds is a range
            return self.dicts(rows)
        result: list[Row] = from_arrow(ItemsKind.ROWS, self.arrow(rows), table=self.file.table)
        return result

    def items(self, kind: ItemsKind, rows: Sequence[int]) -> Any:
        """*rows* in the form *kind*, fresh at each call.

        Args:
            kind: The form; a path stands for all rows of the file and no fewer.
            rows: As in ``read``.

        Raises:
            PackageCorrupted: If a chunk concerned is not what was written.
            SchemaError: If the form cannot hold a value exactly; names the column.
            ConfigError: If the form's package is not installed, or the path of a part of the file is asked for.
        """
        if kind is ItemsKind.ROWS:
            return self.read(rows)
        if kind is ItemsKind.PATH:
            if len(rows) != self.rows:
                raise ConfigError(
                    f"{len(rows)} of the {self.rows} rows of {self.place.name} cannot be given as a path",
                    hint="set batch_size=0 for a function that takes a pathlib.Path",
                )
            return self.path
        if self.file.format == "jsonl":
            return from_rows(kind, self.read(rows), table=self.file.table)
        return from_arrow(kind, self.arrow(rows), table=self.file.table)

    def dicts(self, rows: Sequence[int]) -> list[Row]:
        """*rows* out of whatever chunks of JSON Lines they are in."""
        if len(self.chunks) == 1 and type(rows) is range and rows.step == 1 and 0 <= rows.start < rows.stop <= self.file.rows:
            return self.chunk(0).run(rows.start, rows.stop)  # type: ignore[no-any-return]  # a chunk of JSON Lines gives rows
        pieces: list[list[Row]] = []
        for at, one in self.parts(rows):
            chunk = self.chunk(at)
            pieces.append(chunk.run(one.start, one.stop) if type(one) is slice else chunk.some(one))
        return pieces[0] if len(pieces) == 1 else [row for piece in pieces for row in piece]

    def arrow(self, rows: Sequence[int]) -> pa.Table | pa.RecordBatch:
        """*rows* as Arrow data that shares the memory of the chunks: a record batch if they are in one chunk."""
        import pyarrow as pa

        pieces = []
        for at, one in self.parts(rows):
            batch = self.chunk(at)
            pieces.append(batch.slice(one.start, one.stop - one.start) if type(one) is slice else batch.take(pa.array(one)))
        if len(pieces) == 1:
            return pieces[0]
        return pa.Table.from_batches(pieces, schema=pieces[0].schema if pieces else self.arrow_schema())

    def parts(self, rows: Sequence[int]) -> list[tuple[int, Any]]:
        """The chunks of *rows* and, for each, a slice or a list of row numbers within the chunk.

        Raises:
            PackageCorrupted: If a row number is not in the file.
        """
        if not rows:
            return []
        if rows[0] < 0 or rows[-1] >= self.file.rows:
            raise PackageCorrupted(
                f"{self.place} has {self.file.rows} rows, row numbers {rows[0]} to {rows[-1]} were asked for", hint=GONE
            )
        parts: list[tuple[int, Any]] = []
        at = bisect_right(self.starts, rows[0]) - 1
        if type(rows) is range and rows.step == 1:
            start = rows.start
            while start < rows.stop:
                chunk = self.chunks[at]
                end = min(rows.stop, chunk.first_row + chunk.rows)
                parts.append((at, slice(start - chunk.first_row, end - chunk.first_row)))
                start, at = end, at + 1
            return parts
        for row in rows:
            at = bisect_right(self.starts, row) - 1
            if not parts or parts[-1][0] != at:
                parts.append((at, []))
            parts[-1][1].append(row - self.starts[at])
        return parts

    def chunk(self, at: int) -> Any:
        """The lines, or the record batch, of chunk number *at*, checked when it is read."""
        chunk = self.chunks[at]
        found = self.cache.get((self.file.name, at), lambda: self.load(at, chunk))
        if self.file.format == "jsonl":
            self.cache.latest = found
        return found

    def load(self, at: int, chunk: Chunk) -> tuple[Any, int]:
        """Chunk number *at*, and the bytes it takes.

        Raises:
            PackageCorrupted: If it is not what was written.
        """
        if self.file.format == "jsonl":
            text = read_chunk(self.place, chunk, self.cache.block)
            return Lines(self.file, chunk.first_row, chunk.first_row + chunk.rows, text, chunk.tagged), chunk.length
        batch = self.row_group(at) if self.file.format == "parquet" else self.record_batch(chunk)
        return batch, batch.nbytes

    def record_batch(self, chunk: Chunk) -> pa.RecordBatch:
        """The record batch that *chunk* is, unpacked."""
        import pyarrow as pa

        return pa.ipc.read_record_batch(pa.py_buffer(read_chunk(self.place, chunk)), self.arrow_schema())

    def arrow_schema(self) -> pa.Schema:
        """The schema of the Arrow data in the file.

        Raises:
            PackageCorrupted: If the part of the file that holds it is not what was written.
        """
        if self.schema is None:
            import pyarrow as pa

            if self.file.format == "parquet":
                from pyarrow import parquet

                self.schema = parquet.read_schema(self.path)
            else:
                header = read_chunk(self.place, self.file.chunks[0])
                self.schema = pa.ipc.read_schema(pa.py_buffer(header))
        return self.schema

    def row_group(self, at: int) -> pa.RecordBatch:
        """Row group *at* of a parquet file, all of which is checked first."""
        from pyarrow import parquet

        with parquet.ParquetFile(self.path) as file:
            return from_arrow(ItemsKind.RECORD_BATCH, file.read_row_group(at))
