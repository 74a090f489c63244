"""What is in a load package: readable JSON that carries its own checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from sinkkit.errors import PackageCorrupted
from sinkkit.rows import TableSchema

FORMAT_VERSION = 1
NAME = "manifest.json"
SEAL = ',\n "checksum": "'
END = '"\n}\n'
OF_PACKAGE = ("rows", "hints", "types")
"""What stands beside a table's schema."""

GONE = "restore the package from a backup, or drop it (sinkkit drop) and extract its rows again"


@attrs.frozen
class Chunk:
    """A run of bytes with a checksum of its own.

    Attributes:
        offset: Where it begins in the file.
        length: Bytes.
        first_row: The number, within the file, of its first row.
        rows: How many rows it holds; 0 for what a format puts before or after its rows.
        crc: CRC-32 of its bytes.
        tagged: Whether a value in it may be tagged, as those are that JSON has no form for.
    """

    offset: int
    length: int
    first_row: int
    rows: int
    crc: int
    tagged: bool = True


def as_chunks(chunks: Any) -> tuple[Chunk, ...]:
    """Chunks from chunks or from lists of their numbers."""
    return tuple(chunk if isinstance(chunk, Chunk) else Chunk(*chunk) for chunk in chunks)


@attrs.frozen
class JobFile:
    """A file of a package; all its rows belong to one table.

    Attributes:
        name: Its name, which is that of the job.
        table: The table's name.
        format: ``"jsonl"``, ``"arrows"`` (an Arrow IPC stream) or ``"parquet"``.
        rows: How many rows it holds.
        bytes: Its length.
        chunks: What it is made of, from its first byte to its last; offsets count from the beginning of the file on disk.
        first_index: The number, within the table, of its first row.
        place: The name of the file on disk that it is in: its own, or that of a small one before it, which it continues.
        start: Where in that file it begins.
        refused: Whether its rows are refused by their table's contract, and never sent.
    """

    name: str
    table: str
    format: str
    rows: int
    bytes: int
    chunks: tuple[Chunk, ...] = attrs.field(converter=as_chunks, repr=False)
    first_index: int
    place: str
    start: int
    refused: bool = False


@attrs.frozen
class PackagedTable:
    """A table of a package.

    Attributes:
        schema: Its schema.
        rows: How many rows of it the package holds, those that its contract refuses included.
        hints: What the user said of its columns.
        types: The data types of values, for columns of which they are not just that of the schema.
    """

    schema: TableSchema
    rows: int
    hints: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    types: Mapping[str, Sequence[str]] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Manifest:
    """What is in a load package.

    Attributes:
        load_id: The package's id, unique in the world.
        pipeline_name: Whose it is.
        created_at: When it was begun, ISO 8601, UTC.
        shape: The shaping settings it was written with.
        tables: Its tables by name.
        files: Its files, in the order in which they were begun.
        format_version: The version of the layout.
    """

    load_id: str
    pipeline_name: str
    created_at: str
    shape: Mapping[str, Any]
    tables: Mapping[str, PackagedTable]
    files: tuple[JobFile, ...]
    format_version: int = FORMAT_VERSION

    @property
    def rows(self) -> int:
        """Rows in all tables."""
        return sum(table.rows for table in self.tables.values())


def write(manifest: Manifest) -> bytes:
    """The manifest as the text of its file; the last entry is the SHA-256 of all that stands before it."""
    lines = [
        f' "{name}": {compact(getattr(manifest, name))}'
        for name in ("format_version", "load_id", "pipeline_name", "created_at", "shape")
    ]
    tables = ",\n".join(
        f"  {compact(name)}: {compact({**table.schema, 'rows': table.rows, 'hints': table.hints, 'types': table.types})}"
        for name, table in manifest.tables.items()
    )
    files = ",\n".join(
        f"  {compact(attrs.asdict(file) | {'chunks': list(map(attrs.astuple, file.chunks))})}" for file in manifest.files
    )
    lines += [f' "tables": {{\n{tables}\n }}', f' "files": [\n{files}\n ]']
    body = "{\n" + ",\n".join(lines)
    return (body + SEAL + checksum(body.encode()) + END).encode()


def read(path: Path) -> Manifest:
    """The manifest in the file at *path*.

    Raises:
        PackageCorrupted: If it is not there, is not what was written, or has a newer format.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise PackageCorrupted(f"{path}: {error.strerror or error}", hint=GONE) from error
    try:
        document = json.loads(text)
        version = document["format_version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PackageCorrupted(f"{path} is not a manifest: {error}", hint=GONE) from error
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise PackageCorrupted(f"{path} has format version {version}, newer than {FORMAT_VERSION}", hint="upgrade sinkkit")
    body, seal, end = text.rpartition(SEAL.encode())
    if not seal or end != (checksum(body) + END).encode():
        raise PackageCorrupted(f"{path} is not what was written: its checksum is wrong", hint=GONE)
    tables = {
        name: PackagedTable(
            TableSchema({key: tuple(value) if key == "primary_key" else value for key, value in table.items() if key not in OF_PACKAGE}),
            table["rows"],
            table.get("hints", {}),
            table.get("types", {}),
        )
        for name, table in document["tables"].items()
    }
    return Manifest(
        load_id=document["load_id"],
        pipeline_name=document["pipeline_name"],
        created_at=document["created_at"],
        shape=document["shape"],
        tables=tables,
        files=tuple(JobFile(**file) for file in document["files"]),
    )


def compact(value: Any) -> str:
    """*value* as JSON on one line."""
    return json.dumps(value, ensure_ascii=True, default=str)


def checksum(text: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(text).hexdigest()
