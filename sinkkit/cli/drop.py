"""``sinkkit drop``: give up rows that are pending."""

from __future__ import annotations

import click

import sinkkit
from sinkkit.cli import options
from sinkkit.cli.answer import Answer
from sinkkit.cli.output import counted
from sinkkit.errors import ConfigError, PendingPackages


@click.command(short_help="Give up rows that are pending.")
@click.argument("pipeline")
@click.option("--load", "load_id", metavar="ID", help="Only this load package. Default: all that are pending.")
@click.option("--force", is_flag=True, help="Also if rows of it were not delivered: they never will be.")
@options.pipelines_dir
@options.everywhere
def drop(pipeline: str, load_id: str | None, force: bool, pipelines_dir: str | None) -> Answer:
    """Give up what PIPELINE has pending: the rows are never sent, and their files are removed.

    Rows of a replay go back to the list of rejected rows.
    """
    attached = sinkkit.attach(pipeline, pipelines_dir, progress="off")
    found = [package for package in attached.pending if load_id in {None, package.load_id}]
    if load_id is not None and not found:
        raise ConfigError(f"pipeline {pipeline!r} has no pending load package {load_id!r}", hint=f"see `sinkkit status {pipeline}`")
    rows, back = (
        sum(package.total.pending + package.total.unknown for package in found if package.replay is replay) for replay in (False, True)
    )
    if (rows or back) and not force:
        what = "dropping gives them up for ever" + (f", but for {counted(back, 'row')} of replays, which stay rejected" if back else "")
        raise PendingPackages(
            f"{counted(rows + back, 'row')} of pipeline {pipeline!r} were not delivered, and {what}",
            hint=f"deliver them with `sinkkit resume {pipeline}`, or give them up with --force",
        )
    dropped = attached.drop(load_id, force=True)
    document = {"pipeline": pipeline, "dropped": list(dropped), "rows_given_up": rows, "rows_rejected_again": back}
    if not dropped:
        return Answer(document=document, shown=(f"{pipeline}: nothing is pending",))
    kept = f", {counted(back, 'row')} back among the rejected" if back else ""
    return Answer(document=document, shown=(f"{pipeline}: {counted(len(dropped), 'load package')} dropped, {counted(rows, 'row')} given up{kept}",))
