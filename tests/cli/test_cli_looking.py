"""`status`, `rejected`, `drop` and `check`: looking at a pipeline and at a destination."""

from __future__ import annotations

import csv
import json

import pyarrow.parquet as pq
import pytest


def test_status_of_all_pipelines(sinkkit_command):
    """Without a name, every pipeline of the folder is listed with what is pending and how its last run ended."""
    empty = sinkkit_command("status")
    sinkkit_command("run", "sinks.good", "sinks.fifty")
    sinkkit_command("run", "sinks.bug", "sinks.fifty")
    listed = sinkkit_command("status")
    documents = sinkkit_command("status", "--json").document["pipelines"]

    assert "there are no pipelines" in empty.out
    rows = [line.split()[:4] for line in listed.out.splitlines() if line.strip().startswith(("bug ", "good "))]
    assert rows == [["bug", "idle", "50", "0"], ["good", "idle", "0", "0"]]
    assert [(found["name"], found["rows_pending"]) for found in documents] == [("bug", 50), ("good", 0)]


def test_status_of_one_pipeline(sinkkit_command):
    """With a name, pending packages with counts, runs, and the command that goes on are shown."""
    sinkkit_command("run", "sinks.bug", "sinks.fifty", "--run-id", "monday")
    done = sinkkit_command("status", "bug")
    document = sinkkit_command("status", "bug", "--json").document["pipeline"]

    assert done.status == 0
    assert "pending: 50 rows in 1 load package" in done.out
    assert "monday" in done.out
    assert "sinkkit resume bug" in done.out
    assert document["pending"][0]["tables"]["fifty"] == {
        "extracted": 50, "delivered": 0, "rejected": 0, "pending": 40, "unknown": 10, "resent": 0,
    }  # fmt: skip
    assert [run["status"] for run in document["runs"]] == ["failed"]


def test_a_pipeline_that_cannot_be_read_does_not_hide_the_others(sinkkit_command, tmp_path):
    """A journal filled with noise is named; the other pipelines are listed all the same, also where the settings cannot be read."""
    sinkkit_command("run", "sinks.good", "sinks.fifty")
    (tmp_path / "state" / "noise").mkdir()
    (tmp_path / "state" / "noise" / "journal.db").write_bytes(b"noise" * 1000)
    (tmp_path / ".sinkkit").mkdir()
    (tmp_path / ".sinkkit" / "config.toml").write_text("broken =")
    done = sinkkit_command("status")

    assert done.status == 1
    assert "good" in done.out
    assert "error: pipeline 'noise': " in done.err


def test_rejected_rows_are_shown(sinkkit_command):
    """Each rejected row is shown with its number and reason; what could steer the terminal is written out."""
    sinkkit_command("run", "sinks.picky", "sinks.fifty")
    done = sinkkit_command("rejected", "picky")
    document = sinkkit_command("rejected", "picky", "--json").document
    other = sinkkit_command("rejected", "picky", "--table", "other")

    assert "5 rejected rows" in done.out
    assert "\x1b" not in done.out
    assert [letter["row"] for letter in document["rejected"]] == [{"id": number} for number in (0, 10, 20, 30, 40)]
    assert other.out == "picky: no row of table 'other' is rejected; rejected are rows of fifty\n"


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv", "rows.jsonl"])
def test_rejected_rows_are_exported(sinkkit_command, tmp_path, name):
    """The extension of the file says how rejected rows are written."""
    sinkkit_command("run", "sinks.picky", "sinks.fifty")
    done = sinkkit_command("rejected", "picky", "--export", name)
    path = tmp_path / name
    if name.endswith("parquet"):
        rows = [json.loads(letter["row"]) for letter in pq.read_table(path).to_pylist()]
    elif name.endswith("csv"):
        rows = [json.loads(letter["row"]) for letter in csv.DictReader(path.read_text().splitlines())]
    else:
        rows = [json.loads(line)["row"] for line in path.read_text().splitlines()]

    assert done.status == 0
    assert done.out == f"5 rejected rows written to {name}\n"
    assert rows == [{"id": number} for number in (0, 10, 20, 30, 40)]


def test_an_export_that_cannot_be_written_is_an_error(sinkkit_command):
    """An unknown extension and a folder that is not there are named."""
    sinkkit_command("run", "sinks.picky", "sinks.fifty")
    unknown = sinkkit_command("rejected", "picky", "--export", "rows.xlsx")
    nowhere = sinkkit_command("rejected", "picky", "--export", "nowhere/rows.csv")

    assert unknown.status == 2
    assert ".parquet, .csv, .jsonl" in unknown.err
    assert nowhere.status == 1
    assert "'nowhere/rows.csv' cannot be written" in nowhere.err


def test_drop_gives_rows_up_only_by_force(sinkkit_command):
    """Rows that were not delivered are dropped with --force alone; afterwards nothing is pending."""
    sinkkit_command("run", "sinks.bug", "sinks.fifty")
    refused = sinkkit_command("drop", "bug")
    unknown = sinkkit_command("drop", "bug", "--load", "nothing", "--force")
    dropped = sinkkit_command("drop", "bug", "--force", "--json")
    again = sinkkit_command("drop", "bug")

    assert refused.status == 1
    assert "50 rows of pipeline 'bug' were not delivered" in refused.err
    assert unknown.status == 2
    assert dropped.document["rows_given_up"] == 50
    assert len(dropped.document["dropped"]) == 1
    assert again.out == "bug: nothing is pending\n"
    assert again.status == 0


def test_check_shows_where_each_setting_comes_from(sinkkit_command, tmp_path):
    """Each setting is shown with its place and what it hides, secrets masked, the decorator's settings too; nothing is called."""
    (tmp_path / ".sinkkit").mkdir()
    (tmp_path / ".sinkkit" / "config.toml").write_text(
        '[destination.needy]\nurl = "https://example.com"\nregion = "us"\n[destination.needy.retry]\nattempts = 2\n'
    )
    done = sinkkit_command("check", "sinks.needy", "--set", "region=cn", DESTINATION__NEEDY__API_KEY="hunter2hunter2")
    document = sinkkit_command("check", "sinks.needy", "--json", DESTINATION__NEEDY__API_KEY="hunter2hunter2").document
    found = {entry["name"]: (entry["shown"], entry["provider"]) for entry in document["settings"]}

    assert done.status == 0
    assert "hunter2" not in done.out + done.err + json.dumps(document)
    assert "destination.needy.region in .sinkkit/config.toml" in done.out
    assert "--set region" in done.out
    assert found["api_key"] == ("***", "environment")
    assert found["url"] == ("https://example.com", ".sinkkit/config.toml")
    assert found["batch_size"] == ("20", "decorator")
    assert found["retry.attempts"] == ("2", ".sinkkit/config.toml")
    assert found["retry.first_wait"] == ("0.5", "default")
    assert found["on_reject"] == ("halt", "default")


def test_check_lists_every_problem(sinkkit_command, tmp_path):
    """What is missing and malformed is listed at once, misspelt keys are warned of, and the status is 1."""
    (tmp_path / ".sinkkit").mkdir()
    (tmp_path / ".sinkkit" / "config.toml").write_text('[destination.needy]\nbatch_size = "many"\nregoin = "us"\n')
    done = sinkkit_command("check", "sinks.needy", "--json")
    shown = sinkkit_command("check", "sinks.needy")

    assert done.status == shown.status == 1
    assert [problem["missing"] for problem in done.document["problems"]] == [True, True, False]
    assert "did you mean region" in done.document["warnings"][0]
    assert "3 problems" in shown.err
    assert "did you mean region" in shown.out


def test_check_names_what_cannot_go_together(sinkkit_command):
    """A value that is of the right type and still impossible is a problem too."""
    impossible = sinkkit_command("check", "sinks.good", "--set", "workers=0")
    no_probe = sinkkit_command("check", "sinks.good", "--set", "on_unknown=probe")

    assert (impossible.status, no_probe.status) == (1, 1)
    assert "workers=0 is not possible" in impossible.err
    assert "no probe" in no_probe.err
