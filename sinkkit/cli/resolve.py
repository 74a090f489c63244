"""``sinkkit resolve``: what became of batches that are on hold."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

import sinkkit
from sinkkit.cli import options
from sinkkit.cli.answer import Answer
from sinkkit.cli.output import counted, plain, table
from sinkkit.errors import ConfigError

if TYPE_CHECKING:
    from sinkkit.runs.rejected.resolving import HeldBatch


@click.command(short_help="Say what became of rows on hold.")
@click.argument("pipeline")
@click.option("--list", "only_list", is_flag=True, help="Only show what is on hold; so without any option.")
@click.option("--rows", is_flag=True, help="Show the rows, too.")
@click.option("--key", "keys", metavar="K", multiple=True, help="The batch with this key; may be repeated.")
@click.option("--all", "every", is_flag=True, help="All that are on hold.")
@click.option("--arrived/--not-arrived", default=None, help="Whether the rows are at the destination; if not, they are sent again under the same key.")
@options.pipelines_dir
@options.everywhere
def resolve(  # noqa: PLR0917  # click passes them by name
    pipeline: str, only_list: bool, rows: bool, keys: Sequence[str], every: bool, arrived: bool | None, pipelines_dir: str | None
) -> Answer:
    """Settle batches of PIPELINE that are on hold, because nobody knew whether they arrived (on_unknown="hold").

    Look for their keys at the destination, then say what you found: rows that arrived count as delivered; rows that did
    not are sent again, under the same key, by the next run or `sinkkit resume`.
    """
    attached = sinkkit.attach(pipeline, pipelines_dir, progress="off")
    if only_list or (arrived is None and not keys and not every):
        held = attached.held()
        return Answer(document=_document(pipeline, held, rows=rows), shown=tuple(_shown(pipeline, held, rows=rows)))
    if arrived is None or bool(keys) == every:
        what = "--arrived or --not-arrived" if arrived is None else "either --key or --all"
        raise ConfigError(f"it was not said {'what became of the batches' if arrived is None else 'which batches are meant'}", hint=f"write {what}")
    if every and not attached.held():
        return Answer(document=_document(pipeline, (), rows=False), shown=(f"{pipeline}: nothing is on hold",))
    done = attached.resolve(None if every else list(keys), arrived)
    count = sum(batch.row_count for batch in done)
    document = {"pipeline": pipeline, "arrived": arrived, "rows": count, "resolved": [batch.asdict() for batch in done]}
    became = "counted as delivered" if arrived else f"to be sent again: sinkkit resume {shlex.quote(pipeline)}"
    batches = f"{len(done):,} batch{'' if len(done) == 1 else 'es'}"
    return Answer(document=document, shown=(f"{pipeline}: {counted(count, 'row')} in {batches} {became}",))


def _document(pipeline: str, held: Sequence[HeldBatch], *, rows: bool) -> dict[str, Any]:
    return {"pipeline": pipeline, "held": [{**batch.asdict(), **({"rows": plain(batch.rows)} if rows else {})} for batch in held]}


def _shown(pipeline: str, held: Sequence[HeldBatch], *, rows: bool) -> Iterator[Any]:
    if not held:
        yield f"{pipeline}: nothing is on hold"
        return
    lines = [(one.key, one.table, one.row_count, one.attempts, f"{one.since:%Y-%m-%d %H:%M:%S} UTC" if one.since else None) for one in held]
    yield table(("key", "table", "rows", "calls", "since"), lines)
    if rows:
        for one in held:
            yield f"\n{one.key}:"
            yield from (json.dumps(plain(row)) for row in one.rows)
    yield f"\nsay what became of them: sinkkit resolve {shlex.quote(pipeline)} --key KEY --arrived (or --not-arrived)"
