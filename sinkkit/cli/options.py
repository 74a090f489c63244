"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def everywhere(function: F) -> F:
    """``--json`` and ``--traceback``, which each command takes; the program itself acts on them."""
    function = click.option("--traceback", is_flag=True, expose_value=False, help="Show the traceback of an error. Also: SINKKIT_TRACEBACK=1.")(function)
    return click.option("--json", is_flag=True, expose_value=False, help="Write one JSON document to standard output, and nothing else there.")(
        function
    )


pipelines_dir = click.option(
    "--pipelines-dir",
    metavar="DIR",
    help="Folder with the state of all pipelines. Default: $SINKKIT_PIPELINES_DIR, else ~/.sinkkit/pipelines.",
)

settings = click.option(
    "--set",
    "settings",
    metavar="KEY=VALUE",
    multiple=True,
    help="A setting of the destination, such as batch_size=50 or http.base_url=https://... Wins over environment and files.",
)

progress = click.option(
    "--progress",
    type=click.Choice(["auto", "bar", "plain", "log", "off"]),
    default="auto",
    show_default=True,
    help="How progress is shown, on standard error.",
)
