"""``sinkkit inspect``: the last requests of a pipeline and what was answered, any of which can be made again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

import sinkkit
from sinkkit.cli import options
from sinkkit.cli.answer import DONE, NOT_EVERYTHING, Answer
from sinkkit.cli.arguments import destination_of, given_settings
from sinkkit.cli.dry_run import body_lines
from sinkkit.cli.output import counted, moment, printable, table
from sinkkit.cli.run import reference_of
from sinkkit.clock import SystemClock
from sinkkit.errors import ConfigError
from sinkkit.runs.location import Location
from sinkkit.runs.requests.request_store import KeptRequest, document, kept

MOST_LISTED = 20
"""Requests that are listed where nobody says how many."""


@click.command(short_help="Show the last requests and answers of a pipeline.")
@click.argument("pipeline")
@click.option("--destination", metavar="NAME", help="Only requests to this destination; with --send-again where to send, if it is not remembered.")
@click.option("--failed", is_flag=True, help="Only those that failed.")
@click.option("--last", metavar="N", type=click.IntRange(min=1), default=MOST_LISTED, show_default=True, help="How many, the newest.")
@click.option("--id", "number", metavar="ID", type=int, help="Only this one, whole: headers and bodies, cut at 2 KiB.")
@click.option("--send-again", "again", metavar="ID", type=int, help="Send the batch of this request again, under the same key.")
@options.settings
@options.pipelines_dir
@options.everywhere
def inspect(  # noqa: PLR0917  # click passes them by name
    pipeline: str,
    destination: str | None,
    failed: bool,
    last: int,
    number: int | None,
    again: int | None,
    settings: Sequence[str],
    pipelines_dir: str | None,
) -> Answer:
    """Show the last requests that PIPELINE made through injected clients, and what was answered; secrets are masked.

    The last 100 that failed are kept of each destination, and as many of the others as [destination.NAME.http] record says.
    """
    attached = sinkkit.attach(pipeline, pipelines_dir, progress="off")
    location = Location(Path(attached.folder))
    if again is not None:
        with given_settings(settings) as given:
            return sent_again(attached, location, named(location, again), destination, given)
    if number is not None:
        request = named(location, number)
        return Answer(document={"pipeline": pipeline, "requests": [document(request)]}, shown=tuple(whole(request)))
    found = kept(location.requests, destination=destination, failed=failed, last=last)
    return Answer(document={"pipeline": pipeline, "requests": [document(request) for request in found]}, shown=tuple(listed(pipeline, found)))


def named(location: Location, number: int) -> KeptRequest:
    """The request with this id.

    Raises:
        ConfigError: If there is none.
    """
    found = kept(location.requests, number=number)
    if not found:
        raise ConfigError(f"no request {number} is kept", hint=f"see which there are: sinkkit inspect {shlex.quote(location.folder.name)}")
    return found[0]


def listed(pipeline: str, found: Sequence[KeptRequest]) -> Iterator[Any]:
    """The list for people."""
    if not found:
        yield f"{pipeline}: no requests are kept; to keep those that succeed, too: record = 100 under [destination.NAME.http]"
        return
    lines = [
        (f"{one.id}", moment(one.at), f"{one.method} {one.url}", outcome(one), f"{one.seconds * 1000:,.0f} ms", one.table, one.key) for one in found
    ]
    yield table(("id", "when", "request", "answer", "took", "table", "batch"), lines)
    yield f"\none of them, whole: sinkkit inspect {shlex.quote(pipeline)} --id ID; its batch again: --send-again ID"


def outcome(request: KeptRequest) -> str:
    """Status or error."""
    return request.error or "no answer" if request.status is None else str(request.status)


def whole(request: KeptRequest) -> Iterator[str]:
    """A request and its answer for people, as HTTP writes them."""
    batch = "" if request.rows is None else f", for rows {request.rows} of {request.job}, call {request.attempt}, key {request.key}"
    yield printable(f"request {request.id} to {request.destination}, {moment(request.at)}{batch}\n")
    yield printable(f"{request.method} {request.url}")
    yield from message(request.headers, request.body, request.body_bytes, cut=request.body_cut)
    yield printable(f"\n{outcome(request)}, after {request.seconds * 1000:,.0f} ms")
    if request.status is not None:
        yield from message(request.answer_headers, request.answer, request.answer_bytes, cut=request.answer_cut)


def message(headers: Sequence[Sequence[str]], body: str | None, size: int, *, cut: bool) -> Iterator[str]:
    """Headers and body."""
    yield from (printable(f"{name}: {value}") for name, value in headers)
    if body:
        yield ""
        yield from body_lines(body, size, cut=cut)
    elif body is None:
        yield "(the body is not at hand: it was streamed, or not read)"


def sent_again(attached: sinkkit.Pipeline, location: Location, request: KeptRequest, destination: str | None, given: Any) -> Answer:
    """Send the batch of *request* again and say what became of it."""
    from sinkkit.runs.requests.sending_again import said, send_again

    reference = destination or reference_of(attached, request.destination, "inspect")[0]
    found = send_again(location, request, destination_of(reference, given, attached.name), SystemClock())
    text = f"request {request.id}: {counted(found.row_count, 'row')} sent again under key {request.key}; {said(found)}"
    result = {
        "request": request.id,
        "rows": found.row_count,
        "key": request.key,
        "error": found.error,
        "rejected": {} if found.outcome is None else {str(index): reason for index, reason in found.outcome.rejected.items()},
    }
    shown = (printable(text), "the accounts of the pipeline stay as they are")
    return Answer(status=DONE if found.error is None else NOT_EVERYTHING, document={"sent_again": result}, shown=shown)
