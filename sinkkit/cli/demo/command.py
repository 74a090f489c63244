"""The command ``sinkkit demo``."""

from __future__ import annotations

import sys
import textwrap

import attrs
import click

from sinkkit.cli import options
from sinkkit.cli.answer import DONE, NOT_EVERYTHING, Answer
from sinkkit.cli.interrupts import terminating

WIDTH = 88


@click.command(short_help="See rows survive a kill: ten seconds, nothing to set up.")
@options.everywhere
def demo() -> Answer:
    """See rows survive a kill: about ten seconds, nothing to set up, nothing left behind, no network but this machine.

    Exit status 1 if what is claimed does not hold against the server's own record.
    """
    from sinkkit.cli.demo.story import moral, server_side, tell
    from sinkkit.cli.output import table

    with terminating():
        shown = tell(say)
    failed = [claim for claim in shown.claims if not claim.holds]
    rows = [(claim.text, claim.counted, "yes" if claim.holds else "NO") for claim in shown.claims]
    document = {
        "claims": [attrs.asdict(claim) for claim in shown.claims],
        "requests": len(shown.calls),
        "seconds": round(shown.seconds, 2),
        "holds": not failed,
    }
    parts = (
        wrapped(server_side(shown.calls)) + "\n",
        table(("what the server received", "counted", "as promised"), rows),
        "\n" + wrapped(moral()),
        f"\n{shown.seconds:.1f} s. Start your own: sinkkit init",
    )
    said = tuple(f"error: this does not hold: {claim.text}: {claim.counted}" for claim in failed)
    return Answer(status=NOT_EVERYTHING if failed else DONE, document=document, shown=parts, said=said)


def say(paragraph: str) -> None:
    """Print *paragraph* at once, folded unless it is indented, with an empty line after it."""
    sys.stdout.write(f"{paragraph if paragraph.startswith(' ') else wrapped(paragraph)}\n\n")
    sys.stdout.flush()


def wrapped(text: str) -> str:
    """*text* folded to a width that reads well."""
    return textwrap.fill(text, WIDTH, subsequent_indent="   " if text[1:3] == ". " else "")  # a numbered step
