"""Endpoints that are down, lie, or never stop talking: what is known of the rows is said, and nothing else."""

from __future__ import annotations

import pytest

import sinkkit
from sinkkit.errors import DeliveryFailed
from sinkkit.testing import Answer, Drop, MisbehavingApi

READ = {"results": {"at": "results", "ok_at": "ok"}}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ONCE = sinkkit.Retry(attempts=1)


def send(url, rows=({"id": 1}, {"id": 2}), **settings):
    """The counts of a run, and the error it ended with."""
    destination = sinkkit.destinations.rest(base_url=url, retry=ONCE, **settings)
    try:
        info = sinkkit.pipeline("p", destination=destination).run(list(rows), table_name="t")
    except DeliveryFailed as error:
        return error.info.tables["t"], str(error.__cause__)
    return info.tables["t"], ""


def test_nobody_there():
    """A refused connection leaves the rows pending: nothing arrived."""
    with MisbehavingApi() as api:
        url = api.url
    counts, _ = send(url)

    assert (counts.pending, counts.unknown) == (2, 0)


@pytest.mark.parametrize(
    "body",
    [b"<html>It works!</html>", b"", b'{"results": [{"ok": true}]}', b'{"results": [{"ok": true}, {"ok": true}, {"ok": true}]}', b'{"results": null}', b"\xff\xff"],
)
def test_an_answer_that_says_something_else(answering, body):
    """An answer that is no JSON, or counts other rows than were sent, leaves the rows unknown and halts the run."""
    with answering(lambda send: send(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)) as url:
        counts, error = send(url, answer=READ)

    assert (counts.unknown, counts.delivered) == (2, 0)
    assert "answer" in error


def test_an_answer_of_100_megabytes(answering):
    """An answer that is too long is not read to its end."""
    told = []

    def flood(send):
        send(HEAD + b"Content-Length: 104857600\r\n\r\n")
        for _ in range(100):
            send(b"x" * (1 << 20))
            told.append(1)

    with answering(flood) as url:
        counts, error = send(url, answer={**READ, "most_bytes": 1 << 20})

    assert (counts.unknown, "longer than 1,048,576 bytes" in error) == (2, True)
    assert len(told) < 50


def test_a_long_answer_that_nobody_reads(answering):
    """Where the status says all, a long answer is left alone: the rows are delivered."""
    with answering(lambda send: send(HEAD + b"Content-Length: 104857600\r\n\r\n" + b"x" * (1 << 20))) as url:
        counts, _ = send(url)

    assert counts.delivered == 2


def test_an_answer_that_is_cut_off(answering):
    """An answer that breaks off proves nothing, whatever its status was."""
    with answering(lambda send: send(HEAD + b'Content-Length: 500\r\n\r\n{"results": [')) as url:
        counts, _ = send(url, answer=READ)

    assert (counts.unknown, counts.delivered) == (2, 0)


def test_an_answer_that_never_ends(answering):
    """An answer that goes on and on, byte by byte, is given up after a time."""

    def trickle(send):
        send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        while True:
            send(b"1\r\n \r\n")

    with answering(trickle) as url:
        counts, error = send(url, answer={**READ, "most_seconds": 0.2, "most_bytes": 1 << 40})

    assert (counts.unknown, "0.2 s" in error) == (2, True)


def test_a_redirect_is_not_followed(answering):
    """A redirect to another host halts the run; the rows stay where they were."""
    with MisbehavingApi() as other, answering(lambda send: send(f"HTTP/1.1 307 X\r\nLocation: {other.url}/x\r\nContent-Length: 0\r\n\r\n".encode())) as url:
        counts, _ = send(url)

    assert (counts.pending, other.requests) == (2, [])


def test_a_lost_answer_is_sent_again_under_its_key():
    """A dropped connection is ambiguous: the same rows go out again with the same key."""
    with MisbehavingApi([Drop.after], honours_keys=True) as api:
        destination = sinkkit.destinations.rest(base_url=api.url, idempotency_header="Idempotency-Key", retry=sinkkit.Retry(first_wait=0))
        info = sinkkit.pipeline("p", destination=destination).run([{"id": 1}], table_name="t")

    assert (info.tables["t"].delivered, [request.key for request in api.requests]) == (1, [api.requests[0].key] * 2)
    assert api.received == [{"id": 1}]


def test_a_misspelt_field_halts_before_anything_is_sent():
    """A template that names a field which the table does not have is a mistake of the settings, not of 40,000 rows."""
    with MisbehavingApi() as api:
        counts, error = send(api.url, path="/contacts/{idd}", send="row")

    assert (counts.pending, api.requests) == (2, [])
    assert "'idd'" in error
    assert "id" in error


def test_bad_rows_are_rejected_alone():
    """A row whose values cannot stand where they should is rejected with the reason; the others go out."""
    with MisbehavingApi() as api:
        rows = [{"id": "../admin"}, {"id": "1"}, {"id": None}, {"id": "2"}, {"id": "a\r\nX: y"}]
        pipeline = sinkkit.pipeline("p", destination=sinkkit.destinations.rest(base_url=api.url, path="/c/{id}", send="row", method="PUT"))
        info = pipeline.run(rows, table_name="t")

    assert (info.tables["t"].delivered, info.tables["t"].rejected) == (2, 3)
    assert sorted(request.path for request in api.requests) == ["/c/1", "/c/2"]
    assert ["another folder" in row.reason or "null" in row.reason or "printed" in row.reason for row in pipeline.rejected()] == [True] * 3


def test_422_with_a_result_for_each_row():
    """A status whose answer is read says what became of each row."""
    fault = Answer(422, body={"errors": [{"id": 2, "message": "no such team"}]})
    with MisbehavingApi([fault]) as api:
        counts, _ = send(api.url, statuses={"read": [422]}, answer={"errors": {"at": "errors", "message_at": ["message"]}})

    assert (counts.delivered, counts.rejected) == (1, 1)


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ({"errors": {"at": "failed", "match": "index", "id_at": "index"}}, {"error": "no such project"}),
        ({"errors": {"at": "failed", "match": "index", "id_at": "index"}}, {"failed": []}),
        ({"results": {"at": "results", "ok_at": "ok"}}, {"error": "no such project"}),
        ({"error_at": "errors"}, {"error": "no such project"}),
    ],
)
def test_a_failure_that_says_nothing_of_rows(answer, body):
    """A 400 whose answer is read, and has nothing about rows, refuses the batch, as any 400 does: no row counts as delivered."""
    with MisbehavingApi([Answer(400, body=body)]) as api:
        counts, error = send(api.url, statuses={"read": [400]}, answer=answer)

    assert (counts.delivered, counts.unknown, counts.pending) == (0, 0, 2)
    assert "HTTP 400" in error
