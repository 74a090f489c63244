"""`sinkkit check --openapi`: the requests of a destination against what the API says of itself."""

from __future__ import annotations

import json

import pytest

API = {
    "openapi": "3.1.0",
    "info": {"title": "Notes", "version": "1"},
    "servers": [{"url": "https://notes.example/v1"}],
    "paths": {
        "/notes": {
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "array",
                                "items": {"type": "object", "required": ["title"], "properties": {"title": {"type": "string", "maxLength": 5}}},
                            }
                        }
                    },
                }
            }
        }
    },
}

CONFIG = """
[destination.notes]
destination_type = "sinkkit.destinations.rest"
path = "/notes"
[destination.notes.http]
base_url = "https://notes.example/v1"
"""


@pytest.fixture
def project(tmp_path):
    """Writes the document, settings and a sample of rows."""
    folder = tmp_path / ".sinkkit"
    folder.mkdir()
    (tmp_path / "api.json").write_text(json.dumps(API))
    (tmp_path / "rows.jsonl").write_text('{"title": "short"}\n{"title": "too long"}\n')

    def write(more=""):
        (folder / "config.toml").write_text(CONFIG + more)

    write()
    return write


def test_requests_that_fit(project, sinkkit_command):
    """Their operations are told; fields of rows that nothing names are not known without a sample."""
    done = sinkkit_command("check", "notes", "--openapi", "api.json")
    assert done.status == 0, done.err

    assert "api.json has POST /notes" in done.out
    assert "--rows FILE checks those of a sample" in done.out


def test_rows_of_a_sample(project, sinkkit_command):
    """A row that the schema does not take is named with its place."""
    done = sinkkit_command("check", "notes", "--openapi", "api.json", "--rows", "rows.jsonl", "--json")
    assert done.status == 1, done.err

    [finding] = json.loads(done.out)["openapi"]["findings"]
    assert finding == {"operation": "POST /notes", "told": "$[1].title: 'too long' is too long", "hint": None}


def test_requests_that_do_not_fit(project, sinkkit_command):
    """What is wrong is told on standard error, with what may be meant."""
    project("[destination.notes.row]\ntitel = '{title}'\n")
    body = sinkkit_command("check", "notes", "--openapi", "api.json")
    method = sinkkit_command("check", "notes", "--openapi", "api.json", DESTINATION__NOTES__METHOD="PUT")

    given = sinkkit_command("check", "notes", "--openapi", "api.json", "--set", "method=PUT")

    assert [body.status, method.status] == [1, 1]
    assert given.err == method.err
    assert "1. POST /notes: $[0]: 'title' is a required property" in body.err
    assert "1. PUT /notes: the document has the path, and not the method\n     hint: it has POST there" in method.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["notes", "--openapi", "nothing.json"], "the OpenAPI document nothing.json cannot be read"),
        (["notes", "--rows", "rows.jsonl"], "--rows are for --openapi"),
        (["sinks.good", "--openapi", "api.json"], "makes its requests in code"),
    ],
)
def test_wrong_use(project, sinkkit_command, arguments, message):
    """It is said what is wrong and what to do."""
    done = sinkkit_command("check", *arguments)
    assert done.status == 2, done.err

    assert message in done.err
    assert "hint: " in done.err
