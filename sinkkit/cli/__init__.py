"""The command line, on top of the public API: ``sinkkit --help`` lists its commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Do what *arguments* (default: those of the process) say, and exit with the status that ``sinkkit.cli.answer`` lists."""
    from sinkkit.cli.program import perform

    sys.exit(perform(sys.argv[1:] if arguments is None else arguments))
