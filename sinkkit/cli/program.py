"""The program: its commands, and the way from a command line to an exit status."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

import sinkkit
from sinkkit.cli.answer import Answer
from sinkkit.cli.check import check
from sinkkit.cli.demo.command import demo
from sinkkit.cli.drop import drop
from sinkkit.cli.failures import answer_to, wrong_use
from sinkkit.cli.init import init
from sinkkit.cli.inspect_requests import inspect
from sinkkit.cli.output import standard_output, write
from sinkkit.cli.package import package
from sinkkit.cli.prune import prune
from sinkkit.cli.rejected import rejected
from sinkkit.cli.replay import replay
from sinkkit.cli.resolve import resolve
from sinkkit.cli.run import resume, run
from sinkkit.cli.status import status
from sinkkit.cli.steps import extract, load, normalize


class Program(click.Group):
    """The group of all commands; what a command raises becomes an answer here, before click makes something else of it."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except BaseException as error:  # noqa: BLE001  # the end of the program: every error is shown, none passes
            return answer_to(error, with_traceback=bool(ctx.obj))


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.version_option(sinkkit.__version__, prog_name="sinkkit")
def program() -> None:
    """Send rows to where work happens: every row once, also if the program is killed in the middle.

    See it work:      sinkkit demo

    Start your own:   sinkkit init

    Exit status: 0 done; 1 not everything was delivered, or rows were rejected; 2 wrong use, settings or data; 3 another
    process runs the pipeline; 4 rows of an earlier run were finished and the new data was not taken; 130 interrupted.
    """


for command in (run, extract, normalize, load, status, inspect, resume, rejected, replay, resolve, check, init, drop, prune, package, demo):
    program.add_command(command)


def perform(arguments: Sequence[str]) -> int:
    """Do what *arguments* say, write the answer, and return the exit status."""
    here = str(Path.cwd())
    if sys.path[:1] != [here]:
        sys.path.insert(0, here)
    warnings.formatwarning = _warning  # type: ignore[assignment]  # the same arguments, by position
    before_dashes = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    as_json = "--json" in before_dashes
    traced = "--traceback" in before_dashes or os.environ.get("SINKKIT_TRACEBACK", "") not in {"", "0"}
    with standard_output(spare=as_json) as stream:
        try:
            answer = program.main(list(arguments), prog_name="sinkkit", standalone_mode=False, obj=traced)
        except click.ClickException as error:
            answer = wrong_use(error)
        if not isinstance(answer, Answer):  # help or the version was shown
            return answer if isinstance(answer, int) else 0
        return _written(answer, stream, as_json=as_json)


def _written(answer: Answer, stream: Any, *, as_json: bool) -> int:
    try:
        write(answer, stream, as_json=as_json)
    except BrokenPipeError:  # whoever read the output has enough; what the command did is done
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return answer.status


def _warning(message: Warning | str, *_: Any) -> str:
    """A warning as one line, without the place in our code that gave it."""
    return f"warning: {message}\n"
