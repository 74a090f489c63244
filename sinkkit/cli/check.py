"""``sinkkit check``: every setting of a destination, where it comes from, and what is missing; nothing is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import click

import sinkkit
from sinkkit.cli import options
from sinkkit.cli.answer import DONE, NOT_EVERYTHING, Answer
from sinkkit.cli.arguments import destination_of, given_settings, known_settings
from sinkkit.cli.output import counted, table
from sinkkit.declaration.opening import TYPES, effective_options, make_ready
from sinkkit.declaration.options import OPTION_NAMES, Options
from sinkkit.errors import ConfigError
from sinkkit.rows import Retry
from sinkkit.settings.questions import Found, Problem, Question, Reading
from sinkkit.settings.reading import read
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.wanted import MISSING

RETRY = ("attempts", "first_wait", "longest_wait", "deadline")
"""The parts of ``retry`` that can be set; given in part, the others have their defaults."""


@attrs.frozen
class Checked:
    """What a check found: settings, what stops a run, and what is odd."""

    settings: Sequence[Found]
    problems: Sequence[Problem]
    warnings: Sequence[str]


@click.command(short_help="Show a destination's settings, and what is missing.")
@click.argument("destination")
@click.option("--pipeline", metavar="P", help="With the settings of this pipeline. Default: the destination's name.")
@options.settings
@options.everywhere
def check(destination: str, pipeline: str | None, settings: Sequence[str]) -> Answer:
    """Show every setting of DESTINATION, where it is found, and what is missing; nothing is called or sent.

    Exit status 1 if it could not start.
    """
    with given_settings(settings) as given:
        target = destination_of(destination, given)
        found = examine(target, pipeline or target.destination_name)
    document = {
        "destination": target.destination_name,
        "type": target.destination_type,
        "settings": [attrs.asdict(entry) for entry in found.settings],
        "problems": [{"message": problem.text, "hint": problem.hint, "missing": problem.missing} for problem in found.problems],
        "warnings": list(found.warnings),
    }
    shown: list[Any] = [_listed(found.settings, f"destination {target.destination_name} ({target.destination_type})"), ""]
    shown += [f"warning: {text}" for text in found.warnings]
    if not found.problems:
        return Answer(document=document, shown=(*shown, "it can start; nothing was called"))
    said = [f"error: {counted(len(found.problems), 'problem')}: destination {target.destination_name!r} cannot start"]
    for number, problem in enumerate(found.problems, 1):
        said.append(f"  {number}. {problem.text}" + (f"\n     hint: {problem.hint}" if problem.hint else ""))
    return Answer(status=NOT_EVERYTHING if found.problems else DONE, document=document, shown=tuple(shown), said=tuple(said))


def _listed(settings: Sequence[Found], title: str) -> Any:
    headings: tuple[str, ...] = ("setting", "value", "where it was found", "which hides")
    lines = [(entry.name, entry.shown, entry.place, "\n".join(entry.shadows)) for entry in settings]
    if not any(entry.shadows for entry in settings):
        headings, lines = headings[:3], [line[:3] for line in lines]  # type: ignore[misc]  # shorter tuples than before
    return table(headings, lines, title=title)


def examine(destination: sinkkit.Destination, pipeline: str) -> Checked:
    """Read every setting of *destination* as a run of *pipeline* would, and collect instead of raising."""
    resolver = Resolver(destination.destination_name, pipeline, explicit=destination.settings)
    reading = Reading(resolver.lookup, resolver.redactor, thorough=True, warned={})
    parameters = (*destination.declared.signature.parameters, *destination.declared.probe_parameters)
    wanted = {parameter.wanted.name: parameter.wanted for parameter in parameters if parameter.wanted is not None}
    for want in wanted.values():
        resolver.one(reading, want)
    if destination.declared.client_roles():
        read(reading, Question(("http",), dict[str, Any], stated=True))
    read_before = len(reading.problems)
    for name in OPTION_NAMES:
        _option(name, destination, reading)
    problems = list(reading.problems)
    if len(problems) == read_before:
        problems += _raised(lambda: effective_options(destination, Resolver(destination.destination_name, pipeline)))
    if not problems:
        problems += _raised(lambda: make_ready(destination, pipeline))
    hide = resolver.redactor.text
    return Checked(
        [attrs.evolve(entry, shown=hide(entry.shown)) for entry in reading.found],
        [attrs.evolve(problem, text=hide(problem.text)) for problem in problems],
        [hide(text) for text in resolver.unknown(known_settings(destination))],
    )


def _option(name: str, destination: sinkkit.Destination, reading: Reading) -> None:
    """Where one setting of the decorator comes from: the factory's call, config, the decorator, or its default."""
    if name in destination.options:
        reading.found.append(Found(name, str(destination.options[name]), "argument", f"{name}= where the destination was made"))
        return
    before = len(reading.problems)
    value = read(reading, Question((name,), TYPES[name], stated=True))
    if len(reading.problems) > before or (value is not MISSING and name != "retry"):
        return
    own, usual = getattr(destination.declared.options, name), getattr(Options(), name)
    provider, place = ("default", "default") if own == usual or value is not MISSING else ("decorator", "@sinkkit.destination(...)")
    if not isinstance(own, Retry):
        reading.found.append(Found(name, str(own), provider, place))
        return
    shown = {entry.name for entry in reading.found}
    own = usual if value is not MISSING else own
    for key in RETRY:
        if f"{name}.{key}" not in shown:
            reading.found.append(Found(f"{name}.{key}", str(getattr(own, key)), provider, place))


def _raised(work: Any) -> list[Problem]:
    try:
        work()
    except ConfigError as error:
        return [Problem(error.message, error.hint)]
    return []
