"""Which path and operation of a document a request belongs to."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import attrs

from sinkkit.destinations.openapi.document import METHODS, Document, escaped
from sinkkit.destinations.openapi.sample import unmarked

PLACE = re.compile(r"\{[^{}/]+\}")
"""A parameter in a path."""


@attrs.frozen
class Matched:
    """An operation.

    Attributes:
        name: Such as ``POST /contacts/{id}``.
        path_item: What stands under the path.
        operation: What stands under the method.
        pointer: Where in the document the operation stands.
    """

    name: str
    path_item: Mapping[str, Any] = attrs.field(repr=False)
    operation: Mapping[str, Any] = attrs.field(repr=False)
    pointer: str = attrs.field(repr=False)


@attrs.frozen
class Unmatched:
    """Why a request belongs to none: its name, what is wrong, and what may be meant."""

    name: str
    told: str
    hint: str


def find(document: Document, method: str, url: str) -> Matched | Unmatched:
    """The operation for a request to *url*, an absolute one or a path.

    Args:
        document: Where to look.
        method: The method.
        url: The URL; what rows put into its path may be anything.

    Raises:
        ConfigError: If a path of the document refers to what is not there.
    """
    paths = document.paths()
    candidates = within(document, url)
    found = [path for candidate in candidates for path in fitting(candidate, paths)]
    if not found:
        near = difflib.get_close_matches(shape(candidates[0]), {shape(path): path for path in paths}, n=1)
        close = next((path for path in paths if near and shape(path) == near[0]), None)
        known = f"did you mean {close}?" if close else listed("the document has", paths)
        return Unmatched(f"{method} {readable(candidates[0])}", "the document has no such path", known)
    path = found[0]
    item, pointer = document.traced(document.root["paths"][path], f"/paths/{escaped(path)}")
    known_methods = [key.upper() for key in METHODS if key in item]
    if method.lower() not in item:
        return Unmatched(f"{method} {path}", "the document has the path, and not the method", f"it has {', '.join(known_methods) or 'none'} there")
    operation, where = document.traced(item[method.lower()], f"{pointer}/{method.lower()}")
    return Matched(f"{method} {path}", item, operation, where)


def within(document: Document, url: str) -> list[str]:
    """The path of *url* as it may stand in the document: behind each of its servers, and as it is."""
    path = urlsplit(url).path or "/"
    inside = [path[len(base) :] or "/" for _, base in document.bases if base and (path == base or path.startswith(f"{base}/"))]
    return list(dict.fromkeys([*sorted(inside, key=len), path]))


def other_host(document: Document, url: str) -> str | None:
    """The host of *url*, if the document names hosts and it is none of them."""
    host = urlsplit(url).netloc.rpartition("@")[2].lower()
    hosts = [known for known, _ in document.bases if known]
    return host if host and hosts and host not in hosts else None


def fitting(path: str, paths: Iterable[str]) -> list[str]:
    """Those of *paths* that *path* fits; those with fewer parameters and more text first, as concrete ones go before (OpenAPI 3.1, 4.8.8.2)."""
    fits = [known for known in paths if re.fullmatch(pattern(known), path)]
    return sorted(fits, key=lambda known: (len(PLACE.findall(known)), -len(PLACE.sub("", known))))


def pattern(path: str) -> str:
    """A regular expression for what *path* stands for."""
    pieces = re.split(PLACE, path)
    return "[^/]+".join(re.escape(piece) for piece in pieces)


def shape(path: str) -> str:
    """*path* with all parameters alike, to be compared with others."""
    return PLACE.sub("{}", readable(path))


def readable(path: str) -> str:
    """*path* with the marks of fields as placeholders again."""
    return unmarked(path)


def listed(intro: str, names: Iterable[str], most: int = 8) -> str:
    """The first of *names* in a sentence."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return f"{intro} {', '.join(every[:most])}{more}" if every else f"{intro} none"
