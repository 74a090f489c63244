"""Which texts in a value are secrets, and telling the redactor."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from sinkkit.settings.keys import SENSITIVE
from sinkkit.settings.kinds import fields, is_record, is_secret
from sinkkit.settings.redact import Redactor
from sinkkit.settings.secret import SHORTEST, Secret

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

TEXT = (str, bytes)


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
        redactor.add(text)
        learn_passwords(redactor, text)
        for part in SCHEME.findall(text):
            redactor.add(part)
    if not secret:
        learn_likely(redactor, name, value)


def learn_likely(redactor: Redactor, name: str, value: Any) -> None:
    """Tell the redactor what the names in *value*, which nothing declares secret, say is secret, and passwords in URLs."""
    if isinstance(value, str):
        if SENSITIVE.search(name.rpartition(".")[2]):
            redactor.add(value)
        learn_passwords(redactor, value)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            learn(redactor, f"{name}.{key}", inner, secret=bool(SENSITIVE.search(str(key))))
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
        if len(text) >= LIKELY and not text.isdigit():
            learn(redactor, "", text, secret=True)
    return isinstance(value, str) and len(value) >= LIKELY


def may_tell(name: str, raw: Any) -> bool:
    """Whether a message should not repeat *raw*, a value that is no declared secret: its name, a name inside it or a login says so."""
    if SENSITIVE.search(name):
        return True
    if isinstance(raw, Mapping):
        return any(may_tell(str(key), inner) for key, inner in raw.items())
    if isinstance(raw, list | tuple):
        return any(may_tell("", inner) for inner in raw)
    return isinstance(raw, Secret) or (isinstance(raw, str) and bool(LIKELY_LOGIN.search(raw) or WRITTEN.search(raw)))
