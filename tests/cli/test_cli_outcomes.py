"""`replay`, `resolve`, `prune` and receipts on the command line: what a process says, and its exit status."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

DESTINATIONS = '''
"""Destinations that change their mind when a file says so."""

import json
from pathlib import Path

import sinkkit
from sinkkit import Outcome


def note(items):
    with Path("sent.jsonl").open("a") as file:
        file.write("".join(json.dumps(row) + "\\n" for row in items))


@sinkkit.destination(batch_size=10, workers=1)
def picky(items: list[dict], table):
    if Path("down").exists():
        raise sinkkit.Halt("down for maintenance")
    bad = json.loads(Path("bad.json").read_text()) if Path("bad.json").exists() else []
    note([row for row in items if row["id"] not in bad])
    return Outcome(
        rejected={place: f"bad e-mail of {row['id']}" for place, row in enumerate(items) if row["id"] in bad},
        receipts={place: f"crm-{row['id']}" for place, row in enumerate(items) if row["id"] not in bad},
    )


@sinkkit.destination(batch_size=10, workers=1)
def other(items: list[dict], table):
    note([{"other": row["id"]} for row in items])


@sinkkit.destination(batch_size=10, workers=1, on_unknown="hold")
def holding(items: list[dict], table):
    if Path("lost").exists():
        raise TimeoutError("no answer")
    note(items)
'''


@pytest.fixture
def command(sinkkit_command, tmp_path):
    """Runs `sinkkit`, with the module ``outcomes`` and a file of twelve rows beside it."""
    (tmp_path / "outcomes.py").write_text(DESTINATIONS)
    (tmp_path / "people.jsonl").write_text("".join(json.dumps({"id": number}) + "\n" for number in range(12)))
    return sinkkit_command


@pytest.fixture
def rejecting(command, tmp_path):
    """A pipeline `picky` of which rows 2 and 7 were rejected."""
    bad(tmp_path, [2, 7])
    command("run", "outcomes.picky", "people.jsonl")
    return command


def bad(folder, numbers):
    """Say which rows are refused from now on."""
    (folder / "bad.json").write_text(json.dumps(numbers))


def ids(command):
    """The ids of rejected rows, by row."""
    return {letter["row"]["id"]: letter["id"] for letter in command("rejected", "picky", "--json").document["rejected"]}


def test_all_are_sent_again(rejecting, tmp_path, sent):
    """The destination need not be named; exit status 1 while rows are refused again, 0 once all are delivered."""
    bad(tmp_path, [7])
    first = rejecting("replay", "picky")
    bad(tmp_path, [])
    second = rejecting("replay", "picky", "--json")
    third = rejecting("replay", "picky")

    assert (first.status, second.status, third.status) == (1, 0, 0)
    assert "1 row delivered, 1 rejected" in first.out
    assert second.document["report"]["tables"]["people"]["delivered"] == 1
    assert third.out == "picky: no such row is rejected, nothing was sent\n"
    assert [row["id"] for row in sent()][10:] == [2, 7]


def test_misspelt_tables_are_pointed_out(rejecting):
    """That no row of a table is rejected says of which tables some are: the name may be a misspelling."""
    shown, again = rejecting("rejected", "picky", "--table", "poeple"), rejecting("replay", "picky", "--table", "poeple")

    assert shown.out == "picky: no row of table 'poeple' is rejected; rejected are rows of people\n"
    assert again.out == "picky: no row of table 'poeple' is rejected; rejected are rows of people, nothing was sent\n"


def test_some_are_sent_again(rejecting, tmp_path, sent):
    """By id, by reason, by table; an unknown id is wrong use and is named with one that looks like it."""
    bad(tmp_path, [])
    known = ids(rejecting)
    wrong = rejecting("replay", "picky", "--id", known[2] + "0")
    nothing = rejecting("replay", "picky", "--reason", "closed account")
    table = rejecting("replay", "picky", "--table", "firms")
    by_reason = rejecting("replay", "picky", "--reason", "e-mail of 7")
    by_id = rejecting("replay", "picky", "--id", known[2], "--json")

    assert (wrong.status, nothing.status, table.status, by_reason.status, by_id.status) == (2, 0, 0, 0, 0)
    assert known[2] in wrong.err
    assert "nothing was sent" in nothing.out
    assert [row["id"] for row in sent()][10:] == [7, 2]


def test_edited_rows(rejecting, tmp_path, sent):
    """Exported, edited, replayed; a line that cannot be used is named, and nothing is sent."""
    rejecting("rejected", "picky", "--export", "bad.jsonl")
    path = tmp_path / "bad.jsonl"
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({**entry, "row": {"id": entry["row"]["id"] * 100}}) + "\n" for entry in entries) + "{}\n")
    wrong = rejecting("replay", "picky", "--from", "bad.jsonl")
    path.write_text(path.read_text().removesuffix("{}\n"))
    done = rejecting("replay", "picky", "--from", "bad.jsonl")
    missing = rejecting("replay", "picky", "--from", "nowhere.jsonl")

    assert (wrong.status, done.status, missing.status) == (2, 0, 2)
    assert "bad.jsonl, line 3 has no field 'id'" in wrong.err
    assert [row["id"] for row in sent()][10:] == [200, 700]


def test_a_replay_that_fails_is_resumed(rejecting, tmp_path, sent):
    """Exit status 1 with the cause; `status` tells it from other packages; `resume` and `replay` go on with it."""
    bad(tmp_path, [])
    (tmp_path / "down").touch()
    failed = rejecting("replay", "picky")
    status = rejecting("status", "picky")
    (tmp_path / "down").unlink()
    new = rejecting("run", "outcomes.picky", "people.jsonl")
    resumed = rejecting("resume", "picky")

    assert (failed.status, status.status, new.status, resumed.status) == (1, 0, 0, 0)
    assert "down for maintenance" in failed.err
    assert "rejected rows sent again" in status.out
    assert [row["id"] for row in sent()][10:] == [*range(12), 2, 7]


def test_a_replay_is_dropped(rejecting, tmp_path):
    """Only by force, and its rows are rejected as before; nothing is given up."""
    (tmp_path / "down").touch()
    rejecting("replay", "picky")
    refused = rejecting("drop", "picky")
    dropped = rejecting("drop", "picky", "--force")

    assert (refused.status, dropped.status) == (1, 0)
    assert "2 rows of replays, which stay rejected" in refused.err
    assert dropped.out == "picky: 1 load package dropped, 0 rows given up, 2 rows back among the rejected\n"
    assert list(ids(rejecting)) == [2, 7]


def test_another_destination_is_named(rejecting, sent):
    """Rows go where the command says, even if another one refused them."""
    done = rejecting("replay", "picky", "outcomes.other")

    assert done.status == 0
    assert sent()[10:] == [{"other": 2}, {"other": 7}]


def test_rows_on_hold(command, tmp_path, sent):
    """Seen, settled or sent again by key; `resume` does not pretend that all is well meanwhile."""
    (tmp_path / "lost").touch()
    run = command("run", "outcomes.holding", "people.jsonl")
    resumed = command("resume", "holding")
    listed = command("resolve", "holding", "--list", "--json")
    shown = command("resolve", "holding", "--rows")
    (tmp_path / "lost").unlink()
    first, second = listed.document["held"]
    arrived = command("resolve", "holding", "--key", first["key"], "--arrived")
    not_arrived = command("resolve", "holding", "--all", "--not-arrived", "--json")
    done = command("resume", "holding")
    nothing = command("resolve", "holding", "--all", "--arrived")

    assert (run.status, resumed.status, listed.status) == (1, 1, 0)
    assert "sinkkit resolve holding" in run.err
    assert "sinkkit resolve holding" in resumed.err
    assert (first["row_count"], first["table"], second["attempts"]) == (10, "people", 1)
    assert first["key"] in shown.out
    assert '{"id": 11}' in shown.out
    assert arrived.out == "holding: 10 rows in 1 batch counted as delivered\n"
    assert (not_arrived.document["rows"], not_arrived.document["arrived"]) == (2, False)
    assert (done.status, [row["id"] for row in sent()]) == (0, [10, 11])
    assert nothing.out == "holding: nothing is on hold\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--all"], "--arrived or --not-arrived"),
        (["--arrived"], "either --key or --all"),
        (["--all", "--key", "k", "--arrived"], "either --key or --all"),
        (["--key", "nonsense", "--arrived"], "no batch on hold with the key 'nonsense'"),
    ],
)
def test_resolving_says_what_is_missing(command, arguments, says):
    """Half a command is wrong use."""
    command("run", "outcomes.holding", "people.jsonl")
    done = command("resolve", "holding", *arguments)

    assert done.status == 2
    assert says in done.err


def test_receipts_are_written(rejecting, tmp_path):
    """`status --receipts` writes what the destination called the rows; without a pipeline it is wrong use."""
    done = rejecting("status", "picky", "--receipts", "ids.parquet")
    lines = rejecting("status", "picky", "--receipts", "ids.jsonl", "--json")
    wrong = rejecting("status", "--receipts", "ids.parquet")

    assert done.out == "10 receipts written to ids.parquet\n"
    assert pq.read_table(tmp_path / "ids.parquet").column("receipt").to_pylist()[:3] == ["crm-0", "crm-1", "crm-3"]
    assert json.loads((tmp_path / "ids.jsonl").read_text().splitlines()[0])["delivered_at"].endswith("+00:00")
    assert (lines.document["exported"], wrong.status) == (10, 2)


def test_pruning(rejecting, tmp_path):
    """One pipeline or all of the folder; a dry run removes nothing; by default nothing younger than 30 days goes."""
    rejecting("run", "outcomes.other", "people.jsonl")
    young = rejecting("prune")
    tried = rejecting("prune", "picky", "--older-than", "0s", "--dry-run", "--json")
    done = rejecting("prune", "--older-than", "0s", "--rejected", "--json")
    again = rejecting("rejected", "picky")
    wrong = rejecting("prune", "--before", "yesterday")
    unknown = rejecting("prune", "nobody")

    assert [line.split(": ")[1].split(" (")[0] for line in young.out.splitlines()] == ["nothing removed", "nothing removed"]
    assert (tried.document["pipelines"]["picky"]["receipts"], tried.document["pipelines"]["picky"]["dry_run"]) == (10, True)
    assert {name: (one["rejected"], one["packages"]) for name, one in done.document["pipelines"].items()} == {"other": (0, 1), "picky": (2, 1)}
    assert again.out == "picky: no row is rejected\n"
    assert (wrong.status, unknown.status) == (2, 2)


def test_pruning_goes_on_beside_a_broken_pipeline(rejecting, tmp_path):
    """A journal that cannot be read is named, the others are pruned, and the exit status says so."""
    (tmp_path / "state" / "noise").mkdir()
    (tmp_path / "state" / "noise" / "journal.db").write_bytes(b"noise" * 1000)
    done = rejecting("prune", "--older-than", "0s")
    empty = rejecting("prune", "--pipelines-dir", "nowhere")

    assert done.status == 1
    assert "picky: " in done.out
    assert "error: pipeline 'noise'" in done.err
    assert (empty.status, empty.out) == (0, "there are no pipelines in nowhere\n")
