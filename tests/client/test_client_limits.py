"""Answers that come slowly, never end, are cut off or are too large: each ends in time, in bounded memory, in a class of its own."""

from __future__ import annotations

import gzip
import tracemalloc

import httpx
import pytest

from sinkkit.declaration.client.client_settings import client_plan
from sinkkit.declaration.client.timeouts import limits_of, whole
from sinkkit.delivery.failures import sort
from sinkkit.delivery.verdict import Fate
from sinkkit.errors import CallFailed

KINDS = ["sync", "async"]


def fate(error):
    """What an error means for its batch."""
    return sort(error, wall=0.0, idempotent=False, wrote_before=False).fate


def dripping_body(server, wire):
    """An answer that begins at once and then comes byte by byte, without end."""
    wire.request()
    wire.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    wire.drip(b"x" * 100000)


def dripping_head(server, wire):
    """An answer whose headers come byte by byte."""
    wire.request()
    wire.drip(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100000)


def never_answering(server, wire):
    """A server that takes the request and says nothing."""
    wire.request()
    server.stop.wait()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("handle", [dripping_body, dripping_head, never_answering])
def test_the_timeout_holds_for_the_whole_answer(serve, ask, kind, handle):
    """A byte now and then does not keep a request going: it ends after its timeout as a whole, and may have arrived."""
    server = serve(handle)

    with pytest.raises(httpx.ReadTimeout) as late:
        ask(kind, "POST", "/", {"base_url": server.url, "timeout": 0.4}, json=[1])

    assert fate(late.value) is Fate.AMBIGUOUS


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_reads_slowly_is_not_waited_for_either(serve, ask, kind):
    """A body that the server takes sip by sip ends with the whole, too."""

    def sipping(server, wire):
        while not server.stop.wait(0.02):
            wire.sock.recv(4096)

    server = serve(sipping)

    with pytest.raises(httpx.WriteTimeout) as late:
        ask(kind, "POST", "/", {"base_url": server.url, "timeout": 0.4}, content=b"x" * (32 << 20))

    assert fate(late.value) is Fate.AMBIGUOUS


def test_a_request_that_sets_its_own_timeout_has_it(serve, connect):
    """What a function says of one request goes before what config says, for the whole of it; None is no limit."""
    server = serve(dripping_body)
    client = connect(base_url=server.url, timeout=60)

    with pytest.raises(httpx.ReadTimeout):
        client.post("/", json=[1], timeout=0.3)
    assert whole(httpx.Timeout(3).as_dict()) == 3
    assert whole(httpx.Timeout(3, read=5).as_dict()) == 14
    assert whole(httpx.Timeout(3, read=None).as_dict()) is None


def test_a_stream_is_read_until_its_time_is_over(serve, connect):
    """Also where the function reads the answer itself, piece by piece."""
    server = serve(dripping_body)
    client = connect(base_url=server.url, timeout=0.4)

    with client.stream("POST", "/", json=[1]) as response, pytest.raises(httpx.ReadTimeout):
        for _ in response.iter_raw(1):
            pass


@pytest.mark.parametrize(
    ("given", "own", "expected"),
    [
        (None, None, (60, 60, 60, 60, 60)),
        (30, None, (30, 30, 30, 30, 30)),
        (30, 40, (40, 40, 40, 40, 40)),
        ({"connect": 5}, None, (5, 60, 60, 60, 185)),
        ({"connect": 5, "read": 30, "write": 30, "pool": 1, "total": 50}, None, (5, 30, 30, 1, 50)),
        ({"connect": 5, "read": 30, "total": 50}, 10, (5, 10, 10, 10, 10)),
    ],
)
def test_limits_of_steps_and_of_the_whole(given, own, expected):
    """The destination's own timeout takes the place of a number and cuts down a table, whose whole is all its steps together."""
    steps, total = limits_of(given, own)

    assert (*steps.values(), total) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_is_cut_off_may_have_arrived(serve, ask, kind):
    """The connection ends before the body does."""

    def cut(server, wire):
        wire.request()
        wire.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")

    with pytest.raises(httpx.RemoteProtocolError) as lost:
        ask(kind, "POST", "/", {"base_url": serve(cut).url}, json=[1])

    assert fate(lost.value) is Fate.AMBIGUOUS


@pytest.mark.parametrize("kind", KINDS)
def test_an_endpoint_that_is_down_got_nothing(serve, ask, kind):
    """Nobody listens there."""
    server = serve(never_answering)
    server.close()

    with pytest.raises(httpx.ConnectError) as down:
        ask(kind, "POST", "/", {"base_url": server.url}, json=[1])

    assert fate(down.value) is Fate.ABSENT


def endless(first):
    """A handler whose answer has 100 MB and more."""

    def handle(server, wire):
        wire.request()
        wire.sock.sendall(first + b"\r\nConnection: close\r\n\r\n")
        while not server.stop.is_set():
            wire.sock.sendall(b"x" * 65536)

    return handle


@pytest.mark.parametrize("kind", KINDS)
def test_a_large_answer_is_not_read(serve, ask, kind):
    """The rows arrived, and what was said of them cannot be read: the run halts, with the batch unknown, in little memory."""
    server = serve(endless(b"HTTP/1.1 200 OK"))
    tracemalloc.start()

    with pytest.raises(CallFailed, match=r"POST http://127.0.0.1:[0-9]+/rows .HTTP 200. is larger than 1000000 bytes") as refused:
        ask(kind, "POST", "/rows?key=secret", {"base_url": server.url, "max_response_bytes": "1MB"}, json=[1])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert fate(refused.value) is Fate.BUG
    assert "max_response_bytes" in refused.value.hint
    assert peak < 8e6


@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_with_a_large_body_is_still_that_failure(serve, ask, kind):
    """Of a failure the beginning says enough: its status decides."""
    server = serve(endless(b"HTTP/1.1 503 Busy"))

    response = ask(kind, "POST", "/rows", {"base_url": server.url, "max_response_bytes": 1000}, json=[1])

    assert (response.status_code, len(response.content)) == (503, 1000)


@pytest.mark.parametrize("kind", KINDS)
def test_what_counts_is_the_body_after_unpacking(serve, ask, always, kind):
    """A small body may unpack to a large one."""
    server = serve(always(headers=["Content-Encoding: gzip"], body=gzip.compress(b"0" * 5_000_000)))

    with pytest.raises(CallFailed):
        ask(kind, "POST", "/", {"base_url": server.url, "max_response_bytes": "2MB"}, json=[1])


def test_an_answer_up_to_the_limit_is_read(serve, connect, always):
    """The limit is the most that is read, not the first that is refused; it may be read twice."""
    client = connect(base_url=serve(always(body=b"x" * 1000)).url, max_response_bytes=1000)

    response = client.get("/")

    assert (len(response.content), len(b"".join(response.iter_bytes())), response.text) == (1000, 1000, "x" * 1000)


def test_without_a_setting_64_mebibytes_are_read():
    """It is what the reference says."""
    assert client_plan({}, timeout=None, workers=1).max_response_bytes == 64 * 1024 * 1024


@pytest.mark.parametrize("kind", KINDS)
def test_connecting_is_tried_again_if_config_says_so(serve, ask, kind):
    """By default it is not: the destination's retry sees to it."""
    server = serve(never_answering)
    server.close()

    with pytest.raises(httpx.ConnectError):
        ask(kind, "POST", "/", {"base_url": server.url, "connect_retries": 1}, json=[1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("by", ["config", "environment"])
def test_the_timeout_holds_through_a_proxy_too(serve, ask, monkeypatch, kind, by):
    """Whoever names the proxy: connections to it are timed as any others."""
    seen = []

    def proxy(server, wire):
        seen.append(wire.request()[0])
        wire.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        wire.drip(b"x" * 100000)

    section = {"base_url": "http://crm.test", "timeout": 0.4}
    if by == "config":
        section["proxy"] = serve(proxy).url
    else:
        monkeypatch.setenv("HTTP_PROXY", serve(proxy).url)

    with pytest.raises(httpx.ReadTimeout):
        ask(kind, "POST", "/rows", section, json=[1])

    assert seen == ["POST http://crm.test/rows HTTP/1.1"]
