"""What a request holds: rows shaped by templates, in every format."""

from __future__ import annotations

import csv
import datetime as dt
import email
import gzip
import io
import json
from decimal import Decimal
from urllib.parse import parse_qsl

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.destinations import requests_for
from sinkkit.destinations.http_api.requests import planned
from sinkkit.destinations.http_api.settings import File, RestSettings
from sinkkit.errors import ConfigError

ROW = {"id": 1, "email": "a@x.org", "address": {"city": "Ulm", "zip": None}, "tags": ["a", "b"], "note": None}


def body_of(*rows, **settings):
    """The body of the one request for *rows*."""
    [request] = requests_for(list(rows), **settings)
    return request.body


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [ROW]),
        ({"send": "row"}, ROW),
        ({"rows_at": "inputs"}, {"inputs": [ROW]}),
        ({"rows_at": "data.rows", "body": {"mode": "upsert", "data": {"v": 1}}}, {"mode": "upsert", "data": {"v": 1, "rows": [ROW]}}),
        ({"send": "row", "rows_at": "ticket", "body": {"for": "{email}"}}, {"for": "a@x.org", "ticket": ROW}),
        ({"send": "row", "body": {"source": "dwh"}}, {**ROW, "source": "dwh"}),
        ({"row": {"key": "{id}", "city": "{address.city}", "first": "{tags.0}", "const": 7, "mix": "n{id}"}}, [{"key": 1, "city": "Ulm", "first": "a", "const": 7, "mix": "n1"}]),
        ({"row": {"id": "{id}", "properties": "{*}"}}, [{"id": 1, "properties": {"email": "a@x.org", "address": ROW["address"], "tags": ROW["tags"], "note": None}}]),
        ({"row": {"all": "{row}", "id": "{id}"}}, [{"all": ROW, "id": 1}]),
        ({"row": {"a": "{note}", "b": "{id}", "c": "{address.none}"}}, [{"a": None, "b": 1, "c": None}]),
        ({"row": {"a": "{note}", "b": "{id}", "c": "{address.none}"}, "drop_nulls": True}, [{"b": 1}]),
        ({"drop_nulls": True}, [{name: value for name, value in ROW.items() if value is not None}]),
        ({"row": {"list": ["{id}", {"x": "{email}"}], "brace": "{{id}}"}}, [{"list": [1, {"x": "a@x.org"}], "brace": "{id}"}]),
    ],
)
def test_shapes(settings, expected):
    """Renames, constants, paths, wrapping and dropping, as the templates say."""
    assert orjson.loads(body_of(ROW, **settings)) == expected


def test_lines_and_several_lines_a_row():
    """JSON Lines have a line a row, or as many as the row becomes."""
    rows = [{"id": 1, "n": "a"}, {"id": 2, "n": "b"}]

    assert body_of(*rows, format="jsonl") == b'{"id":1,"n":"a"}\n{"id":2,"n":"b"}\n'
    assert body_of(*rows, format="jsonl", lines=[{"index": {"_id": "{id}"}}, "{*}"]).splitlines() == [
        b'{"index":{"_id":1}}', b'{"n":"a"}', b'{"index":{"_id":2}}', b'{"n":"b"}',
    ]  # fmt: skip


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "c d"]), st.text() | st.none() | st.integers() | st.booleans()), min_size=1))
def test_csv_is_read_back(rows):
    """Every text comes back from the CSV as it was; null and missing are empty."""
    body = body_of(*rows, format="csv").decode()
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names:
        return
    read = list(csv.reader(io.StringIO(body, newline="")))

    assert read[0] == names
    texts = [["" if row.get(name) is None else json.dumps(row[name]) if isinstance(row[name], bool) else str(row[name]) for name in names] for row in rows]
    assert [row or [""] for row in read[1:]] == texts


def test_a_form_of_nested_values():
    """Inner keys and numbers of a form stand in brackets; null is left out."""
    row = {"email": "a&b", "metadata": {"plan": "x", "none": None}, "items": [{"price": Decimal("1.50")}], "live": True, "on": dt.date(2026, 1, 2)}
    [request] = requests_for([row], format="form", send="row")

    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qsl(request.body.decode()) == [("email", "a&b"), ("metadata[plan]", "x"), ("items[0][price]", "1.50"), ("live", "true"), ("on", "2026-01-02")]


def test_a_file_in_a_multipart_form():
    """The rows are a CSV file, further fields stand beside it, and a mail parser reads them back."""
    rows = [{"id": 1, "n": "é"}, {"id": 2, "n": "--x\r\n"}]
    [request] = requests_for(rows, format="multipart", file={"field": "upload", "name": "contacts.csv", "fields": {"list": "7"}})
    parts = email.message_from_bytes(f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode() + request.body).get_payload()

    assert [part.get_param("name", header="content-disposition") for part in parts] == ["list", "upload"]
    assert parts[0].get_payload() == "7"
    assert (parts[1].get_filename(), list(csv.DictReader(io.StringIO(parts[1].get_payload(decode=True).decode(), newline="")))) == (
        "contacts.csv",
        [{"id": "1", "n": "é"}, {"id": "2", "n": "--x\r\n"}],
    )


def test_gzip():
    """A compressed body says so, and is the same for the same rows."""
    one, two = (requests_for([ROW], compression="gzip")[0] for _ in range(2))

    assert one.headers["Content-Encoding"] == "gzip"
    assert orjson.loads(gzip.decompress(one.body)) == [ROW]
    assert one.body == two.body


def test_rows_to_delete_go_elsewhere():
    """Rows whose operation says so go to the endpoint for deletes, one a request and without body; the field is sent to neither."""
    rows = [{"id": 1, "_deleted": False}, {"id": 2, "_deleted": True}, {"id": 3}, {"id": 4, "_deleted": True}]
    requests = requests_for(rows, base_url="https://a.io", path="/batch", operation_field="_deleted", delete={"path": "/c/{id}"})

    assert [(request.method, request.url, request.rows, request.body, request.operation) for request in requests] == [
        ("POST", "https://a.io/batch", (0, 2), b'[{"id":1},{"id":3}]', "upsert"),
        ("DELETE", "https://a.io/c/2", (1,), b"", "delete"),
        ("DELETE", "https://a.io/c/4", (3,), b"", "delete"),
    ]


@pytest.mark.parametrize("settings", [{"format": "form", "send": "row"}, {"row": {"t": "x{v}"}}, {"format": "json"}, {"format": "csv"}])
@pytest.mark.parametrize("value", [b"bytes", float("nan")])
def test_values_that_cannot_be_written_reject_their_row(settings, value):
    """A value that has no place in the body rejects its row alone, with a reason."""
    if value != b"bytes" and (settings.get("format") != "json"):
        value = object()
    plan = planned(RestSettings(**settings), [{"v": "fine"}, {"v": value}])

    assert list(plan.rejected) == [1]
    assert [request.rows for request in plan.requests] == [(0,)]


@pytest.mark.parametrize(
    "settings",
    [
        {"format": "csv", "rows_at": "x"},
        {"format": "form"},
        {"lines": [{}]},
        {"format": "jsonl", "lines": [{}], "row": {"a": 1}},
        {"rows_at": "x", "body": {"a": "{id}"}},
        {"operation_field": "_deleted"},
        {"delete": {"path": "/x"}},
        {"file": {"fields": {"a": "{id}"}}},
        {"statuses": {"read": [400]}},
        {"statuses": {"retry": [40]}},
        {"statuses": {"retry": [400], "refused": [400]}},
        {"answer": {"okat": "x"}},
    ],
)
def test_settings_that_do_not_go_together(settings):
    """Settings of a body that its format has no place for, and the like, are a ConfigError with a hint."""
    with pytest.raises(ConfigError) as caught:
        RestSettings(**settings)

    assert caught.value.hint


@pytest.mark.parametrize("file", [{"name": 'a".csv'}, {"field": "a\r\n"}, {"fields": {"x\n": 1}}, {"name": ""}])
def test_names_of_parts_stay_inside_their_frame(file):
    """A name with a quote or a line break is refused."""
    with pytest.raises(ConfigError):
        File(**file)


def test_the_name_of_the_table():
    """``{@table}`` stands for the name of the rows' table, as one segment in the path and as text elsewhere."""
    settings = {"base_url": "https://a.io", "path": "/{@table}/{id}", "send": "row", "query": {"t": "{@table}"}, "row": {"kind": "{@table}", "x": ["a{@table}"]}}
    [request] = requests_for([{"id": 1}], table="a {b}/c", **settings)

    assert request.url == "https://a.io/a%20%7Bb%7D%2Fc/1?t=a%20%7Bb%7D%2Fc"
    assert orjson.loads(request.body) == {"kind": "a {b}/c", "x": ["aa {b}/c"]}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{id:text}", "1"),
        ("{tags:json}", '["a","b"]'),
        ("{email:json}", '"a@x.org"'),
        ("{note:json}", None),
        ("{none:text}", None),
        ("{email:base64}", "YUB4Lm9yZw=="),
        ("{photo:base64}", "AP8="),
        ("{address:base64}", "eyJjaXR5IjoiVWxtIiwiemlwIjpudWxsfQ=="),
        ("tags {tags:json} of {id:text}", 'tags ["a","b"] of 1'),
        ("{*:json}", '{"email":"a@x.org","address":{"city":"Ulm","zip":null},"tags":["a","b"],"note":null}'),
        ("{odd:name}", 7),
    ],
)
def test_forms(template, expected):
    """A form behind a colon gives the value as text: as it is written, as JSON, or in base64; null stays null, and a name with a colon is one."""
    row = {**ROW, "photo": b"\x00\xff", "odd:name": 7}
    shown = {"key": "{id}", "photo": "{photo:base64}", "odd": "{odd:name}", "value": template}

    assert orjson.loads(body_of(row, row=shown))[0]["value"] == expected


def test_the_row_as_a_text():
    """The whole row is a text that holds JSON, as queues want it; a row without such a form is rejected alone."""
    shown = {"Id": "{id:text}", "MessageBody": "{row:json}"}
    rows = [{"id": 1, "n": 1.5}, {"id": 2, "n": float("nan")}, {"id": 3, "n": None}]
    plan = planned(RestSettings(row=shown), rows)
    [request] = plan.requests

    assert [(entry["Id"], json.loads(entry["MessageBody"])) for entry in orjson.loads(request.body)] == [("1", rows[0]), ("3", rows[2])]
    assert list(plan.rejected) == [1]


def test_text_of_ones_own():
    """Each row becomes a text, one behind the other; one that lacks a field is rejected alone."""
    rows = [{"id": 1, "n": "ä"}, {"id": 2, "n": None}, {"id": 3, "n": 2.5}]
    plan = planned(RestSettings(format="text", text="t,id={id} n={n}\n"), rows)
    [request] = plan.requests

    assert request.body == "t,id=1 n=ä\nt,id=3 n=2.5\n".encode()
    assert request.headers == {"Content-Type": "text/plain; charset=utf-8"}
    assert plan.rejected == {1: "the field 'n' is null"}


@pytest.mark.parametrize("name", ["Content-Type", "content-type"])
def test_the_content_type_is_said_once(name):
    """A content type among the headers stands for the format's own, however it is written."""
    [request] = requests_for([{"id": 1, "card": "BEGIN:VCARD"}], format="text", text="{card}", headers={name: "text/vcard"})

    assert dict(request.headers) == {name: "text/vcard"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"format": "text"}, "text and format='text' belong together"),
        ({"text": "{id}"}, "text and format='text' belong together"),
        ({"format": "text", "text": "{id}", "row": {"a": "{id}"}}, "text and row both say"),
        ({"format": "text", "text": "{id}", "rows_at": "rows"}, "has no place for rows_at"),
        ({"path": "/contacts/{id:base64}"}, "asks for a form of a value"),
    ],
)
def test_texts_and_forms_that_cannot_be_meant(settings, message):
    """What contradicts itself is told when it is written."""
    with pytest.raises(ConfigError, match=message):
        RestSettings(**settings)
