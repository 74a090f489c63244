"""`sinkkit extract`, `normalize` and `load`: a run in three steps, of which only the last knows the destination."""

from __future__ import annotations

import json

import pytest

FAR = '''
"""A destination that can be imported only where its library is installed."""
import library_of_the_destination
import sinkkit

@sinkkit.destination(batch_size=2, workers=1)
def push(items: list[dict], api_key: sinkkit.Secret):
    library_of_the_destination.send(items, api_key.reveal())
'''
LIBRARY = """
import json

def send(items, key):
    with open("arrived.jsonl", "a") as file:
        file.write(json.dumps({"key": key, "rows": items}) + "\\n")
"""


@pytest.fixture
def contacts(tmp_path):
    """A file of five rows; its path."""
    path = tmp_path / "contacts.jsonl"
    path.write_text("".join(json.dumps({"id": number}) + "\n" for number in range(5)))
    return str(path)


def test_three_steps(sinkkit_command, contacts, sent):
    """Extracting and normalizing send nothing and end with 0; load delivers, and is told its destination the first time only."""
    extracted = sinkkit_command("extract", "nightly", contacts)
    normalized = sinkkit_command("normalize", "nightly")
    before, status = sent(), sinkkit_command("status", "nightly").out
    lost = sinkkit_command("load", "nightly")
    loaded = sinkkit_command("load", "nightly", "sinks.good", "--workers", "1")
    sinkkit_command("extract", "nightly", contacts, "--table", "people")
    again = sinkkit_command("load", "nightly", "--json")
    nothing = sinkkit_command("load", "nightly")

    assert [extracted.status, normalized.status, lost.status, loaded.status, again.status, nothing.status] == [0, 0, 2, 0, 0, 0]
    assert extracted.out.splitlines()[1:] == ["  extracted and not sent yet: pipeline.load(), or `sinkkit load nightly`"]
    assert before == []
    assert "sinkkit load nightly DESTINATION" in status
    assert "sinkkit load nightly DESTINATION" in lost.err
    assert [row["id"] for row in sent()] == [*range(5), *range(5)]
    assert again.document["report"]["tables"]["people"]["delivered"] == 5
    assert nothing.out == "nightly: nothing is pending\n"


def test_machines_that_know_nothing_of_the_destination(sinkkit_command, contacts, tmp_path):
    """Where the destination's library, settings and secrets are missing, rows are taken and normalized; only load needs them, and says so."""
    (tmp_path / "far.py").write_text(FAR)
    taken = [sinkkit_command("extract", "nightly", contacts).status, sinkkit_command("normalize", "nightly").status]
    without = sinkkit_command("load", "nightly", "far.push")
    (tmp_path / "library_of_the_destination.py").write_text(LIBRARY)
    unset = sinkkit_command("load", "nightly", "far.push")
    loaded = sinkkit_command("load", "nightly", "far.push", DESTINATION__PUSH__API_KEY="sesame")
    arrived = [json.loads(line) for line in (tmp_path / "arrived.jsonl").read_text().splitlines()]

    assert taken == [0, 0]
    assert (without.status, "library_of_the_destination" in without.err) == (2, True)
    assert (unset.status, "api_key" in unset.err) == (2, True)
    assert (loaded.status, len(arrived)) == (0, 3)
    assert [row["id"] for call in arrived for row in call["rows"]] == list(range(5))


def test_a_run_id_takes_its_data_once(sinkkit_command, contacts, sent):
    """A second extract of the same name takes nothing, before and after it was loaded, and ends with 0."""
    first = sinkkit_command("extract", "nightly", contacts, "--run-id", "monday")
    second = sinkkit_command("extract", "nightly", contacts, "--run-id", "monday")
    sinkkit_command("load", "nightly", "sinks.good")
    third = sinkkit_command("extract", "nightly", contacts, "--run-id", "monday")

    assert [first.status, second.status, third.status] == [0, 0, 0]
    assert len(sent()) == 5
    assert third.out.startswith("nightly → good: 5 rows delivered")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("extract", "nightly", "missing.jsonl"), "no file is named"),
        (("normalize", "nightly"), "there is no pipeline 'nightly'"),
        (("load", "nightly", "sinks.good"), "there is no pipeline 'nightly'"),
        (("extract", "nightly"), "Missing argument"),
        (("extract", "nightly", "sinks.good"), "is a destination, not a source"),
    ],
)
def test_wrong_use(sinkkit_command, arguments, said):
    """What cannot be meant ends with 2 and says so."""
    done = sinkkit_command(*arguments)

    assert (done.status, said in done.err) == (2, True)


def test_sigterm_while_extracting_ends_with_130(sinkkit_command):
    """Interrupted in the middle, nothing was taken, and the same command can be given again."""
    done = sinkkit_command("extract", "nightly", "sinks.terminated")

    assert done.status == 130
    assert "pending: nothing" in sinkkit_command("status", "nightly").out


def test_no_rows(sinkkit_command, tmp_path):
    """A file without rows is taken, makes no package, and leaves nothing to normalize or load."""
    (tmp_path / "empty.jsonl").write_text("")
    done = [sinkkit_command("extract", "nightly", "empty.jsonl"), sinkkit_command("normalize", "nightly")]

    assert [(one.status, one.out) for one in done] == [(0, "nightly: there were no rows\n"), (0, "nightly: there was nothing to normalize\n")]
