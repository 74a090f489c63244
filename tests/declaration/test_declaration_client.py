"""The injected HTTP client: what config says of it, the keys it carries, and what it remembers of a call."""

from __future__ import annotations

import httpx
import pytest

import sinkkit
from sinkkit import Outcome, Retry
from sinkkit.declaration.client.client_settings import client_plan
from sinkkit.errors import ConfigError, DeliveryFailed
from sinkkit.testing import Answer, Drop, MisbehavingApi

QUICK = Retry(attempts=3, first_wait=0.001, longest_wait=0.002)


@pytest.fixture
def api(monkeypatch):
    """A server to which destinations called ``crm`` send."""
    with MisbehavingApi() as running:
        monkeypatch.setenv("DESTINATION__CRM__HTTP__BASE_URL", f"{running.url}/v2")
        yield running


def run(destination, rows=None, **settings):
    """One run; the report."""
    pipeline = sinkkit.pipeline("p", destination=destination, progress="off", **settings)
    return pipeline.run(rows or [{"a": number} for number in range(4)], table_name="t")


def test_base_url_headers_and_more_come_from_config(api, tmp_path):
    """They stand under [destination.NAME.http], joined from all places; a function adds its own."""
    (tmp_path / ".sinkkit").mkdir()
    (tmp_path / ".sinkkit" / "config.toml").write_text(
        '[destination.crm.http]\ntimeout = 7\ntrust_env = false\nparams = {team = "x"}\nheaders = {X-Team = "crm", X-Level = 3}\n'
    )
    seen = []

    @sinkkit.destination
    def crm(items, table, http: httpx.Client):
        seen.append(http.timeout.read)
        http.post("/contacts", json=items, headers={"X-Own": "1"}).raise_for_status()

    run(crm)

    [request] = api.requests
    assert [request.headers[name] for name in ("x-team", "x-level", "x-own", "content-type")] == [
        "crm",
        "3",
        "1",
        "application/json",
    ]
    assert request.headers["user-agent"].startswith("sinkkit/")
    assert request.path == "/v2/contacts?team=x"
    assert seen == [7.0]


def test_the_call_s_timeout_is_the_client_s(api):
    """A destination's ``timeout`` goes before that of the section."""
    seen = []

    @sinkkit.destination(timeout=3)
    def crm(items, table, http: httpx.Client):
        seen.append(http.timeout.connect)

    run(crm)

    assert seen == [3]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_every_call_carries_its_key_and_further_requests_derived_ones(api, kind):
    """Only requests that change something carry a key: the batch's own, then the batch's with a number."""
    keys = []

    @sinkkit.destination(idempotency_header="Idempotency-Key", workers=1, batch_size=2)
    def crm(items, table, http: httpx.Client, batch: sinkkit.Batch):
        keys.append(batch.key)
        http.get("/about")
        http.post("/a", json=items).raise_for_status()
        http.put("/b", json=[]).raise_for_status()

    @sinkkit.destination(name="crm", idempotency_header="Idempotency-Key", workers=1, batch_size=2)
    async def crm_async(items, table, http: httpx.AsyncClient, batch: sinkkit.Batch):
        keys.append(batch.key)
        await http.get("/about")
        (await http.post("/a", json=items)).raise_for_status()
        (await http.put("/b", json=[])).raise_for_status()

    run(crm if kind == "sync" else crm_async)

    assert [request.key for request in api.requests] == [None, keys[0], f"{keys[0]}-2", None, keys[1], f"{keys[1]}-2"]
    assert api.received == [{"a": 0}, {"a": 1}, {"a": 2}, {"a": 3}]


def test_a_retry_carries_the_same_key(monkeypatch):
    """After a lost answer the same rows go out under the same key, and the server takes them once."""
    with MisbehavingApi([Drop.after], honours_keys=True) as api:
        monkeypatch.setenv("DESTINATION__CRM__HTTP__BASE_URL", api.url)

        @sinkkit.destination(idempotency_header="Idempotency-Key", retry=QUICK)
        def crm(items, table, http: httpx.Client):
            http.post("/", json=items).raise_for_status()

        info = run(crm)

    assert len(api.requests) == 2
    assert api.requests[0].key == api.requests[1].key
    assert len(api.received) == 4
    assert info.tables["t"].resent == 4


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_failure_after_a_success_is_ambiguous(monkeypatch, kind):
    """Once a request of the call has changed something, a later refusal is no proof that nothing arrived."""
    with MisbehavingApi(lambda number, request: Answer(422) if request.path == "/b" else None) as api:
        monkeypatch.setenv("DESTINATION__CRM__HTTP__BASE_URL", api.url)

        @sinkkit.destination(retry=Retry(attempts=1), on_reject="keep")
        def crm(items, table, http: httpx.Client):
            http.post("/a", json=items).raise_for_status()
            http.post("/b", json=items).raise_for_status()

        @sinkkit.destination(name="crm", retry=Retry(attempts=1), on_reject="keep")
        async def crm_async(items, table, http: httpx.AsyncClient):
            (await http.post("/a", json=items)).raise_for_status()
            (await http.post("/b", json=items)).raise_for_status()

        with pytest.raises(DeliveryFailed) as failed:
            run(crm if kind == "sync" else crm_async)

    counts = failed.value.info.tables["t"]
    assert [counts.unknown, counts.rejected, counts.pending] == [4, 0, 0]


def test_a_refusal_of_the_first_request_is_definite(monkeypatch):
    """Reading before does not make it ambiguous."""
    with MisbehavingApi(lambda number, request: Answer(422) if request.method == "POST" else None) as api:
        monkeypatch.setenv("DESTINATION__CRM__HTTP__BASE_URL", api.url)

        @sinkkit.destination(on_reject="keep")
        def crm(items, table, http: httpx.Client):
            http.get("/a").raise_for_status()
            http.post("/b", json=items).raise_for_status()

        info = run(crm)

    assert info.tables["t"].rejected == 4


def test_a_probe_asks_without_a_key(monkeypatch):
    """What a probe sends is no part of the batch's call, and must not be taken for it."""
    with MisbehavingApi([Drop.after]) as api:
        monkeypatch.setenv("DESTINATION__CRM__HTTP__BASE_URL", api.url)

        @sinkkit.destination(idempotency_header="Idempotency-Key", on_unknown="probe", retry=QUICK)
        def crm(items, table, http: httpx.Client):
            http.post("/rows", json=items).raise_for_status()

        @crm.probe
        def arrived(batch: sinkkit.Batch, http: httpx.Client):
            http.post("/search", json={"key": batch.key}).raise_for_status()
            return Outcome()

        info = run(crm)

    assert [(request.path, request.key is None) for request in api.requests] == [("/rows", False), ("/search", True)]
    assert info.tables["t"].delivered == 4


@pytest.mark.parametrize("probed", ["sync", "async"])
def test_a_probe_may_be_a_coroutine(probed):
    """Also where the destination itself is none."""
    attempts = []

    @sinkkit.destination(on_unknown="probe", retry=QUICK)
    def crm(items, table):
        attempts.append(len(items))
        raise TimeoutError

    if probed == "async":

        @crm.probe
        async def arrived(batch):
            return Outcome()
    else:

        @crm.probe
        def arrived_plainly(batch):
            return Outcome()

    assert run(crm).tables["t"].delivered == 4
    assert attempts == [4]


def test_a_content_type_from_config_stays(api, monkeypatch):
    """An API that wants its own type of JSON gets it."""
    monkeypatch.setenv("DESTINATION__CRM__HTTP__HEADERS", '{"Content-Type": "application/vnd.api+json"}')

    @sinkkit.destination
    def crm(items, table, http: httpx.Client):
        http.post("/", json=items).raise_for_status()

    run(crm)

    assert api.requests[0].headers["content-type"] == "application/vnd.api+json"


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"base_url": "example.com"}, "http.base_url is not a URL with a host"),
        ({"base_url": "ftp://example.com"}, "http.base_url is not a URL with a host"),
        ({"base_url": "http://[::1"}, "http.base_url is not a URL with a host"),
        ({"headers": "X-Team: crm"}, "http.headers is not a table of texts"),
        ({"headers": {"X": ["a"]}}, "http.headers is not a table of texts"),
        ({"timeout": -1}, "http.timeout is not a number of seconds"),
        ({"verify": "/no/such.pem"}, "http.verify is neither true nor false nor a file"),
        ({"trust_env": "perhaps"}, "http.trust_env is neither true nor false"),
        ({"proxy": "gopher://x"}, "http.proxy is not the URL of a proxy"),
        ({"base_urll": "x"}, "the HTTP client has no setting 'base_urll'"),
    ],
)
def test_impossible_settings_of_the_client_are_named(section, message):
    """Before anything is extracted, and without their value, which may hold a password."""
    with pytest.raises(ConfigError) as refused:
        client_plan(section, timeout=None, workers=1)
    assert message in refused.value.message
    assert refused.value.hint


def test_the_client_is_shared_and_closed_in_the_end(api):
    """One client serves all workers of a load."""
    seen = []

    @sinkkit.destination(batch_size=1, workers=4)
    def crm(items, table, http: httpx.Client):
        seen.append(http)
        http.post("/", json=items).raise_for_status()

    run(crm)

    assert len({id(client) for client in seen}) == 1
    assert seen[0].is_closed


def test_a_password_in_a_url_is_masked(monkeypatch):
    """The client repeats URLs in its errors; no text of ours repeats the password."""
    with MisbehavingApi([Answer(422)]) as api:
        monkeypatch.setenv("DESTINATION__CRM__HTTP__BASE_URL", api.url.replace("//", "//loader:hunter2-of-old@"))

        @sinkkit.destination
        def crm(items, table, http: httpx.Client):
            http.post("/", json=items).raise_for_status()

        with pytest.raises(DeliveryFailed) as failed:
            run(crm)

    assert "hunter2" not in f"{failed.value} {failed.value.__cause__!r} {failed.value.__cause__}"
