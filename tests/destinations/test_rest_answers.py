"""What an answer says of the rows of its request, as a table: bytes in, outcome out."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit import Delivered, Outcome, Reject, RetryLater
from sinkkit.destinations.http_api.answer_settings import Answer
from sinkkit.destinations.http_api.answers import outcome_of
from sinkkit.destinations.http_api.settings import Statuses
from sinkkit.errors import CallFailed, ConfigError, Halt

ROWS = [{"id": "a"}, {"id": "b"}, {"id": "c"}]


def read(said, rows=ROWS, statuses=None, **answer):
    """The outcome of an answer, given as data."""
    body = said if isinstance(said, bytes) else orjson.dumps(said)
    return outcome_of(body, rows, Answer(**answer), Statuses(**statuses or {}))


BY_ORDER = {"results": {"at": "results", "ok_at": "ok", "message_at": ["error.message"], "receipt_at": "id"}}
BY_STATUS = {"results": {"at": "items", "status_at": "*.status", "message_at": ["*.error.reason"], "receipt_at": "*._id"}}
BY_ID = {"results": {"at": "results", "match": "id", "error_at": "error", "receipt_at": "remote"}}
ERRORS = {"errors": {"at": "errors", "id_at": "context.ids", "message_at": ["message"], "retry_at": "category", "retry_values": ["RATE"]}}
INDEXED = {"errors": {"at": "errors", "match": "index", "id_at": "index", "message_at": ["text"], "first_index": 1}}


@pytest.mark.parametrize(
    ("said", "answer", "rejected", "retry", "receipts"),
    [
        pytest.param({"results": [{"ok": True, "id": 7}, {"ok": False, "error": {"message": "no"}}, {"ok": True}]}, BY_ORDER, {1: "no"}, [], {0: "7"}, id="by order"),
        pytest.param(
            {"items": [{"index": {"status": 201, "_id": "x"}}, {"index": {"status": 400, "error": {"reason": "bad"}}}, {"index": {"status": 429}}]},
            BY_STATUS, {1: "HTTP 400: bad"}, [2], {0: "x"}, id="a status a row",
        ),
        pytest.param({"results": [{"id": "c"}, {"id": "a", "error": {"why": 1}}, {"id": "b", "error": None, "remote": 5}]}, BY_ID, {0: '{"why":1}'}, [], {1: "5"}, id="by id"),
        pytest.param({"errors": [{"context": {"ids": ["c", "a"]}, "message": "dup"}]}, ERRORS, {0: "dup", 2: "dup"}, [], {}, id="errors name ids"),
        pytest.param({"errors": [{"context": {"ids": ["b"]}, "category": "RATE"}]}, ERRORS, {}, [1], {}, id="an error that passes"),
        pytest.param({}, ERRORS, {}, [], {}, id="no list of errors is no error"),
        pytest.param({"errors": [{"index": 1, "text": "t"}]}, INDEXED, {0: "t"}, [], {}, id="errors name numbers, from 1"),
        pytest.param(
            {"done": [{"id": "a"}, {"id": "b"}], "bad": [{"id": "c", "why": "x"}], "taken": 2},
            {"results": {"at": "done", "match": "id"}, "errors": {"at": "bad", "message_at": ["why"]}, "count_at": "taken"},
            {2: "x"}, [], {}, id="results and errors together",
        ),
        pytest.param({"ok": True}, {"ok_at": "ok"}, {}, [], {}, id="the whole is well"),
        pytest.param(b"id,sf_error\nb,wrong\n", {"format": "csv", "errors": {"message_at": ["sf_error"]}}, {1: "wrong"}, [], {}, id="a csv of errors"),
        pytest.param(b'{"ok":1}\n{"ok":0,"m":"z"}\n{"ok":1}\n', {"format": "jsonl", "results": {"ok_at": "ok", "ok_values": [1], "message_at": ["m"]}}, {1: "z"}, [], {}, id="lines"),
    ],
)  # fmt: skip
def test_what_is_said_of_each_row(said, answer, rejected, retry, receipts):
    """Rejected, to be tried again, or delivered with a receipt, as the answer says."""
    outcome = read(said, **answer)

    assert (dict(outcome.rejected), sorted(outcome.retry), dict(outcome.receipts)) == (rejected, retry, receipts)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ({"results": [{"ok": True}] * 2}, BY_ORDER),
        ({"results": [{"ok": True}] * 4}, BY_ORDER),
        ({"results": {}}, BY_ORDER),
        ({}, BY_ORDER),
        ({"results": [{"ok": True}, {}, {"ok": True}]}, BY_ORDER),
        ({"results": ["x", "y", "z"]}, BY_ORDER),
        ({"items": [{"index": {}}] * 3}, BY_STATUS),
        ({"results": [{"id": "a"}, {"id": "b"}, {"id": "zz"}]}, BY_ID),
        ({"results": [{"id": "a"}, {"id": "b"}]}, BY_ID),
        ({"results": [{"id": "a"}, {"id": "b"}, {"id": "b"}, {"id": "c"}]}, BY_ID),
        ({"results": [{"id": "a"}, {"id": "b"}, {}]}, BY_ID),
        ({"errors": [{"message": "who?"}]}, ERRORS),
        ({"errors": [{"context": {"ids": []}}]}, ERRORS),
        ({"errors": "all"}, ERRORS),
        ({"errors": [{"index": 0}]}, INDEXED),
        ({"errors": [{"index": 4}]}, INDEXED),
        ({"errors": [{"index": "x"}]}, INDEXED),
        ({"taken": 2}, {"count_at": "taken"}),
        ({}, {"count_at": "taken"}),
        ({"done": [{"id": "a"}, {"id": "b"}], "bad": []}, {"results": {"at": "done", "match": "id"}, "errors": {"at": "bad"}}),
        ({"done": [{"id": x} for x in "abc"], "bad": [{"id": "a"}]}, {"results": {"at": "done", "match": "id"}, "errors": {"at": "bad"}}),
        (b"<html>Welcome</html>", BY_ORDER),
        (b'{"results": [', BY_ORDER),
        (b"", BY_ORDER),
        (b"\xff\xfe", {"format": "csv", "errors": {}}),
    ],
)
def test_nothing_is_guessed(said, answer):
    """An answer that cannot be read, counts other rows, or names rows that were not sent, says nothing of any row."""
    with pytest.raises(CallFailed) as caught:
        read(said, **answer)

    assert "nothing was assumed" in caught.value.hint


def test_a_refusal_inside_a_success():
    """A 200 that says it failed refuses all rows, or asks for them again."""
    rules = {"ok_at": "ok", "message_at": ["error"], "retry_at": "error", "retry_values": ["ratelimited"]}

    with pytest.raises(Reject, match="invalid_payload"):
        read({"ok": False, "error": "invalid_payload"}, **rules)
    with pytest.raises(RetryLater, match="ratelimited"):
        read({"ok": False, "error": "ratelimited"}, **rules)
    with pytest.raises(Reject, match="boom"):
        read({"errors": [{"message": "boom"}]}, error_at="errors", message_at=["errors.0.message"])


def test_a_reason_that_holds_for_every_request_stops_the_run():
    """Where the answer gives a reason for which any other request would fail, too, the run halts with its words; other reasons refuse."""
    expired = {"error_at": "code", "message_at": ["text"], "halt_at": "code", "halt_values": ["EXPIRED"]}
    with pytest.raises(Halt, match="your key is old"):
        read({"code": "EXPIRED", "text": "your key is old"}, **expired)
    with pytest.raises(Reject, match="no such city"):
        read({"code": "CITY", "text": "no such city"}, **expired)

    assert read({}, **expired) == Outcome.reported([Delivered()] * 3)


def test_no_list_of_results_where_errors_name_every_row():
    """An answer that took no row may leave its list of results out; where a row is in neither list, nothing is guessed."""
    both = {"results": {"at": "done", "match": "id"}, "errors": {"at": "bad", "message_at": ["why"]}}

    assert dict(read({"bad": [{"id": row["id"], "why": "full"} for row in ROWS]}, **both).rejected) == {0: "full", 1: "full", 2: "full"}
    with pytest.raises(CallFailed, match="neither a result nor an error for row 2"):
        read({"bad": [{"id": "a"}, {"id": "b"}]}, **both)


def test_a_wait_asked_for_holds_for_the_rows_that_are_tried_again():
    """``Retry-After`` beside results for each row says when those that passed are tried again."""
    said = orjson.dumps({"items": [{"index": {"status": 200}}, {"index": {"status": 429}}, {"index": {"status": 200}}]})
    outcome = outcome_of(said, ROWS, Answer(**BY_STATUS), Statuses(), 7.0)

    assert (sorted(outcome.retry), outcome.retry_after) == ([1], 7.0)


def test_the_receipt_of_a_single_row():
    """Where a request has one row, the answer as a whole may hold its receipt."""
    assert read({"id": "cus_1"}, rows=[{"id": 1}], receipt_at="id") == Outcome.reported([Delivered("cus_1")])


def test_statuses_of_the_settings_hold_inside_answers():
    """What the settings say of a status holds for the status of a row too."""
    said = {"items": [{"delete": {"status": 404}}, {"delete": {"status": 409}}, {"delete": {"status": 500}}]}
    outcome = read(said, statuses={"delivered": [404], "retry": [409], "refused": [500]}, **BY_STATUS)

    assert (sorted(outcome.rejected), sorted(outcome.retry)) == ([2], [1])


def test_rows_that_share_an_id():
    """One result for an id holds for all rows that have it; several go to them in order."""
    rows = [{"id": "a"}, {"id": "b"}, {"id": "a"}]
    one = read({"results": [{"id": "b"}, {"id": "a", "error": "x"}]}, rows=rows, **BY_ID)
    two = read({"results": [{"id": "a"}, {"id": "b"}, {"id": "a", "error": "x"}]}, rows=rows, **BY_ID)

    assert (dict(one.rejected), dict(two.rejected)) == ({0: "x", 2: "x"}, {2: "x"})


@given(st.lists(st.sampled_from(["ok", "bad", "busy"]), min_size=1, max_size=20), st.randoms())
def test_results_by_id_come_in_any_order(fates, chance):
    """Whatever the order of results that repeat ids, each row gets its own."""
    rows = [{"key": {"id": number}} for number in range(len(fates))]
    results = [{"id": str(number), "status": {"ok": 200, "bad": 422, "busy": 429}[fate]} for number, fate in enumerate(fates)]
    chance.shuffle(results)
    outcome = read({"r": results}, rows=rows, results={"at": "r", "match": "id", "row_id": "key.id", "status_at": "status"})

    assert sorted(outcome.rejected) == [i for i, fate in enumerate(fates) if fate == "bad"]
    assert sorted(outcome.retry) == [i for i, fate in enumerate(fates) if fate == "busy"]


ERRORS_OF_FIELDS = {"errors": {"at": "errors", "message_at": ["why"], "retry_at": "code", "retry_values": ["busy"]}}


@pytest.mark.parametrize("named", [{"match": "id", "id_at": "id"}, {"match": "index", "id_at": "n"}])
def test_several_errors_of_one_row(named):
    """A row with an error for each of its fields is refused with every reason, also where one of them would pass."""
    said = {
        "errors": [
            {"id": "a", "n": 0, "why": "no mail", "code": "busy"},
            {"id": "a", "n": 0, "why": "no name"},
            {"id": "b", "n": 1, "code": "busy"},
            {"id": "b", "n": 1, "code": "busy"},
            {"id": "a", "n": 0, "why": "no city"},
        ]
    }
    outcome = read(said, errors={**ERRORS_OF_FIELDS["errors"], **named})

    assert (dict(outcome.rejected), sorted(outcome.retry)) == ({0: "no name; no city"}, [1])


def test_errors_in_one_of_several_places():
    """GraphQL says in two places what went wrong: with the request, and with what it asks for; either is an error."""
    rules = {"error_at": ["errors", "data.add.userErrors"], "message_at": ["errors.0.message", "data.add.userErrors.0.message"]}

    assert not read({"data": {"add": {"id": 1, "userErrors": []}}}, **rules).rejected
    for said, message in (({"data": {"add": {"userErrors": [{"message": "taken"}]}}}, "taken"), ({"data": None, "errors": [{"message": "syntax"}]}, "syntax")):
        with pytest.raises(Reject, match=message):
            read(said, **rules)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 500) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["results", "items", "errors", "id", "ok", "a", "b"]), inner),
    max_leaves=10,
).map(lambda said: json.dumps(said).encode())


@given(st.binary(max_size=60) | ANY_JSON)
def test_no_answer_breaks_the_reader(body):
    """Whatever comes back, it is an outcome or an error that is ours to name."""
    for answer in (BY_ORDER, BY_STATUS, BY_ID, ERRORS, INDEXED, {"ok_at": "a.b"}, {"format": "csv", "errors": {}}):
        try:
            read(body, **answer)
        except (CallFailed, Reject, RetryLater):
            continue


@pytest.mark.parametrize("answer", [{"retry_at": "x"}, {"halt_at": "x"}, {"results": {"at": "a"}, "errors": {"at": "b"}}, {"most_bytes": 0}, {"results": {"att": "a"}}])
def test_impossible_answers_are_refused(answer):
    """Settings of an answer that contradict each other are a ConfigError with a hint."""
    with pytest.raises(ConfigError) as caught:
        Answer(**answer)

    assert caught.value.hint
