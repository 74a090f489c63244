"""When a token is asked for, renewed and given up, on a clock of the test's own; what becomes of refresh tokens that change."""

from __future__ import annotations

import json
import threading

import httpx
import pytest

from sinkkit import Halt, RetryLater
from sinkkit.credentials import OAuth2ClientCredentials, OAuth2RefreshToken
from sinkkit.declaration.client.auth.failed import Failure, NoToken, failure_of, raised
from sinkkit.declaration.client.auth.tokens import Rotated, Tokens
from sinkkit.declaration.client.trace import CURRENT, Trace
from sinkkit.errors import CallFailed
from sinkkit.testing import FakeClock

SESAME = "client-sesame-47"


@pytest.mark.parametrize(
    ("halting", "wrote", "kind"),
    [(True, False, Halt), (False, False, RetryLater), (True, True, CallFailed), (False, True, httpx.ReadError)],
)
def test_without_a_token_a_call_that_has_written_is_of_unknown_fate(halting, wrote, kind):
    """Halt and RetryLater say that nothing arrived, which is true only of a call that has changed nothing yet."""
    CURRENT.set(Trace("key", wrote=wrote))

    assert type(raised(Failure("told", halting=halting, after=3))) is kind
    CURRENT.set(None)


class Server:
    """Answers to requests for tokens, without a network: *answers* in turn, the last one for ever."""

    def __init__(self, *answers):
        self.answers, self.forms = list(answers), []

    def __call__(self, url, form, headers):
        self.forms.append(dict(form))
        answer = self.answers[min(len(self.forms), len(self.answers)) - 1]
        if isinstance(answer, Failure):
            raise NoToken(answer)
        return 200, {}, json.dumps({"access_token": f"token-{len(self.forms)}", **answer}).encode()


CLIENT = OAuth2ClientCredentials("id", SESAME, "https://login.test/token")
REFRESH = OAuth2RefreshToken("id", "refresh-0", "https://login.test/token")
BUSY, REFUSED = Failure("busy", halting=False), Failure("refused")


@pytest.mark.parametrize(
    ("life", "good", "over"),
    [(3600, 3539, 3541), ("100", 89, 91), (None, 1e9, None), ("soon", 1e9, None), (0, 1e9, None)],
)
def test_a_token_is_renewed_before_it_expires(life, good, over):
    """A minute before, or a tenth of its life; one that says nothing of its life is kept until it is refused."""
    clock, server = FakeClock(), Server({"expires_in": life})
    tokens = Tokens(CLIENT, server, clock=clock)

    tokens.get()
    clock.advance(good)
    assert tokens.get().text == "token-1"
    if over is not None:
        clock.advance(over - good)
        assert (tokens.ready(), tokens.get().text) == (None, "token-2")


def test_a_token_that_cannot_be_renewed_yet_is_used_on():
    """While it is good; a refusal counts at once."""
    clock = FakeClock()
    tokens = Tokens(CLIENT, Server({"expires_in": 3600}, BUSY), clock=clock)
    tokens.get()

    clock.advance(3550)
    assert tokens.get().text == "token-1"
    clock.advance(60)
    with pytest.raises(NoToken, match="busy"):
        tokens.get()
    other = Tokens(CLIENT, Server({"expires_in": 3600}, REFUSED), clock=clock)
    other.get()
    clock.advance(3550)
    with pytest.raises(NoToken, match="refused"):
        other.get()


def test_who_waits_for_a_token_shares_what_comes_of_it():
    """Sixteen threads ask a server that fails: it is asked once, not sixteen times one after the other."""
    began, go = threading.Event(), threading.Event()
    asked = []

    def post(url, form, headers):
        asked.append(url)
        began.set()
        go.wait(10)
        raise NoToken(BUSY)

    tokens = Tokens(CLIENT, post, clock=FakeClock())
    failed, waiting = [], threading.Semaphore(0)

    def ask():
        waiting.release()
        try:
            tokens.get()
        except NoToken as error:
            failed.append(error.failure)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for _ in threads:
        waiting.acquire()
    began.wait(10)
    go.set()
    for thread in threads:
        thread.join()

    assert failed == [BUSY] * 16
    assert 1 <= len(asked) < 16
    with pytest.raises(NoToken):
        tokens.get()


def test_a_token_replaced_meanwhile_is_not_forgotten():
    """A late refusal of the old one says nothing of the new one."""
    tokens = Tokens(CLIENT, Server({}), clock=FakeClock())
    old = tokens.get()
    tokens.refused(old)
    new = tokens.get()
    tokens.refused(old)

    assert (tokens.get(), new.text) == (new, "token-2")


def test_a_refresh_token_that_changes_is_kept_for_the_process():
    """The next request shows the one that the last answer brought, also in another run of the process."""
    rotated, learned = Rotated(), []
    server = Server({"refresh_token": "refresh-1"}, {}, {"refresh_token": "refresh-2"})
    tokens = Tokens(REFRESH, server, clock=FakeClock(), learn=learned.append, rotated=rotated)
    for _ in range(3):
        tokens.refused(tokens.get())
    Tokens(REFRESH, server, clock=FakeClock(), rotated=rotated).get()
    Tokens(OAuth2RefreshToken("id", "refresh-x", REFRESH.token_url), server, clock=FakeClock(), rotated=rotated).get()

    assert [form["refresh_token"] for form in server.forms] == ["refresh-0", "refresh-1", "refresh-1", "refresh-2", "refresh-x"]
    assert {form["grant_type"] for form in server.forms} == {"refresh_token"}
    assert learned == ["token-1", "refresh-1", "token-2", "token-3", "refresh-2"]


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (429, {"retry-after": "7"}, (False, 7.0)),
        (503, {"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, (False, 100.0)),
        (500, {}, (False, None)),
        (408, {}, (False, None)),
        (400, {"retry-after": "7"}, (True, None)),
        (404, {}, (True, None)),
    ],
)
def test_what_an_answer_without_a_token_means(status, headers, expected):
    """By its status: come again, when the server says so, or halt."""
    failure = failure_of(status, headers, b"", asked="https://login.test", wall=0.0)

    assert (failure.halting, failure.after) == expected
