"""Whether the requests of a ``rest`` destination fit an OpenAPI document. Nothing is sent."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs

from sinkkit.destinations.http_api.requests import Compiled, Request, endpoints_of, planned
from sinkkit.destinations.http_api.settings import RestSettings
from sinkkit.destinations.openapi.bodies import check_body
from sinkkit.destinations.openapi.document import Document
from sinkkit.destinations.openapi.finding import Finding
from sinkkit.destinations.openapi.matching import Unmatched, find, other_host
from sinkkit.destinations.openapi.parameters import check_parameters
from sinkkit.destinations.openapi.sample import marked_row


@attrs.frozen(kw_only=True)
class Surroundings:
    """What the client adds to each request.

    Attributes:
        base_url: Its ``base_url``, if it has one.
        headers: Its headers, by lower-case name.
        params: Its parameters.
    """

    base_url: str = ""
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    params: Mapping[str, str] = attrs.field(factory=dict, repr=False)


@attrs.frozen
class Checked:
    """What came of it.

    Attributes:
        operations: Requests that belong to an operation of the document, as ``POST /contacts``.
        findings: What does not fit.
        notes: What could not be checked, or is odd and no error.
    """

    operations: Sequence[str]
    findings: Sequence[Finding]
    notes: Sequence[str]


def check_requests(document: Document, settings: RestSettings, around: Surroundings, rows: Sequence[Mapping[str, Any]] = ()) -> Checked:
    """Hold the requests for *rows*, or for a row that stands for any, against *document*.

    Args:
        document: What the API says of itself.
        settings: Those of the destination.
        around: What its client adds.
        rows: Rows to make requests of; without them each field that the settings name may have any value.

    Raises:
        ConfigError: If the document is broken, or a package is missing.
    """
    operations: list[str] = []
    findings: list[Finding] = []
    notes: list[str] = []
    for request, whole in requests(settings, rows):
        url = absolute(request.url, around.base_url)
        host = other_host(document, url)
        if host is not None:
            notes.append(f"the host {host} is none of the document's servers")
        matched = find(document, request.method, url)
        if isinstance(matched, Unmatched):
            findings.append(Finding(matched.name, matched.told, matched.hint))
            continue
        operations.append(matched.name)
        query = {**around.params, **dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))}
        headers = {**around.headers, **{name.lower(): value for name, value in request.headers.items()}}
        findings += check_parameters(document, matched, query, headers)
        if whole:
            notes.append(f"{matched.name}: rows are sent as they are, so their fields were not checked; --rows FILE checks those of a sample")
        findings += check_body(document, matched, headers.get("content-type", ""), unpacked(request), fields=not whole)
    return Checked(list(dict.fromkeys(operations)), list(dict.fromkeys(findings)), list(dict.fromkeys(notes)))


def requests(settings: RestSettings, rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Request, bool]]:
    """Each request, and whether its body is a row as it is that no sample was given for."""
    if rows:
        yield from ((request, False) for request in planned(settings, rows).requests)
        return
    endpoints = endpoints_of(settings)
    for made in filter(None, (endpoints.upsert, endpoints.delete)):
        row = marked_row(endpoints.names)
        if made is endpoints.delete:
            set_at(row, endpoints.operation_field, endpoints.delete_when[0])
        elif endpoints.operation_field:
            set_at(row, endpoints.operation_field, None)
        for request in planned(settings, [row]).requests:
            yield request, is_whole(made)


def is_whole(made: Compiled) -> bool:
    """Whether the body holds rows whose fields no template names."""
    endpoint = made.endpoint
    if endpoint.format == "none":
        return False
    texts = str((endpoint.row, endpoint.lines, endpoint.body))
    return not (endpoint.row or endpoint.lines) or "{*}" in texts or "{row}" in texts


def set_at(row: dict[str, Any], path: str, value: Any) -> None:
    """Put *value* at a dotted path of *row*."""
    *above, last = path.split(".")
    for part in above:
        row = row.setdefault(part, {})
    row[last] = value


def absolute(url: str, base_url: str) -> str:
    """*url* behind the ``base_url`` of the client, unless it is absolute."""
    if "://" in url.partition("?")[0] or not base_url:
        return url
    return f"{base_url.rstrip('/')}/{url.lstrip('/')}"


def unpacked(request: Request) -> bytes:
    """The body before it was compressed."""
    return gzip.decompress(request.body) if request.headers.get("Content-Encoding") == "gzip" else request.body
