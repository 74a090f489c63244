"""The misbehaving API: a real server that fails as told and remembers what it got."""

from __future__ import annotations

import gzip
import socket
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.errors import ConfigError, SinkkitError
from sinkkit.testing import Answer, Drop, MisbehavingApi, Slow, TooMany, random_faults

LOST = "connection lost"


def post(client, api, rows, **settings):
    """POST *rows* and say what came back: the status, or that the connection was lost."""
    try:
        return client.post(f"{api.url}/rows?x=1", json=rows, **settings).status_code
    except (httpx.RemoteProtocolError, httpx.ReadError):
        return LOST


def test_faults_come_in_the_order_of_the_script():
    """Each request meets its fault; rows count as received only where the server did its work; then all is well."""
    script = [TooMany(2), Drop.before, None, Drop.after, Answer(503), Answer(500, processed=True), Slow(0.01, TooMany())]
    with MisbehavingApi(script) as api, httpx.Client() as client:
        statuses = [post(client, api, [{"n": n}]) for n in range(8)]

    assert statuses == [429, LOST, 200, LOST, 503, 500, 429, 200]
    assert api.received == [{"n": 2}, {"n": 3}, {"n": 5}, {"n": 7}]
    assert [request.processed for request in api.requests] == [False, False, True, True, False, True, False, True]
    assert [request.status for request in api.requests] == [429, None, 200, None, 503, 500, 429, 200]


def test_every_request_is_recorded():
    """Method, path, headers, rows, key and time of arrival can be read afterwards."""
    with MisbehavingApi() as api, httpx.Client() as client:
        post(client, api, [{"a": 1}, {"a": None}], headers={"Idempotency-Key": "k1", "X-Other": "y"})
        client.put(f"{api.url}/one", json={"b": 2})
        client.get(f"{api.url}/none")
    first, second, third = api.requests

    assert (first.method, first.path, first.key, first.number) == ("POST", "/rows?x=1", "k1", 0)
    assert first.headers["content-type"] == "application/json"
    assert first.headers["x-other"] == "y"
    assert first.rows == [{"a": 1}, {"a": None}]
    assert (second.method, second.rows, second.key) == ("PUT", [{"b": 2}], None)
    assert (third.method, third.rows, third.body) == ("GET", [], b"")
    assert all(early.arrived <= late.arrived for early, late in pairwise(api.requests))


def test_too_many_says_when_to_come_back():
    """Seconds and dates are sent as Retry-After, as given; without them there is no such header."""
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    with MisbehavingApi([TooMany(30), TooMany(0.5), TooMany(date, status=503), TooMany()]) as api, httpx.Client() as client:
        answers = [client.get(api.url) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [429, 429, 503, 429]
    assert [answer.headers.get("retry-after") for answer in answers] == ["30", "0.5", date, None]


def test_answers_are_sent_as_given():
    """Status, headers and body of an answer reach the client, also without a body and for unusual statuses."""
    script = [Answer(207, {"X-Id": "7"}, [1, None]), Answer(204), Answer(418, body="no"), Answer(599, body=b"\x00"), Answer(304)]
    with MisbehavingApi(script) as api, httpx.Client() as client:
        answers = [client.get(api.url) for _ in script]
        head = client.head(api.url)

    assert [answer.status_code for answer in answers] == [207, 204, 418, 599, 304]
    assert [answer.content for answer in answers] == [b"[1, null]", b"", b"no", b"\x00", b""]
    assert answers[0].headers["x-id"] == "7"
    assert (head.status_code, head.content) == (200, b"")


def test_bodies_of_several_kinds_are_understood():
    """Chunked, compressed and JSON Lines bodies are read; other kinds have no rows; broken JSON is answered 400."""
    lines = {"Content-Type": "application/x-ndjson"}
    packed = {"Content-Encoding": "gzip"}
    with MisbehavingApi() as api, httpx.Client() as client:
        client.post(api.url, content=iter([b'[{"a"', b":1}]"]))
        client.post(api.url, content=b'{"a":2}\n\n{"a":3}\n', headers=lines)
        client.post(api.url, content=gzip.compress(b'[{"a":4}]'), headers=packed)
        client.post(api.url, data={"form": "x"})
        broken = [client.post(api.url, content=b"[{").status_code, client.post(api.url, content=b"x", headers=packed).status_code]

    assert api.received == [{"a": 1}, {"a": 2}, {"a": 3}, {"a": 4}]
    assert broken == [400, 400]


@pytest.mark.parametrize("text", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"x" * 70_000])
def test_what_is_not_http_is_answered_400(text):
    """A client that does not speak HTTP gets an answer and is cut off; nothing is recorded."""
    with MisbehavingApi() as api, socket.create_connection(("127.0.0.1", int(api.url.rpartition(":")[2]))) as client:
        client.sendall(text)
        answer = client.recv(1000)

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert api.requests == []


@given(cuts=st.lists(st.integers(1, 40), max_size=6))
def test_requests_may_arrive_in_any_pieces(cuts):
    """Two requests sent in one go, cut anywhere, are two requests."""
    text = b'POST /a HTTP/1.1\r\nContent-Length: 7\r\n\r\n{"a":1}' * 2
    with MisbehavingApi() as api, socket.create_connection(("127.0.0.1", int(api.url.rpartition(":")[2]))) as client:
        at = 0
        for cut in cuts:
            client.sendall(text[at : at + cut])
            at += cut
        client.sendall(text[at:])
        api.wait_until(lambda api: len(api.received) == 2)

    assert api.received == [{"a": 1}, {"a": 1}]


def test_calls_at_once_are_counted():
    """As many requests are in flight as clients wait for an answer; a server that goes down loses them all."""
    with MisbehavingApi(lambda *_: Slow(600)) as api, httpx.Client(timeout=60) as client, ThreadPoolExecutor(16) as threads:
        calls = [threads.submit(post, client, api, [n]) for n in range(16)]
        api.wait_until(lambda api: api.in_flight == 16)
        api.close()

    assert [call.result() for call in calls] == [LOST] * 16
    assert (api.most_in_flight, api.in_flight, api.received) == (16, 0, [])


def test_latency_is_added_to_every_request():
    """A request takes at least the latency."""
    with MisbehavingApi(latency=0.05) as api:
        answer = httpx.get(api.url)

    assert answer.elapsed.total_seconds() >= 0.05


def test_keys_are_honoured_on_request():
    """A key processed before is answered well and its rows are not received again, also after a lost answer."""
    with MisbehavingApi([Drop.after, None, Answer(503)], honours_keys=True) as api, httpx.Client() as client:
        statuses = [post(client, api, [key], headers={"Idempotency-Key": key}) for key in ["k", "k", "l", "l"]]

    assert statuses == [LOST, 200, 503, 200]
    assert api.received == ["k", "l"]
    assert [request.repeated for request in api.requests] == [False, True, False, False]


def test_a_policy_sees_the_request():
    """A function chooses the fault from the number and the request."""
    with MisbehavingApi(lambda number, request: Answer(422) if request.rows == ["bad"] else None) as api, httpx.Client() as client:
        assert [post(client, api, [row]) for row in ["good", "bad", "good"]] == [200, 422, 200]


def test_a_failing_policy_is_not_hidden():
    """What the policy raises is answered 500 and raised at the end of the block."""
    with pytest.raises(ZeroDivisionError), MisbehavingApi(lambda number, _: number / 0) as api, httpx.Client() as client:
        assert post(client, api, []) == 500
    with pytest.raises(ConfigError, match="is no fault"), MisbehavingApi(lambda *_: 503) as api, httpx.Client() as client:
        assert post(client, api, []) == 500


def test_random_faults_repeat():
    """The same seed spoils the same requests; another one others; no more than asked for."""
    fates = [[policy(n, None) for n in range(200)] for policy in [random_faults(1), random_faults(1), random_faults(2)]]
    few = [fault for n in range(200) if (fault := random_faults(1, most=3)(n, None))]
    policy = random_faults(1, share_429=1, share_503=0, share_drop_before=0, share_drop_after=0, most=3)

    assert fates[0] == fates[1]
    assert fates[0] != fates[2]
    assert 0 < len(few) < 200
    assert [policy(n, None) for n in range(5)] == [TooMany(0.05)] * 3 + [None] * 2


def test_wrong_scripts_are_refused():
    """A script with something else in it, two scripts, and shares beyond the whole are refused at once."""
    with pytest.raises(ConfigError, match=r"script\[1\] is 503"):
        MisbehavingApi([None, 503])
    with pytest.raises(ConfigError, match="both"):
        MisbehavingApi([None], seed=1)
    with pytest.raises(ConfigError, match="shares"):
        random_faults(share_429=0.9, share_503=0.9)


def test_a_closed_api_can_be_started_again():
    """While it is closed nothing listens at its address; started again, it does, and still knows what it got."""
    api = MisbehavingApi()
    with pytest.raises(SinkkitError, match="not started"):
        _ = api.url
    with api:
        assert httpx.post(api.url, json=[1]).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.post(api.url, json=[2])
    with api:
        assert httpx.post(api.url, json=[3]).status_code == 200

    assert api.received == [1, 3]


def test_waiting_for_what_does_not_happen_ends():
    """Waiting in vain raises and says what was seen."""
    with MisbehavingApi() as api, pytest.raises(SinkkitError, match="0 requests, 0 rows received"):
        api.wait_until(lambda api: bool(api.requests), seconds=0.01)


def test_the_fixture_starts_apis(misbehaving_api):
    """The pytest fixture starts as many APIs as a test wants."""
    good, bad = misbehaving_api(), misbehaving_api(lambda *_: Answer(503))

    assert [httpx.get(api.url).status_code for api in (good, bad)] == [200, 503]
