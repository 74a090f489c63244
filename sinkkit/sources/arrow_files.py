"""Parquet and Arrow files as record batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

from sinkkit.errors import SourceError
from sinkkit.sources.pages import ARROW_ROWS_A_PAGE

if TYPE_CHECKING:
    from sinkkit.sources.file_reading import Reading

FILE_MAGIC = b"ARROW1"
"""How an Arrow file begins; a stream does not (Arrow columnar format, "IPC File Format")."""


@contextmanager
def content_of(path: Path, form: str) -> Iterator[None]:
    """Name *path* in what pyarrow raises about its content."""
    try:
        yield
    except pa.ArrowException as error:
        raise SourceError(
            f"file '{path}' is not a whole {form} file: {error}", hint="was it cut short while it was copied?"
        ) from error


def parquet_batches(path: Path, reading: Reading) -> Iterator[pa.RecordBatch]:  # noqa: ARG001  # all readers are called alike
    """The rows of a Parquet file, a part of a row group at a time.

    Raises:
        SourceError: If it is cut short or not Parquet.
    """
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # pyarrow ships no types

    with content_of(path, "Parquet"), pq.ParquetFile(path, pre_buffer=False) as file:
        yield from file.iter_batches(batch_size=ARROW_ROWS_A_PAGE)


def ipc_batches(path: Path, reading: Reading) -> Iterator[pa.RecordBatch]:  # noqa: ARG001  # all readers are called alike
    """The rows of an Arrow (Feather) file or stream, told apart by how they begin.

    Raises:
        SourceError: If it is cut short or not Arrow.
    """
    with content_of(path, "Arrow"), pa.OSFile(str(path)) as file:
        start = file.read(len(FILE_MAGIC))
        file.seek(0)
        if start == FILE_MAGIC:
            reader = pa.ipc.open_file(file)
            for index in range(reader.num_record_batches):
                yield reader.get_batch(index)
        else:
            yield from pa.ipc.open_stream(file)
