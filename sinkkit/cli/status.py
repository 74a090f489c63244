"""``sinkkit status``: how pipelines stand, without touching them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import click

import sinkkit
from sinkkit.cli import options
from sinkkit.cli.answer import NOT_EVERYTHING, Answer
from sinkkit.cli.loads import COUNTS, handed_over, lineage
from sinkkit.cli.output import counted, moment, table
from sinkkit.clock import SystemClock
from sinkkit.errors import ConfigError, SinkkitError
from sinkkit.journal.records import PackageState, RunRecord
from sinkkit.runs.accounts.state import PendingPackage, PipelineState, read_state
from sinkkit.runs.location import default_folder, locate

MOST_RUNS = 10
"""Runs that people are shown; ``--json`` has all."""


@click.command(short_help="Show how pipelines stand.")
@click.argument("pipeline", required=False)
@click.option("--receipts", "receipts_to", metavar="FILE", help="Write the ids that the destination gave to FILE: .parquet, .csv or .jsonl.")
@click.option("--load", "load_id", metavar="ID", help="Tell all of one load package: its source, counts and times.")
@options.pipelines_dir
@options.everywhere
def status(pipeline: str | None, receipts_to: str | None, load_id: str | None, pipelines_dir: str | None) -> Answer:
    """Show what PIPELINE has pending, rejected, handed over and run before; without PIPELINE, every pipeline of the folder."""
    if receipts_to is not None:
        return _receipts(pipeline, receipts_to, pipelines_dir)
    if load_id is not None:
        if pipeline is None:
            raise ConfigError("--load was given without a pipeline", hint="write sinkkit status PIPELINE --load ID")
        return lineage(sinkkit.attach(pipeline, pipelines_dir, progress="off"), load_id)
    if pipeline is None:
        return _all(Path(pipelines_dir).expanduser() if pipelines_dir else default_folder())
    attached = sinkkit.attach(pipeline, pipelines_dir, progress="off")
    state = attached.state()
    document = {"pipeline": as_document(state), "folder": attached.folder}
    return Answer(document=document, shown=tuple(_described(state, attached.folder)))


def _receipts(pipeline: str | None, path: str, pipelines_dir: str | None) -> Answer:
    from sinkkit.runs.rejected.exports import export_table

    if pipeline is None:
        raise ConfigError("--receipts was given without a pipeline", hint="write sinkkit status PIPELINE --receipts FILE")
    count = export_table(sinkkit.attach(pipeline, pipelines_dir, progress="off").receipts(), path)
    return Answer(document={"pipeline": pipeline, "exported": count, "file": path}, shown=(f"{counted(count, 'receipt')} written to {path}",))


def _all(folder: Path) -> Answer:
    names = sorted(path.parent.name for path in folder.glob("*/journal.db"))
    states: dict[str, PipelineState | SinkkitError] = {}
    for name in names:
        try:
            states[name] = read_state(locate(name, folder), SystemClock())  # without the settings, which may be what is broken
        except SinkkitError as error:
            states[name] = error
    good = [state for state in states.values() if isinstance(state, PipelineState)]
    bad = {name: error for name, error in states.items() if isinstance(error, SinkkitError)}
    said = tuple(f"error: pipeline {name!r}: {error.message}" + (f"\nhint: {error.hint}" if error.hint else "") for name, error in bad.items())
    document = {
        "folder": str(folder),
        "pipelines": [as_document(state) for state in good],
        "unreadable": [{"name": name, "message": error.message, "hint": error.hint} for name, error in bad.items()],
    }
    shown: tuple[Any, ...] = (f"there are no pipelines in {folder}",)
    if names:
        headings = ("pipeline", "now", "rows pending", "rows rejected", "last run", "how it ended")
        shown = (table(headings, [_line(state) for state in good], title=f"pipelines in {folder}"),)
    return Answer(status=NOT_EVERYTHING if bad else 0, document=document, shown=shown, said=said)


def _line(state: PipelineState) -> tuple[Any, ...]:
    last = state.runs[-1] if state.runs else None
    when, how = (moment(last.started_at), ended(last, state)) if last else ("never", "-")
    return state.name, "running" if state.owner else "idle", open_rows(state), state.rejected, when, how


def open_rows(state: PipelineState) -> int:
    """Rows of a pipeline that are pending or of unknown fate."""
    return sum(package.total.pending + package.total.unknown for package in state.pending)


def ended(run: RunRecord, state: PipelineState) -> str:
    """How a run ended; one without an end, where nobody owns the pipeline any more, was killed."""
    if run.ended_at is not None:
        return run.status
    return "running" if state.owner is not None and run.id == state.runs[-1].id else "killed"


def _described(state: PipelineState, folder: str) -> Iterator[Any]:
    yield f"pipeline {state.name}, in {folder}"
    yield f"now: run by {state.owner}" if state.owner else "now: idle"
    rows = open_rows(state)
    if not state.pending:
        yield "pending: nothing"
    else:
        yield f"pending: {counted(rows, 'row')} in {counted(len(state.pending), 'load package')}"
    for package in state.pending:
        yield f"\n  load package {package.load_id}, {_bound(package)}" + (f", run {package.run_id}" if package.run_id else "") + _special(package)
        yield table(("table", *COUNTS), [(name, *attrs.astuple(counts)) for name, counts in package.tables.items()])
        yield ""
    yield from handed_over(state.handed_over)
    yield f"rejected: {counted(state.rejected, 'row')}" if state.rejected else "rejected: nothing"
    runs = state.runs[-MOST_RUNS:][::-1]
    if runs:
        of_all = f", the last {len(runs)} of {len(state.runs)}" if len(runs) < len(state.runs) else ""
        yield f"runs, newest first{of_all}:\n"
        headings = ("started", "took", "ended", "destination", "run id", "calls", "retries")
        yield table(headings, [_run(run, state) for run in runs])
    yield from _next_steps(state)


def _bound(package: PendingPackage) -> str:
    return f"for {package.destination_name}" if package.destination_name else "not sent anywhere yet"


def _special(package: PendingPackage) -> str:
    """What else there is to say of a package."""
    replay = ", rejected rows sent again" if package.replay else ""
    settled = ", settled by hand" if package.state == PackageState.RESOLVED else ""
    return replay + settled + (f", {counted(package.held, 'row')} on hold" if package.held else "")


def _run(run: RunRecord, state: PipelineState) -> tuple[Any, ...]:
    took = f"{run.ended_at - run.started_at:,.1f} s" if run.ended_at is not None else "-"
    return moment(run.started_at), took, ended(run, state), run.destination, run.name, run.calls, run.retries


def _next_steps(state: PipelineState) -> Iterator[str]:
    name = shlex.quote(state.name)
    if state.pending and state.owner is None:
        known = any(package.destination_name for package in state.pending) or any(run.destination for run in state.runs)
        yield "\ndeliver what is pending:  sinkkit " + (f"resume {name}" if known else f"load {name} DESTINATION")
    if any(package.held for package in state.pending):
        yield f"\nsay what became of holds:  sinkkit resolve {name}"
    if state.rejected:
        yield f"\nsee what was rejected:    sinkkit rejected {name}"


def as_document(state: PipelineState) -> dict[str, Any]:
    """The state of a pipeline as plain values."""
    return {
        "name": state.name,
        "owner": state.owner,
        "rows_pending": open_rows(state),
        "rows_rejected": state.rejected,
        "pending": [
            {
                "load_id": package.load_id,
                "state": package.state,
                "run_id": package.run_id,
                "destination_name": package.destination_name,
                "tables": {name: attrs.asdict(counts) for name, counts in package.tables.items()},
                "replay": package.replay,
                "rows_on_hold": package.held,
            }
            for package in state.pending
        ],
        "handed_over": [load.asdict() for load in state.handed_over],
        "runs": [{**attrs.asdict(run), "status": ended(run, state)} for run in state.runs],
    }
