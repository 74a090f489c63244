"""``sinkkit replay``: rejected rows once more, as they were or edited."""

from __future__ import annotations

from collections.abc import Sequence

import click

import sinkkit
from sinkkit.cli import options
from sinkkit.cli.answer import Answer
from sinkkit.cli.arguments import destination_of, given_settings
from sinkkit.cli.rejected import none_of_table
from sinkkit.cli.run import delivered, pipeline_for, reference_of, resuming
from sinkkit.errors import ReferenceNotFound


@click.command(short_help="Send rejected rows again.")
@click.argument("pipeline")
@click.argument("destination", required=False)
@click.option("--table", "table_name", metavar="T", help="Only the rows of this table.")
@click.option("--reason", metavar="TEXT", help="Only rows whose reason contains this text.")
@click.option("--id", "ids", metavar="ID", multiple=True, help="Only this row; may be repeated.")
@click.option("--from", "edited", metavar="FILE", help="Only the rows in FILE, edited: JSON Lines as `sinkkit rejected --export` writes them.")
@options.settings
@options.progress
@options.pipelines_dir
@options.everywhere
def replay(  # noqa: PLR0917  # click passes them by name
    pipeline: str,
    destination: str | None,
    table_name: str | None,
    reason: str | None,
    ids: Sequence[str],
    edited: str | None,
    settings: Sequence[str],
    progress: str,
    pipelines_dir: str | None,
) -> Answer:
    """Send the rows of PIPELINE that were rejected again; those delivered leave the list.

    DESTINATION need not be named if the pipeline was last run by `sinkkit run`; named, it may be another than the one
    that refused the rows. A replay that was interrupted is finished first.
    """
    with given_settings(settings) as given:
        attached = sinkkit.attach(pipeline, pipelines_dir, progress="off")
        pending = [package for package in attached.pending if package.replay]
        first = next(iter(attached.rejected(table_name)), None)
        if first is None and not pending and not ids and edited is None:
            return _nothing(pipeline) if table_name is None else _nothing(pipeline, none_of_table(attached, table_name))
        bound = next((package.destination_name for package in pending if package.destination_name is not None), None)
        if bound is None and first is not None:
            bound = first.destination_name
        reference, hint = (destination, None) if destination else reference_of(attached, bound, "replay")
        try:
            target = destination_of(reference, given, pipeline)
        except ReferenceNotFound as error:
            raise ReferenceNotFound(error.message, hint=hint or error.hint) from error
        made = pipeline_for(pipeline, target, reference, pipelines_dir, progress)
        answer = delivered(
            made,
            lambda: made.replay(
                table_name, reason=reason, ids=list(ids) or None, rows=edited, destination=target if destination else None
            ),
            again=resuming(pipeline, settings, pipelines_dir),
        )
        return _nothing(pipeline) if answer.document.get("report", {}).get("load_ids") == [] else answer


def _nothing(pipeline: str, why: str | None = None) -> Answer:
    return Answer(document={"report": None, "rejected": 0}, shown=(f"{why or f'{pipeline}: no such row is rejected'}, nothing was sent",))
