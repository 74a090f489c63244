"""Names that are too long: both ends stay, and a tag between them keeps names apart that agree in their ends."""

from __future__ import annotations

from base64 import b64encode
from hashlib import shake_128

TAG_BYTES = 4
"""Bytes of the hash of which a tag is made, as dlt makes it: six characters, where one name in a thousand million meets another's tag."""

LETTERS = bytes.maketrans(b"/+", b"ab")


def shortened(name: str, source: str, limit: int | None) -> str:
    """*name*, if it is longer than *limit* with its middle replaced by a tag of six letters and digits, made of *source*.

    The same on every machine and in every version: names are kept in databases.
    """
    if limit is None or len(name) <= limit:
        return name
    tag = tag_of(source)[:limit]
    room = limit - len(tag)
    if not room:  # a name does not begin with a digit
        tag = chr(ord("a") + int(tag[0])) + tag[1:] if tag[0].isdigit() else tag
    end = room // 2
    return name[: room - end] + tag + (name[-end:] if end else "")


def tag_of(source: str) -> str:
    """Six lower-case letters and digits for any text."""
    digest = shake_128(source.encode("utf-8", "surrogatepass")).digest(TAG_BYTES)
    return b64encode(digest).rstrip(b"=").translate(LETTERS).lower().decode("ascii")
