"""What a destination says when it refuses: kept where the run's end is told, cut to 2 KiB, readable, without secrets."""

from __future__ import annotations

import httpx
import pytest

import sinkkit
from sinkkit.errors import DeliveryFailed
from sinkkit.testing import Answer, MisbehavingApi

SESAME = "open-sesame-47"


def failed(monkeypatch, answer, kind="sync"):
    """The error of a run whose requests get *answer*, with a bearer token in config."""
    with MisbehavingApi(lambda *_: answer) as api:
        monkeypatch.setenv("DESTINATION__CRM__HTTP__BASE_URL", api.url)
        monkeypatch.setenv("DESTINATION__CRM__HTTP__AUTH__TYPE", "bearer")
        monkeypatch.setenv("DESTINATION__CRM__HTTP__AUTH__TOKEN", SESAME)

        @sinkkit.destination(name="crm")
        def send(items, http: httpx.Client):
            http.post("/", json=items).raise_for_status()

        @sinkkit.destination(name="crm")
        async def send_async(items, http: httpx.AsyncClient):
            (await http.post("/", json=items)).raise_for_status()

        with pytest.raises(DeliveryFailed) as raised:
            sinkkit.pipeline("p", destination=send if kind == "sync" else send_async, progress="off").run([{"a": 1}], table_name="t")
    return raised.value


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("status", [401, 403, 422, 501])
def test_a_halt_tells_the_destination_s_own_words(monkeypatch, kind, status):
    """The library's error has the status alone; what the API said stands behind it, secrets masked."""
    error = failed(monkeypatch, Answer(status, body={"message": "no such team", "sent": f"Bearer {SESAME}"}), kind)

    assert f'; the destination answered HTTP {status}: {{"message": "no such team", "sent": "Bearer ***"}}' in str(error)
    assert SESAME not in f"{error!r} {error} {error.__cause__!r} {error.__cause__.__notes__}"


def test_long_and_broken_texts_are_cut_and_readable(monkeypatch):
    """2 KiB are kept; bytes that are no text are replaced."""
    error = failed(monkeypatch, Answer(403, {"Content-Type": "text/plain; charset=no-such"}, body=b"\xff<html>" + b"x" * 100_000))

    told = str(error).partition("the destination answered HTTP 403: ")[2].partition("\n")[0]
    assert told.startswith("\ufffd<html>xxx")
    assert len(told.encode()) <= 2048


def test_a_redirect_tells_where_it_leads(monkeypatch):
    """That is most often a base_url that has moved, or a login page."""
    error = failed(monkeypatch, Answer(302, {"Location": "https://login.example.com/?next=/"}))

    assert "the destination answered HTTP 302 to https://login.example.com/?next=/" in str(error)
