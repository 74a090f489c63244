"""Law L7 with secrets drawn by Hypothesis: whatever stage fails with one, no form of it is said or stored."""

from __future__ import annotations

import tempfile
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from telling import SECRETS, Talkative, assert_hidden, everything_said, few, told_by

import sinkkit
from sinkkit import Halt, Outcome, Reject, Rejected, RetryLater, Secret
from sinkkit.testing import Answer, MisbehavingApi


def noted(secret):
    error = Talkative("x")
    error.add_note(secret)
    error.request = secret
    error.__cause__ = ValueError(KeyError(secret))
    return error


def status(secret):
    request = httpx.Request("POST", f"https://crm.test/{quote(secret, safe='')}", params={"key": secret}, headers={"X": quote(secret)})
    return httpx.HTTPStatusError(f"400 for {request.url}", request=request, response=httpx.Response(400, text=f"bad {secret}", request=request))


RAISED = {
    "reject": Reject,
    "halt with a hint": lambda secret: Halt("no", hint=f"use {secret}"),
    "later": RetryLater,
    "bug": lambda secret: Talkative(f"bad {secret}", {"key": [secret]}),
    "notes and chain": noted,
    "status": status,
    "timeout": lambda secret: httpx.ReadTimeout(f"Authorization: Basic {b64encode(f'ann:{secret}'.encode()).decode()}"),
    "refused": lambda secret: ConnectionRefusedError(f"https://ann:{quote(secret, safe='')}@crm.test"),
    "group": lambda secret: ExceptionGroup(secret, [ValueError(secret)]),
    "exit": SystemExit,
    "interrupt": KeyboardInterrupt,
}

ANSWERED = {
    "reasons": lambda secret: Outcome(rejected={0: f"no access with {secret}"}),
    "reported": lambda secret: Outcome.reported([Rejected(secret)] * 3),
    "receipts": lambda secret: Outcome(receipts={0: secret, 1: f"{secret}1"}),
    "numbers": lambda secret: {"n": secret},
    "names of numbers": lambda secret: {secret: 1, f"with {secret}": 2, "ok": 3},
    "names of numbers of an outcome": lambda secret: Outcome(metrics={quote(secret): 1.5}),
    "wrong row": lambda secret: Outcome(rejected={secret: "x"}),
    "no answer": lambda secret: [secret],
}


@pytest.mark.parametrize("policy", ["halt", "bisect"])
@pytest.mark.parametrize("way", RAISED)
@few
@given(secret=SECRETS)
def test_whatever_a_function_raises(way, policy, secret):
    """At each attempt, under each policy, whatever is raised with the secret in it."""

    @sinkkit.destination(batch_size=3, durability="process", workers=1, retry=sinkkit.Retry(attempts=2, first_wait=0.0), on_reject=policy)
    def sink(items, api_key: Secret):
        raise RAISED[way](api_key.reveal())

    with tempfile.TemporaryDirectory() as folder:
        said = []
        try:
            said = everything_said(sink(api_key=secret), folder)
        except (KeyboardInterrupt, SystemExit) as error:
            said = told_by(error)
        assert_hidden(secret, said, folder)


@pytest.mark.parametrize("way", ANSWERED)
@few
@given(secret=SECRETS)
def test_whatever_a_function_answers(way, secret):
    """Reasons, receipts, numbers and their names, and what is no answer at all."""

    @sinkkit.destination(batch_size=3, durability="process", workers=1, on_reject="keep")
    def sink(items, api_key: Secret):
        return ANSWERED[way](api_key.reveal())

    with tempfile.TemporaryDirectory() as folder:
        assert_hidden(secret, everything_said(sink(api_key=secret), folder), folder)


def broken_source(secret):
    yield {"id": 1}
    raise Talkative(f"no rows for {secret}")


class Odd:
    """What can neither be kept nor shown without telling."""

    def __init__(self, secret):
        self.secret = secret

    def __repr__(self):
        return self.secret


SOURCES = {
    "raises": broken_source,
    "value": lambda secret: [{"id": 1}, {"id": Odd(secret)}],
    "row": lambda secret: [Odd(secret)],
    "name": lambda secret: [{secret: Odd(secret)}],
    "data": lambda secret: secret,
}


@pytest.mark.parametrize("way", SOURCES)
@few
@given(secret=SECRETS)
def test_whatever_the_source_does(way, secret):
    """A generator that raises with the secret, and values, rows and data that cannot be kept."""

    @sinkkit.destination(batch_size=3, durability="process")
    def sink(items, api_key: Secret):
        """Take anything."""

    with tempfile.TemporaryDirectory() as folder:
        assert_hidden(secret, everything_said(sink(api_key=secret), folder, lambda: SOURCES[way](secret)), folder)


@few
@given(secret=SECRETS)
def test_whatever_the_server_says(secret):
    """A server that repeats the key in the body and in the headers of its refusal, and a client that cannot send it."""
    answers = [Answer(400, body=f"bad key {secret} {quote(secret, safe='')}", headers={"X-Key": quote(secret)})] * 4
    with MisbehavingApi(answers) as api, tempfile.TemporaryDirectory() as folder:

        @sinkkit.destination(batch_size=3, durability="process", on_reject="keep")
        def sink(items, http: httpx.Client, api_key: Secret, mode: str):
            if mode == "header":
                http.post(api.url, headers={"X-Key": f"{api_key.reveal()}\n"})
            url = f"{api.url}/{quote(api_key.reveal(), safe='')}"
            http.post(url, json=items, params={"key": api_key.reveal()}, auth=("ann", api_key.reveal())).raise_for_status()

        for mode in ("query", "header"):
            said = everything_said(sink(api_key=secret, mode=mode), Path(folder) / mode)
            assert_hidden(secret, said, folder)


@pytest.mark.parametrize("what", ["package", "journal"])
@few
@given(secret=SECRETS)
def test_whatever_is_broken_on_disk(what, secret):
    """After a failure that told the secret, damaged state is reported without it."""

    @sinkkit.destination(batch_size=1, durability="process", workers=1, retry=sinkkit.Retry(attempts=1))
    def sink(items, api_key: Secret):
        raise RetryLater(api_key.reveal())

    with tempfile.TemporaryDirectory() as folder:
        said = everything_said(sink(api_key=secret), folder)
        for path in sorted(Path(folder).rglob("journal.db*" if what == "journal" else "*")):
            if path.is_file() and (what == "journal" or "journal" not in path.name):
                path.write_bytes(b"\0" * 64)
        said += everything_said(sink(api_key=secret), folder)
        assert_hidden(secret, said, folder)
