"""Dead letters and receipts as a file: Parquet, CSV or JSON Lines, by its extension."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinkkit.errors import ConfigError, SinkkitError
from sinkkit.runs.rejected.dead_letters import RejectedRows

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types


def export(letters: RejectedRows, path: str | os.PathLike[str]) -> int:
    """Write *letters* to the file *path*, replacing it as a whole, and return how many there were.

    The row stands in the column ``row``: as JSON text in Parquet and CSV, as an object in JSON Lines; values that JSON cannot
    hold are tagged as in load packages. ``Pipeline.replay(rows=...)`` takes such JSON Lines back. What is raised is that of ``export_table``.
    """
    return export_table(letters.to_arrow(), path)


def export_table(table: pa.Table, path: str | os.PathLike[str]) -> int:
    """Write *table* to the file *path*, replacing it as a whole, and return how many rows it has.

    Raises:
        ConfigError: If the extension is not ``.parquet``, ``.csv`` or ``.jsonl``.
        SinkkitError: If the file cannot be written; what was there before stays.
    """
    target = Path(path)
    write = WRITERS.get(target.suffix.lower())
    if write is None:
        raise ConfigError(f"{str(target)!r} has no extension that says how to write it", hint="use one of " + ", ".join(WRITERS))
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        try:
            write(table, beside)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise SinkkitError(
            f"{str(target)!r} cannot be written: {error.strerror or error}", hint="check the folder, its mode and the space on the disk"
        ) from error
    return int(table.num_rows)


def _parquet(table: pa.Table, path: Path) -> None:
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # pyarrow ships no types

    pq.write_table(table, path)


def _csv(table: pa.Table, path: Path) -> None:
    import pyarrow.csv as pc  # type: ignore[import-untyped]  # pyarrow ships no types

    pc.write_csv(table, path)


def _json_lines(table: pa.Table, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for batch in table.to_batches(max_chunksize=1_000):
            for line in batch.to_pylist():
                file.write(json.dumps({name: _plain(name, value) for name, value in line.items()}, ensure_ascii=False) + "\n")


def _plain(column: str, value: Any) -> Any:
    """A value as JSON: rows are JSON already, times become ISO 8601."""
    if column == "row":
        return json.loads(value)
    return value.isoformat() if isinstance(value, datetime) else value


WRITERS: Mapping[str, Callable[[pa.Table, Path], None]] = {".parquet": _parquet, ".csv": _csv, ".jsonl": _json_lines}
"""Extension to the function that writes it."""
