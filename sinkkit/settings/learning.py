"""Which texts in a value are secrets, and telling the redactor."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any
from urllib.parse import unquote

from sinkkit.settings.keys import SENSITIVE, is_request_table, is_sensitive
from sinkkit.settings.redact import Redactor
from sinkkit.settings.secret import MASK, SHORTEST, Secret
from sinkkit.settings.values.kinds import fields, is_record, is_secret

SCHEME = re.compile(r"(?:bearer|basic|token|apikey)\s+(\S+)", re.IGNORECASE)
"""The token in the value of an ``Authorization`` header."""

LOGIN = re.compile(r"//[^/@\s:]*:(?=([^/@\s]+)@)(?=([^/?#\s]+)@)")
"""The password in a URL: up to its first ``@``, and up to the last one before the path, as one that was not encoded may hold another."""

WRITTEN = re.compile(r"\b(?:pwd|password)\s*=\s*['{]?([^;&\s'}]+)", re.IGNORECASE)
"""The password in a list of parameters, as ODBC and libpq take it."""

LIKELY_LOGIN = re.compile(r"[^\s@]*:[^\s@]*@")
"""What may be user name and password, although the text around it is no URL."""

LIKELY = 8
"""Characters from which a text in a file of secrets is masked although nothing declares it secret; shorter ones are words such as a region."""

DEEPEST = 50
"""Levels of brackets up to which a text is looked into as JSON; what is deeper is no setting that anybody writes."""

NESTING = {"{": 1, "[": 1, "}": -1, "]": -1}

TEXT = (str, bytes)

PLAIN = ("true", "false")
"""Texts that are no secrets, as the value of a header or parameter."""


def secret_texts(value: Any, hidden: bool = False, *, inside: bool = False) -> Iterator[str]:
    """Every text in *value* that is a secret: all of it if *hidden*, else what stands in a ``Secret``.

    Of a class that declares secrets of its own, only those are; *inside* a table or list words such as True and short numbers are none.
    """
    if isinstance(value, Secret):
        yield from secret_texts(value.reveal(), hidden=True)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from secret_texts(inner, hidden, inside=True)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from secret_texts(inner, hidden, inside=True)
    elif is_record(type(value)):
        hidden = hidden and not declares_secrets(type(value))
        for field in fields(type(value)):
            yield from secret_texts(getattr(value, field.attribute, None), hidden, inside=True)
    elif hidden and value is not None and not (inside and too_plain(value)):
        yield value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def too_plain(value: Any) -> bool:
    """Whether *value*, one of several of a secret, is no secret by itself: true, false, a number of few digits."""
    return isinstance(value, bool) or (not isinstance(value, TEXT) and len(str(value)) < SHORTEST)


def declares_secrets(kind: Any) -> bool:
    """Whether a class says itself which of its fields are secret."""
    return any(is_secret(field.kind) or (is_record(field.kind) and declares_secrets(field.kind)) for field in fields(kind))


def learn(redactor: Redactor, name: str, value: Any, *, secret: bool) -> None:
    """Tell the redactor the secrets in *value*: those declared, those whose names say so, and passwords in URLs."""
    for text in secret_texts(value, hidden=secret):
        learn_text(redactor, name, text)
    if not secret:
        learn_likely(redactor, name, value)


def learn_text(redactor: Redactor, name: str, text: str) -> None:
    """Tell the redactor the secret *text*, what stands behind the scheme of an ``Authorization`` header, and if it is JSON every text inside."""
    redactor.add(text)
    learn_passwords(redactor, text)
    for part in SCHEME.findall(text):
        redactor.add(part)
    if "authoriz" in name.lower():
        redactor.add(text.strip().partition(" ")[2].strip())
    for inner in secret_texts(held_in(text), hidden=True):
        learn_text(redactor, name, inner)


def held_in(text: str) -> Any:
    """The table or list that *text* writes as JSON, or None."""
    start = text.lstrip()[:1]
    if start not in ("{", "[") or max(accumulate(NESTING.get(character, 0) for character in text)) > DEEPEST:
        return None
    import json  # for the few settings that are written so

    try:
        return json.loads(text)
    except ValueError:
        return None  # plain text that begins with a bracket, as a password may


def learn_likely(redactor: Redactor, name: str, value: Any) -> None:
    """Tell the redactor what the names in *value*, which nothing declares secret, say is secret, and passwords in URLs."""
    if isinstance(value, str):
        held = held_in(value)
        if is_sensitive(name) or (is_request_table(name) and held is None):
            learn_text(redactor, name, value)
        learn_passwords(redactor, value)
        learn_likely(redactor, name, held)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            below = f"{name}.{key}"
            telling = is_sensitive(below) and not too_plain(inner) and not (isinstance(inner, str) and inner.lower() in PLAIN)
            learn(redactor, below, inner, secret=telling)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            learn_likely(redactor, name, inner)
    elif is_record(type(value)):
        for field in fields(type(value)):
            learn_likely(redactor, f"{name}.{field.key}", getattr(value, field.attribute, None))


def learn_passwords(redactor: Redactor, text: str) -> None:
    """Tell the redactor the passwords that stand in URLs and lists of parameters in *text*, as they are and decoded."""
    for found in (*LOGIN.findall(text), *WRITTEN.findall(text)):
        for part in (found,) if isinstance(found, str) else found:
            redactor.add(part)
            redactor.add(unquote(part))


def learn_private(redactor: Redactor, value: Any) -> bool:
    """Tell the redactor the longer texts of a value from a file of secrets; whether *value* itself is one."""
    for text in secret_texts(value, hidden=True):
        held = held_in(text)
        if held is not None:
            redactor.add(text)
            learn_private(redactor, held)
        elif len(text) >= LIKELY and not text.isdigit():
            learn(redactor, "", text, secret=True)
    return isinstance(value, str) and len(value) >= LIKELY


def may_tell(name: str, raw: Any) -> bool:
    """Whether a message should not repeat *raw*, a value that is no declared secret: its name, a name inside it or a login says so."""
    if SENSITIVE.search(name) or is_sensitive(name) or is_request_table(name):
        return True
    if isinstance(raw, Mapping):
        return any(may_tell(f"{name}.{key}", inner) for key, inner in raw.items())
    if isinstance(raw, list | tuple):
        return any(may_tell(name, inner) for inner in raw)
    if isinstance(raw, str):
        return bool(LIKELY_LOGIN.search(raw) or WRITTEN.search(raw)) or may_tell(name, held_in(raw))
    return isinstance(raw, Secret)


def shown(name: str, value: Any) -> str:
    """*value* for people, without what the names in it say is secret; what a redactor knows is still to be masked."""
    return str(without_secrets(name, value))


def without_secrets(name: str, value: Any) -> Any:
    """*value* with masks for what the names in it say is secret."""
    if is_request_table(name) and isinstance(value, str):
        value = held_in(value)
    if isinstance(value, Mapping):
        return {key: without_secrets(f"{name}.{key}", inner) for key, inner in value.items()}
    if is_sensitive(name) or is_request_table(name):
        return MASK
    return [without_secrets(name, inner) for inner in value] if isinstance(value, list) else value
