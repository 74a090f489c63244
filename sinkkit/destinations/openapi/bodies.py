"""Bodies of requests against the schemas of a document, by openapi-schema-validator (jsonschema) with the document's own rules."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sinkkit.destinations.openapi.document import EXTRA, Document, escaped
from sinkkit.destinations.openapi.finding import Finding
from sinkkit.destinations.openapi.matching import Matched
from sinkkit.destinations.openapi.sample import is_marked, unmarked
from sinkkit.optional import require

OF_VALUES = frozenset(
    [
        "type",
        "format",
        "enum",
        "const",
        "pattern",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "nullable",
        "contentEncoding",
        "not",
    ]
)
"""Rules that say what a value may be, of which a mark says nothing."""

HERE = "urn:sinkkit:openapi"
"""What the document is called while it is checked against."""

MOST = 20
"""Findings of one body that are told."""


def check_body(document: Document, matched: Matched, kind: str, body: bytes, *, fields: bool) -> Iterator[Finding]:
    """What is wrong with the body of a request.

    Args:
        document: The document.
        matched: The operation.
        kind: The request's content type.
        body: Uncompressed; marks in it stand for any value.
        fields: Whether what is in it is known, and is held against the schema.
    """
    stated = matched.operation.get("requestBody")
    if stated is None:
        if body:
            yield Finding(matched.name, "the document knows no body of this request", 'send none: format = "none"')
        return
    wanted, pointer = document.traced(stated, f"{matched.pointer}/requestBody")
    if not body:
        if wanted.get("required"):
            yield Finding(matched.name, "a body is required, and the request has none", 'write for example format = "json"')
        return
    content = wanted.get("content") or {}
    media = media_of(kind, content)
    if media is None:
        yield Finding(matched.name, f"the document takes no body of the type {kind or 'that is not named'}", f"it takes {', '.join(content) or 'none'}")
        return
    if fields and "schema" in content[media] and is_json(kind):
        yield from against(document, matched, f"{pointer}/content/{escaped(media)}/schema", body)


def media_of(kind: str, content: Mapping[str, Any]) -> str | None:
    """The key of *content* that a body of the type *kind* belongs to, the most exact first; None if there is none."""
    plain = kind.partition(";")[0].strip().lower()
    ranges = [plain, f"{plain.partition('/')[0]}/*", "*/*"]
    known = {key.partition(";")[0].strip().lower(): key for key in content}
    return next((known[one] for one in ranges if one in known), None)


def is_json(kind: str) -> bool:
    """Whether a content type is JSON (RFC 8259, RFC 6839)."""
    plain = kind.partition(";")[0].strip().lower()
    return plain == "application/json" or plain.endswith("+json")


def against(document: Document, matched: Matched, pointer: str, body: bytes) -> Iterator[Finding]:
    """What is wrong with a JSON *body*, by the schema at *pointer*."""
    try:
        value = json.loads(body)
    except ValueError:
        yield Finding(matched.name, "the body is no JSON")
        return
    told = [describe(error) for error in errors(document, pointer, value)]
    for text in list(dict.fromkeys(told))[:MOST]:
        yield Finding(matched.name, text)


def errors(document: Document, pointer: str, value: Any) -> Iterator[Any]:
    """The rules of the schema at *pointer* that *value* breaks, whatever its marks stand for."""
    validators = require("openapi_schema_validator", extra=EXTRA, wanted_by="checking bodies against an OpenAPI document")
    referencing = require("referencing", extra=EXTRA)
    drafts = require("referencing.jsonschema", extra=EXTRA)
    resource = referencing.Resource(contents=document.root, specification=drafts.DRAFT202012)
    registry = referencing.Registry().with_resource(HERE, resource)
    validator = validators.OAS30WriteValidator if document.version == "3.0" else validators.OAS31Validator
    checked = validator({"$ref": f"{HERE}#{pointer}"}, registry=registry)
    return (error for error in checked.iter_errors(value) if not excused(error))


def excused(error: Any) -> bool:
    """Whether a rule is broken by a mark alone: some value in its place may well keep it."""
    if error.validator in OF_VALUES:
        return is_marked(error.instance)
    if error.validator in {"anyOf", "oneOf"}:
        if not error.context:  # more than one of them fits
            return is_marked(error.instance)
        branches: dict[Any, list[Any]] = {}
        for inner in error.context:
            branches.setdefault(inner.schema_path[0], []).append(inner)
        return any(all(excused(inner) for inner in branch) for branch in branches.values())
    return False


def describe(error: Any) -> str:
    """A broken rule for people: where, and what; marks as the fields they stand for."""
    inner = best(error)
    return unmarked(f"{place(inner)} {inner.message}")


def best(error: Any) -> Any:
    """Of the branches of a choice that all fail, what is told: of the one that fails deepest inside."""
    while error.context:
        left = [inner for inner in error.context if not excused(inner)]
        error = max(left, key=lambda inner: len(inner.absolute_path), default=None) or error.context[0]
    return error


def place(error: Any) -> str:
    """Where in the body a rule is broken."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path) + ":"
