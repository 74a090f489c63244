"""Law L7: no secret reaches the disk, a log, an error, a repr or a report, whatever fails and quotes it."""

from __future__ import annotations

import logging
import traceback
from base64 import b64encode
from urllib.parse import quote

import httpx
import pytest

import sinkkit
from sinkkit import Halt, Outcome, Reject, RetryLater, Secret
from sinkkit.errors import DeliveryFailed, RedactedError
from sinkkit.testing import Answer, MisbehavingApi

SECRETS = ["hunter2-s3cr3t", "pass word/with+signs&=", "two\n  lines of secret", "äöü-gehéim-123", 'quo"te\\back-123']


class Talkative(Exception):
    """A user's error that tells everything."""


def nested(secret):
    """An error with the secret in its cause, its context, its notes and its arguments."""
    outer = ValueError("outer")
    outer.__cause__ = outer.__context__ = KeyError(secret)
    outer.add_note(f"the key was {secret}")
    return outer


def status(code, secret):
    """A status error whose URL and body quote the secret, at the end of what is kept of a body too."""
    request = httpx.Request("POST", "http://crm.test/rows", params={"key": secret})
    body = f"{'x' * 2040}{secret} is wrong" if code == 400 else f"key {secret} is wrong"
    return httpx.HTTPStatusError(f"{code} for {request.url}", request=request, response=httpx.Response(code, text=body, request=request))


WAYS = {
    "reject": lambda secret: Reject(f"key {secret} is bad"),
    "retry later": lambda secret: RetryLater(f"key {secret} is busy"),
    "halt": lambda secret: Halt(f"key {secret}"),
    "bug": lambda secret: Talkative(f"failed with {secret}", {"key": secret}),
    "chain": nested,
    "400": lambda secret: status(400, secret),
    "401": lambda secret: status(401, secret),
    "429": lambda secret: status(429, secret),
    "500": lambda secret: status(500, secret),
    "timeout": lambda secret: httpx.ReadTimeout(f"Authorization: Bearer {secret}"),
    "exit": SystemExit,
    "connection": lambda secret: ConnectionError(f"https://user:{quote(secret)}@crm.test"),
    "group": lambda secret: ExceptionGroup("several", [ValueError(secret), KeyError(secret)]),
    "encoded": lambda secret: RuntimeError(f"Basic {b64encode(b'user:' + secret.encode()).decode()}"),
    "type": lambda secret: TypeError(Secret(secret), secret),
}

ANSWERS = {
    "rejected": lambda secret: Outcome(rejected={0: f"no access with {secret}"}),
    "receipts": lambda secret: Outcome(receipts={0: secret}),
    "not an answer": lambda secret: secret,
    "unknown row": lambda secret: Outcome(rejected={secret: "x"}),
    "numbers": lambda secret: Outcome(metrics={"n": secret}),
}


def forms(secret):
    """How a secret may show: plain, on one line, in a URL, in JSON, in base64."""
    return [secret, " ".join(secret.split()), quote(secret), quote(secret, safe=""), repr(secret)[1:-1], b64encode(secret.encode()).decode()[:-4]]


def assert_hidden(secret, texts, folder):
    """No form of the secret is in any of *texts* or in any file of *folder*."""
    shown = [form for form in forms(secret) for text in texts if form in text]
    stored = [
        path.name
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for form in forms(secret)
        for data in [path.read_bytes()]
        if form.encode() in data
    ]
    assert shown == []
    assert stored == []


def told_by(failing, folder, caplog, secret, **options):
    """Run a destination that fails with the secret, and collect everything that it made us say."""

    @sinkkit.destination(batch_size=2, workers=2, retry=sinkkit.Retry(attempts=2, first_wait=0.001), **options)
    def sink(items, batch: sinkkit.Batch, api_key: Secret):
        made = failing(api_key.reveal())
        if isinstance(made, BaseException):
            raise made
        return made

    events = []
    pipeline = sinkkit.pipeline("p", destination=sink(api_key=secret), pipelines_dir=folder, progress=lambda event: events.append(repr(event)))
    logged = sinkkit.pipeline("q", destination=sink(api_key=secret), pipelines_dir=folder, progress="log")
    said = []
    for one in (pipeline, logged):
        try:
            info = one.run([{"id": 1}, {"id": 2}, {"id": 3}], table_name="t")
        except DeliveryFailed as error:
            info = error.info
            said += [*traceback.format_exception(error), repr(error), str(error), repr(error.__cause__), repr(error.__cause__.args)]
        said += [str(info), repr(info), str(info.asdict()), repr(one), repr(one.state()), *map(repr, one.rejected())]
    return said + events + [record.getMessage() for record in caplog.records] + [str(vars(record)) for record in caplog.records]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("way", list(WAYS))
def test_not_with_what_is_raised(tmp_path, caplog, way, secret):
    """Whatever error a function raises, no form of the secret in it gets anywhere."""
    caplog.set_level(logging.DEBUG)
    policy = "keep" if way in {"reject", "400"} else "halt"

    assert_hidden(secret, told_by(WAYS[way], tmp_path, caplog, secret, on_reject=policy), tmp_path)


@pytest.mark.parametrize("way", list(ANSWERS))
def test_not_with_what_is_answered(tmp_path, caplog, way):
    """Nor does a secret in an answer."""
    caplog.set_level(logging.DEBUG)

    assert_hidden(SECRETS[0], told_by(ANSWERS[way], tmp_path, caplog, SECRETS[0]), tmp_path)


def test_a_probe_that_fails_tells_nothing(tmp_path):
    """The error of a probe is cleaned as that of a call."""

    @sinkkit.destination(batch_size=2, workers=1, on_unknown="probe")
    def sink(items, api_key: Secret):
        raise TimeoutError

    @sink.probe
    def arrived(batch, api_key: Secret):
        raise Talkative(api_key.reveal())

    pipeline = sinkkit.pipeline("p", destination=sink(api_key=SECRETS[0]), pipelines_dir=tmp_path, progress="off")
    with pytest.raises(DeliveryFailed) as failed:
        pipeline.run([1], table_name="t")

    assert isinstance(failed.value.__cause__, RedactedError)
    assert_hidden(SECRETS[0], traceback.format_exception(failed.value), tmp_path)


def test_the_name_of_the_error_survives(tmp_path):
    """A dead letter names the type of the error that was raised, although a stand-in speaks for it."""

    @sinkkit.destination(batch_size=2, on_reject="keep")
    def sink(items, api_key: Secret):
        raise Reject(f"not with {api_key.reveal()}")

    pipeline = sinkkit.pipeline("p", destination=sink(api_key=SECRETS[0]), pipelines_dir=tmp_path, progress="off")
    pipeline.run([1], table_name="t")

    assert [(letter.error, letter.reason) for letter in pipeline.rejected()] == [("Reject", "not with ***")]


def test_not_by_way_of_the_injected_client(tmp_path):
    """A server that echoes the key in its refusal does not get it into a dead letter."""
    secret = SECRETS[0]
    with MisbehavingApi([Answer(400, body=f"bad key {secret}")]) as api:

        @sinkkit.destination(batch_size=2, on_reject="keep")
        def sink(items, http: httpx.Client, api_key: Secret):
            http.post(api.url, json=items, params={"key": api_key.reveal()}).raise_for_status()

        pipeline = sinkkit.pipeline("p", destination=sink(api_key=secret), pipelines_dir=tmp_path, progress="off")
        pipeline.run([1], table_name="t")

    assert [letter.reason for letter in pipeline.rejected()] == ["HTTP 400: bad key ***"]
    assert_hidden(secret, [repr(letter) for letter in pipeline.rejected()], tmp_path)
