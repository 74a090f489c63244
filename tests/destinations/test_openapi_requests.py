"""Requests of a ``rest`` destination against what an API says of itself: paths, methods, parameters and bodies, in both versions of OpenAPI."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.destinations.http_api.settings import RestSettings
from sinkkit.destinations.openapi.check import Surroundings, check_requests
from sinkkit.destinations.openapi.document import Document, load
from sinkkit.destinations.openapi.matching import Matched, find
from sinkkit.destinations.openapi.sample import marked_row, unmarked
from sinkkit.errors import ConfigError

CONTACT = {
    "type": "object",
    "required": ["email", "properties"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "readOnly": True},
        "email": {"type": "string", "format": "email"},
        "age": {"type": "integer", "nullable": True, "minimum": 0},
        "stage": {"type": "string", "enum": ["lead", "customer"]},
        "properties": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}

CRM = {
    "openapi": "3.0.3",
    "info": {"title": "A CRM", "version": "3"},
    "servers": [{"url": "https://{region}.crm.example/crm/v3", "variables": {"region": {"default": "api"}}}],
    "components": {
        "schemas": {"Contact": CONTACT, "Batch": {"type": "object", "required": ["inputs"], "properties": {"inputs": {"type": "array", "maxItems": 100, "items": {"$ref": "#/components/schemas/Contact"}}}}},
        "parameters": {"Team": {"name": "X-Team", "in": "header", "required": True, "schema": {"type": "string"}}},
        "requestBodies": {"Batch": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Batch"}}}}},
        "securitySchemes": {"key": {"type": "apiKey", "in": "query", "name": "hapikey"}},
    },
    "paths": {
        "/contacts/batch/upsert": {
            "post": {
                "parameters": [{"name": "idProperty", "in": "query", "schema": {"type": "string"}}],
                "requestBody": {"$ref": "#/components/requestBodies/Batch"},
                "responses": {"200": {"description": "done"}},
            }
        },
        "/contacts/{contactId}": {
            "parameters": [{"$ref": "#/components/parameters/Team"}],
            "patch": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Contact"}}}}, "responses": {}},
            "delete": {"responses": {}},
        },
        "/contacts/{contactId}.csv": {"put": {"requestBody": {"content": {"text/*": {}}}, "responses": {}}},
    },
}

TICKETS = {
    "openapi": "3.1.0",
    "info": {"title": "A help desk", "version": "2"},
    "servers": [{"url": "/api/v2"}],
    "components": {
        "schemas": {
            "Ticket": {
                "type": "object",
                "required": ["subject", "comment"],
                "properties": {
                    "subject": {"type": ["string", "null"]},
                    "priority": {"anyOf": [{"const": "low"}, {"const": "high"}, {"type": "null"}]},
                    "comment": {"oneOf": [{"type": "object", "required": ["body"]}, {"type": "object", "required": ["html_body"]}]},
                },
            }
        }
    },
    "paths": {
        "/tickets/create_many.json": {
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {"type": "object", "required": ["tickets"], "properties": {"tickets": {"type": "array", "items": {"$ref": "#/components/schemas/Ticket"}}}}
                        }
                    },
                }
            }
        }
    },
}

UPSERT = {"path": "/contacts/batch/upsert", "rows_at": "inputs", "row": {"email": "{email}", "properties": {"name": "{name}"}}}
AT_CRM = Surroundings(base_url="https://api.crm.example/crm/v3", headers={"x-team": "a"})
AT_DESK = Surroundings(base_url="https://acme.desk.example/api/v2")


def told(document, settings, around=AT_CRM, rows=()):
    """Everything that does not fit, with what may be meant."""
    checked = check_requests(Document("api.json", document), RestSettings(**settings), around, rows)
    return [f"{one.operation}: {one.told}" + (f" ({one.hint})" if one.hint else "") for one in checked.findings]


def test_requests_that_fit_are_told():
    """By path and method; nothing is wrong with them, and nothing was left out."""
    settings = RestSettings(**UPSERT, operation_field="_deleted", delete={"path": "/contacts/{id}"})

    checked = check_requests(Document("api.json", CRM), settings, AT_CRM)

    assert [checked.operations, checked.findings, checked.notes] == [
        ["POST /contacts/batch/upsert", "DELETE /contacts/{contactId}"],
        [],
        [],
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"path": "/contacts/batch/upserts"}, "POST /contacts/batch/upserts: the document has no such path (did you mean /contacts/batch/upsert?)"),
        ({"path": "/nowhere"}, "POST /nowhere: the document has no such path (the document has /contacts/batch/upsert, /contacts/{contactId}, /contacts/{contactId}.csv)"),
        ({"path": "/contact/{id}", "send": "row"}, "POST /contact/{id}: the document has no such path (did you mean /contacts/{contactId}?)"),
        ({"method": "PUT"}, "PUT /contacts/batch/upsert: the document has the path, and not the method (it has POST there)"),
        ({"query": {"idPropery": "email"}}, "POST /contacts/batch/upsert: the document knows no parameter idPropery in the query (did you mean idProperty?)"),
        ({"rows_at": "items"}, "POST /contacts/batch/upsert: $: 'inputs' is a required property"),
        ({"row": {"properties": {"name": "{name}"}}}, "POST /contacts/batch/upsert: $.inputs[0]: 'email' is a required property"),
        (
            {"row": {"email": "{email}", "e_mail": "{email}", "properties": {}}},
            "POST /contacts/batch/upsert: $.inputs[0]: Additional properties are not allowed ('e_mail' was unexpected)",
        ),
        ({"row": {"email": "{email}", "properties": "{name}", "stage": "guest"}}, "POST /contacts/batch/upsert: $.inputs[0].stage: 'guest' is not one of ['lead', 'customer']"),
        ({"row": {"email": "{email}", "properties": {"n": 7}}}, "POST /contacts/batch/upsert: $.inputs[0].properties.n: 7 is not of type 'string'"),
        ({"row": {"email": "{email}", "properties": {}, "id": "{id}"}}, "POST /contacts/batch/upsert: $.inputs[0].id: Tried to write read-only property with {id}"),
    ],
)
def test_what_does_not_fit_is_named(change, expected):
    """With the place in the body, and what may be meant."""
    assert told(CRM, {**UPSERT, **change}) == [expected]


@pytest.mark.parametrize(
    ("settings", "around", "expected"),
    [
        (
            {"path": "/contacts/{id}", "method": "PATCH", "send": "row", "row": {"email": "{e}", "properties": {}}},
            Surroundings(base_url="https://api.crm.example/crm/v3"),
            ["PATCH /contacts/{contactId}: the header X-Team is required, and the request has none (write it under headers or http.headers)"],
        ),
        (
            {"path": "/contacts/batch/upsert", "format": "none"},
            AT_CRM,
            ['POST /contacts/batch/upsert: a body is required, and the request has none (write for example format = "json")'],
        ),
        (
            {"path": "/contacts/batch/upsert", "format": "csv"},
            AT_CRM,
            ["POST /contacts/batch/upsert: the document takes no body of the type text/csv (it takes application/json)"],
        ),
        (
            {"path": "/contacts/{id}", "method": "DELETE", "send": "row", "row": {"a": "{b}"}},
            AT_CRM,
            ['DELETE /contacts/{contactId}: the document knows no body of this request (send none: format = "none")'],
        ),
        ({"path": "/contacts/{id}.csv", "method": "PUT", "send": "row", "format": "csv", "row": {"a": "{b}"}}, AT_CRM, []),
        ({**UPSERT, "query": {"hapikey": "x"}, "compression": "gzip"}, AT_CRM, []),
    ],
)
def test_parameters_and_types_of_bodies(settings, around, expected):
    """Required headers, bodies that are there or not, and content types by their ranges; a key that the document knows as such is no stranger."""
    assert [one.replace("text/csv; charset=utf-8", "text/csv") for one in told(CRM, settings, around)] == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"subject": "{s}", "comment": {"body": "{b}"}, "priority": "{p}"}, []),
        ({"subject": None, "comment": "{c}", "priority": "low"}, []),
        ({"subject": "{s}", "comment": {"text": "{b}"}}, ["'body' is a required property"]),
        ({"subject": "{s}", "comment": {"body": "{b}"}, "priority": "urgent"}, ["'low' was expected"]),
    ],
)
def test_version_3_1(row, expected):
    """Types that are lists, choices, and a server that is a path."""
    settings = {"path": "/tickets/create_many.json", "rows_at": "tickets", "row": row}

    assert [one.rpartition(": ")[2] for one in told(TICKETS, settings, AT_DESK)] == expected


def test_rows_of_a_sample_are_checked_as_they_are():
    """Without one, rows that are sent as they are cannot be; the note says so."""
    settings = {"path": "/contacts/batch/upsert", "rows_at": "inputs"}
    rows = [{"email": "a@b.c", "properties": {}, "age": -1}, {"email": "a@b.c", "properties": {}, "age": None}]

    [note] = check_requests(Document("api.json", CRM), RestSettings(**settings), AT_CRM).notes

    assert note == "POST /contacts/batch/upsert: rows are sent as they are, so their fields were not checked; --rows FILE checks those of a sample"
    assert told(CRM, settings, rows=rows) == ["POST /contacts/batch/upsert: $.inputs[0].age: -1 is less than the minimum of 0"]


def test_another_host_is_noted():
    """A test system is no error."""
    around = Surroundings(base_url="https://sandbox.crm.example/crm/v3", headers={"x-team": "a"})

    checked = check_requests(Document("api.json", CRM), RestSettings(**UPSERT), around)

    assert (checked.findings, checked.notes) == ([], ["the host sandbox.crm.example is none of the document's servers"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"swagger": "2.0"}', "is version 2.0; versions 3.0 and 3.1 can be checked"),
        ("[1]", "is no OpenAPI document"),
        ("{", "is no JSON"),
        ("a: [", "is no YAML"),
        ('{"openapi": "4.0.0"}', "is version 4.0.0"),
    ],
)
def test_what_is_no_document_is_refused(tmp_path, text, message):
    """With its path, and what is wrong."""
    path = tmp_path / "api"
    path.write_text(text)

    with pytest.raises(ConfigError) as refused:
        load(path)

    assert message in refused.value.message
    assert str(path) in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize(
    ("reference", "message"),
    [("#/components/nothing", "and nothing is there"), ("other.yaml#/x", "outside of itself"), ("#/paths/~1contacts~1batch~1upsert/post/requestBody", "in a circle")],
)
def test_broken_references_are_named(reference, message):
    """None leads nowhere in silence."""
    document = json.loads(json.dumps(CRM))
    document["paths"]["/contacts/batch/upsert"]["post"]["requestBody"] = {"$ref": reference}

    with pytest.raises(ConfigError, match=message):
        told(document, UPSERT)


def test_json_and_yaml_say_the_same(tmp_path):
    """The file may be either."""
    import yaml

    (tmp_path / "api.yaml").write_text(yaml.safe_dump(TICKETS))
    (tmp_path / "api.json").write_text(json.dumps(TICKETS))

    assert load(tmp_path / "api.yaml").root == load(tmp_path / "api.json").root == TICKETS


def test_concrete_paths_go_before_templates():
    """As the specification has it."""
    document = Document("x", {"openapi": "3.0.0", "paths": {"/a/{id}": {"get": {}}, "/a/mine": {"get": {}}, "/{x}/{y}": {"get": {}}}})

    found = [find(document, "GET", path) for path in ("/a/mine", "/a/7", "/b/7")]

    assert [one.name for one in found if isinstance(one, Matched)] == ["GET /a/mine", "GET /a/{id}", "GET /{x}/{y}"]


@given(st.lists(st.text(st.characters(exclude_characters=".", exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=3))
def test_marks_stand_for_fields(names):
    """Whatever a field is called, its mark is told as the field."""
    row = marked_row([".".join(names)])
    for name in names:
        row = row[name]

    assert unmarked(f"/x/{row}") == f"/x/{{{'.'.join(names)}}}"
