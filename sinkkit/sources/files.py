"""Files as sources: which ones a pattern means, how each is read by its extension, and what their table is called."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import attrs

from sinkkit.errors import ConfigError, SourceError
from sinkkit.sources.file_reading import Reading, Types
from sinkkit.sources.pages import Columns, PartialHints, Source

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".geojson": "json",
    ".parquet": "parquet",
    ".arrow": "ipc",
    ".arrows": "ipc",
    ".feather": "ipc",
    ".ipc": "ipc",
}
"""Extension to format."""

TEXT = frozenset({"csv", "jsonl", "json"})
"""Formats that may be packed with gzip as a whole; the others pack their own parts."""

@attrs.frozen
class FileSource:
    """Files that belong to one table; made by ``files``. What the patterns mean is looked up at each reading."""

    patterns: tuple[str, ...]
    reading: Reading

    @property
    def label(self) -> str:
        """What errors call it."""
        return f"files({', '.join(map(repr, self.patterns))})"

    def paths(self) -> list[Path]:
        """The files meant, each once: in the order of the patterns, those of one pattern by name.

        Raises:
            SourceError: If a pattern means no file, or a folder.
        """
        return list(dict.fromkeys(path for pattern in self.patterns for path in matching(pattern)))

    def hints(self) -> PartialHints:
        """The table's name: a single file's without its extensions, else that of the folder the files have in common."""
        paths = self.paths()
        if len(paths) == 1:
            stem = paths[0].name.removesuffix(".gz").rpartition(".")[0] or paths[0].name
        else:
            stem = Path(os.path.commonpath([path.resolve().parent for path in paths])).name
        return PartialHints(table_name=stem or "rows", columns=self.reading.columns)

    def open(self, hints: PartialHints) -> list[OneFile]:
        """The files, each to be read on its own, with the column types that *hints* ask for.

        Raises:
            SourceError: If the extension of any of them is not known: before the first row of any is read.
        """
        reading = attrs.evolve(self.reading, columns=hints.columns)
        return [OneFile(path, format_of(path), reading) for path in self.paths()]


@attrs.frozen
class OneFile:
    """One file, its format and how to read it."""

    path: Path
    form: str
    reading: Reading

    @property
    def label(self) -> str:
        """What errors call it."""
        return f"file '{self.path}'"

    def hints(self) -> PartialHints:
        """Nothing: its table is that of the files it was given with."""
        return PartialHints()

    def open(self, hints: PartialHints) -> Iterator[Any]:  # noqa: ARG002  # they are in reading already
        """Its rows: lists of dicts, or record batches.

        Raises:
            SourceError: While iterating, naming the file: it cannot be opened, or its content is not what its extension says.
        """
        try:
            yield from reader_of(self.form)(self.path, self.reading)
        except (OSError, EOFError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SourceError(
                f"{self.label} cannot be read: {reason}", hint="is it complete, and may this user read it?"
            ) from error


def files(
    *patterns: str | os.PathLike[str],
    at: str | None = None,
    types: Types = "text",
    columns: Columns | None = None,
    delimiter: str | None = None,
    encoding: str = "utf-8",
) -> FileSource:
    """Files as a source, by extension: ``.csv .tsv .jsonl .ndjson .json .geojson`` (each also with ``.gz``), ``.parquet .arrow .feather .ipc``.

    They are streamed, except a JSON document, which is read whole.

    Args:
        patterns: Paths or patterns such as ``data/*.parquet`` and ``data/**/*.csv``. Files of one pattern are read in the order of their names.
        at: JSON documents: where the list of rows is, as a dotted path (``"features"``, ``"result.items"``).
        types: CSV: ``"text"`` gives every value as text, so that ``00123`` and ``1.50`` stay what they are; an empty cell is null, a quoted
            empty one empty text. ``"infer"`` makes numbers, truth values, dates and times of columns whose values in the first block
            (about 4 MiB) all look like one; a later value that does not is an error, never a guess.
        columns: Column name to hints, as for ``pipeline.run``; in CSV a ``data_type`` makes the column that type.
        delimiter: CSV: default a comma, in ``.tsv`` a tab.
        encoding: CSV: of the text.

    Raises:
        ConfigError: If nothing is named, or a setting cannot be meant.
    """
    if not patterns:
        raise ConfigError("files() names no file", hint='for example files("data/*.parquet")')
    named = tuple(os.fspath(pattern) for pattern in patterns)
    return FileSource(named, Reading(at=at, types=types, columns=columns, delimiter=delimiter, encoding=encoding))


def json_lines(stream: BinaryIO, name: str = "rows") -> Source:
    """JSON Lines from an open binary stream, such as ``sys.stdin.buffer``, as a source that can be read once.

    Args:
        stream: What is read, a piece at a time; it stays open.
        name: The table's name, and what errors call the stream.
    """
    from sinkkit.sources.json_files import JsonLines

    return JsonLines(stream, name)


def matching(pattern: str) -> list[Path]:
    """The files that *pattern* means: the file of exactly that name, else those it matches.

    Raises:
        SourceError: If there is none, or it is a folder.
    """
    import glob

    path = Path(pattern).expanduser()
    if path.is_dir():
        raise SourceError(
            f"{pattern!r} is a folder", hint=f"say which files in it, for example files({str(path / '*.parquet')!r})"
        )
    if path.exists():
        return [path]
    found = [Path(name) for name in sorted(glob.glob(str(path), recursive=True)) if Path(name).is_file()]  # noqa: PTH207  # takes absolute patterns too
    if not found:
        raise SourceError(f"no file is named or matches {pattern!r}", hint=f"looked from {Path.cwd()}")
    return found


def format_of(path: Path) -> str:
    """The format that the extension of *path* stands for.

    Raises:
        SourceError: If it stands for none, or the format is not one to be packed as a whole.
    """
    packed = path.name.lower().endswith(".gz")
    name = path.name.lower().removesuffix(".gz")
    form = FORMATS.get(Path(name).suffix)
    if form is None:
        raise SourceError(
            f"file '{path}' has no extension that says how to read it", hint=f"known are {', '.join(FORMATS)}, text also with .gz"
        )
    if packed and form not in TEXT:
        raise SourceError(
            f"file '{path}' cannot be read while packed: its parts are needed in any order", hint="unpack it first: gunzip"
        )
    return form


def reader_of(form: str) -> Callable[[Path, Reading], Iterator[Any]]:
    """The function that reads *form*, imported now since most need pyarrow."""
    if form == "csv":
        from sinkkit.sources.csv_files import csv_batches

        return csv_batches
    if form == "parquet":
        from sinkkit.sources.arrow_files import parquet_batches

        return parquet_batches
    if form == "ipc":
        from sinkkit.sources.arrow_files import ipc_batches

        return ipc_batches
    from sinkkit.sources.json_files import document_rows, line_rows

    return line_rows if form == "jsonl" else document_rows
