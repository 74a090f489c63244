"""`sinkkit run --dry-run`: what would be sent, for people and programs."""

from __future__ import annotations

from pathlib import Path

import pytest

HTTP = """
import httpx
import sinkkit
from sinkkit import Secret


@sinkkit.destination(batch_size=20, workers=1)
def api(items, table, http: httpx.Client, api_key: Secret):
    http.post("/rows", json=items, headers={"Authorization": f"Bearer {api_key.reveal()}"}).raise_for_status()
"""


@pytest.fixture
def key():
    """Settings of the destination ``api``, in the environment."""
    Path("web.py").write_text(HTTP)
    return {"DESTINATION__API__API_KEY": "hunter2hunter2", "DESTINATION__API__HTTP__BASE_URL": "http://127.0.0.1:9"}


def test_requests_are_shown(sinkkit_command, key, tmp_path):
    """Request lines, headers and bodies stand on standard output, secrets masked; nothing is sent and no state is written."""
    done = sinkkit_command("run", "web.api", "sinks.fifty", "--dry-run", "--batches", "2", **key)

    assert done.status == 0
    assert done.out.startswith("dry run, nothing is sent; api: the first 2 calls; there are more\n\n1. fifty: 20 rows, key ")
    assert done.out.count("\nPOST http://127.0.0.1:9/rows\n") == 2
    assert "\nauthorization: ***\n" in done.out
    assert '\n[\n  {\n    "id": 20\n  },' in done.out
    assert "hunter2" not in done.out + done.err
    assert not (tmp_path / "state").exists()


def test_requests_as_json(sinkkit_command, key):
    """With --json each batch has its requests."""
    done = sinkkit_command("run", "web.api", "sinks.fifty", "--dry-run", "--limit", "30", "--json", **key)

    assert [(batch["table"], batch["rows"], len(batch["requests"])) for batch in done.document["batches"]] == [("fifty", 20, 1), ("fifty", 10, 1)]
    assert done.document["batches"][1]["requests"][0]["method"] == "POST"
    assert (done.document["dry_run"], done.document["more"], done.document["exit_status"]) == (True, True, 0)


def test_batches_of_a_function_are_shown(sinkkit_command, sent):
    """A function without a client is not called; the rows it would get are shown, the first of them to people, all to programs."""
    done = sinkkit_command("run", "sinks.good", "sinks.fifty", "--dry-run", "--batches", "1")

    assert done.out.splitlines()[2:9] == [
        done.out.splitlines()[2],
        "the function has no injected client and is not called; it would get:",
        *(f'{{"id": {number}}}' for number in range(5)),
    ]
    assert "... and 5 rows more" in done.out
    assert sent() == []
    assert len(sinkkit_command("run", "sinks.good", "sinks.fifty", "--dry-run", "--json").document["batches"][0]["items"]) == 10


def test_rows_of_earlier_runs_are_told_of(sinkkit_command):
    """What is pending would be sent before the new data."""
    sinkkit_command("run", "sinks.mended", "sinks.fifty")

    done = sinkkit_command("run", "sinks.mended", "sinks.fifty", "--dry-run")

    assert "50 rows of earlier runs are pending; a run sends them first" in done.err
