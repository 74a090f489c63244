"""``sinkkit rejected``: rows that a destination refused, and why."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import attrs
import click

import sinkkit
from sinkkit.cli import options
from sinkkit.cli.answer import Answer
from sinkkit.cli.output import counted, plain, table

MOST_SHOWN = 20
LONGEST_ROW = 160
"""Rows, and characters of one, that people are shown; ``--export`` and ``--json`` have all."""


@click.command(short_help="Show the rows that were rejected, and why.")
@click.argument("pipeline")
@click.option("--table", "table_name", metavar="T", help="Only the rows of this table.")
@click.option("--export", "export_to", metavar="FILE", help="Write all of them to FILE: .parquet, .csv or .jsonl.")
@options.pipelines_dir
@options.everywhere
def rejected(pipeline: str, table_name: str | None, export_to: str | None, pipelines_dir: str | None) -> Answer:
    """Show the rows of PIPELINE that were rejected, with the destination's own reason."""
    attached = sinkkit.attach(pipeline, pipelines_dir, progress="off")
    letters = attached.rejected(table_name)
    if export_to is not None:
        from sinkkit.runs.rejected.exports import export

        count = export(letters, export_to)
        document = {"pipeline": pipeline, "exported": count, "file": export_to}
        return Answer(document=document, shown=(f"{counted(count, 'rejected row')} written to {export_to}",))
    count = sum(1 for _ in letters)
    if count == 0 and table_name is not None:
        return Answer(document=_document(pipeline, letters), shown=(none_of_table(attached, table_name),))
    return Answer(document=_document(pipeline, letters), shown=_shown(pipeline, letters, count))


def none_of_table(pipeline: sinkkit.Pipeline, table_name: str) -> str:
    """That no row of a table is rejected, and of which tables there are some: the name may be misspelt."""
    others = sorted({letter.table for letter in pipeline.rejected()})
    some = f"; rejected are rows of {', '.join(others)}" if others else ", nor of any other"
    return f"{pipeline.name}: no row of table {table_name!r} is rejected{some}"


def _document(pipeline: str, letters: Any) -> dict[str, Any]:
    return {"pipeline": pipeline, "rejected": [plain(attrs.asdict(letter, recurse=False)) for letter in letters]}


def _shown(pipeline: str, letters: Any, count: int) -> tuple[Any, ...]:
    if count == 0:
        return (f"{pipeline}: no row is rejected",)
    lines = [
        (letter.table, letter.index, letter.reason, letter.status, letter.rejected_at.strftime("%Y-%m-%d %H:%M:%S UTC"), _short(letter.row))
        for letter in islice(letters, MOST_SHOWN)
    ]
    shown: tuple[Any, ...] = (table(("table", "row number", "reason", "status", "rejected at", "row"), lines),)
    more = f", the first {MOST_SHOWN} of them above" if count > MOST_SHOWN else ""
    all_of_them = f"\n{counted(count, 'rejected row')}{more}; all of them, whole: sinkkit rejected {pipeline} --export FILE.jsonl"
    return (*shown, all_of_them, f"send them again: sinkkit replay {pipeline} (edited: --from FILE.jsonl)")


def _short(row: Any) -> str:
    text = json.dumps(plain(row), ensure_ascii=False)
    return text if len(text) <= LONGEST_ROW else f"{text[:LONGEST_ROW]} ..."
