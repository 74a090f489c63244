"""AWS Secrets Manager: against moto's server, and against a server that refuses."""

from __future__ import annotations

import json
import traceback
import urllib.request

import pytest

from sinkkit.errors import ConfigError
from sinkkit.settings.credentials import ConnectionString
from sinkkit.settings.providers.aws_secrets import SecretsManager, from_argument
from sinkkit.settings.providers.registry import made
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.secret import Secret
from sinkkit.settings.wanted import MISSING, Wanted
from sinkkit.testing import Answer, MisbehavingApi

CRM = ("destination", "crm")

ACCOUNT = '{ "type":"service_account",  "private_key": "MIIEvQ-4711" }'


@pytest.fixture(autouse=True)
def account(monkeypatch, tmp_path):
    """Made-up credentials and a region, and nothing of the machine's own."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test-secret",
        "AWS_SESSION_TOKEN": "test-session-token",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def moto():
    """The address of moto's server."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def store(moto, monkeypatch):
    """Puts secrets into an account without any."""
    import boto3

    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    urllib.request.urlopen(urllib.request.Request(f"{moto}/moto-api/reset", method="POST")).close()
    client = boto3.client("secretsmanager")

    def put(name, value):
        content = {"SecretBinary": value} if isinstance(value, bytes) else {"SecretString": value if isinstance(value, str) else json.dumps(value)}
        client.create_secret(Name=name, **content)

    put.client = client
    return put


def test_a_secret_for_each_setting(store):
    """The text of a secret whose name is the path is the value, JSON or not."""
    store("team/destination/crm/api_key", "{abcdefgh")
    store("team/destination/crm/port", "5432")
    provider = made("aws:team")
    resolver = Resolver("crm", providers=[provider])
    resolved = resolver.resolve([Wanted("api_key", Secret), Wanted("port", int)])

    assert resolved.values == {"api_key": Secret("{abcdefgh"), "port": 5432}
    assert resolved.found[0].place == "team/destination/crm/api_key in AWS Secrets Manager"
    assert resolver.peek("url", str) is MISSING


def test_a_secret_for_each_destination(store):
    """A JSON secret named as a section gives all settings of it, nested ones too."""
    store("sinkkit/destination/crm", {"api_key": "abcdefgh", "port": 5432, "db": {"host": "h", "password": "ijklmnop"}, "none": None})
    provider = made("aws")
    resolver = Resolver("crm", providers=[provider])
    wanted = [Wanted("api_key", Secret), Wanted("port", int), Wanted("db", ConnectionString)]
    resolver.explicit = {"db": {"drivername": "postgresql"}}

    assert provider.get(CRM)["port"] == 5432
    assert provider.get((*CRM, "db")) == {"host": "h", "password": "ijklmnop"}
    assert provider.get((*CRM, "none")) is None
    values = resolver.resolve(wanted).values
    assert (values["api_key"], values["port"]) == (Secret("abcdefgh"), 5432)
    assert values["db"].reveal() == "postgresql://:ijklmnop@h"


def test_one_secret_for_everything(store):
    """A JSON secret named as the prefix holds all; no other is looked at."""
    store("sinkkit", {"destination": {"crm": {"api_key": "abcdefgh"}}})
    store("sinkkit/destination/crm", {"api_key": "ijklmnop", "url": "https://x"})
    provider = made("aws:sinkkit")

    assert provider.get((*CRM, "api_key")) == "abcdefgh"
    assert provider.get((*CRM, "url")) is None


def test_sections_lie_over_each_other(store):
    """What the secret nearest the prefix does not have is looked for in the next."""
    store("sinkkit/destination", {"region": "eu", "crm": {"region": "us"}})
    store("sinkkit/destination/crm", {"region": "ap", "url": "https://x"})
    resolver = Resolver("crm", providers=[made("aws")])

    assert (resolver.peek("region", str), resolver.peek("url", str)) == ("us", "https://x")


@pytest.mark.parametrize(
    ("kind", "marked", "expected"),
    [
        (Secret, False, Secret(ACCOUNT)),
        (Secret[str], False, Secret(ACCOUNT)),
        (Secret | None, False, Secret(ACCOUNT)),
        (str, False, ACCOUNT),
        (str, True, ACCOUNT),
        (bytes, False, ACCOUNT.encode()),
        (dict, False, json.loads(ACCOUNT)),
        (Secret[dict], False, Secret(json.loads(ACCOUNT))),
    ],
    ids=str,
)
def test_a_json_secret_is_text_where_text_is_asked_for(store, kind, marked, expected):
    """The key of a service account is given as it is written there, or as a table to what takes one; the key in it is masked."""
    store("sinkkit/destination/crm/account", ACCOUNT)
    resolver = Resolver("crm", providers=[made("aws")])
    resolved = resolver.resolve([Wanted("account", kind, secret=marked)])

    assert resolved.values == {"account": expected}
    assert [entry for entry in resolved.found if "MIIEvQ-4711" in entry.shown] == []
    assert resolver.redactor.text("the key MIIEvQ-4711") == "the key ***"


def test_the_next_run_sees_what_changed(store):
    """Values are kept for one run, not longer."""
    store("sinkkit/url", "https://x")
    provider = made("aws")
    first = Resolver("crm", providers=[provider])
    assert first.peek("url", str) == "https://x"
    store.client.put_secret_value(SecretId="sinkkit/url", SecretString="https://y")

    assert first.peek("url", str) == "https://x"
    assert Resolver("crm", providers=[provider]).peek("url", str) == "https://y"


@pytest.mark.parametrize(
    ("argument", "prefix", "region"),
    [(None, "sinkkit", None), ("team", "team", None), ("team/prod/@us-east-1", "team/prod", "us-east-1"), ("@eu-west-3", "sinkkit", "eu-west-3"), ("team@", "team", None)],
)
def test_the_argument_names_prefix_and_region(argument, prefix, region):
    """What follows the last ``@`` is the region."""
    provider = from_argument(argument)

    assert (provider.prefix, provider.region) == (prefix, region)


def test_the_region_of_the_argument_is_asked(store):
    """A secret in one region is not seen in another."""
    store("sinkkit/url", "https://x")

    assert made("aws:sinkkit@eu-central-1").get(("url",)) == "https://x"
    assert made("aws:sinkkit@us-east-1").get(("url",)) is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("sinkkit/url", b"hunter22\xff", "the secret sinkkit/url in AWS Secrets Manager is binary"),
        ("sinkkit/destination", '{"a": "hunter22",}', "the secret sinkkit/destination in AWS Secrets Manager is no JSON object"),
        ("sinkkit", '{"a": "hunter22"', "the secret sinkkit in AWS Secrets Manager is no JSON object"),
    ],
)
def test_content_that_cannot_be_used_is_said(store, name, value, message):
    """A binary secret and broken JSON are errors that name the secret and repeat nothing of it."""
    store(name, value)
    with pytest.raises(ConfigError, match=message) as caught:
        Resolver("crm", providers=[made("aws")]).peek("url", str)

    assert "hunter22" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_secret_that_is_to_be_deleted_is_said(store):
    """A secret scheduled for deletion is no missing one."""
    store("sinkkit/url", "https://x")
    store.client.delete_secret(SecretId="sinkkit/url")
    with pytest.raises(ConfigError, match=r"sinkkit/url cannot be read .* InvalidRequestException") as caught:
        made("aws").get(("url",))

    assert "scheduled for deletion" in caught.value.hint


def refused(code, message=""):
    """The answer of AWS that refuses."""
    return Answer(400, body={"__type": code, "Message": message})


def asked(api):
    """The names of the secrets that were asked for."""
    return [json.loads(request.body)["SecretId"] for request in api.requests]


def test_each_secret_is_asked_for_once(monkeypatch):
    """Secrets that do not exist are asked for once a run, those above a setting too; names that cannot be are not asked for."""
    with MisbehavingApi(lambda _number, _request: refused("ResourceNotFoundException")) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL", api.url)
        resolver = Resolver("crm", providers=[SecretsManager()])
        for name in ("url", "size", "url", "größe"):
            assert resolver.peek(name, str) is MISSING

    assert asked(api) == [
        "sinkkit", "sinkkit/destination", "sinkkit/destination/crm", "sinkkit/destination/crm/url", "sinkkit/destination/url", "sinkkit/url",
        "sinkkit/destination/crm/size", "sinkkit/destination/size", "sinkkit/size",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("AccessDeniedException", "secretsmanager:GetSecretValue"),
        ("ThrottlingException", "run again later"),
        ("ExpiredTokenException", "credentials of AWS"),
        ("InvalidSignatureException", "credentials of AWS"),
        ("DecryptionFailure", "kms:Decrypt"),
        ("SomethingNewException", "reaches AWS"),
    ],
)
def test_a_refusal_is_said_and_is_no_missing_secret(monkeypatch, code, hint):
    """What AWS refuses is one error that names the secret and the code; it is not asked again and not taken for "not there"."""
    with MisbehavingApi(lambda _number, _request: refused(code, "the canonical string was test-session-token" if "Signature" in code else "no")) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL", api.url)
        resolver = Resolver("crm", providers=[made("aws:team@eu-west-1")])
        for _ in range(3):
            with pytest.raises(ConfigError, match=rf"the secret team cannot be read from AWS Secrets Manager \(eu-west-1\): {code}") as caught:
                resolver.resolve([Wanted("url", str), Wanted("api_key", Secret)])

    assert hint in caught.value.hint
    shown = "".join(traceback.format_exception(caught.value))
    assert [word for word in ("test-session-token", "botocore", "KeyError") if word in shown] == []
    assert asked(api) == ["team"]


def test_no_way_to_aws_is_said(monkeypatch):
    """Without network there is one error, after one attempt."""
    with MisbehavingApi() as api:
        pass
    monkeypatch.setenv("AWS_ENDPOINT_URL", api.url)
    with pytest.raises(ConfigError, match=r"the secret sinkkit cannot be read .*EndpointConnectionError") as caught:
        made("aws").get(("url",))

    assert "AWS_ENDPOINT_URL" in caught.value.hint


@pytest.mark.parametrize(
    ("setting", "value", "kind", "hint"),
    [
        ("AWS_ACCESS_KEY_ID", None, "NoCredentialsError", "credentials of AWS"),
        ("AWS_PROFILE", "nobody", "ProfileNotFound", "credentials of AWS"),
        ("AWS_DEFAULT_REGION", None, "NoRegionError", "aws:PREFIX@"),
        ("AWS_DEFAULT_REGION", "not a region", "InvalidRegionError", "aws:PREFIX@"),
    ],
)
def test_an_incomplete_setup_is_said(monkeypatch, setting, value, kind, hint):
    """Missing credentials, an unknown profile, no region and an impossible one are errors that say what to set."""
    monkeypatch.delenv(setting) if value is None else monkeypatch.setenv(setting, value)
    with pytest.raises(ConfigError, match=f"the secret sinkkit cannot be read .*: {kind}") as caught:
        made("aws").get(("url",))

    assert hint in caught.value.hint
