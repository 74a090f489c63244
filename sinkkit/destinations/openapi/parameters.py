"""Parameters of an operation: those that a request lacks, and those that it has and the document does not know."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from sinkkit.destinations.openapi.document import Document
from sinkkit.destinations.openapi.finding import Finding
from sinkkit.destinations.openapi.matching import Matched

NOT_PARAMETERS = frozenset({"accept", "content-type", "authorization"})
"""Headers that the document describes elsewhere, and ignores as parameters (OpenAPI 3.1, 4.8.12.2)."""


def parameters_of(document: Document, matched: Matched) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Place and name of each parameter; those of the operation go before those of the path."""
    found = {}
    for given in (*(matched.path_item.get("parameters") or ()), *(matched.operation.get("parameters") or ())):
        parameter = document.followed(given)
        name = str(parameter.get("name", ""))
        place = str(parameter.get("in", ""))
        found[place, name.lower() if place == "header" else name] = parameter
    return found


def security_names(document: Document) -> set[tuple[str, str]]:
    """Place and name of each API key that the document knows."""
    schemes = (document.root.get("components") or {}).get("securitySchemes") or {}
    every = [document.followed(scheme) for scheme in schemes.values()]
    return {(str(one.get("in")), str(one.get("name", "")).lower() if one.get("in") == "header" else str(one.get("name"))) for one in every if one.get("type") == "apiKey"}


def check_parameters(document: Document, matched: Matched, query: Mapping[str, str], headers: Mapping[str, str]) -> Iterator[Finding]:
    """What is wrong with the query and headers of a request.

    Args:
        document: The document.
        matched: The operation.
        query: Parameters of the URL, those of the client too.
        headers: Headers, those of the client too, by lower-case name.
    """
    known = parameters_of(document, matched)
    for (place, name), parameter in known.items():
        given = {"query": query, "header": headers}.get(place)
        if given is None or name in given or (place == "header" and name in NOT_PARAMETERS) or not parameter.get("required"):
            continue
        what = "parameter" if place == "query" else "header"
        table = "query or http.params" if place == "query" else "headers or http.headers"
        yield Finding(matched.name, f"the {what} {parameter.get('name')} is required, and the request has none", f"write it under {table}")
    allowed = [name for place, name in {*known, *security_names(document)} if place == "query"]
    for name in query:
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it knows {', '.join(sorted(allowed)) or 'none'}"
            yield Finding(matched.name, f"the document knows no parameter {name} in the query", hint)
