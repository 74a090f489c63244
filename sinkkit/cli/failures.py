"""Errors as answers: what happened, what to do, the place in the user's code, and the exit status."""

from __future__ import annotations

import os
import re
import traceback
from pathlib import Path
from typing import Any

import click

import sinkkit
from sinkkit.cli.answer import INTERRUPTED, LOCKED, NOT_EVERYTHING, WRONG_USE, Answer
from sinkkit.errors import ConfigError, DeliveryFailed, PipelineLocked, RedactedError, SinkkitError, SourceError

OURS = str(Path(sinkkit.__file__).parent)
LIBRARIES = ("site-packages", "dist-packages", f"{os.sep}lib{os.sep}python", "<frozen", "<string>", "<attrs")
"""Parts of file names that are not the user's."""

STATUSES: tuple[tuple[type[SinkkitError], int], ...] = (
    (PipelineLocked, LOCKED),
    (ConfigError, WRONG_USE),
    (SourceError, WRONG_USE),
    (SinkkitError, NOT_EVERYTHING),
)


def answer_to(error: BaseException, *, with_traceback: bool = False) -> Answer:
    """What is said of *error*: ours by message and hint, others with their traceback."""
    if isinstance(error, SinkkitError):
        return _ours(error, with_traceback)
    if isinstance(error, KeyboardInterrupt) or (isinstance(error, SystemExit) and error.code == INTERRUPTED):
        return failed(INTERRUPTED, "Interrupted", "interrupted", None)
    if isinstance(error, SystemExit):
        status = error.code if isinstance(error.code, int) else NOT_EVERYTHING
        return failed(status, "SystemExit", f"the program was ended by SystemExit({error.code!r})", None)
    trace = tuple("".join(traceback.format_exception(error)).rstrip().splitlines())
    hint = "this error is not one of sinkkit's: the lines above say where it was raised"
    told = failed(NOT_EVERYTHING, type(error).__name__, f"{type(error).__name__}: {error}", hint)
    return Answer(status=told.status, document=told.document, said=(*trace, *told.said))


def wrong_use(error: click.ClickException) -> Answer:
    """What is said of a command line that cannot be understood."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        document = {"error": {"type": "UsageError", "message": "no command was given", "hint": "see `sinkkit --help`"}}
        return Answer(status=WRONG_USE, document=document, said=(error.format_message(),))
    context = getattr(error, "ctx", None)
    hint = f"see `{context.command_path if context is not None else 'sinkkit'} --help`"
    return failed(WRONG_USE, "UsageError", error.format_message(), hint)


def failed(status: int, kind: str, message: str, hint: str | None, **further: Any) -> Answer:
    """An answer that is an error."""
    said = (f"error: {message}", *([f"hint: {hint}"] if hint else []))
    return Answer(status=status, document={"error": {"type": kind, "message": message, "hint": hint, **further}}, said=said)


def _ours(error: SinkkitError, with_traceback: bool) -> Answer:
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    cause = _cause(error)
    told = failed(status, type(error).__name__, error.message, error.hint, **({"cause": cause} if cause else {}))
    document, said = dict(told.document), list(told.said)
    shown: tuple[str, ...] = ()
    if cause is not None and (cause["place"] or f"{cause['type']}: {cause['message']}" not in error.message):
        said.insert(1, f"cause: {cause['type']}: {cause['message']}" + (f"\n  raised in {cause['place']}" if cause["place"] else ""))
    if isinstance(error, DeliveryFailed) and error.info is not None:
        document["report"] = error.info.asdict()
        shown = (str(error.info),)
    if with_traceback:
        said = ["".join(traceback.format_exception(error)).rstrip(), *said]
    return Answer(status=status, document=document, shown=shown, said=tuple(said))


def _cause(error: SinkkitError) -> dict[str, Any] | None:
    """The user's own exception behind *error*, with its place; None if there is none to speak of."""
    cause = error.__cause__
    if cause is None or (isinstance(cause, SinkkitError) and not isinstance(cause, RedactedError)):
        return None
    place = place_of(cause)
    if place is None and not isinstance(error, DeliveryFailed):
        return None
    kind = cause.original_type if isinstance(cause, RedactedError) else type(cause).__name__
    message = cause.message if isinstance(cause, RedactedError) else str(cause)
    return {"type": kind, "message": message.removeprefix(f"{kind}: "), "place": place}


def place_of(error: BaseException) -> str | None:
    """``file, line n, in function`` of the innermost frame in a file of the user's, or None."""
    frames = [(frame.filename, frame.lineno, frame.name) for frame in traceback.extract_tb(error.__traceback__)]
    if not frames:
        told = "\n".join(getattr(error, "__notes__", ()))
        frames = [(file, int(line), name) for file, line, name in re.findall(r'File "(.+?)", line (\d+), in (\S+)', told)]
    own = [frame for frame in frames if not frame[0].startswith(OURS) and not any(part in frame[0] for part in LIBRARIES)]
    return "{}, line {}, in {}".format(*own[-1]) if own else None
