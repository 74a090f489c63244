"""``sinkkit prune``: old runs, receipts, kept requests and finished packages are forgotten."""

from __future__ import annotations

from pathlib import Path

import click

import sinkkit
from sinkkit.cli import options
from sinkkit.cli.answer import NOT_EVERYTHING, Answer
from sinkkit.clock import SystemClock
from sinkkit.errors import SinkkitError
from sinkkit.runs.location import default_folder


@click.command(short_help="Forget old runs, receipts, requests and finished packages.")
@click.argument("pipeline", required=False)
@click.option("--before", metavar="DATE", help="What ended before this day or moment, such as 2026-11-20; without a zone it is UTC.")
@click.option("--older-than", metavar="AGE", help="What ended longer ago than this, such as 30d or 12h. Default: 30d.")
@click.option("--rejected", is_flag=True, help="Rejected rows too: they are gone for good.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@options.pipelines_dir
@options.everywhere
def prune(  # noqa: PLR0917  # click passes them by name
    pipeline: str | None, before: str | None, older_than: str | None, rejected: bool, dry_run: bool, pipelines_dir: str | None
) -> Answer:
    """Forget what PIPELINE, or every pipeline of the folder, keeps of old runs; nothing that is open is touched."""
    from sinkkit.runs.accounts.pruning import limit_of

    limit = limit_of(before, older_than, SystemClock())
    folder = Path(pipelines_dir).expanduser() if pipelines_dir else default_folder()
    if pipeline is not None:
        sinkkit.attach(pipeline, pipelines_dir, progress="off")
        names = [pipeline]
    else:
        names = sorted(path.parent.name for path in folder.glob("*/journal.db"))
    done, said = {}, []
    for name in names:
        try:
            made = sinkkit.pipeline(name, pipelines_dir=pipelines_dir if pipeline else folder, progress="off")
            done[name] = made.prune(limit, rejected=rejected, dry_run=dry_run)
        except SinkkitError as error:
            if pipeline is not None:
                raise
            said.append(f"error: pipeline {name!r}: {error.message}" + (f"\nhint: {error.hint}" if error.hint else ""))
    document = {"pipelines": {name: pruned.asdict() for name, pruned in done.items()}, "failed": len(said)}
    shown = tuple(f"{name}: {pruned}" for name, pruned in done.items()) or (() if said else (f"there are no pipelines in {folder}",))
    return Answer(status=NOT_EVERYTHING if said else 0, document=document, shown=shown, said=tuple(said))
