"""Credentials go to the host of ``base_url`` and to no other, neither by a redirect nor because a function names another."""

from __future__ import annotations

import httpx
import pytest

from sinkkit.declaration.client.origin import Origin
from sinkkit.delivery.failures import sort
from sinkkit.delivery.verdict import Fate

KINDS = ["sync", "async"]


@pytest.fixture
def elsewhere(serve, always):
    """Another server: on another port, which makes it another origin."""
    return serve(always())


@pytest.fixture
def home(serve, always, elsewhere):
    """A server that sends everybody elsewhere."""
    return serve(always(status="307 Temporary Redirect", headers=[f"Location: {elsewhere.url}/taken"]))


SECRETS = {"Authorization": "Bearer sesame", "X-Api-Key": "sesame-1", "X-Team": "sesame-2", "Accept": "application/json"}


@pytest.mark.parametrize("kind", KINDS)
def test_redirects_are_not_followed(home, elsewhere, ask, kind):
    """The answer is a redirect, which halts a run: nothing goes to where it points."""
    response = ask(kind, "POST", "/rows", {"base_url": home.url}, json=[1])

    with pytest.raises(httpx.HTTPStatusError) as raised:
        response.raise_for_status()
    verdict = sort(raised.value, wall=0.0, idempotent=False, wrote_before=False)
    assert verdict.fate is Fate.STOP
    assert verdict.reason.startswith(f"HTTP 307 to {elsewhere.url}/taken")
    assert elsewhere.requests == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("by", ["config", "function"])
def test_a_redirect_that_a_function_follows_takes_no_credentials_along(home, elsewhere, ask, kind, by):
    """Whoever put them on the request: what is not known to be harmless stays at home."""
    section = {"base_url": home.url, "params": {"api_key": "sesame-3"}}
    given = {"headers": SECRETS} if by == "function" else {}
    if by == "config":
        section["headers"] = SECRETS

    response = ask(kind, "POST", "/rows", section, json=[1], follow_redirects=True, **given)

    [(first, headers, body)] = elsewhere.requests
    assert response.status_code == 200
    assert (first, headers["accept"], headers["content-type"], body) == (
        "POST /taken HTTP/1.1",
        "application/json",
        "application/json",
        b"[1]",
    )
    assert "sesame" not in str((first, headers))
    assert "sesame" in str(home.requests)


@pytest.mark.parametrize("kind", KINDS)
def test_a_redirect_at_home_keeps_them(serve, ask, kind):
    """The same host gets the credentials again."""

    def handle(server, wire):
        while (request := wire.request()) is not None:
            server.requests.append(request)
            where = b"Location: /there\r\n" if request[0].startswith("POST /here") else b""
            wire.sock.sendall(b"HTTP/1.1 %s\r\n%sContent-Length: 0\r\n\r\n" % (b"307 Elsewhere" if where else b"200 OK", where))

    server = serve(handle)
    ask(kind, "POST", "/here", {"base_url": server.url, "headers": SECRETS}, json=[1], follow_redirects=True)

    assert [headers["x-api-key"] for _, headers, _ in server.requests] == ["sesame-1", "sesame-1"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_to_another_host_has_none_of_config_s_credentials(elsewhere, ask, kind):
    """A function may send to any URL; what it puts on such a request itself goes along."""
    section = {"base_url": "http://127.0.0.1:9", "headers": SECRETS, "params": {"api_key": "sesame-3", "page": "1"}}

    ask(kind, "POST", f"{elsewhere.url}/x?own=2", section, json=[1], headers={"X-Own": "mine"})

    [(first, headers, _)] = elsewhere.requests
    assert (first, headers["x-own"], headers["accept"]) == ("POST /x?page=1&own=2 HTTP/1.1", "mine", "application/json")
    assert "sesame" not in str((first, headers))


def test_without_a_base_url_headers_go_where_the_function_says(elsewhere, ask):
    """There is no home to keep them at."""
    ask("sync", "POST", f"{elsewhere.url}/x", {"headers": SECRETS}, json=[1])

    assert elsewhere.requests[0][1]["x-api-key"] == "sesame-1"


@pytest.mark.parametrize(
    ("one", "other", "covered"),
    [
        ("https://a.test/x", "https://a.test/y", True),
        ("https://a.test", "https://a.test:443", True),
        ("http://a.test", "https://a.test", True),
        ("https://a.test", "http://a.test", False),
        ("http://a.test:8080", "https://a.test", False),
        ("https://a.test", "https://a.test:444", False),
        ("https://a.test", "https://b.a.test", False),
        ("https://a.test", "https://a.test.evil.test", False),
        ("https://A.test", "https://a.test", True),
        ("https://a.test", "https://a.test@evil.test", False),
    ],
)
def test_what_counts_as_the_same_host(one, other, covered):
    """Scheme, host and port; a change from plain to encrypted at the usual ports is none."""
    assert Origin.of(httpx.URL(one)).covers(httpx.URL(other)) is covered
