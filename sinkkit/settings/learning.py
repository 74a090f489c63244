"""Which texts in a value are secrets, and telling the redactor."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sinkkit.settings.keys import SENSITIVE
from sinkkit.settings.kinds import fields, is_record
from sinkkit.settings.redact import Redactor
from sinkkit.settings.secret import Secret

SCHEME = re.compile(r"(?:bearer|basic|token|apikey)\s+(\S+)", re.IGNORECASE)
"""The token in the value of an ``Authorization`` header."""

LOGIN = re.compile(r"://[^/@\s:]*:([^/@\s]+)@")
"""The password in a URL."""

LIKELY = 8
"""Characters from which a text in a file of secrets is masked although nothing declares it secret; shorter ones are words such as a region."""


def secret_texts(value: Any, hidden: bool = False) -> Iterator[str]:
    """Every text in *value* that is a secret: all of it if *hidden*, else what stands in a ``Secret``."""
    if isinstance(value, Secret):
        yield from secret_texts(value.reveal(), hidden=True)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from secret_texts(inner, hidden)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from secret_texts(inner, hidden)
    elif is_record(type(value)):
        for field in fields(type(value)):
            yield from secret_texts(getattr(value, field.key, None), hidden)
    elif hidden and value is not None:
        yield value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def learn(redactor: Redactor, name: str, value: Any, *, secret: bool) -> None:
    """Tell the redactor the secrets in *value*: those declared, those whose names say so, and passwords in URLs."""
    for text in secret_texts(value, hidden=secret):
        redactor.add(text)
        for part in (*SCHEME.findall(text), *LOGIN.findall(text)):
            redactor.add(part)
    if secret:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            learn(redactor, f"{name}.{key}", inner, secret=bool(SENSITIVE.search(str(key))))
    elif isinstance(value, str):
        if SENSITIVE.search(name.rpartition(".")[2]):
            redactor.add(value)
        for part in LOGIN.findall(value):
            redactor.add(part)


def learn_private(redactor: Redactor, value: Any) -> bool:
    """Tell the redactor the longer texts of a value from a file of secrets; whether *value* itself is one."""
    for text in secret_texts(value, hidden=True):
        if len(text) >= LIKELY and not text.isdigit():
            learn(redactor, "", text, secret=True)
    return isinstance(value, str) and len(value) >= LIKELY
