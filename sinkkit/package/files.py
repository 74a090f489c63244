"""The files of a package while they are written: bytes in, chunks with checksums out."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from sinkkit.package.disk import Disk
from sinkkit.package.manifest import Chunk, JobFile

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""What an Arrow IPC stream ends with (Arrow columnar format, "IPC Streaming Format")."""


@attrs.define
class OpenFile:
    """A file that grows by whole chunks; it is open only while one is written, so there may be any number of them.

    Attributes:
        path: Where it is.
        table: The table of its rows.
        format: ``"jsonl"``, ``"arrows"`` (an Arrow IPC stream) or ``"parquet"``.
        first_index: The number, within the table, of its first row.
        disk: What writes it.
    """

    path: Path
    table: str
    format: str
    first_index: int
    disk: Disk
    rows: int = 0
    size: int = 0
    chunks: list[Chunk] = attrs.field(factory=list)

    def append(self, data: Any, rows: int) -> None:
        """Write *data*, bytes or a buffer that holds *rows* rows, as the next chunk.

        Raises:
            OSError: If the system cannot.
        """
        self.disk.append(self.path, data)
        self.chunks.append(Chunk(self.size, len(data), self.rows, rows, zlib.crc32(data)))
        self.size += len(data)
        self.rows += rows

    def finished(self) -> JobFile:
        """The file as the manifest lists it."""
        return JobFile(self.path.name, self.table, self.format, self.rows, self.size, tuple(self.chunks), self.first_index)


@attrs.define
class Collected:
    """What pyarrow writes, kept until it is taken; it stands in for a file."""

    parts: list[bytes] = attrs.field(factory=list)
    position: int = 0
    closed: bool = False

    def write(self, data: Any) -> int:
        """Keep a copy of *data*."""
        part = bytes(data)
        self.parts.append(part)
        self.position += len(part)
        return len(part)

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

    def take(self) -> bytes:
        """What was written since the last time."""
        data = b"".join(self.parts)
        self.parts.clear()
        return data


@attrs.define
class ArrowFile:
    """Arrow data on its way into an Arrow IPC stream or a parquet file: one record batch, or row group, a chunk.

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
        file.append(schema.serialize(), 0)
        return cls(file, schema, sink, None)

    def append(self, data: pa.Table) -> None:
        """Write *data*, which has the file's schema, as one chunk.

        Raises:
            OSError: If the system cannot.
        """
        whole = data.combine_chunks()
        if self.writer is not None:
            self.writer.write_table(whole, row_group_size=len(whole))
            self.file.append(self.sink.take(), len(whole))
            return
        for batch in whole.to_batches():
            self.file.append(batch.serialize(), len(batch))

    def end(self) -> None:
        """Write what the format puts at the end.

        Raises:
            OSError: If the system cannot.
        """
        if self.writer is not None:
            self.writer.close()
        self.file.append(self.sink.take() if self.writer is not None else END_OF_STREAM, 0)


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
