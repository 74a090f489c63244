"""A secret is seen only by whoever asks for it, and masked in texts and errors."""

from __future__ import annotations

import base64
import html
import json
import logging
import pickle
import threading
import traceback
from urllib.parse import quote, quote_plus

import attrs
import httpx
import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.errors import RedactedError
from sinkkit.settings.redact import Redactor
from sinkkit.settings.secret import Secret

VALUES = st.text(min_size=4, max_size=30)


@attrs.frozen
class Holder:
    token: Secret[str]


@given(VALUES.filter(lambda value: value not in "Secret(***)Holder(token=Secret(***))"))
def test_no_text_of_a_secret_shows_it(value):
    """Neither conversion, format, percent formatting nor the repr of what holds it shows a secret."""
    secret = Secret(value)
    record = logging.LogRecord("n", logging.INFO, "f", 1, "token %s", (secret,), None)
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret:>20}",
        f"{secret!r}",
        "%s" % secret,  # noqa: UP031 - the old form is what is tested
        str([secret]),
        repr(Holder(secret)),
    ]

    assert [text for text in [*shown, record.getMessage()] if value in text] == []
    assert secret.reveal() == value


@pytest.mark.parametrize("dump", [json.dumps, orjson.dumps, msgspec.json.encode])
@pytest.mark.parametrize("value", [Secret("abcdefgh"), [Secret("abcdefgh")], {"a": Secret("abcdefgh")}])
def test_json_encoders_refuse_a_secret(dump, value):
    """A secret in what is encoded is an error, not a leak."""
    with pytest.raises(TypeError):
        dump(value)


def test_equality_hash_and_pickle():
    """Secrets are equal by value, to nothing but secrets, and survive pickling and wrapping."""
    assert Secret("abcd") == pickle.loads(pickle.dumps(Secret("abcd"))) == Secret(Secret("abcd"))
    assert [Secret("abcd") == "abcd", Secret("abcd") == Secret("abce")] == [False, False]
    assert len({Secret("abcd"), Secret("abcd")}) == 1


@given(VALUES, st.text(max_size=5), st.text(max_size=8))
def test_every_form_is_masked(value, user, around):
    """Plain, percent-encoded, escaped, base64 and Basic-auth forms are masked, whatever stands around them."""
    redactor = Redactor()
    redactor.add(value)
    data = value.encode()
    forms = [
        value,
        quote(value, safe=""),
        quote(value),
        quote_plus(value),
        quote(quote(value, safe=""), safe=""),
        "".join(f"%{byte:02x}" for byte in data),
        json.dumps(value)[1:-1],
        repr(value)[1:-1],
        html.escape(value),
        base64.b64encode(data).decode(),
        base64.urlsafe_b64encode(data).decode().rstrip("="),
        base64.b64encode(f"{user}:{value}".encode()).decode(),
        base64.b64encode(f"{value}:{user}".encode()).decode(),
    ]
    texts = [redactor.text(f"{around} {form} {around}") for form in forms]

    assert [form for form, text in zip(forms, texts, strict=True) if form in text and form not in f"{around} *** {around}"] == []
    assert [text for text in texts if value in text] == []


def test_overlapping_secrets_leave_no_rest():
    """Where two secrets overlap, or one repeats itself, nothing of either is left."""
    redactor = Redactor()
    for value in ("abcdef", "defghi", "aaaa"):
        redactor.add(value)

    assert redactor.text("x abcdefghi aaaaaa y") == "x *** *** y"


def test_other_text_is_left_alone():
    """Without a secret in it a text is given back as it is; too short a value masks nothing."""
    redactor = Redactor()
    redactor.add("abc")
    assert redactor.text("abc") == "abc"
    redactor.add(Secret(b"hunter22"))

    assert redactor.text("nothing here") == "nothing here"
    assert redactor.text("hunter22") == "***"


def fail(value: str, how: str) -> None:
    if how == "cause":
        raise RuntimeError("failed") from ValueError(value)
    if how == "context":
        try:
            fail(value, "message")
        finally:
            raise RuntimeError("failed")
    if how == "group":
        raise ExceptionGroup("failed", [ValueError(value), KeyError("other")])
    if how == "http":
        httpx.Response(403, request=httpx.Request("GET", "https://api.example.com/", params={"key": value})).raise_for_status()
    error = {"message": RuntimeError(f"no: {value}"), "mapping": RuntimeError({"token": value}), "note": RuntimeError("failed")}[
        how
    ]
    if how == "note":
        error.add_note(value)
    raise error


def raised(value: str, how: str) -> BaseException:
    """An error that tells *value* in one of many ways."""
    with pytest.raises(Exception) as caught:
        fail(value, how)
    return caught.value


def shows(value: str, error: BaseException) -> bool:
    """Whether any form of *value* stands in the error as Python prints it."""
    text = "".join(traceback.format_exception(error)) + repr(error) + repr(error.args)
    return any(form in text for form in (value, quote(value, safe=""), repr(value)[1:-1]))


@pytest.mark.parametrize("how", ["message", "mapping", "note", "cause", "context", "group", "http"])
@given(value=st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=8, max_size=30).map("§{}".format))
def test_an_error_that_tells_a_secret_gets_a_stand_in(how, value):
    """The stand-in names the type and tells the secret nowhere, notes, causes and traceback included."""
    redactor = Redactor()
    redactor.add(value)
    error = raised(value, how)
    shadow = redactor.error(error)

    assert isinstance(shadow, RedactedError)
    assert shadow.original_type.endswith(type(error).__qualname__)
    assert type(error).__qualname__ in str(shadow)
    assert not shows(value, shadow)
    assert not shows(value, pickle.loads(pickle.dumps(shadow)))
    assert shadow.__traceback__ is None
    assert any("raised in:" in note for note in shadow.__notes__)


def test_a_clean_error_is_given_back_itself():
    """No secret, no stand-in; a clean link of a chain stays what it is."""
    redactor = Redactor()
    clean = ValueError("nothing")
    assert redactor.error(clean) is clean
    redactor.add("hunter22")
    top = RuntimeError("hunter22")
    top.__cause__ = clean

    assert redactor.error(clean) is clean
    assert redactor.error(top).__cause__ is clean


def test_chains_that_return_to_themselves_end():
    """A chain with a circle is walked once."""
    redactor = Redactor()
    redactor.add("hunter22")
    first, second = ValueError("hunter22"), RuntimeError("x")
    first.__context__, second.__context__ = second, first
    shadow = redactor.error(second)

    assert isinstance(shadow, RedactedError)
    assert "hunter22" not in str(shadow.__context__)


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("hunter22")


def test_an_error_that_cannot_be_shown_is_no_obstacle():
    """An error whose own text fails is walked over."""
    redactor = Redactor()
    redactor.add("hunter22")
    error = Mute("hunter22")

    assert isinstance(redactor.error(error), RedactedError)


def test_many_threads_may_add_and_mask():
    """Secrets added from many threads are all masked."""
    redactor = Redactor()
    values = [f"secret-number-{index}" for index in range(40)]

    def work(value: str) -> None:
        redactor.add(value)
        redactor.text(value)

    threads = [threading.Thread(target=work, args=(value,)) for value in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [redactor.text(value) for value in values] == ["***"] * 40
