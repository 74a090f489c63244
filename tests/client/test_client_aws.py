"""AWS Signature Version 4: AWS's own published examples, botocore's signatures, and moto's server, which checks them."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import urllib.request
from urllib.parse import quote

import attrs
import httpx
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

import sinkkit
from sinkkit.credentials import AwsSignature
from sinkkit.declaration.client.auth.flows import aws_headers
from sinkkit.declaration.client.auth.sigv4 import Signed, authorization, canonical_path
from sinkkit.errors import ConfigError, DeliveryFailed

EMPTY = hashlib.sha256(b"").hexdigest()

SUITE = AwsSignature("service", "us-east-1", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
IAM = attrs.evolve(SUITE, service="iam")
S3 = AwsSignature("s3", "us-east-1", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

SUITE_TIME, S3_TIME = "20150830T123600Z", "20130524T000000Z"
HOST = {"host": "example.amazonaws.com", "x-amz-date": SUITE_TIME}
FORM = {**HOST, "content-type": "application/x-www-form-urlencoded"}
BUCKET = {"host": "examplebucket.s3.amazonaws.com", "x-amz-date": S3_TIME, "x-amz-content-sha256": EMPTY}

PUBLISHED = {
    "get-vanilla": (SUITE, Signed("GET", "/", "", HOST, EMPTY), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    "get-vanilla-query-order-key-case": (
        SUITE,
        Signed("GET", "/", "Param2=value2&Param1=value1", HOST, EMPTY),
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    "post-vanilla": (SUITE, Signed("POST", "/", "", HOST, EMPTY), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    "post-x-www-form-urlencoded": (
        SUITE,
        Signed("POST", "/", "", FORM, hashlib.sha256(b"Param1=value1").hexdigest()),
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
    "ListUsers of IAM": (
        IAM,
        Signed(
            "GET",
            "/",
            "Action=ListUsers&Version=2010-05-08",
            {"host": "iam.amazonaws.com", "x-amz-date": SUITE_TIME, "content-type": "application/x-www-form-urlencoded; charset=utf-8"},
            EMPTY,
        ),
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    ),
    "GET of an object in S3": (
        S3,
        Signed("GET", "/test.txt", "", {**BUCKET, "range": "bytes=0-9"}, EMPTY),
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    "lifecycle of a bucket in S3": (
        S3,
        Signed("GET", "/", "lifecycle", BUCKET, EMPTY),
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    ),
    "list of a bucket in S3": (
        S3,
        Signed("GET", "/", "max-keys=2&prefix=J", BUCKET, EMPTY),
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_examples_that_aws_publishes(name):
    """Those of the signing test suite, of the guide for IAM, and of the guide for S3."""
    keys, request, signature = PUBLISHED[name]
    when = request.headers["x-amz-date"]

    assert authorization(request, keys, when) == (
        f"AWS4-HMAC-SHA256 Credential={keys.access_key_id}/{when[:8]}/us-east-1/{keys.service}/aws4_request, "
        f"SignedHeaders={';'.join(sorted(request.headers))}, Signature={signature}"
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/", "/"), ("/a/../b", "/b"), ("/./", "/"), ("//a//b/", "/a/b/"), ("/a%20b", "/a%2520b"), ("/..", "/"), ("/a/.", "/a/"), ("", "/")],
)
def test_paths_have_one_form(path, expected):
    """Of all services but S3."""
    assert canonical_path(path, "execute-api") == expected


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8)


@given(
    service=st.sampled_from(["sqs", "s3", "execute-api"]),
    path=st.lists(TEXT.filter(lambda text: text not in {".", ".."}), max_size=3),
    params=st.lists(st.tuples(TEXT, TEXT), max_size=3),
    body=st.binary(max_size=20),
    token=st.none() | st.just("session-token-1"),
)
def test_signatures_are_those_of_botocore(service, path, params, body, token):
    """For any path, query and body that are encoded as AWS wants them."""
    keys = AwsSignature(service, "eu-central-1", "AKIDEXAMPLE", "sesame-sesame", token)
    plain = functools.partial(quote, safe="-_.~")
    url = f"https://api.example.com/{'/'.join(map(plain, path))}"
    if params:
        url += "?" + "&".join(f"{plain(name)}={plain(value)}" for name, value in params)
    request = httpx.Request("POST", url, content=body, headers={"Content-Type": "application/json"})

    request.headers.update(aws_headers(keys, request, 1_700_000_000.0))
    other = AWSRequest("POST", str(request.url), data=body, headers={"Content-Type": "application/json", "Host": "api.example.com"})
    other.context["timestamp"] = "20231114T221320Z"
    other.headers["X-Amz-Date"] = "20231114T221320Z"
    if token:
        other.headers["X-Amz-Security-Token"] = token
    auth = (S3SigV4Auth if service == "s3" else SigV4Auth)(Credentials("AKIDEXAMPLE", "sesame-sesame", token), service, "eu-central-1")
    if service == "s3":
        other.headers["X-Amz-Content-SHA256"] = auth.payload(other)
    told = auth.signature(auth.string_to_sign(other, auth.canonical_request(other)), other)

    assert request.headers["authorization"].rpartition("Signature=")[2] == told


@pytest.fixture(scope="module")
def moto():
    """The address of moto's server, which checks signatures when told to."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def asked(url, body=b""):
    """A request to moto's own interface."""
    with urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "text/plain"}, method="POST")) as answer:
        return answer.read()


@pytest.fixture
def account(moto):
    """Keys of a user that may do everything, on a moto that believes nobody without a good signature."""
    import boto3

    asked(f"{moto}/moto-api/reset")
    asked(f"{moto}/moto-api/reset-auth", b"1000")
    plain = {"endpoint_url": moto, "region_name": "eu-central-1", "aws_access_key_id": "x", "aws_secret_access_key": "y"}
    iam, queues = boto3.client("iam", **plain), boto3.client("sqs", **plain)
    iam.create_user(UserName="loader")
    rules = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_user_policy(UserName="loader", PolicyName="all", PolicyDocument=json.dumps(rules))
    key = iam.create_access_key(UserName="loader")["AccessKey"]
    queue = queues.create_queue(QueueName="rows")["QueueUrl"]
    asked(f"{moto}/moto-api/reset-auth", b"0")
    yield {"key": key, "queue": queue, "moto": moto, "queues": queues}
    asked(f"{moto}/moto-api/reset-auth", b"1000000")


def to_queue(queue):
    """A destination that sends each batch as one message to SQS."""

    @sinkkit.destination(name="queue", batch_size=2)
    def send(items, http: httpx.Client):
        headers = {"X-Amz-Target": "AmazonSQS.SendMessage", "Content-Type": "application/x-amz-json-1.0"}
        body = {"QueueUrl": queue, "MessageBody": json.dumps(items)}
        http.post("/", json=body, headers=headers).raise_for_status()

    return send


def configure(monkeypatch, account, **keys):
    """Settings of the destination ``queue``."""
    monkeypatch.setenv("DESTINATION__QUEUE__HTTP__BASE_URL", account["moto"])
    given = {"type": "aws_sigv4", "service": "sqs", "region": "eu-central-1", **keys}
    for name, value in given.items():
        monkeypatch.setenv(f"DESTINATION__QUEUE__HTTP__AUTH__{name.upper()}", value)


def test_moto_takes_what_was_signed(account, monkeypatch):
    """Rows arrive in a queue, sent with keys that the environment holds by AWS's own names."""
    configure(monkeypatch, account)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account["key"]["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", account["key"]["SecretAccessKey"])

    info = sinkkit.pipeline("p", destination=to_queue(account["queue"]), progress="off").run([{"n": n} for n in range(4)], table_name="t")

    asked(f"{account['moto']}/moto-api/reset-auth", b"1000000")
    queue = account["queues"].get_queue_attributes(QueueUrl=account["queue"], AttributeNames=["ApproximateNumberOfMessages"])
    assert info.total.delivered == 4
    assert queue["Attributes"]["ApproximateNumberOfMessages"] == "2"


def test_moto_refuses_another_key(account, monkeypatch):
    """A wrong key halts the run, and stands in no text."""
    configure(monkeypatch, account, access_key_id=account["key"]["AccessKeyId"], secret_access_key="not-the-right-key")

    with pytest.raises(DeliveryFailed) as failed:
        sinkkit.pipeline("p", destination=to_queue(account["queue"]), progress="off").run([{"n": 1}], table_name="t")

    assert failed.value.info.total.pending == 1
    assert "403" in str(failed.value)
    assert "not-the-right-key" not in str(failed.value)


@pytest.mark.parametrize(
    ("fields", "environment", "told"),
    [
        ({}, {}, "region (or AWS_REGION) and access_key_id (or AWS_ACCESS_KEY_ID) is missing"),
        ({"region": "x"}, {"AWS_ACCESS_KEY_ID": "AKID"}, "secret_access_key is missing beside its other half"),
        ({"access_key_id": "AKID"}, {}, "secret_access_key is missing beside its other half"),
        ({"region": "x\n"}, {}, "the region holds a character"),
    ],
)
def test_what_is_missing_of_a_key_is_named(fields, environment, told):
    """Config and environment may each hold the whole of a key, never half of it."""
    with pytest.raises(ConfigError, match=r"missing|character") as refused:
        AwsSignature("sqs", **fields).completed(environment)

    assert told in refused.value.message


def test_keys_are_taken_from_one_place():
    """A session token in the environment does not belong to a key in config."""
    environment = {"AWS_REGION": "a", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "sesame", "AWS_SESSION_TOKEN": "token"}

    own = AwsSignature("sqs", None, "OTHER", "sesame-2").completed(environment)
    taken = AwsSignature("sqs", "b").completed(environment)

    assert (own.region, own.access_key_id, own.session_token) == ("a", "OTHER", None)
    assert (taken.region, taken.access_key_id, taken.session_token.reveal()) == ("b", "AKID", "token")
