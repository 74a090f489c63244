"""The reference says what the code says: names, settings, errors, events, commands, states and the failure table."""

from __future__ import annotations

import inspect
import re
from typing import get_args

import attrs
import httpx
import pytest
from blocks import PROJECT

import sinkkit
from sinkkit import errors, events, testing
from sinkkit.cli.program import program
from sinkkit.declaration.client.values import READERS
from sinkkit.declaration.options import Options
from sinkkit.declaration.signature import RESERVED
from sinkkit.delivery.failures import sort
from sinkkit.delivery.verdict import Fate
from sinkkit.journal.states import MOVES

REFERENCE = PROJECT / "docs" / "reference"


def page(name):
    """The text of a page of the reference."""
    return (REFERENCE / name).read_text(encoding="utf-8")


def section(text, heading):
    """What stands under *heading*, down to the next one of its level or above."""
    level = heading.partition(" ")[0]
    found = re.search(rf"^{re.escape(heading)}$\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert found, f"there is no heading {heading!r}"
    return found[1]


def table(text):
    """The cells of every table row in *text*, but for headings and the lines below them."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in text.splitlines() if line.startswith("|")]
    ruled = [at for at, row in enumerate(rows) if set("".join(row)) <= set("-| ")]
    return [row for at, row in enumerate(rows) if at not in ruled and at + 1 not in ruled]


def bare(cell):
    """The name that a cell has between backticks."""
    return cell.strip("`")


def test_api_names_every_public_name():
    """Each public name has a heading of its own in the reference, and nothing else has."""
    assert sorted(re.findall(r"^### `(\w+)`$", page("api.md"), flags=re.MULTILINE)) == sinkkit.__all__


@pytest.mark.parametrize("name", ["pipeline", "attach", "resource", "source", "RateLimit", "Retry", "Delivered", "Rejected", "Outcome", "LoadInfo", "RejectedRow", "ConnectionString"])
def test_api_names_every_parameter(name):
    """What a public function or class takes or holds is named where it is described."""
    told = section(page("api.md"), f"### `{name}`")
    parameters = [parameter for parameter in inspect.signature(getattr(sinkkit, name)).parameters if parameter != "function"]

    assert [parameter for parameter in parameters if not re.search(rf"\b{parameter}\b", told)] == []


@pytest.mark.parametrize("name", ["Batch", "Pipeline", "LoadInfo", "Destination"])
def test_api_names_every_member(name):
    """The public attributes and methods of a class are named where it is described."""
    told = section(page("api.md"), f"### `{name}`")
    members = [member for member in vars(getattr(sinkkit, name)) if not member.startswith("_")]

    assert [member for member in members if not re.search(rf"\b{member}\b", told) and member not in UNTOLD] == []


UNTOLD = ["declared", "known", "known_capabilities", "known_options", "resolved"]
"""Members of ``Destination`` for other rooms of the package."""


def test_settings_are_those_of_the_decorator():
    """Each setting of the decorator is listed with its default, in order."""
    told = table(section(page("settings.md"), "## Settings of a destination"))
    defaults = {field.name: getattr(Options(), field.name) for field in attrs.fields(Options)}

    assert [bare(row[0]) for row in told] == list(defaults)
    for row in told:
        assert eval(bare(row[1]), {"Retry": sinkkit.Retry}) == defaults[bare(row[0])], row[0]


def test_reserved_names_and_client_settings_are_listed():
    """The names that a parameter cannot bear, and those of the client's settings, are all there."""
    told = section(page("settings.md"), "## Settings of a destination")

    assert [name for name in (*sorted(RESERVED), *READERS) if f"`{name}`" not in told] == []


def test_settings_of_a_pipeline_have_their_defaults():
    """Each further argument of a pipeline is listed with its default."""
    told = {bare(row[0]): bare(row[1]) for row in table(section(page("settings.md"), "## Settings of a pipeline"))}
    made = sinkkit.pipeline("any")

    for name in ("keep_packages", "max_file_rows", "max_file_bytes", "drain"):
        assert told[name] == str(getattr(made, name))
    assert list(told) == ["pipelines_dir", "keep_packages", "max_file_rows", "max_file_bytes", "drain"]


def test_errors_are_listed_in_their_tree():
    """Each error is listed with the one above it, in the order of the tree."""
    told = [(bare(row[0]), bare(row[1])) for row in table(page("errors.md"))]

    assert sorted(name for name, _ in told) == errors.__all__
    assert [(name, above) for name, above in told if getattr(errors, name).__base__.__name__ != above] == []


def test_events_are_listed_with_their_fields():
    """Each event is listed with all its fields, in order."""
    told = {bare(row[0]): re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", row[2])) for row in table(page("events.md"))}

    assert told == {event.__name__: [field.name for field in attrs.fields(event)] for event in get_args(events.Event)}


def test_commands_are_listed_with_their_options():
    """Each command of the command line has a heading, under which each of its options is named."""
    told = page("cli.md")
    everywhere = ("--json", "--traceback")

    commands = dict(commands_of(program))

    assert sorted(re.findall(r"^## `sinkkit ([\w ]+)`$", told, flags=re.MULTILINE)) == sorted(commands)
    for name, command in commands.items():
        here = section(told, f"## `sinkkit {name}`")
        options = [option for parameter in command.params for option in parameter.opts if option.startswith("--") and option not in everywhere]
        assert [option for option in options if f"`{option}" not in here] == [], name


def commands_of(group, before=""):
    """Every command by what is typed for it, those of groups too."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands_of(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def test_exit_statuses_are_listed():
    """The statuses that the command line ends with are those of the page."""
    from sinkkit.cli import answer

    told = [int(row[0]) for row in table(section(page("cli.md"), "## Exit status"))]

    assert told == [answer.DONE, answer.NOT_EVERYTHING, answer.WRONG_USE, answer.LOCKED, answer.DATA_NOT_TAKEN, answer.INTERRUPTED]


def test_the_drawing_of_states_is_the_table_of_moves():
    """The drawing has an arrow for each move that a batch can make, and no other."""
    text = (PROJECT / "docs" / "explanation" / "batch-states.md").read_text(encoding="utf-8")
    arrows = re.findall(r"^\s+(\w+) --> (\w+)$", text, flags=re.MULTILINE)

    assert sorted(arrows) == sorted((state.name.lower(), target.name.lower()) for state, targets in MOVES.items() for target in targets)


FATES = {"retry": Fate.ABSENT, "ambiguous": Fate.AMBIGUOUS, "halt": Fate.STOP, "too large": Fate.TOO_LARGE, "refused": Fate.REFUSED}


def told_statuses():
    """Each status that the failure table names, with the fate it is given."""
    for row in table(section(page("delivery.md"), "## What an exception means")):
        fate = re.match(r"\*\*([a-z ]+)\*\*", row[1])
        for status in re.findall(r"\b\d{3}\b", row[0].partition(" but ")[0]) if fate else ():
            yield int(status), FATES[fate[1]]


@pytest.mark.parametrize(("status", "fate"), list(told_statuses()))
def test_statuses_mean_what_the_table_says(status, fate):
    """An HTTP status error is judged as the reference says."""
    request = httpx.Request("POST", "http://127.0.0.1/")
    error = httpx.HTTPStatusError("no", request=request, response=httpx.Response(status, request=request))

    assert sort(error, wall=0.0, idempotent=False, wrote_before=False).fate is fate


def test_the_table_names_the_statuses_that_matter():
    """The failure table says something about each status that is treated in a way of its own."""
    named = [status for status, _ in told_statuses()]

    assert [status for status in (400, 401, 403, 404, 407, 408, 413, 422, 423, 425, 429, 500, 501, 502, 503, 504, 505) if status not in named] == []


def test_what_tests_users_get_is_listed():
    """The page on testing names everything that `sinkkit.testing` has for users."""
    told = (PROJECT / "docs" / "how-to" / "test-your-destination.md").read_text(encoding="utf-8")
    types = ["Ended", "Fault", "Policy", "Request", "Script"]

    assert [name for name in testing.__all__ if name not in told and name not in types] == []


def test_laws_are_tested_where_the_page_says():
    """The folders that the page on design names are there."""
    text = (PROJECT / "docs" / "explanation" / "design.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/\w+)`", text)

    assert [folder for folder in named if not (PROJECT / folder).is_dir()] == []
