"""``sinkkit extract``, ``normalize`` and ``load``: a run in three steps, which may be hours and machines apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

import sinkkit
from sinkkit.cli import options
from sinkkit.cli.answer import Answer
from sinkkit.cli.arguments import source_of
from sinkkit.cli.interrupts import terminating
from sinkkit.cli.run import deliver_pending


@click.command(short_help="Take rows into a load package, and send nothing.")
@click.argument("pipeline")
@click.argument("source")
@click.option("--table", metavar="T", help="Name of the table. Default: that of the file or resource.")
@click.option("--run-id", metavar="ID", help="A name for this run; of a name that has its data already, nothing is taken.")
@click.option("--limit", metavar="N", type=int, help="Take only the first N rows.")
@click.option("--at", metavar="KEY", help="In a JSON document: where the list of rows is, such as features or result.items.")
@options.progress
@options.pipelines_dir
@options.everywhere
def extract(  # noqa: PLR0917  # click passes them by name
    pipeline: str, source: str, table: str | None, run_id: str | None, limit: int | None, at: str | None, progress: str, pipelines_dir: str | None
) -> Answer:
    """Take the rows of SOURCE into a load package of PIPELINE, and send nothing.

    No destination, setting or secret is needed. SOURCE is as for `sinkkit run`. Each call takes SOURCE anew, unless --run-id names the
    run. What was taken is delivered by `sinkkit load`.
    """
    data = source_of(source, at)
    made = sinkkit.pipeline(pipeline, pipelines_dir=pipelines_dir, progress=progress)
    return _taken(lambda: made.extract(data, table_name=table, run_id=run_id, limit=limit), nothing="there were no rows")


@click.command(short_help="Bring extracted rows into the form their destination wants.")
@click.argument("pipeline")
@options.progress
@options.pipelines_dir
@options.everywhere
def normalize(pipeline: str, progress: str, pipelines_dir: str | None) -> Answer:
    """Bring what PIPELINE has extracted into the form that its destination wants, as far as that is known here.

    No destination, setting or secret is needed: `sinkkit load` does what is left of this, before its first call.
    """
    made = sinkkit.attach(pipeline, pipelines_dir, progress=progress)
    return _taken(made.normalize, nothing="there was nothing to normalize")


def _taken(work: Callable[[], sinkkit.LoadInfo], *, nothing: str) -> Answer:
    with terminating():
        info = work()
    shown = str(info) if info.load_ids else f"{info.pipeline_name}: {nothing}"
    return Answer(document={"report": info.asdict()}, shown=(shown,))


@click.command(short_help="Deliver load packages.")
@click.argument("pipeline")
@click.argument("destination", required=False)
@click.option("--workers", metavar="N", type=int, help="Calls at once, instead of the destination's own setting.")
@options.settings
@options.progress
@options.pipelines_dir
@options.everywhere
def load(  # noqa: PLR0917  # click passes them by name
    pipeline: str, destination: str | None, workers: int | None, settings: Sequence[str], progress: str, pipelines_dir: str | None
) -> Answer:
    """Deliver every load package of PIPELINE that is pending, as `sinkkit resume` does.

    DESTINATION must be named the first time; afterwards it is remembered. Values of --set are not kept: give them again.
    """
    return deliver_pending(pipeline, destination, settings, progress, pipelines_dir, command="load", workers=workers)
