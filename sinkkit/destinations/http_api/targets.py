"""Where a row's request goes: path, query and headers, with nothing in them that could lead it elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote, unquote, urlencode

import attrs

from sinkkit.destinations.http_api.job_settings import JOB
from sinkkit.destinations.http_api.places import MISSING, find
from sinkkit.destinations.http_api.settings import Endpoint
from sinkkit.destinations.http_api.templates import CannotFill, Template, as_text, formed, read

PRINTABLE = re.compile(r"(?! )[\x20-\x7e]*(?<! )")
"""What a header's value may hold (RFC 9110, 5.5, without the obsolete bytes above 127); spaces at its ends are no part of it."""

MOST_ROUNDS = 5
"""How often a value is unquoted in the search for dots: nothing on the way of a request does it more often."""


@attrs.frozen
class Target:
    """Where one request goes: the URL, relative to the client's where the endpoint has no base, and its headers."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()


MakeTarget: TypeAlias = Callable[[Mapping[str, Any]], Target]


@attrs.frozen
class Targets:
    """Where the rows of an endpoint go: *of* makes the target of a row; *fixed* is that of all, where they do not differ."""

    of: MakeTarget
    fixed: Target | None


def targets_of(endpoint: Endpoint) -> Targets:
    """What makes the target of a row; it raises ``CannotFill`` for a row whose values cannot stand where they should."""
    segments = [read(segment, "path") for segment in endpoint.path.split("/")]
    query = {name: read(str(value), f"query.{name}") if isinstance(value, str) else value for name, value in endpoint.query.items()}
    headers = {name: read(value, f"headers.{name}") for name, value in endpoint.headers.items()}
    base = endpoint.base_url

    def make(row: Mapping[str, Any]) -> Target:
        path = "/".join(segment_text(segment, row) for segment in segments)
        url = joined(base, path)
        pairs = [(name, text) for name, value in query.items() if (text := _optional(value, row, "query")) is not None]
        if pairs:
            url += "?" + urlencode(pairs, quote_via=quote)
        return Target(url, tuple((name, text) for name, value in headers.items() if (text := _header(name, value, row)) is not None))

    fixed = not any(isinstance(one, Template) and one.names for one in (*segments, *query.values(), *headers.values()))
    if fixed:
        target = make({})
        return Targets(lambda _: target, target)
    return Targets(make, None)


def joined(base: str, path: str) -> str:
    """*path* behind *base*; either may be empty."""
    return f"{base.rstrip('/')}/{path.lstrip('/')}" if base and path else base or path


def segment_text(segment: Template, row: Mapping[str, Any]) -> str:
    """One segment of a path, filled from *row*: what comes from it is percent-encoded, so that it stays one segment.

    Raises:
        CannotFill: If a field is missing or empty, or would lead to another folder.
    """
    if not segment.names:
        return segment.parts[0]
    if segment.names == (JOB,):
        return segment.text  # filled in once the job is known
    texts = [_filled(row, part) if odd % 2 else part for odd, part in enumerate(segment.parts)]
    if leads_elsewhere("".join(texts)):
        raise CannotFill(f"the path needs {segment.text}, and the row's {', '.join(map(repr, segment.names))} would lead to another folder")
    return "".join(quote(text, safe="") if odd % 2 else text for odd, text in enumerate(texts))


def _filled(row: Mapping[str, Any], name: str) -> str:
    value = find(row, name)
    if value is MISSING or value is None or value == "":
        what = "missing" if value is MISSING else "null" if value is None else "empty"
        raise CannotFill(f"the path needs the field {name!r}, which is {what}")
    text = as_text(value, name)
    if not text.isprintable():
        raise CannotFill(f"the path needs the field {name!r}, which holds characters that cannot be printed")
    return text


def leads_elsewhere(text: str) -> bool:
    """Whether *text*, unquoted however often, has a part ``.`` or ``..``, or begins with a slash, as servers may read it."""
    for _ in range(MOST_ROUNDS):
        if any(part in (".", "..") for part in re.split(r"[/\\]", text)):
            return True
        plain = unquote(text)
        if plain == text:
            return False
        text = plain
    return True


def _optional(value: Any, row: Mapping[str, Any], where: str) -> str | None:
    """A value of the query or a header; None where it is one field that is null or missing."""
    if not isinstance(value, Template):
        return None if value is None else as_text(value, where)
    alone = value.alone
    if alone is not None:
        found = find(row, alone)
        return None if found is MISSING or found is None else formed(found, value.forms[0], alone)
    return value.written(row)


def _header(name: str, value: Template, row: Mapping[str, Any]) -> str | None:
    text = _optional(value, row, "headers")
    if text is not None and not PRINTABLE.fullmatch(text):
        raise CannotFill(f"the header {name!r} would hold what no header can carry, such as a line break, or a space at one of its ends")
    return text
