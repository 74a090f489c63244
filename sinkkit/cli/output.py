"""How answers are written: text and tables for people, one JSON document for programs."""

from __future__ import annotations

import base64
import json
import math
import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, TextIO

from sinkkit.cli.answer import Answer

if TYPE_CHECKING:
    from rich.table import Table

WIDE = 200
"""Columns of output that goes to a file or a pipe, where nothing should be folded."""


@contextmanager
def standard_output(*, spare: bool) -> Iterator[TextIO]:
    """The stream that answers go to.

    Args:
        spare: Keep it free of anything else: while the block runs, whatever this process and its children print goes to
            standard error. Done with file descriptors, since a destination may print by any means.
    """
    if not spare:
        yield sys.stdout
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    stream = os.fdopen(os.dup(kept), "w", encoding="utf-8")
    try:
        yield stream
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
        stream.close()


def write(answer: Answer, stream: TextIO, *, as_json: bool) -> None:
    """Write *answer*: standard error first, since it explains."""
    sys.stdout.flush()
    if as_json:
        stream.write(json.dumps(plain({**answer.document, "exit_status": answer.status}), ensure_ascii=False, indent=2) + "\n")
    else:
        for part in answer.shown:
            show(part, stream)
    stream.flush()
    for line in answer.said:
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def show(part: Any, stream: TextIO) -> None:
    """Write text as it is, anything else by rich."""
    if isinstance(part, str):
        stream.write(f"{part}\n")
        return
    from rich.console import Console

    terminal = stream.isatty()
    console = Console(file=stream, width=None if terminal else WIDE, highlight=False, markup=False, emoji=False)
    console.print(part)


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> Table:
    """A table for people; numbers stand at the right, long text is folded, never cut."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    cells = [list(row) for row in rows]
    made = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False, show_edge=False)
    for place, heading in enumerate(headings):
        numbers = any(isinstance(row[place], int) for row in cells)
        made.add_column(heading, justify="right" if numbers else "left", overflow="fold")
    for row in cells:
        made.add_row(*(Text(cell_text(cell)) for cell in row))
    return made


def cell_text(value: Any) -> str:
    """A value in a table."""
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else printable(str(value))


def printable(text: str) -> str:
    """*text* with control characters written out, so that a row cannot steer the terminal."""
    return "".join(c if c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs"} else c.encode("unicode_escape").decode() for c in text)


def plain(value: Any) -> Any:
    """*value* as JSON can hold it: times as ISO 8601, bytes as base64, NaN and what else JSON has no form for as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, date | time):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def moment(seconds: float) -> str:
    """A time for people, from seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def counted(count: int, noun: str) -> str:
    """``1 row``, ``2,000 rows``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
