"""Destinations that are named in the settings: `run`, `check`, `resume` and `replay` take the type that a pipeline would, and agree with each other."""

from __future__ import annotations

import pytest

NAMED = """
import json
import sinkkit
from pathlib import Path


@sinkkit.destination(workers=1)
def crm(items, region: str = "eu"):
    Path("crm.jsonl").write_text("".join(json.dumps(row) + "\\n" for row in items))


@sinkkit.destination(workers=1)
def other(items, url: str, refuse: bool = False, stop: bool = False):
    if stop:
        raise sinkkit.Halt("not now")
    if refuse:
        return sinkkit.Outcome(rejected={n: "no" for n in range(len(items))})
    Path("other.jsonl").write_text("".join(json.dumps({**row, "url": url}) + "\\n" for row in items))


target = sinkkit.destination("target")
"""

IN_PIPELINE = {"NIGHTLY__DESTINATION__TARGET__DESTINATION_TYPE": "named.other"}
FOR_ALL = {"DESTINATION__TARGET__DESTINATION_TYPE": "named.crm"}
ROW = '{"id": 1}\n'


@pytest.fixture
def command(sinkkit_command, tmp_path):
    """Runs `sinkkit` beside the module ``named``, with a row to send."""
    (tmp_path / "named.py").write_text(NAMED)
    (tmp_path / "r.jsonl").write_text(ROW)

    def run(*arguments, **environment):
        done = sinkkit_command(*arguments, **environment)
        assert "Traceback" not in done.err
        return done

    return run


@pytest.mark.parametrize("environment", [IN_PIPELINE, {**IN_PIPELINE, **FOR_ALL}])
@pytest.mark.parametrize("reference", ["target", "named.target"])
def test_a_type_in_the_section_of_the_pipeline_counts(command, sent, reference, environment):
    """`check` and `run` take it, whatever the destination is elsewhere; its settings can be given with --set."""
    arguments = (reference, "--pipeline", "nightly", "--set", "url=uu")
    checked = command("check", *arguments, "--json", **environment)
    ran = command("run", reference, "r.jsonl", *arguments[1:], **environment)

    assert (checked.status, ran.status) == (0, 0), checked.err + ran.err
    assert (checked.document["destination"], checked.document["type"]) == ("target", "named.other")
    assert [entry["shown"] for entry in checked.document["settings"] if entry["name"] == "url"] == ["uu"]
    assert sent("other.jsonl") == [{"id": 1, "url": "uu"}]


@pytest.mark.parametrize("reference", ["target", "named.target"])
def test_a_pipeline_is_called_as_the_destination_unless_it_is_named(command, sent, reference):
    """Without --pipeline the section of the destination's own name is that of the pipeline."""
    ran = command("run", reference, "r.jsonl", TARGET__DESTINATION__TARGET__DESTINATION_TYPE="named.crm")

    assert ran.status == 0, ran.err
    assert sent("crm.jsonl") == [{"id": 1}]


def test_settings_of_another_function_are_refused(command):
    """--set is held against the function of the pipeline, not against that of all pipelines."""
    for name in ("check", "run"):
        source = ["r.jsonl"] if name == "run" else []
        done = command(name, "target", *source, "--pipeline", "nightly", "--set", "region=us", **IN_PIPELINE, **FOR_ALL)
        assert done.status == 2
        assert "destination 'target' has no setting 'region' (--set region)" in done.err


@pytest.mark.parametrize("again", ["resume", "replay"])
def test_what_a_run_left_goes_on_to_the_type_of_its_pipeline(command, sent, again):
    """`resume` and `replay` look the name up as the run did, and take its settings."""
    flag = "stop" if again == "resume" else "refuse"
    extra = () if again == "resume" else ("--set", "on_reject=keep")
    command("run", "target", "r.jsonl", "--pipeline", "nightly", "--set", "url=uu", "--set", f"{flag}=true", *extra, **IN_PIPELINE)
    done = command(again, "nightly", "--set", "url=vv", **IN_PIPELINE)

    assert done.status == 0, done.err
    assert sent("other.jsonl") == [{"id": 1, "url": "vv"}]


def test_a_type_given_on_the_command_line_is_checked_as_it_is_run(command, sent):
    """--set destination_type= names the function for both commands."""
    given = ("--set", "destination_type=named.other", "--set", "url=uu")
    checked = command("check", "fresh", *given, "--json")
    ran = command("run", "fresh", "r.jsonl", *given)

    assert (checked.status, ran.status) == (0, 0), checked.err + ran.err
    assert checked.document["type"] == "named.other"
    assert sent("other.jsonl") == [{"id": 1, "url": "uu"}]


@pytest.mark.parametrize(
    ("pipeline", "environment", "said"),
    [
        ("nightly", {"NIGHTLY__DRAIN": "x"}, "drain='x' is not possible for pipeline 'nightly' (NIGHTLY__DRAIN in environment)"),
        ("nightly", {"NIGHTLY__KEEP_PACKAGES": "-1"}, "keep_packages='-1' is not possible for pipeline 'nightly' (NIGHTLY__KEEP_PACKAGES in environment)"),
        ("a/b", {}, "'a/b' cannot name a pipeline"),
    ],
)
def test_a_check_finds_what_is_wrong_with_the_pipeline(command, pipeline, environment, said):
    """What `run` refuses of the pipeline itself is a problem for `check`, beside those of the destination."""
    checked = command("check", "named.other", "--pipeline", pipeline, "--json", **environment)
    ran = command("run", "named.other", "r.jsonl", "--pipeline", pipeline, "--set", "url=uu", **environment)
    problems = [problem["message"] for problem in checked.document["problems"]]

    assert (checked.status, ran.status) == (1, 2)
    assert ["url" in problems[0].split(), said in problems[1]] == [True, True]
    assert said in ran.err


def test_a_folder_of_pipelines_that_is_none_is_told(command, tmp_path):
    """A number in config is no folder, for either command."""
    (tmp_path / ".sinkkit").mkdir()
    (tmp_path / ".sinkkit" / "config.toml").write_text("[nightly]\npipelines_dir = 5\n")
    checked = command("check", "named.crm", "--pipeline", "nightly")
    ran = command("run", "named.crm", "r.jsonl", "--pipeline", "nightly")

    assert (checked.status, ran.status) == (1, 2)
    for done in (checked, ran):
        assert "pipelines_dir=5 of pipeline 'nightly' is no folder" in done.err
