"""``sinkkit package``: load packages are looked into, and moved to another pipeline or machine in a file."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import sinkkit
from sinkkit.cli import options
from sinkkit.cli.answer import DONE, NOT_EVERYTHING, Answer
from sinkkit.cli.output import counted, table
from sinkkit.errors import ConfigError

if TYPE_CHECKING:
    from sinkkit.runs.packages.inspecting import JobShown, PackageShown

COUNTS = ("pending", "in_flight", "unknown", "held", "delivered", "rejected")

which = click.option("--load", "load_id", metavar="ID", help="The load package. Default: the only one that is pending.")


@click.group(short_help="Look into load packages, and move them.")
def package() -> None:
    """Look into a load package, or move one of which nothing was sent to another machine.

    show tells what is in it; export hands it over in a file, and it is not pending here any more; import takes it over there.
    """


@package.command(short_help="Show what is in a load package.")
@click.argument("pipeline")
@which
@options.pipelines_dir
@options.everywhere
def show(pipeline: str, load_id: str | None, pipelines_dir: str | None) -> Answer:
    """Show the tables, columns, files and jobs of a load package of PIPELINE; every file is read, to see whether it is intact.

    Exit status 1 if one is not.
    """
    shown = sinkkit.attach(pipeline, pipelines_dir, progress="off").packages.show(load_id)
    return Answer(status=DONE if shown.intact else NOT_EVERYTHING, document={"package": shown.asdict()}, shown=tuple(_shown(shown)))


def _shown(found: PackageShown) -> Iterator[Any]:
    load = found.load
    yield f"load package {load.load_id} of pipeline {load.pipeline_name}: {load.state.replace('_', ' ')}"
    if found.folder is None:
        yield f"  its files were removed when it was finished; what is known of it: sinkkit status {shlex.quote(load.pipeline_name)} --load {load.load_id}"
        return
    yield f"  in {found.folder}"
    for name, schema in found.tables.items():
        extra = f", primary key {', '.join(schema['primary_key'])}" if schema["primary_key"] else ""
        yield f"\ntable {name}: {counted(found.rows[name], 'row')}, {schema['write_disposition']}{extra}"
        yield table(
            ("column", "type", "null"), [(column, one["data_type"], "yes" if one["nullable"] else "no") for column, one in schema["columns"].items()]
        )
    yield "\njobs:"
    yield table(("job", "table", "rows", "bytes", "checksum", *(name.replace("_", " ") for name in COUNTS)), map(_job, found.jobs))
    yield from (f"\ndamaged: {job.problem}" for job in found.jobs if job.problem is not None)


def _job(job: JobShown) -> tuple[Any, ...]:
    counts = [None] * len(COUNTS) if job.counts is None else [getattr(job.counts, name) for name in COUNTS]
    return job.name, job.table, job.rows, job.bytes, "holds" if job.intact else "WRONG", *counts


@package.command(short_help="Hand a load package over, in a file.")
@click.argument("pipeline")
@which
@click.option("--to", metavar="FILE", required=True, help="The file: .tar, .tar.gz or .tar.zst. It must not be there yet.")
@options.pipelines_dir
@options.everywhere
def export(pipeline: str, load_id: str | None, to: str, pipelines_dir: str | None) -> Answer:
    """Hand a load package of PIPELINE, of which nothing was sent, over in FILE: it is not pending here any more, and never sent from here.

    If it is killed, or if FILE is lost before it was imported, give the same command again: the same package goes into the same file.
    """
    load = sinkkit.attach(pipeline, pipelines_dir, progress="off").packages.export(to, load_id)
    rows = counted(sum(load.handed_over.values()), "row")
    shown = (f"{pipeline}: load package {load.load_id} ({rows}) handed over in {to}", f"take it over there: sinkkit package import {shlex.quote(Path(to).name)}")
    return Answer(document={"load": load.asdict(), "file": load.handed_over_to}, shown=shown)


@package.command("import", short_help="Take a load package over from a file.")
@click.argument("file")
@click.option("--pipeline", metavar="P", help="The pipeline that takes it. Default: one of the name that it comes from.")
@options.pipelines_dir
@options.everywhere
def import_(file: str, pipeline: str | None, pipelines_dir: str | None) -> Answer:
    """Take the load package in FILE over: it is pending here then, and `sinkkit load` delivers it.

    Import a file once: two pipelines that import it deliver it both, as neither can know of the other.
    """
    from sinkkit.package.unpacking import opened

    if not Path(file).is_file():
        raise ConfigError(f"{file!r} is no file", hint="give the file that `sinkkit package export` has written")
    if pipeline is None:
        with opened(Path(file)) as archive:
            pipeline = archive.facts.pipeline_name
    load = sinkkit.pipeline(pipeline, pipelines_dir=pipelines_dir, progress="off").packages.import_file(file)
    shown = (f"{pipeline}: load package {load.load_id} ({counted(load.total.pending, 'row')}) taken over", f"deliver it: sinkkit load {shlex.quote(pipeline)} DESTINATION")
    return Answer(document={"load": load.asdict(), "pipeline": pipeline}, shown=shown)
