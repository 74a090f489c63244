"""The tables and files of a package while it is written: rows wait, fill chunks, chunks fill files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from sinkkit.errors import SchemaError
from sinkkit.package.disk import Disk
from sinkkit.package.files import ArrowFile, OpenFile, fitted, united
from sinkkit.package.folder import safe_name
from sinkkit.package.manifest import JobFile, PackagedTable
from sinkkit.rows import Row, TableSchema
from sinkkit.schema.columns.columns import Columns, columns_of
from sinkkit.schema.encoding.codec import encode_marked
from sinkkit.schema.shapes import Shapes, shapes_of

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

CHUNK_BYTES = 1 << 20
ROW_GROUP_BYTES = 8 << 20
"""Bytes of Arrow data a row group of a parquet file; smaller ones would cost readers and compression dearly."""

FIRST_PIECE = 32
"""Rows encoded at once while their size is not known: even rows of a megabyte are few then."""

LONGEST_PIECE = 1000
SHARED_BYTES = 1 << 20
"""A file on disk smaller than this is continued by the next job of its table: each costs waits for the disk that rows should not pay."""

BUFFERED_BYTES = 32 << 20
"""Bytes of encoded rows of all tables together that may wait for their chunks to fill."""


@attrs.define(eq=False)
class OpenTable:
    """A table of the package while it is written: what waits, and what is known of it."""

    name: str
    columns: Columns = attrs.field(factory=Columns)
    hints: dict[str, Mapping[str, Any]] = attrs.field(factory=dict)
    primary_key: tuple[str, ...] = ()
    write_disposition: str = "append"
    parent: str | None = None
    level: int = 0
    merge_key: tuple[str, ...] = ()
    schema_contract: Mapping[str, str] | None = None
    refused: bool = False
    rows: int = 0
    """Rows taken from the waiting ones; the number of the next."""
    waiting: list[Row] = attrs.field(factory=list)
    piece: int = FIRST_PIECE
    encoded: list[Any] = attrs.field(factory=list)
    """Bytes of JSON Lines, or Arrow tables of the file's schema: the chunk that is filling."""
    encoded_rows: int = 0
    encoded_bytes: int = 0
    tagged: bool = False
    """Whether a value in the chunk that is filling may be tagged."""
    file: OpenFile | None = None
    latest: OpenFile | None = None
    """The file begun last, open or not."""
    arrow: ArrowFile | None = None

    @property
    def said_json(self) -> set[str]:
        """Columns that were said to be ``json``."""
        return {name for name, hint in self.hints.items() if hint.get("data_type") == "json"}

    @property
    def least(self) -> int:
        """Rows that are enough for a piece: pages that are about as large are not put together anew."""
        return (self.piece + 1) // 2

    def said(
        self,
        columns: Mapping[str, Mapping[str, Any]] | None,
        *,
        primary_key: Sequence[str],
        write_disposition: str,
        merge_key: Sequence[str],
        schema_contract: Mapping[str, str] | None,
        parent: str | None,
        level: int,
    ) -> None:
        """Remember what was said of the table with its latest page."""
        self.parent, self.level = parent, level
        self.hints.update(columns or {})
        self.primary_key = tuple(primary_key) or self.primary_key
        self.write_disposition = write_disposition
        self.merge_key = tuple(merge_key) or self.merge_key
        self.schema_contract = schema_contract or self.schema_contract

    def described(self) -> PackagedTable:
        """The table as the manifest lists it."""
        schema = TableSchema.of(
            self.name,
            self.columns.described(self.hints),
            write_disposition=self.write_disposition,
            primary_key=self.primary_key,
            parent=self.parent,
            level=self.level,
            merge_key=self.merge_key,
            schema_contract=self.schema_contract,
        )
        said = {name: {hint["data_type"]} for name, hint in self.hints.items() if "data_type" in hint}
        seen = {name: self.columns.seen[name].types if name in self.columns.seen else frozenset() for name in schema["columns"]}
        types = {name: sorted(each | said.get(name, set())) for name, each in seen.items()}
        own = {name: each for name, each in types.items() if each != [schema["columns"][name]["data_type"]]}
        return PackagedTable(schema, self.rows, dict(self.hints), own)


@attrs.define(eq=False)
class Contents:
    """All tables and files of a package.

    Attributes:
        folder: Where the files are written.
        file_format: How dict rows rest, ``"jsonl"`` or ``"parquet"``.
        exact_files: Whether files are of just that format; otherwise Arrow data rests as Arrow IPC.
        max_file_rows: Most rows a file.
        max_file_bytes: A file that has reached it is followed by another one.
        disk: What writes the files.
        json_text: Whether columns that were said to be json become text in Arrow data; not where rows were that before.
        refused: Rows that contracts refuse, by table; they rest as JSON Lines whatever the format, as no destination gets them.
    """

    folder: Path
    file_format: str
    exact_files: bool
    max_file_rows: int
    max_file_bytes: int
    disk: Disk
    json_text: bool = True
    tables: dict[str, OpenTable] = attrs.field(factory=dict)
    refused: dict[str, OpenTable] = attrs.field(factory=dict)
    files: list[OpenFile] = attrs.field(factory=list)
    buffered: int = 0

    def table(self, name: str) -> OpenTable:
        """The table called *name*."""
        if name not in self.tables:
            self.tables[name] = OpenTable(name, piece=LONGEST_PIECE if self.file_format == "parquet" else FIRST_PIECE)
        return self.tables[name]

    def refuse(self, name: str, rows: list[Row]) -> None:
        """Keep *rows* of the table called *name*, which its contract refuses, apart from the others."""
        table = self.refused.setdefault(name, OpenTable(name, refused=True))
        for start in range(0, len(rows), LONGEST_PIECE):
            self.add_lines(table, rows[start : start + LONGEST_PIECE], infer=False)

    def described(self) -> dict[str, PackagedTable]:
        """Every table as the manifest lists it."""
        found = {name: table.described() for name, table in self.tables.items()}
        for name, table in self.refused.items():
            found[name] = attrs.evolve(found[name], rows=found[name].rows + table.rows)
        return found

    def finished(self) -> tuple[JobFile, ...]:
        """Every file as the manifest lists it."""
        return tuple(file.finished(self.tables[file.table].rows if file.refused else 0) for file in self.files)

    def encode_waiting(self, table: OpenTable) -> None:
        """Encode all waiting rows of *table*."""
        table.waiting = self.encode(table, table.waiting, least=1)

    def encode(self, table: OpenTable, rows: list[Row], least: int = 0, shapes: Shapes | None = None) -> list[Row]:
        """Encode *rows*, of these *shapes* if they are known, in pieces; returns a new list of those at the end that are too few for one, fewer than *least*.

        The shapes of all rows hold for each piece of them: a type that a piece does not have makes it no other.
        """
        start = 0
        while len(rows) - start >= (least or table.least):
            piece = rows if not start and table.piece >= len(rows) else rows[start : start + table.piece]
            start += len(piece)
            if self.file_format == "parquet":
                from sinkkit.schema.arrow import table_of

                table.columns = table.columns.merge(columns_of(piece, shapes or shapes_of(piece)))
                self.add_arrow(table, table_of(piece, table=table.name, first_row=table.rows, as_json=table.said_json if self.json_text else ()), inferred=True)
            else:
                self.add_lines(table, piece, infer=True, shapes=shapes)
        return rows[start:]

    def add_lines(self, table: OpenTable, rows: list[Row], *, infer: bool, shapes: Shapes | None = None) -> None:
        """Encode *rows* as JSON Lines into the chunk of *table* that is filling."""
        while rows:
            file = self.file_for(table, "jsonl")
            room = self.max_file_rows - file.rows - table.encoded_rows
            some, rows = (rows, []) if room >= len(rows) else (rows[:room], rows[room:])
            found = shapes or shapes_of(some)
            data, tagged = encode_marked(some, found, table=table.name, first_row=table.rows)
            table.tagged = table.tagged or tagged
            if infer:
                table.columns = table.columns.merge(columns_of(some, found))
            if len(data) <= 2 * CHUNK_BYTES:
                self.add(table, file, data, rows=len(some), size=len(data))
                continue
            for line in data.splitlines(keepends=True):  # rows much larger than those before: a chunk shall not be
                self.add(table, self.file_for(table, "jsonl"), line, rows=1, size=len(line))

    def add_arrow(self, table: OpenTable, data: pa.Table, *, inferred: bool = False) -> None:
        """Add Arrow *data* to the chunk of *table* that is filling.

        Data of another schema goes into another file. If the schema was only *inferred* from rows, the types of both are
        united where that changes no value, so that rows do not scatter over many files.
        """
        if len(data) and not data.num_columns:
            raise SchemaError(
                f"table {table.name!r}, row {table.rows} (counted from 0): rows without columns cannot rest as Arrow data",
                hint='leave them out, or keep rows as they are with loader_file_format="jsonl"',
            )
        form = "parquet" if self.exact_files else "arrows"
        limit = ROW_GROUP_BYTES if self.exact_files else CHUNK_BYTES
        while len(data):
            file = self.file_for(table, form)
            if table.arrow is None:
                table.arrow = ArrowFile.begin(file, data.schema)
            fitting = fitted(data, table.arrow.schema)
            if fitting is None:
                data = united(data, table.arrow.schema) if inferred else data
                if fitted(data, table.arrow.schema) is None:
                    self.close(table)
                continue
            average = max(1, fitting.nbytes // len(fitting))
            room = max(1, (limit - table.encoded_bytes) // average)
            some = fitting.slice(0, min(room, self.max_file_rows - file.rows - table.encoded_rows))
            data = data.slice(len(some))
            self.add(table, file, some, rows=len(some), size=average * len(some), limit=limit)

    def add(self, table: OpenTable, file: OpenFile, data: Any, *, rows: int, size: int, limit: int = CHUNK_BYTES) -> None:
        """Put *data* into the chunk of *file*, that of *table*, which is filling; write chunk and file as they become full."""
        table.encoded.append(data)
        table.encoded_rows += rows
        table.encoded_bytes += size
        self.buffered += size
        table.rows += rows
        table.piece = max(1, min(LONGEST_PIECE, CHUNK_BYTES // 4 * rows // max(1, size)))
        if file.rows + table.encoded_rows >= self.max_file_rows or file.size + table.encoded_bytes >= self.max_file_bytes:
            self.close(table)
        elif table.encoded_bytes >= limit:
            self.flush(table)
        elif self.buffered > BUFFERED_BYTES:
            for other in chain(self.tables.values(), self.refused.values()):
                self.flush(other)

    def file_for(self, table: OpenTable, form: str) -> OpenFile:
        """The open file of *table*, of format *form*; a new one if there is none."""
        if table.file is not None and table.file.format != form:
            self.close(table)
        if table.file is None:
            name = f"{safe_name(table.name)}.{len(self.files)}.{form}"
            path, start = self.place_for(table, form, name)
            table.file = table.latest = OpenFile(path, table.name, form, table.rows, self.disk, name, start, table.refused)
            self.files.append(table.file)
        return table.file

    def place_for(self, table: OpenTable, form: str, name: str) -> tuple[Path, int]:
        """Where the file called *name* is written, and from which byte on: small ones share a file on disk, unless files are asked for."""
        latest = table.latest
        if latest is None or self.exact_files or latest.format != form or latest.start + latest.size >= SHARED_BYTES:
            return self.folder / name, 0
        return latest.path, latest.start + latest.size

    def flush(self, table: OpenTable) -> None:
        """Write the chunk of *table* that is filling."""
        if table.encoded and table.file is not None:
            if table.arrow is not None:
                import pyarrow as pa

                table.arrow.append(pa.concat_tables(table.encoded) if len(table.encoded) > 1 else table.encoded[0])
            else:
                table.file.append(table.encoded, table.encoded_rows, tagged=table.tagged)
        self.buffered -= table.encoded_bytes
        table.encoded, table.encoded_rows, table.encoded_bytes, table.tagged = [], 0, 0, False

    def close(self, table: OpenTable) -> None:
        """Write what is left of the open file of *table*."""
        self.flush(table)
        if table.arrow is not None:
            table.arrow.end()
        table.file = table.arrow = None
