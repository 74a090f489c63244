"""What texts of credentials may be: writable at all, and fit to be sent in a header."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sinkkit.errors import ConfigError
from sinkkit.settings.secret import Secret

SURROGATE = re.compile("[\ud800-\udfff]")

FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What the name of a header can be (RFC 9110, sections 5.1 and 5.6.2)."""


class JsonText(dict[str, Any]):
    """The object that a secret's text writes as JSON, with that text: the one is taken for a table, the other where text is asked for."""

    def __init__(self, values: Mapping[str, Any], text: str) -> None:
        super().__init__(values)
        self.text = text

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self), self.text)


def text_of(value: Any, what: str) -> str:
    """*value*, if it is text that can be written.

    Raises:
        ConfigError: If it is none, or holds half of a surrogate pair, as bytes that are no UTF-8 become in the environment.
    """
    if not isinstance(value, str):
        raise ConfigError(f"{what} is text, and {type(value).__name__} was given", hint="give it as text")
    if SURROGATE.search(value):  # found without an encoder, whose error would keep the text
        raise ConfigError(f"{what} holds a character that cannot be written", hint="write it as UTF-8 text")
    return value


def secret(value: Any) -> Secret[str]:
    """*value* as a secret; plain text is wrapped."""
    kept = value if isinstance(value, Secret) else Secret(value)
    text_of(kept.reveal(), "a secret")
    return kept


def check_header_name(text: str, what: str) -> None:
    """Refuse a *text* that cannot be the name of a header.

    Raises:
        ConfigError: If it is one; the message does not repeat it, since a header with its value may stand there.
    """
    if not FIELD_NAME.fullmatch(text):
        raise ConfigError(f"{what} is no name of a header", hint="write letters, digits and - alone, as in X-Api-Key, without a colon")


def check_header(text: str, what: str) -> None:
    """Refuse a *text* that no HTTP header can carry (RFC 9110, section 5.5: visible ASCII characters, spaces and tabs, none at the ends).

    Raises:
        ConfigError: If it is one; the message does not repeat it.
    """
    if text.strip() != text or not text.isascii() or not text.replace("\t", " ").isprintable():
        raise ConfigError(
            f"{what} holds a character that a header cannot carry, or white space at an end",
            hint="look for a line break where it is kept; a file written by echo ends with one",
        )
