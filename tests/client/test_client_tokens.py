"""Access tokens: one for all workers, renewed in time and once on 401; what the authorization server's failures mean."""

from __future__ import annotations

from urllib.parse import parse_qsl

import httpx
import pytest

import sinkkit
from sinkkit import Halt, Retry
from sinkkit.errors import DeliveryFailed
from sinkkit.runs.extracting.extraction import TableArguments
from sinkkit.runs.extracting.taking import Intake
from sinkkit.runs.requests.rehearsal import rehearse
from sinkkit.testing import Answer, Drop, MisbehavingApi, TooMany

KINDS = ["sync", "async"]

QUICK = Retry(attempts=3, first_wait=0.001, longest_wait=0.002)

SESAME = "client-sesame-47"


def given(number=1, **more):
    """An answer with a token."""
    return Answer(200, body={"access_token": f"token-{number}-abcdef", "token_type": "Bearer", "expires_in": 3600, **more})


@pytest.fixture
def setup(monkeypatch):
    """Sets settings of the client of ``crm``: ``setup(api, tokens, **auth)``."""

    def put(api, tokens, **auth):
        monkeypatch.setenv("DESTINATION__CRM__HTTP__BASE_URL", api.url)
        base = {"type": "oauth2_client_credentials", "client_id": "loader", "client_secret": SESAME, "token_url": f"{tokens.url}/token"}
        for name, value in {**base, **auth}.items():
            if value is None:
                continue
            monkeypatch.setenv(f"DESTINATION__CRM__HTTP__AUTH__{name.upper()}", value)

    return put


def crm(kind, **options):
    """A destination that posts each row by itself."""
    given = {"name": "crm", "batch_size": 1, "retry": QUICK, **options}

    @sinkkit.destination(**given)
    def send(items, http: httpx.Client):
        http.post("/rows", json=items).raise_for_status()

    @sinkkit.destination(**given)
    async def send_async(items, http: httpx.AsyncClient):
        (await http.post("/rows", json=items)).raise_for_status()

    return send if kind == "sync" else send_async


def run(destination, rows=20):
    """One run; the report."""
    return sinkkit.pipeline("p", destination=destination, progress="off").run([{"a": n} for n in range(rows)], table_name="t")


def form(request):
    """The fields that were posted."""
    return dict(parse_qsl(request.body.decode()))


@pytest.mark.parametrize("kind", KINDS)
def test_one_token_is_asked_for_by_all_workers(setup, kind):
    """It is shown by every request; the request for it has no key, and none of the API's own headers."""
    with MisbehavingApi() as api, MisbehavingApi(lambda *_: given()) as tokens:
        setup(api, tokens, scope="rows.write", extra='{"resource": "crm"}')
        info = run(crm(kind, workers=16, idempotency_header="Idempotency-Key"))

    [asked] = tokens.requests
    assert form(asked) == {
        "grant_type": "client_credentials",
        "client_id": "loader",
        "client_secret": SESAME,
        "scope": "rows.write",
        "resource": "crm",
    }
    assert (asked.path, asked.key, asked.headers["content-type"]) == ("/token", None, "application/x-www-form-urlencoded")
    assert asked.headers["user-agent"].startswith("sinkkit/")
    assert [request.headers["authorization"] for request in api.requests] == ["Bearer token-1-abcdef"] * 20
    assert info.total.delivered == 20


def test_name_and_password_may_go_into_a_header(setup):
    """As RFC 6749 has it, percent-encoded."""
    with MisbehavingApi() as api, MisbehavingApi(lambda *_: given()) as tokens:
        setup(api, tokens, client_id="lo:ader", client_auth="basic")
        run(crm("sync"), rows=1)

    [asked] = tokens.requests
    assert httpx.BasicAuth("lo%3Aader", SESAME)._auth_header == asked.headers["authorization"]
    assert form(asked) == {"grant_type": "client_credentials"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_that_is_not_taken_is_renewed_once(setup, kind):
    """All workers are refused the old token, one asks for another, and the requests are sent again under their keys."""

    def judge(_, request):
        return None if request.headers["authorization"] == "Bearer token-1-abcdef" else Answer(401)

    with MisbehavingApi(judge) as api, MisbehavingApi(lambda number, _: given(number)) as tokens:
        setup(api, tokens)
        info = run(crm(kind, workers=8, idempotency_header="Idempotency-Key"))

    assert len(tokens.requests) == 2
    assert info.total.delivered == 20
    keys = [request.key for request in api.requests if request.status == 200]
    refused = [request.key for request in api.requests if request.status == 401]
    assert [keys.count(key) for key in refused] == [1] * len(refused)


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_refusal_halts(setup, kind):
    """The new token is not taken either: that is no matter of time."""
    with MisbehavingApi(lambda *_: Answer(401)) as api, MisbehavingApi(lambda number, _: given(number)) as tokens:
        setup(api, tokens)
        with pytest.raises(DeliveryFailed) as failed:
            run(crm(kind, workers=1))

    assert (len(api.requests), len(tokens.requests)) == (2, 2)
    assert failed.value.info.total.pending == 20


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", [Answer(500), Answer(503), TooMany(0.01), Drop.before])
def test_an_authorization_server_that_fails_is_waited_for(setup, kind, fault):
    """Nothing of the batch arrived; it is tried again."""
    with MisbehavingApi() as api, MisbehavingApi(lambda number, _: fault if number == 0 else given()) as tokens:
        setup(api, tokens)
        info = run(crm(kind, workers=1), rows=3)

    assert (info.total.delivered, info.total.resent, info.retries, len(tokens.requests)) == (3, 0, 1, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_an_authorization_server_that_is_down_leaves_rows_pending(setup, kind):
    """Its attempts used up, the run halts, and says what could not be asked."""
    with MisbehavingApi() as api, MisbehavingApi() as tokens:
        setup(api, tokens)
        tokens.close()
        with pytest.raises(DeliveryFailed, match=r"there is no access token: http://127.0.0.1:[0-9]+/token could not be asked") as failed:
            run(crm(kind, workers=4))

    assert (failed.value.info.total.pending, failed.value.info.total.unknown) == (20, 0)
    assert api.requests == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(401, body={"error": "invalid_client", "error_description": "no such client"}), "HTTP 401, invalid_client: no such client"),
        (Answer(400, body={"error": "invalid_scope"}), "HTTP 400, invalid_scope"),
        (Answer(403, body="go away"), "HTTP 403, go away"),
        (Answer(302, {"Location": "/login"}), "HTTP 302"),
        (Answer(200, body={"error": "bad_verification_code"}), "HTTP 200, bad_verification_code"),
        (Answer(200, body="<html>"), "answered without an access_token"),
        (Answer(200, body={"access_token": ["x"]}), "answered without an access_token"),
        (Answer(200, body={"access_token": "line\nbreak"}), "gave a token that no header can carry"),
    ],
)
def test_a_refusal_of_the_authorization_server_halts(setup, kind, answer, told):
    """It is of no use to go on, and nothing was sent; its own words are told, without the secret."""
    with MisbehavingApi() as api, MisbehavingApi(lambda *_: answer) as tokens:
        setup(api, tokens)
        with pytest.raises(DeliveryFailed) as failed:
            run(crm(kind, workers=2), rows=5)

    assert told in str(failed.value)
    assert "hint: " in str(failed.value)
    assert SESAME not in str(failed.value)
    assert isinstance(failed.value.__cause__, Halt)
    assert failed.value.info.total.pending == 5
    assert api.requests == []


def test_a_token_in_an_answer_is_masked(setup):
    """A server that repeats the token that it was shown gives nothing away."""
    with (
        MisbehavingApi(lambda _, request: Answer(422, body=request.headers["authorization"])) as api,
        MisbehavingApi(lambda *_: given()) as tokens,
    ):
        setup(api, tokens)
        pipeline = sinkkit.pipeline("p", destination=crm("sync", on_reject="keep"), progress="off")
        pipeline.run([{"a": 1}], table_name="t")

    [row] = pipeline.rejected()
    assert row.reason == "HTTP 422: Bearer ***"


@pytest.mark.parametrize("kind", KINDS)
def test_asking_for_a_token_is_no_part_of_the_call(setup, kind):
    """A refusal of the request that followed is definite: the token's request has changed nothing."""
    with MisbehavingApi([Answer(422)]) as api, MisbehavingApi(lambda *_: given()) as tokens:
        setup(api, tokens)
        info = run(crm(kind, on_reject="keep"), rows=1)

    assert (info.total.rejected, len(tokens.requests)) == (1, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_refresh_token_gets_access(setup, kind):
    """Without a password of the service, where the server asks for none."""
    with MisbehavingApi() as api, MisbehavingApi(lambda *_: given()) as tokens:
        setup(api, tokens, type="oauth2_refresh_token", client_secret=None, refresh_token="refresh-sesame")
        info = run(crm(kind), rows=2)

    assert form(tokens.requests[0]) == {"grant_type": "refresh_token", "refresh_token": "refresh-sesame", "client_id": "loader"}
    assert info.total.delivered == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_rehearsal_asks_for_no_token(setup, kind):
    """Nothing is sent anywhere, and the request is shown with a mask in the token's place."""
    with MisbehavingApi() as api, MisbehavingApi(lambda *_: given()) as tokens:
        setup(api, tokens)
        found = rehearse(crm(kind), [{"a": 1}], Intake.of(TableArguments("t"), None, None), pipeline="p", batches=1)

    assert dict(found.batches[0].requests[0].headers)["authorization"] == "***"
    assert [api.requests, tokens.requests] == [[], []]
