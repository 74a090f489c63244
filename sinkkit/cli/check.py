"""``sinkkit check``: every setting of a destination, where it comes from, and what is missing; nothing is called."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import click

import sinkkit
from sinkkit.cli import options
from sinkkit.cli.answer import DONE, NOT_EVERYTHING, Answer
from sinkkit.cli.arguments import destination_of, given_settings
from sinkkit.cli.output import counted, table
from sinkkit.declaration.client.auth.reading import PATH as LOGIN
from sinkkit.declaration.client.auth.reading import login_kind
from sinkkit.declaration.client.whole_plan import read_plan
from sinkkit.declaration.destination import abilities
from sinkkit.declaration.opening import HOUSE_KEYS, TYPES, Ready, effective_options, make_ready, usual_client
from sinkkit.declaration.options import OPTION_NAMES, Options
from sinkkit.errors import ConfigError
from sinkkit.rows import Retry
from sinkkit.settings.providers.registry import one_run
from sinkkit.settings.questions import Found, Problem, Question, Reading
from sinkkit.settings.reading import read
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.wanted import MISSING

RETRY = ("attempts", "first_wait", "longest_wait", "deadline")
"""The parts of ``retry`` that can be set; those that config does not give are the decorator's."""


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
@click.option("--openapi", metavar="FILE", help="Hold the requests of a rest destination against this OpenAPI document (JSON or YAML).")
@click.option("--rows", metavar="SOURCE", help="With --openapi: rows to make requests of, as a run would take them.")
@options.everywhere
def check(destination: str, pipeline: str | None, settings: Sequence[str], openapi: str | None, rows: str | None) -> Answer:
    """Show every setting of DESTINATION, where it is found, and what is missing; nothing is called or sent.

    Exit status 1 if it could not start, or if its requests do not fit the document of --openapi.
    """
    if rows is not None and openapi is None:
        raise ConfigError("--rows are for --openapi", hint="give the document, too")
    with given_settings(settings) as given, one_run():
        found = collected(lambda: unreadable(destination))
        if found.problems:
            return answered(destination, None, found)
        target = destination_of(destination, given, pipeline)
        name = pipeline or target.destination_name
        examined = collected(lambda: examine(target, name))
        found = attrs.evolve(examined, warnings=tuple(dict.fromkeys((*found.warnings, *examined.warnings))))
        answer = answered(target.destination_name, target.resolved(name).destination_type, found)
        if openapi is None or found.problems:
            return answer
        from sinkkit.cli.openapi import with_document

        return with_document(answer, target, name, openapi, rows)


def answered(name: str, kind: str | None, found: Checked) -> Answer:
    """What is shown of a check of the destination *name*."""
    document = {
        "destination": name,
        "type": kind,
        "settings": [attrs.asdict(entry) for entry in found.settings],
        "problems": [{"message": problem.text, "hint": problem.hint, "missing": problem.missing} for problem in found.problems],
        "warnings": list(found.warnings),
    }
    shown: list[Any] = []
    if found.settings:
        shown += [_listed(found.settings, f"destination {name} ({kind})"), ""]
    shown += [f"warning: {text}" for text in found.warnings]
    if not found.problems:
        return Answer(status=DONE, document=document, shown=(*shown, "it can start; nothing was called"))
    said = [f"error: {counted(len(found.problems), 'problem')}: destination {name!r} cannot start"]
    for number, problem in enumerate(found.problems, 1):
        said.append(f"  {number}. {problem.text}" + (f"\n     hint: {problem.hint}" if problem.hint else ""))
    return Answer(status=NOT_EVERYTHING, document=document, shown=tuple(shown), said=tuple(said))


def _listed(settings: Sequence[Found], title: str) -> Any:
    headings: tuple[str, ...] = ("setting", "value", "where it was found", "which hides")
    lines = [(entry.name, entry.shown, entry.place, "\n".join(entry.shadows)) for entry in settings]
    if not any(entry.shadows for entry in settings):
        headings, lines = headings[:3], [line[:3] for line in lines]  # type: ignore[misc]  # shorter tuples than before
    return table(headings, lines, title=title)


def collected(work: Callable[[], Checked]) -> Checked:
    """What *work* finds, with what it warns of among its warnings, each once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = work()
    return attrs.evolve(found, warnings=tuple(dict.fromkeys((*(str(entry.message) for entry in caught), *found.warnings))))


def unreadable(destination: str) -> Checked:
    """What stops every destination: a file of settings or a provider that cannot be read."""
    return Checked((), _raised(lambda: Resolver(destination).lookup), ())


def examine(destination: sinkkit.Destination, pipeline: str) -> Checked:
    """Read every setting of *destination* as a run of *pipeline* would, and collect instead of raising."""
    destination = destination.resolved(pipeline)
    declared = destination.declared
    resolver = Resolver(destination.destination_name, pipeline, explicit=destination.settings)
    reading = Reading(resolver.lookup, resolver.redactor, thorough=True, warned={})
    parameters = (*declared.signature.parameters, *declared.probe_parameters)
    wanted = {parameter.wanted.name: parameter.wanted for parameter in parameters if parameter.wanted is not None}
    for want in wanted.values():
        resolver.one(reading, want)
    if declared.client_roles():
        _client(resolver, reading, usual_client(declared, resolver))
    read(reading, Question(("capabilities",), dict[str, Any], stated=True))
    read_before = len(reading.problems)
    for name in OPTION_NAMES:
        resolver.know(name, TYPES[name])
        _option(name, destination, reading)
    problems = list(reading.problems)
    if len(problems) == read_before:
        problems += _raised(lambda: abilities(destination, effective_options(destination, resolver), resolver))
    if not problems:
        ready: list[Ready] = []
        problems += _raised(lambda: ready.append(make_ready(destination, pipeline)))
        for one in ready:
            reading.found[:] = [_as_usual(entry, one) for entry in reading.found]
    own = _raised(lambda: sinkkit.pipeline(pipeline, progress="off"))
    problems += [problem for problem in own if problem.text not in {other.text for other in problems}]
    hide = resolver.redactor.text
    return Checked(
        [attrs.evolve(entry, shown=hide(entry.shown)) for entry in reading.found],
        [attrs.evolve(problem, text=hide(problem.text), hint=problem.hint and hide(problem.hint)) for problem in problems],
        [hide(text) for text in resolver.unknown(HOUSE_KEYS)],
    )


def _client(resolver: Resolver, reading: Reading, usual: Mapping[str, Any]) -> None:
    """The settings of the injected client, below which are the *usual* ones of the spec; those of its login by the class that its type has, which says what of them is secret."""
    read(reading, Question(("http",), dict[str, Any], stated=True))
    reading.problems += _raised(lambda: read_plan(resolver, timeout=None, workers=1, usual=usual))
    kinds: list[type | None] = []
    _raised(lambda: kinds.append(login_kind(resolver)))
    for kind in filter(None, kinds):
        login = reading.trial()
        read(login, Question(LOGIN, kind, stated=True))
        read(login, Question((*LOGIN, "type"), str, stated=True))
        whole = ".".join(LOGIN)
        reading.found[:] = [entry for entry in reading.found if entry.name != whole] + login.found


def _option(name: str, destination: sinkkit.Destination, reading: Reading) -> None:
    """Where one setting of the decorator comes from: the factory's call, config, the decorator, or its default."""
    if name in destination.options:
        given = destination.options[name]
        _note(reading, name, given, lambda _: ("argument", f"{name}= where the destination was made"))
        return
    own, usual = getattr(destination.declared.options, name), getattr(Options(), name)
    before = len(reading.problems)
    value = read(reading, Question((name,), TYPES[name], stated=True), own if name == "retry" else MISSING)
    if len(reading.problems) > before or (value is not MISSING and name != "retry"):
        return

    def place(key: str | None) -> tuple[str, str]:
        same = own == usual if key is None else getattr(own, key) == getattr(usual, key)
        return ("default", "default") if same else ("decorator", "@sinkkit.destination(...)")

    _note(reading, name, own, place)


def _as_usual(entry: Found, ready: Ready) -> Found:
    """*entry* with what the settings of the spec say of a setting that nobody gave, such as the size of a batch."""
    if entry.name not in OPTION_NAMES or entry.provider not in ("default", "decorator"):
        return entry
    value = str(getattr(ready.options, entry.name))
    return entry if value == entry.shown else attrs.evolve(entry, shown=value, provider="default", place="default, by the other settings")


def _note(reading: Reading, name: str, value: Any, place: Callable[[str | None], tuple[str, str]]) -> None:
    """Remember a setting that config does not give; of a policy of retries, each part of which that holds."""
    if not isinstance(value, Retry):
        reading.found.append(Found(name, str(value), *place(None)))
        return
    shown = {entry.name for entry in reading.found}
    for key in RETRY:
        if f"{name}.{key}" not in shown:
            reading.found.append(Found(f"{name}.{key}", str(getattr(value, key)), *place(key)))


def _raised(work: Callable[[], Any]) -> list[Problem]:
    try:
        work()
    except ConfigError as error:
        return [Problem(error.message, error.hint)]
    return []
