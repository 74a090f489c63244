"""`sinkkit run` and `sinkkit resume`: sources, settings, reports, exit statuses."""

from __future__ import annotations

import gzip
import json

import pytest

IDS = list(range(50))


def test_it_delivers_a_resource(sinkkit_command, sent):
    """Rows of a resource reach the function; the report is for people and the status is 0."""
    done = sinkkit_command("run", "sinks.good", "sinks.fifty")

    assert done.status == 0
    assert done.out.splitlines()[-1].startswith("good → good: 50 rows delivered in ")
    assert [row["id"] for row in sent()] == IDS


def test_it_delivers_a_source(sinkkit_command, tmp_path):
    """Every resource of a source reaches its table; the path may name the object behind a colon."""
    text = "import sinkkit\nfrom sinks import fifty\n\n@sinkkit.source\ndef all():\n    return [fifty.with_hints(table_name=name) for name in ['a']]\n"
    (tmp_path / "shop.py").write_text(text)
    done = sinkkit_command("run", "sinks.good", "shop:all", "--json")

    assert done.status == 0
    assert {name: one["delivered"] for name, one in done.document["report"]["tables"].items()} == {"a": 50}


def test_json_is_all_there_is_on_standard_output(sinkkit_command):
    """With --json standard output holds one document, though the destination prints; what it prints goes to standard error."""
    done = sinkkit_command("run", "sinks.good", "sinks.fifty", "--json", "--table", "people", "--pipeline", "p", "--run-id", "monday")

    assert done.document["report"]["tables"]["people"]["delivered"] == 50
    assert (done.document["report"]["pipeline_name"], done.document["report"]["run_id"]) == ("p", "monday")
    assert done.document["exit_status"] == done.status == 0
    assert "a destination may print" in done.err


def test_it_reads_files_globs_and_standard_input(sinkkit_command, sent, tmp_path):
    """A file, a glob and JSON Lines on standard input are sources."""
    (tmp_path / "a1.csv").write_text("id\n1\n2\n")
    (tmp_path / "a2.csv").write_text("id\n3\n")
    with gzip.open(tmp_path / "more.jsonl.gz", "wt") as file:
        file.write('{"id": "4"}\n')

    statuses = [
        sinkkit_command("run", "sinks.good", "*.csv").status,
        sinkkit_command("run", "sinks.good", "more.jsonl.gz").status,
        sinkkit_command("run", "sinks.good", "-", "--table", "t", stdin='{"id": "5"}\n{"id": "6"}\n').status,
    ]

    assert statuses == [0, 0, 0]
    assert [row["id"] for row in sent()] == ["1", "2", "3", "4", "5", "6"]


def test_a_failure_names_the_place_in_the_users_file(sinkkit_command):
    """An exception of the function is shown by type, message and place, without a traceback; the rest is pending."""
    done = sinkkit_command("run", "sinks.bug", "sinks.fifty")

    assert done.status == 1
    assert "40 pending, 10 unknown" in done.out
    assert "cause: KeyError: 'email'\n  raised in " in done.err
    assert "sinks.py, line " in done.err
    assert "hint: " in done.err
    assert "Traceback" not in done.err


def test_a_failure_as_json(sinkkit_command):
    """With --json a failed run is an error with its cause, and the report beside it."""
    done = sinkkit_command("run", "sinks.bug", "sinks.fifty", "--json")

    assert done.document["error"]["type"] == "DeliveryFailed"
    assert done.document["error"]["cause"]["type"] == "KeyError"
    assert done.document["report"]["tables"]["fifty"]["pending"] == 40
    assert done.document["exit_status"] == done.status == 1


def test_a_traceback_is_shown_when_asked_for(sinkkit_command):
    """--traceback, or SINKKIT_TRACEBACK=1, shows where an error was raised."""
    by_option = sinkkit_command("run", "sinks.nothing", "sinks.fifty", "--traceback")
    by_variable = sinkkit_command("run", "sinks.nothing", "sinks.fifty", SINKKIT_TRACEBACK="1")

    assert "Traceback" in by_option.err
    assert "Traceback" in by_variable.err


def test_secrets_are_masked(sinkkit_command):
    """A secret in the user's own exception is on neither output, not even with a traceback."""
    done = sinkkit_command("run", "sinks.leaky", "sinks.fifty", "--traceback", "--set", "api_key=hunter2hunter2")

    assert done.status == 1
    assert "cause: RuntimeError: bad key ***" in done.err
    assert "line " in done.err
    assert "hunter2" not in done.err + done.out


def test_settings_can_be_given(sinkkit_command):
    """--set gives settings of the function and of the decorator, as text like the environment; an unknown one is refused."""
    done = sinkkit_command("run", "sinks.good", "sinks.fifty", "--set", "batch_size=25", "--json", DESTINATION__GOOD__BATCH_SIZE="5")
    unknown = sinkkit_command("run", "sinks.good", "sinks.fifty", "--set", "batchsize=25")
    malformed = sinkkit_command("run", "sinks.good", "sinks.fifty", "--set", "batch_size=many")
    no_value = sinkkit_command("run", "sinks.good", "sinks.fifty", "--set", "s3cret-without-a-key")

    assert done.document["report"]["calls"] == 2
    assert (unknown.status, malformed.status, no_value.status) == (2, 2, 2)
    assert "did you mean 'batch_size'?" in unknown.err
    assert "'many'" in malformed.err
    assert "s3cret" not in no_value.err


def test_pending_rows_go_first(sinkkit_command, sent):
    """A run that finds pending rows finishes them, leaves its own data, says so, and exits 4; the next run takes the data."""
    first = sinkkit_command("run", "sinks.mended", "sinks.fifty")
    second = sinkkit_command("run", "sinks.mended", "sinks.fifty", "--set", "broken=false")
    delivered_by_second = len(sent())
    third = sinkkit_command("run", "sinks.mended", "sinks.fifty", "--set", "broken=false")

    assert (first.status, second.status, third.status) == (1, 4, 0)
    assert "NOT taken" in second.out
    assert "did NOT take" in second.err
    assert (delivered_by_second, len(sent())) == (50, 100)


def test_on_pending_can_be_chosen(sinkkit_command, sent):
    """--on-pending fail stops before anything is sent; continue finishes the old rows and goes on to the new ones."""
    sinkkit_command("run", "sinks.mended", "sinks.fifty")
    refused = sinkkit_command("run", "sinks.mended", "sinks.fifty", "--on-pending", "fail")
    went_on = sinkkit_command("run", "sinks.mended", "sinks.fifty", "--on-pending", "continue", "--set", "broken=false")

    assert refused.status == 1
    assert "not finished" in refused.err
    assert went_on.status == 0
    assert len(sent()) == 100


def test_resume_knows_the_destination(sinkkit_command, sent):
    """After `run`, `resume` needs only the pipeline; values of --set are given again; without pending rows it does nothing."""
    sinkkit_command("run", "sinks.mended", "sinks.fifty", "--pipeline", "p")
    resumed = sinkkit_command("resume", "p", "--set", "broken=false")
    again = sinkkit_command("resume", "p", "--json")

    assert resumed.status == 0
    assert [row["id"] for row in sent()] == IDS
    assert again.document == {"report": None, "pending": 0, "exit_status": 0}


def test_resume_elsewhere_says_where_to_go(sinkkit_command, tmp_path):
    """In another folder, where the module cannot be found, the error names the folder of the last run."""
    sinkkit_command("run", "sinks.mended", "sinks.fifty")
    (tmp_path / "elsewhere").mkdir()
    done = sinkkit_command("resume", "mended", cwd=tmp_path / "elsewhere")

    assert done.status == 2
    assert f"it was last run in {tmp_path}: go there, or name the destination" in done.err


def test_resume_of_a_pipeline_that_a_script_ran(sinkkit_command, sent, tmp_path):
    """A pipeline with rows from a script has no remembered destination: its bound name is tried, and the error asks for one."""
    sinkkit_command("run", "sinks.mended", "sinks.fifty")
    (tmp_path / "state" / "mended" / "cli.json").unlink()
    unknown = sinkkit_command("resume", "mended")
    named = sinkkit_command("resume", "mended", "sinks.mended", "--set", "broken=false")

    assert unknown.status == 2
    assert "sinkkit resume mended DESTINATION" in unknown.err
    assert named.status == 0
    assert len(sent()) == 50


def test_a_destination_can_be_named_in_the_settings(sinkkit_command, sent, tmp_path):
    """A name from config works for run, check and resume, and names the pipeline."""
    (tmp_path / ".sinkkit").mkdir()
    (tmp_path / ".sinkkit" / "config.toml").write_text('[destination.crm_prod]\ndestination_type = "sinks.mended"\n')
    checked = sinkkit_command("check", "crm_prod", "--json")
    failed = sinkkit_command("run", "crm_prod", "sinks.fifty")
    resumed = sinkkit_command("resume", "crm_prod", "--set", "broken=false")

    assert checked.document["destination"] == "crm_prod"
    assert checked.document["warnings"] == []
    assert (checked.status, failed.status, resumed.status) == (0, 1, 0)
    assert len(sent()) == 50


def test_rejected_rows_exit_with_1(sinkkit_command, sent):
    """A run whose rows are all settled, some of them rejected, reports them and exits 1."""
    done = sinkkit_command("run", "sinks.picky", "sinks.fifty")

    assert done.status == 1
    assert "45 rows delivered, 5 rejected" in done.out
    assert "sinkkit rejected picky" in done.err
    assert len(sent()) == 45


def test_a_second_process_is_told_who_runs_it(sinkkit_command, tmp_path):
    """A pipeline that another process runs is refused with status 3, naming the owner."""
    done = sinkkit_command("run", "sinks.twice", "sinks.fifty")
    status, err = json.loads((tmp_path / "second.json").read_text())

    assert done.status == 0
    assert status == 3
    assert "error: pipeline 'twice' is owned by process " in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "sinks.god", "sinks.fifty"), "did you mean sinks.good"),
        (("run", "sinks.py", "sinks.fifty"), "write sinks.FUNCTION"),
        (("run", "./sinks.py:good", "sinks.fifty"), "write sinks.good"),
        (("run", "nomodule.x", "sinks.fifty"), "there is no module 'nomodule'"),
        (("run", "nobody", "sinks.fifty"), "there is no destination 'nobody'"),
        (("run", "sinks.number", "sinks.fifty"), "not a function"),
        (("run", "sinks.good", "no.csv"), "'no.csv'"),
        (("run", "sinks.good", "nothing"), "no file is named 'nothing'"),
        (("run", "sinks.good", "sinks.number"), "neither rows nor something to iterate"),
        (("run", "sinks.good", "sinks.bug"), "in this order"),
        (("run", "sinks.good", "sinks.fifty", "--at", "features"), "--at is for JSON documents"),
        (("run", "sinks.good", "sinks.breaks"), "ValueError: the database went away"),
        (("run", "sinks.needy", "sinks.fifty"), "api_key"),
        (("run", "sinks.good"), "Missing argument 'SOURCE'"),
        (("run", "sinks.good", "sinks.fifty", "--progress", "loud"), "'loud'"),
        (("resume", "nobody"), "there is no pipeline 'nobody'"),
        (("status", "nobody"), "there is no pipeline 'nobody'"),
        (("status", "../x"), "cannot name a pipeline"),
        (("frob",), "No such command 'frob'"),
    ],
)
def test_wrong_use_says_what_to_write(sinkkit_command, sent, arguments, said):
    """What cannot be meant exits 2 with an error and a hint, as JSON too, and nothing is sent."""
    done = sinkkit_command(*arguments, "--json")

    assert done.status == 2
    assert done.document["exit_status"] == 2
    assert done.document["error"]["message"]
    assert said in done.err
    assert "error: " in done.err
    assert "Traceback" not in done.err
    assert sent() == []


def test_a_module_that_fails_is_told_with_its_place(sinkkit_command, tmp_path):
    """An exception in the user's module, while it is imported, is named with file and line; its traceback is shown if asked for."""
    (tmp_path / "broken.py").write_text("1 / 0\n")
    done = sinkkit_command("run", "broken.sink", "sinks.fifty")
    traced = sinkkit_command("run", "broken.sink", "sinks.fifty", "--traceback")

    assert [done.status, traced.status] == [2, 2]
    assert "fails when it is imported: ZeroDivisionError: division by zero" in done.err
    assert "broken.py, line 1" in done.err
    assert 'broken.py", line 1' in traced.err
    assert "Traceback" in traced.err


def test_a_run_can_be_limited_to_the_first_rows(sinkkit_command, sent):
    """--limit sends only so many rows, and says that there were more."""
    done = sinkkit_command("run", "sinks.good", "sinks.fifty", "--limit", "15")

    assert done.status == 0
    assert [row["id"] for row in sent()] == IDS[:15]
    assert "more rows than the limit" in done.out
