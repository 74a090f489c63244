"""`sinkkit inspect`: the last requests and answers, and one of them made again."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinkkit.testing import Answer, MisbehavingApi

WEB = """
import httpx
import sinkkit


@sinkkit.destination(batch_size=20, workers=1, on_reject="keep")
def api(items, table, http: httpx.Client):
    http.post("/rows", json=items).raise_for_status()
"""


@pytest.fixture
def run(sinkkit_command):
    """Runs 50 rows to a server whose second answer is a refusal, then a command."""
    Path("web.py").write_text(WEB)
    with MisbehavingApi([None, Answer(422, body=b'{"error": "no"}')]) as api:
        settings = {"DESTINATION__API__HTTP__BASE_URL": api.url, "DESTINATION__API__HTTP__RECORD": "100", "API__KEEP_PACKAGES": "3"}
        sinkkit_command("run", "web.api", "sinks.fifty", **settings)
        yield lambda *arguments, **more: sinkkit_command("inspect", "api", *arguments, **{**settings, **more}), api


def test_requests_are_listed(run):
    """Each with its number, status and batch; only failures if so asked."""
    inspect, _ = run

    listed, failed = inspect(), inspect("--failed", "--json")

    assert listed.status == 0
    assert [word for word in ("POST http://127.0.0.1:", "200", "422", "fifty", "--send-again ID") if word not in listed.out] == []
    assert [(request["id"], request["status"], request["rows"]) for request in failed.document["requests"]] == [(2, 422, "20-39")]


def test_one_request_is_shown_whole(run):
    """Request and answer as HTTP writes them."""
    inspect, _ = run

    shown = inspect("--id", "2").out

    assert shown.startswith("request 2 to api, ")
    assert ", for rows 20-39 of fifty.0.jsonl, call 1, key " in shown
    assert '\n\n[\n  {\n    "id": 20\n  },' in shown
    assert "\n422, after " in shown
    assert '{\n  "error": "no"\n}' in shown


def test_a_request_is_sent_again(run):
    """The batch goes out once more under its key."""
    inspect, api = run

    done = inspect("--send-again", "1")

    assert done.status == 0, done.err
    assert "request 1: 20 rows sent again under key " in done.out
    assert api.received[-20:] == [{"id": number} for number in range(20)]


def test_what_cannot_be_shown_is_said(run, sinkkit_command):
    """An unknown number, and a pipeline without requests."""
    inspect, _ = run
    sinkkit_command("run", "sinks.good", "sinks.fifty")

    assert inspect("--id", "99").err.startswith("error: no request 99 is kept")
    assert sinkkit_command("inspect", "good").out.startswith("good: no requests are kept")


REST = """
[destination.crm]
destination_type = "rest"
path = "/rows"
"""


def test_answers_that_a_destination_reads_itself_are_shown(sinkkit_command):
    """The `rest` destination reads answers a piece at a time; what was answered is shown all the same, and said once where the run ends."""
    Path(".sinkkit").mkdir()
    Path(".sinkkit/config.toml").write_text(REST)
    with MisbehavingApi([Answer(401, body=b'{"error": "who are you?"}')]) as api:
        ran = sinkkit_command("run", "crm", "sinks.fifty", "--set", f"base_url={api.url}", "--set", "workers=1")

    shown = sinkkit_command("inspect", "crm", "--id", "1").out

    assert ran.err.count("who are you?") == 1
    assert '{\n  "error": "who are you?"\n}' in shown


def test_a_server_that_is_not_there_is_named(sinkkit_command):
    """Who refused the connection is said, without what stands in the query."""
    Path("web.py").write_text(WEB)

    ran = sinkkit_command(
        "run", "web.api", "sinks.fifty", "--set", "http.base_url=http://127.0.0.1:9", "--set", "http.params.page=secretive", "--set", "retry.attempts=1"
    )

    assert ran.status == 1
    assert "the request was POST http://127.0.0.1:9/rows\n" in ran.err
    assert "secretive" not in ran.err
