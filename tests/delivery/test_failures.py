"""The failure table: what each error of each HTTP library means for the batch of the call that raised it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import http.client
import socket
import ssl
import urllib.error
import urllib.request
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import pytest
import requests
import urllib3

from sinkkit.delivery.failures import BODY_BYTES, describe, read_retry_after, sort
from sinkkit.delivery.verdict import Fate
from sinkkit.errors import CallFailed, ConfigError, Halt, PackageCorrupted, Reject, RetryLater, SchemaError
from sinkkit.testing import Answer, Drop, MisbehavingApi, Slow

STATUS = {
    **dict.fromkeys([423, 425, 429, 503], Fate.ABSENT),
    **dict.fromkeys([408, 500, 502, 504, 507, 520, 599], Fate.AMBIGUOUS),
    **dict.fromkeys([401, 403, 407, 101, 300, 301, 302, 304, 307, 308], Fate.STOP),
    413: Fate.TOO_LARGE,
    **dict.fromkeys([400, 402, 404, 405, 406, 409, 410, 411, 412, 414, 415, 418, 421, 422, 428, 431, 451, 501, 505], Fate.REFUSED),
    200: Fate.BUG,
}


class ClientResponseError(Exception):
    """As aiohttp's: the status is its own, there is no response."""

    def __init__(self, status, headers=None, message="no"):
        super().__init__(f"{status}, message={message!r}")
        self.status, self.headers, self.message = status, headers, message


ClientResponseError.__module__ = "aiohttp.client_exceptions"


def by_httpx(status, headers=None, body="no"):
    """What httpx raises for a status."""
    request = httpx.Request("POST", "http://crm.test/")
    return httpx.HTTPStatusError("x", request=request, response=httpx.Response(status, headers=headers, text=body, request=request))


def by_requests(status, headers=None, body="no"):
    """What requests raises for a status."""
    response = requests.Response()
    response.status_code, response._content = status, body.encode()
    response.headers.update(headers or {})
    return requests.HTTPError("x", response=response)


def by_aiohttp(status, headers=None, body="no"):
    """What aiohttp raises for a status."""
    return ClientResponseError(status, headers, body)


def by_urllib(status, headers=None, body="no"):
    """What urllib raises for a status."""
    message = http.client.HTTPMessage()
    for name, value in (headers or {}).items():
        message[name] = value
    return urllib.error.HTTPError("http://crm.test/", status, body, message, None)


LIBRARIES = [by_httpx, by_requests, by_aiohttp, by_urllib]


def judged(error, *, wall=0.0, idempotent=False, wrote_before=False):
    """The verdict on *error*."""
    return sort(error, wall=wall, idempotent=idempotent, wrote_before=wrote_before)


@pytest.mark.parametrize("made", LIBRARIES)
@pytest.mark.parametrize(("status", "fate"), STATUS.items())
def test_each_status(made, status, fate):
    """A status means the same whichever library raised it, and is in the reason with what the server said."""
    verdict = judged(made(status))

    assert (verdict.fate, verdict.status, verdict.reason) == (fate, status, f"HTTP {status}: no")


@pytest.mark.parametrize("made", LIBRARIES)
def test_a_conflict_is_retryable_under_a_key(made):
    """409 says that the first request of the key is still being worked on, where a key was sent; else it is a refusal."""
    assert [judged(made(409), idempotent=one).fate for one in (True, False)] == [Fate.ABSENT, Fate.REFUSED]


@pytest.mark.parametrize("made", LIBRARIES)
@pytest.mark.parametrize("status", [429, 503, 500])
def test_retry_after_is_read(made, status):
    """The wait that a server asks for is read in both forms, whatever the case of the header's name."""
    date = format_datetime(datetime.fromtimestamp(1_800_000_090, UTC), usegmt=True)

    assert judged(made(status, {"retry-after": "7"})).after == 7
    assert judged(made(status, {"Retry-After": date}), wall=1_800_000_000).after == 90
    assert judged(made(400, {"Retry-After": "7"})).after is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0), ("3", 3), (" 3 ", 3), ("1.5", 1.5), ("-3", None), ("nan", None), ("inf", None), ("1e9", None), ("99999999999999", None),
        ("soon", None), ("", None), (None, None), ("Fri, 31 Dec 1999 23:59:59 GMT", 0), ("Fri, 99 Dec 1999 23:59:59 GMT", None), ("٣", None),
    ],
)  # fmt: skip
def test_what_retry_after_may_say(text, seconds):
    """A wait that is no number of seconds and no date, or has passed, is none; no server makes us wait for ever."""
    assert read_retry_after(text, 1_800_000_000) == seconds


def raised(call):
    """What *call* raises."""
    try:
        call()
    except Exception as error:  # noqa: BLE001  # whatever it is, it is what the test is about
        return error
    raise AssertionError("nothing was raised")


def closed_url():
    """An address at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


POSTS = {
    "httpx": lambda url, **_: httpx.post(url, json=[1], timeout=0.2),
    "requests": lambda url, **_: requests.post(url, json=[1], timeout=0.2),
    "urllib3": lambda url, **_: urllib3.PoolManager().request("POST", url, body=b"[1]", timeout=0.2, retries=False),
    "urllib3 with retries": lambda url, **_: urllib3.PoolManager().request("POST", url, body=b"[1]", timeout=0.2, retries=1),
    "urllib": lambda url, **_: urllib.request.urlopen(url, b"[1]", timeout=0.2).close(),
}


@pytest.mark.parametrize("name", POSTS)
def test_nothing_listens(name):
    """A connection that is refused brought nothing there, whichever library was refused."""
    assert judged(raised(lambda: POSTS[name](closed_url()))).fate is Fate.ABSENT


@pytest.mark.parametrize("name", POSTS)
def test_no_such_host(name):
    """A name without an address brought nothing there."""
    assert judged(raised(lambda: POSTS[name]("http://crm.invalid/"))).fate is Fate.ABSENT


@pytest.mark.parametrize("name", [name for name in POSTS if name != "urllib3 with retries"])
@pytest.mark.parametrize("fault", [Drop.before, Drop.after, Slow(0.5)], ids=["dropped before", "dropped after", "slow"])
def test_the_answer_is_lost(name, fault):
    """A connection that breaks, or an answer that does not come, leaves open whether the rows arrived."""
    with MisbehavingApi([fault]) as api:
        assert judged(raised(lambda: POSTS[name](api.url))).fate is Fate.AMBIGUOUS


@pytest.mark.parametrize("name", ["httpx", "requests"])
def test_no_such_protocol(name):
    """A URL that cannot be right halts the run: no retry mends it."""
    assert judged(raised(lambda: POSTS[name]("ftps://crm.test/"))).fate is Fate.STOP
    assert judged(raised(lambda: POSTS[name]("crm.test/path"))).fate is Fate.STOP


def test_a_real_status_error():
    """What `raise_for_status` raises after a real answer is sorted by its status, with the body as its reason."""
    with MisbehavingApi([Answer(422, body="e-mail is taken")] * 2) as api:
        errors = [
            raised(lambda: POSTS["httpx"](api.url).raise_for_status()),
            raised(lambda: POSTS["requests"](api.url).raise_for_status()),
        ]

    assert [(judged(one).fate, judged(one).reason) for one in errors] == [(Fate.REFUSED, "HTTP 422: e-mail is taken")] * 2


def of(module, name, base=Exception):
    """An error class of a library that is not installed here."""
    return type(name, (base,), {"__module__": module})


CLIENT_ERROR = of("aiohttp.client_exceptions", "ClientError")

ERRORS = [
    (httpx.PoolTimeout("x"), Fate.ABSENT),
    (httpx.ConnectTimeout("x"), Fate.ABSENT),
    (httpx.ProxyError("x"), Fate.ABSENT),
    (httpx.ReadTimeout("x"), Fate.AMBIGUOUS),
    (httpx.WriteTimeout("x"), Fate.AMBIGUOUS),
    (httpx.RemoteProtocolError("x"), Fate.AMBIGUOUS),
    (httpx.ReadError("x"), Fate.AMBIGUOUS),
    (httpx.DecodingError("x"), Fate.AMBIGUOUS),
    (httpx.LocalProtocolError("x"), Fate.STOP),
    (httpx.TooManyRedirects("x"), Fate.STOP),
    (httpx.StreamConsumed(), Fate.BUG),
    (requests.ConnectTimeout("x"), Fate.ABSENT),
    (requests.ReadTimeout("x"), Fate.AMBIGUOUS),
    (requests.exceptions.ChunkedEncodingError("x"), Fate.AMBIGUOUS),
    (requests.exceptions.RetryError("x"), Fate.AMBIGUOUS),
    (requests.TooManyRedirects("x"), Fate.STOP),
    (requests.JSONDecodeError("x", "doc", 0), Fate.BUG),
    (urllib3.exceptions.ReadTimeoutError(None, "/", "x"), Fate.AMBIGUOUS),
    (urllib3.exceptions.ProtocolError("x"), Fate.AMBIGUOUS),
    (urllib.error.URLError(ConnectionRefusedError()), Fate.ABSENT),
    (urllib.error.URLError(TimeoutError()), Fate.AMBIGUOUS),
    (http.client.RemoteDisconnected("x"), Fate.AMBIGUOUS),
    (http.client.IncompleteRead(b""), Fate.AMBIGUOUS),
    (of("aiohttp.client_exceptions", "ClientConnectorError", CLIENT_ERROR)("x"), Fate.ABSENT),
    (of("aiohttp.client_exceptions", "ConnectionTimeoutError", CLIENT_ERROR)("x"), Fate.ABSENT),
    (of("aiohttp.client_exceptions", "ServerDisconnectedError", CLIENT_ERROR)("x"), Fate.AMBIGUOUS),
    (of("aiohttp.client_exceptions", "InvalidURL", CLIENT_ERROR)("x"), Fate.STOP),
    (ConnectionRefusedError(), Fate.ABSENT),
    (socket.gaierror(-2, "unknown"), Fate.ABSENT),
    (ConnectionResetError(), Fate.AMBIGUOUS),
    (BrokenPipeError(), Fate.AMBIGUOUS),
    (TimeoutError(), Fate.AMBIGUOUS),
    (ssl.SSLError("x"), Fate.AMBIGUOUS),
    (asyncio.CancelledError(), Fate.AMBIGUOUS),
    (concurrent.futures.CancelledError(), Fate.AMBIGUOUS),
    (Reject("x"), Fate.REFUSED),
    (RetryLater("x"), Fate.ABSENT),
    (Halt("x"), Fate.STOP),
    (CallFailed("x"), Fate.BUG),
    (ConfigError("x"), Fate.BUG),
    (PackageCorrupted("x"), Fate.STOP),
    (SchemaError("x"), Fate.STOP),
    (KeyError("x"), Fate.BUG),
    (SystemExit(1), Fate.BUG),
    (KeyboardInterrupt(), Fate.BUG),
    (of("mine.errors", "HTTPError")("x"), Fate.BUG),
    (requests.HTTPError("no response"), Fate.BUG),
]


@pytest.mark.parametrize(("error", "fate"), ERRORS, ids=[f"{type(error).__module__}.{type(error).__name__}" for error, _ in ERRORS])
def test_each_error(error, fate):
    """Errors without a status are sorted by what they prove of the rows; what is not known is a bug."""
    assert judged(error).fate is fate


def test_a_subclass_is_what_its_base_is():
    """An error of the user's that derives from a known one is sorted as that one."""
    assert judged(type("Mine", (httpx.ConnectError,), {})("x")).fate is Fate.ABSENT
    assert judged(type("Mine", (Reject,), {})("x")).fate is Fate.REFUSED


@pytest.mark.parametrize(
    ("error", "fate"),
    [
        (by_httpx(400), Fate.AMBIGUOUS), (by_httpx(413), Fate.AMBIGUOUS), (by_httpx(429), Fate.AMBIGUOUS), (by_httpx(401), Fate.BUG),
        (by_httpx(500), Fate.AMBIGUOUS), (httpx.ConnectError("x"), Fate.AMBIGUOUS), (KeyError(), Fate.BUG),
    ],
)  # fmt: skip
def test_an_earlier_request_makes_it_ambiguous(error, fate):
    """Where a request of the same call changed the destination before, no failure says any more that nothing is there."""
    assert judged(error, wrote_before=True).fate is fate


@pytest.mark.parametrize(("error", "fate"), [(Reject("x"), Fate.REFUSED), (RetryLater("x"), Fate.ABSENT), (Halt("x"), Fate.STOP)])
def test_what_the_function_states_is_believed(error, fate):
    """A function that reads a refusal in a successful answer and says so with `Reject` knows better than the status."""
    assert judged(error, wrote_before=True).fate is fate


@pytest.mark.parametrize("after", ["30", float("nan"), float("inf"), -1, True])
def test_a_wait_that_is_none_halts(after):
    """`RetryLater(after=...)` with what is no time is told to the author; the batch is planned, as nothing arrived."""
    verdict = judged(RetryLater("x", after=after))

    assert (verdict.fate, type(verdict.error)) == (Fate.STOP, CallFailed)
    assert f"RetryLater(after={after!r})" in verdict.reason


def test_a_reason_is_short_and_without_secrets_at_its_end():
    """Of a long body the beginning is kept; a secret that lies across the cut is masked before it."""
    body = "x" * (BODY_BYTES - 4) + "hunter2hunter2"
    verdict = sort(by_httpx(400, body=body), wall=0, idempotent=False, wrote_before=False, clean=lambda text: text.replace("hunter2hunter2", "***"))

    assert verdict.reason == "HTTP 400: " + "x" * (BODY_BYTES - 4) + "***"


def test_a_body_that_was_not_read_is_no_obstacle():
    """A streamed answer whose body was not read is sorted by its status."""
    request = httpx.Request("POST", "http://crm.test/")
    response = httpx.Response(400, stream=httpx.ByteStream(b"x"), request=request)

    assert judged(httpx.HTTPStatusError("x", request=request, response=response)).reason == "HTTP 400: (body not read: ResponseNotRead)"


def test_an_error_that_cannot_be_shown():
    """An error whose own text breaks is named all the same."""

    class Broken(Exception):
        def __str__(self):
            raise IndexError

    assert describe(Broken()) == "Broken: (its text cannot be shown: IndexError)"
