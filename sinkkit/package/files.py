"""The files of a package while they are written: bytes in, chunks with checksums out."""

from __future__ import annotations

from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from sinkkit.package.disk import Disk, Parts
from sinkkit.package.manifest import Chunk, JobFile

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

@attrs.define
class OpenFile:
    """A file that grows by whole chunks; it is open only while one is written, so there may be any number of them.

    Attributes:
        path: Where it is.
        table: The table of its rows.
        format: ``"jsonl"``, ``"arrows"`` (an Arrow IPC stream) or ``"parquet"``.
        first_index: The number, within the table, of its first row.
        disk: What writes it.
        name: The name of its job; that of the path unless it continues another file.
        start: Where in the file at *path* it begins.
        refused: Whether its rows are refused by their table's contract: they count after all others, and are never sent.
    """

    path: Path
    table: str
    format: str
    first_index: int
    disk: Disk
    name: str
    start: int = 0
    refused: bool = False
    rows: int = 0
    size: int = 0
    chunks: list[Chunk] = attrs.field(factory=list)

    def append(self, parts: Parts, rows: int, *, tagged: bool = True) -> None:
        """Write *parts*, bytes or buffers that hold *rows* rows, as the next chunk; *tagged* if a value in it may be.

        Raises:
            OSError: If the system cannot.
        """
        size = sum(map(len, parts))
        self.disk.append(self.path, parts, size, partial(self._written, Chunk(self.start + self.size, size, self.rows, rows, 0, tagged)))
        self.size += size
        self.rows += rows

    def _written(self, chunk: Chunk, crc: int) -> None:
        self.chunks.append(attrs.evolve(chunk, crc=crc))

    def finished(self, before: int = 0) -> JobFile:
        """The file as the manifest lists it; so many rows of its table stand *before* those that are counted here."""
        chunks = tuple(self.chunks)
        first = self.first_index + before
        return JobFile(self.name, self.table, self.format, self.rows, self.size, chunks, first, self.path.name, self.start, self.refused)


@attrs.define
class Collected:
    """What pyarrow writes, kept until it is taken; it stands in for a file. Buffers are kept as they are, not copied."""

    parts: list[Any] = attrs.field(factory=list)
    position: int = 0
    closed: bool = False

    def write(self, data: Any) -> int:
        """Keep *data*."""
        self.parts.append(data)
        self.position += len(data)
        return len(data)

    def tell(self) -> int:
        """Bytes written since the beginning, taken ones included."""
        return self.position

    def writable(self) -> bool:
        """Yes."""
        return True

    def flush(self) -> None:
        """Nothing is behind: what was written is in ``parts``."""

    def close(self) -> None:
        """Take nothing more."""
        self.closed = True

    def take(self) -> list[Any]:
        """What was written since the last time."""
        parts, self.parts = self.parts, []
        return parts


@attrs.define
class ArrowFile:
    """Arrow data on its way into an Arrow IPC stream or a parquet file: one record batch, or row group, a chunk.

    A stream is packed with LZ4, which costs less than writing and reading what it saves.
    What comes before the first batch and after the last one are chunks without rows, so that every byte has its checksum.
    """

    file: OpenFile
    schema: Any
    sink: Collected
    writer: Any

    @classmethod
    def begin(cls, file: OpenFile, schema: pa.Schema) -> ArrowFile:
        """Begin to write data of *schema* into *file*."""
        sink = Collected()
        if file.format == "parquet":
            from pyarrow import parquet

            return cls(file, schema, sink, parquet.ParquetWriter(sink, schema))
        import pyarrow as pa

        packed = pa.ipc.IpcWriteOptions(compression="lz4" if pa.Codec.is_available("lz4_frame") else None)
        return cls(file, schema, sink, pa.ipc.new_stream(sink, schema, options=packed))

    def append(self, data: pa.Table) -> None:
        """Write *data*, which has the file's schema, as one chunk.

        Raises:
            OSError: If the system cannot.
        """
        whole = data.combine_chunks() if data.column(0).num_chunks > 1 else data
        if self.file.format == "parquet":
            self.writer.write_table(whole, row_group_size=len(whole))
            self.file.append(self.sink.take(), len(whole))
            return
        for batch in whole.to_batches():
            self.writer.write_batch(batch)
            parts = self.sink.take()
            if not self.file.size:
                header = header_parts(parts)
                self.file.append(parts[:header], 0)
                parts = parts[header:]
            self.file.append(parts, len(batch))

    def end(self) -> None:
        """Write what the format puts at the end.

        Raises:
            OSError: If the system cannot.
        """
        self.writer.close()
        self.file.append(self.sink.take(), 0)


def header_parts(parts: list[Any]) -> int:
    """How many of the first *parts* of an Arrow stream make up its schema.

    As the Arrow columnar format has it, a message is ``0xFFFFFFFF``, its length as a little-endian int32, and that many bytes;
    pyarrow writes each of these, and what fills the last one up, as a piece of its own.
    """
    length = 8 + int.from_bytes(bytes(parts[1]), "little")
    sizes = list(accumulate(map(len, parts)))
    return sizes.index(length) + 1


def fitted(data: pa.Table, schema: pa.Schema) -> pa.Table | None:
    """*data* with exactly *schema*: missing columns and columns of nulls become nulls of the right type.

    None if that is not all there is between them.
    """
    import pyarrow as pa

    if data.schema.equals(schema):
        return data
    if set(data.schema.names) - set(schema.names):
        return None
    columns = []
    for field in schema:
        at = data.schema.get_field_index(field.name)
        missing = at < 0 or pa.types.is_null(data.schema.field(at).type)
        if not missing and data.schema.field(at).equals(field):
            columns.append(data.column(at))
        elif missing and field.nullable:
            columns.append(pa.chunked_array([pa.nulls(len(data), field.type)]))
        else:
            return None
    return pa.table(columns, schema=schema)


def united(data: pa.Table, schema: pa.Schema) -> pa.Table:
    """*data* with a schema that also holds data of *schema*; as it is, if that would change a value or cannot be."""
    import pyarrow as pa

    from sinkkit.schema.arrow import same

    try:
        wide = pa.unify_schemas([schema, data.schema], promote_options="permissive")
        kept = fitted(data, pa.schema([*data.schema, *(field for field in wide if field.name not in data.schema.names)]))
        cast = None if kept is None else kept.select(wide.names).cast(wide)
    except pa.ArrowException:
        return data
    return data if cast is None or not same(data.to_pylist(), cast.to_pylist()) else cast
