"""``sinkkit run`` and ``sinkkit resume``: rows to a destination, and the rest of them after an interruption."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

import sinkkit
from sinkkit.cli import options
from sinkkit.cli.answer import DATA_NOT_TAKEN, DONE, INTERRUPTED, NOT_EVERYTHING, Answer
from sinkkit.cli.arguments import destination_of, given_settings, source_of
from sinkkit.cli.dry_run import rehearsed
from sinkkit.cli.failures import failed
from sinkkit.cli.interrupts import terminating
from sinkkit.cli.output import counted
from sinkkit.cli.remembered import Remembering, recalled
from sinkkit.clock import SystemClock
from sinkkit.errors import ConfigError, ReferenceNotFound


@click.command(short_help="Send rows to a destination.")
@click.argument("destination")
@click.argument("source")
@click.option("--table", metavar="T", help="Name of the table. Default: that of the file or resource.")
@click.option("--pipeline", metavar="P", help="Name of the pipeline. Default: the destination's name.")
@options.settings
@click.option("--run-id", metavar="ID", help="A name for this run; a name that was completed sends nothing.")
@click.option(
    "--on-pending",
    type=click.Choice(["finish", "continue", "fail"]),
    default="finish",
    show_default=True,
    help="Rows of an earlier run: finish them and leave the new data, finish them and go on, or stop before anything is sent.",
)
@click.option("--limit", metavar="N", type=int, help="Take only the first N rows.")
@click.option("--at", metavar="KEY", help="In a JSON document: where the list of rows is, such as features or result.items.")
@click.option("--dry-run", is_flag=True, help="Show the requests that would be made, and send nothing.")
@click.option("--batches", metavar="N", type=click.IntRange(min=1), default=3, show_default=True, help="With --dry-run: how many calls to show.")
@options.progress
@options.pipelines_dir
@options.everywhere
def run(  # noqa: PLR0917  # click passes them by name
    destination: str,
    source: str,
    table: str | None,
    pipeline: str | None,
    settings: Sequence[str],
    run_id: str | None,
    on_pending: Any,
    limit: int | None,
    at: str | None,
    dry_run: bool,
    batches: int,
    progress: str,
    pipelines_dir: str | None,
) -> Answer:
    """Send the rows of SOURCE to DESTINATION.

    DESTINATION is the dotted path of a function (my_package.sinks.crm), or a name from the settings.
    SOURCE is a file, a glob in quotes, - for JSON Lines on standard input, or the dotted path of a resource or source.
    The pipeline is called as the destination unless --pipeline says otherwise. If rows of an earlier run are
    pending, they are finished first, and SOURCE is left for the next run (exit status 4).
    """
    with given_settings(settings) as given:
        target = destination_of(destination, given, pipeline)
        data = source_of(source, at)
        name = pipeline or target.destination_name
        if dry_run:
            from sinkkit.runs.extracting.extraction import TableArguments
            from sinkkit.runs.extracting.taking import Intake
            from sinkkit.runs.requests.rehearsal import rehearse

            intake = Intake.of(TableArguments(table), None, limit)
            found = rehearse(target, data, intake, pipeline=name, batches=batches)
            pending = sinkkit.pipeline(name, pipelines_dir=pipelines_dir, progress="off").pending
            return rehearsed(found, sum(package.total.pending + package.total.unknown for package in pending))
        made = pipeline_for(name, target, destination, pipelines_dir, progress)
        return delivered(
            made,
            lambda: made.run(data, table_name=table, run_id=run_id, on_pending=on_pending, limit=limit),
            again=resuming(name, settings, pipelines_dir),
        )


@click.command(short_help="Deliver what a pipeline left pending.")
@click.argument("pipeline")
@click.argument("destination", required=False)
@options.settings
@options.progress
@options.pipelines_dir
@options.everywhere
def resume(pipeline: str, destination: str | None, settings: Sequence[str], progress: str, pipelines_dir: str | None) -> Answer:
    """Deliver what PIPELINE left pending, and take no new data.

    DESTINATION need not be named if the pipeline was last run by `sinkkit run`. Values of --set are not kept: give them again.
    """
    return deliver_pending(pipeline, destination, settings, progress, pipelines_dir)


def deliver_pending(
    pipeline: str,
    destination: str | None,
    settings: Sequence[str],
    progress: str,
    pipelines_dir: str | None,
    *,
    command: str = "resume",
    workers: int | None = None,
) -> Answer:
    """Deliver every open load package of *pipeline*, with so many *workers* if given, for *command*; the other arguments are as they were typed.

    Raises:
        SinkkitError: What the delivery raises.
    """
    with given_settings(settings) as given:
        attached = sinkkit.attach(pipeline, pipelines_dir, progress="off")
        pending = attached.pending
        if not pending:
            return Answer(document={"report": None, "pending": 0}, shown=(f"{pipeline}: nothing is pending",))
        bound = next((package.destination_name for package in pending if package.destination_name is not None), None)
        reference, hint = (destination, None) if destination else reference_of(attached, bound, command)
        try:
            target = destination_of(reference, given, pipeline)
        except ReferenceNotFound as error:
            raise ReferenceNotFound(error.message, hint=hint or error.hint) from error
        made = pipeline_for(pipeline, target, reference, pipelines_dir, progress)
        return delivered(made, lambda: made.load(workers=workers), again=resuming(pipeline, settings, pipelines_dir))


def reference_of(attached: sinkkit.Pipeline, bound: str | None, command: str = "resume") -> tuple[str, str | None]:
    """The reference of the destination named *bound*, or of the last one; and what to do with *command* if it does not lead anywhere."""
    known = recalled(Path(attached.folder))
    name_it = f"name the destination: sinkkit {command} {attached.name} DESTINATION"
    name = bound if bound is not None else next(reversed(known), None)
    if name is None:
        raise ConfigError(f"it is not known which destination the rows of pipeline {attached.name!r} are for", hint=name_it)
    entry = known.get(name)
    if entry is None:
        return name, name_it
    return entry.reference, f"it was last run in {entry.folder}: go there, or {name_it}"


def pipeline_for(name: str, target: sinkkit.Destination, reference: str, pipelines_dir: str | None, progress: str) -> sinkkit.Pipeline:
    """The pipeline *name*, which shows its *progress* and remembers the *reference* of its destination."""
    from sinkkit.observers import choose, combine

    if progress == "log":
        import logging

        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    folder = Path(sinkkit.pipeline(name, pipelines_dir=pipelines_dir, progress="off").folder)
    shown = choose(progress, SystemClock())  # type: ignore[arg-type]  # click refuses what it does not know
    return sinkkit.pipeline(name, target, pipelines_dir=pipelines_dir, progress=combine([shown, Remembering(folder, reference)]))


def delivered(pipeline: sinkkit.Pipeline, work: Callable[[], sinkkit.LoadInfo], *, again: str) -> Answer:
    """Do *work* and report it; *again* is the command that resumes it.

    Raises:
        SinkkitError: What the run raises.
    """
    try:
        with terminating():
            info = work()
    except KeyboardInterrupt:
        return _interrupted(pipeline, again)
    except SystemExit as error:
        if error.code != INTERRUPTED:
            raise
        return _interrupted(pipeline, again)
    status = NOT_EVERYTHING if info.has_rejected or not info.complete else DONE
    if not info.data_taken:
        status = DATA_NOT_TAKEN
    said = (f"{counted(info.total.rejected, 'row')} rejected; see: sinkkit rejected {shlex.quote(pipeline.name)}",) if info.has_rejected else ()
    return Answer(status=status, document={"report": info.asdict()}, shown=(str(info),), said=said)


def _interrupted(pipeline: sinkkit.Pipeline, again: str) -> Answer:
    pending = sum(package.total.pending + package.total.unknown for package in pipeline.pending)
    if pending:
        message = f"interrupted; what was not sent is pending ({counted(pending, 'row')}); resume with: {again}"
    elif pipeline.pending:
        message = f"interrupted; finish with: {again}"
    else:
        message = f"interrupted; nothing is pending. What was sent: sinkkit status {shlex.quote(pipeline.name)}"
    answer = failed(INTERRUPTED, "Interrupted", message, None, pending=pending)
    return Answer(status=INTERRUPTED, document=answer.document, said=(message,))


def resuming(pipeline: str, settings: Sequence[str], pipelines_dir: str | None) -> str:
    """The command that resumes a run; the values of its settings may be secret and are left out."""
    parts = ["sinkkit resume", shlex.quote(pipeline)]
    parts += [f"--set {shlex.quote(pair.partition('=')[0])}=..." for pair in settings]
    parts += [f"--pipelines-dir {shlex.quote(pipelines_dir)}"] if pipelines_dir else []
    return " ".join(parts)
