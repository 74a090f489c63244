"""HTTP/1.1 as a server reads and writes it: bytes in, requests out, and back (RFC 9112).

Only what clients send to an API is understood; what is not is refused with ``ValueError``, which the server answers with 400.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Mapping
from typing import Any

import attrs

from sinkkit.testing.answers import Answer, phrase

MOST_HEAD = 64 * 1024
"""Bytes a request line with its headers may take."""

REQUEST_LINE = re.compile(r"(\S+) (\S+) (HTTP/1\.\d)")

INTERIM = range(100, 200)
"""The statuses after which a client waits for another answer (RFC 9110, 15.2)."""

BODILESS = (*INTERIM, 204, 304)
"""The statuses whose answers have no body (RFC 9110, 6.4.1)."""


@attrs.frozen
class Head:
    """The request line and the headers, by lower-case name."""

    method: str
    path: str
    headers: Mapping[str, str]
    keep_alive: bool


def split_head(buffer: bytearray) -> Head | None:
    """Take the head off *buffer*; None: it is not complete yet.

    Raises:
        ValueError: If it is no head of an HTTP/1 request.
    """
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > MOST_HEAD:
            raise ValueError("the headers are too long")
        return None
    first, *lines = buffer[:end].decode("latin-1").split("\r\n")
    del buffer[: end + 4]
    asked = REQUEST_LINE.fullmatch(first)
    if asked is None:
        raise ValueError(f"no HTTP/1 request line: {first[:100]!r}")
    method, path, version = asked.groups()
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(f"no header: {line[:100]!r}")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    connection = headers.get("connection", "").lower()
    keep_alive = "close" not in connection and (version != "HTTP/1.0" or "keep-alive" in connection)
    return Head(method, path, headers, keep_alive)


def split_body(head: Head, buffer: bytearray) -> bytes | None:
    """Take the body that belongs to *head* off *buffer*; None: it is not complete yet.

    Raises:
        ValueError: If its length or its chunks make no sense.
    """
    if "chunked" in head.headers.get("transfer-encoding", "").lower():
        return split_chunks(buffer)
    length = int(head.headers.get("content-length", "0"))
    if length < 0:
        raise ValueError(f"content-length: {length}")
    if len(buffer) < length:
        return None
    body = bytes(buffer[:length])
    del buffer[:length]
    return body


def split_chunks(buffer: bytearray) -> bytes | None:
    """Take a chunked body with its trailers off *buffer*; None: it is not complete yet.

    Raises:
        ValueError: If a chunk has no length.
    """
    parts: list[bytes] = []
    at = 0
    while True:
        end = buffer.find(b"\r\n", at)
        if end < 0:
            return None
        size = int(bytes(buffer[at:end]).split(b";")[0], 16)
        at = end + 2
        if size == 0:
            break
        if len(buffer) < at + size + 2:
            return None
        parts.append(bytes(buffer[at : at + size]))
        at += size + 2
    while (end := buffer.find(b"\r\n", at)) != at:  # trailers, ended by an empty line
        if end < 0:
            return None
        at = end + 2
    del buffer[: at + 2]
    return b"".join(parts)


def rows_in(headers: Mapping[str, str], body: bytes) -> list[Any]:
    """The rows in a body: the elements of a JSON array, one for an object, one a line for JSON Lines; none in other bodies.

    Raises:
        ValueError: If the body says that it is JSON, or compressed, and is not.
    """
    encoding = headers.get("content-encoding", "")
    try:
        content = gzip.decompress(body) if encoding == "gzip" else zlib.decompress(body) if encoding == "deflate" else body
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"the body is not {encoding}: {error}") from error
    kind = headers.get("content-type", "application/json").lower()
    if not content or "json" not in kind:
        return []
    if "ndjson" in kind or "jsonl" in kind or "json-lines" in kind:
        return [json.loads(line) for line in content.splitlines() if line.strip()]
    value = json.loads(content)
    return value if isinstance(value, list) else [value]


def render(answer: Answer, *, to: str, keep_alive: bool) -> bytes:
    """*answer* as bytes for a request with method *to*."""
    content = answer.content()
    lines = [f"HTTP/1.1 {answer.status} {phrase(answer.status)}"]
    given = {name.lower() for name in answer.headers}
    bodiless = answer.status in BODILESS
    if not bodiless and "content-length" not in given:
        lines.append(f"Content-Length: {len(content)}")
    if not bodiless and "content-type" not in given:
        lines.append("Content-Type: application/json")
    if not keep_alive:
        lines.append("Connection: close")
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
    return head if bodiless or to == "HEAD" else head + content
