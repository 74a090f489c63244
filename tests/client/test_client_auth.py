"""What stands under [destination.NAME.http.auth]: on every request to the host of base_url, on no other, and in no text."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sinkkit
from sinkkit.cli.check import examine
from sinkkit.credentials import HmacSignature
from sinkkit.declaration.client.auth.body_hmac import hmac_headers
from sinkkit.errors import ConfigError, DeliveryFailed
from sinkkit.testing import Answer, MisbehavingApi

KINDS = ["sync", "async"]

SESAME = "open-sesame-47"
BASIC = base64.b64encode(f"ann:{SESAME}".encode()).decode()


@sinkkit.destination(name="crm")
def crm(items, http: httpx.Client):
    """Sends its rows."""
    http.post("/rows?page=1", json=items).raise_for_status()


@sinkkit.destination(name="crm")
async def crm_async(items, http: httpx.AsyncClient):
    """Sends its rows."""
    (await http.post("/rows?page=1", json=items)).raise_for_status()


BOTH = {"sync": crm, "async": crm_async}


@pytest.fixture
def configure(monkeypatch):
    """Sets settings of the client of ``crm`` in the environment: ``configure(base_url, type=..., token=...)``."""

    def put(base_url, **auth):
        monkeypatch.setenv("DESTINATION__CRM__HTTP__BASE_URL", base_url)
        for name, value in auth.items():
            monkeypatch.setenv(f"DESTINATION__CRM__HTTP__AUTH__{name.upper()}", value)

    return put


def run(destination):
    """One run of four rows."""
    return sinkkit.pipeline("p", destination=destination, progress="off").run([{"a": n} for n in range(4)], table_name="t")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("auth", "header", "path"),
    [
        ({"type": "api_key", "key": SESAME}, ("x-api-key", SESAME), "/rows?page=1"),
        ({"type": "api_key", "key": SESAME, "name": "X-Own"}, ("x-own", SESAME), "/rows?page=1"),
        ({"type": "api_key", "key": SESAME, "name": "k", "location": "query"}, ("x-api-key", None), f"/rows?page=1&k={SESAME}"),
        ({"type": "basic", "username": "ann", "password": SESAME}, ("authorization", f"Basic {BASIC}"), "/rows?page=1"),
        ({"type": "bearer", "token": SESAME}, ("authorization", f"Bearer {SESAME}"), "/rows?page=1"),
    ],
)
def test_a_fixed_credential_is_on_every_request(configure, kind, auth, header, path):
    """By header or query, in threads and in coroutines."""
    with MisbehavingApi() as api:
        configure(api.url, **auth)
        run(BOTH[kind])

    assert [(request.headers.get(header[0]), request.path) for request in api.requests] == [(header[1], path)]


ALL = [
    {"type": "api_key", "key": SESAME},
    {"type": "api_key", "key": SESAME, "location": "query"},
    {"type": "basic", "username": "ann", "password": SESAME},
    {"type": "bearer", "token": SESAME},
    {"type": "digest", "username": "ann", "password": SESAME},
    {"type": "aws_sigv4", "service": "sqs", "region": "eu", "access_key_id": "AKIDAKID", "secret_access_key": SESAME},
    {"type": "hmac", "secret": SESAME, "header": "X-Signature"},
    {"type": "oauth2_client_credentials", "client_id": "id", "client_secret": SESAME, "token_url": "http://127.0.0.1:9/"},
]
"""Each type, with what it needs."""


@pytest.mark.parametrize("auth", ALL, ids=lambda auth: auth["type"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_credential_goes_to_another_host(configure, kind, auth):
    """A function may send to any URL; it is signed for base_url's host alone."""
    with MisbehavingApi() as api:
        configure("http://127.0.0.1:9/v1", **auth)

        @sinkkit.destination(name="crm")
        def send(items, http: httpx.Client):
            http.post(f"{api.url}/x", json=items).raise_for_status()

        @sinkkit.destination(name="crm")
        async def send_async(items, http: httpx.AsyncClient):
            (await http.post(f"{api.url}/x", json=items)).raise_for_status()

        run(send if kind == "sync" else send_async)

    [request] = api.requests
    assert request.path == "/x"
    assert [name for name in request.headers if name.startswith(("x-", "auth"))] == []


@pytest.mark.parametrize("auth", ALL[:-1], ids=lambda auth: auth["type"])
def test_a_redirect_to_another_host_takes_no_credential_along(configure, auth):
    """Also where the function has redirects followed."""
    with MisbehavingApi() as other, MisbehavingApi(lambda *_: Answer(307, {"Location": f"{other.url}/x"})) as api:
        configure(api.url, **auth)

        @sinkkit.destination(name="crm")
        def send(items, http: httpx.Client):
            http.post("/", json=items, follow_redirects=True).raise_for_status()

        run(send)

    [request] = other.requests
    assert [name for name in request.headers if name.startswith(("x-", "auth"))] == []
    assert SESAME not in str((request.path, dict(request.headers)))


@pytest.mark.parametrize("auth", ALL, ids=lambda auth: auth["type"])
def test_check_shows_credentials_masked(configure, auth):
    """Each setting with its place, none in clear."""
    configure("https://crm.test/v1", **auth)

    found = examine(crm(), "p")

    shown = {entry.name: entry.shown for entry in found.settings}
    assert found.problems == []
    assert shown["http.auth.type"] == auth["type"]
    assert [name for name in auth if f"http.auth.{name}" not in shown] == []
    assert SESAME not in str(found)
    assert len([entry for entry in found.settings if entry.name == "http.auth.type"]) == 1


@pytest.mark.parametrize("auth", ALL[:-1], ids=lambda auth: auth["type"])
def test_what_the_server_repeats_is_masked(configure, auth):
    """An API that shows in its error what it was sent gives nothing away."""
    with MisbehavingApi(lambda _, request: Answer(422, body=str((request.path, dict(request.headers), SESAME)))) as api:
        configure(api.url, **auth)
        pipeline = sinkkit.pipeline("p", destination=crm(on_reject="keep"), progress="off")
        pipeline.run([{"a": 1}], table_name="t")

    [row] = pipeline.rejected()
    assert row.reason.startswith("HTTP 422: ")
    assert SESAME not in row.reason
    assert BASIC not in row.reason


@pytest.mark.parametrize(
    ("auth", "told"),
    [
        ({"token": SESAME}, "http.auth (DESTINATION__CRM__HTTP__AUTH in environment) does not say which type it is"),
        ({"type": "barer"}, "http.auth.type (DESTINATION__CRM__HTTP__AUTH__TYPE in environment) is no type of authentication"),
        ({"type": "bearer"}, "http.auth.token (text that is a secret) is missing; it was looked for, in this order, in"),
        ({"type": "bearer", "token": SESAME, "tokn": "x"}, "http.auth.tokn (DESTINATION__CRM__HTTP__AUTH__TOKN in environment) is no setting of bearer"),
        ({"type": "bearer", "token": f"{SESAME}\n"}, "the token holds a character that a header cannot carry"),
        ({"type": "basic", "username": "a:b", "password": SESAME}, "a user name for Basic authentication cannot hold a colon"),
        ({"type": "api_key", "key": SESAME, "location": "body"}, "http.auth.location"),
        ({"type": "aws_sigv4", "service": "sqs"}, "AWS's region (or AWS_REGION) and access_key_id (or AWS_ACCESS_KEY_ID) is missing"),
        ({"type": "hmac", "secret": SESAME}, "http.auth.header (text) is missing"),
        ({"type": "hmac", "secret": SESAME, "header": "X", "signed": "{body}{x}"}, "signed has no {x} to put in"),
        ({"type": "hmac", "secret": SESAME, "header": "X", "signed": "{timestamp}.{body}"}, "a timestamp is signed, and the receiver is not told"),
        ({"type": "hmac", "secret": SESAME, "header": "X", "signed": "{path}"}, "signed has no {body}"),
        ({"type": "hmac", "secret": SESAME, "header": "X", "key_encoding": "base64"}, "the secret is not written in base64"),
        ({"type": "oauth2_client_credentials", "client_id": "x", "client_secret": SESAME, "token_url": "x"}, "http.auth.token_url (DESTINATION"),
    ],
)
def test_what_is_wrong_is_said_before_a_run(configure, auth, told):
    """By run and check, with its place, and without the secret."""
    configure("https://crm.test/v1", **auth)

    with pytest.raises(ConfigError) as refused:
        run(crm)

    check = "\n".join(problem.text for problem in examine(crm(), "p").problems)
    assert told in refused.value.message
    assert told in check
    assert SESAME not in check + str(refused.value)


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"auth": {"type": "bearer", "token": SESAME}}, "http.auth needs http.base_url"),
        ({"base_url": f"https://ann:{SESAME}@crm.test", "auth": {"type": "bearer", "token": SESAME}}, "http.base_url holds a login beside"),
        ({"base_url": "https://crm.test", "auth": "bearer"}, "http.auth is not a table"),
        ({"base_url": "nonsense", "timeout": -1, "auth": {"type": "bearer"}}, "http.auth.token (text that is a secret) is missing"),
    ],
)
def test_settings_that_do_not_go_together(section, told):
    """All of them are named at once, as arguments too."""
    with pytest.raises(ConfigError) as refused:
        run(crm(http=section))

    assert told in re.sub(r" \(http=\)", "", refused.value.message)
    assert ("http.timeout" in refused.value.message) is ("timeout" in section)
    assert SESAME not in str(refused.value)


def test_settings_may_be_arguments(configure):
    """The client and its login can be given where the destination is made."""
    with MisbehavingApi() as api:
        run(crm(http={"base_url": api.url, "auth": {"type": "bearer", "token": sinkkit.Secret(SESAME)}}))

    assert api.requests[0].headers["authorization"] == f"Bearer {SESAME}"


@pytest.mark.parametrize("kind", KINDS)
def test_digest_answers_the_challenge(configure, kind):
    """The request is sent again with the answer, under the same key, and counts as one."""

    def challenge(_, request):
        if "authorization" not in request.headers:
            return Answer(401, {"WWW-Authenticate": 'Digest realm="x", nonce="n", algorithm=SHA-256, qop="auth"'})
        return None

    with MisbehavingApi(challenge) as api:
        configure(api.url, type="digest", username="ann", password=SESAME)
        run(BOTH[kind](idempotency_header="Idempotency-Key"))

    first, second = api.requests
    assert second.headers["authorization"].startswith('Digest username="ann"')
    assert SESAME not in second.headers["authorization"]
    assert first.key == second.key


def test_a_wrong_login_halts(configure):
    """Nobody wants 40,000 dead letters for one expired key."""
    with MisbehavingApi(lambda *_: Answer(401)) as api:
        configure(api.url, type="bearer", token=SESAME)
        with pytest.raises(DeliveryFailed) as failed:
            run(crm)

    assert len(api.requests) == 1
    assert failed.value.info.total.pending == 4


SIGNED = {
    "as GitHub's": (
        {"header": "X-Hub-Signature-256", "prefix": "sha256="},
        lambda digest: {"X-Hub-Signature-256": "sha256=" + digest(b"[1]").hexdigest()},
    ),
    "as Slack's": (
        {
            "header": "X-Slack-Signature",
            "prefix": "v0=",
            "signed": "v0:{timestamp}:{body}",
            "timestamp_header": "X-Slack-Request-Timestamp",
        },
        lambda digest: {
            "X-Slack-Signature": "v0=" + digest(b"v0:1700000000:[1]").hexdigest(),
            "X-Slack-Request-Timestamp": "1700000000",
        },
    ),
    "as Stripe's": (
        {"header": "Stripe-Signature", "prefix": "t={timestamp},v1=", "signed": "{timestamp}.{body}"},
        lambda digest: {"Stripe-Signature": "t=1700000000,v1=" + digest(b"1700000000.[1]").hexdigest()},
    ),
    "as Shopify's": (
        {"header": "X-Shopify-Hmac-Sha256", "encoding": "base64"},
        lambda digest: {"X-Shopify-Hmac-Sha256": base64.b64encode(digest(b"[1]").digest()).decode()},
    ),
    "of method and path": (
        {"header": "X-Sig", "signed": "{method} {path}\n{body}"},
        lambda digest: {"X-Sig": digest(b"POST /x?y=1\n[1]").hexdigest()},
    ),
}


@pytest.mark.parametrize("shape", SIGNED)
def test_signatures_with_a_shared_secret(shape):
    """In the shapes that webhooks are signed in."""
    fields, expected = SIGNED[shape]

    made = hmac_headers(HmacSignature(SESAME, **fields), "POST", "/x?y=1", b"[1]", 1_700_000_000.7)

    assert made == expected(lambda text: hmac.new(SESAME.encode(), text, hashlib.sha256))


@given(key=st.binary(min_size=3), body=st.binary(), algorithm=st.sampled_from(["sha1", "sha256", "sha384", "sha512"]))
def test_any_key_and_body_are_signed(key, body, algorithm):
    """Keys that are no text are written in base64 or hex; a body may hold braces."""
    expected = hmac.new(key, b"1." + body, algorithm).hexdigest()
    fields = {"header": "X", "algorithm": algorithm, "signed": "{timestamp}.{body}", "timestamp_header": "T"}
    for encoding, secret in (("base64", base64.b64encode(key).decode()), ("hex", key.hex())):
        how = HmacSignature(secret, key_encoding=encoding, **fields)
        assert hmac_headers(how, "POST", "/", body, 1.9) == {"X": expected, "T": "1"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_body_that_is_sent_is_the_one_that_is_signed(configure, kind):
    """End to end, in threads and in coroutines."""
    with MisbehavingApi() as api:
        configure(api.url, type="hmac", secret=SESAME, header="X-Hub-Signature-256", prefix="sha256=")
        run(BOTH[kind])

    [request] = api.requests
    digest = hmac.new(SESAME.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-hub-signature-256"] == f"sha256={digest}"
